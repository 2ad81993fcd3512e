//! Sessions that run: which phase each is in.

use std::collections::HashMap;

use rdpwhy::analyzer::Touched;
use rdpwhy::base::Timestamp;
use rdpwhy::report::community_id::{TCP, community_id};
use rdpwhy::report::model::{Server, Time};
use rdpwhy::report::ndjson::PhaseChange;
use rdpwhy::session::Phase;

/// Knows the phase of each session that runs.
#[derive(Debug, Default)]
pub(crate) struct Following {
    /// By the order of the first packet.
    phases: HashMap<u64, Phase>,
}

impl Following {
    /// Sessions followed at a time; more of them are a flood, whose phases nobody reads.
    const MOST: usize = 65_536;

    /// A frame of this session came; tells whether it entered a phase.
    pub(crate) fn touch(&mut self, touched: &Touched<'_>, time: Timestamp) -> Option<PhaseChange> {
        if touched.is_udp() {
            return None;
        }
        if !touched.is_session() {
            // Nor is it, where it seemed so: the second connection of a gateway's session.
            self.over(touched.first.order);
            return None;
        }
        let known = self.phases.get(&touched.first.order).copied();
        // An active session stays active.
        if known == Some(Phase::Active) {
            return None;
        }
        let phase = touched.phase();
        if known.is_some_and(|known| known >= phase) || known.is_none() && self.phases.len() >= Self::MOST {
            return None;
        }
        self.phases.insert(touched.first.order, phase);
        let end = |address: std::net::SocketAddr| Server { ip: address.ip(), port: address.port() };
        Some(PhaseChange {
            id: rdpwhy::report::build::running::id(touched.first),
            time: Time(time),
            start: Time(touched.first.time),
            client: end(touched.client),
            server: end(touched.server),
            community_id: community_id(touched.client, touched.server, TCP),
            phase: phase.into(),
            previous: known.map(Into::into),
        })
    }

    /// The session that began with the packet of this place is over.
    pub(crate) fn over(&mut self, order: u64) {
        self.phases.remove(&order);
    }
}
