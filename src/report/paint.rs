//! Lines for people: wrapped, cleaned and, where the caller says so, coloured.

use std::io::{self, Write};

use super::text::{clean, wrap};
use super::zone::Zone;

/// How people are shown a report.
#[derive(Clone, Debug)]
pub struct View {
    /// The zone of times.
    pub zone: Zone,
    /// Characters in a line.
    pub width: usize,
    /// Every entry of the timelines.
    pub timeline: bool,
    /// No session's story, only their list.
    pub no_story: bool,
    /// Every session's story in full, whatever its outcome.
    pub every_story: bool,
    /// With a picture of the conversation in each story.
    pub picture: bool,
    /// With ANSI colours.
    pub color: bool,
    /// With addresses of further reading as links of the terminal (OSC 8).
    pub hyperlinks: bool,
}

impl Default for View {
    fn default() -> Self {
        View {
            zone: Zone::utc(),
            width: 100,
            timeline: false,
            no_story: false,
            every_story: false,
            picture: false,
            color: false,
            hyperlinks: false,
        }
    }
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
    Bad,
    Warn,
    Good,
}

impl Tone {
    const fn ansi(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Strong => "\x1b[1m",
            Tone::Faint => "\x1b[2m",
            Tone::Bad => "\x1b[1;31m",
            Tone::Warn => "\x1b[33m",
            Tone::Good => "\x1b[32m",
        }
    }

    /// `text`, which must be clean, in this tone.
    pub(super) fn paint(self, text: &str, color: bool) -> String {
        match self.ansi() {
            "" => text.to_owned(),
            _ if !color || text.is_empty() => text.to_owned(),
            ansi => format!("{ansi}{text}\x1b[0m"),
        }
    }
}

/// Writes lines. All text passes [`clean`] here, so that none can forget it.
pub(super) struct Lines<'a, W> {
    out: &'a mut W,
    width: usize,
    color: bool,
    hyperlinks: bool,
}

impl<'a, W: Write> Lines<'a, W> {
    pub(super) fn new(out: &'a mut W, view: &View) -> Self {
        Lines { out, width: view.width, color: view.color, hyperlinks: view.hyperlinks }
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// One line, however long.
    pub(super) fn line(&mut self, indent: usize, parts: &[(Tone, &str)]) -> io::Result<()> {
        write!(self.out, "{:indent$}", "")?;
        for (tone, text) in parts {
            self.out.write_all(tone.paint(&clean(text), self.color).as_bytes())?;
        }
        writeln!(self.out)
    }

    /// A paragraph: `lead` stands before its first line, the others hang below the text.
    pub(super) fn hanging(
        &mut self,
        indent: usize,
        lead: (Tone, &str),
        text: (Tone, &str),
    ) -> io::Result<()> {
        let (lead_tone, lead) = (lead.0, clean(lead.1));
        let hang = indent + lead.chars().count();
        let body = clean(text.1);
        for (i, line) in wrap(&body, self.width.saturating_sub(hang).max(20)).iter().enumerate() {
            if i == 0 {
                write!(self.out, "{:indent$}{}", "", lead_tone.paint(&lead, self.color))?;
            } else {
                write!(self.out, "{:hang$}", "")?;
            }
            writeln!(self.out, "{}", text.0.paint(line, self.color))?;
        }
        Ok(())
    }

    /// An item of further reading: "title `<address>`".
    pub(super) fn reference(&mut self, indent: usize, text: &str) -> io::Result<()> {
        let link = text.strip_suffix('>').and_then(|text| text.rsplit_once(" <")).filter(|_| self.hyperlinks);
        // What ends an address in a link of the terminal is in no address of ours.
        let plain = |address: &str| address.bytes().all(|byte| byte.is_ascii_graphic());
        match link.filter(|(_, address)| address.starts_with("https://") && plain(address)) {
            Some((title, address)) => {
                let title = clean(title);
                writeln!(self.out, "{:indent$}- \x1b]8;;{address}\x1b\\{title}\x1b]8;;\x1b\\", "")
            }
            None => self.hanging(indent, (Tone::Plain, "- "), (Tone::Plain, text)),
        }
    }

    /// Paragraphs, apart by an empty line in `text`. An indented one is a command and stays one line.
    pub(super) fn prose(&mut self, indent: usize, tone: Tone, text: &str) -> io::Result<()> {
        for (i, paragraph) in text.split("\n\n").enumerate() {
            if i > 0 {
                self.blank()?;
            }
            match paragraph.strip_prefix("    ") {
                Some(command) => self.line(indent + 4, &[(Tone::Strong, command)])?,
                None => self.hanging(indent, (Tone::Plain, ""), (tone, paragraph))?,
            }
        }
        Ok(())
    }
}
