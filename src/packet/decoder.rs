//! Entry: one frame in, one packet out.

use super::bytes::Bytes;
use super::fragments::{Fragment, Fragments};
use super::{Meta, Packet, Undecoded, fast, ip, link};
use crate::base::{Frame, Limits, Stamp, Timestamp};

/// How many IP headers may lie inside one another.
pub(super) const MAX_NESTING: u8 = 8;

/// How many headers of any kind are read in one frame, attempts that led nowhere included.
const MAX_STEPS: u8 = 64;

/// Decodes frames. Its only state is the IP datagrams under reassembly, bounded by
/// [`Limits::fragment_datagrams`] of at most 64 KiB each.
#[derive(Debug)]
pub struct Decoder {
    fragments: Fragments,
    /// The highest time seen.
    now: Timestamp,
    /// The datagram that the packet handed out last may borrow from.
    whole: Option<Whole>,
}

impl Decoder {
    /// A decoder within these bounds.
    pub fn new(limits: &Limits) -> Self {
        Decoder { fragments: Fragments::new(limits), now: Timestamp(i64::MIN), whole: None }
    }

    /// Decodes a frame. `order` is its place in the order of reading, over all captures of the run.
    ///
    /// A fragment gives [`Undecoded::Fragment`] until the one that completes its datagram.
    pub fn decode<'p>(&'p mut self, frame: &Frame<'p>, order: u64) -> Result<Packet<'p>, Undecoded> {
        match self.plain(frame, order) {
            Some(packet) => Ok(packet),
            None => self.by_layers(frame, order),
        }
    }

    /// [`Decoder::decode`] for the usual frame, one for which the short straight path will do. The packet is made
    /// where the caller keeps it: to move it costs as much as to decode it.
    #[inline(always)]
    pub fn plain<'f>(&mut self, frame: &Frame<'f>, order: u64) -> Option<Packet<'f>> {
        self.now = self.now.max(frame.time);
        fast::decode(frame, Stamp { at: frame.at, time: frame.time, order })
    }

    /// [`Decoder::decode`] for a frame for which [`Decoder::plain`] gave nothing.
    #[inline(never)]
    pub fn by_layers<'p>(&'p mut self, frame: &Frame<'p>, order: u64) -> Result<Packet<'p>, Undecoded> {
        let stamp = Stamp { at: frame.at, time: frame.time, order };
        match layers(frame, stamp)? {
            Found::Packet(packet) => Ok(packet),
            Found::Fragment(fragment) => {
                let whole = self.fragments.add(fragment, self.now)?;
                self.reassembled(whole)
            }
        }
    }

    /// A datagram may be a tunnel with fragments inside, so this goes on until a packet comes.
    fn reassembled(&mut self, mut whole: Whole) -> Result<Packet<'_>, Undecoded> {
        for _ in 0..MAX_NESTING {
            match whole.walk()? {
                Found::Packet(_) => break,
                Found::Fragment(fragment) => whole = self.fragments.add(fragment, self.now)?,
            }
        }
        match self.whole.insert(whole).walk()? {
            Found::Packet(packet) => Ok(packet),
            Found::Fragment(_) => Err(Undecoded::Malformed),
        }
    }
}

/// Decodes without the straight path.
pub(super) fn layers<'a>(frame: &Frame<'a>, stamp: Stamp) -> Walk<'a> {
    let context = Context { stamp, interface: frame.interface, src_mac: None, tunnelled: false, nesting: 0 };
    let bytes = Bytes::new(frame.data, frame.wire_len as usize);
    link::frame(frame.link, bytes, context, &mut Steps::default())
}

/// What is known of a frame on the way inwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) stamp: Stamp,
    pub(super) interface: u32,
    pub(super) src_mac: Option<[u8; 6]>,
    pub(super) tunnelled: bool,
    /// IP headers so far.
    pub(super) nesting: u8,
}

/// What a walk through the layers came to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'a> {
    Packet(Packet<'a>),
    Fragment(Fragment<'a>),
}

pub(super) type Walk<'a> = Result<Found<'a>, Undecoded>;

/// What is left of a frame's headers, so that no frame costs more than a little.
#[derive(Debug)]
pub(super) struct Steps(u8);

impl Default for Steps {
    fn default() -> Self {
        Steps(MAX_STEPS)
    }
}

impl Steps {
    pub(super) fn take(&mut self) -> Result<(), Undecoded> {
        self.0 = self.0.checked_sub(1).ok_or(Undecoded::Malformed)?;
        Ok(())
    }
}

/// An IP datagram put together from its fragments.
#[derive(Debug)]
pub(super) struct Whole {
    /// Of the first fragment, with the stamp of the one that came last.
    pub(super) meta: Meta,
    pub(super) context: Context,
    /// IP protocol of the payload.
    pub(super) protocol: u8,
    /// The payload up to the first byte that the capture lacks.
    pub(super) data: Vec<u8>,
    /// The payload's length on the wire.
    pub(super) wire: usize,
}

impl Whole {
    fn walk(&self) -> Walk<'_> {
        let bytes = Bytes::new(&self.data, self.wire);
        ip::payload(self.protocol, bytes, self.meta, self.context, &mut Steps::default())
    }
}
