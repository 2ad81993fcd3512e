//! Entries for a gateway's tunnel. They belong to the phase in which TLS to the gateway was set up: RDP's own phases
//! come after it.

use super::{Timeline, handshake};
use crate::base::{Dir, Span};
use crate::protocol::tsgu::{Packet, PacketType};
use crate::session::{Gateway, Head, Phase};

const PHASE: Phase = Phase::TlsHandshake;

impl Timeline {
    pub(super) fn gateway(&mut self, gateway: &Gateway) {
        if let Some(tls) = &gateway.tls {
            let from = self.0.len();
            handshake(tls, PHASE, PHASE, self);
            for entry in self.0.iter_mut().skip(from) {
                entry.summary = format!("gateway: {}", entry.summary).into();
            }
        }
        for head in &gateway.heads {
            self.head(&head.value, head.span);
        }
        for packet in &gateway.packets {
            let (dir, packet, span) = (packet.value.0, &packet.value.1, packet.span);
            let (kind, summary) = tell(dir, packet);
            let entry = self.add(span, dir, PHASE, kind, summary);
            if let Some((_, status)) = packet.status() {
                entry.details.push(("status", format!("{status:#x}")));
            }
        }
        if let Some(closed) = gateway.closed {
            let (dir, code) = closed.value;
            let code = code.map_or(String::new(), |code| format!(", status {code}"));
            self.add(closed.span, dir, PHASE, "gateway-websocket-close", format!("WebSocket closed{code}"));
        }
    }

    fn head(&mut self, head: &Head, span: Span) {
        match head {
            Head::Request { method, scheme } => {
                let with =
                    scheme.as_ref().map_or(String::new(), |scheme| format!(", credentials by {scheme}"));
                let summary = format!("gateway: HTTP request {method}{with}");
                self.add(span, Dir::ClientToServer, PHASE, "gateway-http-request", summary);
            }
            Head::Response { method, status, challenges, .. } => {
                let more = if *challenges { ", the authentication goes on" } else { "" };
                let summary = format!("gateway: HTTP status {status} to {method}{more}");
                let entry = self.add(span, Dir::ServerToClient, PHASE, "gateway-http-response", summary);
                entry.details.push(("status", status.to_string()));
            }
        }
    }
}

fn tell(dir: Dir, packet: &Packet) -> (&'static str, String) {
    let status = |what: &str, status: u32| match status {
        0 => format!("gateway: {what}: success"),
        status => format!("gateway: {what}: status {status:#x}"),
    };
    match packet {
        Packet::HandshakeRequest(auth) => {
            let names = auth.names().join(", ");
            let with = if names.is_empty() { names } else { format!(": {names}") };
            ("gateway-handshake-request", format!("gateway: handshake request{with}"))
        }
        Packet::HandshakeResponse { status: code, .. } => {
            ("gateway-handshake-response", status("handshake response", *code))
        }
        Packet::TunnelCreate(_) => ("gateway-tunnel-create", "gateway: tunnel create".to_owned()),
        Packet::TunnelAuth(name) => {
            ("gateway-tunnel-auth", format!("gateway: tunnel authorization of {name}"))
        }
        Packet::ChannelCreate { resource, port } => {
            let host = resource.as_deref().unwrap_or_default();
            ("gateway-channel-create", format!("gateway: channel create to {host}:{port}"))
        }
        Packet::Authorized { .. } => {
            ("gateway-tunnel-auth-response", status("tunnel authorization response", 0))
        }
        Packet::Status(PacketType::TUNNEL_RESPONSE, code) => {
            ("gateway-tunnel-response", status("tunnel response", *code))
        }
        Packet::Status(PacketType::TUNNEL_AUTH_RESPONSE, code) => {
            ("gateway-tunnel-auth-response", status("tunnel authorization response", *code))
        }
        Packet::Status(PacketType::CHANNEL_RESPONSE, code) => {
            ("gateway-channel-response", status("channel response", *code))
        }
        Packet::Status(PacketType::CLOSE_CHANNEL, code) => {
            ("gateway-close-channel", status("channel close", *code))
        }
        Packet::Status(PacketType::CLOSE_CHANNEL_RESPONSE, code) => {
            ("gateway-close-channel-response", status("answer to the channel close", *code))
        }
        Packet::Status(PacketType::EXTENDED_AUTH_MSG, code) => {
            let whose = if dir == Dir::ClientToServer { "the client's" } else { "the gateway's" };
            ("gateway-extended-auth", status(&format!("{whose} extended authentication"), *code))
        }
        Packet::Status(kind, code) => ("gateway-message", status(&kind.to_string(), *code)),
        Packet::Other(kind) => ("gateway-message", format!("gateway: {kind}")),
    }
}
