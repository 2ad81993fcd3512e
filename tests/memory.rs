//! Hostile captures: how much memory they can make the engine hold. The allocator of this test counts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod common;
#[path = "common/counting.rs"]
mod counting;

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard};

use common::Owned;
use common::made::{self, ACK, FIN, Numbers, PSH, RST, START, SYN, Tcp, record};
use common::messages;
use counting::{NOW, PEAK};
use rdpwhy::analyzer::{Analyzer, GivenUp, Options};
use rdpwhy::base::{Limits, Timestamp};
use rdpwhy::capture::Capture;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// One at a time: the count is of the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The most bytes that were held at a time during `run`, beside those held before.
fn peak(what: &str, run: impl FnOnce()) -> usize {
    let _alone = alone();
    peak_of(what, run)
}

/// The same where nobody else runs.
fn peak_of(what: &str, run: impl FnOnce()) -> usize {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    run();
    let peak = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    eprintln!("{what}: {} KiB", peak / KIB);
    peak
}

/// Pushes frames and takes what comes out, as a program that keeps nothing does.
fn feed(limits: Limits, frames: impl Iterator<Item = Owned>) -> usize {
    let mut analyzer = Analyzer::new(Options { limits, ..Options::default() });
    let mut sessions = 0;
    for (index, frame) in frames.enumerate() {
        analyzer.push(&frame.frame(index as u64 + 1));
        while analyzer.poll().is_some() {
            sessions += 1;
        }
    }
    analyzer.finish();
    while analyzer.poll().is_some() {
        sessions += 1;
    }
    sessions
}

const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 3389);

fn client(n: u32) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::from(0x1000_0000 + n / 60_000), (1024 + n % 60_000) as u16)
}

fn at(microseconds: u64) -> Timestamp {
    START.plus(microseconds as i64 * 1000)
}

/// One connection's frames, `step` microseconds apart.
struct Talk {
    client: SocketAddrV4,
    seq: u32,
    server_seq: u32,
    id: u16,
    time: u64,
    step: u64,
}

impl Talk {
    fn new(n: u32, time: u64, step: u64) -> Self {
        Talk { client: client(n), seq: 1000, server_seq: 9000, id: 1, time, step }
    }

    fn send(&mut self, from_client: bool, flags: u8, payload: &[u8]) -> Owned {
        let (from, to) = if from_client { (self.client, SERVER) } else { (SERVER, self.client) };
        let (seq, ack) = if from_client { (self.seq, self.server_seq) } else { (self.server_seq, self.seq) };
        let frame = Tcp { from, to, seq, ack, flags, payload, id: self.id }.frame(at(self.time));
        let taken = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        if from_client {
            self.seq = self.seq.wrapping_add(taken);
        } else {
            self.server_seq = self.server_seq.wrapping_add(taken);
        }
        self.id = self.id.wrapping_add(1);
        self.time += self.step;
        frame
    }

    /// Handshake and negotiation up to the choice of `protocol`.
    fn negotiated(&mut self, protocol: u8) -> Vec<Owned> {
        vec![
            self.send(true, SYN, &[]),
            self.send(false, SYN | ACK, &[]),
            self.send(true, ACK, &[]),
            self.send(true, PSH | ACK, &made::connection_request()),
            self.send(false, PSH | ACK, &made::connection_confirm(protocol)),
        ]
    }
}

/// Feeds one connection that negotiated `protocol` and then sends the same payload on and on, and gives
/// the peak.
fn on_and_on(what: &str, protocol: u8, from_client: bool, times: usize, payload: &[u8]) -> usize {
    peak(what, || {
        let mut talk = Talk::new(1, 0, 100);
        let mut frames = talk.negotiated(protocol).into_iter();
        let mut left = times;
        let stream = std::iter::from_fn(|| {
            frames.next().or_else(|| {
                left = left.checked_sub(1)?;
                Some(talk.send(from_client, PSH | ACK, payload))
            })
        });
        assert_eq!(feed(Limits::default(), stream), 1);
    })
}

#[test]
fn a_flood_of_half_open_connections() {
    // Beside the 500 bytes a connection: tables sized ahead.
    const FLOWS: u32 = 300_000;
    let bytes = peak("300,000 SYNs", || {
        let syns = (0..FLOWS).map(|n| {
            let syn =
                Tcp { from: client(n), to: SERVER, seq: n, ack: 0, flags: SYN, payload: &[], id: n as u16 };
            syn.frame(at(u64::from(n) * 100))
        });
        assert_eq!(feed(Limits::default(), syns), FLOWS as usize);
    });
    assert!(bytes < FLOWS as usize * 500, "{} bytes a half-open connection", bytes / FLOWS as usize);
}

#[test]
fn more_connections_than_are_followed() {
    let bytes = peak("200,000 SYNs, 1,000 followed", || {
        let limits = Limits { flows: 1000, ..Limits::default() };
        let syns = (0..200_000_u32).map(|n| {
            let syn =
                Tcp { from: client(n), to: SERVER, seq: n, ack: 0, flags: SYN, payload: &[], id: n as u16 };
            syn.frame(at(u64::from(n) * 10))
        });
        feed(limits, syns);
    });
    assert!(bytes < 4 * MIB, "{bytes} bytes");
}

/// Feeds frames beside real sessions, in their time, to an engine that is kept within `budget` bytes; what is said
/// of the real ones must be what is said of them alone. Gives the peak, and what was given up.
fn beside_real_sessions(what: &str, budget: usize, hostile: impl Iterator<Item = Owned>) -> (usize, GivenUp) {
    let mut real = Vec::new();
    for name in ["healthy/xrdp-tls12", "tls-cipher-mismatch/xrdp-tls12", "negotiation-nla-required/shadow"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name);
        real.extend(common::read(&path.with_extension("pcapng")).frames);
    }
    let mut alone: Vec<_> = common::run(&real).iter().map(common::Verdict::told).collect();
    let (mut told, mut given_up) = (Vec::new(), GivenUp::default());
    let mut hostile = hostile.peekable();
    let bytes = peak_of(what, || {
        let before = NOW.load(Ordering::Relaxed);
        let mut analyzer = Analyzer::new(Options { limits: Limits::within(budget), ..Options::default() });
        let mut take = |analyzer: &mut Analyzer| {
            for told_now in
                std::iter::from_fn(|| analyzer.poll_over()).map(|over| common::verdict(over).0.told())
            {
                told.extend(alone.contains(&told_now).then_some(told_now));
            }
        };
        let mut number = 0;
        for frame in &real {
            // So many that the last comes before the last of the real ones.
            for mut hostile in hostile.by_ref().take(HOSTILE / (real.len() - 10)) {
                hostile.time = frame.time;
                number += 1;
                analyzer.push(&hostile.frame(number));
                take(&mut analyzer);
                while NOW.load(Ordering::Relaxed) - before > budget && analyzer.give_up() {
                    take(&mut analyzer);
                }
            }
            number += 1;
            analyzer.push(&frame.frame(number));
            take(&mut analyzer);
        }
        assert_eq!(hostile.peek().map(|frame| frame.data.len()), None, "{what}: frames are left");
        given_up = analyzer.given_up();
        analyzer.finish();
        take(&mut analyzer);
    });
    alone.sort();
    told.sort();
    assert_eq!(told, alone, "{what}");
    (bytes, given_up)
}

/// Frames of each attack.
const HOSTILE: usize = 60_000;

#[test]
fn real_sessions_beside_floods_keep_their_verdicts() {
    const BUDGET: usize = 24 * MIB;
    // The frames are made while they are fed, and beforehand.
    let _alone = alone();
    let syns = (0..HOSTILE as u32).map(|n| {
        let syn = Tcp { from: client(n), to: SERVER, seq: n, ack: 0, flags: SYN, payload: &[], id: n as u16 };
        syn.frame(START)
    });
    let (bytes, given_up) = beside_real_sessions("60,000 SYNs", BUDGET, syns);
    assert!(bytes < BUDGET, "{bytes} bytes");
    assert!(given_up.half_open > 20_000 && given_up.total() == given_up.half_open, "{given_up:?}");

    // A handshake message of 64,000 bytes whose last byte never comes, a piece of each in turn; and whole ones of
    // that size: 150 certificates.
    let mut hello = vec![1, 0, 0xfa, 0];
    hello.resize(1300, 0);
    let pieces = vec![record(22, &hello); 45];
    let der = [&[0, 1, 0x87], &messages::certificate()[..]].concat();
    let chain = der.repeat(150);
    let length = |len: usize| (len as u32).to_be_bytes()[1..].to_vec();
    let message = [vec![11], length(chain.len() + 3), length(chain.len()), chain].concat();
    let mut flight = vec![messages::client_hello(), messages::server_hello([3, 3])];
    flight.extend(message.chunks(1300).map(|piece| record(22, piece)));
    for (what, from_client, pieces) in [("dripping", true, pieces), ("giant certificates", false, flight)] {
        let connections = HOSTILE / (pieces.len() + 5);
        let mut talks: Vec<Talk> = (0..connections as u32).map(|n| Talk::new(n, 0, 1)).collect();
        let opened: Vec<Owned> = talks.iter_mut().flat_map(|talk| talk.negotiated(1)).collect();
        let pieces =
            pieces.iter().enumerate().flat_map(|(n, piece)| std::iter::repeat_n((n, piece), connections));
        let mut turns = pieces.zip((0..connections).cycle());
        let pieces = std::iter::from_fn(|| {
            let ((n, piece), talk) = turns.next()?;
            let by_client = from_client || n == 0;
            Some(talks[talk].send(by_client, PSH | ACK, piece))
        });
        let (bytes, given_up) = beside_real_sessions(what, BUDGET, opened.into_iter().chain(pieces));
        // One frame is taken before it is looked at what is held.
        assert!(bytes < BUDGET + MIB, "{what}: {bytes} bytes");
        assert!(given_up.begun > 100 && given_up.total() == given_up.begun, "{what}: {given_up:?}");
    }
}

#[test]
fn endless_segments_behind_a_hole() {
    let payload = [0x17; 1400];
    let bytes = peak("100,000 segments behind a hole", || {
        let mut talk = Talk::new(1, 0, 50);
        let mut frames = talk.negotiated(2).into_iter();
        let mut left = 100_000;
        let stream = std::iter::from_fn(|| {
            frames.next().or_else(|| {
                left -= 1;
                // A hole before each.
                talk.seq = talk.seq.wrapping_add(1400);
                (left > 0).then(|| talk.send(true, PSH | ACK, &payload))
            })
        });
        assert_eq!(feed(Limits::default(), stream), 1);
    });
    assert!(bytes < 2 * MIB, "{bytes} bytes");
}

#[test]
fn many_connections_with_a_hole_each() {
    const CONNECTIONS: u32 = 400;
    let payload = [0x17; 1400];
    let limits = Limits { reassembly_bytes: 4 * MIB, ..Limits::default() };
    let bytes = peak("400 connections with 200 KiB behind a hole each", || {
        let mut talks: Vec<Talk> = (0..CONNECTIONS).map(|n| Talk::new(n, u64::from(n), 10_000)).collect();
        let mut frames: Vec<Owned> = talks.iter_mut().flat_map(|talk| talk.negotiated(2)).collect();
        frames.sort_by_key(|frame| frame.time);
        for talk in &mut talks {
            talk.seq = talk.seq.wrapping_add(1400);
        }
        let behind = (0..150 * talks.len()).map(|n| {
            let talk = n % CONNECTIONS as usize;
            talks[talk].send(true, PSH | ACK, &payload)
        });
        assert_eq!(feed(limits, frames.into_iter().chain(behind)), CONNECTIONS as usize);
    });
    assert!(bytes < 4 * MIB + CONNECTIONS as usize * 16 * KIB, "{bytes} bytes");
}

#[test]
fn a_handshake_message_that_never_ends() {
    // ClientHello of 16 MiB - 1, and of 64,000 bytes of which the last never comes: then anew.
    for (what, length) in [("too long", [0xff, 0xff, 0xff]), ("long", [0, 0xfa, 0])] {
        let mut hello = vec![1, length[0], length[1], length[2]];
        hello.resize(1300, 0);
        let bytes = on_and_on(what, 2, true, 20_000, &record(22, &hello));
        assert!(bytes < MIB, "{bytes} bytes");
    }
}

#[test]
fn endless_small_messages() {
    let alert = record(21, &[1, 90]);
    let hello_request = record(22, &[0, 0, 0, 0]);
    let certificate = record(22, &[11, 0, 0, 6, 0, 0, 3, 0, 0, 0]);
    let unknown = record(24, &[1, 2, 3]);
    let data = record(23, &[0; 24]);
    // MCS Send Data Indication, Disconnect Provider Ultimatum, Connect-Response; X.224 of no known code.
    let indication = [3, 0, 0, 15, 2, 0xf0, 0x80, 0x68, 0, 1, 3, 0xeb, 0x70, 1, 0];
    let ultimatum = [3, 0, 0, 9, 2, 0xf0, 0x80, 0x21, 0x80];
    let odd = [3, 0, 0, 8, 3, 0x10, 0, 0];
    let fast_path = [0, 4, 0, 0];
    let cases: [(&str, u8, &[u8]); 10] = [
        ("alerts", 1, &alert),
        ("HelloRequests", 1, &hello_request),
        ("certificates", 1, &certificate),
        ("heartbeats", 1, &unknown),
        ("hidden records", 1, &data),
        ("MCS data", 0, &indication),
        ("ultimatums", 0, &ultimatum),
        ("odd TPDUs", 0, &odd),
        ("fast-path", 0, &fast_path),
        ("confirms", 0, &made::connection_confirm(0)),
    ];
    for (what, protocol, message) in cases {
        // Many of them in one segment, and segments on and on.
        let payload = message.repeat(1200 / message.len());
        for from_client in [false, true] {
            let bytes = on_and_on(what, protocol, from_client, 2000, &payload);
            assert!(bytes < MIB, "{what}: {bytes} bytes");
        }
    }
}

#[test]
fn ports_used_again_and_again() {
    let bytes = peak("50,000 connections between the same ports", || {
        let mut talk = Talk::new(1, 0, 1000);
        let frames = (0..50_000_u32).flat_map(|n| {
            talk.seq = n.wrapping_mul(77_777);
            talk.server_seq = n.wrapping_mul(33_333);
            let mut frames = talk.negotiated(2);
            frames.push(talk.send(false, RST | ACK, &[]));
            frames
        });
        assert_eq!(feed(Limits::default(), frames), 50_000);
    });
    assert!(bytes < 8 * MIB, "{bytes} bytes");
}

#[test]
fn fragments_that_never_become_whole() {
    let mut numbers = Numbers::new(7);
    let bytes = peak("100,000 fragments", || {
        let frames = (0..100_000_u64).map(|n| {
            // The last fragment of the largest datagram, then pieces anywhere.
            let flags = if n % 2 == 0 { 0x1ff0 } else { 0x2000 | (numbers.next() & 0x1fff) as u16 };
            let from = Ipv4Addr::from(0x0a00_0002 + (n / 2) as u32);
            made::ipv4(from, *SERVER.ip(), 6, 1, flags, &[1; 64], at(n))
        });
        feed(Limits::default(), frames);
    });
    // 256 datagrams of 64 KiB.
    assert!(bytes < 24 * MIB, "{bytes} bytes");
}

#[test]
fn datagrams_from_everywhere() {
    let bytes = peak("200,000 UDP flows", || {
        let frames = (0..200_000_u32).map(|n| {
            let mut datagram = Vec::from((1024 + (n % 60_000) as u16).to_be_bytes());
            datagram.extend([0x0d, 0x3d, 0, 12, 0, 0, 1, 2, 3, 4]);
            made::ipv4(Ipv4Addr::from(0x1000_0000 + n), *SERVER.ip(), 17, 1, 0, &datagram, at(u64::from(n)))
        });
        feed(Limits::default(), frames);
    });
    assert!(bytes < 4 * MIB, "{bytes} bytes");
}

/// Bytes repeated for ever, up to a number of times: a file that a small compressed one unpacks to.
struct Again {
    head: Vec<u8>,
    block: Vec<u8>,
    times: usize,
    at: usize,
}

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.at == self.head.len() {
                if self.times == 0 {
                    break;
                }
                self.times -= 1;
                self.head.clone_from(&self.block);
                self.at = 0;
            }
            let take = (buffer.len() - filled).min(self.head.len() - self.at);
            buffer[filled..filled + take].copy_from_slice(&self.head[self.at..self.at + take]);
            filled += take;
            self.at += take;
        }
        Ok(filled)
    }
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (12 + body.len() as u32).to_le_bytes();
    [&kind.to_le_bytes(), &length, body, &length].concat()
}

#[test]
fn files_made_of_endless_blocks() {
    let section =
        block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    let interface = block(1, &[1, 0, 0, 0, 0, 0, 4, 0]);
    let strange_interface = block(1, &[1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 255, 0, 0, 0, 0, 0, 0, 0]);
    let statistics =
        block(5, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let secrets = block(10, &[0x4b, 0x53, 0x4c, 0x54, 4, 0, 0, 0, 1, 2, 3, 4]);
    let no_secrets = block(10, &[0x4b, 0x53, 0x4c, 0x54, 0, 0, 0, 0]);
    let orphan = block(6, &[9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let link = |n: u8| block(1, &[n, 0, 0, 0, 0, 0, 4, 0]);
    let links = (0..=255).flat_map(link).collect::<Vec<u8>>();
    let cases = [
        ("sections", section.clone()),
        ("interfaces", interface),
        ("interfaces of strange resolution", strange_interface),
        ("link types", links),
        ("statistics", statistics),
        ("secrets", secrets),
        ("empty secrets", no_secrets),
        ("packets of no interface", orphan),
    ];
    for (what, again) in cases {
        let times = 8 * MIB / again.len();
        let bytes = peak(what, || {
            let file = Again { head: section.clone(), block: again, times, at: 0 };
            let Ok(mut capture) = Capture::from_reader("made", file, 0) else { return };
            while capture.next_frame().is_some() {}
        });
        // Secrets may take 16 MiB, and a list that grows holds itself twice for a moment.
        let bound = if what.contains("secrets") { 40 * MIB } else { 8 * MIB };
        assert!(bytes < bound, "{what}: {bytes} bytes of memory for 8 MiB of blocks");
    }
}

#[test]
fn lengths_that_are_not_there() {
    // Records and blocks that claim up to 4 GiB, in a file that ends right after.
    let file_header = made::pcap(&[]);
    for length in [0x4_0001_u32, 0x00ff_ffff, 0x7fff_fff0, 0xffff_fffc] {
        let record = [0, 0, length, length].map(u32::to_le_bytes).concat();
        let section =
            block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
        let unknown = [&0xbad_u32.to_le_bytes()[..], &length.to_le_bytes()].concat();
        for bytes in [[file_header.clone(), record.clone()].concat(), [section, unknown].concat()] {
            let bytes = peak("a length that is not there", || {
                let Ok(mut capture) = Capture::from_reader("made", std::io::Cursor::new(bytes), 0) else {
                    return;
                };
                while capture.next_frame().is_some() {}
            });
            assert!(bytes < 2 * MIB, "{bytes} bytes");
        }
    }
}
