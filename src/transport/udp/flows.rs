//! All flows of a capture. Only what was recognized has a slot.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use super::{FlowReader, Opened, Recognizer, UdpFacts};
use crate::base::{Dir, Limits, PerDir, Seen, Timestamp};
use crate::packet::{Datagram, IcmpError, Meta};
use crate::transport::facts::{Ended, Repeats};
use crate::transport::key::{Flow, Key};
use crate::transport::sightings::{Print, Recent};
use crate::transport::table::{Class, Table, bits};
use crate::transport::udp::Quoted;

/// One flow in the table.
#[derive(Debug)]
struct Followed<R> {
    facts: UdpFacts,
    reader: R,
    recent: PerDir<Recent>,
}

/// A slot: `None` where the flow was handed out already.
type Body<R> = Option<Box<Followed<R>>>;

/// The flows of a run. Datagrams in with [`datagram`](Self::datagram), flows that are over out with
/// [`poll`](Self::poll) or, by choice, with [`take`](Self::take).
#[derive(Debug)]
pub struct Flows<R> {
    table: Table<Body<R>>,
    /// Client, server and slot of each flow that is not over.
    between: BTreeSet<(IpAddr, IpAddr, u32)>,
    sighting: i64,
    /// The highest time seen.
    now: Timestamp,
    gone: VecDeque<(UdpFacts, R)>,
    /// How many were given up since room was needed.
    given_up: u64,
}

impl<R: FlowReader> Flows<R> {
    /// No flows yet.
    pub fn new(limits: &Limits) -> Self {
        let limits = Limits { flows: limits.udp_flows, ..limits.clone() };
        Flows {
            table: Table::new(&limits),
            between: BTreeSet::new(),
            sighting: limits.sighting,
            now: Timestamp(i64::MIN),
            gone: VecDeque::new(),
            given_up: 0,
        }
    }

    /// Takes the next datagram; whether it belongs to a flow that is known, or was recognized by it.
    pub fn datagram(
        &mut self,
        meta: &Meta,
        datagram: &Datagram<'_>,
        recognizer: &mut impl Recognizer<R>,
    ) -> bool {
        self.advance(meta.stamp.time);
        let (flow, from_a) = Flow::of(&meta.src, datagram.src_port, &meta.dst, datagram.dst_port);
        let known = if self.table.is_empty() { None } else { self.table.find(&flow) };
        let Some(at) = known else {
            let opened = recognizer.opens(meta, datagram).or_else(|| recognizer.continues(meta, datagram));
            return self.open(flow, from_a, meta, datagram, opened);
        };
        let Some(slot) = self.table.get_mut(at) else { return true };
        let dir = direction(slot.bits, from_a);
        let anew = match &slot.body {
            Some(followed) => followed.reader.begins_anew(dir, datagram),
            None => true,
        };
        if anew && let Some(opened) = recognizer.opens(meta, datagram) {
            self.end(at, Ended::PortsReused, self.now);
            self.table.remove(at);
            return self.open(flow, from_a, meta, datagram, Some(opened));
        }
        self.feed(at, dir, meta, datagram);
        true
    }

    /// Attaches an ICMP error to the flow that it quotes, if that is known.
    pub fn icmp(&mut self, meta: &Meta, error: &IcmpError) {
        const UDP: u8 = 17;
        self.advance(meta.stamp.time);
        if error.protocol != UDP || self.table.is_empty() {
            return;
        }
        let (flow, from_a) = Flow::of(&error.src, error.src_port, &error.dst, error.dst_port);
        let Some(slot) = self.table.find(&flow).and_then(|at| self.table.get_mut(at)) else { return };
        let dir = direction(slot.bits, from_a);
        let Some(followed) = &mut slot.body else { return };
        followed.facts.last = meta.stamp;
        match &mut followed.facts.icmp[dir] {
            Some(quoted) => {
                quoted.all.last = meta.stamp;
                quoted.all.count = quoted.all.count.saturating_add(1);
            }
            none => {
                let error = Seen::new(*error, meta.stamp);
                *none = Some(Box::new(Quoted { error, all: Repeats::once(meta.stamp) }));
            }
        }
    }

    /// The flow between two ends, if it is not over.
    pub fn open_between(&self, one: SocketAddr, other: SocketAddr) -> Option<(&UdpFacts, &R)> {
        let (flow, _) = Flow::of(&one.ip(), one.port(), &other.ip(), other.port());
        let followed = self.table.get(self.table.find(&flow)?)?.body.as_ref()?;
        Some((&followed.facts, &followed.reader))
    }

    /// Whether a flow may have been silent for too long at `now`.
    #[inline]
    pub fn may_expire(&self, now: Timestamp) -> bool {
        self.table.may_expire(now)
    }

    /// Ends what was silent for too long by the highest time seen.
    #[inline]
    pub fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        if self.table.may_expire(self.now) {
            self.expire();
        }
    }

    #[cold]
    fn expire(&mut self) {
        while let Some((at, deadline)) = self.table.expired(self.now) {
            self.end(at, Ended::Idle, deadline);
            self.table.remove(at);
        }
    }

    /// Whether [`poll`](Self::poll) has a flow to hand out.
    #[inline]
    pub fn any_over(&self) -> bool {
        !self.gone.is_empty()
    }

    /// Gives up the flow that tells least; `false` where there is none.
    pub fn give_up(&mut self) -> bool {
        let at = self.table.least_telling(self.now);
        if let Some(at) = at {
            self.evict(at);
        }
        at.is_some()
    }

    /// How many were given up so far.
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    fn evict(&mut self, at: u32) {
        self.given_up += u64::from(self.table.get(at).is_some_and(|slot| slot.body.is_some()));
        self.end(at, Ended::Evicted, self.now);
        self.table.remove(at);
    }

    /// The next flow that is over.
    pub fn poll(&mut self) -> Option<(UdpFacts, R)> {
        self.gone.pop_front()
    }

    /// Flows in the table, also those that are over and may still get late datagrams.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Hands out the flows of this client and this server that `choose` takes, in the order of their first packets:
    /// they are over since `until`, for the reason `ended`. What still comes of them is passed by.
    pub fn take(
        &mut self,
        (client, server): (IpAddr, IpAddr),
        ended: Ended,
        until: Timestamp,
        mut choose: impl FnMut(&UdpFacts, &R) -> bool,
    ) -> Vec<(UdpFacts, R)> {
        let body = |at| self.table.get(at).and_then(|slot| slot.body.as_ref());
        let between = self.between.range((client, server, 0)..=(client, server, u32::MAX));
        let chosen: Vec<u32> = between
            .map(|&(_, _, at)| at)
            .filter(|&at| body(at).is_some_and(|f| choose(&f.facts, &f.reader)))
            .collect();
        self.end_all(chosen, ended, until)
    }

    /// Hands these flows out, in the order of their first packets.
    fn end_all(&mut self, chosen: Vec<u32>, ended: Ended, until: Timestamp) -> Vec<(UdpFacts, R)> {
        let before = self.gone.len();
        for at in chosen {
            self.end(at, ended, until);
        }
        let mut taken: Vec<_> = self.gone.drain(before..).collect();
        taken.sort_unstable_by_key(|(facts, _)| facts.first.order);
        taken
    }

    /// The capture ended: every flow is over, in the order of their first packets.
    pub fn finish(&mut self) {
        let open = self.between.iter().map(|&(_, _, at)| at).collect();
        let rest = self.end_all(open, Ended::CaptureEnded, self.now);
        self.gone.extend(rest);
    }

    fn open(
        &mut self,
        flow: Flow,
        from_a: bool,
        meta: &Meta,
        datagram: &Datagram<'_>,
        opened: Option<Opened<R>>,
    ) -> bool {
        let Some(Opened { by_client, reader }) = opened else { return false };
        while let Some(at) = self.table.must_go(self.now) {
            self.evict(at);
        }
        let client_is_a = by_client == from_a;
        let (client, server) = orient(&Key::from(flow), client_is_a);
        let facts = UdpFacts::new(client, server, meta.stamp);
        let bits = if client_is_a { bits::CLIENT_IS_A } else { 0 };
        let body = Some(Box::new(Followed { facts, reader, recent: PerDir::default() }));
        let at = self.table.insert(flow, bits, Class::HalfOpen, self.now, body);
        self.between.insert((client.ip(), server.ip(), at));
        self.feed(at, if by_client { Dir::ClientToServer } else { Dir::ServerToClient }, meta, datagram);
        true
    }

    fn feed(&mut self, at: u32, dir: Dir, meta: &Meta, datagram: &Datagram<'_>) {
        let Some(slot) = self.table.get_mut(at) else { return };
        let class = match &mut slot.body {
            None => Class::Grave,
            Some(followed) => {
                let facts = &mut followed.facts.dir[dir];
                if followed.recent[dir].seen(print(meta, datagram), self.sighting) {
                    facts.duplicate_frames += 1;
                } else {
                    // Before the facts: what was written just now is best read later.
                    followed.reader.datagram(dir, meta, datagram);
                    facts.add(meta, datagram.payload_len);
                    followed.facts.last = meta.stamp;
                }
                if followed.reader.is_open() { Class::Setup } else { Class::HalfOpen }
            }
        };
        self.table.touch(at, class, self.now);
    }

    /// Moves a flow to those that are over; its slot remains as a grave.
    fn end(&mut self, at: u32, ended: Ended, until: Timestamp) {
        let Some(followed) = self.table.get_mut(at).and_then(|slot| slot.body.take()) else { return };
        let Followed { mut facts, reader, .. } = *followed;
        self.between.remove(&(facts.client.ip(), facts.server.ip(), at));
        (facts.ended, facts.observed_until) = (ended, until);
        self.gone.push_back((facts, reader));
        self.table.touch(at, Class::Grave, self.now);
    }
}

fn direction(bits: u8, from_a: bool) -> Dir {
    if from_a == (bits & bits::CLIENT_IS_A != 0) { Dir::ClientToServer } else { Dir::ServerToClient }
}

fn orient(key: &Key, client_is_a: bool) -> (SocketAddr, SocketAddr) {
    let (a, b) = key.ends();
    if client_is_a { (a, b) } else { (b, a) }
}

/// What two sightings of one datagram have in common.
#[inline(always)]
fn print(meta: &Meta, datagram: &Datagram<'_>) -> Print {
    let word = |at: usize| match datagram.payload.get(at..at + 4) {
        Some(&[a, b, c, d]) => u32::from_be_bytes([a, b, c, d]),
        _ => 0,
    };
    // Numbers stand at different places in different datagrams.
    let seq = word(8).wrapping_mul(31).wrapping_add(word(12)).wrapping_mul(31).wrapping_add(word(16));
    Print {
        time: meta.stamp.time,
        seq,
        ack: word(0),
        len: datagram.payload_len,
        timestamp: 0,
        timestamped: false,
        ip_id: meta.ip_id.unwrap_or(0),
        checksum: word(4) as u16,
        interface: meta.interface as u16,
        flags: 0,
    }
}
