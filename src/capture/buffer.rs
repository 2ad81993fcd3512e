//! Frames of sessions that run, kept until it is known whether they are wanted: bounded for each session and
//! for all of them together.
//!
//! Of a long session the beginning and the end are kept, since that is where it tells why it broke. Where all
//! together need more than there is, those that may be no session at all go first, then half-open ones, then
//! what lies longest ago of the rest.

use std::collections::{HashMap, VecDeque};

use crate::base::{Frame, FrameRef, LinkType, Timestamp};

/// Bounds in bytes, headers and bookkeeping included.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Of all sessions together.
    pub total: usize,
    /// Of one session's beginning. Connection sequence, logon and licensing have some tens of kilobytes.
    pub head: usize,
    /// Of one session's end.
    pub tail: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { total: 64 << 20, head: 512 << 10, tail: 512 << 10 }
    }
}

/// How much the frames of a session may tell, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// It may be no session.
    Unknown,
    /// Nothing but a TCP handshake so far.
    HalfOpen,
    /// It has said something.
    Session,
}

impl Worth {
    const ALL: [Worth; 3] = [Worth::Unknown, Worth::HalfOpen, Worth::Session];
}

/// The frames of one session.
#[derive(Debug)]
pub struct Kept {
    /// The beginning.
    head: Part<Vec<Stored>>,
    /// The end.
    tail: Part<VecDeque<Stored>>,
    worth: Worth,
    /// Frames between them that are not kept any more.
    left_out: u64,
}

#[derive(Debug, Default)]
struct Part<T> {
    frames: T,
    /// What they cost.
    bytes: usize,
}

#[derive(Debug)]
struct Stored {
    at: FrameRef,
    time: Timestamp,
    link: LinkType,
    interface: u32,
    wire_len: u32,
    data: Box<[u8]>,
}

impl Stored {
    /// Beside the bytes: this, and what the allocator adds.
    const COST: usize = size_of::<Stored>() + 16;

    fn cost(&self) -> usize {
        self.data.len() + Self::COST
    }
}

/// What a session costs beside its frames: its place in the maps and lists.
const SESSION: usize = size_of::<Kept>() + 64;

impl Kept {
    fn new(worth: Worth) -> Self {
        Kept { head: Part::default(), tail: Part::default(), worth, left_out: 0 }
    }

    /// The frames, in order.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.head.frames.iter().chain(&self.tail.frames).map(|stored| Frame {
            at: stored.at,
            time: stored.time,
            link: stored.link,
            interface: stored.interface,
            data: &stored.data,
            wire_len: stored.wire_len,
        })
    }

    /// How many frames in the middle were left out, and the last before them.
    pub fn left_out(&self) -> Option<(u64, FrameRef)> {
        let last = self.head.frames.last().filter(|_| self.left_out > 0)?;
        Some((self.left_out, last.at))
    }

    fn bytes(&self) -> usize {
        self.head.bytes + self.tail.bytes
    }

    fn push(&mut self, stored: Stored, bounds: &Bounds) {
        let cost = stored.cost();
        if self.tail.frames.is_empty() && self.left_out == 0 && self.head.bytes + cost <= bounds.head {
            self.head.frames.push(stored);
            self.head.bytes += cost;
        } else {
            self.tail.frames.push_back(stored);
            self.tail.bytes += cost;
            self.trim(bounds.tail);
        }
    }

    /// Leaves out the oldest frames after the beginning, until the rest is no more than `most` bytes.
    fn trim(&mut self, most: usize) {
        while self.tail.bytes > most
            && let Some(stored) = self.tail.frames.pop_front()
        {
            self.tail.bytes -= stored.cost();
            self.left_out += 1;
        }
    }
}

/// The frames of all sessions that run, by a number that stands for each.
#[derive(Debug)]
pub struct Buffer {
    bounds: Bounds,
    sessions: HashMap<u64, Kept, ahash::RandomState>,
    /// Sessions by what they were worth when they were put there, the oldest first. Those that are gone, or worth
    /// more by now, are left out when their turn comes.
    order: [VecDeque<u64>; 3],
    bytes: usize,
    given_up: u64,
}

impl Buffer {
    /// Nothing yet.
    pub fn new(bounds: Bounds) -> Self {
        Buffer { bounds, sessions: HashMap::default(), order: Default::default(), bytes: 0, given_up: 0 }
    }

    /// Keeps a frame of a session.
    pub fn add(&mut self, session: u64, worth: Worth, frame: &Frame<'_>) {
        let stored = Stored {
            at: frame.at,
            time: frame.time,
            link: frame.link,
            interface: frame.interface,
            wire_len: frame.wire_len,
            data: frame.data.into(),
        };
        self.store(session, worth, stored);
    }

    fn store(&mut self, session: u64, worth: Worth, stored: Stored) {
        let mut is_new = false;
        let kept = self.sessions.entry(session).or_insert_with(|| {
            is_new = true;
            Kept::new(worth)
        });
        if is_new || worth > kept.worth {
            kept.worth = worth;
            self.order[worth as usize].push_back(session);
        }
        let before = kept.bytes();
        kept.push(stored, &self.bounds);
        self.bytes = (self.bytes + kept.bytes()).saturating_sub(before) + if is_new { SESSION } else { 0 };
        while self.bytes > self.bounds.total && self.make_room() {}
    }

    /// What was kept under one number turns out to be of the session of another.
    pub fn join(&mut self, from: u64, session: u64, worth: Worth) {
        let Some(more) = self.remove(from) else { return };
        for stored in more.head.frames.into_iter().chain(more.tail.frames) {
            self.store(session, worth, stored);
        }
    }

    /// The frames of a session, if any are kept.
    pub fn get(&self, session: u64) -> Option<&Kept> {
        self.sessions.get(&session)
    }

    /// Nobody wants the frames of a session any more.
    pub fn forget(&mut self, session: u64) {
        self.remove(session);
    }

    fn remove(&mut self, session: u64) -> Option<Kept> {
        let kept = self.sessions.remove(&session);
        if let Some(kept) = &kept {
            self.bytes = self.bytes.saturating_sub(kept.bytes() + SESSION);
        }
        // Lists of what is gone must not grow.
        for worth in Worth::ALL {
            let order = &mut self.order[worth as usize];
            if order.len() > 2 * self.sessions.len() + 64 {
                order.retain(|session| self.sessions.get(session).is_some_and(|kept| kept.worth == worth));
            }
        }
        kept
    }

    /// Bytes kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Sessions whose frames were given up since there was no room.
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Sessions looked at for one with a long end before another is given up.
    const LOOKED_AT: usize = 16;

    fn make_room(&mut self) -> bool {
        for worth in Worth::ALL {
            let mut oldest = None;
            for _ in 0..Self::LOOKED_AT {
                let Some(session) = self.next(worth) else { break };
                // Its turn comes again after the others'.
                self.order[worth as usize].push_back(session);
                let Some(kept) = self.sessions.get_mut(&session) else { continue };
                let tail = kept.tail.bytes;
                if tail > self.bounds.tail / 16 {
                    kept.trim(tail / 2);
                    self.bytes = self.bytes.saturating_sub(tail - kept.tail.bytes);
                    return true;
                }
                oldest.get_or_insert(session);
            }
            if let Some(session) = oldest {
                self.given_up += 1;
                self.forget(session);
                return true;
            }
        }
        false
    }

    /// The session of this worth whose turn it is.
    fn next(&mut self, worth: Worth) -> Option<u64> {
        let order = &mut self.order[worth as usize];
        while let Some(session) = order.pop_front() {
            if self.sessions.get(&session).is_some_and(|kept| kept.worth == worth) {
                return Some(session);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64, data: &[u8]) -> Frame<'_> {
        Frame {
            at: FrameRef::new(0, number),
            time: Timestamp(number as i64),
            link: LinkType::ETHERNET,
            interface: 0,
            data,
            wire_len: data.len() as u32,
        }
    }

    fn numbers(buffer: &Buffer, session: u64) -> Vec<u64> {
        buffer.get(session).map_or_else(Vec::new, |kept| kept.frames().map(|f| f.at.number()).collect())
    }

    #[test]
    fn a_short_session_is_kept_whole_and_forgotten_whole() {
        let mut buffer = Buffer::new(Bounds::default());
        for number in 1..=10 {
            buffer.add(1, Worth::Session, &frame(number, b"abc"));
            buffer.add(2, Worth::HalfOpen, &frame(number + 100, b"d"));
        }
        assert_eq!(numbers(&buffer, 1), (1..=10).collect::<Vec<_>>());
        assert_eq!(buffer.get(2).unwrap().frames().last().unwrap().data, b"d");
        assert_eq!(buffer.get(1).unwrap().left_out(), None);
        buffer.forget(1);
        buffer.forget(2);
        buffer.forget(3);
        assert_eq!((buffer.bytes(), numbers(&buffer, 1).len()), (0, 0));
        for session in 10..1000 {
            buffer.add(session, Worth::HalfOpen, &frame(1, b""));
            buffer.add(session, Worth::Session, &frame(2, b""));
            buffer.forget(session);
        }
        assert!(buffer.order.iter().all(|order| order.len() <= 65));
    }

    #[test]
    fn what_turns_out_to_be_of_a_session_joins_it() {
        let mut buffer = Buffer::new(Bounds::default());
        buffer.add(1, Worth::Session, &frame(1, b"a"));
        buffer.add(9, Worth::Unknown, &frame(2, b"b"));
        buffer.add(9, Worth::Unknown, &frame(3, b"c"));
        buffer.join(9, 1, Worth::Session);
        buffer.join(8, 1, Worth::Session);
        assert_eq!((numbers(&buffer, 1), numbers(&buffer, 9)), (vec![1, 2, 3], vec![]));
        buffer.forget(1);
        assert_eq!(buffer.bytes(), 0);
    }

    #[test]
    fn of_a_long_session_the_middle_goes() {
        let one = 100 + Stored::COST;
        let bounds = Bounds { total: usize::MAX / 2, head: 3 * one, tail: 2 * one };
        let mut buffer = Buffer::new(bounds);
        for number in 1..=1000 {
            buffer.add(7, Worth::Session, &frame(number, &[0; 100]));
            assert!(buffer.bytes() <= 5 * one + SESSION);
        }
        assert_eq!(numbers(&buffer, 7), [1, 2, 3, 999, 1000]);
        assert_eq!(buffer.get(7).unwrap().left_out(), Some((995, FrameRef::new(0, 3))));
    }

    #[test]
    fn the_least_telling_goes_first() {
        let one = 100 + Stored::COST + SESSION;
        let mut buffer = Buffer::new(Bounds { total: 4 * one, ..Bounds::default() });
        buffer.add(1, Worth::Session, &frame(1, &[0; 100]));
        buffer.add(2, Worth::HalfOpen, &frame(2, &[0; 100]));
        buffer.add(3, Worth::Unknown, &frame(3, &[0; 100]));
        for (session, gone) in [(4, None), (5, Some(3)), (6, Some(2)), (7, Some(1)), (8, Some(4))] {
            buffer.add(session, Worth::Session, &frame(session, &[0; 100]));
            assert!(gone.is_none_or(|gone| buffer.get(gone).is_none()), "{session}");
            assert!(buffer.bytes() <= 4 * one);
        }
        assert_eq!(buffer.given_up(), 4);
    }

    #[test]
    fn a_flood_takes_nothing_from_sessions() {
        let mut buffer = Buffer::new(Bounds { total: 1 << 20, ..Bounds::default() });
        for number in 1..=100 {
            buffer.add(1, Worth::Session, &frame(number, &[0; 1000]));
        }
        for flood in 1000..200_000 {
            buffer.add(flood, Worth::HalfOpen, &frame(flood, &[0; 60]));
        }
        assert_eq!(numbers(&buffer, 1).len(), 100);
        assert!(buffer.bytes() <= 1 << 20);
        assert!(buffer.order[1].len() < 20_000 && buffer.sessions.len() < 20_000);
    }

    #[test]
    fn long_sessions_share_what_there_is() {
        let bounds = Bounds { total: 1 << 20, head: 16 << 10, tail: 512 << 10 };
        let mut buffer = Buffer::new(bounds);
        for number in 1..=4000 {
            for session in 0..10 {
                buffer.add(session, Worth::Session, &frame(number, &[0; 900]));
            }
            assert!(buffer.bytes() <= bounds.total);
        }
        for session in 0..10 {
            let numbers = numbers(&buffer, session);
            assert!(numbers.len() > 40, "{}", numbers.len());
            assert_eq!((numbers[0], numbers[numbers.len() - 1]), (1, 4000));
        }
        assert_eq!(buffer.given_up(), 0);
    }
}
