//! An explanation for people: what is said, in which order; and how text and Markdown show it.

use std::io::{self, Write};

use super::{Diagnosis, Explanation, Meaning, Pattern, Text};
use crate::report::model::{Fit, Remedy};
use crate::report::paint::{Lines, Tone, View};
use crate::report::story;
use crate::report::text::{clean, code, markdown};

/// What catches an attempt.
const CAPTURE: &str = "dumpcap -i INTERFACE -f \"port 3389\" -w ticket.pcapng";
/// More patterns than these get one line each, so that all fit on a screen.
const WITH_WIRE: usize = 6;

/// A piece of the page.
enum Block {
    /// The one heading.
    Head(String),
    /// A paragraph; what stands before the colon is strong.
    Text(&'static str, String),
    /// A heading of a section.
    Section(String),
    /// An item of a list: what it is about, the rest, and what stands below it.
    Item { lead: String, text: String, below: String },
    /// A step: text, and its command.
    Step(usize, String, Option<String>),
    /// A reference: "title <address>".
    Reference(String),
}

impl Explanation {
    /// For a terminal or a plain text.
    pub fn text<W: Write>(&self, view: &View, mut out: W) -> io::Result<()> {
        let mut lines = Lines::new(&mut out, view);
        for block in self.blocks() {
            match block {
                Block::Head(text) => lines.hanging(0, (Tone::Plain, ""), (Tone::Strong, &text))?,
                Block::Text(lead, text) => {
                    for (i, paragraph) in text.split("\n\n").enumerate() {
                        lines.blank()?;
                        let lead = if i == 0 { lead } else { "" };
                        if lead.is_empty() {
                            lines.hanging(2, (Tone::Plain, ""), (Tone::Plain, paragraph))?;
                        } else {
                            lines.hanging(
                                2,
                                (Tone::Plain, ""),
                                (Tone::Plain, &format!("{lead}: {paragraph}")),
                            )?;
                        }
                    }
                }
                Block::Section(text) => {
                    lines.blank()?;
                    lines.line(2, &[(Tone::Strong, &text)])?;
                }
                Block::Item { lead, text, below } => {
                    let text = if lead.is_empty() { text } else { format!("{lead}: {text}") };
                    lines.hanging(4, (Tone::Plain, "- "), (Tone::Plain, &text))?;
                    if !below.is_empty() {
                        lines.hanging(6, (Tone::Plain, ""), (Tone::Faint, &below))?;
                    }
                }
                Block::Step(number, text, command) => {
                    lines.hanging(4, (Tone::Plain, &format!("{number}. ")), (Tone::Plain, &text))?;
                    if let Some(command) = command {
                        lines.line(9, &[(Tone::Strong, &command)])?;
                    }
                }
                Block::Reference(text) => lines.hanging(4, (Tone::Plain, "- "), (Tone::Plain, &text))?,
            }
        }
        Ok(())
    }

    /// For tickets and wikis.
    pub fn markdown<W: Write>(&self, mut out: W) -> io::Result<()> {
        for block in self.blocks() {
            match block {
                Block::Head(text) => writeln!(out, "### {}", markdown(&text))?,
                Block::Text(lead, text) => {
                    for (i, paragraph) in text.split("\n\n").enumerate() {
                        let lead =
                            if i > 0 || lead.is_empty() { String::new() } else { format!("**{lead}:** ") };
                        writeln!(out, "\n{lead}{}", markdown(paragraph))?;
                    }
                }
                Block::Section(text) => writeln!(out, "\n**{}**\n", markdown(&text))?,
                Block::Item { lead, text, below } => {
                    let lead = if lead.is_empty() { lead } else { format!("**{}**: ", markdown(&lead)) };
                    let below = if below.is_empty() { below } else { format!("  \n  {}", markdown(&below)) };
                    writeln!(out, "- {lead}{}{below}", markdown(&text))?;
                }
                Block::Step(number, text, command) => {
                    let command = command.map_or_else(String::new, |command| format!(" {}", code(&command)));
                    writeln!(out, "{number}. {}{command}", markdown(&text))?;
                }
                Block::Reference(text) => {
                    match text.strip_suffix('>').and_then(|text| text.rsplit_once(" <")) {
                        Some((title, address)) => {
                            writeln!(out, "- [{}]({})", markdown(title), clean(address))?;
                        }
                        None => writeln!(out, "- {}", markdown(&text))?,
                    }
                }
            }
        }
        Ok(())
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        match (&self.diagnosis, &self.text) {
            (Some(diagnosis), _) => page(&mut blocks, diagnosis),
            (None, Some(text)) => self.special(&mut blocks, text),
            (None, None) => self.codes(&mut blocks),
        }
        if !self.references.is_empty() {
            blocks.push(Block::Section("Read more".to_owned()));
            blocks.extend(self.references.iter().cloned().map(Block::Reference));
        }
        blocks
    }

    /// "0x904/0x7".
    fn error(&self) -> Option<String> {
        let error = self.error.as_ref()?;
        let extended = error.extended.as_ref().map_or_else(String::new, |extended| format!("/{extended}"));
        Some(format!("{}{extended}", error.code))
    }

    fn special(&self, blocks: &mut Vec<Block>, text: &Text) {
        let error = self.error().unwrap_or_default();
        blocks.push(Block::Head(format!("{error}: {}", text.title)));
        blocks.push(Block::Text("", text.short.to_owned()));
        blocks.push(Block::Text("Documented", text.documented.to_owned()));
        blocks.push(Block::Text("Reported", text.reported.to_owned()));
        blocks.push(Block::Section(
            "What leads there, on the wire (rdpwhy explain CODE tells more)".to_owned(),
        ));
        for cause in &text.causes {
            let (text, below) = (format!("{}.", cause.wire), cause.diagnoses.join(", "));
            blocks.push(Block::Item { lead: String::new(), text, below });
        }
        let named = |code| text.causes.iter().any(|cause| cause.diagnoses.contains(&code));
        let rest: Vec<&Pattern> = self.patterns.iter().filter(|pattern| !named(pattern.code)).collect();
        blocks.extend(rest.into_iter().map(|pattern| item(pattern, false)));
        steps(blocks, &text.remedies);
    }

    fn codes(&self, blocks: &mut Vec<Block>) {
        let error = self.error.as_ref();
        let pair = error.filter(|error| error.extended.is_some());
        match (pair, self.meanings.as_slice()) {
            (Some(error), meanings) => {
                let extended = error.extended.as_deref().unwrap_or_default();
                blocks.push(Block::Head(format!(
                    "mstsc error code {}, extended error code {extended}",
                    error.code
                )));
                blocks.push(Block::Section("What the two mean".to_owned()));
                blocks.extend(meanings.iter().map(|meaning| meant(meaning, &meaning.code)));
                for code in [error.code.as_str(), extended] {
                    if !meanings.iter().any(|meaning| meaning.code == code) {
                        let text = "not known; neither documented nor reported".to_owned();
                        blocks.push(Block::Item { lead: code.to_owned(), text, below: String::new() });
                    }
                }
            }
            (None, [one]) => {
                let name = one.name.as_ref().map_or_else(String::new, |name| format!(", {name}"));
                blocks.push(Block::Head(format!("{} {}{name}", one.title, number(one))));
                blocks.push(Block::Text("", format!("{}.", story::capital(one.meaning))));
                blocks.push(Block::Text("", format!("{}.", source(one))));
            }
            (None, several) => {
                blocks.push(Block::Head(format!(
                    "{} has several meanings; the most likely comes first",
                    self.asked.trim()
                )));
                blocks.push(Block::Section("What it can mean".to_owned()));
                for meaning in several {
                    blocks.push(meant(meaning, &format!("{} {}", meaning.title, number(meaning))));
                }
            }
        }
        if !self.patterns.is_empty() {
            let which = match (pair, self.meanings.as_slice()) {
                (None, [first, _, ..]) => format!(" as {} {}", first.title, number(first)),
                _ => String::new(),
            };
            let few = self.patterns.len() <= WITH_WIRE;
            let more = if few { "" } else { " (rdpwhy explain CODE tells more)" };
            blocks.push(Block::Section(format!("What leads there{which}, on the wire{more}")));
            blocks.extend(self.patterns.iter().map(|pattern| item(pattern, few)));
        }
        let unknown_pair = pair.is_some() && self.meanings.is_empty();
        if !unknown_pair {
            self.finding_out(blocks);
        }
    }

    fn finding_out(&self, blocks: &mut Vec<Block>) {
        let saw = self.error().map_or_else(String::new, |error| format!(" --saw {error}"));
        blocks.push(Block::Section("How to find out".to_owned()));
        blocks.push(Block::Step(1, "Capture one failing attempt:".to_owned(), Some(CAPTURE.to_owned())));
        let text = if saw.is_empty() {
            "See what broke, and why:"
        } else {
            "See which connection fits this error, and why it broke:"
        };
        blocks.push(Block::Step(2, text.to_owned(), Some(format!("rdpwhy ticket.pcapng{saw}"))));
        for related in &self.related {
            let command = format!("rdpwhy explain {related}");
            blocks.push(Block::Text("", format!("{related} has a text of its own: {command}")));
        }
    }
}

/// "0x904 (2308)": mstsc shows hexadecimal numbers, and logs decimal ones.
fn number(meaning: &Meaning) -> String {
    let decimal = meaning.value.to_string();
    let plain = !meaning.code.starts_with("0x") || meaning.value < 10 || meaning.value > 0xFFFF;
    if plain { meaning.code.clone() } else { format!("{} ({decimal})", meaning.code) }
}

/// Who says so.
fn source(meaning: &Meaning) -> &'static str {
    if meaning.documented { "Documented" } else { "Reported, not documented by Microsoft" }
}

/// "HYBRID_REQUIRED_BY_SERVER, documented".
fn authority(meaning: &Meaning) -> String {
    match &meaning.name {
        Some(name) => {
            format!("{name}, {}", if meaning.documented { "documented" } else { "reported, not documented" })
        }
        None => source(meaning).to_owned(),
    }
}

fn meant(meaning: &Meaning, lead: &str) -> Block {
    let leads = match meaning.diagnoses.as_slice() {
        [] => String::new(),
        // Those of an error stand in their own list.
        _ if meaning.table.ends_with("disconnect-reason") => String::new(),
        codes => format!("; see {}", codes.join(", ")),
    };
    let below = format!("{}{leads}", authority(meaning));
    Block::Item { lead: lead.to_owned(), text: meaning.meaning.to_owned(), below }
}

fn item(pattern: &Pattern, wire: bool) -> Block {
    let usual = if pattern.fit == Some(Fit::Expected) { " (the usual error there)" } else { "" };
    Block::Item {
        lead: format!("{}{usual}", pattern.code),
        text: pattern.title.to_owned(),
        below: if wire { pattern.wire.to_owned() } else { String::new() },
    }
}

fn steps(blocks: &mut Vec<Block>, remedies: &[Remedy]) {
    blocks.push(Block::Section("What to do".to_owned()));
    for (i, remedy) in remedies.iter().enumerate() {
        let text = format!("{}: {}", remedy.who, remedy.text);
        blocks.push(Block::Step(i + 1, text, remedy.command.clone().map(Into::into)));
    }
}

/// A diagnosis.
fn page(blocks: &mut Vec<Block>, diagnosis: &Diagnosis) {
    blocks.push(Block::Head(format!("{}: {}", diagnosis.code, diagnosis.title)));
    blocks.push(Block::Text("", diagnosis.summary.to_owned()));
    blocks.push(Block::Text("", diagnosis.meaning.to_owned()));
    blocks.push(Block::Text("On the wire", diagnosis.wire.to_owned()));
    let list = |text: String| Block::Item { lead: String::new(), text, below: String::new() };
    if !diagnosis.rivals.is_empty() {
        blocks.push(Block::Section("What else it could be, and how to tell".to_owned()));
        blocks.extend(diagnosis.rivals.iter().map(|rival| list(story::rival(rival))));
    }
    if !diagnosis.remedies.is_empty() {
        steps(blocks, &diagnosis.remedies);
    }
    if !diagnosis.client_error.is_empty() {
        blocks.push(Block::Section(story::CLIENT_ERRORS.to_owned()));
        blocks.extend(diagnosis.client_error.iter().map(|error| list(story::client_error(error))));
    }
}
