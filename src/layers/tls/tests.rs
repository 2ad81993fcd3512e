//! Decryption of what OpenSSL's client and server said (`../vectors/keyed.txt`).

use super::*;
use crate::base::{FrameRef, Stamp, Timestamp};
use crate::protocol::tls::AlertDescription;

struct Vector {
    name: &'static str,
    log: String,
    pieces: Vec<(Dir, Vec<u8>)>,
}

/// Those of TLS; those of DTLS.
fn vectors() -> Vec<Vector> {
    all().into_iter().filter(|vector| vector.name.starts_with("tls")).collect()
}

fn all() -> Vec<Vector> {
    let mut vectors: Vec<Vector> = Vec::new();
    for line in include_str!("../vectors/keyed.txt").lines().filter(|line| !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap();
        let unhex = || (0..rest.len()).step_by(2).map(|i| u8::from_str_radix(&rest[i..i + 2], 16).unwrap());
        match word {
            "==" => vectors.push(Vector { name: rest, log: String::new(), pieces: Vec::new() }),
            "c" => vectors.last_mut().unwrap().pieces.push((Dir::ClientToServer, unhex().collect())),
            "s" => vectors.last_mut().unwrap().pieces.push((Dir::ServerToClient, unhex().collect())),
            _ => vectors.last_mut().unwrap().log.extend([line, "\n"]),
        }
    }
    assert_eq!(vectors.len(), 18);
    vectors
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    data: PerDir<Vec<u8>>,
    alerts: PerDir<Vec<Vec<u8>>>,
    opened: u64,
    unopened: u64,
    unknown: u64,
    certificates: usize,
}

/// Feeds the pieces, each cut into parts of `size` bytes, without those whose number is in `lost`.
fn read(pieces: &[(Dir, Vec<u8>)], keys: &Keys, size: usize, lost: &[usize]) -> Read {
    let mut stream = TlsStream::new(&Limits::default(), keys.clone());
    let mut read = Read::default();
    let mut offsets = PerDir { client_to_server: 0, server_to_client: 0 };
    let mut order = 0;
    for (at, (dir, piece)) in pieces.iter().enumerate() {
        let dir = *dir;
        let mut show = |shown: Seen<Security<'_>>| match shown.value {
            Security::Record(SecurityRecord { sealed: true, hides, .. }) => match hides {
                Hides::Opened(ContentType::application_data, clear) => {
                    read.opened += 1;
                    read.data[dir].extend_from_slice(clear);
                }
                Hides::Opened(kind, clear) => {
                    read.opened += 1;
                    if kind == ContentType::alert {
                        read.alerts[dir].push(clear.to_vec());
                    }
                }
                Hides::Unopened => read.unopened += 1,
                Hides::Unknown => read.unknown += 1,
            },
            Security::Message(HandshakeMessage::Certificate(chain)) => read.certificates += chain.len(),
            Security::Malformed(malformed) => panic!("{malformed}"),
            _ => {}
        };
        let mut stamp = || {
            order += 1;
            Stamp { at: FrameRef::new(0, order), time: Timestamp(order as i64), order }
        };
        if lost.contains(&at) {
            let (offset, len) = (offsets[dir], piece.len() as u64);
            stream.gap(dir, &Gap { offset, len, acknowledged: true, stamp: stamp() }, &mut show);
            offsets[dir] += len;
            continue;
        }
        for data in piece.chunks(size) {
            let chunk = Chunk { offset: offsets[dir], data, len: data.len() as u64, stamp: stamp() };
            stream.push(dir, &chunk, &mut show).unwrap();
            offsets[dir] += data.len() as u64;
        }
    }
    read
}

fn keys(log: &str) -> Keys {
    let keys = Keys::default();
    assert_eq!(keys.add(log.as_bytes()).unknown, 0);
    keys
}

#[test]
fn every_suite_is_opened_however_it_is_cut() {
    for Vector { name, log, pieces } in vectors() {
        let keys = keys(&log);
        let whole = read(&pieces, &keys, usize::MAX, &[]);
        let (sent, answered) = if name.contains("256-gcm") && name.starts_with("tls13") {
            // A KeyUpdate lies between them.
            (&b"ping one\nping two\n"[..], &b"eno gnip\nowt gnip\n"[..])
        } else {
            (&b"ping one\n"[..], &b"eno gnip\n"[..])
        };
        assert_eq!(whole.data.client_to_server, sent, "{name}");
        assert_eq!(whole.data.server_to_client, answered, "{name}");
        assert_eq!((whole.unopened, whole.unknown), (0, 0), "{name}");
        assert!(whole.opened >= 4, "{name}: {whole:?}");
        assert!(whole.certificates >= 1, "{name}");
        let goodbye = [1, AlertDescription::close_notify.0];
        assert_eq!(whole.alerts.client_to_server, [goodbye], "{name}");
        for size in [1, 7, 100] {
            assert_eq!(read(&pieces, &keys, size, &[]), whole, "{name}, {size} bytes a piece");
        }
    }
}

#[test]
fn without_the_right_keys_nothing_is_opened() {
    for Vector { name, log, pieces } in vectors() {
        let none = read(&pieces, &Keys::default(), usize::MAX, &[]);
        assert!(none.opened == 0 && none.unopened == 0 && none.unknown > 0, "{name}: {none:?}");
        let wrong: String = log
            .lines()
            .flat_map(|line| {
                let (head, last) = line.split_at(line.len() - 1);
                [head, if last == "0" { "1\n" } else { "0\n" }]
            })
            .collect();
        let wrong = read(&pieces, &keys(&wrong), usize::MAX, &[]);
        assert!(wrong.opened == 0 && wrong.unopened > 0, "{name}: {wrong:?}");
        assert!(wrong.data.client_to_server.is_empty() && wrong.data.server_to_client.is_empty());
    }
}

#[test]
fn what_the_capture_lacks_costs_no_later_record() {
    for Vector { name, log, pieces } in vectors() {
        // The server's answer is lost; its goodbye comes after it, where it sends one.
        let answer = pieces.iter().rposition(|(dir, piece)| *dir == Dir::ServerToClient && piece[0] == 23);
        let read = read(&pieces, &keys(&log), usize::MAX, &[answer.unwrap()]);
        assert_eq!(read.data.client_to_server.get(..9), Some(&b"ping one\n"[..]), "{name}");
        let later = read.alerts.server_to_client.len();
        let sent = pieces[answer.unwrap() + 1..].iter().any(|(dir, _)| *dir == Dir::ServerToClient);
        // Chained blocks of TLS 1.0 need the record before: its last block is in the lost one.
        assert_eq!(later > 0, sent && !name.starts_with("tls10"), "{name}: {read:?}");
    }
}

#[test]
fn traffic_secrets_alone_open_what_follows_the_handshake() {
    for Vector { name, log, pieces } in vectors().into_iter().filter(|v| v.name.starts_with("tls13")) {
        let some: String = log
            .lines()
            .filter(|line| !line.contains("HANDSHAKE"))
            .flat_map(|line| {
                [
                    line, "
",
                ]
            })
            .collect();
        let read = read(&pieces, &keys(&some), usize::MAX, &[]);
        assert_eq!(read.data.client_to_server.get(..9), Some(&b"ping one\n"[..]), "{name}: {read:?}");
        assert!(read.unopened > 0, "the handshake stays hidden");
    }
}

/// A key log that is written while its connection runs. In TLS 1.3 the server's first record may be there sooner.
#[test]
fn secrets_that_come_while_the_connection_runs_open_it() {
    for Vector { name, log, pieces } in vectors() {
        let (keys, mut asked) = (Keys::default(), i32::from(!name.starts_with("tls13")));
        let (begun, lines): (String, _) = (log.split_inclusive('\n').take(2).collect(), log);
        keys.on_miss(move |keys| {
            asked += 1;
            keys.add(match asked {
                1 => b"",
                2 => begun.as_bytes(),
                _ => lines.as_bytes(),
            });
        });
        let read = read(&pieces, &keys, usize::MAX, &[]);
        assert_eq!(read.data.client_to_server.get(..9), Some(&b"ping one\n"[..]), "{name}: {read:?}");
        assert_eq!(read.data.server_to_client.get(..9), Some(&b"eno gnip\n"[..]), "{name}: {read:?}");
        assert!(read.unknown <= 1, "{name}: {read:?}");
    }
}

/// Only the server's handshake secret is there when its first record comes; the rest comes with the client's.
#[test]
fn secrets_of_one_end_come_before_the_others() {
    for Vector { name, log, pieces } in vectors().into_iter().filter(|v| v.name.starts_with("tls13")) {
        let keys = Keys::default();
        let first: String =
            log.split_inclusive('\n').filter(|line| line.starts_with("SERVER_HANDSHAKE")).collect();
        let mut asked = 0;
        keys.on_miss(move |keys| {
            asked += 1;
            keys.add(if asked < 6 { first.as_bytes() } else { log.as_bytes() });
        });
        let read = read(&pieces, &keys, usize::MAX, &[]);
        assert_eq!(read.data.client_to_server.get(..9), Some(&b"ping one\n"[..]), "{name}: {read:?}");
        assert_eq!(read.data.server_to_client.get(..9), Some(&b"eno gnip\n"[..]), "{name}: {read:?}");
        assert_eq!(read.certificates, 1, "{name}");
    }
}

#[test]
fn datagrams_are_opened_in_any_order() {
    for Vector { name, log, mut pieces } in all().into_iter().filter(|vector| vector.name.starts_with("dtls"))
    {
        let data = |pieces: &[(Dir, Vec<u8>)], keys: Keys| {
            let mut reader = crate::layers::DtlsDatagrams::new(&Limits::default(), keys);
            let (mut data, mut unopened) = (PerDir::<Vec<u8>>::default(), 0);
            for (at, (dir, piece)) in pieces.iter().enumerate() {
                let stamp = Stamp { at: FrameRef::new(0, at as u64), time: Timestamp(0), order: at as u64 };
                let chunk = Chunk { offset: 0, data: piece, len: piece.len() as u64, stamp };
                let show = |shown: Seen<Security<'_>>| match shown.value {
                    Security::Record(SecurityRecord { hides: Hides::Unopened, .. }) => unopened += 1,
                    Security::Record(SecurityRecord {
                        hides: Hides::Opened(ContentType::application_data, clear),
                        ..
                    }) => data[*dir].extend_from_slice(clear),
                    _ => {}
                };
                reader.push(*dir, &chunk, show).unwrap();
            }
            (data.client_to_server, data.server_to_client, unopened)
        };
        let expected = (b"ping one\n".to_vec(), b"eno gnip\n".to_vec(), 0);
        assert_eq!(data(&pieces, keys(&log)), expected, "{name}");
        // What follows the handshake comes the other way round.
        let first = pieces.iter().position(|(_, piece)| piece[0] == 23).unwrap();
        pieces[first..].reverse();
        assert_eq!(data(&pieces, keys(&log)), expected, "{name}");
        let (client, server, _) = data(&pieces, Keys::default());
        assert!(client.is_empty() && server.is_empty());
    }
}
