//! Which frames belong to sessions: by their ends, and by where in the captures they stand.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use crate::base::{Frame, Stamp, Timestamp};
use crate::packet::{Belongs, Flow, FragmentOf, flow};

/// How long after a session's last packet others of its ends are still its own: a verdict looks that far.
const LINGER: i64 = 2 * Timestamp::SECOND;
/// Datagrams whose first fragment is remembered.
const DATAGRAMS: usize = 4096;

/// A session, or a UDP flow of one, to be taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// UDP rather than TCP.
    pub udp: bool,
    /// The end that opened it.
    pub client: SocketAddr,
    /// The other end.
    pub server: SocketAddr,
    /// Its first packet.
    pub first: Stamp,
    /// Its last packet.
    pub last: Stamp,
}

/// Stretches of the captures, in order and apart from each other.
#[derive(Debug, Default)]
struct Stretches(Vec<(Stamp, Stamp)>);

impl Stretches {
    /// They come in the order of their first packets.
    fn add(&mut self, session: &Taken) {
        match self.0.last_mut() {
            Some((_, last)) if session.first.order <= last.order => {
                if session.last.order > last.order {
                    *last = session.last;
                }
            }
            _ => self.0.push((session.first, session.last)),
        }
    }

    fn have(&self, frame: &Frame<'_>, order: u64, opens: bool) -> bool {
        let begun = self.0.partition_point(|(first, _)| first.order <= order);
        let Some((_, last)) = begun.checked_sub(1).and_then(|at| self.0.get(at)) else { return false };
        order <= last.order || (frame.time <= last.time.plus(LINGER) && !opens)
    }
}

type Between<K> = HashMap<K, Stretches, ahash::RandomState>;

/// The frames that are wanted.
#[derive(Debug, Default)]
pub struct Wanted {
    all: bool,
    /// By client and server.
    flows: Between<(bool, SocketAddr, SocketAddr)>,
    ends: Between<(IpAddr, IpAddr)>,
    datagrams: HashMap<FragmentOf, bool, ahash::RandomState>,
}

impl Wanted {
    /// Every frame.
    pub fn all() -> Self {
        Wanted { all: true, ..Wanted::default() }
    }

    /// The frames of these sessions, the ICMP errors that quote them and their IP fragments.
    pub fn of(sessions: impl Iterator<Item = Taken>) -> Self {
        let mut sessions: Vec<Taken> = sessions.collect();
        sessions.sort_by_key(|session| session.first.order);
        let mut wanted = Wanted::default();
        for session in &sessions {
            let (client, server) = (session.client, session.server);
            wanted.flows.entry((session.udp, client, server)).or_default().add(session);
            wanted.ends.entry((client.ip(), server.ip())).or_default().add(session);
        }
        wanted
    }

    /// Whether the frame is one of them; `order` is its place in the order of reading, from 1.
    pub fn takes(&mut self, frame: &Frame<'_>, order: u64) -> bool {
        if self.all {
            return true;
        }
        match flow(frame) {
            Belongs::Flow(flow) => self.takes_flow(&flow, frame, order),
            Belongs::Fragment(of, flow) => {
                if let Some(flow) = flow {
                    let takes = self.takes_flow(&flow, frame, order);
                    if self.datagrams.len() >= DATAGRAMS {
                        self.datagrams.clear();
                    }
                    self.datagrams.insert(of, takes);
                    return takes;
                }
                // One that came before the first of its datagram may be of any flow between these ends.
                let (from, to) = of.ends();
                let near = |ends| self.ends.get(&ends).is_some_and(|ends| ends.have(frame, order, false));
                self.datagrams.get(&of).copied().unwrap_or_else(|| near((from, to)) || near((to, from)))
            }
            Belongs::Nowhere => false,
        }
    }

    fn takes_flow(&self, flow: &Flow, frame: &Frame<'_>, order: u64) -> bool {
        let takes = |client, server| {
            let stretches = self.flows.get(&(flow.udp, client, server));
            stretches.is_some_and(|stretches| stretches.have(frame, order, flow.opens))
        };
        takes(flow.from, flow.to) || takes(flow.to, flow.from)
    }
}
