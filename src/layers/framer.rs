//! Cuts a direction's bytes into length-prefixed units: TLS records, or TPKT and fast-path PDUs.
//!
//! Bodies that nobody reads are stepped over by arithmetic, so neither the snapshot length nor a hole
//! inside a body loses the next boundary, and nothing of them is copied.

use crate::base::{Chunk, Gap, Span, Stamp};
use crate::protocol::{Malformed, Step, fastpath, tls, tpkt};

/// How units of one kind begin.
pub trait Framing {
    /// What a unit's header says.
    type Header: Copy;
    /// Reads a header: the header and how many bytes it has.
    fn header(bytes: &[u8]) -> Step<Self::Header>;
    /// Bytes of the unit that follow its header.
    fn body_len(header: &Self::Header) -> usize;
    /// Whether a packet that begins with these bytes, and has `len` of them, begins with a unit: what is
    /// believed where the boundaries are not known.
    fn resumes(bytes: &[u8], len: u64) -> bool;
    /// Whether the body is to be handed out.
    fn wants(header: &Self::Header) -> bool;
}

/// One unit of a direction.
#[derive(Clone, Copy, Debug)]
pub struct Unit<'a, H> {
    /// Its header.
    pub header: H,
    /// The packets that carried it.
    pub span: Span,
    /// Its body, where it is wanted and the capture has all of it.
    pub body: Option<&'a [u8]>,
}

#[derive(Debug)]
struct Open<H> {
    header: H,
    first: Stamp,
    remaining: u64,
    keep: bool,
}

/// Cuts one direction into units.
#[derive(Debug)]
pub struct Framer<F: Framing> {
    /// An unfinished header, or the kept part of an unfinished body.
    pending: Vec<u8>,
    pending_since: Option<Stamp>,
    open: Option<Open<F::Header>>,
    lost: bool,
    skipped: u64,
    keep_all: bool,
}

impl<F: Framing> Default for Framer<F> {
    fn default() -> Self {
        Framer {
            pending: Vec::new(),
            pending_since: None,
            open: None,
            lost: false,
            skipped: 0,
            keep_all: false,
        }
    }
}

impl<F: Framing> Framer<F> {
    /// Longest header of any framing, in bytes.
    const MAX_HEADER: usize = 8;

    /// Whether every body is to be handed out from now on, wanted or not.
    pub fn keep_all(&mut self, keep: bool) {
        self.keep_all = keep;
    }

    /// Whether the boundaries are unknown since a gap or a malformed header.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Bytes on the wire since the last call that belong to no unit, because their boundaries are unknown.
    pub fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }

    /// Whether the next byte begins a unit.
    pub fn at_boundary(&self) -> bool {
        self.open.is_none() && self.pending.is_empty()
    }

    /// Takes the direction's next bytes and hands out the units that they finish.
    ///
    /// # Errors
    /// A header that cannot be one. The boundaries are lost until a later chunk starts with one.
    pub fn push(
        &mut self,
        chunk: &Chunk<'_>,
        emit: impl FnMut(Unit<'_, F::Header>),
    ) -> Result<(), Malformed> {
        self.push_carried(chunk.data, chunk.len, chunk.stamp.into(), emit)
    }

    /// [`Framer::push`] for bytes that several packets may have carried: `data`, of which there were `len` on
    /// the wire.
    ///
    /// # Errors
    /// Those of [`Framer::push`].
    pub fn push_carried(
        &mut self,
        mut data: &[u8],
        len: u64,
        carried: Span,
        mut emit: impl FnMut(Unit<'_, F::Header>),
    ) -> Result<(), Malformed> {
        let mut missing = len.saturating_sub(data.len() as u64);
        if self.lost {
            if !F::resumes(data, len) {
                self.skipped += len;
                return Ok(());
            }
            self.lost = false;
        }
        loop {
            if let Some(open) = &mut self.open {
                let take = usize::try_from(open.remaining).unwrap_or(usize::MAX).min(data.len());
                let (now, rest) = data.split_at(take);
                if open.keep {
                    self.pending.extend_from_slice(now);
                }
                open.remaining -= take as u64;
                data = rest;
                if open.remaining > 0 && missing > 0 {
                    let skipped = open.remaining.min(missing);
                    open.remaining -= skipped;
                    open.keep = false;
                    missing -= skipped;
                }
                if open.remaining > 0 {
                    return Ok(());
                }
                let span = Span { first: open.first, last: carried.last };
                let body = open.keep.then_some(self.pending.as_slice());
                emit(Unit { header: open.header, span, body });
                self.open = None;
                self.pending.clear();
                continue;
            }
            if data.is_empty() {
                if missing > 0 {
                    self.skipped += missing;
                    self.lose();
                }
                return Ok(());
            }
            let header = if self.pending.is_empty() {
                F::header(data).map_used(|used| (used, carried.first))
            } else {
                // A header over several packets: at most a handful of bytes, one by one.
                self.pending.push(data.first().copied().unwrap_or_default());
                data = data.get(1..).unwrap_or_default();
                let since = self.pending_since.unwrap_or(carried.first);
                match F::header(&self.pending) {
                    Step::Need(_) if self.pending.len() < Self::MAX_HEADER => continue,
                    step => step.map_used(|_| (0, since)),
                }
            };
            match header {
                HeaderStep::Done(header, used, first) => {
                    self.pending.clear();
                    data = data.get(used..).unwrap_or_default();
                    let body_len = F::body_len(&header);
                    let keep = self.keep_all || F::wants(&header);
                    match data.get(..body_len) {
                        Some(body) => {
                            let span = Span { first, last: carried.last };
                            emit(Unit { header, span, body: keep.then_some(body) });
                            data = data.get(body_len..).unwrap_or_default();
                        }
                        None => self.open = Some(Open { header, first, remaining: body_len as u64, keep }),
                    }
                }
                HeaderStep::Need => {
                    self.pending_since = Some(carried.first);
                    self.pending.extend_from_slice(data);
                    if missing > 0 || self.pending.len() >= Self::MAX_HEADER {
                        self.lose();
                    }
                    return Ok(());
                }
                HeaderStep::Broken(malformed) => {
                    self.lose();
                    return Err(malformed);
                }
            }
        }
    }

    /// Steps over bytes that the capture lacks.
    pub fn gap(&mut self, gap: &Gap, mut emit: impl FnMut(Unit<'_, F::Header>)) {
        match &mut self.open {
            Some(open) if open.remaining >= gap.len => {
                open.remaining -= gap.len;
                open.keep = false;
                if open.remaining == 0 {
                    let span = Span { first: open.first, last: gap.stamp };
                    emit(Unit { header: open.header, span, body: None });
                    self.open = None;
                    self.pending.clear();
                }
            }
            _ => self.lose(),
        }
    }

    fn lose(&mut self) {
        self.lost = true;
        self.open = None;
        self.pending.clear();
    }
}

enum HeaderStep<H> {
    Done(H, usize, Stamp),
    Need,
    Broken(Malformed),
}

impl<H> Step<H> {
    fn map_used(self, f: impl FnOnce(usize) -> (usize, Stamp)) -> HeaderStep<H> {
        match self {
            Step::Done(header, used) => {
                let (used, first) = f(used);
                HeaderStep::Done(header, used, first)
            }
            Step::Need(_) => HeaderStep::Need,
            Step::Broken(malformed) => HeaderStep::Broken(malformed),
        }
    }
}

/// TLS records.
#[derive(Debug)]
pub struct TlsFraming;

impl Framing for TlsFraming {
    type Header = tls::RecordHeader;

    fn header(bytes: &[u8]) -> Step<Self::Header> {
        tls::parse_record_header(bytes)
    }

    fn resumes(bytes: &[u8], _: u64) -> bool {
        matches!(Self::header(bytes), Step::Done(..))
    }

    fn body_len(header: &Self::Header) -> usize {
        header.length
    }

    fn wants(header: &Self::Header) -> bool {
        header.content_type != tls::ContentType::application_data
    }
}

/// TPKT and fast-path PDUs: RDP without TLS.
#[derive(Debug)]
pub struct RdpFraming;

/// Header of a PDU that is not inside TLS.
#[derive(Clone, Copy, Debug)]
pub enum RdpUnit {
    /// An X.224 TPDU in a TPKT of so many bytes, header included.
    Tpkt(usize),
    /// A fast-path PDU.
    FastPath(fastpath::FastPathHeader),
}

impl RdpUnit {
    /// TPKTs above this carry graphics or virtual-channel data that nobody reads; the largest PDU of the
    /// connection sequence (Connect-Initial, Connect-Response with a certificate chain) stays below.
    const LARGEST_READ: usize = 8192;
}

impl Framing for RdpFraming {
    type Header = RdpUnit;

    fn header(bytes: &[u8]) -> Step<Self::Header> {
        match bytes.first() {
            None => Step::Need(1),
            Some(3) => match tpkt::parse_header(bytes) {
                Step::Done(length, used) => Step::Done(RdpUnit::Tpkt(length), used),
                Step::Need(n) => Step::Need(n),
                Step::Broken(malformed) => Step::Broken(malformed),
            },
            Some(_) => match fastpath::parse_header(bytes) {
                Step::Done(header, used) => Step::Done(RdpUnit::FastPath(header), used),
                Step::Need(n) => Step::Need(n),
                Step::Broken(malformed) => Step::Broken(malformed),
            },
        }
    }

    /// Any byte may begin a fast-path PDU; one that fills its packet is believed.
    fn resumes(bytes: &[u8], len: u64) -> bool {
        match Self::header(bytes) {
            Step::Done(RdpUnit::FastPath(header), _) => header.length as u64 == len,
            Step::Done(RdpUnit::Tpkt(length), _) => length as u64 <= len,
            Step::Need(_) | Step::Broken(_) => false,
        }
    }

    fn body_len(header: &Self::Header) -> usize {
        match header {
            RdpUnit::Tpkt(length) => length.saturating_sub(tpkt::HEADER_LEN),
            RdpUnit::FastPath(header) => header.length.saturating_sub(header.header_len),
        }
    }

    fn wants(header: &Self::Header) -> bool {
        matches!(header, RdpUnit::Tpkt(length) if *length <= RdpUnit::LARGEST_READ)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::{FrameRef, Timestamp};

    fn stamp(order: u64) -> Stamp {
        Stamp { at: FrameRef::new(0, order), time: Timestamp(order as i64), order }
    }

    fn record(content_type: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![content_type, 3, 3, (body.len() >> 8) as u8, body.len() as u8];
        bytes.extend_from_slice(body);
        bytes
    }

    /// Content type, length, body where one is handed out, first and last frame.
    type Cut = (u8, usize, Option<Vec<u8>>, u64, u64);

    fn cut(unit: &Unit<'_, tls::RecordHeader>) -> Cut {
        let (first, last) = (unit.span.first.order, unit.span.last.order);
        (unit.header.content_type.0, unit.header.length, unit.body.map(<[u8]>::to_vec), first, last)
    }

    /// Feeds `stream` in pieces of the given sizes, one frame each.
    fn feed(stream: &[u8], sizes: &[usize]) -> (Vec<Cut>, bool) {
        let mut framer = Framer::<TlsFraming>::default();
        let (mut units, mut offset, mut sizes) = (Vec::new(), 0, sizes.iter().cycle());
        let mut order = 0;
        while offset < stream.len() {
            order += 1;
            let size = sizes.next().copied().unwrap_or(1).clamp(1, stream.len() - offset);
            let data = &stream[offset..offset + size];
            let chunk = Chunk { offset: offset as u64, data, len: size as u64, stamp: stamp(order) };
            framer.push(&chunk, |unit| units.push(cut(&unit))).unwrap();
            offset += size;
        }
        (units, framer.at_boundary())
    }

    #[test]
    fn bodies_are_handed_out_unless_they_are_application_data() {
        let stream = [record(22, b"hello"), record(23, b"secret"), record(21, &[2, 40])].concat();
        let (units, at_boundary) = feed(&stream, &[usize::MAX]);
        assert_eq!(
            units,
            [(22, 5, Some(b"hello".to_vec()), 1, 1), (23, 6, None, 1, 1), (21, 2, Some(vec![2, 40]), 1, 1)]
        );
        assert!(at_boundary);
    }

    #[test]
    fn a_record_over_several_packets_names_its_first_and_last() {
        let (units, _) = feed(&record(22, &[7; 20]), &[3, 10, 12]);
        assert_eq!(units, [(22, 20, Some(vec![7; 20]), 1, 3)]);
    }

    #[test]
    fn what_the_snapshot_length_cut_costs_a_body_but_no_boundary() {
        let mut framer = Framer::<TlsFraming>::default();
        let mut units = Vec::new();
        let stream = record(22, &[1; 100]);
        // The packet has the whole record, the capture its first 50 bytes.
        let chunk = Chunk { offset: 0, data: &stream[..50], len: 105, stamp: stamp(1) };
        framer.push(&chunk, |unit| units.push(cut(&unit))).unwrap();
        let alert = record(21, &[2, 70]);
        let chunk = Chunk { offset: 105, data: &alert, len: 7, stamp: stamp(2) };
        framer.push(&chunk, |unit| units.push(cut(&unit))).unwrap();
        assert_eq!(units, [(22, 100, None, 1, 1), (21, 2, Some(vec![2, 70]), 2, 2)]);
    }

    #[test]
    fn a_hole_inside_a_body_keeps_the_next_boundary_and_one_over_a_header_finds_it_again() {
        let mut framer = Framer::<TlsFraming>::default();
        let mut units = Vec::new();
        let data = record(23, &[0; 1000]);
        let push = |framer: &mut Framer<TlsFraming>, units: &mut Vec<Cut>, offset, data: &[u8], order| {
            let chunk = Chunk { offset, data, len: data.len() as u64, stamp: stamp(order) };
            framer.push(&chunk, |unit| units.push(cut(&unit))).unwrap();
        };
        push(&mut framer, &mut units, 0, &data[..100], 1);
        framer.gap(&Gap { offset: 100, len: 800, acknowledged: true, stamp: stamp(2) }, |unit| {
            units.push(cut(&unit));
        });
        push(&mut framer, &mut units, 900, &data[900..], 3);
        push(&mut framer, &mut units, 1005, &record(21, &[1, 0]), 4);
        assert_eq!(units, [(23, 1000, None, 1, 3), (21, 2, Some(vec![1, 0]), 4, 4)]);

        framer.gap(&Gap { offset: 1012, len: 7, acknowledged: true, stamp: stamp(5) }, |unit| {
            units.push(cut(&unit));
        });
        assert!(framer.is_lost());
        push(&mut framer, &mut units, 1019, b"the tail of something", 6);
        push(&mut framer, &mut units, 1040, &record(21, &[2, 80]), 7);
        assert_eq!(units.last(), Some(&(21, 2, Some(vec![2, 80]), 7, 7)));
    }

    #[test]
    fn bytes_that_are_no_record_are_an_error_once() {
        let mut framer = Framer::<TlsFraming>::default();
        let chunk = Chunk { offset: 0, data: b"GET / HTTP/1.1", len: 14, stamp: stamp(1) };
        assert!(framer.push(&chunk, |_| panic!("no unit")).is_err());
        assert!(framer.push(&chunk, |_| panic!("no unit")).is_ok());
    }

    proptest! {
        #[test]
        fn any_segmentation_gives_the_same_units(
            records in prop::collection::vec((20u8..=23, prop::collection::vec(any::<u8>(), 0..300)), 1..12),
            sizes in prop::collection::vec(1usize..400, 1..8),
        ) {
            let stream: Vec<u8> = records.iter().flat_map(|(kind, body)| record(*kind, body)).collect();
            let strip = |units: Vec<Cut>| -> Vec<_> { units.into_iter().map(|u| (u.0, u.1, u.2)).collect() };
            let (whole, _) = feed(&stream, &[usize::MAX]);
            let (pieces, at_boundary) = feed(&stream, &sizes);
            prop_assert_eq!(strip(pieces), strip(whole));
            prop_assert!(at_boundary);
        }

        #[test]
        fn rdp_framing_survives_anything(bytes in prop::collection::vec(any::<u8>(), 0..600), size in 1usize..50) {
            let mut framer = Framer::<RdpFraming>::default();
            let mut offset = 0;
            for (order, data) in bytes.chunks(size).enumerate() {
                let chunk = Chunk { offset, data, len: data.len() as u64, stamp: stamp(order as u64) };
                let _ = framer.push(&chunk, |_| {});
                offset += data.len() as u64;
            }
        }
    }
}
