//! What Wireshark shows beside the frames of a session: one short sentence each.

use std::collections::BTreeMap;

use super::model::{Outcome, Session};
use super::story;
use super::text::clean;

/// Characters of a comment.
const LONGEST: usize = 300;

/// A frame: index of its capture, and its number there.
pub type Place = (u16, u64);

/// Comments by frame.
pub type Comments = BTreeMap<Place, Vec<String>>;

/// "session 3 failed: 10.0.0.2:50204 to 10.0.0.1:3389: the cause (its code, likely)".
pub fn verdict(session: &Session, number: u64) -> String {
    let (client, server) = (story::endpoint(&session.client), story::endpoint(&session.server));
    short(&format!("session {number}, {client} to {server}, {}: {}", session.outcome.as_str(), why(session)))
}

/// Adds those of a session, which the reader knows by `number`: where it begins, what its verdict rests on, its
/// messages and where it broke.
pub fn add(session: &Session, number: u64, comments: &mut Comments) {
    let mut said: BTreeMap<Place, String> = BTreeMap::new();
    for event in &session.timeline {
        said.entry((event.capture, event.frame)).or_insert_with(|| event.summary.to_string());
    }
    // What a frame proves says more than what it is.
    for evidence in session.diagnosis.evidence.iter().rev() {
        said.insert((evidence.capture, evidence.frame), evidence.text.clone());
    }
    let broke = session.diagnosis.evidence.first().map(|evidence| (evidence.capture, evidence.frame));
    let broke = broke.filter(|_| session.outcome == Outcome::Failed);
    let mut begun = false;
    for (place, text) in said {
        let mut add = |text: String| comments.entry(place).or_default().push(text);
        if !std::mem::replace(&mut begun, true) {
            add(format!("rdpwhy: {}", verdict(session, number)));
        }
        let broke = if broke == Some(place) { " broke here" } else { "" };
        add(short(&format!("rdpwhy: session {number}{broke}: {text}")));
    }
}

fn why(session: &Session) -> String {
    let diagnosis = &session.diagnosis;
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
