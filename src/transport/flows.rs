//! All connections of a capture: which packet belongs to which, and which are over.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::bare::Bare;
use super::connection::{Bounds, Connection};
use super::embryo::{Base, Embryo, Head, answers, print};
use super::facts::{Ended, GivenUp, Interest, Reader, TcpFacts};
use super::headers::Headers;
use super::key::{Flow, Key};
use super::options::Options;
use super::table::{Class, Slot, Table, bits};
use crate::base::{Dir, Limits, PerDir, Seen, Stamp, Timestamp};
use crate::packet::{IcmpError, Meta, Segment, TcpFlags};

/// What [`Connections`] is told by its user.
#[derive(Clone, Debug)]
pub struct Config {
    /// Server ports that are RDP by number: 3389 and those of `--port`.
    pub ports: Vec<u16>,
}

impl Default for Config {
    fn default() -> Self {
        Config { ports: vec![3389] }
    }
}

/// A connection that is over.
#[derive(Debug)]
pub enum Finished<R> {
    /// On one of [`Config::ports`], without payload.
    Bare(Bare),
    /// On one of [`Config::ports`], or with a reader that was still watching.
    Session {
        /// What the packets showed.
        facts: Box<TcpFacts>,
        /// What read the payload; `None` where there was none.
        reader: Option<Box<R>>,
    },
    /// Another one, or stray packets that open no connection.
    Other {
        /// The end that opened the connection, as far as known.
        client: SocketAddr,
        /// The other end.
        server: SocketAddr,
        /// Frames, every sighting counted.
        packets: PerDir<u64>,
        /// Bytes of their IP packets on the wire.
        bytes: PerDir<u64>,
    },
}

/// A connection that is not over yet.
#[derive(Debug)]
pub struct Open<'a, R> {
    /// The end that opened it, as far as known.
    pub client: SocketAddr,
    /// The other end.
    pub server: SocketAddr,
    /// Its first packet.
    pub first: Stamp,
    /// Whether its server's port is one of [`Config::ports`], and it is more than stray packets.
    pub on_port: bool,
    /// What reads the payload; `None` before the first.
    pub reader: Option<&'a R>,
}

/// What is kept of a connection besides its slot.
#[derive(Debug)]
pub(super) enum Body<R> {
    /// Nothing: counted only, or handed out already.
    Counted,
    /// No payload yet.
    Embryo(Embryo),
    /// Everything.
    Full(Box<Connection<R>>),
}

/// A connection that is over and waits for [`Connections::poll`].
#[derive(Debug)]
struct Gone<R> {
    key: Key,
    bits: u8,
    packets: [u32; 2],
    bytes: [u64; 2],
    body: Body<R>,
    ended: Ended,
    until: Timestamp,
}

/// The TCP connections of a run. Packets in with [`segment`](Self::segment), finished connections out with
/// [`poll`](Self::poll), which is to be called until it gives `None` after every packet: what it has not
/// handed out yet is kept.
#[derive(Debug)]
pub struct Connections<R> {
    limits: Limits,
    ports: Vec<u16>,
    table: Table<Body<R>>,
    /// The highest time seen.
    now: Timestamp,
    /// Bytes kept out of order by all connections.
    buffered: usize,
    gone: VecDeque<Gone<R>>,
    given_up: GivenUp,
    /// After the end: what is left, the next one last.
    rest: Vec<u32>,
}

const fn is_over(class: Class) -> bool {
    matches!(
        class,
        Class::ClosedHalfOpen | Class::ClosedOther | Class::ClosedSession | Class::Refused | Class::Grave
    )
}

impl<R: Reader> Connections<R> {
    /// No connections yet.
    pub fn new(limits: &Limits, config: Config) -> Self {
        Connections {
            limits: limits.clone(),
            ports: config.ports,
            table: Table::new(limits),
            now: Timestamp(i64::MIN),
            buffered: 0,
            gone: VecDeque::new(),
            given_up: GivenUp::default(),
            rest: Vec::new(),
        }
    }

    /// Takes the next packet. `make` makes the reader when the first payload (or gap) of a connection comes.
    pub fn segment(&mut self, meta: &Meta, segment: &Segment<'_>, make: &mut impl FnMut(&TcpFacts) -> R) {
        self.advance(meta.stamp.time);
        let (flow, from_a) = Flow::of(&meta.src, segment.src_port, &meta.dst, segment.dst_port);
        let Some(at) = self.table.find(&flow) else {
            self.begin(flow, from_a, meta, segment, make);
            return;
        };
        let Some(slot) = self.table.get_mut(at) else { return };
        if segment.flags.contains(TcpFlags::SYN) && begins_anew(slot, from_a, segment) {
            self.end(at, Ended::PortsReused, self.now);
            self.table.remove(at);
            self.begin(flow, from_a, meta, segment, make);
            return;
        }
        let class = slot.class();
        if class == Class::Grave {
            self.table.touch(at, class, self.now);
            return;
        }
        let side = usize::from(!from_a);
        slot.packets[side] = slot.packets[side].saturating_add(1);
        slot.bytes[side] = slot.bytes[side].saturating_add(u64::from(meta.ip_len));
        if matches!(slot.body, Body::Counted) {
            if segment.flags.0 & (TcpFlags::FIN.0 | TcpFlags::RST.0) != 0 {
                if segment.flags.contains(TcpFlags::FIN) {
                    slot.bits |= bits::FIN[side];
                }
                let both = bits::FIN[0] | bits::FIN[1];
                if segment.flags.contains(TcpFlags::RST) || slot.bits & both == both {
                    self.table.touch(at, Class::ClosedOther, self.now);
                    return;
                }
            }
            self.table.touch(at, class, self.now);
            return;
        }
        self.busy(at, from_a, meta, segment, make);
    }

    /// Attaches an ICMP error to the TCP connection that it quotes, if that is known.
    pub fn icmp(&mut self, meta: &Meta, error: &IcmpError) {
        const TCP: u8 = 6;
        self.advance(meta.stamp.time);
        if error.protocol != TCP {
            return;
        }
        let (flow, _) = Flow::of(&error.src, error.src_port, &error.dst, error.dst_port);
        let Some(slot) = self.table.find(&flow).and_then(|at| self.table.get_mut(at)) else { return };
        match &mut slot.body {
            Body::Counted => {}
            Body::Embryo(embryo) => {
                embryo.icmp.get_or_insert_with(|| Box::new(Seen::new(*error, meta.stamp)));
            }
            Body::Full(connection) => connection.headers.icmp(*error, meta.stamp),
        }
    }

    /// The connection between two ends, if it is not over and more than counts is kept of it.
    pub fn open_between(&self, one: SocketAddr, other: SocketAddr) -> Option<Open<'_, R>> {
        let (flow, _) = Flow::of(&one.ip(), one.port(), &other.ip(), other.port());
        let slot = self.table.get(self.table.find(&flow)?)?;
        let (first, is_real, reader) = match &slot.body {
            Body::Counted => return None,
            Body::Embryo(embryo) => (embryo.first(), embryo.has_syn(), None),
            Body::Full(connection) => {
                let reader = connection.reader.as_deref();
                (connection.headers.facts.first, connection.is_real(), reader)
            }
        };
        let (client, server) = orient(&slot.key, slot.bits);
        let on_port = is_real && slot.bits & bits::ON_PORT != 0;
        Some(Open { client, server, first, on_port, reader })
    }

    /// Ends what was silent for too long by the highest time seen.
    #[inline]
    pub fn advance(&mut self, now: Timestamp) {
        if now > self.now {
            self.now = now;
            if self.table.may_expire(now) {
                self.expire();
            }
        }
    }

    #[cold]
    fn expire(&mut self) {
        while let Some((at, deadline)) = self.table.expired(self.now) {
            let Some(slot) = self.table.get(at) else { return };
            let ended = if is_over(slot.class()) { Ended::Closed } else { Ended::Idle };
            self.end(at, ended, deadline);
        }
    }

    /// The capture ended: everything still open is handed out, in the order of their first packets, and
    /// after that what was only counted.
    pub fn finish(&mut self) {
        let mut open: Vec<(u64, u32)> = self
            .table
            .iter()
            .map(|(at, slot)| match &slot.body {
                Body::Counted => (u64::MAX, at),
                Body::Embryo(embryo) => (embryo.first().order, at),
                Body::Full(connection) => (connection.headers.facts.first.order, at),
            })
            .collect();
        open.sort_unstable_by(|one, other| other.cmp(one));
        self.rest = open.into_iter().map(|(_, at)| at).collect();
    }

    /// Whether [`poll`](Self::poll) has a connection to hand out.
    #[inline]
    pub fn any_over(&self) -> bool {
        !self.gone.is_empty() || !self.rest.is_empty()
    }

    /// The next connection that is over.
    pub fn poll(&mut self) -> Option<Finished<R>> {
        loop {
            if let Some(gone) = self.gone.pop_front() {
                return Some(hand_out(gone));
            }
            let at = self.rest.pop()?;
            let Some(slot) = self.table.get(at) else { continue };
            let ended = if is_over(slot.class()) { Ended::Closed } else { Ended::CaptureEnded };
            self.end(at, ended, self.now);
            // A connection that closed leaves a grave behind; now nothing comes any more.
            self.table.remove(at);
        }
    }

    /// Connections in the table, also those that are over and may still get late packets.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Those of them that are kept in full.
    pub fn in_full(&self) -> usize {
        self.table.in_full()
    }

    /// Whether each connection kept in full is on its plain course; none is any more after `leave`.
    #[cfg(test)]
    pub(super) fn on_course(&mut self, leave: bool) -> Vec<bool> {
        let at: Vec<u32> = self.table.iter().map(|(at, _)| at).collect();
        let slots = at.into_iter().filter_map(|at| match &mut self.table.get_mut(at)?.body {
            Body::Full(connection) => {
                let steady = connection.steady;
                connection.steady &= !leave;
                Some(steady)
            }
            _ => None,
        });
        slots.collect()
    }

    /// Bytes kept out of order, for tests of its bounds.
    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.buffered
    }

    #[inline(never)]
    fn begin(
        &mut self,
        flow: Flow,
        from_a: bool,
        meta: &Meta,
        segment: &Segment<'_>,
        make: &mut impl FnMut(&TcpFacts) -> R,
    ) {
        while let Some(at) = self.table.must_go(self.now) {
            self.evict(at);
        }
        let options = Options::read(segment.options.0);
        let head = Head::of(meta, segment, &options);
        let client_is_a = match (head.has(TcpFlags::SYN), head.has(TcpFlags::ACK)) {
            (true, false) => from_a,
            (true, true) => !from_a,
            _ => self.guess_client(segment) == from_a,
        };
        let server_port = if client_is_a == from_a { segment.dst_port } else { segment.src_port };
        let bits = self.bits(client_is_a, server_port);
        let side = usize::from(!from_a);
        let at = if segment.payload_len == 0 || head.has(TcpFlags::RST) {
            let embryo = Embryo::new(&head, &print(meta, segment, &options), from_a);
            let class = embryo.class(client_is_a);
            self.table.insert(flow, bits, class, self.now, Body::Embryo(embryo))
        } else {
            self.make_room_in_full();
            let (client, server) = orient(&Key::from(flow), bits);
            let on_port = bits & bits::ON_PORT != 0;
            let headers = Headers::new(TcpFacts::new(client, server, meta.stamp));
            let connection = Box::new(Connection::new(headers, on_port));
            self.table.insert(flow, bits, Class::Opened, self.now, Body::Full(connection))
        };
        if let Some(slot) = self.table.get_mut(at) {
            slot.packets[side] = 1;
            slot.bytes[side] = u64::from(meta.ip_len);
            if matches!(slot.body, Body::Full(_)) {
                self.busy(at, from_a, meta, segment, make);
            }
        }
    }

    fn bits(&self, client_is_a: bool, server_port: u16) -> u8 {
        let client = if client_is_a { bits::CLIENT_IS_A } else { 0 };
        let port = if self.ports.contains(&server_port) { bits::ON_PORT } else { 0 };
        client | port
    }

    /// Whether the sender of a packet without SYN is taken for the client: the end without an RDP port,
    /// else with the higher port, else the first that sends.
    fn guess_client(&self, segment: &Segment<'_>) -> bool {
        let (src, dst) = (self.ports.contains(&segment.src_port), self.ports.contains(&segment.dst_port));
        if src == dst { segment.dst_port <= segment.src_port } else { dst }
    }

    fn make_room_in_full(&mut self) {
        while self.table.in_full() >= self.limits.watched.max(1) {
            let Some(at) = self.least_telling() else { return };
            self.evict(at);
        }
    }

    /// Of the longest idle of those that tell least, the one whose beginning was not seen, or that began first: a
    /// handshake that drips is never idle for long, but soon older than any other.
    fn least_telling(&self) -> Option<u32> {
        let age = |slot: &Slot<Body<R>>| match &slot.body {
            Body::Full(connection) => {
                (connection.headers.facts.syn.is_some(), connection.headers.facts.first.order)
            }
            Body::Embryo(_) | Body::Counted => (false, 0),
        };
        self.table.least_telling_in_full(self.now).min_by_key(|(_, slot)| age(slot)).map(|(at, _)| at)
    }

    /// Gives up the connection that tells least of those that are kept in full; not one whose security is up and that
    /// may well go on, unless `any` may go. `false` where there is none.
    pub fn give_up(&mut self, any: bool) -> bool {
        let Some(at) = self.least_telling() else { return false };
        let goes_on =
            |slot: &Slot<_>| slot.class() == Class::Secured && !self.table.seems_over(slot, self.now);
        let secured = self.table.get(at).is_some_and(goes_on);
        if any || !secured {
            self.evict(at);
        }
        any || !secured
    }

    /// What was given up so far.
    pub fn given_up(&self) -> GivenUp {
        self.given_up
    }

    fn evict(&mut self, at: u32) {
        match self.table.get(at).map(Slot::class) {
            Some(Class::HalfOpen | Class::Opened) => self.given_up.half_open += 1,
            Some(Class::Other | Class::Foreign) => self.given_up.other += 1,
            Some(Class::Setup | Class::Session) => self.given_up.begun += 1,
            Some(Class::Secured) => self.given_up.secured += 1,
            // It was over.
            _ => {}
        }
        self.end(at, Ended::Evicted, self.now);
        self.table.remove(at);
    }

    /// A packet of a connection of which more than counts is kept.
    #[inline(always)]
    fn busy(
        &mut self,
        at: u32,
        from_a: bool,
        meta: &Meta,
        segment: &Segment<'_>,
        make: &mut impl FnMut(&TcpFacts) -> R,
    ) {
        let Some(slot) = self.table.get_mut(at) else { return };
        if let Body::Embryo(embryo) = &mut slot.body {
            let options = Options::read(segment.options.0);
            let head = Head::of(meta, segment, &options);
            let known = embryo.has_syn();
            let bare = head.len == 0 || head.has(TcpFlags::RST);
            let added =
                bare && embryo.add(&head, &print(meta, segment, &options), from_a, self.limits.sighting);
            if !known && head.has(TcpFlags::SYN) {
                let client_is_a = from_a != head.has(TcpFlags::ACK);
                let (a, b) = slot.key.ports();
                let bits = self.bits(client_is_a, if client_is_a { b } else { a });
                let Some(slot) = self.table.get_mut(at) else { return };
                slot.bits = bits;
            }
            let Some(slot) = self.table.get_mut(at) else { return };
            let Body::Embryo(embryo) = &mut slot.body else { return };
            let stray = bare && !embryo.has_syn() && slot.bits & bits::ON_PORT == 0;
            if added || stray {
                let class = embryo.class(slot.bits & bits::CLIENT_IS_A != 0);
                self.table.touch(at, class, self.now);
                return;
            }
            self.make_room_in_full();
            self.grow(at);
        }
        let Some(slot) = self.table.get_mut(at) else { return };
        let on_port = slot.bits & bits::ON_PORT != 0;
        let client_is_a = slot.bits & bits::CLIENT_IS_A != 0;
        let Body::Full(connection) = &mut slot.body else { return };
        let dir = if from_a == client_is_a { Dir::ClientToServer } else { Dir::ServerToClient };
        if !connection.goes_on(dir, meta, segment) {
            let before = connection.buffered();
            let bounds = Bounds { limits: &self.limits, others: self.buffered.saturating_sub(before) };
            connection.segment(dir, meta, segment, &bounds, make);
            connection.steady = connection.is_steady();
            self.buffered = bounds.others.saturating_add(connection.buffered());
        }
        let class = match (&connection.reader, connection.headers.closed()) {
            (Some(_), closed) if !connection.watched() && !on_port => {
                // Not RDP: from now on it costs a look-up and two additions.
                let (fins, base) = (
                    Dir::BOTH.map(|dir| connection.headers.facts.dir[dir].fin.is_some()),
                    connection.headers.base(Dir::ClientToServer),
                );
                slot.body = Body::Counted;
                remember(slot, base);
                for (dir, fin) in Dir::BOTH.into_iter().zip(fins) {
                    if fin {
                        let side = usize::from((dir == Dir::ClientToServer) != client_is_a);
                        slot.bits |= bits::FIN[side];
                    }
                }
                if closed { Class::ClosedOther } else { Class::Other }
            }
            (_, true) => Class::ClosedSession,
            (None, false) => Class::Opened,
            (Some(_), false) => match connection.interest {
                Interest::Watch => Class::Session,
                Interest::WatchSecured => Class::Secured,
                Interest::WatchSetup => Class::Setup,
                Interest::Ignore => Class::Foreign,
            },
        };
        self.table.touch(at, class, self.now);
    }

    /// Makes the full state of a compact one.
    fn grow(&mut self, at: u32) {
        let Some(slot) = self.table.get_mut(at) else { return };
        let (client, server) = orient(&slot.key, slot.bits);
        let (on_port, client_is_a) = (slot.bits & bits::ON_PORT != 0, slot.bits & bits::CLIENT_IS_A != 0);
        if let Body::Embryo(embryo) = std::mem::replace(&mut slot.body, Body::Counted) {
            let mut headers = Headers::new(TcpFacts::new(client, server, embryo.first()));
            headers.replay(client_is_a, &embryo);
            let mut grown = Connection::new(headers, on_port);
            grown.sighted(client_is_a, &embryo, &self.limits);
            slot.body = Body::Full(Box::new(grown));
            self.table.touch(at, Class::Opened, self.now);
        }
    }

    /// Takes a connection out of the table. What closed and would have been listed leaves a grave, so that
    /// late packets open nothing.
    fn end(&mut self, at: u32, ended: Ended, until: Timestamp) {
        let Some(slot) = self.table.get_mut(at) else { return };
        let class = slot.class();
        if class == Class::Grave {
            self.table.remove(at);
            return;
        }
        let ended = if is_over(class) { Ended::Closed } else { ended };
        let base = client_base(slot);
        let mut gone = Gone {
            key: slot.key.clone(),
            bits: slot.bits,
            packets: slot.packets,
            bytes: slot.bytes,
            body: std::mem::replace(&mut slot.body, Body::Counted),
            ended,
            until,
        };
        if let Body::Full(connection) = &mut gone.body {
            self.buffered = self.buffered.saturating_sub(connection.buffered());
        }
        let listed = gone.bits & bits::ON_PORT != 0 || matches!(gone.body, Body::Full(_));
        self.gone.push_back(gone);
        if listed && ended == Ended::Closed {
            remember(slot, base);
            self.table.touch(at, Class::Grave, self.now);
        } else {
            self.table.remove(at);
        }
    }
}

/// The client's and the server's address.
pub(super) fn orient(key: &Key, bits: u8) -> (SocketAddr, SocketAddr) {
    let (a, b) = key.ends();
    if bits & bits::CLIENT_IS_A != 0 { (a, b) } else { (b, a) }
}

fn remember<R>(slot: &mut Slot<Body<R>>, base: Option<Base>) {
    slot.bits &= !bits::CLIENT_BASE;
    if let Some(base) = base {
        slot.bits |= bits::CLIENT_BASE;
        slot.base = base.seq;
    }
}

fn client_base<R: Reader>(slot: &Slot<Body<R>>) -> Option<Base> {
    match &slot.body {
        Body::Counted => (slot.bits & bits::CLIENT_BASE != 0).then_some(Base { seq: slot.base, syn: false }),
        Body::Embryo(embryo) => embryo.base(slot.bits & bits::CLIENT_IS_A != 0),
        Body::Full(connection) => connection.headers.base(Dir::ClientToServer),
    }
}

/// Whether a packet with SYN belongs to another connection than the one that its ports name so far.
fn begins_anew<R: Reader>(slot: &Slot<Body<R>>, from_a: bool, segment: &Segment<'_>) -> bool {
    let client_is_a = slot.bits & bits::CLIENT_IS_A != 0;
    let (own, peer, data) = match &slot.body {
        Body::Counted => {
            // Only the client's first byte is remembered.
            let client = client_base(slot);
            let named = match (from_a == client_is_a, segment.flags.contains(TcpFlags::ACK)) {
                (true, false) => segment.seq.wrapping_add(1),
                (false, true) => segment.ack,
                _ => return false,
            };
            return client.is_none_or(|base| base.seq != named);
        }
        Body::Embryo(embryo) => (embryo.base(from_a), embryo.base(!from_a), false),
        Body::Full(connection) => {
            let dir = if from_a == client_is_a { Dir::ClientToServer } else { Dir::ServerToClient };
            let data = Dir::BOTH.iter().any(|&dir| connection.headers.has_data(dir));
            (connection.headers.base(dir), connection.headers.base(dir.flip()), data)
        }
    };
    if own.is_some_and(|own| own.seq == segment.seq.wrapping_add(1)) {
        return false;
    }
    if segment.flags.contains(TcpFlags::ACK) {
        // A server that answers a repeated SYN may choose anew; an answer to another SYN is another's, or
        // stale where this connection's own is still due.
        let own_syn = own.is_some_and(|own| own.syn);
        peer.is_some_and(|peer| !answers(peer.seq, segment.ack) && (own_syn || data || !peer.syn))
    } else {
        // Without any SYN of this side, both ends may open at once (RFC 9293, section 3.5).
        own.is_some() || data
    }
}

fn hand_out<R: Reader>(gone: Gone<R>) -> Finished<R> {
    let on_port = gone.bits & bits::ON_PORT != 0;
    match gone.body {
        Body::Full(mut connection) if connection.watched() || on_port && connection.is_real() => {
            connection.finish(gone.ended, gone.until);
            let Connection { headers, reader, .. } = *connection;
            return Finished::Session { facts: Box::new(headers.facts), reader };
        }
        Body::Embryo(embryo) if on_port && embryo.has_syn() => {
            let Gone { key, bits, ended, until, .. } = gone;
            return Finished::Bare(Bare { key, bits, embryo, ended, until });
        }
        _ => {}
    }
    let (client, server) = orient(&gone.key, gone.bits);
    let client_is_a = gone.bits & bits::CLIENT_IS_A != 0;
    let per_dir = |sides: [u64; 2]| {
        let [a, b] = sides;
        let (client, server) = if client_is_a { (a, b) } else { (b, a) };
        PerDir { client_to_server: client, server_to_client: server }
    };
    Finished::Other {
        client,
        server,
        packets: per_dir(gone.packets.map(u64::from)),
        bytes: per_dir(gone.bytes),
    }
}
