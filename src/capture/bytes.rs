//! Integers of either byte order.

/// The byte order of a file or section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// Big-endian if true, else little-endian.
    pub(super) big: bool,
}

impl Order {
    /// The unsigned 16-bit integer at `at`; 0 past the end, so callers check lengths first.
    #[inline]
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let value = take::<2>(bytes, at).map_or(0, u16::from_le_bytes);
        if self.big { value.swap_bytes() } else { value }
    }

    /// The unsigned 32-bit integer at `at`; 0 past the end.
    #[inline]
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let value = take::<4>(bytes, at).map_or(0, u32::from_le_bytes);
        if self.big { value.swap_bytes() } else { value }
    }

    /// The unsigned 64-bit integer at `at`; 0 past the end.
    #[inline]
    pub(super) fn u64(self, bytes: &[u8], at: usize) -> u64 {
        let value = take::<8>(bytes, at).map_or(0, u64::from_le_bytes);
        if self.big { value.swap_bytes() } else { value }
    }
}

#[inline]
fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}
