//! How far a connection got, by what its payload showed so far: also asked while it still runs.

use super::{Facts, Phase, Session, Shape};
use crate::base::{Dir, Seen, Span};
use crate::protocol::negotiation::{NegotiationResponse, Protocols};

impl Facts {
    /// The protocol that the Connection Confirm chose; a confirm without negotiation chose Standard RDP
    /// Security.
    pub fn selected(&self) -> Option<Seen<Protocols>> {
        let confirm = self.confirm.as_ref()?;
        match &confirm.value.negotiation {
            Some(NegotiationResponse::Response { selected, .. }) => Some(Seen::new(*selected, confirm.span)),
            None => Some(Seen::new(Protocols::RDP, confirm.span)),
            Some(_) => None,
        }
    }

    /// Whether keys opened the records of TLS.
    pub fn is_decrypted(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.decrypted)
    }

    /// How far it got inside TLS: read, or by the shape of its records.
    pub fn shape(&self) -> Shape {
        match &self.tls {
            // Without a readable ServerHello nobody knows which records belong to the handshake. Without
            // version and suite, lengths tell nothing, nor where the handshake ended.
            Some(tls) if tls.decrypted => self.inside.as_deref().map_or_else(Shape::default, |inside| {
                Shape { entered: inside.phases.clone(), license_open: inside.license_open() }
            }),
            Some(tls) if tls.server_hello.is_some() && !self.midstream => {
                Shape::of(tls, self.selected().map(|selected| selected.value), self.is_direct())
            }
            _ => Shape::default(),
        }
    }

    /// Where the session was seen to be active.
    pub fn active_since(&self, shape: &Shape) -> Option<Span> {
        if let Some(inside) = &self.inside
            && let Some(span) = inside.active
        {
            return Some(span);
        }
        let tls = self.tls.as_ref()?;
        let server = &tls.data[Dir::ServerToClient];
        let client = &tls.data[Dir::ClientToServer];
        if self.midstream && !tls.shows_handshake() {
            return server.first.filter(|_| client.records > 0);
        }
        let enough = server.records >= Session::ACTIVE_RECORDS && server.bytes >= Session::ACTIVE_BYTES
            || server.bytes >= Session::ACTIVE_BULK;
        shape.when(Phase::Active).or(server.last.filter(|_| enough))
    }

    /// The latest phase that the wire shows was entered.
    pub fn phase(&self, shape: &Shape) -> Phase {
        if self.active_since(shape).is_some() {
            return Phase::Active;
        }
        if let Some(inside) = &self.inside
            && let Some((phase, _)) = inside.phases.last()
        {
            return *phase;
        }
        if let Some(tls) = &self.tls {
            if let Some((phase, _)) = shape.entered.last() {
                return *phase;
            }
            if self.midstream && Dir::BOTH.into_iter().any(|dir| tls.data[dir].records > 0) {
                return Phase::McsConnect;
            }
            if tls.begun[Dir::ClientToServer].is_some() || tls.shows_handshake() {
                return Phase::TlsHandshake;
            }
        }
        // Behind a gateway the phase is the latest in the order of phases, and its TLS came first.
        if self.gateway.is_some() {
            return Phase::TlsHandshake;
        }
        if self.request.is_some() || self.confirm.is_some() {
            return Phase::X224Negotiation;
        }
        Phase::TcpConnect
    }
}
