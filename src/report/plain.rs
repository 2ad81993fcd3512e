//! A story as plain text, for terminals and tickets.

use std::io::{self, Write};

use super::model::{Diagnosis, Outcome, Session};
use super::paint::{Lines, Tone, View};
use super::saw;
use super::sketch;
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

/// Rivals that fit on a screen with the rest.
const RIVALS: usize = 4;
/// Remedies that do: the one that mends it must be among them.
const REMEDIES: usize = 7;

/// How many items of a list are told.
const fn most(few: usize, view: &View) -> usize {
    if view.every_story { usize::MAX } else { few }
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
            for (i, remedy) in diagnosis.remedies.iter().take(most(REMEDIES, view)).enumerate() {
                let text = format!("{}: {}", remedy.who, remedy.text);
                lines.hanging(4, (Tone::Plain, &format!("{}. ", i + 1)), (Tone::Plain, &text))?;
                if let Some(command) = &remedy.command {
                    lines.line(9, &[(Tone::Strong, command)])?;
                }
            }
            more(lines, diagnosis.remedies.len(), most(REMEDIES, view), diagnosis.code)?;
        }
        evidence(lines, session, frames)?;
        ladder(lines, session, frames, view)?;
        if view.picture {
            title(lines, "The conversation")?;
            for line in sketch::draw(session, frames) {
                lines.line(0, &[(Tone::Plain, &line)])?;
            }
            lines.hanging(2, (Tone::Plain, ""), (Tone::Faint, sketch::LEGEND))?;
        }
        if !session.udp.is_empty() {
            title(lines, "UDP beside it")?;
            for flow in story::udp(session) {
                lines.hanging(4, (Tone::Plain, "- "), (Tone::Plain, &flow))?;
            }
        }
        if !diagnosis.rivals.is_empty() {
            title(lines, story::rivals_title(diagnosis))?;
            for rival in diagnosis.rivals.iter().take(most(RIVALS, view)) {
                lines.hanging(4, (Tone::Plain, "- "), (Tone::Plain, &story::rival(rival)))?;
            }
            more(lines, diagnosis.rivals.len(), most(RIVALS, view), diagnosis.code)?;
        }
        if depth == Depth::Full {
            last(lines, session)?;
        }
        words(lines, session, view)?;
        references(lines, diagnosis, view)?;
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

fn more<W: Write>(lines: &mut Lines<'_, W>, all: usize, most: usize, code: &str) -> io::Result<()> {
    match all.saturating_sub(most) {
        0 => Ok(()),
        more => lines.line(4, &[(Tone::Faint, &format!("{more} more: rdpwhy explain {code}"))]),
    }
}

fn ladder<W: Write>(
    lines: &mut Lines<'_, W>,
    session: &Session,
    frames: Frames<'_>,
    view: &View,
) -> io::Result<()> {
    title(lines, "How far it got")?;
    let steps = story::ladder(session, frames, !view.every_story);
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
        let beside = [&middle, &range, &step.note].map(|part| part.chars().count()).iter().sum::<usize>() + 5;
        let fits = beside <= view.width;
        if step.note.is_empty() || !fits {
            parts.push((Tone::Plain, &step.frames));
        } else {
            parts.extend([(Tone::Plain, range.as_str()), (tone, step.note.as_str())]);
        }
        lines.line(4, &parts)?;
        if !fits && !step.note.is_empty() {
            lines.hanging(6, (Tone::Plain, ""), (tone, &step.note))?;
        }
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

fn last<W: Write>(lines: &mut Lines<'_, W>, session: &Session) -> io::Result<()> {
    let diagnosis = &session.diagnosis;
    if !session.other_diagnoses.is_empty() {
        title(lines, "What also fits")?;
        for other in &session.other_diagnoses {
            let text = format!("{} ({}, {})", other.title, other.code, other.confidence.as_str());
            lines.hanging(4, (Tone::Plain, "- "), (Tone::Plain, &text))?;
        }
    }
    if !diagnosis.client_error.is_empty() {
        title(lines, story::CLIENT_ERRORS)?;
        for error in story::client_errors(diagnosis) {
            lines.hanging(4, (Tone::Plain, "- "), (Tone::Plain, &error))?;
        }
    }
    Ok(())
}

/// The terms that were used above.
fn words<W: Write>(lines: &mut Lines<'_, W>, session: &Session, view: &View) -> io::Result<()> {
    let words = story::words(session, most(REMEDIES, view), most(RIVALS, view), &[]);
    if words.is_empty() {
        return Ok(());
    }
    title(lines, "Words")?;
    lines.hanging(4, (Tone::Plain, ""), (Tone::Faint, &story::words_in_line(&words)))
}

fn references<W: Write>(lines: &mut Lines<'_, W>, diagnosis: &Diagnosis, view: &View) -> io::Result<()> {
    if diagnosis.references.is_empty() {
        return Ok(());
    }
    if !view.every_story {
        lines.blank()?;
        let text = format!("Background and sources: rdpwhy explain {}", diagnosis.code);
        return lines.line(2, &[(Tone::Faint, &text)]);
    }
    title(lines, "Read more")?;
    for reference in &diagnosis.references {
        lines.reference(4, reference)?;
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
