//! The summary table, and below it the story of each session that did not go well.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::model::{Outcome, Session};
use super::paint::{Lines, Tone, View};
use super::plain;
use super::source::Source;
use super::story::Frames;
use super::summary::{self, HEADER, Tale};
use super::text::clean;

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
    writeln!(out)?;
    let rows = summary::rows(source);
    table(out, rows.shown.iter().filter_map(|&index| source.session(index)), view, day.is_some())?;
    let mut lines = Lines::new(out, view);
    for fold in rows.folds() {
        lines.line(1, &[(Tone::Plain, &fold)])?;
    }
    for unlisted in &source.summary().unlisted {
        lines.hanging(1, (Tone::Plain, ""), (Tone::Plain, &summary::unlisted(unlisted, view)))?;
    }
    let frames = Frames(source.captures());
    let plans = summary::tales(source, &rows, view);
    for tale in summary::tell(source, &plans, view) {
        lines.blank()?;
        match tale {
            Tale::Story(session, depth) => {
                lines.blank()?;
                plain::story(&mut lines, &session, frames, view, depth)?;
            }
            Tale::Alike(text) => lines.hanging(2, (Tone::Plain, ""), (Tone::Plain, &text))?,
            Tale::More(more) => lines.line(0, &[(Tone::Plain, &summary::more_stories(more))])?,
        }
    }
    Ok(())
}

fn table<W: Write>(
    out: &mut W,
    sessions: impl Iterator<Item = Session>,
    view: &View,
    one_day: bool,
) -> io::Result<()> {
    const DIAGNOSIS: usize = 6;
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(view.width).unwrap_or(u16::MAX))
        .set_header(HEADER);
    let mut outcomes = Vec::new();
    for session in sessions {
        outcomes.push(session.outcome);
        table.add_row(summary::cells(&session, view, one_day).map(|cell| clean(&cell).into_owned()));
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        match i {
            0 | 7 => {
                column.set_cell_alignment(CellAlignment::Right);
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            DIAGNOSIS => {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(24)));
            }
            _ => {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
    let mut outcomes = outcomes.into_iter();
    for (i, line) in table.lines().enumerate() {
        let line = line.trim_end();
        // A row's first line starts with its number; lines below belong to the same row.
        let starts =
            line.split_whitespace().next().is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit()));
        let line = match i {
            0 => Tone::Faint.paint(line, view.color),
            _ if starts && line.len() > 4 => paint(line, outcomes.next(), view.color),
            _ => line.to_owned(),
        };
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Colours the row's outcome, the first word of that name: addresses and times stand before it.
fn paint(line: &str, outcome: Option<Outcome>, color: bool) -> String {
    let Some(outcome) = outcome.filter(|_| color) else { return line.to_owned() };
    let word = outcome.as_str();
    line.replacen(word, &plain::tone(outcome).paint(word, true), 1)
}
