//! TCP promises bytes, not segments: the same bytes in any segmentation, order and repetition are the same
//! session.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::path::Path;

use common::made::{ACK, FIN, PSH, RST, SYN, Tcp};
use common::{Frames, Owned};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rdpwhy::analyzer::{Analyzer, Diagnosed, Options};
use rdpwhy::base::{Chunk, Dir, Gap, Limits, Stamp, Timestamp};
use rdpwhy::packet::{Body, Decoder};
use rdpwhy::session::Session;
use rdpwhy::transport::{self, Closing, Connections, Finished, Interest, Reader, TcpFacts};

/// What one end said before the other spoke again.
#[derive(Clone, Debug)]
struct Turn {
    dir: Dir,
    time: Timestamp,
    bytes: Vec<u8>,
}

/// Keeps what a connection said.
#[derive(Debug, Default)]
struct Said {
    turns: Vec<Turn>,
    /// The last packet with anything new.
    last: Option<Stamp>,
    whole: bool,
}

impl Reader for Said {
    fn data(&mut self, _: &TcpFacts, dir: Dir, chunk: Chunk<'_>) -> Interest {
        self.last = Some(chunk.stamp);
        self.whole &= chunk.data.len() as u64 == chunk.len;
        match self.turns.last_mut() {
            Some(turn) if turn.dir == dir => turn.bytes.extend_from_slice(chunk.data),
            _ => {
                let time = chunk.stamp.time;
                self.turns.push(Turn { dir, time, bytes: chunk.data.to_vec() });
            }
        }
        Interest::Watch
    }

    fn gap(&mut self, _: &TcpFacts, _: Dir, _: Gap) -> Interest {
        self.whole = false;
        Interest::Watch
    }
}

/// A connection to say again.
#[derive(Clone, Debug)]
struct Talk {
    name: String,
    client: SocketAddrV4,
    server: SocketAddrV4,
    start: Timestamp,
    turns: Vec<Turn>,
    closing: Option<Closing>,
    until: Timestamp,
    told: Told,
}

/// What must not depend on segments.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    verdict: (&'static str, &'static str, &'static str),
    facts: Vec<String>,
}

fn told(done: &Diagnosed) -> Told {
    let Session { facts, .. } = &done.session;
    let verdict = &done.diagnosis.verdict;
    let mut said = vec![
        format!("preambles {:?}", facts.preambles.iter().map(|seen| &seen.value).collect::<Vec<_>>()),
        format!("request {:?}", facts.request.as_ref().map(|seen| &seen.value)),
        format!("confirm {:?}", facts.confirm.as_ref().map(|seen| &seen.value)),
        format!("foreign {:?}", facts.foreign.as_ref().map(|seen| &seen.value)),
        format!("malformed {:?}", facts.malformed.iter().map(|seen| &seen.value).collect::<Vec<_>>()),
    ];
    if let Some(tls) = &facts.tls {
        said.extend([
            format!("client hello {:?}", tls.client_hello.as_ref().map(|seen| &seen.value)),
            format!("server hello {:?}", tls.server_hello.as_ref().map(|seen| &seen.value)),
            format!("certificates {:?}", tls.certificates.as_ref().map(|seen| &seen.value)),
            format!("alerts {:?}", tls.alerts.iter().map(|seen| &seen.value).collect::<Vec<_>>()),
            format!("hidden alerts {:?}", tls.hidden_alert.map(Option::is_some)),
            format!("finished {:?}, {}", tls.finished.map(Option::is_some), tls.established.is_some()),
            format!("data {:?}", tls.data.map(|data| (data.records, data.bytes))),
            format!(
                "flights {:?}",
                tls.flights().iter().map(|f| (f.dir, f.records, f.bytes)).collect::<Vec<_>>()
            ),
        ]);
    }
    // Bytes said twice look like loss, which is what other tests are about.
    let (code, outcome) = match verdict.code {
        "session-lossy" => ("healthy", "healthy"),
        code => (code, verdict.outcome.as_str()),
    };
    Told { verdict: (code, outcome, done.session.phase().as_str()), facts: said }
}

fn diagnose(frames: &[Owned]) -> Vec<Diagnosed> {
    let mut analyzer = Analyzer::new(Options::default());
    for (index, frame) in frames.iter().enumerate() {
        analyzer.push(&frame.frame(index as u64 + 1));
    }
    analyzer.finish();
    std::iter::from_fn(|| analyzer.poll()).collect()
}

fn v4(address: SocketAddr) -> Option<SocketAddrV4> {
    match address.ip() {
        IpAddr::V4(ip) => Some(SocketAddrV4::new(ip, address.port())),
        IpAddr::V6(_) => None,
    }
}

/// The connections of a capture that began in it, were seen whole, and carried anything.
fn talks(capture: &Frames) -> Vec<Talk> {
    let mut decoder = Decoder::new(&Limits::default());
    let mut connections = Connections::new(&Limits::default(), transport::Config::default());
    let mut said = Vec::new();
    let mut until = Timestamp(i64::MIN);
    for (index, frame) in capture.frames.iter().enumerate() {
        let number = index as u64 + 1;
        let frame = frame.frame(number);
        until = until.max(frame.time);
        if let Ok(packet) = decoder.decode(&frame, number)
            && let Body::Tcp(segment) = packet.body
        {
            connections.segment(&packet.meta, &segment, &mut |_| Said { whole: true, ..Said::default() });
        }
    }
    connections.finish();
    while let Some(finished) = connections.poll() {
        if let Finished::Session { facts, reader: Some(reader) } = finished {
            said.push((facts, reader));
        }
    }
    let diagnosed = diagnose(&capture.frames);
    let mut talks = Vec::new();
    for (tcp, said) in said {
        let (Some(client), Some(server), Some(syn)) = (v4(tcp.client), v4(tcp.server), tcp.syn) else {
            continue;
        };
        // What is said after a FIN is another matter.
        let late = match (tcp.closing, said.last) {
            (Some(closing), Some(last)) => closing.stamp.before(&last),
            _ => false,
        };
        let Some(done) = diagnosed.iter().find(|done| done.session.tcp.first.order == tcp.first.order) else {
            continue;
        };
        let bytes: usize = said.turns.iter().map(|turn| turn.bytes.len()).sum();
        // Where framing is lost, it is found again where a segment begins with a header.
        // What the path swallowed is not in the bytes that are said again, nor how a client came back.
        let code = done.diagnosis.verdict.code;
        let swallowed = code.starts_with("path-") || code == "session-lost";
        let alone = done.session.returned.is_none();
        let sound = !swallowed && alone && done.session.facts.malformed.is_empty();
        if said.whole && sound && !late && bytes < 64 * 1024 && tcp.handshake_ack.is_some() {
            talks.push(Talk {
                name: format!("{} {client}", capture.name()),
                client,
                server,
                start: syn.first.time,
                turns: said.turns,
                closing: tcp.closing,
                until,
                told: told(done),
            });
        }
    }
    talks
}

/// How the next bytes of a turn are sent.
#[derive(Clone, Copy, Debug)]
struct Piece {
    len: usize,
    /// Goes this many places later.
    delay: usize,
    /// Is sent once more, with so many bytes before it again.
    again: Option<usize>,
}

fn piece() -> impl Strategy<Value = Piece> {
    let len = prop_oneof![2 => 1..8_usize, 2 => 8..200_usize, 1 => 200..1460_usize];
    (
        len,
        prop_oneof![3 => Just(0), 1 => 1..4_usize],
        prop_oneof![3 => Just(None), 1 => (0..50_usize).prop_map(Some)],
    )
        .prop_map(|(len, delay, again)| Piece { len, delay, again })
}

/// What xrdp says before it closes: a Disconnect Provider Ultimatum.
const ULTIMATUM: [u8; 9] = [3, 0, 0, 9, 2, 0xf0, 0x80, 0x21, 0x80];

/// Frames that say the same in other segments.
fn say(talk: &Talk, plan: &[Piece]) -> Vec<Owned> {
    let mut frames: Vec<Owned> = Vec::new();
    let mut id = 0_u16;
    // Stream offsets; the wrap of the sequence numbers comes early.
    let mut sent = [0_u32; 2];
    let isn = [0xffff_ff80_u32, 0x7fff_fff0];
    let mut plan = plan.iter().cycle();
    let mut push = |dir: Dir, at: u32, ack: Option<u32>, flags: u8, payload: &[u8], time: Timestamp| {
        let side = usize::from(dir == Dir::ServerToClient);
        let (from, to) = [(talk.client, talk.server), (talk.server, talk.client)][side];
        id = id.wrapping_add(1);
        let seq = isn[side].wrapping_add(at);
        let ack = ack.map_or(0, |ack| isn[1 - side].wrapping_add(ack));
        // In time order, a few microseconds apart, as close to the real time as that allows.
        let time = frames.last().map_or(time, |last: &Owned| time.max(last.time.plus(3000)));
        frames.push(Tcp { from, to, seq, ack, flags, payload, id }.frame(time));
    };
    push(Dir::ClientToServer, 0, None, SYN, &[], talk.start);
    push(Dir::ServerToClient, 0, Some(1), SYN | ACK, &[], talk.start);
    push(Dir::ClientToServer, 1, Some(1), ACK, &[], talk.start);
    for turn in &talk.turns {
        let side = usize::from(turn.dir == Dir::ServerToClient);
        let peer = sent[1 - side] + 1;
        let base = sent[side] + 1;
        // Place in line, offset, bytes.
        let mut line: Vec<(usize, usize, &[u8])> = Vec::new();
        let mut at = 0;
        while at < turn.bytes.len() {
            let Some(&(mut piece)) = plan.next() else { break };
            if turn.bytes[at..] == ULTIMATUM {
                // In clear on a connection that has turned to TLS: recognized only in one piece.
                piece = Piece { len: ULTIMATUM.len(), delay: 0, again: None };
            } else if turn.bytes[at..].ends_with(&ULTIMATUM) {
                piece.len = piece.len.min(turn.bytes.len() - ULTIMATUM.len() - at);
            }
            let end = (at + piece.len).min(turn.bytes.len());
            let place = line.len();
            line.push((place + piece.delay, at, &turn.bytes[at..end]));
            if let Some(before) = piece.again {
                let from = at.saturating_sub(before);
                line.push((place + 2, from, &turn.bytes[from..end]));
            }
            at = end;
        }
        line.sort_by_key(|(place, ..)| *place);
        for (_, offset, bytes) in line {
            push(turn.dir, base + offset as u32, Some(peer), PSH | ACK, bytes, turn.time);
        }
        sent[side] += turn.bytes.len() as u32;
        push(turn.dir.flip(), peer, Some(sent[side] + 1), ACK, &[], turn.time);
    }
    let mut last = talk.until;
    if let Some(closing) = talk.closing {
        let side = usize::from(closing.dir == Dir::ServerToClient);
        let flags = if closing.reset { RST | ACK } else { FIN | ACK };
        push(closing.dir, sent[side] + 1, Some(sent[1 - side] + 1), flags, &[], closing.stamp.time);
        last = last.max(closing.stamp.time);
    }
    // The capture goes on as long as the real one did.
    let other = SocketAddrV4::new([192, 0, 2, 1].into(), 9);
    let ack = Tcp { from: other, to: other, seq: 0, ack: 0, flags: ACK, payload: &[], id: 0 };
    let last = frames.last().map_or(last, |frame| last.max(frame.time));
    frames.push(ack.frame(last));
    frames
}

#[test]
fn the_same_bytes_are_the_same_session() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/regressions/engine");
    let mut captures: Vec<Frames> = common::captures_below(&seeds)
        .iter()
        .filter(|path| !path.to_string_lossy().contains("crash"))
        .map(|path| common::read(path))
        .collect();
    captures.extend(common::all_captures());
    let talks: Vec<Talk> = captures.iter().flat_map(talks).collect();
    assert!(talks.len() >= 4, "only {} connections to say again", talks.len());
    let mut wrong = Vec::new();
    for talk in &talks {
        let cases = if cfg!(debug_assertions) { 12 } else { 100 };
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        // The same cases in every run.
        let mut runner = TestRunner::new_with_rng(
            config,
            proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
        );
        let result = runner.run(&prop::collection::vec(piece(), 1..60), |plan| {
            let frames = say(talk, &plan);
            let done = diagnose(&frames);
            let again: Vec<Told> =
                done.iter().filter(|done| done.session.tcp.client.port() != 9).map(told).collect();
            prop_assert_eq!(&again, &vec![talk.told.clone()]);
            Ok(())
        });
        if let Err(error) = result {
            wrong.push(format!("{}: {error}", talk.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {} connections:\n{}", wrong.len(), talks.len(), wrong.join("\n\n"));
    eprintln!("{} connections said again", talks.len());
}
