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
}

impl<F: Framing> Default for Framer<F> {
    fn default() -> Self {
        Framer { pending: Vec::new(), pending_since: None, open: None, lost: false }
    }
}

impl<F: Framing> Framer<F> {
    /// Longest header of any framing, in bytes.
    const MAX_HEADER: usize = 8;

    /// Whether the boundaries are unknown since a gap or a malformed header.
    pub fn is_lost(&self) -> bool {
        self.lost
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
        mut emit: impl FnMut(Unit<'_, F::Header>),
    ) -> Result<(), Malformed> {
        let mut data = chunk.data;
        let mut missing = chunk.len.saturating_sub(data.len() as u64);
        if self.lost {
            if !matches!(F::header(data), Step::Done(..)) {
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
                let span = Span { first: open.first, last: chunk.stamp };
                let body = open.keep.then_some(self.pending.as_slice());
                emit(Unit { header: open.header, span, body });
                self.open = None;
                self.pending.clear();
                continue;
            }
            if data.is_empty() {
                if missing > 0 {
                    self.lose();
                }
                return Ok(());
            }
            let header = if self.pending.is_empty() {
                F::header(data).map_used(|used| (used, chunk.stamp))
            } else {
                // A header over several packets: at most a handful of bytes, one by one.
                self.pending.push(data.first().copied().unwrap_or_default());
                data = data.get(1..).unwrap_or_default();
                let since = self.pending_since.unwrap_or(chunk.stamp);
                match F::header(&self.pending) {
                    Step::Need(_) if self.pending.len() < Self::MAX_HEADER => continue,
                    step => step.map_used(|_| (0, since)),
                }
            };
            match header {
                HeaderStep::Done(header, used, first) => {
                    self.pending.clear();
                    data = data.get(used..).unwrap_or_default();
                    let len = F::body_len(&header);
                    let keep = F::wants(&header);
                    match data.get(..len) {
                        Some(body) => {
                            let span = Span { first, last: chunk.stamp };
                            emit(Unit { header, span, body: keep.then_some(body) });
                            data = data.get(len..).unwrap_or_default();
                        }
                        None => self.open = Some(Open { header, first, remaining: len as u64, keep }),
                    }
                }
                HeaderStep::Need => {
                    self.pending_since = Some(chunk.stamp);
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
