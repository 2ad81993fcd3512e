//! Every capture again, damaged in every way that captures are: cut, with frames lost, doubled, swapped,
//! with bytes flipped, cut short by a snapshot length. Nothing may panic, and no damage may make a broken
//! session of a sound one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::LazyLock;

use common::made::{self, Numbers};
use common::{Frames, Owned, Verdict, run, run_all};
use rdpwhy::analyzer::{Analyzer, Options};
use rdpwhy::base::{Limits, LinkType, Timestamp};
use rdpwhy::capture::{Capture, Merged};
use rdpwhy::diagnosis::{Confidence, Outcome};
use rdpwhy::packet::{Body, Decoder, TcpFlags};
use rdpwhy::protocol::rdpeudp;

/// Damages of one kind tried on one capture; a capture with more frames is sampled.
const TRIES: usize = 200;

struct Case {
    capture: Frames,
    verdicts: Vec<Verdict>,
    /// On the UDP flows of sessions, which stand alone where damage hides the session.
    flows: Vec<Verdict>,
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let captures = common::all_captures();
    if captures.is_empty() {
        eprintln!("SKIPPED: no capture was found");
    }
    captures
        .into_iter()
        .map(|capture| {
            let verdicts = run(&capture.frames);
            let sessions = run_all(&capture.frames).into_iter().filter_map(|over| over.whole.into_told());
            let flows = sessions
                .flat_map(|session| session.udp.iter().map(Verdict::from).collect::<Vec<_>>())
                .collect();
            Case { capture, verdicts, flows }
        })
        .collect()
});

/// Indexes below `len`, all or evenly sampled.
fn sample(len: usize) -> impl Iterator<Item = usize> {
    let tries = len.min(TRIES);
    (0..tries).map(move |n| n * len / tries)
}

/// Collects what is wrong, so that one run shows all of it.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn add(&mut self, text: String) {
        self.0.push(text);
    }

    /// No damage makes a failure of what was none, and no certain failure of another kind. `ending`: the
    /// damage took or moved the packet that ended a connection, and with it what came first.
    fn no_new_failure(&mut self, case: &Case, got: &[Verdict], how: &str, ending: bool) {
        for verdict in got.iter().filter(|v| v.outcome == Outcome::Failed) {
            let before = before(case, verdict);
            if before
                .iter()
                .any(|known| known.code == verdict.code || less_said(known.code).contains(&verdict.code))
            {
                continue;
            }
            let certain = verdict.confidence == Confidence::Certain && !ending;
            let was_sound = !before.is_empty() && before.iter().all(|known| known.outcome != Outcome::Failed);
            if certain || was_sound {
                let codes: Vec<_> = before.iter().map(|known| known.code).collect();
                self.add(format!(
                    "{} {how}: {} -> {} became {} ({}), was {codes:?}",
                    case.capture.name(),
                    verdict.client,
                    verdict.server,
                    verdict.code,
                    verdict.confidence.as_str(),
                ));
            }
        }
    }
}

impl Drop for Wrong {
    fn drop(&mut self) {
        if !self.0.is_empty() && !std::thread::panicking() {
            let shown: Vec<_> = self.0.iter().take(40).map(String::as_str).collect();
            panic!("{} findings:\n{}", self.0.len(), shown.join("\n"));
        }
    }
}

/// The whole capture's verdicts on the same two ends, whoever was taken for the client.
fn before<'a>(case: &'a Case, verdict: &Verdict) -> Vec<&'a Verdict> {
    let (client, server) = verdict.ends();
    let same = |known: &&Verdict| known.ends() == (client, server) || known.ends() == (server, client);
    case.verdicts.iter().chain(&case.flows).filter(same).collect()
}

/// What a code comes to where the messages that say more are not in the capture: a TLS alert, and a redirection,
/// which shows only in another connection's first message.
fn less_said(code: &str) -> &'static [&'static str] {
    match code {
        "tls-certificate-expired" => &["tls-certificate-rejected", "tls-alert"],
        "tls-certificate-rejected" | "tls-cipher-mismatch" | "tls-version-mismatch" => &["tls-alert"],
        "redirected" => &["setup-reset"],
        _ => &[],
    }
}

/// Whether a frame is a FIN or RST.
fn ends(frame: &Owned) -> bool {
    let mut decoder = Decoder::new(&Limits::default());
    let frame = frame.frame(1);
    let Ok(packet) = decoder.decode(&frame, 1) else { return false };
    let Body::Tcp(segment) = packet.body else { return false };
    segment.flags.contains(TcpFlags::FIN) || segment.flags.contains(TcpFlags::RST)
}

fn told(verdicts: &[Verdict]) -> Vec<String> {
    verdicts.iter().map(|verdict| format!("{:?}", verdict.told())).collect()
}

/// What one flow showed in a part of a capture, found without the engine.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    syns: u32,
    last_syn: Option<Timestamp>,
    syn_acks: u32,
    server_packets: u32,
    client_data: Option<Timestamp>,
    client_closed: Option<Timestamp>,
    closed: bool,
}

/// By client and server; the highest time of all.
fn shown(frames: &[Owned]) -> (HashMap<(SocketAddr, SocketAddr), Shown>, Timestamp) {
    let mut flows: HashMap<_, Shown> = HashMap::new();
    let mut decoder = Decoder::new(&Limits::default());
    let mut now = Timestamp(i64::MIN);
    for (index, frame) in frames.iter().enumerate() {
        now = now.max(frame.time);
        let number = index as u64 + 1;
        let Ok(packet) = decoder.decode(&frame.frame(number), number) else { continue };
        let Body::Tcp(segment) = packet.body else { continue };
        let from = SocketAddr::new(packet.meta.src, segment.src_port);
        let to = SocketAddr::new(packet.meta.dst, segment.dst_port);
        let has = |flag| segment.flags.contains(flag);
        let closes = has(TcpFlags::FIN) || has(TcpFlags::RST);
        let client = flows.entry((from, to)).or_default();
        client.closed |= closes;
        if has(TcpFlags::SYN) && !has(TcpFlags::ACK) {
            client.syns += 1;
            client.last_syn = Some(frame.time);
        }
        if segment.payload_len > 0 {
            client.client_data = Some(frame.time);
        }
        if closes {
            client.client_closed.get_or_insert(frame.time);
        }
        let server = flows.entry((to, from)).or_default();
        server.closed |= closes;
        server.server_packets += 1;
        server.syn_acks += u32::from(has(TcpFlags::SYN) && has(TcpFlags::ACK));
    }
    (flows, now)
}

/// What one RDP-UDP flow showed in a part of a capture, found without the engine.
#[derive(Debug, Default)]
struct ShownUdp {
    syns: u32,
    syn_acks: u32,
    /// Datagrams of each end, SYNs of the client apart.
    client: u32,
    server: u32,
    /// ICMP quotes the flow.
    quoted: bool,
    /// Since the last SYN.
    waited: i64,
}

fn shown_udp(frames: &[Owned], (client, server): (SocketAddr, SocketAddr)) -> ShownUdp {
    let mut flow = ShownUdp::default();
    let mut last_syn = None;
    let mut decoder = Decoder::new(&Limits::default());
    for (frame, number) in frames.iter().zip(1..) {
        let Ok(packet) = decoder.decode(&frame.frame(number), number) else { continue };
        match packet.body {
            Body::Udp(datagram) => {
                let from = SocketAddr::new(packet.meta.src, datagram.src_port);
                let to = SocketAddr::new(packet.meta.dst, datagram.dst_port);
                let (bytes, len) = (datagram.payload, datagram.payload_len as usize);
                if (from, to) == (client, server) && rdpeudp::looks_like_syn(bytes, len) {
                    flow.syns += 1;
                    last_syn = Some(frame.time);
                } else if (from, to) == (client, server) {
                    flow.client += 1;
                } else if (from, to) == (server, client) {
                    flow.server += 1;
                    flow.syn_acks += u32::from(rdpeudp::looks_like_syn_ack(bytes, len));
                }
            }
            Body::IcmpError(error) => {
                let ends =
                    [SocketAddr::new(error.src, error.src_port), SocketAddr::new(error.dst, error.dst_port)];
                flow.quoted |= ends == [client, server] || ends == [server, client];
            }
            _ => {}
        }
    }
    let now = frames.iter().map(|frame| frame.time).max();
    flow.waited = now.zip(last_syn).map_or(0, |(now, syn)| now.since(syn));
    flow
}

/// Whether what is left of the capture allows the code, though the whole capture says otherwise: silence
/// must have lasted as long as the contract says.
fn may_be_said(code: &str, frames: &[Owned], verdict: &Verdict) -> bool {
    // Two SYNs, or two answers, are enough (contract), though the next frame may change it.
    if let "udp-blocked" | "udp-handshake-incomplete" = code {
        let flow = shown_udp(frames, verdict.ends());
        let unanswered = flow.server == 0 && flow.client == 0;
        return match code {
            "udp-blocked" => {
                unanswered
                    && (flow.quoted
                        || flow.syns >= 2
                        || flow.syns == 1 && flow.waited >= 3 * Timestamp::SECOND)
            }
            _ => flow.syn_acks >= 2 && flow.client == 0 && !flow.quoted,
        };
    }
    let (flows, now) = shown(frames);
    let Some(flow) = flows.get(&verdict.ends()) else { return false };
    let lasted = |since: Option<Timestamp>, until: Timestamp, seconds: i64| {
        since.is_some_and(|since| until.since(since) >= seconds * Timestamp::SECOND)
    };
    match code {
        "tcp-syn-unanswered" => flow.server_packets == 0 && (flow.syns >= 2 || lasted(flow.last_syn, now, 3)),
        "tcp-handshake-incomplete" => flow.syn_acks >= 2,
        _ if code.ends_with("-silent") || code.contains("-silent-") => match flow.client_closed {
            Some(gave_up) => lasted(flow.client_data, gave_up, 1),
            None => lasted(flow.client_data, now, 5),
        },
        // A FIN or RST is there, and what came after it may have said more.
        _ => flow.closed,
    }
}

#[test]
fn a_cut_capture_claims_no_failure_that_it_does_not_show() {
    let mut wrong = Wrong::default();
    for case in &*CASES {
        let frames = &case.capture.frames;
        for cut in sample(frames.len()) {
            let left = &frames[..cut];
            for verdict in run(left).iter().filter(|v| v.outcome == Outcome::Failed) {
                let before = before(case, verdict);
                if !before.iter().any(|known| known.code == verdict.code)
                    && !may_be_said(verdict.code, left, verdict)
                {
                    let codes: Vec<_> = before.iter().map(|known| known.code).collect();
                    wrong.add(format!(
                        "{} cut after frame {cut}: {} -> {} became {}, was {codes:?}",
                        case.capture.name(),
                        verdict.client,
                        verdict.server,
                        verdict.code
                    ));
                }
            }
        }
    }
}

#[test]
fn a_missing_frame_makes_no_failure() {
    let mut wrong = Wrong::default();
    for case in &*CASES {
        let frames = &case.capture.frames;
        for missing in sample(frames.len()) {
            let left: Vec<&Owned> =
                frames.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, frame)| frame).collect();
            let how = format!("without frame {}", missing + 1);
            wrong.no_new_failure(case, &run(left), &how, ends(&frames[missing]));
        }
    }
}

/// A second sighting 50 µs later.
fn again(frame: &Owned) -> Owned {
    Owned { time: frame.time.plus(50_000), ..frame.clone() }
}

/// The same as a router's other side shows it: another MAC address, one hop fewer.
fn beyond_router(frame: &Owned) -> Owned {
    let mut other = again(frame);
    let hops = match (other.link, other.data.get(12..14)) {
        (LinkType::ETHERNET, Some([8, 0])) => 22,
        (LinkType::ETHERNET, Some([0x86, 0xdd])) => 21,
        _ => return other,
    };
    if let Some(hops) = other.data.get_mut(hops) {
        *hops = hops.saturating_sub(1);
        other.data[6..12].copy_from_slice(&[2, 0, 0, 0, 0x77, 0x77]);
    }
    other
}

#[test]
fn frames_seen_twice_change_nothing() {
    let mut wrong = Wrong::default();
    for case in &*CASES {
        let frames = &case.capture.frames;
        for (how, second) in [("doubled", again as fn(&Owned) -> Owned), ("routed", beyond_router)] {
            let doubled: Vec<Owned> =
                frames.iter().flat_map(|frame| [frame.clone(), second(frame)]).collect();
            let got = run(&doubled);
            if told(&got) != told(&case.verdicts) {
                wrong.add(format!(
                    "{}, every frame {how}:\n  {}\nwas\n  {}",
                    case.capture.name(),
                    told(&got).join("\n  "),
                    told(&case.verdicts).join("\n  ")
                ));
                continue;
            }
            for one in sample(frames.len()) {
                let mut doubled = frames.clone();
                doubled.insert(one + 1, second(&frames[one]));
                let got = run(&doubled);
                if told(&got) != told(&case.verdicts) {
                    wrong.add(format!("{}, frame {} {how}: {:?}", case.capture.name(), one + 1, told(&got)));
                }
            }
        }
    }
}

#[test]
fn swapped_frames_make_no_failure() {
    let mut wrong = Wrong::default();
    for case in &*CASES {
        let frames = &case.capture.frames;
        for at in sample(frames.len().saturating_sub(1)) {
            // As a capturing host with several queues does it: times backwards, then times in order.
            let mut swapped = frames.clone();
            swapped.swap(at, at + 1);
            let ending = ends(&frames[at]) || ends(&frames[at + 1]);
            let how = format!("frames {} and {} swapped", at + 1, at + 2);
            wrong.no_new_failure(case, &run(&swapped), &how, ending);
            let (first, second) = (frames[at].time, frames[at + 1].time);
            swapped[at].time = first;
            swapped[at + 1].time = second;
            wrong.no_new_failure(case, &run(&swapped), &format!("{how}, times in order"), ending);
        }
    }
}

/// A mirror port hands on one direction later than the other.
#[test]
fn a_direction_that_comes_late_makes_no_failure() {
    let mut wrong = Wrong::default();
    for case in &*CASES {
        for (late, micros) in [(0, 100), (1, 100), (0, 1000), (1, 1000)] {
            let mut frames = case.capture.frames.clone();
            for frame in frames.iter_mut().filter(|frame| usize::from(from_server(frame)) == late) {
                frame.time = frame.time.plus(micros * 1000);
            }
            frames.sort_by_key(|frame| frame.time);
            let who = ["client", "server"][late];
            wrong.no_new_failure(case, &run(&frames), &format!("{who} {micros} µs late"), true);
        }
    }
}

/// Whether the lower port sent a frame.
fn from_server(frame: &Owned) -> bool {
    let mut decoder = Decoder::new(&Limits::default());
    let frame = frame.frame(1);
    let Ok(packet) = decoder.decode(&frame, 1) else { return false };
    matches!(packet.body, Body::Tcp(segment) if segment.src_port < segment.dst_port)
}

/// What an anonymizer does to a frame: other addresses, no hardware addresses, no checksums, other times; and
/// nothing of the payload but `kept` bytes.
fn anonymized(frame: &Owned, kept: usize) -> Owned {
    let mut other = Owned { time: frame.time.plus(-1_000 * 86_400 * Timestamp::SECOND), ..frame.clone() };
    let mut decoder = Decoder::new(&Limits::default());
    let payload = match decoder.decode(&frame.frame(1), 1) {
        Ok(packet) => match packet.body {
            Body::Tcp(segment) => Some(segment.payload.len()),
            _ => None,
        },
        Err(_) => None,
    };
    let end = other.data.len();
    let (ethernet, kind) = (other.link == LinkType::ETHERNET, other.data.get(12..14).map(<[u8]>::to_vec));
    let (addresses, checksums) = match kind.as_deref() {
        Some([8, 0]) if ethernet => (26..34, Some(24..26)),
        Some([0x86, 0xdd]) if ethernet => (22..54, None),
        // Other links and tags are left as they are: the payload is what matters.
        _ => (0..0, None),
    };
    if ethernet {
        other.data[..12].fill(0);
    }
    for byte in addresses.filter(|&at| at < end) {
        // One to one, and no special address.
        other.data[byte] ^= 0x05;
    }
    if let Some(checksum) = checksums.filter(|range| range.end <= end) {
        other.data[checksum].fill(0);
    }
    if let Some(payload) = payload {
        other.data[end - payload.saturating_sub(kept)..].fill(0);
    }
    other
}

#[test]
fn an_anonymizer_makes_no_failure() {
    let mut wrong = Wrong::default();
    for case in CASES
        .iter()
        .filter(|case| case.verdicts.iter().chain(&case.flows).all(|v| v.outcome != Outcome::Failed))
    {
        for kept in [usize::MAX, 64, 16, 5, 0] {
            let frames: Vec<Owned> =
                case.capture.frames.iter().map(|frame| anonymized(frame, kept)).collect();
            for verdict in run(&frames) {
                let (code, sure) = (verdict.code, verdict.confidence.as_str());
                let less = case.verdicts.iter().any(|known| less_said(known.code).contains(&code));
                if verdict.outcome == Outcome::Failed && !less {
                    wrong.add(format!(
                        "{} with {kept} bytes of payload: {code} ({sure})",
                        case.capture.name()
                    ));
                }
                if kept == usize::MAX && case.verdicts.iter().all(|known| known.code != code) {
                    wrong.add(format!("{} anonymized: {code}", case.capture.name()));
                }
            }
        }
    }
}

#[test]
fn a_snapshot_length_makes_no_failure() {
    let mut wrong = Wrong::default();
    for case in &*CASES {
        for snaplen in [14, 34, 54, 60, 66, 74, 96, 128, 200, 256, 512, 1000] {
            let mut frames = case.capture.frames.clone();
            for frame in &mut frames {
                frame.data.truncate(snaplen);
            }
            wrong.no_new_failure(case, &run(&frames), &format!("cut at {snaplen} bytes"), false);
        }
    }
}

#[test]
fn flipped_bytes_do_no_harm() {
    for (index, case) in CASES.iter().enumerate() {
        let mut numbers = Numbers::new(index as u64 + 1);
        let frames = &case.capture.frames;
        for round in 0..TRIES {
            // One byte, then more and more of them.
            let mut damaged = frames.clone();
            for _ in 0..=round / 4 {
                let frame = numbers.below(damaged.len());
                let data = &mut damaged[frame].data;
                if !data.is_empty() {
                    let at = numbers.below(data.len());
                    data[at] ^= 1 << numbers.below(8);
                    if numbers.below(4) == 0 {
                        data[at] = numbers.next() as u8;
                    }
                }
            }
            run(&damaged);
        }
    }
}

#[test]
fn cut_doubled_and_shuffled_at_once_does_no_harm() {
    for (index, case) in CASES.iter().enumerate() {
        let mut numbers = Numbers::new(1000 + index as u64);
        for _ in 0..20 {
            let mut frames = Vec::new();
            for frame in &case.capture.frames {
                let mut frame = frame.clone();
                match numbers.below(12) {
                    0 => continue,
                    1 => frames.push(again(&frame)),
                    2 => frame.data.truncate(numbers.below(80)),
                    3 => frame.wire_len = numbers.next() as u32,
                    4 => frame.time = Timestamp(numbers.next() as i64),
                    5 => frame.link = LinkType([0, 1, 101, 105, 113, 127, 276][numbers.below(7)]),
                    6 if !frames.is_empty() => {
                        let at = numbers.below(frames.len());
                        frames.insert(at, frame.clone());
                    }
                    _ => {}
                }
                frames.push(frame);
            }
            run(&frames);
        }
    }
}

/// Live capture lets time pass between frames; a file does not. Both must say the same.
#[test]
fn idle_ticks_change_nothing() {
    const TICK: i64 = 100 * Timestamp::MILLISECOND;
    let mut wrong = Wrong::default();
    for case in &*CASES {
        let mut analyzer = Analyzer::new(Options::default());
        let mut early = Vec::new();
        let mut now: Option<Timestamp> = None;
        let mut number = 0;
        for frame in &case.capture.frames {
            if let Some(mut tick) = now {
                // Longer and longer steps where nothing comes for long.
                let mut step = TICK;
                while tick.plus(step) < frame.time {
                    tick = tick.plus(step);
                    analyzer.advance(tick);
                    step += step / 50;
                }
            }
            number += 1;
            analyzer.push(&frame.frame(number));
            early.extend(std::iter::from_fn(|| analyzer.poll_over()).map(common::verdict));
            now = now.max(Some(frame.time));
        }
        analyzer.finish();
        early.extend(std::iter::from_fn(|| analyzer.poll_over()).map(common::verdict));
        early.sort_by_key(|(verdict, first)| (verdict.client, verdict.server, *first));
        let got: Vec<Verdict> = early.into_iter().map(|(verdict, _)| verdict).collect();
        if got != case.verdicts {
            wrong.add(format!(
                "{}:\n  {}\nwas\n  {}",
                case.capture.name(),
                told(&got).join("\n  "),
                told(&case.verdicts).join("\n  ")
            ));
        }
    }
}

/// A ring buffer's files, read as one, say what one file says.
#[test]
fn a_capture_split_in_files_says_the_same() {
    let mut wrong = Wrong::default();
    for case in &*CASES {
        let frames = &case.capture.frames;
        let mixed = frames.iter().any(|frame| frame.link != frames[0].link || frame.time.0 < 0);
        let backwards = frames.windows(2).any(|pair| pair[1].time < pair[0].time);
        if mixed || backwards {
            // A pcap file has one link type, and files are merged by time.
            continue;
        }
        for parts in [2, 3, 7] {
            let files = frames.chunks(frames.len().div_ceil(parts)).enumerate();
            let captures = files
                .map(|(index, part)| {
                    let bytes = std::io::Cursor::new(made::pcap(part));
                    Capture::from_reader(format!("part {index}"), bytes, index as u16).unwrap()
                })
                .collect();
            let mut merged = Merged::new(captures);
            let mut analyzer = Analyzer::new(Options::default());
            while let Some(frame) = merged.next_frame() {
                analyzer.push(&frame);
            }
            let got = common::finish(analyzer, frames.len() as u64);
            if got != case.verdicts {
                wrong.add(format!("{} in {parts} files: {:?}", case.capture.name(), told(&got)));
            }
        }
    }
}
