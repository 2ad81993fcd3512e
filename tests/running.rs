//! Reports of a capture that goes on agree with those of a file, and what they keep is bounded.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;

use common::{all_captures, run_all};
use rdpwhy::analyzer::{Over, Overview};
use rdpwhy::base::{Limits, Timestamp};
use rdpwhy::report::Source as _;
use rdpwhy::report::build::running::{Running, Told};
use rdpwhy::report::build::{Built, Collected, Options};
use rdpwhy::report::choose::Choice;

fn tell(running: &mut Running, sessions: &[Over]) -> Vec<Told> {
    sessions.iter().filter_map(|over| running.take(over, |_, _| 0)).collect()
}

#[test]
fn sessions_and_attempts_are_those_of_the_file() {
    let mut several = 0;
    for capture in all_captures() {
        let sessions = run_all(&capture.frames);
        let mut running = Running::new(usize::MAX);
        let told = tell(&mut running, &sessions);
        let mut collected = Collected::new(Choice::default(), usize::MAX);
        for diagnosed in sessions {
            collected.push(diagnosed);
        }
        let options = Options { choice: Choice::default(), separate: false };
        let built = Built::new(&[], &collected, &Overview::default(), &options);
        // Ids of the file are places in the order of first frames.
        let mut ids: Vec<u64> = told.iter().map(|told| told.session.id).collect();
        ids.sort_unstable();
        let place = |id: u64| ids.binary_search(&id).unwrap() as u64 + 1;
        let mut listed: Vec<_> = told.iter().map(|told| told.session.clone()).collect();
        listed.sort_by_key(|session| session.id);
        for (mut session, of_file) in listed.into_iter().zip(built.sessions()) {
            (session.id, session.attempt) = (place(session.id), of_file.attempt);
            assert_eq!(session, of_file, "{}", capture.name());
        }
        // The last session of an attempt knows all of it.
        let mut last: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for told in &told {
            let together: Vec<u64> = told.together.iter().map(|&id| place(id)).collect();
            for &id in &together {
                last.insert(id, together.clone());
            }
        }
        for attempt in built.attempts() {
            several += usize::from(attempt.sessions.len() > 1);
            for id in &attempt.sessions {
                assert_eq!(last[id], attempt.sessions, "{}", capture.name());
            }
        }
        let (live, file) = (running.summary(), built.summary());
        assert_eq!(
            (&live.by_outcome, &live.by_code),
            (&file.by_outcome, &file.by_code),
            "{}",
            capture.name()
        );
        let some: BTreeMap<_, _> = live.attempts_by_outcome.into_iter().filter(|(_, n)| *n > 0).collect();
        assert_eq!(some, file.attempts_by_outcome, "{}", capture.name());
    }
    assert!(several > 5, "{several}");
}

#[test]
fn early_failures_beyond_an_hours_bound_are_counted() {
    let capture =
        all_captures().into_iter().find(|c| c.name().ends_with("tcp-connection-refused/closed-port.pcapng"));
    let sessions = run_all(&capture.unwrap().frames);
    let first = sessions.first().unwrap();
    let end = first.brief.end;
    let mut running = Running::new(3);
    let told = (0..1000).filter(|_| running.take(first, |_, _| 0).is_some()).count();
    assert_eq!(told, 3);
    assert!(running.unlisted(end.plus(3599 * Timestamp::SECOND)).is_empty());
    assert_eq!(running.summary().unlisted[0].count, 997);
    let unlisted = running.unlisted(end.plus(3600 * Timestamp::SECOND));
    assert_eq!((unlisted.len(), unlisted[0].count, unlisted[0].clients), (1, 997, 1));
    assert!(
        running.summary().unlisted.is_empty() && running.take(first, |_, _| 0).is_some(),
        "the next hour begins"
    );
    assert_eq!(running.summary().by_code["tcp-connection-refused"], 1001);
}

#[test]
fn what_may_be_missing_is_said() {
    let capture =
        all_captures().into_iter().find(|c| c.name().ends_with("tcp-syn-unanswered/dropped.pcapng"));
    let sessions = run_all(&capture.unwrap().frames);
    let say = |lost| {
        Running::new(Limits::default().listed).take(&sessions[0], |_, _| lost).unwrap().session.diagnosis
    };
    assert!(say(7).explanation.contains("lost 7 packets"), "{}", say(7).explanation);
    assert!(!say(0).explanation.contains("lost") && say(7).confidence != say(0).confidence);
}
