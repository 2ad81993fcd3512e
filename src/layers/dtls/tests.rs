use proptest::prelude::*;

use super::vectors::HANDSHAKE;
use super::*;
use crate::base::{FrameRef, Stamp, Timestamp};
use crate::protocol::tls::HandshakeMessage;

fn stamp(order: u64) -> Stamp {
    Stamp { at: FrameRef::new(0, order), time: Timestamp(order as i64), order }
}

fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// What was shown, in short: a message's beginning, or a record's type, length and whether it is sealed;
/// and its first and last frame.
fn shown(seen: &Seen<Security<'_>>) -> (String, u64, u64) {
    let what = match &seen.value {
        Security::Record(record) => {
            format!("{} {}{}", record.content_type, record.length, if record.sealed { " sealed" } else { "" })
        }
        Security::Message(HandshakeMessage::ClientHello(hello)) => {
            format!("ClientHello, cookie {}, {:?}", hello.cookie_len, hello.sni)
        }
        Security::Message(HandshakeMessage::ServerHello(hello)) => {
            format!("ServerHello {} {:#x}", hello.version, hello.cipher)
        }
        Security::Message(HandshakeMessage::Certificate(chain)) => {
            format!("Certificate {:?}", chain.iter().map(|der| der.len()).collect::<Vec<_>>())
        }
        Security::Message(message) => format!("{message:?}"),
        Security::Malformed(malformed) => format!("malformed {malformed}"),
    };
    (what, seen.span.first.order, seen.span.last.order)
}

fn push(reader: &mut DtlsDatagrams, dir: Dir, data: &[u8], order: u64) -> Vec<(String, u64, u64)> {
    let mut all = Vec::new();
    let chunk = Chunk { offset: 0, data, len: data.len() as u64, stamp: stamp(order) };
    reader.push(dir, &chunk, |seen| all.push(shown(&seen))).unwrap();
    all
}

#[test]
fn reads_a_handshake_message_by_message() {
    let mut reader = DtlsDatagrams::new(&Limits::default(), Keys::default());
    let mut all = Vec::new();
    for (number, (dir, text)) in (1..).zip(HANDSHAKE) {
        all.extend(push(&mut reader, dir, &bytes(text), number));
    }
    let sni = "Some(\"gate.example\")";
    let expected = [
        ("handshake 213".to_owned(), 1, 1),
        (format!("ClientHello, cookie 0, {sni}"), 1, 1),
        ("handshake 35".to_owned(), 2, 2),
        (
            "HelloVerifyRequest(HelloVerifyRequest { version: Version(65279), cookie_len: 20 })".to_owned(),
            2,
            2,
        ),
        ("handshake 233".to_owned(), 3, 3),
        (format!("ClientHello, cookie 20, {sni}"), 3, 3),
        ("handshake 73".to_owned(), 4, 4),
        ("ServerHello DTLS 1.2 0xc030".to_owned(), 4, 4),
        ("handshake 473".to_owned(), 4, 4),
        ("handshake 328".to_owned(), 5, 5),
        ("Certificate [771]".to_owned(), 4, 5),
        ("handshake 218".to_owned(), 5, 5),
        ("handshake 102".to_owned(), 6, 6),
        ("ServerKeyExchange".to_owned(), 5, 6),
        ("handshake 12".to_owned(), 6, 6),
        ("ServerHelloDone".to_owned(), 6, 6),
        ("handshake 45".to_owned(), 7, 7),
        ("ClientKeyExchange".to_owned(), 7, 7),
        ("change_cipher_spec 1".to_owned(), 7, 7),
        ("handshake 48 sealed".to_owned(), 7, 7),
        ("handshake 194".to_owned(), 8, 8),
        ("NewSessionTicket".to_owned(), 8, 8),
        ("change_cipher_spec 1".to_owned(), 8, 8),
        ("handshake 48 sealed".to_owned(), 8, 8),
        ("application_data 30 sealed".to_owned(), 9, 9),
        ("alert 26 sealed".to_owned(), 10, 10),
        ("alert 26 sealed".to_owned(), 11, 11),
    ];
    for (got, wanted) in all.iter().zip(&expected) {
        assert_eq!(got, wanted);
    }
    assert_eq!(all.len(), expected.len());
}

#[test]
fn an_alert_in_clear_is_read_and_a_cut_record_is_still_counted() {
    let mut reader = DtlsDatagrams::new(&Limits::default(), Keys::default());
    let alert = bytes("15fefd000000000000000100020228");
    assert_eq!(push(&mut reader, Dir::ServerToClient, &alert, 1), [("alert 2".to_owned(), 1, 1)]);
    let mut lengths = Vec::new();
    let record = bytes("17fefd00010000000000010400 aabb");
    let chunk = Chunk { offset: 0, data: &record, len: 13 + 0x400, stamp: stamp(2) };
    reader.push(Dir::ServerToClient, &chunk, |seen| lengths.push(shown(&seen).0)).unwrap();
    assert_eq!(lengths, ["application_data 1024 sealed"]);
}

#[test]
fn version_13_shows_how_much_it_hides() {
    let mut reader = DtlsDatagrams::new(&Limits::default(), Keys::default());
    // Sequence number of 16 bits and a length; then one of 8 bits, up to the datagram's end.
    let datagram = bytes("2f 1234 0003 aabbcc 22 99 01020304");
    let all: Vec<String> =
        push(&mut reader, Dir::ClientToServer, &datagram, 1).into_iter().map(|shown| shown.0).collect();
    assert_eq!(all, ["application_data 3 sealed", "application_data 4 sealed"]);
}

#[test]
fn bytes_that_are_no_record_are_an_error() {
    let mut reader = DtlsDatagrams::new(&Limits::default(), Keys::default());
    for junk in ["16030300b2010000ae0303", "16fefd0000000000000001ffff00", "16fefd00000000000000010004aabb"] {
        let data = bytes(junk);
        let chunk = Chunk { offset: 0, data: &data, len: data.len() as u64, stamp: stamp(1) };
        assert!(reader.push(Dir::ClientToServer, &chunk, |_| panic!("shown")).is_err(), "{junk}");
    }
}

#[test]
fn what_unfinished_messages_keep_is_bounded() {
    let limits = Limits { message_bytes: 1000, ..Limits::default() };
    let mut reader = DtlsDatagrams::new(&limits, Keys::default());
    for seq in 0..200_u16 {
        for offset in 0..3_u32 {
            push(&mut reader, Dir::ClientToServer, &fragment(11, 900, seq, offset * 200, &[7; 150]), 1);
        }
        let kept = reader.lanes[Dir::ClientToServer].fragments.kept();
        assert!(kept.0 <= 8 && kept.1 <= 1000, "{kept:?}");
    }
    // Bytes one by one.
    for offset in (0..900).step_by(2) {
        push(&mut reader, Dir::ServerToClient, &fragment(11, 900, 1, offset, &[7]), 1);
    }
    let all = push(&mut reader, Dir::ServerToClient, &fragment(11, 1001, 2, 0, &[7]), 1);
    assert!(all[1].0.starts_with("malformed handshake message length"), "{all:?}");
}

#[test]
fn encrypted_records_are_shown_once() {
    let mut replays = Replays::default();
    let fresh: Vec<bool> =
        [(1, 5), (1, 5), (1, 3), (1, 3), (1, 90), (1, 27), (1, 26), (1, 89), (2, 0), (1, 91), (2, 0)]
            .into_iter()
            .map(|(epoch, sequence)| replays.is_new(epoch, sequence))
            .collect();
    assert_eq!(fresh, [true, false, true, false, true, true, false, true, true, false, false]);
}

/// A datagram with one fragment.
fn fragment(kind: u8, length: u32, seq: u16, offset: u32, body: &[u8]) -> Vec<u8> {
    let mut out = vec![22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0];
    out.extend((12 + body.len() as u16).to_be_bytes());
    out.push(kind);
    out.extend(&length.to_be_bytes()[1..]);
    out.extend(seq.to_be_bytes());
    out.extend(&offset.to_be_bytes()[1..]);
    out.extend(&(body.len() as u32).to_be_bytes()[1..]);
    out.extend(body);
    out
}

/// A Certificate message of certificates with these sizes, its bytes counting up.
fn certificate(sizes: &[usize]) -> Vec<u8> {
    let total: usize = sizes.iter().map(|size| size + 3).sum();
    let mut body = (total as u32).to_be_bytes()[1..].to_vec();
    for size in sizes {
        body.extend(&(*size as u32).to_be_bytes()[1..]);
        body.extend((0..*size).map(|at| at as u8));
    }
    body
}

proptest! {
    #[test]
    fn messages_are_the_same_however_they_were_cut_mixed_and_repeated(
        messages in prop::collection::vec(prop::collection::vec(0_usize..900, 1..4), 1..6),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..700), 0..40),
        seed in any::<u64>(),
    ) {
        let bodies: Vec<Vec<u8>> = messages.iter().map(|sizes| certificate(sizes)).collect();
        let mut datagrams = Vec::new();
        for (seq, body) in bodies.iter().enumerate() {
            // All of it, in pieces of 300 bytes; and any pieces besides.
            let mut parts: Vec<(usize, usize)> =
                (0..body.len()).step_by(300).map(|at| (at, (at + 300).min(body.len()))).collect();
            for (at, len) in &cuts {
                let at = at.index(body.len());
                parts.push((at, (at + len).min(body.len())));
            }
            for (from, to) in parts {
                datagrams.push(fragment(11, body.len() as u32, seq as u16, from as u32, &body[from..to]));
            }
        }
        // In an order of its own, some twice.
        let again: Vec<Vec<u8>> = datagrams.iter().step_by(3).cloned().collect();
        datagrams.extend(again);
        let mut state = seed | 1;
        for at in (1..datagrams.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            datagrams.swap(at, (state >> 33) as usize % (at + 1));
        }
        let mut reader = DtlsDatagrams::new(&Limits::default(), Keys::default());
        let mut found = Vec::new();
        for data in &datagrams {
            let chunk = Chunk { offset: 0, data, len: data.len() as u64, stamp: stamp(1) };
            reader.push(Dir::ServerToClient, &chunk, |seen| {
                if let Security::Message(HandshakeMessage::Certificate(chain)) = seen.value {
                    found.push(chain.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
                }
            }).unwrap();
        }
        let mut wanted: Vec<Vec<Vec<u8>>> = messages
            .iter()
            .map(|sizes| sizes.iter().map(|size| (0..*size).map(|at| at as u8).collect()).collect())
            .collect();
        wanted.sort();
        found.sort();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn anything_is_read_or_refused(
        datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
        fragments in prop::collection::vec((any::<u8>(), 0_u32..600, 0_u16..4, 0_u32..600, 0_usize..300), 0..60),
    ) {
        let limits = Limits { message_bytes: 500, ..Limits::default() };
        let mut reader = DtlsDatagrams::new(&limits, Keys::default());
        let made = fragments.into_iter().map(|(kind, length, seq, offset, len)| {
            fragment(kind, length, seq, offset, &vec![kind; len])
        });
        for data in datagrams.into_iter().chain(made) {
            let chunk = Chunk { offset: 0, data: &data, len: data.len() as u64, stamp: stamp(1) };
            let _ = reader.push(Dir::ClientToServer, &chunk, |_| {});
            prop_assert!(reader.lanes[Dir::ClientToServer].fragments.kept().1 <= 500);
        }
    }
}
