//! Captured bytes together with the length that they had on the wire.

use super::Undecoded;

/// A part of a packet: the bytes that were kept, and how many there were on the wire (at least as many).
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a> {
    /// What the capture kept.
    pub(super) kept: &'a [u8],
    /// Length on the wire, as far as the headers before told.
    pub(super) wire: usize,
}

impl<'a> Bytes<'a> {
    /// A wire length below what was kept is an error of the capture, and is mended.
    pub(super) fn new(kept: &'a [u8], wire: usize) -> Self {
        Bytes { kept, wire: wire.max(kept.len()) }
    }

    /// Why a header does not fit: the capture cut it, or it never was there.
    pub(super) fn short(self) -> Undecoded {
        if self.wire > self.kept.len() { Undecoded::Cut } else { Undecoded::Malformed }
    }

    /// The first `N` bytes.
    pub(super) fn head<const N: usize>(self) -> Result<&'a [u8; N], Undecoded> {
        self.kept.first_chunk().ok_or_else(|| self.short())
    }

    /// What follows the first `count` bytes.
    pub(super) fn skip(self, count: usize) -> Result<Self, Undecoded> {
        match self.kept.get(count..) {
            Some(kept) => Ok(Bytes { kept, wire: self.wire - count }),
            None => Err(self.short()),
        }
    }

    /// The first `N` bytes, and what follows them.
    pub(super) fn split<const N: usize>(self) -> Result<(&'a [u8; N], Self), Undecoded> {
        Ok((self.head()?, self.skip(N)?))
    }

    /// The same start with a wire length told by a header; what lies behind it (padding) is left out.
    pub(super) fn limit(self, wire: usize) -> Self {
        Bytes { kept: self.kept.get(..wire).unwrap_or(self.kept), wire }
    }
}

/// Big-endian.
pub(super) fn u16_of(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}
