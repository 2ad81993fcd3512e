//! What the second step needs of every session that is over, in 48 bytes: a scan leaves a million of them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Outcome, Verdict};
use crate::base::{Dir, Stamp, Timestamp};
use crate::protocol::negotiation::Protocols;
use crate::session::{Phase, Session, UdpSession};

/// What is done with a session's own report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It can be listed.
    Listed,
    /// It is counted only.
    Counted,
    /// Nobody asked for it.
    Passed,
}

/// How the client asked to secure the connection: the strongest of what it offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// No request was seen.
    Nothing,
    /// Standard RDP Security.
    Rdp,
    /// TLS.
    Tls,
    /// CredSSP.
    Nla,
    /// RDSTLS.
    Rdstls,
    /// Entra ID.
    Rdsaad,
    /// Bits that nobody named.
    Other,
}

/// One session as the second step sees it.
#[derive(Clone, Copy, Debug)]
pub struct Brief {
    /// Place of its first packet: capture (16 bits) and order (48 bits).
    pub order: u64,
    /// First packet.
    pub start: Timestamp,
    /// From when on its client could begin the next: see `over`.
    pub over: Timestamp,
    /// Last packet.
    pub end: Timestamp,
    /// The client's address.
    pub client: IpAddr,
    /// The server.
    pub server: SocketAddr,
    /// Diagnosis code.
    pub code: &'static str,
    /// Outcome.
    pub outcome: Outcome,
    /// How far it got.
    pub phase: Phase,
    /// What the client offered.
    pub asked: Asked,
    /// Hash of the cookie; 0 for none.
    pub cookie: u32,
    /// What is done with it.
    pub kept: Kept,
}

impl Brief {
    /// A session that is listed, unless somebody says otherwise.
    pub fn new(session: &Session, verdict: &Verdict) -> Self {
        let tcp = &session.tcp;
        let start = tcp.first.time;
        let end = tcp.last.time.max(start);
        let request = session.facts.request.as_ref().map(|request| &request.value);
        Brief {
            order: order(tcp.first),
            start,
            over: over(session).max(start),
            end,
            client: tcp.client.ip(),
            server: tcp.server,
            code: verdict.code,
            outcome: verdict.outcome,
            phase: session.phase(),
            asked: request.map_or(Asked::Nothing, |request| {
                asked(request.negotiation.map_or(Protocols::RDP, |negotiation| negotiation.protocols))
            }),
            cookie: request.and_then(|request| request.cookie.as_deref()).map_or(0, hash),
            kept: Kept::Listed,
        }
    }

    /// The same of an RDP-UDP flow whose TCP session is not in the capture.
    pub fn of_udp(session: &UdpSession, verdict: &Verdict) -> Self {
        let udp = &session.udp;
        let start = udp.first.time;
        let end = udp.last.time.max(start);
        Brief {
            order: order(udp.first),
            start,
            over: end,
            end,
            client: udp.client.ip(),
            server: udp.server,
            code: verdict.code,
            outcome: verdict.outcome,
            phase: session.phase(),
            asked: Asked::Nothing,
            cookie: 0,
            kept: Kept::Listed,
        }
    }
}

/// See the module's description. `v6` says which addresses are indexes in [`Ledger::v6`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// Capture (16 bits) and order (48 bits) of the first packet.
    pub(super) order: u64,
    /// Microseconds from `over` to `end`; the longest that fits where it was longer.
    tail: u32,
    client: u32,
    server: u32,
    /// Hash of the cookie; 0 for none.
    pub(super) cookie: u32,
    port: u16,
    v6: u8,
    pub(super) code: u8,
    pub(super) outcome: Outcome,
    pub(super) phase: Phase,
    pub(super) asked: Asked,
    pub(super) kept: Kept,
}

const _: () = assert!(size_of::<Row>() <= 48);

/// Client and server as numbers that are equal where the ends are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ClientKey(pub(super) u64);
/// See [`ClientKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ServerKey(pub(super) u64);

impl Row {
    const CLIENT_V6: u8 = 1;
    const SERVER_V6: u8 = 2;
    /// Bits of a [`ClientKey`].
    pub(super) const CLIENT_BITS: u32 = 33;
    /// Bits of a [`ServerKey`].
    pub(super) const SERVER_BITS: u32 = 49;
    /// Bits of a session's rank.
    pub(super) const RANK_BITS: u32 = 32;

    /// 33 bits.
    pub(super) fn client_key(&self) -> ClientKey {
        ClientKey(u64::from(self.v6 & Self::CLIENT_V6 != 0) << 32 | u64::from(self.client))
    }

    /// 49 bits.
    pub(super) fn server_key(&self) -> ServerKey {
        let v6 = u64::from(self.v6 & Self::SERVER_V6 != 0);
        ServerKey(v6 << 48 | u64::from(self.server) << 16 | u64::from(self.port))
    }

    pub(super) fn over(&self) -> Timestamp {
        self.end.plus(-i64::from(self.tail) * 1000)
    }

    pub(super) const fn capture(&self) -> u16 {
        (self.order >> ORDER_BITS) as u16
    }
}

const ORDER_BITS: u32 = 48;

/// Every session of a run, in the order in which they ended.
#[derive(Debug, Default)]
pub struct Ledger {
    /// In blocks, all but the last full: one list would be there twice whenever it grows.
    blocks: Vec<Vec<Row>>,
    codes: Vec<&'static str>,
    v6: Vec<Ipv6Addr>,
    v6_index: HashMap<Ipv6Addr, u32, ahash::RandomState>,
}

impl Ledger {
    /// Rows in a block.
    const BLOCK: usize = 1 << 15;

    /// Remembers a session; its number here, from 0.
    pub fn add(&mut self, session: &Brief) -> u32 {
        let (client, client_v6) = self.address(session.client, Row::CLIENT_V6);
        let (server, server_v6) = self.address(session.server.ip(), Row::SERVER_V6);
        let tail = session.end.since(session.over) / 1000;
        let row = Row {
            start: session.start,
            end: session.end,
            order: session.order,
            tail: u32::try_from(tail.max(0)).unwrap_or(u32::MAX),
            client,
            server,
            cookie: session.cookie,
            port: session.server.port(),
            v6: client_v6 | server_v6,
            code: self.code(session.code),
            outcome: session.outcome,
            phase: session.phase,
            asked: session.asked,
            kept: session.kept,
        };
        let number = self.len() as u32;
        match self.blocks.last_mut() {
            Some(block) if block.len() < Self::BLOCK => block.push(row),
            Some(_) => {
                let mut block = Vec::with_capacity(Self::BLOCK);
                block.push(row);
                self.blocks.push(block);
            }
            None => self.blocks.push(vec![row]),
        }
        number
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * Self::BLOCK + last.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.blocks.iter().flatten()
    }

    pub(super) fn row(&self, number: u32) -> Option<&Row> {
        let number = number as usize;
        self.blocks.get(number / Self::BLOCK)?.get(number % Self::BLOCK)
    }

    pub(super) fn brief(&self, row: &Row) -> Brief {
        let ip = |number: u32, bit: u8| {
            if row.v6 & bit == 0 {
                return IpAddr::V4(Ipv4Addr::from(number));
            }
            IpAddr::V6(self.v6.get(number as usize).copied().unwrap_or(Ipv6Addr::UNSPECIFIED))
        };
        Brief {
            order: row.order,
            start: row.start,
            over: row.over(),
            end: row.end,
            client: ip(row.client, Row::CLIENT_V6),
            server: SocketAddr::new(ip(row.server, Row::SERVER_V6), row.port),
            code: self.code_of(row),
            outcome: row.outcome,
            phase: row.phase,
            asked: row.asked,
            cookie: row.cookie,
            kept: row.kept,
        }
    }

    pub(super) fn code_of(&self, row: &Row) -> &'static str {
        self.codes.get(usize::from(row.code)).copied().unwrap_or("inconclusive")
    }

    /// An IPv4 address as it is, an IPv6 address as an index and `bit`.
    fn address(&mut self, ip: IpAddr, bit: u8) -> (u32, u8) {
        match ip {
            IpAddr::V4(ip) => (u32::from(ip), 0),
            IpAddr::V6(ip) => {
                let next = self.v6.len() as u32;
                let index = *self.v6_index.entry(ip).or_insert(next);
                if index == next {
                    self.v6.push(ip);
                }
                (index, bit)
            }
        }
    }

    fn code(&mut self, code: &'static str) -> u8 {
        let known = self.codes.iter().position(|known| *known == code);
        let index = known.unwrap_or_else(|| {
            self.codes.push(code);
            self.codes.len() - 1
        });
        // The contract has far fewer codes.
        u8::try_from(index).unwrap_or(u8::MAX)
    }
}

/// Place of a session's first packet.
fn order(stamp: Stamp) -> u64 {
    u64::from(stamp.at.capture()) << ORDER_BITS | (stamp.order & ((1 << ORDER_BITS) - 1))
}

/// The same, with captures that were analyzed as one sharing one order.
pub(super) fn place(order: u64, separate: bool) -> u64 {
    if separate { order } else { order & ((1 << ORDER_BITS) - 1) }
}

/// When a session was over as far as its client is concerned, who may begin another from then on though the
/// server goes on repeating what nobody answers: the first FIN or RST; the first packet of the server that
/// was repeated and never acknowledged; the client's last packet where nothing was established.
fn over(session: &Session) -> Timestamp {
    let tcp = &session.tcp;
    let mut over = tcp.last.time;
    if let Some(closing) = tcp.closing {
        over = over.min(closing.stamp.time);
    }
    if let Some(unanswered) =
        tcp.dir[Dir::ServerToClient].unanswered.as_deref().filter(|unanswered| unanswered.count >= 2)
    {
        over = over.min(unanswered.first.time);
    }
    let unfinished = tcp.syn.is_some() && tcp.handshake_ack.is_none();
    if let Some(last) = tcp.dir[Dir::ClientToServer].last_packet.filter(|_| unfinished) {
        over = over.min(last.time);
    }
    over
}

fn asked(protocols: Protocols) -> Asked {
    match protocols {
        Protocols::RDP => Asked::Rdp,
        p if p.contains(Protocols::HYBRID) || p.contains(Protocols::HYBRID_EX) => Asked::Nla,
        p if p.contains(Protocols::RDSAAD) => Asked::Rdsaad,
        p if p.contains(Protocols::RDSTLS) => Asked::Rdstls,
        p if p.contains(Protocols::SSL) => Asked::Tls,
        _ => Asked::Other,
    }
}

/// FNV-1a, which is the same in every run; never 0.
fn hash(text: &str) -> u32 {
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.max(1)
}
