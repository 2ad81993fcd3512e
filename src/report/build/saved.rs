//! The report of one attempt whose frames were saved to a file of their own.

use std::collections::BTreeMap;

use crate::report::model::{Attempt, Capture, Diagnosis, Report, SCHEMA, Session, Summary};

/// Makes it of the attempt's sessions, in order. `kept` are the numbers that the frames in the file had in the
/// capture that they come from, in order: frames are told by their place in the file.
pub fn report(capture: Capture, sessions: &[Session], attempt: &Attempt, kept: &[u64]) -> Report {
    let mut summary = Summary::default();
    let mut count = |by: fn(&mut Summary) -> &mut BTreeMap<&'static str, u64>, name| {
        *by(&mut summary).entry(name).or_default() += 1;
    };
    for session in sessions {
        count(|summary| &mut summary.by_outcome, session.outcome.as_str());
        count(|summary| &mut summary.by_code, session.diagnosis.code);
    }
    count(|summary| &mut summary.attempts_by_outcome, attempt.outcome.as_str());
    Report {
        schema: SCHEMA,
        captures: vec![capture],
        sessions: sessions.iter().zip(1..).map(|(session, id)| renumbered(session, id, kept)).collect(),
        attempts: vec![Attempt { id: 1, ..attempt.clone() }],
        summary,
    }
}

fn renumbered(session: &Session, id: u64, kept: &[u64]) -> Session {
    // A frame that was left out is told by the one before it.
    let place = |frame: u64| kept.partition_point(|&at| at <= frame).max(1) as u64;
    let mut session = Session { id, attempt: 1, ..session.clone() };
    for event in &mut session.timeline {
        (event.frame, event.last_frame) = (place(event.frame), place(event.last_frame));
    }
    for alert in &mut session.tls.alerts {
        alert.frame = place(alert.frame);
    }
    let evidence = |diagnosis: &mut Diagnosis| {
        for evidence in &mut diagnosis.evidence {
            (evidence.frame, evidence.last_frame) = (place(evidence.frame), place(evidence.last_frame));
        }
    };
    evidence(&mut session.diagnosis);
    session.other_diagnoses.iter_mut().for_each(evidence);
    session
}
