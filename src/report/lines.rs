//! The forms that have one line for each thing that happened: which there are, and how each is written.

use std::io::{self, Write};

use super::model::{Capture, Session, Summary, Unlisted};
use super::ndjson::{self, PhaseChange};
use super::source::Source;
use super::{ecs, zeek};

/// A form of lines for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Our own ([`ndjson`]).
    Ndjson,
    /// Elastic Common Schema ([`ecs`]).
    Ecs,
    /// As Zeek writes its logs in JSON ([`zeek`]).
    Zeek,
}

impl Lines {
    /// Writes a whole report.
    pub fn write<W: Write>(self, source: &impl Source, mut out: W) -> io::Result<()> {
        if self == Lines::Ndjson {
            return ndjson::write(source, out);
        }
        for session in source.sessions() {
            let captures = ndjson::files(&session, source.captures());
            self.session(session, captures, &mut out)?;
        }
        for unlisted in &source.summary().unlisted {
            self.unlisted(unlisted, &mut out)?;
        }
        self.summary(source.captures(), source.summary(), out)
    }

    /// Writes one session; `captures` are the names of those that its frames are in.
    pub fn session<W: Write>(self, session: Session, captures: Vec<&str>, out: W) -> io::Result<()> {
        match self {
            Lines::Ndjson => ndjson::session(session, captures, out),
            Lines::Ecs => ecs::session(&session, &captures, out),
            Lines::Zeek => zeek::session(&session, out),
        }
    }

    /// Writes one change of a session that runs.
    pub fn phase<W: Write>(self, change: PhaseChange, out: W) -> io::Result<()> {
        match self {
            Lines::Ndjson => ndjson::phase(change, out),
            Lines::Ecs => ecs::phase(&change, out),
            Lines::Zeek => zeek::phase(&change, out),
        }
    }

    /// Writes what was only counted.
    pub fn unlisted<W: Write>(self, unlisted: &Unlisted, out: W) -> io::Result<()> {
        match self {
            Lines::Ndjson => ndjson::unlisted(unlisted, out),
            Lines::Ecs => ecs::unlisted(unlisted, out),
            Lines::Zeek => zeek::unlisted(unlisted, out),
        }
    }

    /// Writes the last line of a capture that kept no attempts.
    pub fn summary<W: Write>(self, captures: &[Capture], summary: &Summary, out: W) -> io::Result<()> {
        match self {
            Lines::Ndjson => ndjson::summary(captures, summary, out),
            Lines::Ecs => ecs::summary(captures, summary, out),
            Lines::Zeek => zeek::summary(captures, summary, out),
        }
    }
}
