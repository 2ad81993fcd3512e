//! Takes out of reports and frames what must not leave a company: each address, name and id gets a substitute,
//! the same one wherever it stands under the same key.
//!
//! Substitutes come from a keyed hash (SHA-256, nested as in RFC 2104's idea: the key goes in twice). Addresses
//! keep common prefixes common (as Crypto-PAn does), and their kind: multicast stays multicast. Names keep their
//! length, their punctuation and which of their characters are digits, so that a frame still dissects.

mod datagrams;
mod der;
mod frame;
mod messages;
mod names;
mod preamble;
mod streams;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use sha2::{Digest, Sha256};

use crate::base::{Frame, Limits, open_flags};
use crate::packet::{Body, Decoder};
use frame::{Carried, Walk};
use streams::Streams;

pub use names::Names;

open_flags! {
    /// What is taken out.
    pub struct Kinds(u8) {
        /// IP and MAC addresses, and ids made of them.
        ADDRESSES = 0x01,
        /// Names of hosts and domains.
        HOSTS = 0x02,
        /// Names of users: cookies, routing tokens.
        USERS = 0x04,
        /// Names, serial numbers and hashes of certificates.
        CERTIFICATES = 0x08,
        /// Correlation ids.
        IDS = 0x10,
        /// Names of files.
        FILES = 0x20,
    }
}

impl Kinds {
    /// Everything.
    pub const ALL: Kinds = Kinds(0x3f);

    /// What is taken out, in words.
    pub fn words(self) -> String {
        const WORDS: [(Kinds, &str); 6] = [
            (Kinds::ADDRESSES, "IP and MAC addresses"),
            (Kinds::HOSTS, "names of hosts and domains"),
            (Kinds::USERS, "user names, cookies and routing tokens"),
            (Kinds::CERTIFICATES, "names, serial numbers and hashes of certificates"),
            (Kinds::IDS, "correlation ids"),
            (Kinds::FILES, "names of files"),
        ];
        let words = WORDS.iter().filter(|(kind, _)| self.contains(*kind)).map(|(_, word)| *word);
        words.collect::<Vec<_>>().join(", ")
    }

    /// By what is typed: "addresses", "hosts" ("domains"), "users", "certificates", "ids", "files", "all".
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "addresses" => Kinds::ADDRESSES,
            "hosts" | "domains" => Kinds::HOSTS,
            "users" => Kinds::USERS,
            "certificates" => Kinds::CERTIFICATES,
            "ids" => Kinds::IDS,
            "files" => Kinds::FILES,
            "all" => Kinds::ALL,
            _ => return None,
        })
    }
}

/// What keeps the hashes of different things apart.
#[derive(Clone, Copy)]
enum Use {
    V4 = 1,
    V6,
    Mac,
    Word,
    Id,
}

/// Makes substitutes.
#[derive(Clone)]
pub struct Redactor {
    key: [u8; 32],
    kinds: Kinds,
    /// Addresses that were asked for: each bit of one costs two hashes.
    known: RefCell<HashMap<IpAddr, IpAddr, ahash::RandomState>>,
}

/// Addresses that are remembered.
const KNOWN: usize = 1 << 16;

/// Keys stay out of logs.
impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor {{ kinds: {:?} }}", self.kinds)
    }
}

impl Redactor {
    /// Under a key of any length; the same key gives the same substitutes.
    pub fn new(key: &[u8], kinds: Kinds) -> Self {
        Redactor { key: Sha256::digest(key).into(), kinds, known: RefCell::default() }
    }

    /// What is taken out.
    pub const fn kinds(&self) -> Kinds {
        self.kinds
    }

    fn hash(&self, of: Use, data: &[u8]) -> [u8; 32] {
        let inner =
            Sha256::new().chain_update(self.key).chain_update([of as u8]).chain_update(data).finalize();
        Sha256::new().chain_update(self.key).chain_update(inner).finalize().into()
    }

    /// An address: two with a common prefix have substitutes with one as long.
    pub fn ip(&self, ip: IpAddr) -> IpAddr {
        if let Some(known) = self.known.borrow().get(&ip) {
            return *known;
        }
        let made = match ip {
            IpAddr::V4(ip) => self.v4(ip).into(),
            IpAddr::V6(ip) => self.v6(ip).into(),
        };
        let mut known = self.known.borrow_mut();
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(ip, made);
        made
    }

    /// The bytes of an address of either version, as many.
    fn ip_bytes(&self, bytes: &mut [u8]) {
        if let Ok(ip) = <[u8; 4]>::try_from(&*bytes) {
            if let IpAddr::V4(made) = self.ip(ip.into()) {
                bytes.copy_from_slice(&made.octets());
            }
        } else if let Ok(ip) = <[u8; 16]>::try_from(&*bytes)
            && let IpAddr::V6(made) = self.ip(ip.into())
        {
            bytes.copy_from_slice(&made.octets());
        }
    }

    /// Those that name nobody stay: 0.0.0.0/8, loopback, multicast and reserved ones.
    fn v4(&self, ip: Ipv4Addr) -> Ipv4Addr {
        let names_nobody = |bits: u32| matches!(bits >> 24, 0 | 127 | 224..);
        if names_nobody(ip.to_bits()) {
            return ip;
        }
        let mut bits = u128::from(ip.to_bits()) << 96;
        // A one-to-one map led there, so it leads out again; the bound is for the compiler's and our peace.
        for _ in 0..256 {
            bits = self.prefixes(Use::V4, bits, 0, 32);
            if !names_nobody((bits >> 96) as u32) {
                break;
            }
        }
        Ipv4Addr::from_bits((bits >> 96) as u32)
    }

    /// The kind of address stays: multicast, link-local, unique local, global.
    fn v6(&self, ip: Ipv6Addr) -> Ipv6Addr {
        const SOLICITED: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;
        let bits = ip.to_bits();
        if let Some(inner) = ip.to_ipv4_mapped() {
            return self.v4(inner).to_ipv6_mapped();
        }
        let kept = match ip.segments() {
            _ if bits >> 24 == SOLICITED >> 24 => 104,
            [0, 0, 0, 0, 0, 0, ..] | [0xff00..=0xffff, ..] => return ip,
            // NAT64.
            [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
                let inner = self.v4(Ipv4Addr::from_bits(bits as u32)).to_bits();
                return Ipv6Addr::from_bits(bits >> 32 << 32 | u128::from(inner));
            }
            [0xfe80..=0xfebf, ..] => 64,
            [0xfc00..=0xfdff, ..] => 8,
            _ => 3,
        };
        Ipv6Addr::from_bits(self.prefixes(Use::V6, bits, kept, 128))
    }

    /// Turns each bit from `from` to `to` (the highest is 0) or not, as the bits before it say.
    fn prefixes(&self, of: Use, bits: u128, from: u32, to: u32) -> u128 {
        let mut turned = 0;
        for at in from..to {
            let before = if at == 0 { 0 } else { bits >> (128 - at) << (128 - at) };
            let [first, ..] = self.hash(of, &[&before.to_be_bytes()[..], &[at as u8]].concat());
            turned |= u128::from(first & 1) << (127 - at);
        }
        bits ^ turned
    }

    /// A MAC address; broadcast, zeros and IPv4 multicast stay.
    pub fn mac(&self, mac: [u8; 6]) -> [u8; 6] {
        match mac {
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
            | [0, 0, 0, 0, 0, 0]
            | [0x01, 0x00, 0x5e, ..]
            | [0x01, 0x80, 0xc2, ..] => mac,
            [0x33, 0x33, 0xff, ..] => {
                let [a, b, c, ..] = self.hash(Use::Mac, &mac);
                [0x33, 0x33, 0xff, a, b, c]
            }
            [0x33, 0x33, ..] => mac,
            [group, ..] => {
                let hash = self.hash(Use::Mac, &mac);
                let mut made = mac;
                made.copy_from_slice(&hash[..6]);
                // Locally administered; to one or to many, as it was.
                made[0] = made[0] & !3 | 2 | group & 1;
                made
            }
        }
    }

    /// Bytes of an id, as many.
    pub fn id(&self, id: &[u8]) -> Vec<u8> {
        if id.iter().all(|byte| *byte == 0) {
            return id.to_vec();
        }
        let mut made = Vec::with_capacity(id.len());
        let mut block = self.hash(Use::Id, id);
        while made.len() < id.len() {
            made.extend_from_slice(block.get(..(id.len() - made.len()).min(32)).unwrap_or(&block));
            block = self.hash(Use::Id, &block);
        }
        made
    }

    /// The same where ids are to be taken out.
    fn id_if(&self, id: &[u8]) -> Vec<u8> {
        if self.kinds.contains(Kinds::IDS) { self.id(id) } else { id.to_vec() }
    }

    /// A name: an address if it is one, else each of its words.
    pub fn name(&self, name: &str) -> String {
        match name.parse() {
            Ok(ip) => self.ip(ip).to_string(),
            Err(_) => String::from_utf8_lossy(&self.words(name.as_bytes())).into_owned(),
        }
    }

    /// What names a host, which may be an address: each where its kind is to be taken out.
    pub fn host(&self, text: &str) -> String {
        let kind = if text.parse::<IpAddr>().is_ok() { Kinds::ADDRESSES } else { Kinds::HOSTS };
        if self.kinds.contains(kind) { self.name(text) } else { text.to_owned() }
    }

    /// The name of an application protocol (ALPN): those that many clients have name nobody.
    pub fn protocol(&self, name: &[u8]) -> Vec<u8> {
        const USUAL: [&[u8]; 5] = [b"h2", b"h3", b"http/1.0", b"http/1.1", b"tds/8.0"];
        if USUAL.contains(&name) { name.to_vec() } else { self.words(name) }
    }

    /// Each word of a text, as long as it was: letters become letters, digits digits, and capitals do not matter.
    /// Bytes beyond ASCII become letters; what is between words stays.
    pub fn words(&self, text: &[u8]) -> Vec<u8> {
        let mut made = Vec::with_capacity(text.len());
        for part in text.chunk_by(|a, b| in_word(*a) == in_word(*b)) {
            match part.first() {
                Some(first) if in_word(*first) => self.word(part, &mut made),
                _ => made.extend_from_slice(part),
            }
        }
        made
    }

    fn word(&self, word: &[u8], made: &mut Vec<u8>) {
        let plain = word.to_ascii_lowercase();
        let start = made.len();
        let mut block = self.hash(Use::Word, &plain);
        for (at, byte) in word.iter().enumerate() {
            if at > 0 && at % 32 == 0 {
                block = self.hash(Use::Word, &block);
            }
            let noise = block.get(at % 32).copied().unwrap_or_default();
            made.push(match byte {
                b'0'..=b'9' => b'0' + noise % 10,
                b'A'..=b'Z' => b'A' + noise % 26,
                _ => b'a' + noise % 26,
            });
        }
        // A short word could become itself.
        if made.get(start..).is_some_and(|now| now == word)
            && let Some(first) = made.get_mut(start)
        {
            *first = match *first {
                b'9' => b'0',
                b'Z' => b'A',
                b'z' => b'a',
                other => other + 1,
            };
        }
    }
}

const fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Rewrites the frames of a capture, which are shown to it twice: first all, to [`Frames::learn`], then those
/// that are wanted.
#[derive(Debug)]
pub struct Frames<'a> {
    redactor: &'a Redactor,
    decoder: Decoder,
    streams: Streams,
    /// Frames that could not be kept.
    pub dropped: u64,
}

impl<'a> Frames<'a> {
    /// Nothing learned yet.
    pub fn new(redactor: &'a Redactor) -> Self {
        let decoder = Decoder::new(&Limits::default());
        Frames { redactor, decoder, streams: Streams::default(), dropped: 0 }
    }

    /// Another capture begins, which has nothing to do with the ones before.
    pub fn begin(&mut self) {
        self.decoder = Decoder::new(&Limits::default());
        self.streams = Streams::default();
    }

    /// Takes a frame of the first reading; `order` is its place in it, from 1.
    pub fn learn(&mut self, frame: &Frame<'_>, order: u64) {
        if let Ok(packet) = self.decoder.decode(frame, order)
            && let Body::Tcp(segment) = packet.body
        {
            let from = SocketAddr::new(packet.meta.src, segment.src_port);
            let to = SocketAddr::new(packet.meta.dst, segment.dst_port);
            self.streams.learn(from, to, &segment, order);
        }
    }

    /// The frame as it may be shown, never longer; `None` where it can't be. `order` as when it was learned.
    pub fn rewrite(&mut self, frame: &Frame<'_>, order: u64) -> Option<Vec<u8>> {
        let mut data = frame.data.to_vec();
        let (redactor, streams) = (self.redactor, &mut self.streams);
        let mut payload = |carried: Carried, data: &mut [u8]| match carried {
            Carried::Tcp(from, to, seq) => streams.rewrite(redactor, (from, to, seq), order, data),
            Carried::Udp(wire) => datagrams::datagram(redactor, data, wire),
        };
        let done = Walk { redactor, payload: &mut payload }.link(frame.link, &mut data);
        if done.is_err() {
            self.dropped += 1;
        }
        done.ok().map(|()| data)
    }
}
