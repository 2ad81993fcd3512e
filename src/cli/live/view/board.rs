//! What the live table shows, bounded: sessions that run, and the last that are over.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rdpwhy::analyzer::Touched;
use rdpwhy::base::Timestamp;
use rdpwhy::report::build::running::id;
use rdpwhy::report::model::{Phase, Session};

/// Sessions that run and are followed; of a flood, nobody reads more.
const RUNNING: usize = 4096;
/// Those among them that may only be half open.
const HALF_OPEN: usize = 256;
/// Sessions that are over.
const OVER: usize = 256;
/// Rows of sessions that run in a picture.
const SHOWN: usize = 512;

/// A session that runs.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) id: u64,
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    /// When it entered each phase.
    pub(super) phases: Vec<(Phase, Timestamp)>,
    pub(super) last: Timestamp,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) rate: Rate,
    half_open: bool,
}

/// Packets and bytes in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rate {
    pub(super) packets: f64,
    pub(super) bytes: f64,
    before: (u64, u64),
}

impl Rate {
    /// `packets` and `bytes` are what it came to, `seconds` after the last time; what lies longer ago counts less.
    fn go_on(&mut self, packets: u64, bytes: u64, seconds: f64) {
        let (packets_before, bytes_before) = std::mem::replace(&mut self.before, (packets, bytes));
        let share = (seconds / 2.0).min(1.0);
        let go_on = |rate: &mut f64, more: u64| {
            *rate += (more as f64 / seconds - *rate) * share;
            // It would never be nothing.
            if *rate < 0.05 {
                *rate = 0.0;
            }
        };
        if seconds > 0.0 {
            go_on(&mut self.packets, packets.saturating_sub(packets_before));
            go_on(&mut self.bytes, bytes.saturating_sub(bytes_before));
        }
    }
}

/// How it stands at a time.
#[derive(Debug, Default)]
pub(super) struct Picture {
    /// The newest first.
    pub(super) running: Vec<Running>,
    /// All that run.
    pub(super) all_running: usize,
    /// The one that ended last first.
    pub(super) over: Vec<Arc<Session>>,
    /// Sessions that are over, shown or not.
    pub(super) by_outcome: BTreeMap<&'static str, u64>,
    pub(super) rate: Rate,
    pub(super) packets: u64,
    pub(super) lost: u64,
}

/// What the capture keeps for the pictures.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// By the order of the first packet.
    running: HashMap<u64, Running>,
    half_open: usize,
    over: VecDeque<Arc<Session>>,
    by_outcome: BTreeMap<&'static str, u64>,
    rate: Rate,
    drawn: Option<Instant>,
}

impl Board {
    /// A frame of a session that runs.
    pub(super) fn touch(&mut self, touched: &Touched<'_>, time: Timestamp, bytes: u64) {
        let order = touched.first.order;
        if touched.is_udp() {
            return;
        }
        if !touched.is_session() {
            // Nor is it, where it seemed so: the second connection of a gateway's session.
            return self.leave(order);
        }
        let half_open = !touched.has_spoken();
        if !self.running.contains_key(&order) {
            if self.running.len() >= RUNNING || half_open && self.half_open >= HALF_OPEN {
                return;
            }
            self.half_open += usize::from(half_open);
            let new = Running {
                id: id(touched.first),
                client: touched.client,
                server: touched.server,
                phases: Vec::new(),
                last: time,
                packets: 0,
                bytes: 0,
                rate: Rate::default(),
                half_open,
            };
            self.running.insert(order, new);
        }
        let Some(row) = self.running.get_mut(&order) else { return };
        if row.half_open && !half_open {
            row.half_open = false;
            self.half_open -= 1;
        }
        (row.packets, row.bytes, row.last) = (row.packets + 1, row.bytes + bytes, time);
        let known = row.phases.last().map(|(phase, _)| *phase);
        // An active session stays active.
        if known == Some(Phase::Active) {
            return;
        }
        let phase = Phase::from(touched.phase());
        if known.is_none_or(|known| known < phase) {
            row.phases.push((phase, time));
        }
    }

    /// A session is over; `told` is what is said of it.
    pub(super) fn over(&mut self, order: u64, outcome: &'static str, told: Option<&Session>) {
        *self.by_outcome.entry(outcome).or_default() += 1;
        self.leave(order);
        if let Some(session) = told {
            self.over.push_front(Arc::new(session.clone()));
            self.over.truncate(OVER);
        }
    }

    fn leave(&mut self, order: u64) {
        if let Some(row) = self.running.remove(&order) {
            self.half_open -= usize::from(row.half_open);
        }
    }

    /// How it stands; so many packets and bytes were captured, and so many packets lost.
    pub(super) fn picture(&mut self, packets: u64, bytes: u64, lost: u64, now: Instant) -> Picture {
        let seconds = self.drawn.replace(now).map_or(0.0, |drawn| now.duration_since(drawn).as_secs_f64());
        self.rate.go_on(packets, bytes, seconds);
        for row in self.running.values_mut() {
            row.rate.go_on(row.packets, row.bytes, seconds);
        }
        let mut running: Vec<&Running> = self.running.values().collect();
        // Those that have said something before those that have not, then the newest first.
        let place = |row: &&Running| (row.half_open, std::cmp::Reverse(row.id));
        if running.len() > SHOWN {
            running.select_nth_unstable_by_key(SHOWN, place);
            running.truncate(SHOWN);
        }
        running.sort_unstable_by_key(place);
        Picture {
            running: running.into_iter().cloned().collect(),
            all_running: self.running.len(),
            over: self.over.iter().cloned().collect(),
            by_outcome: self.by_outcome.clone(),
            rate: self.rate,
            packets,
            lost,
        }
    }
}
