//! The slots of all connections, and who goes next.
//!
//! Each slot is in one list, of its [`Class`], in the order of its last activity; a class has one idle
//! time, so the head of a list is the one that expires first, and nothing ever scans the flows.

use super::index::Index;
use super::key::{Flow, Key};
use crate::base::{Limits, Timestamp};

/// What kind of life a connection leads, which says how long it may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    /// Handshake packets in a compact record, no payload.
    HalfOpen,
    /// The same, refused by RST: waits for the SYN's repeats.
    Refused,
    /// The same after RST or both FINs.
    ClosedHalfOpen,
    /// Counted only.
    Other,
    /// Counted only, after RST or both FINs.
    ClosedOther,
    /// Kept in full, no payload yet.
    Opened,
    /// Kept in full, on an RDP port, and not RDP.
    Foreign,
    /// Kept in full, RDP or on its way, and not beyond the negotiation.
    Setup,
    /// Kept in full, RDP beyond the negotiation.
    Session,
    /// The same with its security up.
    Secured,
    /// Kept in full, after RST or both FINs.
    ClosedSession,
    /// Handed out; remembered so that late packets open nothing.
    Grave,
}

const CLASSES: [Class; 12] = [
    Class::HalfOpen,
    Class::Refused,
    Class::ClosedHalfOpen,
    Class::Other,
    Class::ClosedOther,
    Class::Opened,
    Class::Foreign,
    Class::Setup,
    Class::Session,
    Class::Secured,
    Class::ClosedSession,
    Class::Grave,
];

/// Who goes first where room is needed, the longest idle of each group first: what tells least, and what a stranger
/// can make without an answer. Those that closed have their verdict already, and are few. [`Table::seems_over`]
/// says which of the last group go earlier.
const GROUPS: [&[Class]; 5] = [
    &[Class::HalfOpen, Class::Refused, Class::ClosedHalfOpen, Class::Other, Class::ClosedOther],
    &[Class::Opened, Class::Foreign],
    &[Class::Setup, Class::Session],
    &[Class::ClosedSession],
    &[Class::Secured],
];

/// Silence after which a connection handed out is forgotten: beyond the longest retransmission timeout
/// of common stacks (120 s).
const GRAVE_IDLE: i64 = 130 * Timestamp::SECOND;
/// How many are remembered.
const GRAVES: usize = 65_536;
/// Slots that carry traffic move in their list at most this often: their idle times are minutes.
const COARSE: i64 = Timestamp::SECOND;

impl Class {
    /// Whether the whole state of a connection is kept.
    const fn in_full(self) -> bool {
        matches!(
            self,
            Class::Opened
                | Class::Foreign
                | Class::Setup
                | Class::Session
                | Class::Secured
                | Class::ClosedSession
        )
    }

    const fn coarse(self) -> bool {
        matches!(
            self,
            Class::Other | Class::Foreign | Class::Setup | Class::Session | Class::Secured | Class::Grave
        )
    }
}

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct List {
    head: u32,
    tail: u32,
    len: usize,
    idle: i64,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Slot<B> {
    pub key: Key,
    pub body: B,
    /// Frames each way, every sighting counted: the lower end's, the higher end's.
    pub packets: [u32; 2],
    /// IP bytes of those frames.
    pub bytes: [u64; 2],
    /// The client's first stream byte, where `CLIENT_BASE` says so.
    pub base: u32,
    /// `bits::*`
    pub bits: u8,
    class: Class,
    touched: Timestamp,
    prev: u32,
    next: u32,
}

impl<B> Slot<B> {
    pub(super) fn class(&self) -> Class {
        self.class
    }
}

/// Bits of a slot.
pub(super) mod bits {
    /// The lower end is the client.
    pub(in super::super) const CLIENT_IS_A: u8 = 1;
    /// `base` is known.
    pub(in super::super) const CLIENT_BASE: u8 = 2;
    /// The server's port is one of RDP's.
    pub(in super::super) const ON_PORT: u8 = 4;
    /// The lower, the higher end sent FIN.
    pub(in super::super) const FIN: [u8; 2] = [8, 16];
}

#[derive(Debug)]
pub(super) struct Table<B> {
    slots: Vec<Option<Slot<B>>>,
    free: Vec<u32>,
    index: Index,
    state: ahash::RandomState,
    lists: [List; CLASSES.len()],
    /// The slot that was active last.
    latest: u32,
    /// Nothing expires before this.
    quiet_until: Timestamp,
    limit: usize,
}

impl<B> Table<B> {
    pub(super) fn new(limits: &Limits) -> Self {
        let idle = |class| match class {
            Class::HalfOpen | Class::Opened => limits.half_open_idle,
            // Windows repeats a refused SYN after 0.5 s, twice.
            Class::Refused | Class::ClosedHalfOpen | Class::ClosedOther | Class::ClosedSession => {
                limits.linger
            }
            Class::Other | Class::Foreign => limits.other_idle,
            Class::Setup => limits.setup_idle,
            Class::Session | Class::Secured => limits.session_idle,
            Class::Grave => GRAVE_IDLE,
        };
        Table {
            slots: Vec::new(),
            free: Vec::new(),
            index: Index::new(),
            state: ahash::RandomState::new(),
            lists: CLASSES.map(|class| List { head: NONE, tail: NONE, len: 0, idle: idle(class) }),
            latest: NONE,
            quiet_until: Timestamp(i64::MAX),
            limit: limits.flows.clamp(1, NONE as usize - 1),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    #[inline]
    pub(super) fn find(&self, flow: &Flow) -> Option<u32> {
        // Packets come in trains.
        if self.is(self.latest, flow) { Some(self.latest) } else { self.look_up(flow) }
    }

    #[inline(never)]
    fn look_up(&self, flow: &Flow) -> Option<u32> {
        self.index.find(flow.hash(&self.state), |at| self.is(at, flow))
    }

    #[inline(always)]
    fn is(&self, at: u32, flow: &Flow) -> bool {
        matches!(self.get(at), Some(slot) if slot.key.is(flow))
    }

    pub(super) fn get(&self, at: u32) -> Option<&Slot<B>> {
        self.slots.get(at as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut Slot<B>> {
        self.slots.get_mut(at as usize)?.as_mut()
    }

    /// The slot that must go before another can be inserted.
    pub(super) fn must_go(&self, now: Timestamp) -> Option<u32> {
        let graves = self.list(Class::Grave);
        if graves.len > GRAVES {
            return Some(graves.head);
        }
        if self.len() < self.limit {
            return None;
        }
        if graves.len > 0 {
            return Some(graves.head);
        }
        self.least_telling(now)
    }

    /// How many connections are kept in full.
    pub(super) fn in_full(&self) -> usize {
        CLASSES.iter().filter(|class| class.in_full()).map(|&class| self.list(class).len).sum()
    }

    /// The one that tells least of those that are not over.
    pub(super) fn least_telling(&self, now: Timestamp) -> Option<u32> {
        self.first_of(&GROUPS, now)
    }

    /// Whether a session with its security up competes with those in negotiation: it was silent for longer than they
    /// may be, so that its end was perhaps not captured, and there are more like it. A flood in negotiation is many, and
    /// takes no session's place.
    pub(super) fn seems_over(&self, session: &Slot<B>, now: Timestamp) -> bool {
        let [setup, begun, secured] =
            [Class::Setup, Class::Session, Class::Secured].map(|class| self.list(class));
        session.class == Class::Secured
            && now.since(session.touched) > setup.idle
            && secured.len > setup.len + begun.len
    }

    /// The longest idle of those kept in full, and of the group that tells least: the first of them is the longest idle
    /// of all, the others of its class.
    pub(super) fn least_telling_in_full(&self, now: Timestamp) -> impl Iterator<Item = (u32, &Slot<B>)> {
        const LOOKED_AT: usize = 16;
        let first = self.first_of(&GROUPS[1..], now);
        let class = std::iter::successors(first, |&at| {
            self.get(at).map(|slot| slot.next).filter(|&next| next != NONE)
        });
        class.filter_map(|at| Some((at, self.get(at)?))).take(LOOKED_AT)
    }

    fn first_of(&self, groups: &[&[Class]], now: Timestamp) -> Option<u32> {
        let secured = self.list(Class::Secured).head;
        let over = Some(secured).filter(|&at| self.get(at).is_some_and(|slot| self.seems_over(slot, now)));
        groups.iter().find_map(|classes| {
            let over = over.filter(|_| classes.contains(&Class::Setup));
            let heads = classes.iter().map(|&class| self.list(class).head).chain(over);
            let touched = heads.filter_map(|head| Some((self.get(head)?.touched, head)));
            touched.min_by_key(|&(touched, _)| touched).map(|(_, head)| head)
        })
    }

    /// `flow` must not be in the table.
    pub(super) fn insert(&mut self, flow: Flow, bits: u8, class: Class, now: Timestamp, body: B) -> u32 {
        let slot = Slot {
            key: flow.into(),
            body,
            packets: [0; 2],
            bytes: [0; 2],
            base: 0,
            bits,
            class,
            touched: now,
            prev: NONE,
            next: NONE,
        };
        let at = if let Some(at) = self.free.pop() {
            self.slots[at as usize] = Some(slot);
            at
        } else {
            self.slots.push(Some(slot));
            self.slots.len() as u32 - 1
        };
        self.index.insert(flow.hash(&self.state), at);
        self.link(at, class, now);
        self.latest = at;
        at
    }

    pub(super) fn remove(&mut self, at: u32) -> Option<Slot<B>> {
        self.unlink(at);
        let slot = self.slots.get_mut(at as usize)?.take()?;
        self.index.remove(slot.key.flow().hash(&self.state), at);
        self.free.push(at);
        Some(slot)
    }

    /// Notes activity at `now`, which must never run backwards, and the class from now on.
    #[inline(always)]
    pub(super) fn touch(&mut self, at: u32, class: Class, now: Timestamp) {
        self.latest = at;
        let Some(slot) = self.get(at) else { return };
        if slot.class == class {
            let list = self.list(class);
            if list.tail == at {
                if let Some(slot) = self.get_mut(at) {
                    slot.touched = now;
                }
                return;
            }
            if class.coarse() && now.since(slot.touched) < COARSE {
                return;
            }
        }
        self.unlink(at);
        self.link(at, class, now);
    }

    /// Whether [`Table::expired`] may have one to give.
    #[inline]
    pub(super) fn may_expire(&self, now: Timestamp) -> bool {
        now >= self.quiet_until
    }

    /// The slot whose idle time was over first, and when that was, if that is not after `now`.
    pub(super) fn expired(&mut self, now: Timestamp) -> Option<(u32, Timestamp)> {
        if !self.may_expire(now) {
            return None;
        }
        let first = self
            .lists
            .iter()
            .filter_map(|list| Some((self.get(list.head)?.touched.plus(list.idle), list.head)))
            .min_by_key(|&(deadline, _)| deadline);
        let (deadline, at) = first.unwrap_or((Timestamp(i64::MAX), NONE));
        self.quiet_until = deadline;
        // At the end of time nothing expires any more.
        (at != NONE && deadline <= now && deadline.0 != i64::MAX).then_some((at, deadline))
    }

    /// All slots there are, in no meaningful but a reproducible order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Slot<B>)> {
        self.slots.iter().enumerate().filter_map(|(at, slot)| Some((at as u32, slot.as_ref()?)))
    }

    fn list(&self, class: Class) -> &List {
        &self.lists[class as usize]
    }

    #[inline(never)]
    fn unlink(&mut self, at: u32) {
        let Some(slot) = self.get(at) else { return };
        let (prev, next, class) = (slot.prev, slot.next, slot.class);
        let list = &mut self.lists[class as usize];
        list.len -= 1;
        if list.head == at {
            list.head = next;
        }
        if list.tail == at {
            list.tail = prev;
        }
        if let Some(prev) = self.get_mut(prev) {
            prev.next = next;
        }
        if let Some(next) = self.get_mut(next) {
            next.prev = prev;
        }
    }

    #[inline(never)]
    fn link(&mut self, at: u32, class: Class, now: Timestamp) {
        let list = &mut self.lists[class as usize];
        let prev = list.tail;
        list.tail = at;
        list.len += 1;
        if list.head == NONE {
            list.head = at;
        }
        self.quiet_until = self.quiet_until.min(now.plus(list.idle));
        if let Some(prev) = self.get_mut(prev) {
            prev.next = at;
        }
        if let Some(slot) = self.get_mut(at) {
            (slot.prev, slot.next, slot.class, slot.touched) = (prev, NONE, class, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn flow(port: u16) -> Flow {
        let ip = |n| IpAddr::V4(Ipv4Addr::new(10, 0, 0, n));
        Flow::of(&ip(1), port, &ip(2), 3389).0
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * Timestamp::SECOND)
    }

    #[test]
    fn expires_in_the_order_of_deadlines() {
        let mut table = Table::new(&Limits::default());
        let one = table.insert(flow(1), 0, Class::HalfOpen, at(0), ());
        let two = table.insert(flow(2), 0, Class::HalfOpen, at(1), ());
        let three = table.insert(flow(3), 0, Class::ClosedHalfOpen, at(2), ());
        assert_eq!(table.expired(at(3)), None);
        table.touch(one, Class::HalfOpen, at(3));
        let mut gone = Vec::new();
        while let Some((slot, deadline)) = table.expired(at(1000)) {
            gone.push((slot, deadline));
            table.remove(slot);
        }
        let linger = at(2).plus(Limits::default().linger);
        assert_eq!(gone, [(three, linger), (two, at(76)), (one, at(78))]);
        assert_eq!(table.find(&flow(1)), None);
    }

    #[test]
    fn the_longest_idle_goes_first_and_slots_are_used_again() {
        let mut table = Table::new(&Limits { flows: 3, ..Limits::default() });
        let one = table.insert(flow(1), 0, Class::Other, at(0), ());
        let two = table.insert(flow(2), 0, Class::HalfOpen, at(1), ());
        assert_eq!(table.must_go(at(100)), None);
        let three = table.insert(flow(3), 0, Class::Session, at(2), ());
        assert_eq!(table.must_go(at(100)), Some(one));
        table.touch(one, Class::Other, at(5));
        assert_eq!(table.must_go(at(100)), Some(two));
        assert_eq!(
            (table.in_full(), table.least_telling_in_full(at(100)).next().map(|(at, _)| at)),
            (1, Some(three))
        );
        table.touch(three, Class::Grave, at(6));
        assert_eq!((table.must_go(at(100)), table.in_full()), (Some(three), 0));
        table.touch(two, Class::HalfOpen, at(6));
        table.remove(two);
        assert_eq!(table.find(&flow(2)), None);
        assert_eq!(table.insert(flow(4), 0, Class::Other, at(7), ()), two);
        assert_eq!((table.find(&flow(4)), table.find(&flow(2))), (Some(two), None));
        assert_eq!(table.find(&flow(1)), Some(one));
    }

    #[test]
    fn the_least_telling_goes_first() {
        let mut table = Table::new(&Limits { flows: 6, ..Limits::default() });
        let classes = [
            Class::Secured,
            Class::ClosedSession,
            Class::Session,
            Class::Setup,
            Class::Opened,
            Class::HalfOpen,
        ];
        for (port, class) in (1..).zip(classes) {
            table.insert(flow(port), 0, class, at(i64::from(port)), ());
        }
        let mut gone = Vec::new();
        while let Some(next) = table.must_go(at(100)) {
            gone.extend(table.remove(next).map(|slot| slot.class()));
            if gone.len() < 6 {
                table.insert(flow(9 + gone.len() as u16), 0, Class::Grave, at(99), ());
                let grave = table.must_go(at(100)).unwrap();
                assert_eq!(table.get(grave).unwrap().class(), Class::Grave);
                table.touch(grave, Class::Secured, at(99));
            }
        }
        // Of one group the longest idle: the session was there before the one in setup.
        let order = [
            Class::HalfOpen,
            Class::Opened,
            Class::Session,
            Class::Setup,
            Class::ClosedSession,
            Class::Secured,
        ];
        assert_eq!(gone, order);
    }

    #[test]
    fn a_busy_slot_stays_alive() {
        let mut table = Table::new(&Limits::default());
        let busy = table.insert(flow(1), 0, Class::Other, at(0), ());
        let idle = table.insert(flow(2), 0, Class::Other, at(0), ());
        for ms in 0..400_000 {
            table.touch(busy, Class::Other, Timestamp(ms * Timestamp::MILLISECOND));
        }
        assert_eq!(table.expired(at(400)), Some((idle, at(300))));
        table.remove(idle);
        assert_eq!(table.expired(at(690)), None);
        assert_eq!(table.expired(at(702)).map(|(at, _)| at), Some(busy));
    }

    #[test]
    fn sessions_whose_end_was_lost_go_before_those_that_begin() {
        let mut table = Table::new(&Limits::default());
        for port in 1..=5 {
            table.insert(flow(port), 0, Class::Secured, at(i64::from(port)), ());
        }
        for port in 6..=8 {
            table.insert(flow(port), 0, Class::Setup, at(i64::from(port)), ());
        }
        let idle = Limits::default().setup_idle / Timestamp::SECOND;
        let least =
            |table: &Table<()>, now| table.get(table.least_telling(at(now)).unwrap()).unwrap().class();
        assert_eq!(least(&table, idle + 1), Class::Setup, "they may well go on");
        let mut gone = Vec::new();
        while let Some(next) = table.least_telling(at(idle + 9)) {
            gone.extend(table.remove(next).map(|slot| slot.class()));
        }
        // Where there are as many of both, those in setup may be a flood.
        use Class::{Secured, Setup};
        assert_eq!(gone, [Secured, Secured, Setup, Secured, Setup, Secured, Setup, Secured]);
    }
}
