//! Several captures as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::info::CaptureInfo;
use super::reader::Capture;
use crate::base::{Frame, Timestamp};

/// Captures read as one in time order, such as the files of a ring buffer.
///
/// Of the next frames of all captures the one with the lowest time comes first; on a tie the capture
/// that was given first. Each capture's own order is kept, also where its time runs backwards. All
/// captures are open at once.
#[derive(Debug)]
pub struct Merged {
    captures: Vec<Capture>,
    /// The time of each capture's next frame, but for the one that is lent out.
    waiting: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// The capture whose frame is lent out.
    lent: Option<usize>,
    /// The capture whose frame comes next, once that is known, and its time.
    next: Option<(Timestamp, usize)>,
    /// Whether each capture has given a frame, and how many of those wait.
    begun: Vec<bool>,
    running: usize,
    /// The highest time so far.
    latest: Option<Timestamp>,
    started: bool,
}

/// A ring buffer's next file begins with the next packet, which is not long in coming.
const PAUSE: i64 = 5 * Timestamp::SECOND;

impl Merged {
    /// Reads `captures` as one. Their indexes should differ.
    pub fn new(captures: Vec<Capture>) -> Self {
        Merged {
            begun: vec![false; captures.len()],
            captures,
            waiting: BinaryHeap::new(),
            lent: None,
            next: None,
            running: 0,
            latest: None,
            started: false,
        }
    }

    /// The next frame; `None` at the end of all captures.
    #[inline(always)]
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        if self.captures.len() == 1 {
            return self.captures.first_mut()?.next_frame();
        }
        self.next_of_several()
    }

    #[inline(never)]
    fn next_of_several(&mut self) -> Option<Frame<'_>> {
        let (time, index) = self.choose()?;
        self.next = None;
        self.lent = Some(index);
        self.latest = self.latest.max(Some(time));
        *self.begun.get_mut(index)? = true;
        self.captures.get(index)?.waiting_frame()
    }

    /// Since when nothing was captured, where every capture that has begun ended more than five seconds before
    /// the next frame, another one's first.
    #[inline]
    pub fn paused(&mut self) -> Option<Timestamp> {
        if self.captures.len() == 1 {
            return None;
        }
        let (time, index) = self.choose()?;
        let latest = self.latest?;
        let is_pause = self.running == 0 && !*self.begun.get(index)? && time.since(latest) > PAUSE;
        is_pause.then_some(latest)
    }

    /// Finds out which capture's frame comes next.
    fn choose(&mut self) -> Option<(Timestamp, usize)> {
        if self.next.is_some() {
            return self.next;
        }
        if !self.started {
            self.started = true;
            for (index, capture) in self.captures.iter_mut().enumerate() {
                if let Some(time) = capture.locate() {
                    self.waiting.push(Reverse((time, index)));
                }
            }
        }
        if let Some(index) = self.lent.take()
            && let Some(time) = self.captures.get_mut(index)?.locate()
        {
            match self.waiting.peek() {
                Some(&Reverse(first)) if first < (time, index) => {
                    self.waiting.push(Reverse((time, index)));
                    self.running += 1;
                }
                _ => {
                    self.next = Some((time, index));
                    return self.next;
                }
            }
        }
        let Reverse((time, index)) = self.waiting.pop()?;
        if *self.begun.get(index)? {
            self.running -= 1;
        }
        self.next = Some((time, index));
        self.next
    }

    /// What is known of each capture so far, in the order they were given.
    pub fn infos(&self) -> impl ExactSizeIterator<Item = &CaptureInfo> {
        self.captures.iter().map(Capture::info)
    }

    /// The captures, in the order they were given.
    pub fn captures(&self) -> &[Capture] {
        &self.captures
    }

    /// Bytes of all files behind us.
    pub fn position(&self) -> u64 {
        self.captures.iter().map(Capture::position).sum()
    }

    /// Bytes of all files together; `None` if one is no regular file.
    pub fn file_bytes(&self) -> Option<u64> {
        self.infos().map(|info| info.file_bytes).sum()
    }
}
