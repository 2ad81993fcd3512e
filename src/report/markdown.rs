//! The report as Markdown, as GitHub and GitLab show it, in which nothing is markup to Jira or ServiceNow either.

use std::io::{self, Write};

use super::model::{Diagnosis, Outcome, Session};
use super::paint::View;
use super::saw;
use super::sketch;
use super::source::{Place, Source};
use super::story::{self, Depth, Frames};
use super::summary::{self, HEADER, Tale};
use super::text::{clean, code, markdown};

/// Writes the report as Markdown.
pub fn write<W: Write>(source: &impl Source, view: &View, mut out: W) -> io::Result<()> {
    let out = &mut out;
    let total: u64 = source.summary().by_outcome.values().sum();
    if total == 0 {
        return nothing(out, source.nothing());
    }
    let day = summary::one_day(source, view);
    writeln!(
        out,
        "**{}.** {}\n",
        markdown(&summary::headline(source)),
        summary::times(day.as_deref(), view)
    )?;
    for pattern in summary::patterns(source, view) {
        writeln!(out, "{}\n", markdown(&pattern))?;
    }
    if let Some(saw) = saw::summary(source) {
        writeln!(out, "{}\n", markdown(&saw))?;
    }
    let rows = summary::rows(source);
    writeln!(out, "| {} |", HEADER.map(|title| if title == "#" { "\\#" } else { title }).join(" | "))?;
    writeln!(out, "|{}", " --- |".repeat(HEADER.len()))?;
    for session in rows.shown.iter().filter_map(|&index| source.session(index)) {
        let cells = summary::cells(&session, view, day.is_some());
        writeln!(out, "| {} |", cells.map(|cell| markdown(&cell)).join(" | "))?;
    }
    let attempts = (0..rows.shown.len()).filter_map(|at| rows.ends(source, at));
    for attempt in attempts {
        writeln!(out, "\n{}", markdown(&summary::attempt(&attempt)))?;
    }
    let folds = rows.folds().chain(source.summary().unlisted.iter().map(|u| summary::unlisted(u, view)));
    for fold in folds {
        writeln!(out, "\n{}", markdown(&fold))?;
    }
    for gateway in &source.summary().gateways_udp {
        writeln!(out, "\n{}", markdown(&summary::gateway(gateway)))?;
    }
    let plans = summary::plan(source, &rows, view);
    for tale in summary::tell(source, &plans) {
        writeln!(out)?;
        match tale {
            Tale::Story(session, depth, place) => {
                story(out, &session, Frames::of(&session, source.captures()), view, depth, place.as_ref())?;
            }
            Tale::Alike(text) => writeln!(out, "{}", markdown(&text))?,
            Tale::More(more) => writeln!(out, "{}", markdown(&summary::more_stories(more)))?,
        }
    }
    Ok(())
}

/// An indented paragraph is a command.
fn nothing<W: Write>(out: &mut W, text: &str) -> io::Result<()> {
    for (i, paragraph) in text.split("\n\n").enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        match paragraph.strip_prefix("    ") {
            Some(command) => writeln!(out, "{}", code(command))?,
            None => writeln!(out, "{}", markdown(paragraph))?,
        }
    }
    Ok(())
}

fn story<W: Write>(
    out: &mut W,
    session: &Session,
    frames: Frames<'_>,
    view: &View,
    depth: Depth,
    place: Option<&Place>,
) -> io::Result<()> {
    writeln!(out, "### {}\n", markdown(&story::heading(session)))?;
    writeln!(out, "{}", markdown(&story::when(session, frames, &view.zone)))?;
    if let Some(saw) = &session.saw {
        writeln!(out, "\n{}", markdown(&saw::line(saw)))?;
    }
    if let Some(inside) = story::inside(session).filter(|_| depth != Depth::None) {
        writeln!(out, "\n{}", markdown(&inside))?;
    }
    if let Some(place) = place {
        writeln!(out, "\n{} ({})", markdown(&session.diagnosis.title), session.diagnosis.code)?;
        writeln!(out, "\n{}", markdown(&summary::in_brief(place, session.id)))?;
    } else if depth != Depth::None {
        let diagnosis = &session.diagnosis;
        writeln!(out, "\n**{}**", markdown(&diagnosis.title))?;
        if session.outcome != Outcome::Inconclusive {
            writeln!(out, "\n{}", markdown(&story::verdict(diagnosis, session.outcome)))?;
        }
        for text in [&diagnosis.summary, &diagnosis.explanation] {
            for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
                writeln!(out, "\n{}", markdown(paragraph))?;
            }
        }
        if !diagnosis.remedies.is_empty() {
            writeln!(out, "\n**What to do**\n")?;
            for (i, remedy) in diagnosis.remedies.iter().enumerate() {
                writeln!(out, "{}. *{}*: {}", i + 1, markdown(&remedy.who), markdown(&remedy.text))?;
                if let Some(command) = &remedy.command {
                    writeln!(out, "\n   ```\n   {}\n   ```", clean(command))?;
                }
            }
        }
        if !diagnosis.evidence.is_empty() {
            writeln!(out, "\n**Evidence**\n")?;
            for e in &diagnosis.evidence {
                let frame = frames.range(e.capture, e.frame, e.last_frame);
                writeln!(out, "- {} ({:.3} s): {}", markdown(&frame), e.time_s.0, markdown(&e.text))?;
            }
        }
        ladder(out, session, frames)?;
        if view.picture {
            let picture = sketch::draw(session, frames).join("\n");
            writeln!(
                out,
                "\n**The conversation**\n\n```text\n{picture}\n```\n\n{}",
                markdown(sketch::LEGEND)
            )?;
        }
        if !session.udp.is_empty() {
            writeln!(out, "\n**UDP beside it**\n")?;
            for flow in story::udp(session) {
                writeln!(out, "- {}", markdown(&flow))?;
            }
        }
        if !diagnosis.rivals.is_empty() {
            writeln!(out, "\n**{}**\n", story::rivals_title(diagnosis))?;
            for rival in &diagnosis.rivals {
                writeln!(out, "- {}", markdown(&story::rival(rival)))?;
            }
        }
        if depth == Depth::Full {
            last(out, session)?;
        }
        let words = story::words(session, usize::MAX, usize::MAX, &[]);
        if !words.is_empty() {
            writeln!(out, "\n**Words**: {}", markdown(&story::words_in_line(&words)))?;
        }
        if depth == Depth::Full {
            references(out, diagnosis)?;
        }
    }
    if view.timeline {
        timeline(out, session, frames)?;
    }
    Ok(())
}

fn ladder<W: Write>(out: &mut W, session: &Session, frames: Frames<'_>) -> io::Result<()> {
    writeln!(out, "\n**How far it got**\n")?;
    for step in story::ladder(session, frames, false) {
        let parts: Vec<&str> = [step.time.as_str(), &step.frames, &step.note]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        writeln!(out, "- {} {}: {}", step.mark.symbol(), step.title, markdown(&parts.join(", ")))?;
    }
    Ok(())
}

fn last<W: Write>(out: &mut W, session: &Session) -> io::Result<()> {
    let diagnosis = &session.diagnosis;
    if !session.other_diagnoses.is_empty() {
        writeln!(out, "\n**What also fits**\n")?;
        for other in &session.other_diagnoses {
            let text = format!("{} ({}, {})", other.title, other.code, other.confidence.as_str());
            writeln!(out, "- {}", markdown(&text))?;
        }
    }
    if !diagnosis.client_error.is_empty() {
        writeln!(out, "\n**{}**\n", story::CLIENT_ERRORS)?;
        for error in story::client_errors(diagnosis) {
            writeln!(out, "- {}", markdown(&error))?;
        }
    }
    Ok(())
}

fn references<W: Write>(out: &mut W, diagnosis: &Diagnosis) -> io::Result<()> {
    if !diagnosis.references.is_empty() {
        writeln!(out, "\n**Read more**\n")?;
        for reference in &diagnosis.references {
            match reference.strip_suffix('>').and_then(|reference| reference.rsplit_once(" <")) {
                Some((title, address)) => writeln!(out, "- [{}]({})", markdown(title), clean(address))?,
                None => writeln!(out, "- {}", markdown(reference))?,
            }
        }
    }
    Ok(())
}

fn timeline<W: Write>(out: &mut W, session: &Session, frames: Frames<'_>) -> io::Result<()> {
    writeln!(out, "\n**Timeline**\n\n| time | frame | from | what |\n| --- | --- | --- | --- |")?;
    for row in story::timeline(session, frames) {
        writeln!(out, "| {} |", row.map(|cell| markdown(&cell)).join(" | "))?;
    }
    Ok(())
}
