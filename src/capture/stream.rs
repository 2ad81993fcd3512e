//! Pipes, compressed data and files that may still grow: one buffer, used again and again.

use std::io::{self, Cursor, ErrorKind, Read};

/// Where captured bytes come from when they are not mapped.
pub(super) type Reader = Box<dyn Read + Send>;

/// A reader and the part of it that is at hand.
pub(super) struct Streamed {
    reader: Reader,
    /// All of it is initialized; `start..end` is the window. Longer than [`CHUNK`] only if a single
    /// record is.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of the buffer's first byte in the stream.
    base: u64,
    ended: bool,
    trouble: Option<io::Error>,
}

/// Small enough to stay in a core's own cache, large enough that calls don't count.
const CHUNK: usize = 128 * 1024;

impl Streamed {
    /// Reads `reader`, which stands at `offset` of the capture.
    pub(super) fn new(reader: Reader, offset: u64) -> Self {
        let buffer = vec![0; CHUNK];
        Streamed { reader, buffer, start: 0, end: 0, base: offset, ended: false, trouble: None }
    }

    /// An input that ended with `error` at `offset`.
    pub(super) fn failed(error: io::Error, offset: u64) -> Self {
        Streamed {
            reader: Box::new(io::empty()),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            base: offset,
            ended: true,
            trouble: Some(error),
        }
    }

    /// The stream from the current offset on, as a reader.
    pub(super) fn into_reader(mut self) -> Reader {
        self.buffer.truncate(self.end);
        let mut rest = Cursor::new(self.buffer);
        rest.set_position(self.start as u64);
        Box::new(rest.chain(self.reader))
    }

    #[inline]
    pub(super) fn window(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    pub(super) fn offset(&self) -> u64 {
        self.base.saturating_add(self.start as u64)
    }

    pub(super) fn trouble(&self) -> Option<&io::Error> {
        self.trouble.as_ref()
    }

    pub(super) fn fill(&mut self, need: usize) -> usize {
        if self.end - self.start >= need || self.ended {
            return self.end - self.start;
        }
        // What is left is less than the record that is wanted, so moving it is cheap.
        self.buffer.copy_within(self.start..self.end, 0);
        self.base = self.base.saturating_add(self.start as u64);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < need {
            self.buffer.resize(need.next_power_of_two(), 0);
        }
        while self.end < need && !self.ended {
            let Some(room) = self.buffer.get_mut(self.end..) else { break };
            match self.reader.read(room) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end = self.end.saturating_add(count).min(self.buffer.len()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.trouble = Some(error);
                }
            }
        }
        self.end
    }
}
