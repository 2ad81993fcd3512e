use proptest::prelude::*;

use super::*;
use crate::base::{FrameRef, Limits, Stamp, Timestamp};
use crate::layers::Keys;
use crate::session::{Caller, Clear, Conversation, Facts};

const CONFIRM: &[u8] = b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0";
const REQUEST: &[u8] = b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0";

fn packet(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = (8 + body.len()) as u32;
    [&kind.to_le_bytes()[..], &[0, 0], &length.to_le_bytes(), body].concat()
}

fn data(inner: &[u8]) -> Vec<u8> {
    packet(10, &[&(inner.len() as u16).to_le_bytes()[..], inner].concat())
}

fn status(kind: u16, status: u32) -> Vec<u8> {
    let before: &[u8] = if kind == 5 { &[1, 0] } else { &[] };
    packet(kind, &[before, &status.to_le_bytes()[..], &[0; 4]].concat())
}

/// What a client says until it asks for "ts:3389", and then inside.
fn client(inner: &[u8]) -> Vec<u8> {
    let channel = b"\x01\0\x3d\x0d\x03\0\x06\0t\0s\0\0\0";
    [packet(1, &[1, 0, 0, 0, 0, 0]), packet(8, channel), data(inner)].concat()
}

fn gateway(channel: u32, inner: &[u8]) -> Vec<u8> {
    let handshake = packet(2, &[0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    let end = if channel == 0 { data(inner) } else { Vec::new() };
    [b"0123456789".to_vec(), handshake, status(9, channel), end].concat()
}

fn chunk(body: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n"].concat()
}

fn asks(method: &str, id: &str, fields: &str) -> Vec<u8> {
    format!("{method} /remoteDesktopGateway/ HTTP/1.1\r\nRDG-Connection-Id: {{{id}}}\r\n{fields}\r\n")
        .into_bytes()
}

/// Connections of one client to one gateway.
struct Wire {
    gateways: Gateways,
    frame: u64,
}

impl Wire {
    fn new() -> Self {
        Wire { gateways: Gateways::new(Keys::default()), frame: 0 }
    }

    /// What TLS hid of one packet; whether it may still be a gateway's connection.
    fn say(&mut self, link: &mut Link, port: u16, dir: Dir, bytes: &[u8]) -> bool {
        self.frame += 1;
        let stamp = Stamp {
            at: FrameRef::new(0, self.frame),
            order: self.frame,
            time: Timestamp(self.frame as i64 * Timestamp::MILLISECOND),
        };
        let clear = Clear { data: bytes, len: bytes.len() as u64, span: stamp.into() };
        let ends = Ends {
            client: SocketAddr::from(([10, 0, 0, 2], port)),
            server: SocketAddr::from(([10, 0, 0, 1], 443)),
            first: stamp,
        };
        let limits = Limits::default();
        let inner = || Conversation::inner(&limits, Keys::default(), Caller::default());
        link.push(&self.gateways, ends, dir, &clear, inner)
    }
}

fn facts(link: Link) -> Facts {
    link.into_facts(Facts::default())
}

const C: Dir = Dir::ClientToServer;
const S: Dir = Dir::ServerToClient;

/// A tunnel over HTTP: what its two connections show.
fn over_http(in_first: bool, channel: u32, size: usize) -> (Link, Link) {
    let (mut wire, mut out, mut incoming) = (Wire::new(), Link::default(), Link::default());
    let mut say = |link: &mut Link, port, dir, bytes: &[u8]| {
        bytes.chunks(size).for_each(|piece| assert!(wire.say(link, port, dir, piece)));
    };
    let ask_out = asks("RDG_OUT_DATA", "1", "Content-Length: 0\r\n");
    let ask_in = asks("RDG_IN_DATA", "1", "Transfer-Encoding: chunked\r\n");
    if in_first {
        say(&mut incoming, 2, C, &ask_in);
        say(&mut out, 1, C, &ask_out);
    } else {
        say(&mut out, 1, C, &ask_out);
        say(&mut incoming, 2, C, &ask_in);
    }
    say(&mut out, 1, S, b"HTTP/1.1 200 OK\r\n\r\n");
    say(&mut incoming, 2, S, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    say(&mut incoming, 2, C, &chunk(&client(REQUEST)));
    say(&mut out, 1, S, &gateway(channel, CONFIRM));
    (out, incoming)
}

#[test]
fn two_connections_of_http_are_one_session() {
    for (in_first, size) in [(false, 1000), (true, 1000), (false, 1), (true, 7)] {
        let (out, incoming) = over_http(in_first, 0, size);
        assert!(out.is_gateway() && !out.is_second() && incoming.is_second());
        let facts = facts(out);
        assert!(facts.request.is_some() && facts.confirm.is_some(), "{size}");
        let gateway = facts.gateway.unwrap();
        assert_eq!(gateway.transport, Transport::Http);
        assert_eq!(gateway.target().unwrap().value.to_string(), "ts:3389");
        assert_eq!(gateway.incoming.unwrap().value.port(), 2);
        assert_eq!(gateway.last_status().unwrap().value, (PacketType::CHANNEL_RESPONSE, 0));
        assert_eq!((gateway.refusal(), gateway.last_http_status()), (None, Some(200)));
        assert_eq!(gateway.during(), "after the gateway had opened the channel");
    }
}

#[test]
fn the_status_of_a_refusal_is_kept() {
    let (out, _) = over_http(false, 0x8007_59DA, 1000);
    let gateway = facts(out).gateway.unwrap();
    let refusal = gateway.refusal().unwrap();
    assert_eq!(refusal.value, Refusal::Tunnel(PacketType::CHANNEL_RESPONSE, 0x8007_59DA));
}

#[test]
fn one_direction_alone_tells_nothing_of_the_session_inside() {
    let (mut wire, mut out) = (Wire::new(), Link::default());
    wire.say(&mut out, 1, C, &asks("RDG_OUT_DATA", "1", ""));
    wire.say(&mut out, 1, S, b"HTTP/1.1 200 OK\r\n\r\n");
    wire.say(&mut out, 1, S, &gateway(0, CONFIRM));
    let facts_out = facts(out);
    assert!(facts_out.confirm.is_none() && facts_out.gateway.is_some());

    let (mut wire, mut incoming) = (Wire::new(), Link::default());
    wire.say(&mut incoming, 2, C, &asks("RDG_IN_DATA", "1", "Transfer-Encoding: chunked\r\n"));
    wire.say(&mut incoming, 2, C, &chunk(&client(REQUEST)));
    assert!(!incoming.is_second());
    assert!(facts(incoming).request.is_none());
}

#[test]
fn bytes_that_lack_end_what_is_read_of_a_setup() {
    let (mut wire, mut link) = (Wire::new(), Link::default());
    wire.say(&mut link, 1, C, &asks("RDG_OUT_DATA", "1", "Upgrade: websocket\r\n"));
    wire.say(&mut link, 1, S, b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
    let framed = |bytes: Vec<u8>| [&[0x82, bytes.len() as u8][..], &bytes].concat();
    wire.say(&mut link, 1, C, &framed(client(REQUEST)));
    link.lose(S);
    wire.say(&mut link, 1, S, &framed(gateway(0, CONFIRM)));
    let facts = facts(link);
    assert!(facts.request.is_none());
    assert_eq!(facts.gateway.unwrap().transport, Transport::WebSocket);
}

/// Nothing is read behind a packet that contradicts itself, not even in the same body.
#[test]
fn an_unsound_packet_ends_its_direction() {
    let (mut wire, mut link) = (Wire::new(), Link::default());
    wire.say(&mut link, 1, C, &asks("RDG_OUT_DATA", "1", "Upgrade: websocket\r\n"));
    wire.say(&mut link, 1, S, b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
    let framed = |bytes: Vec<u8>| [&[0x82, bytes.len() as u8][..], &bytes].concat();
    wire.say(&mut link, 1, C, &framed(client(REQUEST)));
    let unsound = packet(10, &[200, 0, 1]);
    let status = status(16, 0x8007_59F6);
    wire.say(&mut link, 1, S, &framed([gateway(0, &[]), unsound, data(CONFIRM), status].concat()));
    let gateway = facts(link).gateway.unwrap();
    assert_eq!(gateway.last_status().unwrap().value, (PacketType::CHANNEL_RESPONSE, 0));
    assert!(gateway.refusal().is_none());
}

#[test]
fn another_try_with_the_same_id_is_another_session() {
    let (mut wire, mut first, mut second) = (Wire::new(), Link::default(), Link::default());
    let ask = asks("RDG_OUT_DATA", "1", "Authorization: NTLM x\r\n");
    wire.say(&mut first, 1, C, &ask);
    wire.say(&mut first, 1, S, b"HTTP/1.1 401 no\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n");
    wire.say(&mut second, 3, C, &ask);
    assert!(!first.is_second() && !second.is_second());
    let gateway = facts(first).gateway.unwrap();
    assert_eq!(gateway.refusal().unwrap().value, Refusal::Http(401));
    assert_eq!(facts(second).gateway.unwrap().heads.len(), 1);
}

#[test]
fn asking_for_credentials_is_no_refusal() {
    let answers = |fields: &str, status: &str, offer: &str| {
        let (mut wire, mut link) = (Wire::new(), Link::default());
        wire.say(&mut link, 1, C, &asks("RDG_OUT_DATA", "1", fields));
        let answer =
            format!("HTTP/1.1 {status} no\r\nWWW-Authenticate: {offer}\r\nContent-Length: 0\r\n\r\n");
        wire.say(&mut link, 1, S, answer.as_bytes());
        facts(link).gateway.unwrap().refusal().map(|refusal| refusal.value)
    };
    assert_eq!(answers("", "401", "NTLM"), None);
    assert_eq!(answers("Authorization: NTLM x\r\n", "401", "NTLM y"), None);
    assert_eq!(answers("Authorization: NTLM x\r\n", "401", "NTLM"), Some(Refusal::Http(401)));
    assert_eq!(answers("Authorization: Basic x\r\n", "401", "Basic realm=\"x\""), Some(Refusal::Http(401)));
    assert_eq!(answers("", "503", "NTLM"), Some(Refusal::Http(503)));
}

#[test]
fn ordinary_ends_are_no_refusal() {
    let close = PacketType::CLOSE_CHANNEL;
    assert!(!refuses(close, 0x8007_59DF) && !refuses(close, 0x04CA) && !refuses(close, 0));
    assert!(refuses(close, 0x8007_59F6) && refuses(PacketType::CHANNEL_RESPONSE, 0x8007_59DF));
    assert!(!refuses(PacketType::EXTENDED_AUTH_MSG, 0x0009_0312));
}

#[test]
fn other_connections_are_let_go() {
    let (mut wire, mut link) = (Wire::new(), Link::default());
    assert!(!wire.say(&mut link, 1, C, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert!(!link.is_gateway());
    assert!(!wire.say(&mut Link::default(), 1, C, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
}

proptest! {
    #[test]
    fn never_panics(pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..60)), 0..20)) {
        let (mut wire, mut link) = (Wire::new(), Link::default());
        wire.say(&mut link, 1, C, &asks("RDG_OUT_DATA", "1", "Upgrade: websocket\r\n"));
        wire.say(&mut link, 1, S, b"HTTP/1.1 101 x\r\n\r\n\x82\x14");
        wire.say(&mut link, 1, S, &gateway(0, b"")[10..30]);
        for (client, piece) in pieces {
            wire.say(&mut link, 1, if client { C } else { S }, &piece);
        }
        let _ = facts(link);
    }
}
