//! The report as a capture: the sessions' own frames, read a second time, with comments that Wireshark shows.

mod taken;

use std::collections::HashMap;
use std::io::{self, Write};

use super::comments::{self, Comments};
use super::model::Session;
use crate::base::{Frame, Timestamp};
use crate::capture::{CaptureInfo, Interface, Merged, Packet, Resolution, Section, Statistics, Writer};
use crate::redact::{Frames, Redactor};

pub use taken::{Taken, Wanted};

/// Bytes of the section's comment; an option has room for 65,535.
const SECTION_COMMENT: usize = 60_000;

/// What is said in the capture, gathered session by session.
#[derive(Debug, Default)]
pub struct Said {
    verdicts: String,
    more: u64,
    /// What was done to the frames.
    pub note: Option<String>,
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
        let note = self.note.as_ref().map_or_else(String::new, |note| format!("\n{note}"));
        let nothing = if self.verdicts.is_empty() { " no session" } else { "" };
        Section {
            comment: Some(format!("rdpwhy:{nothing}{}{more}{note}", self.verdicts)),
            hardware: None,
            os: None,
            application: Some(format!("rdpwhy {}", env!("CARGO_PKG_VERSION"))),
        }
    }
}

/// Writes one capture of several.
#[derive(Debug)]
pub struct Pcapng<'a, W> {
    writer: Writer<W>,
    comments: Comments,
    /// What takes out of frames what must not be there.
    redact: Option<Frames<'a>>,
    /// What the file calls an interface of a capture.
    interfaces: HashMap<(u16, u32), u32>,
    /// Time of the last frame written.
    last: Timestamp,
    /// The latest frame that was left out: when, of which capture and interface, and how long.
    left_out: Option<(Timestamp, u16, u32, u32)>,
}

impl<'a, W: Write> Pcapng<'a, W> {
    /// Begins the file.
    pub fn new(out: W, said: Said, redactor: Option<&'a Redactor>) -> io::Result<Self> {
        Ok(Pcapng {
            writer: Writer::new(out, &said.section())?,
            comments: said.comments,
            redact: redactor.map(Frames::new),
            interfaces: HashMap::new(),
            last: Timestamp(i64::MIN),
            left_out: None,
        })
    }

    /// Writes the decryption secrets that the captures came with: whoever has the file reads what they protect.
    pub fn secrets<'i>(&mut self, captures: impl Iterator<Item = &'i CaptureInfo>) -> io::Result<()> {
        captures
            .flat_map(|info| &info.secrets)
            .try_for_each(|secrets| self.writer.secrets(secrets.kind, &secrets.data))
    }

    /// Reads captures for what the frames in them are a part of: what is to be redacted must be known as a whole.
    pub fn learn(&mut self, mut captures: Merged, known: &[CaptureInfo]) {
        let Some(redact) = &mut self.redact else { return };
        redact.begin();
        let mut order = 0;
        while let Some(frame) = captures.next_frame() {
            if is_known(&frame, known) {
                order += 1;
                redact.learn(&frame, order);
            }
        }
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
            if !is_known(&frame, known) {
                continue;
            }
            let known = known.get(usize::from(frame.at.capture()));
            order += 1;
            if wanted.takes(&frame, order) {
                // As the first reading left it: the second has not come to the end yet.
                let interface = known.and_then(|known| known.interfaces.get(frame.interface as usize));
                let redacted = match &mut self.redact {
                    None => None,
                    Some(redact) => match redact.rewrite(&frame, order) {
                        Some(data) => Some(data),
                        None => continue,
                    },
                };
                let data = redacted.as_deref().unwrap_or(frame.data);
                self.frame(&Frame { data, ..frame }, interface)?;
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

    /// Frames that could not be redacted and were left out.
    pub fn dropped(&self) -> u64 {
        self.redact.as_ref().map_or(0, |redact| redact.dropped)
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
        let mut described = described.clone();
        if self.redact.is_some() {
            // Adapters are named after their owners, and filters after hosts.
            (described.name, described.description, described.filter) = (None, None, None);
        }
        let new = self.writer.interface(&described)?;
        self.interfaces.insert((capture, number), new);
        Ok(new)
    }
}

/// Whether the first reading had it too.
fn is_known(frame: &Frame<'_>, known: &[CaptureInfo]) -> bool {
    known.get(usize::from(frame.at.capture())).is_none_or(|known| frame.at.number() <= known.packets)
}
