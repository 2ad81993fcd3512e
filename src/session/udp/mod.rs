//! What happened in one RDP-UDP flow (MS-RDPEUDP, MS-RDPEUDP2, MS-RDPEMT): how it was opened, how far it got,
//! what each direction lost, and which TCP session it belongs to.

mod flow;
mod inside;
mod join;
mod recognize;
mod timeline;
mod traffic;

pub use flow::{Flow, Opening, Since, Speech};
pub use inside::{Create, Tunnel};
pub use recognize::Recognizer;
pub use timeline::udp_timeline;
pub use traffic::{Measured, Stuck};

use super::{Phase, Repeats};
use crate::base::{Absence, Dir, PerDir, Seen, Span, Stamp, Timestamp, Until};
use crate::protocol::rdpeudp::UdpVersion;
use crate::transport::Ended;
use crate::transport::IcmpError;
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
    /// The flow's tunnel request names the session's invitation.
    Invitation,
    /// The flow's SYN names the cookie of the session's invitation.
    CookieHash,
    /// Both name one correlation id.
    CorrelationId,
    /// They have the same hosts, and the flow began when the session was ready for it.
    HostsAndTime,
}

impl Joined {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Joined::Invitation => "the same request id and security cookie",
            Joined::CookieHash => "the same security cookie",
            Joined::CorrelationId => "the same correlation id",
            Joined::HostsAndTime => "the same hosts and time",
        }
    }
}

/// One end went on, and nothing came back.
#[derive(Clone, Copy, Debug)]
pub struct Silence {
    /// The end that was silent, as the sender of this direction.
    pub silent: Dir,
    /// What the other end sent meanwhile.
    pub sent: Repeats,
    /// For how long after the first of those, in nanoseconds.
    pub lasted: i64,
    /// The silent end's last datagram.
    pub last: Option<Stamp>,
}

impl UdpSession {
    /// A flow that is over.
    pub fn new(udp: UdpFacts, mut flow: Flow) -> Self {
        flow.finish();
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
        self.flow.syn.as_ref().map(|syn| syn.lossy).or(self.flow.inside.is_dtls())
    }

    /// The MTU that both ends agreed on, in bytes of UDP payload: the smallest that either named.
    pub fn mtu(&self) -> Option<u16> {
        let answer = self.flow.syn_ack.as_ref()?;
        let asked = self.flow.syn.as_ref().map_or(answer.mtu, |syn| syn.mtu);
        Some(answer.mtu.0.min(answer.mtu.1).min(asked.0).min(asked.1))
    }

    /// The latest phase that the wire shows was entered.
    pub fn phase(&self) -> Phase {
        let inside = &self.flow.inside;
        if self.active_since().is_some() {
            Phase::UdpActive
        } else if inside.request().is_some() {
            Phase::UdpTunnel
        } else if inside.tls.begun[Dir::ClientToServer].is_some() || inside.tls.shows_handshake() {
            Phase::UdpSecurity
        } else {
            Phase::UdpConnect
        }
    }

    /// Where the flow was seen to be active: data after the tunnel's answer; where its opening is not in the
    /// capture, data both ways.
    pub fn active_since(&self) -> Option<Span> {
        if self.flow.syn.is_none() && self.flow.syn_ack.is_none() && !self.flow.inside.tls.shows_handshake() {
            let both = Dir::BOTH.into_iter().all(|dir| self.flow.spoke[dir].is_some());
            return self.flow.spoke[Dir::ServerToClient].filter(|_| both).map(Span::from);
        }
        self.flow.inside.active()
    }

    /// What each direction lost; `None` where the capture cannot show it.
    pub fn measured(&self) -> PerDir<Measured> {
        PerDir::from_fn(|dir| self.flow.measured(dir, self.udp.dir[dir.flip()].last.map(|last| last.time)))
    }

    /// Loss of a direction in per cent. What is not repeated, only the other end's reports tell.
    pub fn loss_pct(&self, dir: Dir) -> Option<f64> {
        let told = self.lossy() != Some(true) || self.udp.dir[dir.flip()].datagrams > 0;
        self.measured()[dir].loss_pct().filter(|_| told)
    }

    /// Round trip in nanoseconds from the capture point to the receiver of `dir` and back.
    pub fn rtt(&self, dir: Dir) -> Option<i64> {
        self.measured()[dir].rtt.or_else(|| self.opening_rtt(dir))
    }

    /// The opening's round trip, where nothing of it was repeated.
    fn opening_rtt(&self, dir: Dir) -> Option<i64> {
        let once = |opening: &Opening| (opening.seen.count == 1).then_some(opening.seen.first);
        let syn = self.flow.syn.as_ref().and_then(once)?;
        let answer = self.flow.syn_ack.as_ref().and_then(once)?;
        let took = match dir {
            Dir::ClientToServer => answer.time.since(syn.time),
            Dir::ServerToClient => self.flow.spoke[Dir::ClientToServer]?.time.since(answer.time),
        };
        (took > 0).then_some(took)
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

    /// The first ICMP error that says that what `dir` sent does not arrive, from its receiver's address.
    pub fn closed(&self, dir: Dir) -> Option<&Seen<IcmpError>> {
        let receiver = match dir {
            Dir::ClientToServer => self.udp.server,
            Dir::ServerToClient => self.udp.client,
        };
        let quoted = self.udp.icmp[dir].as_deref()?;
        (self.too_big(dir).is_none() && quoted.error.value.from == receiver.ip()).then_some(&quoted.error)
    }

    /// Datagrams of `dir` that never arrived though its receiver was there.
    pub fn stuck(&self, dir: Dir) -> Option<Stuck> {
        self.flow.stuck(dir, self.udp.dir[dir.flip()].last.map(|last| last.time))
    }

    /// One end kept sending what must be answered, and the other was silent.
    pub fn silence(&self) -> Option<Silence> {
        /// Neither end need send anything sooner: four keep-alives in 65 s (MS-RDPEUDP, appendix A).
        const KEEP_ALIVE: i64 = 65 * Timestamp::SECOND;
        /// Fewer may cross on their way, or come after the other end's last one.
        const ENOUGH: u32 = 3;
        Dir::BOTH.into_iter().find_map(|dir| {
            let since = self.flow.since[dir]?;
            // A client that closed its socket has ended the flow.
            if dir == Dir::ServerToClient && self.closed(dir).is_some() {
                return None;
            }
            let alive = since.all.last.time.since(since.all.first.time) >= KEEP_ALIVE;
            let data = since.data.filter(|data| data.count >= ENOUGH);
            let sent = data.or(Some(since.all).filter(|_| alive))?;
            let lasted = self.watched_until().since(sent.first.time);
            Some(Silence { silent: dir.flip(), sent, lasted, last: self.udp.dir[dir.flip()].last })
        })
    }

    /// The client's SYNs, where nothing at all came back.
    pub fn unanswered_syns(&self) -> Option<Repeats> {
        let syn = self.flow.syn.as_ref()?;
        let silent =
            self.udp.dir[Dir::ServerToClient].datagrams == 0 && self.flow.spoke.client_to_server.is_none();
        silent.then_some(syn.seen)
    }
}
