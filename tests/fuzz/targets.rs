//! What each fuzz target does with its bytes: run what reads them, and panic where a promise is broken.
//!
//! Used by the fuzz targets and by `tests/fuzz_regressions.rs`, which replays the inputs kept in
//! `regressions/<target>/`.

#![allow(unreachable_pub, clippy::unwrap_used)]

pub mod sealed;
pub mod udp;

use std::io::Cursor;
use std::net::{IpAddr, Ipv4Addr};

use rdpwhy::analyzer::{Analyzer, Diagnosed, Options};
use rdpwhy::base::{Chunk, Dir, Frame, FrameRef, Gap, Limits, LinkType, PerDir, Stamp, Timestamp};
use rdpwhy::capture::Capture;
use rdpwhy::layers::{DtlsDatagrams, Keys, TlsStream};
use rdpwhy::packet::{Body, Decoder, Meta, Segment, TcpFlags, TcpOptions};
use rdpwhy::protocol::{
    Step, autodetect, certificate, client_info, credssp, dtls, fastpath, first_bytes, gateway_udp, gcc,
    heartbeat, ja, kerberos, license, mcs, multitransport, negotiation, ntlm, preamble, rdpemt, rdpeudp,
    rdpeudp2, rdsaad, rdstls, redirection, security, share, spnego, tls, tpkt, tsgu, x224,
};
use rdpwhy::redact::{Frames, Kinds, Redactor};
use rdpwhy::report::build::{self, Built, Collected};
use rdpwhy::report::choose::Choice;
use rdpwhy::report::{View, html, json, markdown, ndjson, table};
use rdpwhy::session::Tls;
use rdpwhy::session::{Clear, Facts, Reader as ClearReader};
use rdpwhy::transport::{Config, Connections, Finished, Interest, Reader, TcpFacts};

/// What runs one input.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("capture_file", capture_file),
    ("packet", packet),
    ("tcp", tcp),
    ("protocol", protocol),
    ("datagram", datagram),
    ("udp_flow", udp::udp_flow),
    ("security", security_layers),
    ("conversation", conversation),
    ("inside", inside),
    ("http", sealed::http),
    ("keys", sealed::keys),
    ("opener", sealed::opener),
    ("gateway", sealed::gateway),
    ("engine", engine),
    ("redact", redact),
];

/// A capture file of any format and compression.
pub fn capture_file(data: &[u8]) {
    let Ok(mut capture) = Capture::from_reader("fuzz", Cursor::new(data.to_vec()), 0) else { return };
    let mut frames = 0;
    while let Some(frame) = capture.next_frame() {
        frames += 1;
        assert_eq!(frame.at.number(), frames);
        assert!(frame.data.len() <= 256 * 1024);
    }
    assert_eq!(capture.info().packets, frames);
    assert!(capture.next_frame().is_none(), "goes on after its end");
}

/// The frames of a capture file, redacted: none grows, and none fails.
pub fn redact(data: &[u8]) {
    let redactor = Redactor::new(b"fuzz", Kinds::ALL);
    let mut frames = Frames::new(&redactor);
    for again in [false, true] {
        let Ok(mut capture) = Capture::from_reader("fuzz", Cursor::new(data.to_vec()), 0) else { return };
        let mut order = 0;
        while let Some(frame) = capture.next_frame() {
            order += 1;
            if !again {
                frames.learn(&frame, order);
            } else if let Some(made) = frames.rewrite(&frame, order) {
                assert_eq!(made.len(), frame.data.len());
            }
        }
    }
}

/// Frames one after another: link type, length (two bytes), how much was cut, bytes.
pub fn packet(data: &[u8]) {
    const LINKS: [u32; 14] = [0, 1, 9, 12, 14, 101, 105, 108, 113, 127, 228, 229, 276, 147];
    let mut decoder = Decoder::new(&Limits { fragment_datagrams: 4, ..Limits::default() });
    let mut rest = data;
    let mut number = 0;
    while let [link, high, low, cut, bytes @ ..] = rest {
        let len = usize::from(u16::from_be_bytes([*high, *low])).min(bytes.len());
        let (frame, after) = bytes.split_at(len);
        rest = after;
        number += 1;
        let frame = Frame {
            at: FrameRef::new(0, number),
            time: Timestamp(number as i64 * Timestamp::MILLISECOND),
            link: LinkType(LINKS[usize::from(*link) % LINKS.len()]),
            interface: 0,
            data: frame,
            wire_len: frame.len() as u32 + u32::from(*cut),
        };
        let Ok(packet) = decoder.decode(&frame, number) else { continue };
        assert_eq!(packet.meta.stamp.order, number);
        match packet.body {
            Body::Tcp(segment) => {
                assert!(segment.payload.len() <= segment.payload_len as usize);
                assert!(segment.options.0.len() <= 40);
            }
            Body::Udp(datagram) => assert!(datagram.payload.len() <= datagram.payload_len as usize),
            Body::IcmpError(_) | Body::Other(_) => {}
        }
    }
}

/// Checks that a connection's bytes come in order, each once, and are the ones that were sent: a byte's
/// value is its sequence number's lowest eight bits.
#[derive(Debug, Default)]
struct InOrder {
    next: PerDir<Option<u64>>,
    /// Value of the byte at offset 0.
    base: PerDir<Option<u8>>,
}

impl InOrder {
    fn at(&mut self, dir: Dir, offset: u64, len: u64) {
        let next = self.next[dir].unwrap_or(offset);
        assert_eq!(offset, next, "bytes out of order");
        self.next[dir] = Some(offset + len);
    }
}

impl Reader for InOrder {
    fn data(&mut self, _: &TcpFacts, dir: Dir, chunk: Chunk<'_>) -> Interest {
        assert!(chunk.data.len() as u64 <= chunk.len);
        self.at(dir, chunk.offset, chunk.len);
        for (at, &byte) in chunk.data.iter().enumerate() {
            let offset = (chunk.offset + at as u64) as u8;
            let base = *self.base[dir].get_or_insert(byte.wrapping_sub(offset));
            assert_eq!(byte, base.wrapping_add(offset), "not the bytes that were sent");
        }
        Interest::Watch
    }

    fn gap(&mut self, _: &TcpFacts, dir: Dir, gap: Gap) -> Interest {
        assert!(gap.len > 0, "an empty gap");
        self.at(dir, gap.offset, gap.len);
        Interest::Watch
    }
}

/// A script of segments between two hosts, eight bytes each: what (direction, port, how time goes on),
/// flags, where in the stream (two), acknowledgement (two), length, time. Each connection's bytes agree
/// wherever they overlap, so what is handed on must be them.
pub fn tcp(data: &[u8]) {
    let limits = Limits {
        flows: 3,
        watched: 3,
        out_of_order_bytes: 2048,
        out_of_order_segments: 8,
        reassembly_bytes: 4096,
        ..Limits::default()
    };
    let mut connections = Connections::new(&limits, Config { ports: vec![3389] });
    let mut time = Timestamp(1_795_165_200 * Timestamp::SECOND);
    let (mut order, mut sessions) = (0, 0);
    let mut bytes = [0; 600];
    for step in data.chunks_exact(8) {
        let &[what, flags, high, low, ack_high, ack_low, len, wait] = step else { return };
        order += 1;
        time = match what >> 6 {
            0 => time.plus(i64::from(wait) * 1000),
            1 => time.plus(i64::from(wait) * Timestamp::MILLISECOND),
            2 => time.plus(i64::from(wait) * Timestamp::SECOND),
            _ => time.plus(-i64::from(wait) * Timestamp::MILLISECOND),
        };
        let from_client = what & 1 == 0;
        // Near the wrap; from far away now and then.
        let place = |high: u8, low: u8| match high {
            0xff => u32::from(low) << 24,
            _ => 0xffff_fc00_u32.wrapping_add(u32::from(u16::from_be_bytes([high, low]))),
        };
        let seq = place(high, low);
        let payload_len = usize::from(len) * if what & 8 == 0 { 1 } else { 2 };
        let payload = &mut bytes[..payload_len];
        let first = seq.wrapping_add(u32::from(flags & 2 != 0));
        for (at, byte) in payload.iter_mut().enumerate() {
            *byte = first.wrapping_add(at as u32) as u8;
        }
        // What the snapshot length left of it.
        let kept = if what & 16 == 0 { payload_len } else { payload_len.min(usize::from(wait)) };
        let hosts = [Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(10, 0, 0, 1)].map(IpAddr::V4);
        let ports = [50_000 + u16::from(what >> 1 & 3), if what & 32 == 0 { 3389 } else { 443 }];
        let (from, to) = if from_client { (0, 1) } else { (1, 0) };
        let meta = Meta {
            stamp: Stamp { at: FrameRef::new(0, order), time, order },
            interface: 0,
            src: hosts[from],
            dst: hosts[to],
            ttl: 64,
            ip_id: Some(order as u16),
            dont_fragment: true,
            src_mac: None,
            ip_len: 40 + payload_len as u32,
            tunnelled: false,
        };
        let segment = Segment {
            src_port: ports[from],
            dst_port: ports[to],
            seq,
            ack: place(ack_high, ack_low),
            flags: TcpFlags(flags & 0x3f),
            window: u16::from(wait) << 4,
            checksum: order as u16,
            options: TcpOptions(&[]),
            payload: &payload[..kept],
            payload_len: payload_len as u32,
        };
        connections.segment(&meta, &segment, &mut |_| InOrder::default());
        while let Some(finished) = connections.poll() {
            sessions += one(&finished);
        }
    }
    connections.finish();
    while let Some(finished) = connections.poll() {
        sessions += one(&finished);
    }
    assert!(sessions <= order, "{sessions} sessions from {order} segments");
}

/// Checks a finished connection; how many sessions it is.
fn one(finished: &Finished<InOrder>) -> u64 {
    let facts = match finished {
        Finished::Bare(bare) => &bare.facts(),
        Finished::Session { facts, .. } => facts,
        Finished::Other { .. } => return 0,
    };
    assert!(facts.first.order <= facts.last.order);
    for dir in Dir::BOTH {
        let dir = &facts.dir[dir];
        assert!(dir.segments <= dir.packets, "{} segments of {} packets", dir.segments, dir.packets);
        assert!(dir.bytes <= dir.sent, "{} bytes up to offset {}", dir.bytes, dir.sent);
    }
    1
}

/// Checks what a parser of a stream says of its input: it never takes more than there is, and what it
/// asks for is more than it has.
fn step<'a, T: std::fmt::Debug>(input: &'a [u8], parse: impl Fn(&'a [u8]) -> Step<T>) {
    match parse(input) {
        Step::Done(message, used) => {
            assert!(used > 0 && used <= input.len(), "took {used} of {}", input.len());
            let whole = parse(&input[..used]);
            assert!(matches!(whole, Step::Done(_, again) if again == used), "{message:?} became {whole:?}");
            let cut = parse(&input[..used - 1]);
            assert!(!matches!(cut, Step::Done(_, again) if again >= used), "{cut:?}");
        }
        Step::Need(need) => assert!(need > input.len(), "needs {need}, has {}", input.len()),
        Step::Broken(_) => {}
    }
}

/// A selector byte, then a message of that parser.
pub fn protocol(data: &[u8]) {
    let Some((selector, input)) = data.split_first() else { return };
    match selector % 40 {
        0 => {
            step(input, tpkt::parse);
            step(input, tpkt::parse_header);
        }
        1 => match x224::parse(input) {
            Ok(x224::Tpdu::ConnectionRequest(tpdu)) => {
                if let Some(token) = negotiation::request(&tpdu).routing_token {
                    let _ = negotiation::token_address(&token);
                }
            }
            Ok(x224::Tpdu::ConnectionConfirm(tpdu)) => {
                let _ = negotiation::confirm(&tpdu);
            }
            _ => {}
        },
        2 => {
            if let Ok(text) = std::str::from_utf8(input) {
                let _ = negotiation::token_address(text);
            }
        }
        3 => step(input, fastpath::parse_header),
        4 => {
            let _ = mcs::parse(input);
        }
        5 => {
            let _ = gcc::client_data(input);
        }
        6 => {
            let _ = gcc::server_data(input);
        }
        7 => {
            let _ = security::flags(input);
            let _ = license::parse(input);
            if let Ok((_, len)) = share::Share::parse(input) {
                assert!(len > 0 && len <= input.len(), "{len} of {}", input.len());
            }
        }
        8 => {
            step(input, tls::parse_record_header);
            step(input, tls::parse_record);
        }
        9 => {
            step(input, tls::parse_handshake);
            if let Step::Done(tls::HandshakeMessage::ClientHello(hello), _) = tls::parse_handshake(input) {
                let _ = (ja::ja3(&hello), ja::ja4(&hello), hello.versions(), hello.suites());
            }
        }
        10 => {
            let _ = tls::parse_alert(input);
            step(input, tls::parse_ssl2_client_hello);
        }
        11 => {
            let _ = certificate::parse(input);
        }
        12 => step(input, preamble::socks4_request),
        13 => step(input, preamble::socks4_reply),
        14 => step(input, preamble::socks5_methods),
        15 => step(input, preamble::socks5_choice),
        16 => step(input, preamble::socks5_login),
        17 => step(input, preamble::socks5_request),
        18 => step(input, preamble::socks5_reply),
        19 => step(input, preamble::http_connect),
        20 => step(input, preamble::http_reply),
        21 => step(input, preamble::proxy_header),
        22 => step(input, preamble::preconnection),
        24 => step(input, credssp::parse),
        25 => step(input, credssp::parse_authorization),
        26 => {
            let _ = spnego::parse(input);
        }
        27 => {
            let _ = ntlm::parse(input);
        }
        28 => {
            let _ = kerberos::parse(input);
        }
        29 => step(input, rdstls::parse),
        // A zero byte that may follow makes the message one longer.
        30 => {
            let _ = rdsaad::parse(input);
        }
        31 => {
            let _ = client_info::parse(input);
        }
        32 => {
            let _ = redirection::parse(input);
        }
        33 => {
            let _ = autodetect::parse(input);
        }
        34 => {
            let _ = multitransport::parse_request(input);
            let _ = multitransport::parse_response(input);
        }
        35 => {
            let _ = heartbeat::parse(input);
        }
        36 => {
            step(input, tsgu::parse);
            step(input, tsgu::parse_header);
        }
        _ => {
            let _ = first_bytes::recognize(true, input);
            let _ = first_bytes::recognize(false, input);
        }
    }
}

/// How much the snapshot length cut (two bytes), then a UDP payload, for every parser of such.
pub fn datagram(data: &[u8]) {
    let [high, low, bytes @ ..] = data else { return };
    let wire_len = bytes.len() + usize::from(u16::from_be_bytes([*high, *low]) % 2048);
    let opens = rdpeudp::looks_like_syn(bytes, wire_len) || rdpeudp::looks_like_syn_ack(bytes, wire_len);
    let data_v1 = rdpeudp::looks_like_data_v1(bytes, wire_len);
    assert!(!opens || !data_v1);
    match rdpeudp::parse(bytes, wire_len) {
        Ok(datagram) => {
            assert!(datagram.cut.is_none() || wire_len > bytes.len());
            let runs = datagram.ack_vector.map_or(0, |vector| vector.runs().len());
            assert!(runs <= 2048 && runs <= bytes.len());
            if let Some(
                rdpeudp::Payload::Source { data, len, .. } | rdpeudp::Payload::Fec { data, len, .. },
            ) = datagram.payload
            {
                assert_eq!(len - data.len(), wire_len - bytes.len());
            }
        }
        Err(_) => assert!(!opens && !data_v1),
    }
    match rdpeudp2::parse(bytes, wire_len) {
        Ok(packet) => {
            assert!(packet.cut.is_none() || wire_len > bytes.len());
            assert!(packet.ack_vec.map_or(0, |vector| vector.elements().count()) <= 127);
            if let Some(body) = packet.body {
                assert!(body.data.concat().len() <= body.len && body.len < wire_len);
            }
        }
        Err(_) => assert!(!rdpeudp2::looks_like_packet(bytes, wire_len)),
    }
    let mut taken = 0;
    for record in dtls::records(bytes, wire_len).flatten() {
        taken += record.length;
        let Some(body) = record.fragment else { continue };
        step(body, dtls::parse_fragment);
        if let Step::Done(fragment, _) = dtls::parse_fragment(body) {
            let _ = dtls::parse_message(fragment.kind, fragment.body);
        }
    }
    assert!(taken <= wire_len);
    let _ = (dtls::looks_like_dtls(bytes, wire_len), gateway_udp::correlation_id(bytes, wire_len));
    step(bytes, gateway_udp::parse_packet);
    step(bytes, rdpemt::parse);
    if let Step::Done(pdu, _) = rdpemt::parse(bytes) {
        assert!(pdu.subheaders().count() <= 128);
    }
}

/// What TLS and DTLS show: which of them, then direction and kind, length, bytes, again and again.
pub fn security_layers(data: &[u8]) {
    let Some((&which, mut rest)) = data.split_first() else { return };
    let limits = Limits { message_bytes: 4096, ..Limits::default() };
    let keys = Keys::default();
    if which & 2 != 0 {
        // Those of a connection whose random is zeros.
        let (random, secret) = ("0".repeat(64), "0".repeat(96));
        for label in ["CLIENT_RANDOM", "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"] {
            keys.add(format!("{label} {random} {secret}").as_bytes());
        }
    }
    let (mut stream, mut datagrams) =
        (TlsStream::new(&limits, keys.clone()), DtlsDatagrams::new(&limits, keys));
    let mut tls = Tls::default();
    let (mut offsets, mut order) = (PerDir::<u64>::default(), 0_u64);
    while let [what, len, bytes @ ..] = rest {
        let (data, after) = bytes.split_at(usize::from(*len).min(bytes.len()));
        rest = after;
        order += 1;
        let dir = Dir::BOTH[usize::from(what & 1)];
        let stamp = Stamp { at: FrameRef::new(0, order), time: Timestamp(order as i64), order };
        let cut = u64::from(what >> 4);
        let len = data.len() as u64 + if what & 2 == 0 { 0 } else { cut };
        let chunk = Chunk { offset: offsets[dir], data, len, stamp };
        if which & 1 == 1 {
            let _ = tls.datagram(&mut datagrams, dir, &chunk);
            continue;
        }
        let _ = tls.stream(&mut stream, dir, &chunk);
        offsets[dir] += len;
        if what & 4 != 0 {
            let gap = Gap { offset: offsets[dir], len: 1 + cut, acknowledged: true, stamp };
            tls.gap(&mut stream, dir, &gap);
            offsets[dir] += gap.len;
        }
    }
    assert!(tls.recent.len() <= Tls::RECENT && tls.opening.len() <= Tls::OPENING);
    assert!(tls.flights().len() <= tls.opening.len());
    let _ = (tls.version(), tls.shows_handshake(), tls.has_begun());
    for record in &tls.recent {
        let most = tls.hides_at_most(record.length);
        assert!(most <= record.length);
        let _ = (tls.may_be_ultimatum(record), tls.hides_at_least(record.length, most));
    }
}

/// Payload of a connection to port 3389: direction and flags, length, bytes, again and again. Everything
/// arrives in order, so this goes deep into what reads RDP and TLS.
pub fn conversation(data: &[u8]) {
    let mut analyzer = Analyzer::new(Options::default());
    let (mut seqs, mut number) = ([1000_u32, 9000], 0_u64);
    let mut push = |from: usize, flags: u8, payload: &[u8], cut: usize, analyzer: &mut Analyzer| {
        number += 1;
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
        frame.extend((40 + payload.len() as u16).to_be_bytes());
        frame.extend((number as u16).to_be_bytes());
        frame.extend([0x40, 0, 64, 6, 0, 0]);
        let ends = [[10, 0, 0, 2], [10, 0, 0, 1]];
        frame.extend(ends[from]);
        frame.extend(ends[1 - from]);
        let ports = [50_000_u16, 3389];
        frame.extend(ports[from].to_be_bytes());
        frame.extend(ports[1 - from].to_be_bytes());
        frame.extend(seqs[from].to_be_bytes());
        frame.extend(seqs[1 - from].to_be_bytes());
        frame.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        frame.extend(payload);
        seqs[from] = seqs[from].wrapping_add(payload.len() as u32 + u32::from(flags & 3 != 0));
        let wire_len = frame.len() as u32;
        frame.truncate(frame.len() - cut.min(payload.len()));
        analyzer.push(&Frame {
            at: FrameRef::new(0, number),
            time: Timestamp(number as i64 * 20 * Timestamp::MILLISECOND),
            link: LinkType::ETHERNET,
            interface: 0,
            data: &frame,
            wire_len,
        });
    };
    push(0, 0x02, &[], 0, &mut analyzer);
    push(1, 0x12, &[], 0, &mut analyzer);
    push(0, 0x10, &[], 0, &mut analyzer);
    let mut rest = data;
    while let [what, len, bytes @ ..] = rest {
        let len = usize::from(*len) * if what & 2 == 0 { 1 } else { 5 };
        let (payload, after) = bytes.split_at(len.min(bytes.len()));
        rest = after;
        let flags = match what >> 4 {
            14 => 0x11,
            15 => 0x14,
            _ => 0x18,
        };
        // Some of it may be cut, or not be in the capture at all.
        let cut = if what & 0b1100 == 0b0100 { payload.len() / 2 } else { 0 };
        if what & 0b1100 == 0b1000 {
            push(usize::from(what & 1), flags, &[], 0, &mut analyzer);
            continue;
        }
        push(usize::from(what & 1), flags, payload, cut, &mut analyzer);
    }
    let frames = analyzer.overview().frames;
    report(analyzer, Vec::new(), &[], frames);
}

/// Clear bytes as they come out of TLS: direction, length, bytes, again and again.
pub fn inside(data: &[u8]) {
    let (mut facts, mut reader) = (Facts::default(), ClearReader::of_tls(4096));
    let (mut rest, mut order) = (data, 0_u64);
    while let [what, len, bytes @ ..] = rest {
        let (data, after) = bytes.split_at(usize::from(*len).min(bytes.len()));
        rest = after;
        order += 1;
        let stamp = Stamp { at: FrameRef::new(0, order), time: Timestamp(order as i64), order };
        let dir = if what & 1 == 0 { Dir::ClientToServer } else { Dir::ServerToClient };
        let lacks = if what & 6 == 6 { u64::from(what >> 3) } else { 0 };
        let clear = Clear { data, len: data.len() as u64 + lacks, span: stamp.into() };
        reader.push(&mut facts, dir, &clear);
    }
    let Some(inside) = &facts.inside else { return };
    assert!(inside.phases.is_sorted_by_key(|(phase, _)| *phase));
    assert!(inside.messages.iter().count() <= 256 && inside.joined.len() <= 64);
    assert!(inside.messages.iter().all(|message| message.span.first.order <= message.span.last.order));
    assert!(facts.malformed.len() <= 8);
}

/// A whole capture file through reader, engine and every renderer.
pub fn engine(data: &[u8]) {
    let Ok(mut capture) = Capture::from_reader("fuzz", Cursor::new(data.to_vec()), 0) else { return };
    let keys = Keys::default();
    let mut analyzer = Analyzer::new(Options { keys: keys.clone(), ..Options::default() });
    capture.on_secrets(move |secrets| {
        keys.add(&secrets.data);
    });
    let mut done = Vec::new();
    while let Some(frame) = capture.next_frame() {
        analyzer.push(&frame);
        while let Some(diagnosed) = analyzer.poll() {
            done.push(diagnosed);
        }
    }
    let frames = capture.info().packets;
    report(analyzer, done, &[&capture.into_info()], frames);
}

fn report(
    mut analyzer: Analyzer,
    mut done: Vec<Diagnosed>,
    infos: &[&rdpwhy::capture::CaptureInfo],
    frames: u64,
) {
    analyzer.finish();
    while let Some(diagnosed) = analyzer.poll() {
        done.push(diagnosed);
    }
    assert_eq!(analyzer.overview().frames, frames);
    assert!(done.len() as u64 <= frames, "{} sessions from {frames} frames", done.len());
    let options = build::Options { choice: Choice::default(), separate: false };
    let mut collected = Collected::new(options.choice.clone(), 1000);
    for diagnosed in done {
        assert!(!diagnosed.diagnosis.verdict.evidence.is_empty());
        assert!(rdpwhy::session::timeline(&diagnosed.session).len() <= 512);
        collected.push(diagnosed);
    }
    let built = Built::new(infos, &collected, analyzer.overview(), &options);
    let mut text = Vec::new();
    json::write(&built, &mut text).unwrap();
    let _: serde_json::Value = serde_json::from_slice(&text).unwrap();
    text.clear();
    ndjson::write(&built, &mut text).unwrap();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let _: serde_json::Value = serde_json::from_slice(line).unwrap();
    }
    text.clear();
    let view = View { timeline: true, every_story: true, picture: true, ..View::default() };
    table::write(&built, &view, &mut text).unwrap();
    markdown::write(&built, &view, &mut text).unwrap();
    html::write(&built, &html::Made::default(), &view, &mut text).unwrap();
    // What a capture holds must not steer the terminal of whoever reads it.
    let text = String::from_utf8(text).unwrap();
    let odd = text.chars().find(|c| c.is_control() && *c != '\n');
    assert!(odd.is_none(), "{odd:?} in the report");
}
