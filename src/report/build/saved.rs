//! The report of one attempt whose frames were saved to a file of their own.

use std::collections::BTreeMap;

use crate::report::model::{Attempt, Capture, Diagnosis, Event, Report, SCHEMA, Session, Summary, Tls};

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
    let events = |timeline: &mut [Event]| {
        for event in timeline {
            (event.frame, event.last_frame) = (place(event.frame), place(event.last_frame));
        }
    };
    let evidence = |diagnosis: &mut Diagnosis| {
        for evidence in &mut diagnosis.evidence {
            (evidence.frame, evidence.last_frame) = (place(evidence.frame), place(evidence.last_frame));
        }
    };
    let alerts = |tls: &mut Tls| {
        for alert in &mut tls.alerts {
            alert.frame = place(alert.frame);
        }
    };
    events(&mut session.timeline);
    alerts(&mut session.tls);
    session.gateway.iter_mut().for_each(|gateway| alerts(&mut gateway.tls));
    evidence(&mut session.diagnosis);
    session.other_diagnoses.iter_mut().for_each(evidence);
    for flow in &mut session.udp {
        events(&mut flow.timeline);
        alerts(&mut flow.tls);
        evidence(&mut flow.diagnosis);
        flow.other_diagnoses.iter_mut().for_each(evidence);
    }
    session
}
