//! Segments that came before their turn.

use std::collections::VecDeque;

use crate::base::Stamp;

/// A run of bytes beyond a hole.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub offset: u64,
    /// On the wire; `data` may be shorter where the capture cut it, or empty where nobody wants it.
    pub len: u64,
    pub data: Vec<u8>,
    pub stamp: Stamp,
    /// IPv4 identification, 0 where there is none.
    pub ip_id: u16,
}

impl Piece {
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.len)
    }
}

/// Sorted, disjoint pieces of one direction. The bytes seen first win.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    pieces: VecDeque<Piece>,
    bytes: usize,
}

impl Assembler {
    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Offset of the first byte kept.
    pub(super) fn first(&self) -> Option<&Piece> {
        self.pieces.front()
    }

    pub(super) fn pop(&mut self) -> Option<Piece> {
        let piece = self.pieces.pop_front()?;
        self.bytes -= piece.data.len();
        Some(piece)
    }

    /// How many bytes of `start..end` are not kept.
    pub(super) fn unseen(&self, start: u64, end: u64) -> u64 {
        let mut unseen = end.saturating_sub(start);
        let from = self.pieces.partition_point(|piece| piece.end() <= start);
        for piece in self.pieces.range(from..).take_while(|piece| piece.offset < end) {
            unseen -= piece.end().min(end) - piece.offset.max(start);
        }
        unseen
    }

    /// The first piece at or after the end of the hole that holds `offset`.
    pub(super) fn after(&self, offset: u64) -> Option<&Piece> {
        self.pieces.get(self.pieces.partition_point(|piece| piece.offset <= offset))
    }

    /// Keeps what is new of a segment whose bytes start at `start`; `data` holds the first of its `len`.
    pub(super) fn insert(&mut self, start: u64, len: u64, data: &[u8], stamp: Stamp, ip_id: u16) {
        let end = start.saturating_add(len);
        let mut at = self.pieces.partition_point(|piece| piece.end() <= start);
        let mut pos = start;
        while pos < end {
            let next = self.pieces.get(at).map(|piece| (piece.offset, piece.end()));
            let stop = next.map_or(end, |(offset, _)| offset.min(end));
            if stop > pos {
                let kept = cut(data, start, pos, stop);
                self.bytes += kept.len();
                self.pieces
                    .insert(at, Piece { offset: pos, len: stop - pos, data: kept.to_vec(), stamp, ip_id });
                at += 1;
            }
            match next {
                Some((_, after)) => (pos, at) = (after, at + 1),
                None => break,
            }
        }
    }

    /// Keeps the places and drops the bytes.
    pub(super) fn forget_bytes(&mut self) {
        for piece in &mut self.pieces {
            piece.data = Vec::new();
        }
        self.bytes = 0;
    }
}

/// The part `from..to` of bytes that start at `start`, as far as `data` reaches.
pub(super) fn cut(data: &[u8], start: u64, from: u64, to: u64) -> &[u8] {
    let place =
        |offset: u64| usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX).min(data.len());
    &data[place(from)..place(to).max(place(from))]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::{FrameRef, Timestamp};

    fn stamp(order: u64) -> Stamp {
        Stamp { at: FrameRef::new(0, order + 1), time: Timestamp(0), order }
    }

    proptest! {
        /// Against one byte array that remembers who wrote each byte first.
        #[test]
        fn first_seen_wins(segments in prop::collection::vec((0u64..80, 0u64..30, 0usize..30), 0..24)) {
            let mut store = Assembler::default();
            let mut model = [None; 128];
            for (n, (start, len, kept)) in segments.into_iter().enumerate() {
                let data = vec![n as u8; kept.min(len as usize)];
                let unseen = model[start as usize..(start + len) as usize].iter().filter(|byte| byte.is_none()).count();
                prop_assert_eq!(store.unseen(start, start + len), unseen as u64);
                store.insert(start, len, &data, stamp(n as u64), 0);
                for i in 0..len as usize {
                    model[start as usize + i].get_or_insert((n, i < data.len()));
                }
            }
            let bytes: usize = model.iter().flatten().filter(|(_, kept)| *kept).count();
            prop_assert_eq!(store.bytes(), bytes);
            let mut built = [None; 128];
            let mut last = 0;
            while let Some(piece) = store.pop() {
                prop_assert!(piece.offset >= last && piece.len > 0);
                last = piece.end();
                for i in 0..piece.len as usize {
                    let kept = i < piece.data.len();
                    if kept {
                        prop_assert_eq!(u64::from(piece.data[i]), piece.stamp.order);
                    }
                    built[piece.offset as usize + i] = Some((piece.stamp.order as usize, kept));
                }
            }
            prop_assert_eq!(built, model);
            prop_assert_eq!(store.bytes(), 0);
        }
    }

    #[test]
    fn finds_what_comes_after_a_hole() {
        let mut store = Assembler::default();
        store.insert(10, 5, b"abcde", stamp(0), 0);
        store.insert(20, 5, b"fghij", stamp(1), 0);
        assert_eq!(store.after(3).map(|piece| piece.offset), Some(10));
        assert_eq!(store.after(16).map(|piece| piece.offset), Some(20));
        assert!(store.after(25).is_none());
        store.forget_bytes();
        assert_eq!((store.bytes(), store.pieces()), (0, 2));
    }
}
