//! What happened in one RDP-UDP flow (MS-RDPEUDP, MS-RDPEUDP2, MS-RDPEMT): how it was opened, how far it got,
//! what each direction lost, and which TCP session it belongs to.

mod flow;
mod join;
mod recognize;
mod timeline;

pub use flow::{Flow, Opening, Speech};
pub use recognize::Recognizer;
pub use timeline::udp_timeline;

use super::{Phase, Repeats};
use crate::base::{Absence, Dir, Stamp, Timestamp, Until};
use crate::protocol::rdpeudp::UdpVersion;
use crate::transport::Ended;
use crate::transport::TooBig;
use crate::transport::udp::{Quoted, UdpFacts};

/// One RDP-UDP flow.
#[derive(Debug)]
pub struct UdpSession {
    /// Datagrams, ICMP errors, and why it was over.
    pub udp: UdpFacts,
    /// What the datagrams said.
    pub flow: Flow,
    /// How its TCP session was found; `None` where that is not in the capture.
    pub joined: Option<Joined>,
    /// The packet with which its TCP session ended.
    pub tcp_end: Option<Stamp>,
}

/// How a flow's TCP session was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// Both name one correlation id.
    CorrelationId,
    /// They have the same hosts, and the flow began when the session was ready for it.
    HostsAndTime,
}

impl Joined {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Joined::CorrelationId => "the same correlation id",
            Joined::HostsAndTime => "the same hosts and time",
        }
    }
}

impl UdpSession {
    /// A flow that is over.
    pub fn new(udp: UdpFacts, flow: Flow) -> Self {
        UdpSession { udp, flow, joined: None, tcp_end: None }
    }

    /// The version that both ends speak: 1, 2 or 3; `None` where nothing shows it.
    pub fn version(&self) -> Option<u8> {
        match self.flow.speech() {
            Some(Speech::Packets) => return Some(3),
            None if self.flow.syn_ack.is_none() => return None,
            Some(Speech::Datagrams) | None => {}
        }
        let answered = self.flow.syn_ack.as_ref()?;
        Some(match answered.version {
            None | Some(UdpVersion::RDPUDP_PROTOCOL_VERSION_1) => 1,
            Some(UdpVersion::RDPUDP_PROTOCOL_VERSION_3) => 3,
            Some(_) => 2,
        })
    }

    /// Whether the flow may lose datagrams (DTLS inside) rather than repeat them (TLS inside).
    pub fn lossy(&self) -> Option<bool> {
        self.flow.syn.as_ref().map(|syn| syn.lossy)
    }

    /// The MTU that both ends agreed on, in bytes of UDP payload: the smallest that either named.
    pub fn mtu(&self) -> Option<u16> {
        let answer = self.flow.syn_ack.as_ref()?;
        let asked = self.flow.syn.as_ref().map_or(answer.mtu, |syn| syn.mtu);
        Some(answer.mtu.0.min(answer.mtu.1).min(asked.0).min(asked.1))
    }

    /// The latest phase that the wire shows was entered.
    pub fn phase(&self) -> Phase {
        Phase::UdpConnect
    }

    /// The packets of one whole direction are missing though its sender was there.
    pub fn missing_direction(&self) -> Option<Dir> {
        Dir::BOTH.into_iter().find(|&dir| {
            // The other end went on as only one does that was answered.
            self.udp.dir[dir].datagrams == 0 && self.flow.spoke[dir.flip()].is_some()
        })
    }

    /// Until when an answer would count: the TCP session's end, or as long as the flow was followed.
    pub fn watched_until(&self) -> Timestamp {
        self.tcp_end.map_or(self.udp.observed_until, |end| end.time.min(self.udp.observed_until))
    }

    /// What ended the wait for a datagram that never came.
    pub fn until(&self) -> Until {
        match (self.tcp_end, self.udp.ended) {
            (Some(end), _) => Until::GaveUp(end),
            (None, Ended::CaptureEnded) => Until::CaptureEnded,
            (None, _) => Until::LetGo,
        }
    }

    /// Nothing came after `after`.
    pub fn absence(&self, after: Stamp) -> Absence {
        Absence { after, until: self.watched_until(), ended: self.until() }
    }

    /// The first ICMP error about a datagram of `dir`, where that calls it too big for a link.
    pub fn too_big(&self, dir: Dir) -> Option<&Quoted> {
        self.udp.icmp[dir].as_deref().filter(|quoted| TooBig::is(&quoted.error.value))
    }

    /// The client's SYNs, where nothing at all came back.
    pub fn unanswered_syns(&self) -> Option<Repeats> {
        let syn = self.flow.syn.as_ref()?;
        let silent =
            self.udp.dir[Dir::ServerToClient].datagrams == 0 && self.flow.spoke.client_to_server.is_none();
        silent.then_some(syn.seen)
    }
}
