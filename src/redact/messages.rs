//! What may stay of the bytes of a stream: the frame of its messages, and of those in clear what names nobody.
//! Everything else becomes zeros, so that lengths stay and it dissects as before.

use std::net::IpAddr;

use super::preamble::preamble;
use super::{Kinds, Redactor, der};

/// The same stream with as many bytes.
pub(super) fn rewrite(redactor: &Redactor, bytes: &[u8]) -> Vec<u8> {
    let mut out = Out { redactor, from: bytes, to: vec![0; bytes.len()] };
    let mut tls = Tls::default();
    let mut at = 0;
    // A proxy may answer behind another.
    for _ in 0..4 {
        let Some(before) = bytes.get(at..).and_then(|rest| preamble(redactor, rest)) else { break };
        out.put(at, &before);
        at += before.len();
    }
    while at < bytes.len() {
        let used = match *out.bytes(at, 4) {
            [3, 0, high, low] => out.tpkt(at, usize::from(u16::from_be_bytes([high, low]))),
            [kind @ 20..=24, 3, 0..=4, _] => out.record(at, kind, &mut tls),
            // Fast-path.
            [first, length, low, _] if first.trailing_zeros() >= 2 && tls.records == 0 => {
                let (head, length) = if length & 0x80 == 0 {
                    (2, usize::from(length))
                } else {
                    (3, usize::from(u16::from_be_bytes([length & 0x7f, low])))
                };
                out.fast_path(at, head, length)
            }
            _ => None,
        };
        let Some(used) = used.filter(|used| *used > 0) else { break };
        at += used;
    }
    out.to
}

struct Out<'a> {
    redactor: &'a Redactor,
    from: &'a [u8],
    to: Vec<u8>,
}

/// Handshake messages over several records.
#[derive(Default)]
struct Tls {
    records: usize,
    sealed: bool,
    message: Vec<u8>,
    /// Where its bytes lie.
    places: Vec<usize>,
}

impl Out<'_> {
    fn bytes(&self, at: usize, count: usize) -> &[u8] {
        self.from.get(at..at + count).unwrap_or_default()
    }

    fn keep(&mut self, at: usize, count: usize) {
        let end = (at + count).min(self.from.len());
        if let (Some(to), Some(from)) = (self.to.get_mut(at..end), self.from.get(at..end)) {
            to.copy_from_slice(from);
        }
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        if let Some(to) = self.to.get_mut(at..at + bytes.len()) {
            to.copy_from_slice(bytes);
        }
    }

    /// Input and output of a session in clear: as many events, or one update as long, that say nothing
    /// (2.2.8.1.2, 2.2.9.1.2).
    fn fast_path(&mut self, at: usize, head: usize, length: usize) -> Option<usize> {
        const SYNCHRONIZE: u8 = 3 << 5;
        const POINTER_HIDDEN: u8 = 5;
        let body = length.checked_sub(head)?;
        self.keep(at, head);
        let first = self.bytes(at, 1).first().copied().unwrap_or_default();
        let [low, high] = (body.saturating_sub(3) as u16).to_le_bytes();
        match (first & 0xc0, first >> 2 & 15) {
            (0, 0) if body >= 3 => self.put(at + head, &[POINTER_HIDDEN, low, high]),
            (0, 1..) => self.put(at + head, &vec![SYNCHRONIZE; body]),
            _ => {}
        }
        Some(length)
    }

    fn record(&mut self, at: usize, kind: u8, tls: &mut Tls) -> Option<usize> {
        let header = self.bytes(at, 5);
        let length = usize::from(u16::from_be_bytes([*header.get(3)?, *header.get(4)?]));
        if length > 0x4800 {
            return None;
        }
        self.keep(at, 5);
        tls.records += 1;
        let end = (at + 5 + length).min(self.from.len());
        let body = self.from.get(at + 5..end).unwrap_or_default();
        match kind {
            20 => {
                self.keep(at + 5, length.min(1));
                tls.sealed = true;
            }
            21 if length == 2 && !tls.sealed => self.keep(at + 5, 2),
            22 => {
                // A second hello may come after a change of ciphers that changes nothing (RFC 8446, section 5).
                let hello = matches!(*body, [1 | 2, 0, high, low, ..] if usize::from(u16::from_be_bytes([high, low])) + 4 == length);
                if !tls.sealed || hello {
                    tls.message.extend_from_slice(body);
                    tls.places.extend(at + 5..end);
                    self.handshake(tls);
                }
            }
            _ => {}
        }
        Some(5 + length)
    }

    /// The handshake messages that are whole.
    fn handshake(&mut self, tls: &mut Tls) {
        while let &[kind, high, mid, low, ..] = tls.message.as_slice() {
            let length = usize::from(high) << 16 | usize::from(u16::from_be_bytes([mid, low]));
            for place in tls.places.iter().take(4) {
                self.keep(*place, 1);
            }
            let Some(body) = tls.message.get(4..4 + length) else { return };
            let made = handshake(self.redactor, kind, body, false);
            for (place, byte) in tls.places.iter().skip(4).zip(&made) {
                self.put(*place, &[*byte]);
            }
            tls.message.drain(..4 + length);
            tls.places.drain(..4 + length);
        }
    }

    /// X.224 and what it carries in clear (MS-RDPBCGR).
    fn tpkt(&mut self, at: usize, length: usize) -> Option<usize> {
        if length < 7 {
            return None;
        }
        self.keep(at, 4);
        let unit = self.from.get(at..at + length)?;
        match unit.get(5)? & 0xf0 {
            0xe0 => {
                self.keep(at + 4, 7);
                self.request(at + 11, at + length);
            }
            0xd0 => self.keep(at + 4, 7 + 8.min(length.saturating_sub(11))),
            0xf0 => {
                self.keep(at + 4, 3);
                self.mcs(at + 7, at + length);
            }
            _ => {}
        }
        Some(length)
    }

    /// Cookie or token, RDP_NEG_REQ, correlation id (2.2.1.1).
    fn request(&mut self, mut at: usize, end: usize) {
        let text = self.from.get(at..end).unwrap_or_default();
        if let Some(line) = text.windows(2).position(|pair| pair == b"\r\n").and_then(|end| text.get(..end)) {
            const KNOWN: [&[u8]; 3] = [b"Cookie: mstshash=", b"Cookie: msts=", b"Cookie: "];
            let known = KNOWN.iter().find(|known| line.starts_with(known)).map_or(0, |known| known.len());
            let mut made = line.to_vec();
            if self.redactor.kinds().contains(Kinds::USERS)
                && let (Some(to), Some(value)) = (made.get_mut(known..), line.get(known..))
            {
                to.copy_from_slice(&self.redactor.words(value));
            }
            self.put(at, &made);
            self.keep(at + line.len(), 2);
            at += line.len() + 2;
        }
        if self.bytes(at, 1) == [1] && at + 8 <= end {
            self.keep(at, 8);
            at += 8;
        }
        if self.bytes(at, 1) == [6] && at + 36 <= end {
            self.keep(at, 4);
            let id = self.redactor.id_if(self.bytes(at + 4, 16));
            self.put(at + 4, &id);
        }
    }

    fn mcs(&mut self, at: usize, end: usize) {
        match self.bytes(at, 2) {
            [0x7f, 0x65 | 0x66] => self.connect(at, end),
            [choice, _] => match choice >> 2 {
                // Users, channels, and the end.
                1 | 8 | 10 | 11 | 14 | 15 if end - at <= 16 => self.keep(at, end - at),
                25 | 26 => self.send_data(at, end),
                _ => {}
            },
            _ => {}
        }
    }

    /// Connect-Initial and Connect-Response with the blocks of GCC (2.2.1.3, 2.2.1.4).
    fn connect(&mut self, at: usize, end: usize) {
        let unit = self.from.get(at..end).unwrap_or_default();
        let marker = unit.windows(4).position(|four| four == b"Duca" || four == b"McDn");
        let Some(marker) = marker else { return self.keep(at, 2) };
        let long = self.bytes(at + marker + 4, 1).first().is_some_and(|length| length & 0x80 != 0);
        let mut block = at + marker + 4 + if long { 2 } else { 1 };
        self.keep(at, block - at);
        while let &[low, high, length, more] = self.bytes(block, 4) {
            let length = usize::from(u16::from_le_bytes([length, more]));
            if length < 4 || block + length > end {
                break;
            }
            let kept = match u16::from_le_bytes([low, high]) {
                0xc001 => {
                    // clientName, 16 characters of UTF-16.
                    let name = self.bytes(block + 24, 32.min(length.saturating_sub(24))).to_vec();
                    let made = self.utf16(&name);
                    self.put(block + 24, &made);
                    for (from, to) in [(56, 68), (132, 136), (140, 146)] {
                        self.keep(block + from, to.min(length).saturating_sub(from));
                    }
                    24
                }
                0xc002 | 0xc003 | 0x0c01 | 0x0c03 => length,
                0x0c02 => 20,
                0xc004 => 8,
                _ => 4,
            };
            self.keep(block, kept.min(length));
            block += length;
        }
    }

    fn utf16(&self, name: &[u8]) -> Vec<u8> {
        if !self.redactor.kinds().contains(Kinds::HOSTS) {
            return name.to_vec();
        }
        let text: Vec<u8> = name
            .chunks(2)
            .map(|unit| if unit.get(1) == Some(&0) { unit.first().copied().unwrap_or(0) } else { b'x' })
            .take_while(|byte| *byte != 0)
            .collect();
        let mut made: Vec<u8> = self.redactor.words(&text).into_iter().flat_map(|byte| [byte, 0]).collect();
        made.resize(name.len(), 0);
        made
    }

    /// Send Data Request and Indication: security header, license or share control header (2.2.8.1, 2.2.9.1).
    fn send_data(&mut self, at: usize, end: usize) {
        let head = if self.bytes(at + 6, 1).first().is_some_and(|length| length & 0x80 != 0) { 8 } else { 7 };
        self.keep(at, head);
        let at = at + head;
        let Some(&[low, high, kind, _, license, _]) =
            self.from.get(at..end).and_then(|data| data.first_chunk::<6>())
        else {
            return;
        };
        let (flags, left) = (u16::from_le_bytes([low, high]), end - at);
        let kept = if usize::from(flags) == left {
            // A share control header says how long it is: after it that of data, and a Set Error Info's code; or
            // the start of a Server Redirection.
            match kind & 15 {
                7 if self.bytes(at + 14, 1) == [47] => 22,
                7 => 18,
                10 => 12,
                _ => 6,
            }
        } else {
            // A security header: ENCRYPT, LICENSE_PKT (an error is but a code), EXCHANGE_PKT.
            match flags {
                _ if flags & 0x0008 != 0 => 4,
                _ if flags & 0x0080 != 0 && license == 0xff => 20,
                _ if flags & 0x0081 != 0 => 8,
                _ if flags & 0x0440 != 0 => 4,
                _ => 0,
            }
        };
        self.keep(at, kept.min(left));
    }
}

/// The body of a handshake message in clear; `datagrams`: of DTLS.
pub(super) fn handshake(redactor: &Redactor, kind: u8, body: &[u8], datagrams: bool) -> Vec<u8> {
    let mut made = vec![0; body.len()];
    match kind {
        1 | 2 => hello(redactor, kind, body, datagrams, &mut made),
        11 => certificates(redactor, body, &mut made),
        // Ephemeral keys and what signs them: nobody is named.
        12 => made.copy_from_slice(body),
        // How long a ticket lives, and its length.
        4 => copy(body, &mut made, 0, 6),
        // The length of a secret.
        16 => copy(body, &mut made, 0, if body.first() == Some(&0) { 2 } else { 1 }),
        13 => {
            // Types and algorithms; whom the server trusts is left out.
            let types = 1 + usize::from(body.first().copied().unwrap_or_default());
            let algorithms = 2 + u16_at(body, types);
            copy(body, &mut made, 0, types + algorithms);
        }
        _ => {}
    }
    made
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 2).map_or(0, |two| usize::from(u16::from_be_bytes([two[0], two[1]])))
}

fn copy(from: &[u8], to: &mut [u8], at: usize, count: usize) {
    let end = at.saturating_add(count).min(from.len());
    if let (Some(to), Some(from)) = (to.get_mut(at..end), from.get(at..end)) {
        to.copy_from_slice(from);
    }
}

fn place(to: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(to) = to.get_mut(at..at + bytes.len()) {
        to.copy_from_slice(bytes);
    }
}

/// ClientHello and ServerHello (RFC 8446, section 4.1).
fn hello(redactor: &Redactor, kind: u8, body: &[u8], datagrams: bool, made: &mut [u8]) {
    const RETRY: [u8; 4] = [0xcf, 0x21, 0xad, 0x74];
    copy(body, made, 0, 2);
    // A key log finds its session by the random; the one that asks for a retry says just that.
    match body.get(2..34) {
        Some(random) if random.starts_with(&RETRY) => copy(body, made, 2, 32),
        Some(random) => place(made, 2, &redactor.id(random)),
        None => return,
    }
    let mut at = 34;
    let secret = |at: &mut usize, made: &mut [u8]| {
        let length = usize::from(body.get(*at).copied().unwrap_or_default());
        copy(body, made, *at, 1);
        place(made, *at + 1, &redactor.id(body.get(*at + 1..*at + 1 + length).unwrap_or_default()));
        *at += 1 + length;
    };
    secret(&mut at, made);
    if kind == 1 {
        if datagrams {
            secret(&mut at, made);
        }
        let ciphers = 2 + u16_at(body, at);
        copy(body, made, at, ciphers);
        at += ciphers;
        let compressions = 1 + usize::from(body.get(at).copied().unwrap_or_default());
        copy(body, made, at, compressions);
        at += compressions;
    } else {
        copy(body, made, at, 3);
        at += 3;
    }
    copy(body, made, at, 2);
    at += 2;
    while at + 4 <= body.len() {
        let (id, length) = (u16_at(body, at), u16_at(body, at + 2));
        copy(body, made, at, 4);
        at += 4;
        match id {
            0 => name(redactor, body, at, length, made),
            16 => protocols(redactor, body, at, length, made),
            // What names nobody: versions, groups, formats, algorithms, flags, keys of this session only.
            5 | 10 | 11 | 13 | 22 | 23 | 27 | 28 | 43 | 45 | 49..=51 | 65281 => {
                copy(body, made, at, length);
            }
            _ => {}
        }
        at += length;
    }
}

/// server_name: list, type, name.
fn name(redactor: &Redactor, body: &[u8], at: usize, length: usize, made: &mut [u8]) {
    copy(body, made, at, 5.min(length));
    if let Some(name) = body.get(at + 5..at + length) {
        let is_address = str::from_utf8(name).is_ok_and(|name| name.parse::<IpAddr>().is_ok());
        let kind = if is_address { Kinds::ADDRESSES } else { Kinds::HOSTS };
        let out = redactor.kinds().contains(kind);
        place(made, at + 5, &if out { redactor.words(name) } else { name.to_vec() });
    }
}

/// application_layer_protocol_negotiation: list, and a length before each name.
fn protocols(redactor: &Redactor, body: &[u8], at: usize, length: usize, made: &mut [u8]) {
    if !redactor.kinds().contains(Kinds::HOSTS) {
        return copy(body, made, at, length);
    }
    copy(body, made, at, 2.min(length));
    let end = (at + length).min(body.len());
    let mut at = at + 2;
    while let Some(&count) = body.get(at..end).and_then(<[u8]>::first) {
        let next = at + 1 + usize::from(count);
        made.get_mut(at).into_iter().for_each(|made| *made = count);
        if let Some(name) = body.get(at + 1..next.min(end)) {
            place(made, at + 1, &redactor.protocol(name));
        }
        at = next;
    }
}

fn certificates(redactor: &Redactor, body: &[u8], made: &mut [u8]) {
    copy(body, made, 0, 3);
    let mut at = 3;
    while let Some(&[high, mid, low]) = body.get(at..at + 3) {
        let length = usize::from(high) << 16 | usize::from(u16::from_be_bytes([mid, low]));
        copy(body, made, at, 3);
        at += 3;
        let Some(certificate) = body.get(at..at + length) else { return };
        if redactor.kinds().contains(Kinds::CERTIFICATES) {
            place(made, at, &der::certificate(redactor, certificate));
        } else {
            copy(body, made, at, length);
        }
        at += length;
    }
}
