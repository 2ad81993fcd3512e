//! A story as plain text, for terminals and tickets.

use std::io::{self, Write};

use super::model::{Outcome, Session};
use super::paint::{Lines, Tone, View};
use super::saw;
use super::source::Place;
use super::story::{self, Depth, Frames, Mark};
use super::summary;

pub(super) const fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Failed => Tone::Bad,
        Outcome::Degraded | Outcome::Aborted | Outcome::Inconclusive => Tone::Warn,
        Outcome::Healthy => Tone::Good,
        Outcome::Probe => Tone::Plain,
    }
}

/// Rivals, remedies and errors that fit on a screen with the rest.
const fn most(depth: Depth, view: &View) -> usize {
    match depth {
        _ if view.every_story => usize::MAX,
        Depth::Full => 4,
        Depth::Short | Depth::Brief | Depth::None => 3,
    }
}

/// Writes one session's story.
pub(super) fn story<W: Write>(
    lines: &mut Lines<'_, W>,
    session: &Session,
    frames: Frames<'_>,
    view: &View,
    depth: Depth,
    place: Option<&Place>,
) -> io::Result<()> {
    lines.hanging(0, (Tone::Plain, ""), (Tone::Strong, &story::heading(session)))?;
    lines.hanging(2, (Tone::Plain, ""), (Tone::Faint, &story::when(session, frames, &view.zone)))?;
    if let Some(saw) = &session.saw {
        lines.hanging(2, (Tone::Plain, ""), (Tone::Plain, &saw::line(saw)))?;
    }
    if let Some(inside) = story::inside(session).filter(|_| depth != Depth::None) {
        lines.hanging(2, (Tone::Plain, ""), (Tone::Plain, &inside))?;
    }
    if depth != Depth::None {
        lines.blank()?;
    }
    if let Some(place) = place {
        let diagnosis = &session.diagnosis;
        let title = format!("{} ({})", diagnosis.title, diagnosis.code);
        lines.hanging(2, (Tone::Plain, ""), (Tone::Plain, &title))?;
        lines.hanging(2, (Tone::Plain, ""), (Tone::Plain, &summary::in_brief(place, session.id)))?;
    } else if depth != Depth::None {
        let diagnosis = &session.diagnosis;
        let most = most(depth, view);
        lines.hanging(2, (Tone::Plain, ""), (tone(session.outcome), &diagnosis.title))?;
        if session.outcome != Outcome::Inconclusive {
            lines.hanging(
                2,
                (Tone::Plain, ""),
                (Tone::Faint, &story::verdict(diagnosis, session.outcome)),
            )?;
        }
        for text in [&diagnosis.summary, &diagnosis.explanation] {
            if !text.is_empty() {
                lines.blank()?;
                lines.prose(2, Tone::Plain, text)?;
            }
        }
        if !diagnosis.remedies.is_empty() {
            title(lines, "What to do")?;
            for (i, remedy) in diagnosis.remedies.iter().take(most).enumerate() {
                let text = format!("{}: {}", remedy.who, remedy.text);
                lines.hanging(4, (Tone::Plain, &format!("{}. ", i + 1)), (Tone::Plain, &text))?;
                if let Some(command) = &remedy.command {
                    lines.line(9, &[(Tone::Strong, command)])?;
                }
            }
            more(lines, diagnosis.remedies.len(), most, session.id)?;
        }
        evidence(lines, session, frames)?;
        ladder(lines, session, frames)?;
        if !session.udp.is_empty() {
            title(lines, "UDP beside it")?;
            for flow in story::udp(session) {
                lines.hanging(4, (Tone::Plain, "- "), (Tone::Plain, &flow))?;
            }
        }
        if !diagnosis.rivals.is_empty() {
            title(lines, "What else it could be, and how to tell")?;
            for rival in diagnosis.rivals.iter().take(most) {
                lines.hanging(4, (Tone::Plain, "- "), (Tone::Plain, &story::rival(rival)))?;
            }
            more(lines, diagnosis.rivals.len(), most, session.id)?;
        }
        if depth == Depth::Full {
            last(lines, session, most)?;
        }
    }
    if view.timeline {
        timeline(lines, session, frames)?;
    }
    Ok(())
}

fn title<W: Write>(lines: &mut Lines<'_, W>, text: &str) -> io::Result<()> {
    lines.blank()?;
    lines.line(2, &[(Tone::Strong, text)])
}

fn more<W: Write>(lines: &mut Lines<'_, W>, all: usize, most: usize, id: u64) -> io::Result<()> {
    match all.saturating_sub(most) {
        0 => Ok(()),
        more => lines.line(4, &[(Tone::Faint, &format!("{more} more with --session {id}"))]),
    }
}

fn ladder<W: Write>(lines: &mut Lines<'_, W>, session: &Session, frames: Frames<'_>) -> io::Result<()> {
    title(lines, "How far it got")?;
    let steps = story::ladder(session, frames);
    let width = |f: fn(&story::Step) -> usize| steps.iter().map(f).max().unwrap_or(0);
    let titles = width(|step| step.title.chars().count());
    let times = width(|step| step.time.chars().count());
    let ranges = width(|step| step.frames.chars().count());
    for step in &steps {
        let tone = match step.mark {
            Mark::Passed => Tone::Good,
            Mark::Broke => Tone::Bad,
            Mark::Left | Mark::Unclear => Tone::Warn,
        };
        let middle = format!(" {:titles$}  {:>times$}  ", step.title, step.time);
        let mut parts = vec![(tone, step.mark.symbol()), (Tone::Plain, middle.as_str())];
        let range = format!("{:ranges$}  ", step.frames);
        if step.note.is_empty() {
            parts.push((Tone::Plain, &step.frames));
        } else {
            parts.extend([(Tone::Plain, range.as_str()), (tone, step.note.as_str())]);
        }
        lines.line(4, &parts)?;
    }
    Ok(())
}

fn evidence<W: Write>(lines: &mut Lines<'_, W>, session: &Session, frames: Frames<'_>) -> io::Result<()> {
    let evidence = &session.diagnosis.evidence;
    if evidence.is_empty() {
        return Ok(());
    }
    title(lines, "Evidence")?;
    let rows: Vec<(String, String)> = evidence
        .iter()
        .map(|e| (frames.range(e.capture, e.frame, e.last_frame), format!("{:.3} s", e.time_s.0)))
        .collect();
    let ranges = rows.iter().map(|row| row.0.chars().count()).max().unwrap_or(0);
    let times = rows.iter().map(|row| row.1.chars().count()).max().unwrap_or(0);
    for ((range, time), evidence) in rows.iter().zip(evidence) {
        let lead = format!("{range:ranges$}  {time:>times$}  ");
        lines.hanging(4, (Tone::Faint, &lead), (Tone::Plain, &evidence.text))?;
    }
    Ok(())
}

fn last<W: Write>(lines: &mut Lines<'_, W>, session: &Session, most: usize) -> io::Result<()> {
    let diagnosis = &session.diagnosis;
    if !session.other_diagnoses.is_empty() {
        title(lines, "What also fits")?;
        for other in &session.other_diagnoses {
            let text = format!("{} ({}, {})", other.title, other.code, other.confidence.as_str());
            lines.hanging(4, (Tone::Plain, "- "), (Tone::Plain, &text))?;
        }
    }
    if !diagnosis.client_error.is_empty() {
        title(lines, "What the Windows client (mstsc) shows")?;
        for error in diagnosis.client_error.iter().take(most) {
            lines.hanging(4, (Tone::Plain, "- "), (Tone::Plain, &story::client_error(error)))?;
        }
        more(lines, diagnosis.client_error.len(), most, session.id)?;
    }
    if !diagnosis.references.is_empty() {
        title(lines, "Read more")?;
        for reference in &diagnosis.references {
            lines.hanging(4, (Tone::Plain, "- "), (Tone::Plain, reference))?;
        }
    }
    Ok(())
}

fn timeline<W: Write>(lines: &mut Lines<'_, W>, session: &Session, frames: Frames<'_>) -> io::Result<()> {
    title(lines, "Timeline")?;
    let rows = story::timeline(session, frames);
    let width =
        |i: usize| rows.iter().filter_map(|row| row.get(i)).map(|s| s.chars().count()).max().unwrap_or(0);
    let (times, ranges, whos) = (width(0), width(1), width(2));
    for [time, range, who, text] in &rows {
        let lead = format!("{time:>times$}  {range:ranges$}  {who:whos$}  ");
        lines.hanging(4, (Tone::Faint, &lead), (Tone::Plain, text))?;
    }
    Ok(())
}
