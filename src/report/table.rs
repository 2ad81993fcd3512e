//! The summary table, and below it the story of each session that did not go well.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use super::model::{Capture, Outcome, Session};
use super::paint::{Lines, Tone, View};
use super::plain;
use super::saw;
use super::source::Source;
use super::story::{self, Depth, Frames};
use super::summary::{self, HEADER, Tale};
use super::text::{clean, squeeze};

/// Writes the report for people.
pub fn write<W: Write>(source: &impl Source, view: &View, mut out: W) -> io::Result<()> {
    let out = &mut out;
    let total: u64 = source.summary().by_outcome.values().sum();
    if total == 0 {
        return Lines::new(out, view).prose(0, Tone::Plain, source.nothing());
    }
    let day = summary::one_day(source, view);
    let head = format!("{}. {}", summary::headline(source), summary::times(day.as_deref(), view));
    Lines::new(out, view).hanging(0, (Tone::Plain, ""), (Tone::Strong, &head))?;
    for pattern in summary::patterns(source, view) {
        writeln!(out)?;
        Lines::new(out, view).hanging(0, (Tone::Warn, "! "), (Tone::Plain, &pattern))?;
    }
    if let Some(saw) = saw::summary(source) {
        Lines::new(out, view).hanging(0, (Tone::Plain, ""), (Tone::Plain, &saw))?;
    }
    writeln!(out)?;
    let rows = summary::rows(source);
    for start in (0..rows.shown.len()).step_by(LAID_OUT) {
        let part = rows.shown.iter().enumerate().skip(start).take(LAID_OUT);
        let sessions = part.filter_map(|(at, &index)| {
            let attempt = rows.ends(source, at).map(|attempt| summary::attempt(&attempt));
            let depth = story::depth(&source.place(index)?, view.every_story);
            let stories = !view.no_story && rows.shown.len() <= summary::STORIES;
            let told = stories && depth != Depth::None;
            Some((source.session(index)?, told, attempt))
        });
        table(out, sessions, view, day.is_some(), start == 0)?;
    }
    let mut lines = Lines::new(out, view);
    for fold in rows.folds() {
        lines.line(1, &[(Tone::Plain, &fold)])?;
    }
    for unlisted in &source.summary().unlisted {
        lines.hanging(1, (Tone::Plain, ""), (Tone::Plain, &summary::unlisted(unlisted, view)))?;
    }
    for gateway in &source.summary().gateways_udp {
        lines.hanging(1, (Tone::Plain, ""), (Tone::Plain, &summary::gateway(gateway)))?;
    }
    let plans = summary::plan(source, &rows, view);
    for tale in summary::tell(source, &plans) {
        lines.blank()?;
        match tale {
            Tale::Story(session, depth, place) => {
                lines.blank()?;
                let frames = Frames::of(&session, source.captures());
                plain::story(&mut lines, &session, frames, view, depth, place.as_ref())?;
            }
            Tale::Alike(text) => lines.hanging(2, (Tone::Plain, ""), (Tone::Plain, &text))?,
            Tale::More(more) => lines.line(0, &[(Tone::Plain, &summary::more_stories(more))])?,
        }
    }
    Ok(())
}

/// Writes one session's story, as [`write()`] tells one that was asked for.
pub fn session<W: Write>(session: &Session, captures: &[Capture], view: &View, mut out: W) -> io::Result<()> {
    let frames = Frames::of(session, captures);
    plain::story(&mut Lines::new(&mut out, view), session, frames, view, Depth::Full, None)
}

/// Rows that are in memory, and share their columns' widths, at a time.
const LAID_OUT: usize = 2000;
/// Columns whose cells may be broken into lines.
const CLIENT: usize = 2;
const SERVER: usize = 3;
const DIAGNOSIS: usize = 6;
const DURATION: usize = 7;
/// Addresses longer than this (IPv6) are broken.
const ADDRESS: usize = 24;
/// A diagnosis that gets less room than this stands below its row instead.
const NARROWEST: usize = 30;

/// Rows of sessions, whether a story below names the cause, and what stands below the row: the summary of the
/// attempt that ends there.
fn table<W: Write>(
    out: &mut W,
    sessions: impl Iterator<Item = (Session, bool, Option<String>)>,
    view: &View,
    one_day: bool,
    header: bool,
) -> io::Result<()> {
    let mut outcomes = Vec::new();
    let mut rows = Vec::new();
    let mut attempts = Vec::new();
    for (session, told, attempt) in sessions {
        outcomes.push(session.outcome);
        attempts.push(attempt);
        let mut cells = summary::cells(&session, view, one_day).map(|cell| clean(&cell).into_owned());
        if told {
            session.diagnosis.code.clone_into(&mut cells[DIAGNOSIS]);
        }
        for address in [CLIENT, SERVER] {
            cells[address] = squeeze(&cells[address], ADDRESS);
        }
        rows.push(cells);
    }
    let room = room(&rows, view.width);
    let below = room < NARROWEST;
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(HEADER);
    let mut diagnoses = Vec::new();
    for mut cells in rows {
        if below {
            diagnoses.push(std::mem::take(&mut cells[DIAGNOSIS]));
        } else {
            cells[DIAGNOSIS] = squeeze(&cells[DIAGNOSIS], room);
        }
        table.add_row(cells);
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        match i {
            0 | DURATION => column.set_cell_alignment(CellAlignment::Right),
            DIAGNOSIS if below => {
                column.set_constraint(ColumnConstraint::Hidden);
            }
            _ => {}
        }
    }
    let mut outcomes = outcomes.into_iter();
    let mut diagnoses = diagnoses.into_iter();
    let mut attempts = attempts.into_iter();
    let mut pending = Below::default();
    for (i, line) in table.lines().enumerate() {
        let line = line.trim_end();
        if i == 0 {
            if header {
                writeln!(out, "{}", Tone::Faint.paint(line, view.color))?;
            }
            continue;
        }
        // A row's first line has its number in the first column; those below belong to the same row.
        let number =
            line.split_whitespace().next().is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit()));
        if number && line.chars().take_while(|c| *c == ' ').count() < 8 {
            pending.write(out, view)?;
            pending = Below { diagnosis: diagnoses.next(), attempt: attempts.next().flatten() };
            writeln!(out, "{}", paint(line, outcomes.next(), view.color))?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    pending.write(out, view)
}

/// What the other columns leave for the diagnosis.
fn room(rows: &[[String; HEADER.len()]], width: usize) -> usize {
    let widest = |column: usize| {
        let cells = rows.iter().map(|row| row[column].as_str()).chain([HEADER[column]]);
        cells.flat_map(str::lines).map(|line| line.chars().count()).max().unwrap_or(0)
    };
    let others: usize = (0..HEADER.len()).filter(|&column| column != DIAGNOSIS).map(widest).sum();
    // A blank on either side of each cell.
    width.saturating_sub(others + 2 * HEADER.len())
}

/// What stands below a row.
#[derive(Debug, Default)]
struct Below {
    /// Where it has no column; "healthy" has been said by the outcome.
    diagnosis: Option<String>,
    /// The attempt whose last row it is.
    attempt: Option<String>,
}

impl Below {
    fn write<W: Write>(&self, out: &mut W, view: &View) -> io::Result<()> {
        let mut lines = Lines::new(out, view);
        if let Some(diagnosis) = self.diagnosis.as_deref().filter(|diagnosis| *diagnosis != "healthy") {
            lines.hanging(6, (Tone::Plain, ""), (Tone::Plain, diagnosis))?;
        }
        match &self.attempt {
            Some(attempt) => lines.hanging(2, (Tone::Faint, "└ "), (Tone::Plain, attempt)),
            None => Ok(()),
        }
    }
}

/// Colours the row's outcome, the first word of that name: addresses and times stand before it.
fn paint(line: &str, outcome: Option<Outcome>, color: bool) -> String {
    let Some(outcome) = outcome.filter(|_| color) else { return line.to_owned() };
    let word = outcome.as_str();
    line.replacen(word, &plain::tone(outcome).paint(word, true), 1)
}
