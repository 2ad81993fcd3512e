//! Connections whose TLS is opened by keys: what is inside of them, and records that no honest end would send.

use std::collections::HashMap;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes128Gcm, Nonce};
use hmac::{Hmac, Mac};
use rdpwhy::analyzer::{Analyzer, Options};
use rdpwhy::base::{Chunk, Dir, Frame, FrameRef, Limits, LinkType, PerDir, Stamp, Timestamp};
use rdpwhy::layers::{DtlsDatagrams, Http, HttpUnit, Keys, TlsStream};
use rdpwhy::protocol::gcc::EncryptionMethods;
use rdpwhy::protocol::tsgu::PacketType;
use rdpwhy::session::{Gateway, Tls};
use sha2::Sha256;

/// HTTP as both ends speak it: direction, length, bytes, again and again. A body is never longer than what came.
pub fn http(data: &[u8]) {
    let (mut http, mut rest) = (Http::default(), data);
    let (mut came, mut bodies) = (0, 0);
    while let [what, len, bytes @ ..] = rest {
        let len = usize::from(*len) * if what & 2 == 0 { 1 } else { 9 };
        let (now, after) = bytes.split_at(len.min(bytes.len()));
        rest = after;
        came += now.len();
        let _ = http.push(Dir::BOTH[usize::from(what & 1)], now, |unit| match unit {
            HttpUnit::Body(body) => bodies += body.len(),
            HttpUnit::Request(head) => {
                assert!(head.method.chars().count() <= 40);
                assert!(head.connection_id.is_none_or(|id| id.chars().count() <= 40));
            }
            HttpUnit::Response(_) | HttpUnit::Close(_) => {}
        });
    }
    assert!(bodies <= came, "{bodies} bytes of bodies in {came}");
}

/// A selector, then a key log, or a file of private keys and what they are to open.
pub fn keys(data: &[u8]) {
    let Some((&which, file)) = data.split_first() else { return };
    let keys = Keys::default();
    if which & 1 == 0 {
        let added = keys.add(file);
        assert!(added.lines <= file.len() as u64 && keys.len() <= added.secrets);
        assert_eq!(added.first_unknown.is_some(), added.unknown > 0);
        assert_eq!(keys.is_empty(), added.secrets == 0);
    } else {
        // As the public exponent is the private one, what is sealed is its number itself.
        keys.add_private(b"pub_mod=0xc5,0xff,0xff,0xff,0xff,0xff,0xff,0xff\npri_exp=0x01\n");
        keys.add_private(file);
        let methods = [0, 1, 2, 8, 16];
        let method = EncryptionMethods(methods[usize::from(which >> 1) % methods.len()]);
        let (sealed, messages) = file.split_at(file.len().min(8));
        if let Some(mut standard) = keys.standard(method, sealed, &[7; 32]) {
            for (message, index) in messages.chunks(29).zip(0_usize..) {
                let dir = Dir::BOTH[index & 1];
                let opened = standard.open(dir, message, index & 2 != 0);
                assert_eq!(opened.is_some(), standard.is_open(dir));
            }
        }
    }
    let shown = format!("{keys:?}");
    assert!(shown.len() < 40, "{shown}");
}

/// Suites of every kind that is opened.
const SUITES: [u16; 14] = [
    0x002f, 0x0035, 0x000a, 0x003c, 0xc028, 0x009c, 0x009d, 0xc09c, 0xc0a1, 0xcca8, 0x1301, 0x1302, 0x1303,
    0x1304,
];
const ZEROS: [u8; 32] = [0; 32];
/// The master secret of every connection here.
const MASTER: [u8; 48] = [0; 48];

fn key_log() -> Keys {
    let keys = Keys::default();
    let (random, secret) = ("0".repeat(64), "0".repeat(96));
    keys.add(format!("CLIENT_RANDOM {random} {secret}").as_bytes());
    for end in ["CLIENT", "SERVER"] {
        for label in ["HANDSHAKE_TRAFFIC_SECRET", "TRAFFIC_SECRET_0"] {
            keys.add(format!("{end}_{label} {random} {secret}").as_bytes());
        }
    }
    keys
}

fn hello(kind: u8, version: [u8; 2], between: &[u8], extensions: &[u8]) -> Vec<u8> {
    let extensions = [&(extensions.len() as u16).to_be_bytes()[..], extensions].concat();
    let body = [&version, &ZEROS[..], &[0], between, &extensions].concat();
    [&[kind, 0], &(body.len() as u16).to_be_bytes()[..], &body].concat()
}

fn client_hello() -> Vec<u8> {
    hello(1, [3, 3], &[0, 2, 0, 0x2f, 1, 0], &[])
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3], &(body.len() as u16).to_be_bytes()[..], body].concat()
}

/// Version and suite, extensions of the ServerHello, and then records: direction and type, length, bytes. What opens
/// by chance only a broken suite would; all that comes before that is run.
pub fn opener(data: &[u8]) {
    let [how, suite, rest @ ..] = data else { return };
    let suite = SUITES[usize::from(*suite) % SUITES.len()].to_be_bytes();
    let versions = [[3, 1], [3, 2], [3, 3]];
    let version = versions[usize::from(how & 3) % 3];
    let extensions: &[u8] = match how >> 2 & 3 {
        0 => &[],
        1 => &[0, 22, 0, 0],
        _ => &[0, 43, 0, 2, 3, 4],
    };
    let hellos = [client_hello(), hello(2, version, &[suite[0], suite[1], 0], extensions)];
    let limits = Limits { message_bytes: 4096, ..Limits::default() };
    let datagrams = how & 16 != 0;
    let (mut stream, mut dtls) = (TlsStream::new(&limits, key_log()), DtlsDatagrams::new(&limits, key_log()));
    let (mut tls, mut offsets, mut order) = (Tls::default(), PerDir::<u64>::default(), 0_u64);
    let mut push = |dir: Dir, body: &[u8], kind: u8, missing: u64| {
        order += 1;
        let stamp = Stamp { at: FrameRef::new(0, order), time: Timestamp(order as i64), order };
        let bytes = if datagrams {
            let epoch = u8::from(kind != 22);
            let head = [kind, 254, 253, 0, epoch, 0, 0, 0, 0, 0, order as u8];
            [&head[..], &(body.len() as u16).to_be_bytes(), body].concat()
        } else {
            record(kind, body)
        };
        let len = bytes.len() as u64;
        let kept = &bytes[..bytes.len() - (missing as usize).min(body.len())];
        let chunk = Chunk { offset: offsets[dir], data: kept, len, stamp };
        let _ = if datagrams {
            tls.datagram(&mut dtls, dir, &chunk)
        } else {
            tls.stream(&mut stream, dir, &chunk)
        };
        offsets[dir] += len;
        for (clear, len, _) in tls.take_clear() {
            assert!(clear.len() as u64 <= len);
        }
    };
    for (dir, hello) in Dir::BOTH.into_iter().zip(&hellos) {
        let message = if datagrams {
            let (head, body) = hello.split_at(4);
            [head, &[0; 5], &head[1..], body].concat()
        } else {
            hello.clone()
        };
        push(dir, &message, 22, 0);
        push(dir, &[1], 20, 0);
    }
    let mut rest = rest;
    while let [what, len, bytes @ ..] = rest {
        let (body, after) = bytes.split_at(usize::from(*len).min(bytes.len()));
        rest = after;
        let kind = [23, 23, 21, 22][usize::from(what >> 1 & 3)];
        push(Dir::BOTH[usize::from(what & 1)], body, kind, u64::from(what >> 5));
    }
}

/// HMAC with SHA-256.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// TLS 1.2 with AES-128 in GCM (RFC 5246, section 6.3; RFC 5288) on connections to a gateway, each begun when it is
/// first used.
struct Talk {
    analyzer: Analyzer,
    frames: u64,
    /// Cipher and fixed nonce of each direction.
    ciphers: [(Aes128Gcm, [u8; 4]); 2],
    /// Sequence numbers of TCP, and of records.
    open: HashMap<u16, ([u32; 2], [u64; 2])>,
}

impl Talk {
    fn new() -> Self {
        let seed = [&b"key expansion"[..], &ZEROS, &ZEROS].concat();
        let a = hmac(&MASTER, &seed);
        let second = hmac(&MASTER, &a);
        let block = [hmac(&MASTER, &[&a[..], &seed].concat()), hmac(&MASTER, &[&second[..], &seed].concat())]
            .concat();
        let cipher = |n: usize| {
            let cipher = Aes128Gcm::new_from_slice(&block[16 * n..16 * (n + 1)]).unwrap();
            (cipher, <[u8; 4]>::try_from(&block[32 + 4 * n..36 + 4 * n]).unwrap())
        };
        let ciphers = [cipher(0), cipher(1)];
        let analyzer = Analyzer::new(Options { keys: key_log(), ..Options::default() });
        Talk { analyzer, frames: 0, ciphers, open: HashMap::new() }
    }

    fn frame(&mut self, port: u16, from: usize, flags: u8, payload: &[u8]) {
        self.frames += 1;
        let seqs = &mut self.open.entry(port).or_insert(([1000, 9000], [0; 2])).0;
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
        frame.extend((40 + payload.len() as u16).to_be_bytes());
        frame.extend((self.frames as u16).to_be_bytes());
        frame.extend([0x40, 0, 64, 6, 0, 0]);
        let (ends, ports) = ([[10, 0, 0, 2], [10, 0, 0, 1]], [port, 443]);
        frame.extend([ends[from], ends[1 - from]].concat());
        frame.extend([ports[from].to_be_bytes(), ports[1 - from].to_be_bytes()].concat());
        frame.extend([seqs[from].to_be_bytes(), seqs[1 - from].to_be_bytes()].concat());
        frame.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        frame.extend(payload);
        seqs[from] = seqs[from].wrapping_add(payload.len() as u32 + u32::from(flags & 3 != 0));
        self.analyzer.push(&Frame {
            at: FrameRef::new(0, self.frames),
            time: Timestamp(self.frames as i64 * Timestamp::MILLISECOND),
            link: LinkType::ETHERNET,
            interface: 0,
            data: &frame,
            wire_len: frame.len() as u32,
        });
    }

    fn sealed(&mut self, port: u16, from: usize, kind: u8, clear: &[u8]) -> Vec<u8> {
        let number = &mut self.open.get_mut(&port).unwrap().1[from];
        let shown = number.to_be_bytes();
        *number += 1;
        let len = (clear.len() as u16).to_be_bytes();
        let aad = [&shown[..], &[kind, 3, 3], &len].concat();
        let (cipher, fixed) = &self.ciphers[from];
        let nonce = [&fixed[..], &shown].concat();
        let nonce = <&Nonce<aes_gcm::aead::consts::U12>>::try_from(nonce.as_slice()).unwrap();
        let body = cipher.encrypt(nonce, Payload { msg: clear, aad: &aad }).unwrap();
        record(kind, &[&shown[..], &body].concat())
    }

    /// What one end says inside of TLS, in records of at most `size` bytes.
    fn say(&mut self, port: u16, from: usize, clear: &[u8], size: usize) {
        if !self.open.contains_key(&port) {
            self.frame(port, 0, 0x02, &[]);
            self.frame(port, 1, 0x12, &[]);
            self.frame(port, 0, 0x18, &record(22, &client_hello()));
            self.frame(port, 1, 0x18, &record(22, &hello(2, [3, 3], &[0, 0x9c, 0], &[])));
            for from in [0, 1] {
                let finished =
                    self.sealed(port, from, 22, &[20, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
                self.frame(port, from, 0x18, &[record(20, &[1]), finished].concat());
            }
        }
        for piece in clear.chunks(size.max(1)) {
            let sealed = self.sealed(port, from, 23, piece);
            self.frame(port, from, 0x18, &sealed);
        }
    }
}

fn packet(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &[0, 0], &(8 + body.len() as u32).to_le_bytes(), body].concat()
}

/// A gateway's tunnel over two connections of HTTP or one WebSocket, up to its first packets; then, again and again:
/// which connection and direction and how it is wrapped, the size of its records, length, bytes.
pub fn gateway(data: &[u8]) {
    const ASKS: &str = " / HTTP/1.1\r\nRDG-Connection-Id: {1}\r\n";
    let Some((&how, mut rest)) = data.split_first() else { return };
    let (mut talk, websocket) = (Talk::new(), how & 1 == 1);
    let upgrade = if websocket { "Upgrade: websocket\r\n" } else { "" };
    talk.say(1, 0, format!("RDG_OUT_DATA{ASKS}{upgrade}\r\n").as_bytes(), 4096);
    let answer = if websocket { "101 Switching Protocols" } else { "200 OK" };
    talk.say(1, 1, format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes(), 4096);
    if !websocket {
        talk.say(2, 0, format!("RDG_IN_DATA{ASKS}Transfer-Encoding: chunked\r\n\r\n").as_bytes(), 4096);
    }
    let wrapped = |body: &[u8], server: bool| match (websocket, server) {
        (true, false) => [&[0x82, 0xFE], &(body.len() as u16).to_be_bytes()[..], &[0; 4], body].concat(),
        (true, true) => [&[0x82, 126], &(body.len() as u16).to_be_bytes()[..], body].concat(),
        (false, false) => [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n"].concat(),
        (false, true) => body.to_vec(),
    };
    let client = if websocket { 1 } else { 2 };
    if how & 2 == 0 {
        let said =
            [packet(1, &[1, 0, 0, 0, 0, 0]), packet(8, b"\x01\0\x3d\x0d\x03\0\x06\0t\0s\0\0\0")].concat();
        talk.say(client, 0, &wrapped(&said, false), 4096);
        let said = [packet(2, &[0, 0, 0, 0, 1, 0, 0, 0, 0, 0]), packet(9, &[0; 8])].concat();
        talk.say(1, 1, &wrapped(&said, true), 4096);
    }
    let (mut said, mut steps) = (0_usize, 0);
    while let [what, size, len, bytes @ ..] = rest {
        let (body, after) = bytes.split_at(usize::from(*len).min(bytes.len()));
        rest = after;
        steps += 1;
        said += body.len() / usize::from(*size).max(1);
        if steps > 64 || said > 2048 {
            break;
        }
        let server = what & 1 == 1;
        let inner = match what >> 1 & 3 {
            0 => packet(PacketType::DATA.0, &[&(body.len() as u16).to_le_bytes()[..], body].concat()),
            1 => packet(u16::from(what >> 4), body),
            _ => body.to_vec(),
        };
        let bytes = if what >> 1 & 3 == 3 { inner } else { wrapped(&inner, server) };
        let port = if server { 1 } else { client };
        talk.say(
            if what & 8 == 0 { port } else { 3 - port },
            usize::from(server),
            &bytes,
            usize::from(*size),
        );
    }
    let mut analyzer = talk.analyzer;
    analyzer.finish();
    let mut tunnels = 0;
    while let Some(over) = analyzer.poll() {
        let session = &over.session;
        assert!(rdpwhy::session::timeline(session).len() <= 512);
        let Some(gateway) = &session.facts.gateway else { continue };
        tunnels += 1;
        assert!(gateway.heads.len() <= Gateway::HEADS && gateway.packets.len() <= Gateway::PACKETS);
        assert!(session.facts.malformed.len() <= 16);
    }
    assert!(tunnels > 0, "keys opened no tunnel");
}
