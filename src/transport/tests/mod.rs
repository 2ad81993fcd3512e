//! Scripted packets between a client, 10.0.0.2:50000, and a server, 10.0.0.1:3389.

mod flows;
mod hostile;
mod opening;
mod reassembly;
mod segments;
mod steady;

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::base::{Dir, FrameRef, Limits, Stamp, Timestamp};
use crate::packet::{IcmpError, Meta, Segment, TcpFlags, TcpOptions};

pub(super) const SYN: u8 = 0x02;
pub(super) const ACK: u8 = 0x10;
pub(super) const FIN: u8 = 0x01;
pub(super) const RST: u8 = 0x04;
/// The client's and the server's initial sequence numbers.
pub(super) const C: u32 = 1000;
// Near the wrap-around.
pub(super) const S: u32 = 0xffff_fff0;
pub(super) const UP: Dir = Dir::ClientToServer;
pub(super) const DOWN: Dir = Dir::ServerToClient;

/// One packet, to be changed field by field.
#[derive(Clone, Debug)]
pub(super) struct P {
    pub from_client: bool,
    pub client: (u8, u16),
    pub server_port: u16,
    pub flags: u8,
    pub seq: u32,
    pub ack: u32,
    pub payload: Vec<u8>,
    pub wire_len: Option<u32>,
    pub window: u16,
    pub ip_id: Option<u16>,
    pub ttl: u8,
    pub interface: u32,
    pub checksum: u16,
    pub options: Vec<u8>,
    /// Microseconds since the packet before.
    pub after: i64,
}

fn packet(from_client: bool, flags: u8, seq: u32, ack: u32, payload: &[u8]) -> P {
    P {
        from_client,
        client: (2, 50000),
        server_port: 3389,
        flags,
        seq,
        ack,
        payload: payload.to_vec(),
        wire_len: None,
        window: 64000,
        ip_id: None,
        ttl: 128,
        interface: 0,
        checksum: 0,
        options: Vec::new(),
        after: 10_000,
    }
}

/// From the client.
pub(super) fn c(flags: u8, seq: u32, ack: u32, payload: &[u8]) -> P {
    packet(true, flags, seq, ack, payload)
}

/// From the server.
pub(super) fn s(flags: u8, seq: u32, ack: u32, payload: &[u8]) -> P {
    packet(false, flags, seq, ack, payload)
}

impl P {
    pub(super) fn after_ms(mut self, ms: i64) -> P {
        self.after = ms * 1000;
        self
    }

    pub(super) fn after_us(mut self, us: i64) -> P {
        self.after = us;
        self
    }

    pub(super) fn id(mut self, id: u16) -> P {
        self.ip_id = Some(id);
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut P)) -> P {
        change(&mut self);
        self
    }
}

/// SYN, SYN-ACK, ACK.
pub(super) fn handshake() -> [P; 3] {
    [
        c(SYN, C, 0, b"").with(|p| p.options = vec![2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2]),
        s(SYN | ACK, S, C + 1, b"").with(|p| p.options = vec![2, 4, 5, 0xb0]),
        c(ACK, C + 1, S.wrapping_add(1), b""),
    ]
}

/// What a connection gave its reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Log {
    pub up: Stream,
    pub down: Stream,
    pub ignore_after: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stream {
    /// Missing bytes as `_`, bytes cut by the capture as `?`.
    pub bytes: Vec<u8>,
    pub chunks: Vec<(u64, u64, u64)>,
    pub gaps: Vec<(u64, u64, bool)>,
}

impl Log {
    fn stream(&mut self, dir: Dir) -> &mut Stream {
        if dir == UP { &mut self.up } else { &mut self.down }
    }

    fn interest(&self) -> Interest {
        let seen = self.up.bytes.len() + self.down.bytes.len();
        match self.ignore_after {
            Some(limit) if seen as u64 >= limit => Interest::Ignore,
            _ => Interest::Watch,
        }
    }
}

impl Reader for Log {
    fn data(&mut self, tcp: &TcpFacts, dir: Dir, chunk: Chunk<'_>) -> Interest {
        assert!(tcp.dir[dir].first_data.is_some());
        assert_eq!(self.interest(), Interest::Watch, "called again after it ignored");
        let stream = self.stream(dir);
        assert_eq!(chunk.offset, stream.bytes.len() as u64, "in order, without holes");
        assert!(chunk.len >= chunk.data.len() as u64 && chunk.len > 0);
        stream.bytes.extend_from_slice(chunk.data);
        stream.bytes.resize((chunk.offset + chunk.len) as usize, b'?');
        stream.chunks.push((chunk.offset, chunk.len, chunk.stamp.at.number()));
        self.interest()
    }

    fn gap(&mut self, _: &TcpFacts, dir: Dir, gap: Gap) -> Interest {
        let stream = self.stream(dir);
        assert_eq!(gap.offset, stream.bytes.len() as u64);
        assert!(gap.len > 0);
        if gap.len < 1 << 20 {
            stream.bytes.resize((gap.offset + gap.len) as usize, b'_');
        }
        stream.gaps.push((gap.offset, gap.len, gap.acknowledged));
        self.interest()
    }
}

/// Feeds packets and gathers what comes out.
pub(super) struct Run {
    pub connections: Connections<Log>,
    pub out: Vec<Finished<Log>>,
    pub ignore_after: Option<u64>,
    pub now: i64,
    pub order: u64,
}

impl Run {
    pub(super) fn new() -> Self {
        Run::with(Limits::default())
    }

    pub(super) fn with(limits: Limits) -> Self {
        Run {
            connections: Connections::new(&limits, Config::default()),
            out: Vec::new(),
            ignore_after: None,
            now: 1_700_000_000 * Timestamp::SECOND,
            order: 0,
        }
    }

    pub(super) fn stamp(&mut self, after_us: i64) -> Stamp {
        self.now += after_us * 1000;
        self.order += 1;
        Stamp { at: FrameRef::new(0, self.order), time: Timestamp(self.now), order: self.order }
    }

    pub(super) fn push(&mut self, p: &P) {
        let stamp = self.stamp(p.after);
        let client = IpAddr::V4(Ipv4Addr::new(10, 0, 0, p.client.0));
        let server = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
        let (src, dst) = if p.from_client { (client, server) } else { (server, client) };
        let (src_port, dst_port) =
            if p.from_client { (p.client.1, p.server_port) } else { (p.server_port, p.client.1) };
        let payload_len = p.wire_len.unwrap_or(p.payload.len() as u32);
        let meta = Meta {
            stamp,
            interface: p.interface,
            src,
            dst,
            ttl: p.ttl,
            ip_id: p.ip_id,
            dont_fragment: true,
            src_mac: None,
            ip_len: 40 + payload_len,
            tunnelled: false,
        };
        let segment = Segment {
            src_port,
            dst_port,
            seq: p.seq,
            ack: p.ack,
            flags: TcpFlags(p.flags),
            window: p.window,
            checksum: p.checksum,
            options: TcpOptions(&p.options),
            payload: &p.payload,
            payload_len,
        };
        let ignore_after = self.ignore_after;
        self.connections.segment(&meta, &segment, &mut |_| Log { ignore_after, ..Log::default() });
        self.poll();
    }

    pub(super) fn icmp(&mut self, after_us: i64, kind: u8, code: u8) {
        let stamp = self.stamp(after_us);
        let ip = |n| IpAddr::V4(Ipv4Addr::new(10, 0, 0, n));
        let meta = Meta {
            stamp,
            interface: 0,
            src: ip(254),
            dst: ip(2),
            ttl: 64,
            ip_id: None,
            dont_fragment: false,
            src_mac: None,
            ip_len: 56,
            tunnelled: false,
        };
        let error = IcmpError {
            from: ip(254),
            v6: false,
            kind,
            code,
            mtu: None,
            src: ip(2),
            dst: ip(1),
            protocol: 6,
            src_port: 50000,
            dst_port: 3389,
            seq: Some(C),
        };
        self.connections.icmp(&meta, &error);
        self.poll();
    }

    pub(super) fn advance(&mut self, seconds: f64) {
        self.now += (seconds * 1e9) as i64;
        self.connections.advance(Timestamp(self.now));
        self.poll();
    }

    fn poll(&mut self) {
        while let Some(finished) = self.connections.poll() {
            self.out.push(finished);
        }
    }

    pub(super) fn play<'a>(&mut self, packets: impl IntoIterator<Item = &'a P>) -> &mut Self {
        for packet in packets {
            self.push(packet);
        }
        self
    }

    pub(super) fn finish(&mut self) -> &mut Self {
        self.connections.finish();
        self.poll();
        self
    }

    /// The sessions handed out so far.
    pub(super) fn sessions(&mut self) -> Vec<(Box<TcpFacts>, Option<Log>)> {
        self.out
            .drain(..)
            .filter_map(|finished| match finished {
                Finished::Bare(bare) => Some((bare.facts(), None)),
                Finished::Session { facts, reader } => Some((facts, reader.map(|log| *log))),
                Finished::Other { .. } => None,
            })
            .collect()
    }

    pub(super) fn others(&self) -> usize {
        self.out.iter().filter(|finished| matches!(finished, Finished::Other { .. })).count()
    }
}

/// The only session that these packets make.
pub(super) fn only(packets: &[P]) -> (Box<TcpFacts>, Log) {
    let mut sessions = Run::new().play(packets).finish().sessions();
    assert_eq!(sessions.len(), 1, "{sessions:#?}");
    let (facts, log) = sessions.remove(0);
    (facts, log.unwrap_or_default())
}

/// The same, after a handshake.
pub(super) fn after_handshake(packets: &[P]) -> (Box<TcpFacts>, Log) {
    only(&[&handshake()[..], packets].concat())
}
