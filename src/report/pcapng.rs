//! The report as a capture: the sessions' own frames, read a second time, with comments that Wireshark shows.

mod taken;

use std::collections::HashMap;
use std::io::{self, Write};

use super::comments::{self, Comments};
use super::model::Session;
use crate::base::{Frame, Timestamp};
use crate::capture::{CaptureInfo, Interface, Merged, Packet, Resolution, Section, Statistics, Writer};

pub use taken::{Taken, Wanted};

/// Bytes of the section's comment; an option has room for 65,535.
const SECTION_COMMENT: usize = 60_000;

/// What is said in the capture, gathered session by session.
#[derive(Debug, Default)]
pub struct Said {
    verdicts: String,
    more: u64,
    comments: Comments,
}

impl Said {
    /// Tells of one more session.
    pub fn add(&mut self, session: &Session) {
        comments::add(session, session.id, &mut self.comments);
        let verdict = comments::verdict(session, session.id);
        if self.verdicts.len() + verdict.len() < SECTION_COMMENT {
            self.verdicts.push('\n');
            self.verdicts.push_str(&verdict);
        } else {
            self.more += 1;
        }
    }

    fn section(&self) -> Section {
        let more = match self.more {
            0 => String::new(),
            more => format!("\nand {more} more sessions"),
        };
        let nothing = if self.verdicts.is_empty() { " no session" } else { "" };
        Section {
            comment: Some(format!("rdpwhy:{nothing}{}{more}", self.verdicts)),
            hardware: None,
            os: None,
            application: Some(format!("rdpwhy {}", env!("CARGO_PKG_VERSION"))),
        }
    }
}

/// Writes one capture of several.
#[derive(Debug)]
pub struct Pcapng<W> {
    writer: Writer<W>,
    comments: Comments,
    /// What the file calls an interface of a capture.
    interfaces: HashMap<(u16, u32), u32>,
    /// Time of the last frame written.
    last: Timestamp,
    /// The latest frame that was left out: when, of which capture and interface, and how long.
    left_out: Option<(Timestamp, u16, u32, u32)>,
}

impl<W: Write> Pcapng<W> {
    /// Begins the file.
    pub fn new(out: W, said: Said) -> io::Result<Self> {
        Ok(Pcapng {
            writer: Writer::new(out, &said.section())?,
            comments: said.comments,
            interfaces: HashMap::new(),
            last: Timestamp(i64::MIN),
            left_out: None,
        })
    }

    /// Writes the decryption secrets that the captures came with: whoever has the file reads what they protect.
    pub fn secrets<'a>(&mut self, captures: impl Iterator<Item = &'a CaptureInfo>) -> io::Result<()> {
        captures
            .flat_map(|info| &info.secrets)
            .try_for_each(|secrets| self.writer.secrets(secrets.kind, &secrets.data))
    }

    /// Reads captures and writes the frames that are wanted. `known` is what the first reading found: what came
    /// to the files since then is left out.
    pub fn copy(
        &mut self,
        mut captures: Merged,
        known: &[CaptureInfo],
        wanted: &mut Wanted,
    ) -> io::Result<()> {
        let mut order = 0;
        while let Some(frame) = captures.next_frame() {
            let known = known.get(usize::from(frame.at.capture()));
            if known.is_some_and(|known| frame.at.number() > known.packets) {
                continue;
            }
            order += 1;
            if wanted.takes(&frame, order) {
                // As the first reading left it: the second has not come to the end yet.
                let interface = known.and_then(|known| known.interfaces.get(frame.interface as usize));
                self.frame(&frame, interface)?;
            } else if self.left_out.is_none_or(|(time, ..)| time < frame.time) {
                self.left_out = Some((frame.time, frame.at.capture(), frame.interface, frame.wire_len));
            }
        }
        Ok(())
    }

    /// Ends the file. A silence counts until the capture's end, so that the frame which shows it stays, without
    /// its bytes; and what was lost may be missed in any session.
    pub fn finish(mut self, known: &[CaptureInfo]) -> io::Result<W> {
        if let Some((time, capture, interface, wire_len)) =
            self.left_out.filter(|(time, ..)| *time > self.last)
        {
            let described =
                known.get(usize::from(capture)).and_then(|info| info.interfaces.get(interface as usize));
            if let Some(described) = described {
                let interface = self.interface(capture, interface, described)?;
                let comments =
                    ["rdpwhy: the capture ended here; this frame is of no session in this file and \
                     stands for its time only"
                        .to_owned()];
                let (data, comments) = (&[][..], &comments[..]);
                self.writer.packet(&Packet { interface, time, data, wire_len, comments, dropped: 0 })?;
                self.last = time;
            }
        }
        for (capture, info) in known.iter().enumerate().filter(|(_, info)| info.dropped > 0) {
            let mut ours = self.interfaces.iter().filter(|((of, _), _)| usize::from(*of) == capture);
            if let Some((_, &interface)) = ours.next() {
                let counts = Statistics { system_dropped: Some(info.dropped), ..Statistics::default() };
                self.writer.statistics(interface, self.last, &counts)?;
            }
        }
        Ok(self.writer.into_inner())
    }

    fn frame(&mut self, frame: &Frame<'_>, interface: Option<&Interface>) -> io::Result<()> {
        let capture = frame.at.capture();
        let unknown = Interface::new(frame.link, Resolution::NANOSECONDS);
        let interface = self.interface(capture, frame.interface, interface.unwrap_or(&unknown))?;
        let comments = self.comments.get(&(capture, frame.at.number())).map_or(&[][..], Vec::as_slice);
        self.last = self.last.max(frame.time);
        let &Frame { time, data, wire_len, .. } = frame;
        self.writer.packet(&Packet { interface, time, data, wire_len, comments, dropped: 0 })
    }

    fn interface(&mut self, capture: u16, number: u32, described: &Interface) -> io::Result<u32> {
        if let Some(&known) = self.interfaces.get(&(capture, number)) {
            return Ok(known);
        }
        let new = self.writer.interface(described)?;
        self.interfaces.insert((capture, number), new);
        Ok(new)
    }
}
