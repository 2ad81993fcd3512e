//! One session a line, and a last line with the summary.

use std::collections::BTreeSet;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::ser::CompactFormatter;

use super::json::{Each, Safe};
use super::model::{Attempt, Capture, SCHEMA, Session, Summary};
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
        line(&mut out, &SessionLine { schema: SCHEMA, captures, session })?;
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

fn line<W: Write>(out: &mut W, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Safe(CompactFormatter));
    value.serialize(&mut serializer)?;
    writeln!(out)
}

fn files<'a>(session: &Session, captures: &'a [Capture]) -> Vec<&'a str> {
    let events = session.timeline.iter().map(|event| event.capture);
    let evidence = session.diagnosis.evidence.iter().map(|evidence| evidence.capture);
    let used: BTreeSet<u16> = events.chain(evidence).collect();
    let files = used.into_iter().filter_map(|index| captures.get(usize::from(index)));
    files.map(|capture| capture.file.as_str()).collect()
}
