//! Counts over the sessions that were chosen, listed or not.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

use crate::diagnosis::{Brief, Outcome};
use crate::report::model::{Pattern, Server, Summary, Time, Unlisted};

/// Counts sessions and attempts.
pub(super) struct Count {
    sessions: HashMap<(&'static str, Outcome), u64, ahash::RandomState>,
    attempts: BTreeMap<&'static str, u64>,
    /// Which attempts were counted: one may have a million sessions.
    counted: Vec<bool>,
    unlisted: HashMap<(SocketAddr, &'static str), usize, ahash::RandomState>,
    groups: Vec<Unlisted>,
    /// Group and address of each client.
    clients: Vec<(u32, IpAddr)>,
}

impl Count {
    pub(super) fn new(attempts: u32) -> Self {
        Count {
            sessions: HashMap::default(),
            attempts: BTreeMap::new(),
            counted: vec![false; attempts as usize],
            unlisted: HashMap::default(),
            groups: Vec::new(),
            clients: Vec::new(),
        }
    }

    pub(super) fn attempt(&mut self, attempt: u32, outcome: impl FnOnce() -> Outcome) {
        let counted = self.counted.get_mut(attempt as usize);
        if counted.is_some_and(|counted| !std::mem::replace(counted, true)) {
            *self.attempts.entry(outcome().as_str()).or_default() += 1;
        }
    }

    pub(super) fn session(&mut self, session: &Brief) {
        *self.sessions.entry((session.code, session.outcome)).or_default() += 1;
    }

    pub(super) fn unlisted(&mut self, session: &Brief) {
        let Brief { server, code, .. } = *session;
        let start = Time(session.start);
        let at = *self.unlisted.entry((server, code)).or_insert_with(|| {
            let server = Server { ip: server.ip(), port: server.port() };
            self.groups.push(Unlisted { server, code, count: 0, clients: 0, first: start, last: start });
            self.groups.len() - 1
        });
        if let Some(group) = self.groups.get_mut(at) {
            group.count += 1;
            group.first = group.first.min(start);
            group.last = group.last.max(start);
            self.clients.push((at as u32, session.client));
        }
    }

    pub(super) fn summary(mut self, patterns: Vec<Pattern>) -> Summary {
        self.clients.sort_unstable();
        self.clients.dedup();
        for (at, _) in self.clients {
            if let Some(group) = self.groups.get_mut(at as usize) {
                group.clients += 1;
            }
        }
        self.groups.sort_unstable_by_key(|group| (group.server.ip, group.server.port, group.code));
        let mut summary = Summary {
            attempts_by_outcome: self.attempts,
            unlisted: self.groups,
            patterns,
            ..Summary::default()
        };
        for ((code, outcome), count) in self.sessions {
            *summary.by_code.entry(code).or_default() += count;
            *summary.by_outcome.entry(outcome.as_str()).or_default() += count;
        }
        summary
    }
}
