//! One session a line, and a last line with the summary. A live capture has more kinds of lines.

use std::collections::BTreeSet;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::ser::CompactFormatter;

use super::json::{Each, safe};
use super::model::{Attempt, Capture, Phase, SCHEMA, Server, Session, Summary, Time, Unlisted};
use super::source::Source;

/// A session's line.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionLine<'a> {
    /// Name and version of the format.
    schema: &'static str,
    /// Names of the files that the session's frames are in. `capture` of its frames is the file's index
    /// in `captures` of the last line.
    captures: Vec<&'a str>,
    #[serde(flatten)]
    session: Session,
}

/// The last line.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SummaryLine<'a> {
    /// Name and version of the format.
    schema: &'static str,
    /// "summary".
    #[serde(rename = "type")]
    kind: &'static str,
    /// The captures, in the order they were given.
    captures: &'a [Capture],
    /// What users tried.
    attempts: Vec<Attempt>,
    #[serde(flatten)]
    summary: Summary,
}

/// A session that runs entered a phase.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PhaseLine {
    /// Name and version of the format.
    pub(super) schema: &'static str,
    /// "phase".
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// What it happened to.
    #[serde(flatten)]
    pub change: PhaseChange,
}

/// What happened to a session that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PhaseChange {
    /// The session's.
    pub id: u64,
    /// When.
    pub time: Time,
    /// The session's first frame.
    pub start: Time,
    /// The end that opened it.
    pub client: Server,
    /// The other end.
    pub server: Server,
    /// Community ID 1.0, seed 0.
    pub community_id: String,
    /// The phase from now on.
    pub phase: Phase,
    /// The phase before; null at the first.
    pub previous: Option<Phase>,
}

/// Sessions of the last hour that were only counted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnlistedLine<'a> {
    /// Name and version of the format.
    schema: &'static str,
    /// "unlisted".
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    unlisted: &'a Unlisted,
}

/// [`SummaryLine`] with its attempts made one at a time.
#[derive(Serialize)]
struct LastLine<'a, A: Serialize> {
    schema: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    captures: &'a [Capture],
    attempts: A,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// Writes the report as lines.
pub fn write<W: Write>(source: &impl Source, mut out: W) -> io::Result<()> {
    for session in source.sessions() {
        let captures = files(&session, source.captures());
        self::session(session, captures, &mut out)?;
    }
    let last = LastLine {
        schema: SCHEMA,
        kind: "summary",
        captures: source.captures(),
        attempts: Each(|| source.attempts()),
        summary: source.summary(),
    };
    line(&mut out, &last)
}

/// Writes one session; `captures` are the names of those that its frames are in.
pub fn session<W: Write>(session: Session, captures: Vec<&str>, mut out: W) -> io::Result<()> {
    line(&mut out, &SessionLine { schema: SCHEMA, captures, session })
}

/// Writes one change of a session that runs.
pub fn phase<W: Write>(change: PhaseChange, mut out: W) -> io::Result<()> {
    line(&mut out, &PhaseLine { schema: SCHEMA, kind: "phase", change })
}

/// Writes what was only counted.
pub fn unlisted<W: Write>(unlisted: &Unlisted, mut out: W) -> io::Result<()> {
    line(&mut out, &UnlistedLine { schema: SCHEMA, kind: "unlisted", unlisted })
}

/// Writes the last line of a capture that kept no attempts.
pub fn summary<W: Write>(captures: &[Capture], summary: &Summary, mut out: W) -> io::Result<()> {
    let attempts = Vec::new();
    line(
        &mut out,
        &SummaryLine { schema: SCHEMA, kind: "summary", captures, attempts, summary: summary.clone() },
    )
}

pub(super) fn line<W: Write>(out: &mut W, value: &impl Serialize) -> io::Result<()> {
    safe(out, CompactFormatter, value)
}

pub(super) fn files<'a>(session: &Session, captures: &'a [Capture]) -> Vec<&'a str> {
    let events = session.timeline.iter().map(|event| event.capture);
    let evidence = session.diagnosis.evidence.iter().map(|evidence| evidence.capture);
    let used: BTreeSet<u16> = events.chain(evidence).collect();
    let files = used.into_iter().filter_map(|index| captures.get(usize::from(index)));
    files.map(|capture| capture.file.as_str()).collect()
}
