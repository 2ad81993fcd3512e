//! A Remote Desktop Gateway's tunnel (MS-TSGU), opened by keys: HTTP inside TLS, the tunnel's own packets inside of
//! that, and the session to the computer behind the gateway inside of those, read as any other.
//!
//! Over HTTP a tunnel has two connections, one a direction, which share an id; over a WebSocket it has one. The
//! connection that brings what the gateway says is the session; the other one gives it what the client says.

mod tunnel;

use std::net::SocketAddr;

use super::Tls;
use crate::base::{Dir, PerDir, Seen, Span};
use crate::protocol::preamble::Target;
use crate::protocol::tsgu::{Packet, PacketType};

pub use tunnel::Gateways;
pub(super) use tunnel::{Ends, Link};

/// What a gateway's connection showed.
#[derive(Debug, Default)]
pub struct Gateway {
    /// What carries the tunnel.
    pub transport: Transport,
    /// TLS between the client and the gateway.
    pub tls: Option<Box<Tls>>,
    /// The client's end of the other connection, which carries what the client says ([`Transport::Http`]), with its
    /// first packet.
    pub incoming: Option<Seen<SocketAddr>>,
    /// Heads of HTTP in order, at most [`Gateway::HEADS`].
    pub heads: Vec<Seen<Head>>,
    /// The tunnel's own packets in order, data and keep-alives apart, at most [`Gateway::PACKETS`].
    pub packets: Vec<Seen<(Dir, Packet)>>,
    /// First data of each direction.
    pub data: PerDir<Option<Span>>,
    /// What an end said as it closed a WebSocket.
    pub closed: Option<Seen<(Dir, Option<u16>)>>,
}

/// What carries a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Two connections of HTTP.
    #[default]
    Http,
    /// One connection.
    WebSocket,
}

impl Transport {
    /// The name used in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Transport::Http => "http",
            Transport::WebSocket => "websocket",
        }
    }
}

/// A head of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// The client asks.
    Request {
        /// RDG_OUT_DATA or RDG_IN_DATA.
        method: String,
        /// The scheme of the credentials that it brings.
        scheme: Option<&'static str>,
    },
    /// The gateway answers.
    Response {
        /// The method of the request.
        method: String,
        /// The scheme of the credentials that the request brought.
        scheme: Option<&'static str>,
        /// Status code.
        status: u16,
        /// Whether the authentication goes on.
        challenges: bool,
    },
}

/// What a gateway refused with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A status code of HTTP.
    Http(u16),
    /// A status of the tunnel: in which packet, and the code.
    Tunnel(PacketType, u32),
}

impl Gateway {
    /// Heads kept: an NTLM logon has three requests on each connection.
    pub const HEADS: usize = 32;
    /// Packets kept: a handshake has ten.
    pub const PACKETS: usize = 32;

    /// The computer behind the gateway that the client asked for.
    pub fn target(&self) -> Option<Seen<Target>> {
        self.packets.iter().find_map(|packet| match &packet.value.1 {
            Packet::ChannelCreate { resource, port } => {
                let host = resource.clone().unwrap_or_default();
                Some(Seen::new(Target { host, port: *port }, packet.span))
            }
            _ => None,
        })
    }

    /// The name that the client gave itself.
    pub fn client_name(&self) -> Option<&str> {
        self.packets.iter().find_map(|packet| match &packet.value.1 {
            Packet::TunnelAuth(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// What the gateway said last of how something went, other than data.
    pub fn last_status(&self) -> Option<Seen<(PacketType, u32)>> {
        let mut said = self.packets.iter().rev().filter(|packet| packet.value.0 == Dir::ServerToClient);
        said.find_map(|packet| Some(Seen::new(packet.value.1.status()?, packet.span)))
    }

    /// Its last status code of HTTP.
    pub fn last_http_status(&self) -> Option<u16> {
        self.heads.iter().rev().find_map(|head| match head.value {
            Head::Response { status, .. } => Some(status),
            Head::Request { .. } => None,
        })
    }

    /// Why the gateway did not let the client through, or threw it out.
    pub fn refusal(&self) -> Option<Seen<Refusal>> {
        let said = self.packets.iter().filter(|packet| packet.value.0 == Dir::ServerToClient);
        let status = said
            .filter_map(|packet| Some((packet.value.1.status()?, packet.span)))
            .find(|((kind, status), _)| refuses(*kind, *status))
            .map(|((kind, status), span)| Seen::new(Refusal::Tunnel(kind, status), span));
        status.or_else(|| self.http_refusal())
    }

    /// A last answer that is an error. Without credentials, or in the middle of an authentication, 401 only asks.
    fn http_refusal(&self) -> Option<Seen<Refusal>> {
        const UNAUTHORIZED: u16 = 401;
        ["RDG_OUT_DATA", "RDG_IN_DATA"].into_iter().find_map(|wanted| {
            let mut answers = self.heads.iter().rev().filter_map(|head| match &head.value {
                Head::Response { method, scheme, status, challenges } if method == wanted => {
                    Some((head.span, *status, scheme.is_none() || *challenges))
                }
                _ => None,
            });
            let (span, status, asks) = answers.next()?;
            let refuses = status >= 400 && !(status == UNAUTHORIZED && asks);
            refuses.then_some(Seen::new(Refusal::Http(status), span))
        })
    }

    /// When something happened in the tunnel's setup, in the middle of a sentence.
    pub fn during(&self) -> &'static str {
        let last = self.packets.last().map(|packet| &packet.value.1);
        match (last, self.heads.last().map(|head| &head.value)) {
            _ if self.data.client_to_server.is_some() || self.data.server_to_client.is_some() => {
                "after the gateway had opened the channel"
            }
            (Some(Packet::ChannelCreate { .. }), _) => {
                "while the gateway connected to the computer behind it"
            }
            (Some(Packet::HandshakeRequest(_) | Packet::HandshakeResponse { .. }), _) => {
                "in the gateway's handshake"
            }
            (Some(_), _) => "while the gateway set up the tunnel",
            (None, Some(Head::Response { status: 401, .. })) => "after the gateway had asked for credentials",
            (None, _) => "while the gateway was asked for a tunnel",
        }
    }
}

/// Whether a status says that the tunnel is not, or no longer, allowed.
fn refuses(kind: PacketType, status: u32) -> bool {
    /// SEC_I_CONTINUE_NEEDED: the authentication goes on.
    const CONTINUE: u32 = 0x0009_0312;
    /// Good order, aborted and already closed: what a close says of a session that ended by itself.
    const ENDS: [u32; 3] = [0x04CA, 0x04D4, 0x59DF];
    let closes = matches!(kind, PacketType::CLOSE_CHANNEL | PacketType::CLOSE_CHANNEL_RESPONSE);
    status != 0 && status != CONTINUE && !(closes && ENDS.contains(&(status & 0xFFFF)))
}

#[cfg(test)]
mod tests;
