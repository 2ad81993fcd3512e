//! Datagrams of one RDP-UDP flow, in whatever order, with whatever numbers: eight bytes each.

use std::net::Ipv4Addr;

use rdpwhy::analyzer::{Analyzer, Options};
use rdpwhy::base::{Dir, Frame, FrameRef, LinkType, Timestamp};
use rdpwhy::session::{Phase, UdpSession, udp_timeline};

/// Reads the script and checks what comes out of the engine. First byte: the version spoken, and what the opening lacks.
/// Then, for each datagram: what it is, how time goes on (two), number, number of data, what it acknowledges, and how.
pub fn udp_flow(data: &[u8]) {
    let Some((&kind, steps)) = data.split_first() else { return };
    let version: u16 = [1, 2, 0x0101, 0x0003][usize::from(kind & 3)];
    let mut frames = Frames::default();
    if kind & 4 == 0 {
        frames.push(true, &opening(u32::MAX, 0x1001 | u16::from(kind & 8 != 0) << 9, version));
    }
    if kind & 16 == 0 {
        frames.push(false, &opening(FIRST - 1, 0x1005, version));
    }
    for step in steps.chunks_exact(8) {
        let &[what, wait, unit, number, data, ack, how, len] = step else { return };
        frames.now += i64::from(wait) * [1_000, 1_000_000, 1_000_000_000, -1_000_000][usize::from(unit & 3)];
        let by_client = what & 1 == 0;
        let payload = match what >> 1 & 7 {
            0 => step.to_vec(),
            1 => opening(FIRST - 1 + u32::from(ack > 250), 0x1005, version),
            2 => opening(u32::MAX, 0x1001, version),
            _ if version == 0x0101 => packet(what, number, data, ack, how, len),
            _ => datagram(what, number, data, ack, how, len),
        };
        frames.push(by_client, &payload);
        if what & 128 != 0 && unit & 4 != 0 {
            frames.unreachable(by_client);
        }
    }
    let sent = frames.sent;
    let mut analyzer = frames.analyzer;
    analyzer.finish();
    let mut flows = 0;
    while let Some(over) = analyzer.poll_over() {
        if let rdpwhy::analyzer::Whole::Udp(flow) = &over.whole {
            flows += 1;
            check(&flow.session, sent);
        }
    }
    assert!(flows <= sent, "{flows} flows of {sent} datagrams");
}

/// What must hold of every flow.
fn check(flow: &UdpSession, frames: u64) {
    assert!(flow.udp.first.order <= flow.udp.last.order);
    assert!(flow.phase() >= Phase::UdpConnect);
    assert!(udp_timeline(flow).len() <= 256);
    for dir in Dir::BOTH {
        let one = flow.measured()[dir];
        assert!(one.lost <= one.sent, "{one:?}");
        assert!(one.repeats + one.extra <= flow.udp.dir[dir].datagrams, "{one:?}");
        assert!(flow.loss_pct(dir).is_none_or(|loss| (0.0..=100.0).contains(&loss)), "{one:?}");
        assert!(flow.rtt(dir).is_none_or(|rtt| rtt > 0));
        assert!(flow.udp.dir[dir].datagrams <= frames);
        let _ = (flow.stuck(dir), flow.closed(dir));
    }
}

/// The first number of either end.
const FIRST: u32 = 0xFFFF_FFF0;

fn opening(acknowledges: u32, flags: u16, version: u16) -> Vec<u8> {
    let mut bytes = Vec::from(acknowledges.to_be_bytes());
    bytes.extend([0, 64]);
    bytes.extend(flags.to_be_bytes());
    bytes.extend((FIRST - 1).to_be_bytes());
    bytes.extend([4, 0xD0, 4, 0xD0, 0, 1]);
    bytes.extend(version.to_be_bytes());
    bytes.resize(1232, 0);
    bytes
}

/// A number near the first one; far from it now and then.
fn number(byte: u8) -> u32 {
    if byte > 250 { u32::from(byte) << 23 } else { FIRST.wrapping_add(u32::from(byte)) }
}

/// Version 1 or 2.
fn datagram(what: u8, coded: u8, data: u8, ack: u8, how: u8, len: u8) -> Vec<u8> {
    let kind = what >> 1 & 7;
    let has_data = kind != 3;
    let fec = kind == 4;
    let mut flags: u16 = 4 | u16::from(has_data) << 3 | u16::from(fec && has_data) << 4;
    flags |= u16::from(what & 16 != 0) << 10 | u16::from(what & 32 != 0) << 8;
    let mut bytes = Vec::from(number(ack).to_be_bytes());
    bytes.extend([0, 64]);
    bytes.extend(flags.to_be_bytes());
    // Up to three runs, of which the middle one may be missing.
    let runs = [how & 15, 0xC0 | how >> 6, how >> 4 & 3];
    let count = usize::from(what >> 6 & 1) * 2 + 1;
    bytes.extend([0, count as u8]);
    bytes.extend(&runs[..count]);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    if flags & 0x100 != 0 {
        bytes.extend(number(ack).to_be_bytes());
    }
    if has_data {
        bytes.extend(number(coded).to_be_bytes());
        bytes.extend(number(data).to_be_bytes());
        if fec {
            bytes.extend([how & 7, 0, 0, 0]);
        }
        bytes.extend(record(how, len));
    }
    bytes
}

/// Version 3.
fn packet(what: u8, sequence: u8, data: u8, ack: u8, how: u8, len: u8) -> Vec<u8> {
    let kind = what >> 1 & 7;
    let (has_data, dummy) = (kind != 3, kind == 4);
    let acknowledges = [0_u16, 1, 8, 1][usize::from(what >> 4 & 3)];
    let flags = acknowledges | u16::from(has_data) << 2 | u16::from(what & 64 != 0) << 4;
    let low = |byte: u8| (number(byte) as u16).to_le_bytes();
    let mut bytes = vec![0xE0 | u8::from(dummy) << 4];
    bytes.extend((flags | 0xC000).to_le_bytes());
    if flags & 1 != 0 {
        bytes.extend(low(ack));
        bytes.extend([1, 2, 3, how, 0x70 | how & 3]);
        bytes.extend(vec![9; usize::from(how & 3)]);
    }
    if flags & 16 != 0 {
        bytes.extend(low(ack.wrapping_sub(how & 15)));
    }
    if has_data {
        bytes.extend(low(sequence));
    }
    if flags & 8 != 0 {
        bytes.extend(low(ack.wrapping_sub(6)));
        bytes.extend([0x82, 1, 2, 3, how, how & 0x7F, 0x80 | how]);
    }
    if has_data && !dummy {
        bytes.extend(low(data));
        bytes.extend(record(how, len));
    } else {
        bytes.resize(bytes.len() + usize::from(len), 0);
    }
    bytes.resize(bytes.len().max(8), 0);
    bytes.swap(0, 7);
    bytes
}

/// A record of TLS or DTLS, or what may be one.
fn record(how: u8, len: u8) -> Vec<u8> {
    let mut record = vec![20 + (how & 3), if how & 4 == 0 { 3 } else { 0xFE }, 3, 0, len];
    record.resize(5 + usize::from(len), how);
    record
}

struct Frames {
    analyzer: Analyzer,
    now: i64,
    sent: u64,
}

impl Default for Frames {
    fn default() -> Self {
        let analyzer = Analyzer::new(Options::default());
        Frames { analyzer, now: 1_795_165_200 * Timestamp::SECOND, sent: 0 }
    }
}

const CLIENT: (Ipv4Addr, u16) = (Ipv4Addr::new(10, 0, 0, 2), 50_000);
const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(10, 0, 0, 1), 3389);

impl Frames {
    fn push(&mut self, by_client: bool, payload: &[u8]) {
        let frame = udp(by_client, payload, self.sent as u16);
        self.frame(&frame);
    }

    /// An ICMP error about what the client or the server sent: its port is closed.
    fn unreachable(&mut self, by_client: bool) {
        let quoted = udp(by_client, &[], 0);
        let mut icmp = vec![3, 3, 0, 0, 0, 0, 0, 0];
        icmp.extend(&quoted[14..]);
        let frame = ip(!by_client, 1, &icmp, self.sent as u16);
        self.frame(&frame);
    }

    fn frame(&mut self, data: &[u8]) {
        self.sent += 1;
        self.analyzer.push(&Frame {
            at: FrameRef::new(0, self.sent),
            time: Timestamp(self.now),
            link: LinkType::ETHERNET,
            interface: 0,
            data,
            wire_len: data.len() as u32,
        });
    }
}

fn udp(by_client: bool, payload: &[u8], id: u16) -> Vec<u8> {
    let (from, to) = if by_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    let mut bytes = Vec::from(from.1.to_be_bytes());
    bytes.extend(to.1.to_be_bytes());
    bytes.extend((8 + payload.len() as u16).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    ip(by_client, 17, &bytes, id)
}

fn ip(by_client: bool, protocol: u8, payload: &[u8], id: u16) -> Vec<u8> {
    let (from, to) = if by_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    frame.extend((20 + payload.len() as u16).to_be_bytes());
    frame.extend(id.to_be_bytes());
    frame.extend([0x40, 0, 64, protocol, 0, 0]);
    frame.extend(from.0.octets());
    frame.extend(to.0.octets());
    frame.extend(payload);
    frame
}
