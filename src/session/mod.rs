//! What happened in one connection: facts with their frames, how far it got, who ended it and how.

mod conversation;
mod gateway;
mod inside;
mod path;
mod phase;
mod reached;
mod returns;
mod shape;
mod timeline;
mod tls;
mod udp;

use crate::base::{Absence, Dir, Seen, Span, Stamp, Timestamp, Until};
use crate::layers::Preamble;
use crate::protocol::first_bytes::PreambleKind;
use crate::protocol::negotiation::{ConnectionConfirm, ConnectionRequest, Protocols};
use crate::transport::TcpFacts;

pub use crate::layers::KeyFit;
pub use crate::transport::{Closing, DirFacts, Ended, Repeats, Rst, SeriesSpan};

pub use conversation::Conversation;
pub use gateway::{Gateway, Gateways, Head, Refusal, Transport};
pub use inside::{
    Clear, Inside, Licensing, Line, Logon, Message, Messages, Multitransport, Nla, Pdu, Reader,
};
pub use path::{BlackHole, End, Loss, Shown, Stall, Vantage, Waits};
pub use phase::Phase;
pub use returns::{Call, Caller, Calls, Return};
pub use shape::Shape;
pub use timeline::{Entry, timeline};
pub use tls::{Alert, Flight, Hidden, Record, Tls};
pub use udp::{
    Flow, Joined, Measured, Opening, Recognizer, Silence, Since, Speech, Stuck, Tunnel, UdpSession,
    udp_timeline,
};

/// What the payload of a connection showed.
#[derive(Debug, Default)]
pub struct Facts {
    /// SOCKS, HTTP CONNECT, PROXY protocol or preconnection blob before RDP.
    pub preambles: Vec<Seen<Preamble>>,
    /// The tunnel of a Remote Desktop Gateway, which all the rest is inside of.
    pub gateway: Option<Box<Gateway>>,
    /// X.224 Connection Request.
    pub request: Option<Seen<ConnectionRequest>>,
    /// X.224 Connection Confirm.
    pub confirm: Option<Seen<ConnectionConfirm>>,
    /// TLS.
    pub tls: Option<Box<Tls>>,
    /// What clear messages showed: under Standard RDP Security, or decrypted.
    pub inside: Option<Box<Inside>>,
    /// The first bytes of an end belong to another protocol.
    pub foreign: Option<Seen<Foreign>>,
    /// A Disconnect Provider Ultimatum in clear on a connection that had turned to TLS (xrdp).
    pub clear_ultimatum: Option<Seen<Dir>>,
    /// The capture begins after the connection did, so the negotiation is not in it.
    pub midstream: bool,
    /// What the capture lacks of the payload.
    pub holes: Vec<Seen<Hole>>,
    /// Messages that are no sound message of their protocol, at most a few.
    pub malformed: Vec<Seen<String>>,
}

impl Facts {
    /// Whether security comes before RDP's own negotiation, after a preconnection PDU: a virtual machine's console
    /// (MS-RDPEPS; MS-RDPBCGR, section 5.4.2.2).
    pub fn is_direct(&self) -> bool {
        self.preambles.iter().any(|preamble| preamble.value.kind == PreambleKind::Preconnection)
    }

    /// Whether RDP was recognized.
    pub fn is_rdp(&self) -> bool {
        self.request.is_some() || self.confirm.is_some() || self.is_direct()
    }

    /// Whether TLS is up, or the setup beyond it: cheap, and no more than a hint at what the session is worth.
    fn is_secured(&self) -> bool {
        let tls = self.tls.as_ref().is_some_and(|tls| {
            tls.established.is_some() || tls.data[Dir::ServerToClient].records > Session::ACTIVE_RECORDS
        });
        tls || self
            .inside
            .as_ref()
            .is_some_and(|inside| inside.client_info.is_some() || inside.active.is_some())
    }

    /// Oddities kept of a session; more of them tell nothing new.
    const KEPT: usize = 8;

    /// A message that is no sound one.
    fn odd(&mut self, text: String, span: Span) {
        if self.malformed.len() < Self::KEPT {
            self.malformed.push(Seen::new(text, span));
        }
    }
}

/// Another protocol than RDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Who spoke it.
    pub dir: Dir,
    /// Its name, where known.
    pub name: Option<&'static str>,
}

/// Bytes that the capture lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Of this direction.
    pub dir: Dir,
    /// Offset in the direction's stream, in bytes.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
}

/// One TCP connection that is RDP, or was meant to be.
#[derive(Debug)]
pub struct Session {
    /// Handshake, teardown and counters.
    pub tcp: Box<TcpFacts>,
    /// Payload.
    pub facts: Facts,
    /// What the records inside TLS show by their shape.
    pub shape: Shape,
    /// How the client, which left before the session was active, came back: seen in its next connection.
    pub returned: Option<Seen<Return>>,
}

impl Session {
    /// Joins what TCP and the payload showed.
    pub fn new(tcp: impl Into<Box<TcpFacts>>, facts: Facts) -> Self {
        let shape = facts.shape();
        Session { tcp: tcp.into(), facts, shape, returned: None }
    }

    /// The server's records and bytes after the TLS handshake that prove graphics: connection sequence
    /// and licensing together stay well below.
    pub const ACTIVE_RECORDS: u64 = 20;
    /// See [`Session::ACTIVE_RECORDS`].
    pub const ACTIVE_BYTES: u64 = 16 * 1000;
    /// Bytes of the server that prove graphics, however few the records.
    pub const ACTIVE_BULK: u64 = 64 * 1000;

    /// The protocol that the Connection Confirm chose; a confirm without negotiation chose Standard RDP
    /// Security.
    pub fn selected(&self) -> Option<Seen<Protocols>> {
        self.facts.selected()
    }

    /// Whether the session reached an active desktop.
    pub fn is_active(&self) -> bool {
        self.active_since().is_some()
    }

    /// Where the session was seen to be active.
    pub fn active_since(&self) -> Option<Span> {
        self.facts.active_since(&self.shape)
    }

    /// The latest phase that the wire shows was entered.
    pub fn phase(&self) -> Phase {
        self.facts.phase(&self.shape)
    }

    /// Set Error Info values that are ordinary ends: nothing, and the user's own disconnect and logoff.
    pub const ORDINARY_ENDS: [u32; 3] = [0, 0xB, 0xC];

    /// Beyond security and not active yet: the settings exchange was begun.
    pub fn in_setup(&self) -> bool {
        let inside = self.facts.inside.as_ref().and_then(|inside| inside.reached());
        let begun = inside >= Some(Phase::McsConnect) || self.shape.when(Phase::McsConnect).is_some();
        begun && !self.is_active() && !self.facts.midstream && self.is_whole()
    }

    /// In the exchange of CredSSP, RDSTLS or RDSAAD: begun, and nothing of MCS yet.
    pub fn in_nla(&self) -> bool {
        self.phase() == Phase::Nla && self.is_whole()
    }

    /// Whether the capture lacks nothing of either end, so that order and lengths can be believed.
    fn is_whole(&self) -> bool {
        let framed = self.facts.tls.as_ref().is_none_or(|tls| !tls.misframed);
        framed && self.facts.holes.is_empty() && !self.lacks_any()
    }

    /// Who ended the connection first: by an encrypted alert (close_notify, mostly), FIN or RST; refusals apart.
    pub fn left(&self) -> Option<Closing> {
        let alerts = Dir::BOTH.into_iter().filter_map(|dir| {
            let stamp = self.facts.tls.as_ref()?.hidden_alert[dir]?.first;
            Some(Closing { dir, reset: false, stamp })
        });
        alerts.chain(self.tcp.closing).min_by_key(|left| left.stamp.order)
    }

    /// Where the server's side ended the connection before the client did.
    pub fn server_end(&self) -> Option<Closing> {
        self.left().filter(|left| left.dir == Dir::ServerToClient)
    }

    /// Whether the chosen protocol begins with an authentication inside TLS.
    pub fn uses_nla(&self) -> bool {
        self.facts.is_direct() || self.selected().is_some_and(|selected| selected.value != Protocols::SSL)
    }

    /// The end that closed the connection first, unless it only answered a refusal.
    pub fn closed_by(&self) -> Option<Dir> {
        self.tcp.closing.map(|closing| closing.dir)
    }

    /// The packet of the sender of `dir` that closed the connection, if that end was the first to.
    pub fn closed_first(&self, dir: Dir, reset: bool) -> Option<Stamp> {
        self.tcp.closing.filter(|c| c.dir == dir && c.reset == reset).map(|c| c.stamp)
    }

    /// Whether the capture lacks bytes of `dir` that the other end acknowledged.
    pub fn lacks(&self, dir: Dir) -> bool {
        let facts = &self.tcp.dir[dir];
        facts.acked > facts.sent || facts.gaps > 0
    }

    /// Whether the capture lacks bytes of either end that were acknowledged.
    pub fn lacks_any(&self) -> bool {
        Dir::BOTH.into_iter().any(|dir| self.lacks(dir))
    }

    /// Whether the packets of one whole direction are missing though its sender was there.
    pub fn missing_direction(&self) -> Option<Dir> {
        Dir::BOTH.into_iter().find(|&dir| {
            let (this, other) = (&self.tcp.dir[dir], &self.tcp.dir[dir.flip()]);
            let only_syns = self.tcp.syn.is_some_and(|syn| u64::from(syn.count) >= other.packets);
            this.packets == 0 && other.packets > 0 && !only_syns
        })
    }

    /// Whether the sender of `dir` sent bytes that neither the capture shows nor the other end
    /// acknowledged: they were lost before the capture point.
    pub fn holes(&self, dir: Dir) -> bool {
        self.tcp.dir[dir].holes > 0
    }

    /// What ended the wait for a packet that never came, where no end closed.
    pub fn until(&self) -> Until {
        if self.tcp.ended == Ended::CaptureEnded { Until::CaptureEnded } else { Until::LetGo }
    }

    /// The server (or client) owed an answer to the message that ended at `after`, and stayed silent long
    /// enough to say so (what the other end sends as it gives up needs no answer): 1 s where the other end
    /// gave up, 5 s where the capture ended.
    pub fn silence(&self, silent: Dir, after: Stamp) -> Option<Absence> {
        const GAVE_UP: i64 = Timestamp::SECOND;
        const CAPTURE_ENDED: i64 = 5 * Timestamp::SECOND;
        if self.lacks(silent) {
            return None;
        }
        match self.left() {
            Some(closing) if closing.dir == silent => None,
            Some(closing) => (closing.stamp.time.since(after.time) >= GAVE_UP).then_some(Absence {
                after,
                until: closing.stamp.time,
                ended: Until::GaveUp(closing.stamp),
            }),
            None => (self.tcp.observed_until.since(after.time) >= CAPTURE_ENDED).then_some(Absence {
                after,
                until: self.tcp.observed_until,
                ended: self.until(),
            }),
        }
    }

    /// Whether the other end's TCP stack acknowledged everything that the sender of `dir` sent.
    pub fn acknowledged(&self, dir: Dir) -> bool {
        let facts = &self.tcp.dir[dir];
        facts.acked >= facts.sent
    }

    /// A RST ended an active session, and neither end had said goodbye before: no FIN, no hidden alert
    /// (close_notify), no Disconnect Provider Ultimatum.
    pub fn abrupt_reset(&self) -> Option<Closing> {
        let closing = self.tcp.closing.filter(|closing| closing.reset && self.is_active())?;
        if self.lost().is_some() {
            return None;
        }
        let goodbye = |span: &Span| span.first.before(&closing.stamp);
        let tls_goodbye = self.facts.tls.as_ref().is_some_and(|tls| {
            tls.hidden_alert.client_to_server.as_ref().is_some_and(goodbye)
                || tls.hidden_alert.server_to_client.as_ref().is_some_and(goodbye)
                || tls.recent.iter().any(|record| tls.may_be_ultimatum(record))
        });
        let clear_goodbye = self.facts.inside.as_ref().is_some_and(|inside| inside.ultimatum.is_some());
        (!tls_goodbye && !clear_goodbye).then_some(closing)
    }
}

/// "SSL, HYBRID" or "RDP (Standard RDP Security)".
pub fn protocols_text(protocols: Protocols) -> String {
    if protocols == Protocols::RDP {
        return "RDP (Standard RDP Security)".to_owned();
    }
    let names = protocols.names();
    if names.is_empty() { format!("{:#x}", protocols.0) } else { names.join(", ") }
}
