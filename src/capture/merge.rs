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
    started: bool,
}

impl Merged {
    /// Reads `captures` as one. Their indexes should differ.
    pub fn new(captures: Vec<Capture>) -> Self {
        Merged { captures, waiting: BinaryHeap::new(), lent: None, started: false }
    }

    /// The next frame; `None` at the end of all captures.
    #[inline]
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        if self.captures.len() == 1 {
            return self.captures.first_mut()?.next_frame();
        }
        self.next_of_several()
    }

    fn next_of_several(&mut self) -> Option<Frame<'_>> {
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
                Some(&Reverse(first)) if first < (time, index) => self.waiting.push(Reverse((time, index))),
                _ => {
                    self.lent = Some(index);
                    return self.captures.get(index)?.waiting_frame();
                }
            }
        }
        let Reverse((_, index)) = self.waiting.pop()?;
        self.lent = Some(index);
        self.captures.get(index)?.waiting_frame()
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
