//! Sessions that are held back, since their client may have been sent elsewhere: only its coming back shows that.

use std::collections::VecDeque;

use super::{Diagnosed, Over};
use crate::base::{Seen, Timestamp};
use crate::diagnosis::{History, diagnose};
use crate::session::{Caller, Calls, Return, Session};

/// Sessions held back at a time; beyond them the one that waits longest is taken as it is.
const HELD: usize = 1024;

/// What waits, and for what.
#[derive(Debug, Default)]
pub(super) struct Held {
    waiting: VecDeque<(Timestamp, Diagnosed)>,
    calls: Calls,
}

impl Held {
    /// Where conversations say what was asked.
    pub(super) fn caller(&self) -> Caller {
        self.calls.caller()
    }

    /// Holds a session back that is over, if its client may come back; in `done` is what need not wait (any more).
    pub(super) fn take(&mut self, diagnosed: Diagnosed, history: &History, done: &mut VecDeque<Over>) {
        let session = &diagnosed.session;
        let Some(left) = session.left().filter(|_| session.may_return()) else {
            return done.push_back(diagnosed.into());
        };
        if let Some(back) = self.calls.back(session) {
            return done.push_back(returned(diagnosed, back, history));
        }
        if self.waiting.len() >= HELD {
            done.extend(self.waiting.pop_front().map(|(_, diagnosed)| diagnosed.into()));
        }
        self.waiting.push_back((left.stamp.time.plus(Session::RETURN), diagnosed));
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Hands out whose client came back, and who waited long enough at `now`.
    #[inline]
    pub(super) fn look(&mut self, now: Timestamp, history: &History, done: &mut VecDeque<Over>) {
        let Some(&(first, _)) = self.waiting.front() else { return };
        if first <= now || self.calls.any() {
            self.look_through(now, history, done);
        }
    }

    #[inline(never)]
    fn look_through(&mut self, now: Timestamp, history: &History, done: &mut VecDeque<Over>) {
        self.hear(history, done);
        while self.waiting.front().is_some_and(|(due, _)| *due <= now) {
            done.extend(self.waiting.pop_front().map(|(_, diagnosed)| diagnosed.into()));
        }
    }

    /// Hands out who waits longest as it is; `false` where nobody waits.
    pub(super) fn give_up(&mut self, done: &mut VecDeque<Over>) -> bool {
        let first = self.waiting.pop_front();
        let any = first.is_some();
        done.extend(first.map(|(_, diagnosed)| diagnosed.into()));
        any
    }

    /// Looks whose client came back. To be called for every session, so that what was said is heard.
    pub(super) fn hear(&mut self, history: &History, done: &mut VecDeque<Over>) {
        while let Some(call) = self.calls.hear() {
            let mut at = 0;
            while let Some((_, diagnosed)) = self.waiting.get(at) {
                let Some(back) = diagnosed.session.returned_with(call) else {
                    at += 1;
                    continue;
                };
                done.extend(self.waiting.remove(at).map(|(_, diagnosed)| returned(diagnosed, back, history)));
            }
        }
    }
}

/// The session whose client came back, diagnosed anew.
fn returned(diagnosed: Diagnosed, back: Seen<Return>, history: &History) -> Over {
    let Diagnosed { mut session, udp, .. } = diagnosed;
    session.came_back(back);
    let own = diagnose(&session, history.context(&session));
    Diagnosed::new(session, udp, own).into()
}
