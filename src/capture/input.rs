//! One view on a capture's bytes, whether they are mapped or streamed.

use std::io;

use super::map::Mapped;
use super::stream::Streamed;

/// The bytes of a capture from the current offset on, as far as they are at hand.
pub(super) enum Input {
    /// A window of a mapped file.
    Mapped(Mapped),
    /// A buffer that is filled from a reader.
    Streamed(Streamed),
}

impl Input {
    /// The bytes at hand; [`Input::fill`] makes it longer.
    #[inline]
    pub(super) fn window(&self) -> &[u8] {
        match self {
            Input::Mapped(mapped) => mapped.window(),
            Input::Streamed(streamed) => streamed.window(),
        }
    }

    /// Moves the current offset forward inside the window.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        match self {
            Input::Mapped(mapped) => mapped.advance(count),
            Input::Streamed(streamed) => streamed.advance(count),
        }
    }

    /// Brings `need` bytes to hand unless the input ends before. Returns how many there are.
    #[cold]
    pub(super) fn fill(&mut self, need: usize) -> usize {
        match self {
            Input::Streamed(streamed) => streamed.fill(need),
            Input::Mapped(mapped) => match mapped.fill(need) {
                Some(have) => have,
                None => match mapped.to_streamed() {
                    Ok(mut streamed) => {
                        let have = streamed.fill(need);
                        *self = Input::Streamed(streamed);
                        have
                    }
                    Err(error) => {
                        *self = Input::Streamed(Streamed::failed(error, mapped.offset()));
                        0
                    }
                },
            },
        }
    }

    /// Moves the current offset forward past the window too. Returns how many bytes there were.
    pub(super) fn skip(&mut self, count: u64) -> u64 {
        let mut left = count;
        while left > 0 {
            let have = match self.window().len() {
                0 => self.fill(1),
                have => have,
            };
            if have == 0 {
                break;
            }
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(have);
            self.advance(step);
            left -= step as u64;
        }
        count - left
    }

    /// Offset of the window's first byte from the capture's start, after decompression.
    pub(super) fn offset(&self) -> u64 {
        match self {
            Input::Mapped(mapped) => mapped.offset(),
            Input::Streamed(streamed) => streamed.offset(),
        }
    }

    /// Why there are no more bytes, if it is not the end of the file.
    pub(super) fn trouble(&self) -> Option<&io::Error> {
        match self {
            Input::Mapped(_) => None,
            Input::Streamed(streamed) => streamed.trouble(),
        }
    }
}
