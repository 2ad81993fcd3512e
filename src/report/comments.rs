//! What Wireshark shows beside the frames of a session: one short sentence each.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Diagnosis, Event, Outcome, Session};
use super::story;
use super::text::clean;

/// Characters of a comment.
const LONGEST: usize = 1000;

/// A frame: index of its capture, and its number there.
pub type Place = (u16, u64);

/// Comments by frame.
pub type Comments = BTreeMap<Place, Vec<String>>;

/// "session 3, 10.0.0.2:50204 to 10.0.0.1:3389, failed: the cause (its code, likely)".
pub fn verdict(session: &Session, number: u64) -> String {
    let (client, server) = (story::endpoint(&session.client), story::endpoint(&session.server));
    short(&format!(
        "session {number}, {client} to {server}, {}: {}",
        session.outcome.as_str(),
        why(&session.diagnosis)
    ))
}

/// Adds those of a session, which the reader knows by `number`: where it begins, what its verdict rests on, its
/// messages and where it broke; and those of its UDP flows.
pub fn add(session: &Session, number: u64, comments: &mut Comments) {
    let head = format!("rdpwhy: {}", verdict(session, number));
    let name = format!("rdpwhy: session {number}");
    one(&name, head, session.outcome, &session.diagnosis, &session.timeline, comments);
    for flow in &session.udp {
        let (outcome, why) = (flow.outcome.as_str(), why(&flow.diagnosis));
        let head = short(&format!("{name}, its UDP flow, {outcome}: {why}"));
        one(&format!("{name}, UDP"), head, flow.outcome, &flow.diagnosis, &flow.timeline, comments);
    }
}

fn one(
    name: &str,
    head: String,
    outcome: Outcome,
    diagnosis: &Diagnosis,
    timeline: &[Event],
    comments: &mut Comments,
) {
    let mut said: BTreeMap<Place, Vec<&str>> = BTreeMap::new();
    for evidence in &diagnosis.evidence {
        said.entry((evidence.capture, evidence.frame)).or_default().push(&evidence.text);
    }
    // What a frame proves says more than what it is.
    let proofs: BTreeSet<Place> = said.keys().copied().collect();
    for event in timeline.iter().filter(|event| !proofs.contains(&(event.capture, event.frame))) {
        said.entry((event.capture, event.frame)).or_default().push(&event.summary);
    }
    let broke = diagnosis.evidence.first().map(|evidence| (evidence.capture, evidence.frame));
    let broke = broke.filter(|_| outcome == Outcome::Failed);
    let mut head = Some(head);
    for (place, texts) in said {
        let comments = comments.entry(place).or_default();
        comments.extend(head.take());
        let broke = if broke == Some(place) { " broke here" } else { "" };
        comments.extend(texts.into_iter().map(|text| short(&format!("{name}{broke}: {text}"))));
    }
}

fn why(diagnosis: &Diagnosis) -> String {
    format!("{} ({}, {})", diagnosis.title, diagnosis.code, diagnosis.confidence.as_str())
}

/// One line, in which nothing changes how what is around it is read.
fn short(text: &str) -> String {
    let text = clean(text);
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or(&text)),
        None => text.into_owned(),
    }
}
