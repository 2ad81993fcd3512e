//! The RDP-UDP flows beside the TCP sessions: followed, held until their session ends, and handed to it.
//!
//! A flow stays here until its TCP session is over, at most as long as the two hosts have a connection that may
//! still turn out to be it; a flow without one is a session of its own.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::base::{Limits, Timestamp};
use crate::layers::Keys;
use crate::packet::{Datagram, IcmpError, Meta};
use crate::session::{Flow, Recognizer, Session, UdpSession};
use crate::transport::udp::{Flows, UdpFacts};

/// Two hosts: client and server.
type Hosts = (IpAddr, IpAddr);

/// See the module's description.
#[derive(Debug)]
pub(super) struct UdpDesk {
    flows: Flows<Flow>,
    recognizer: Recognizer,
    /// Flows that are over while a TCP session may claim them, by their hosts and the order in which they ended.
    waiting: BTreeMap<(Hosts, u64), UdpSession>,
    /// The hosts of each, oldest end first.
    ended: BTreeMap<u64, Hosts>,
    /// Flows that ever waited.
    count: u64,
    /// Each connection that may be RDP holds the token of its hosts.
    connected: HashMap<Hosts, Arc<()>, ahash::RandomState>,
    /// Entries of `connected` after the last sweep.
    swept: usize,
    /// Most that wait.
    limit: usize,
    alone: VecDeque<UdpSession>,
}

/// `connected` is swept when it has doubled, and not below this.
const SWEEP: usize = 1024;

impl UdpDesk {
    pub(super) fn new(limits: &Limits, keys: Keys) -> Self {
        UdpDesk {
            flows: Flows::new(limits),
            recognizer: Recognizer::new(limits, keys),
            waiting: BTreeMap::new(),
            ended: BTreeMap::new(),
            count: 0,
            connected: HashMap::default(),
            swept: 0,
            limit: limits.udp_flows,
            alone: VecDeque::new(),
        }
    }

    /// What a TCP connection of these hosts holds as long as it may be RDP.
    pub(super) fn token(&mut self, client: IpAddr, server: IpAddr) -> Arc<()> {
        if self.connected.len() >= SWEEP.max(self.swept.saturating_mul(2)) {
            self.connected.retain(|_, token| Arc::strong_count(token) > 1);
            self.swept = self.connected.len();
        }
        Arc::clone(self.connected.entry((client, server)).or_default())
    }

    /// Whether nothing is followed, waits or is over.
    pub(super) fn is_empty(&self) -> bool {
        self.flows.is_empty() && self.waiting.is_empty() && self.alone.is_empty()
    }

    /// Flows that are followed, or wait for their session.
    pub(super) fn len(&self) -> usize {
        self.flows.len() + self.waiting.len()
    }

    /// Whether a flow that nobody claims waits for [`UdpDesk::poll`].
    #[inline]
    pub(super) fn any_alone(&self) -> bool {
        !self.alone.is_empty()
    }

    /// Whether a flow may be over by itself at `now`.
    #[inline]
    pub(super) fn may_expire(&self, now: Timestamp) -> bool {
        self.flows.may_expire(now)
    }

    /// Takes a datagram; whether it is RDP-UDP.
    pub(super) fn datagram(&mut self, meta: &Meta, datagram: &Datagram<'_>) -> bool {
        let known = self.flows.datagram(meta, datagram, &mut self.recognizer);
        self.collect();
        known
    }

    /// The flow between two ends, if it is not over.
    pub(super) fn open_between(&self, one: SocketAddr, other: SocketAddr) -> Option<(&UdpFacts, &Flow)> {
        self.flows.open_between(one, other)
    }

    pub(super) fn icmp(&mut self, meta: &Meta, error: &IcmpError) {
        self.flows.icmp(meta, error);
    }

    #[inline]
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.flows.advance(now);
        self.collect();
    }

    /// The flows of a TCP session that is over.
    pub(super) fn of(&mut self, session: &Session) -> Vec<UdpSession> {
        let mut owned = Vec::new();
        if self.is_empty() {
            return owned;
        }
        let tcp = &session.tcp;
        self.flows.advance(tcp.observed_until);
        self.collect();
        let hosts = (tcp.client.ip(), tcp.server.ip());
        let owns = |udp: &UdpFacts, flow: &Flow| session.owns(udp, flow).is_some();
        for (udp, flow) in self.flows.take(hosts, tcp.ended, tcp.observed_until, owns) {
            self.wait(UdpSession::new(udp, flow));
        }
        let waiting: Vec<u64> =
            self.waiting.range((hosts, 0)..=(hosts, u64::MAX)).map(|((_, at), _)| *at).collect();
        for at in waiting {
            let Some(held) = self.waiting.get(&(hosts, at)) else { continue };
            let joined = session.owns(&held.udp, &held.flow);
            if joined.is_none() && self.may_be_claimed(&held.udp) {
                continue;
            }
            let Some(mut held) = self.waits_no_more(at) else { continue };
            if joined.is_none() {
                self.alone.push_back(held);
            } else {
                held.joined = joined;
                held.tcp_end = tcp.closing.map(|closing| closing.stamp);
                owned.push(held);
            }
        }
        owned.sort_by_key(|session| session.udp.first.order);
        owned
    }

    /// Hands out what waits longest for its session, or else gives up the flow that tells least; `false` where there
    /// is none.
    pub(super) fn give_up(&mut self) -> bool {
        let oldest = self.ended.first_key_value().map(|(&oldest, _)| oldest);
        let first = oldest.and_then(|oldest| self.waits_no_more(oldest));
        let any = first.is_some();
        self.alone.extend(first);
        let any = any || self.flows.give_up();
        self.collect();
        any
    }

    /// Flows that were given up so far.
    pub(super) fn given_up(&self) -> u64 {
        self.flows.given_up()
    }

    /// The capture ended; every TCP session was handed out.
    pub(super) fn finish(&mut self) {
        self.flows.finish();
        self.ended.clear();
        let mut rest: Vec<UdpSession> = std::mem::take(&mut self.waiting).into_values().collect();
        while let Some((udp, flow)) = self.flows.poll() {
            rest.push(UdpSession::new(udp, flow));
        }
        rest.sort_by_key(|session| session.udp.first.order);
        self.alone.extend(rest);
    }

    /// The next flow whose TCP session is not in the capture.
    pub(super) fn poll(&mut self) -> Option<UdpSession> {
        self.alone.pop_front()
    }

    #[inline]
    fn collect(&mut self) {
        if self.flows.any_over() {
            self.take_over();
        }
    }

    #[cold]
    fn take_over(&mut self) {
        while let Some((udp, flow)) = self.flows.poll() {
            let session = UdpSession::new(udp, flow);
            if !self.may_be_claimed(&session.udp) {
                self.alone.push_back(session);
                continue;
            }
            if self.waiting.len() >= self.limit
                && let Some((&oldest, _)) = self.ended.first_key_value()
            {
                let oldest = self.waits_no_more(oldest);
                self.alone.extend(oldest);
            }
            self.wait(session);
        }
    }

    fn wait(&mut self, session: UdpSession) {
        let hosts = hosts_of(&session.udp);
        self.count += 1;
        self.ended.insert(self.count, hosts);
        self.waiting.insert((hosts, self.count), session);
    }

    fn waits_no_more(&mut self, at: u64) -> Option<UdpSession> {
        self.waiting.remove(&(self.ended.remove(&at)?, at))
    }

    fn may_be_claimed(&self, udp: &UdpFacts) -> bool {
        self.connected.get(&hosts_of(udp)).is_some_and(|token| Arc::strong_count(token) > 1)
    }
}

fn hosts_of(udp: &UdpFacts) -> Hosts {
    (udp.client.ip(), udp.server.ip())
}
