//! Fragments that wait for the rest of their datagram: only then it shows which session they belong to.

use std::collections::VecDeque;

use rdpwhy::base::{Frame, Limits, Timestamp};
use rdpwhy::packet::{Belongs, FragmentOf, flow};

/// Datagrams of which fragments are missing, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    waiting: VecDeque<Datagram>,
}

#[derive(Debug)]
struct Datagram {
    of: FragmentOf,
    /// What its frames are kept under. Sessions have the numbers of their first frames, from 1.
    number: u64,
    begun: Timestamp,
}

impl Fragments {
    /// Datagrams at a time.
    const MOST: usize = 256;

    /// What to keep a fragment under.
    pub(super) fn begin(&mut self, frame: &Frame<'_>) -> Option<u64> {
        let Belongs::Fragment(of, _) = flow(frame) else { return None };
        if let Some(known) = self.waiting.iter().find(|datagram| datagram.of == of) {
            return Some(known.number);
        }
        let number = u64::MAX - frame.at.number();
        self.waiting.push_back(Datagram { of, number, begun: frame.time });
        Some(number)
    }

    /// What the other fragments of a datagram are kept under, which is whole with this frame.
    pub(super) fn complete(&mut self, frame: &Frame<'_>) -> Option<u64> {
        if self.waiting.is_empty() {
            return None;
        }
        let Belongs::Fragment(of, _) = flow(frame) else { return None };
        let at = self.waiting.iter().position(|datagram| datagram.of == of)?;
        self.waiting.remove(at).map(|datagram| datagram.number)
    }

    /// One that never became whole, or was nobody's: its frames can go.
    pub(super) fn expired(&mut self, now: Timestamp) -> Option<u64> {
        let oldest = self.waiting.front()?;
        let late = now.since(oldest.begun) > Limits::default().fragment_timeout;
        if late || self.waiting.len() > Self::MOST {
            return self.waiting.pop_front().map(|datagram| datagram.number);
        }
        None
    }
}
