//! One capture, frame by frame.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::info::{CaptureInfo, Secrets};
use super::input::Input;
use super::map::prefetch;
use super::pcap::Pcap;
use super::pcapng::Pcapng;
use crate::base::{Frame, FrameRef, LinkType, Timestamp};

/// The most bytes that one packet may have; what libpcap, tcpdump and Wireshark allow too.
pub(super) const MAX_CAPTURED: u32 = 256 * 1024;

type Hear = Box<dyn FnMut(&Secrets) + Send>;

/// One open capture.
///
/// Memory: a window of the mapped file, or a buffer of 128 KiB that grows to the longest record, plus
/// what the decompressor needs.
pub struct Capture {
    input: Input,
    walker: Walker,
    index: u16,
    /// Bytes of the record that is lent out, which starts where the window does.
    lent: usize,
    /// The frame in it, while others are read first.
    waiting: Option<Found>,
    last_link: Option<LinkType>,
    ended: bool,
    info: CaptureInfo,
    /// Compressed bytes taken from the file so far.
    compressed: Option<Arc<AtomicU64>>,
    /// Who wants to hear of secrets.
    on_secrets: Option<Hear>,
}

/// The two formats.
#[derive(Debug)]
pub(super) enum Walker {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// Where a packet lies and what its record says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Offset of the packet's bytes from the start of its record.
    pub(super) start: usize,
    pub(super) len: usize,
    /// Length of the whole record.
    pub(super) record: usize,
    pub(super) time: Timestamp,
    /// Whether the record has a time of its own.
    pub(super) timed: bool,
    pub(super) link: LinkType,
    pub(super) interface: u32,
    pub(super) wire_len: u32,
}

/// What lies at the current offset; `at` is where the record starts.
#[derive(Debug)]
pub(super) enum Step {
    Packet(Found),
    End,
    Cut { at: u64, need: u64, have: u64 },
    Damaged { at: u64, why: String },
}

impl Capture {
    pub(super) fn new(
        input: Input,
        walker: Walker,
        index: u16,
        info: CaptureInfo,
        compressed: Option<Arc<AtomicU64>>,
    ) -> Self {
        Capture {
            input,
            walker,
            index,
            lent: 0,
            waiting: None,
            last_link: None,
            ended: false,
            info,
            compressed,
            on_secrets: None,
        }
    }

    /// The next frame; `None` at the end of what can be read.
    #[inline(always)]
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        self.input.advance(std::mem::take(&mut self.lent));
        // Apart, so that what is found in plain is never moved.
        if let Some(found) = self.plain() {
            self.note(&found);
            return self.frame(&found);
        }
        let found = self.step()?;
        self.note(&found);
        self.frame(&found)
    }

    /// Has `hear` told of each Decryption Secrets Block before the frames that come after it.
    pub fn on_secrets(&mut self, hear: impl FnMut(&Secrets) + Send + 'static) {
        self.on_secrets = Some(Box::new(hear));
    }

    /// What is known of the capture so far.
    pub fn info(&self) -> &CaptureInfo {
        &self.info
    }

    /// What is known of the capture so far, without the capture.
    pub fn into_info(self) -> CaptureInfo {
        self.info
    }

    pub(super) fn set_file_bytes(&mut self, bytes: Option<u64>) {
        self.info.file_bytes = bytes;
    }

    /// Bytes of the file behind us, for comparing with [`CaptureInfo::file_bytes`].
    pub fn position(&self) -> u64 {
        match &self.compressed {
            Some(count) => count.load(Ordering::Relaxed),
            None => self.input.offset().saturating_add(self.lent as u64),
        }
    }

    /// Goes to the next frame, which [`Capture::waiting_frame`] is to give, and returns its time.
    pub(super) fn locate(&mut self) -> Option<Timestamp> {
        self.input.advance(std::mem::take(&mut self.lent));
        self.waiting = self.plain().or_else(|| self.step());
        let found = self.waiting?;
        self.note(&found);
        Some(found.time)
    }

    /// The next frame where its record is plain and whole: nearly always.
    #[inline(always)]
    fn plain(&mut self) -> Option<Found> {
        if self.ended {
            return None;
        }
        let window = self.input.window();
        let (found, next, length) = match &mut self.walker {
            Walker::Pcap(pcap) => {
                let found = pcap.plain(window)?;
                let next = window.get(found.record..).unwrap_or_default();
                (found, next, pcap.length(next))
            }
            Walker::Pcapng(pcapng) => {
                let found = pcapng.plain(window)?;
                let next = window.get(found.record..).unwrap_or_default();
                (found, next, pcapng.length(next))
            }
        };
        // The next record's header is in the cache by now, and says where the one after it starts. Where those after
        // that start is a guess, true for most: without it, to learn of each would wait for the one before.
        for ahead in 1..=4 {
            prefetch(next, length.wrapping_mul(ahead));
        }
        Some(found)
    }

    /// Counts a frame that is lent out, or waits.
    #[inline(always)]
    fn note(&mut self, found: &Found) {
        let info = &mut self.info;
        info.packets += 1;
        info.bytes = info.bytes.wrapping_add(found.len as u64);
        if found.timed {
            if info.first.is_none_or(|first| found.time < first) {
                info.first = Some(found.time);
            }
            if info.last.is_none_or(|last| found.time > last) {
                info.last = Some(found.time);
            }
        }
        if self.last_link != Some(found.link) {
            self.last_link = Some(found.link);
            info.note_link(found.link);
        }
        self.lent = found.record;
    }

    /// The next frame where its record is not plain, or not at hand as a whole.
    #[inline(never)]
    fn step(&mut self) -> Option<Found> {
        if self.ended {
            return None;
        }
        let known = self.info.secrets.len();
        let step = match &mut self.walker {
            Walker::Pcap(pcap) => pcap.step(&mut self.input),
            Walker::Pcapng(pcapng) => pcapng.step(&mut self.input, &mut self.info),
        };
        if let Some(hear) = &mut self.on_secrets {
            self.info.secrets.iter().skip(known).for_each(hear);
        }
        let Step::Packet(found) = step else {
            self.end(step);
            return None;
        };
        Some(found)
    }

    /// The frame that [`Capture::locate`] went to.
    pub(super) fn waiting_frame(&self) -> Option<Frame<'_>> {
        self.frame(self.waiting.as_ref()?)
    }

    #[inline(always)]
    fn frame(&self, found: &Found) -> Option<Frame<'_>> {
        let data = self.input.window().get(found.start..)?.get(..found.len)?;
        Some(Frame {
            at: FrameRef::new(self.index, self.info.packets),
            time: found.time,
            link: found.link,
            interface: found.interface,
            data,
            wire_len: found.wire_len,
        })
    }

    #[cold]
    fn end(&mut self, step: Step) {
        self.ended = true;
        let place = if self.info.compression.is_some() { " of the decompressed data" } else { "" };
        let trouble = self.input.trouble().map(ToString::to_string);
        let reason = trouble.as_ref().map(|trouble| format!(" ({trouble})")).unwrap_or_default();
        match step {
            Step::Cut { at, need, have } => self.info.warn(format_args!(
                "cut in the middle of a record at offset {at}{place}: need {need} bytes, have {have}{reason}"
            )),
            Step::Damaged { at, why } => self.info.warn(format_args!(
                "damaged at offset {at}{place}: {why}; what comes after was not read{reason}"
            )),
            Step::End | Step::Packet(_) => {
                if let Some(trouble) = trouble {
                    let at = self.input.offset();
                    self.info.warn(format_args!("reading stopped at offset {at}{place}: {trouble}"));
                }
            }
        }
        match self.info.dropped {
            0 => {}
            1 => self.info.warn("1 packet was lost while capturing"),
            lost => self.info.warn(format_args!("{lost} packets were lost while capturing")),
        }
    }
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture")
            .field("walker", &self.walker)
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}
