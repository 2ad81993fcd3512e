//! Captures that carry the TLS secrets of their sessions are read to the last byte, and no output tells a secret.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::keyed::{key_log, keyed, keys, name, run};
use rdpwhy::base::{Chunk, Dir, Limits, PerDir, Seen, Stamp};
use rdpwhy::layers::{Hides, Security, SecurityRecord, TlsStream};
use rdpwhy::packet::{Body, Decoder};
use rdpwhy::protocol::tls::ContentType;

/// What the lab's users typed.
const PASSWORDS: [&str; 2] = ["Seerosenblatt", "Fl0ckenwirbel"];

type Stream = (TlsStream, PerDir<Option<u32>>, PerDir<Vec<u8>>);

/// What was sealed in the sessions of a capture, each direction by itself.
fn clear(path: &Path) -> Vec<Vec<u8>> {
    let frames = common::read(path).frames;
    let mut decoder = Decoder::new(&Limits::default());
    let mut streams: BTreeMap<u16, Stream> = BTreeMap::new();
    for (frame, number) in frames.iter().zip(1..) {
        let frame = frame.frame(number);
        let Ok(packet) = decoder.decode(&frame, number) else { continue };
        let Body::Tcp(segment) = packet.body else { continue };
        let (dir, port) = if segment.dst_port == 3389 {
            (Dir::ClientToServer, segment.src_port)
        } else {
            (Dir::ServerToClient, segment.dst_port)
        };
        let (stream, next, clear) = streams.entry(port).or_insert_with(|| {
            (TlsStream::new(&Limits::default(), keys(path)), PerDir::default(), PerDir::default())
        });
        // The negotiation is in one segment each way; then TLS. Repeats are left out.
        let begins = next[dir].is_none() && TlsStream::begins(segment.payload);
        if segment.payload.is_empty() || !begins && next[dir] != Some(segment.seq) {
            continue;
        }
        next[dir] = Some(segment.seq.wrapping_add(segment.payload_len));
        let stamp = Stamp { at: frame.at, time: frame.time, order: number };
        let len = segment.payload.len() as u64;
        let chunk = Chunk { offset: u64::from(segment.seq), data: segment.payload, len, stamp };
        let show = |shown: Seen<Security<'_>>| {
            if let Security::Record(SecurityRecord {
                hides: Hides::Opened(ContentType::application_data, opened),
                ..
            }) = shown.value
            {
                clear[dir].extend_from_slice(opened);
            }
        };
        stream.push(dir, &chunk, show).unwrap();
    }
    streams.into_values().flat_map(|(_, _, clear)| [clear.client_to_server, clear.server_to_client]).collect()
}

/// The NT and LM responses and the session key of each AUTHENTICATE_MESSAGE (MS-NLMP, section 2.2.1.3).
fn responses(clear: &[u8]) -> Vec<Vec<u8>> {
    const HEAD: &[u8] = b"NTLMSSP\0\x03\0\0\0";
    let starts = clear.windows(HEAD.len()).enumerate().filter(|(_, window)| *window == HEAD);
    let mut found = Vec::new();
    for (at, _) in starts {
        let message = &clear[at..];
        for field in [12, 20, 52] {
            let number = |at: usize, len: usize| {
                message[at..at + len].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
            };
            let (len, offset) = (number(field, 2), number(field + 4, 4));
            found.push(message[offset..offset + len].to_vec());
        }
    }
    // An LM response may be nothing but zeros.
    found.retain(|response| response.iter().any(|byte| *byte != 0));
    found
}

/// How bytes may stand in a text or a capture.
fn forms(secret: &[u8]) -> [Vec<u8>; 3] {
    let hex = rdpwhy::report::text::hex(secret);
    [secret.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()]
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[test]
fn no_secret_stands_in_any_output() {
    let folder = tempfile::tempdir().unwrap();
    let (mut passwords, mut answers) = (0, 0);
    for path in keyed() {
        let mut secrets: Vec<Vec<u8>> = Vec::new();
        let log = key_log(&path);
        for word in log.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split(' ').skip(2))
        {
            let unhex = |at: usize| u8::from_str_radix(&word[at..at + 2], 16).unwrap();
            let secret: Vec<u8> = (0..word.len()).step_by(2).map(unhex).collect();
            assert!(matches!(secret.len(), 32 | 48));
            secrets.extend(forms(&secret));
        }
        let clear = clear(&path);
        for password in PASSWORDS.into_iter().chain(["password"]) {
            let wide: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
            passwords += usize::from(clear.iter().any(|clear| holds(clear, &wide)));
            // Our own sentences speak of passwords.
            secrets.extend((password != "password").then(|| password.as_bytes().to_vec()));
            secrets.push(wide);
        }
        for response in clear.iter().flat_map(|clear| responses(clear)) {
            answers += 1;
            // Of a long one the proof is the beginning.
            secrets.extend(forms(&response[..response.len().min(16)]));
        }
        let mut outputs: Vec<(String, Vec<u8>)> = Vec::new();
        for format in ["table", "json", "ndjson", "ecs", "zeek", "markdown"] {
            for redact in [&[][..], &["--redact"]] {
                let args = [&["analyze", "--timeline", "--format", format], redact].concat();
                outputs.push((format!("{args:?}"), run(&args, &path)));
            }
        }
        for ending in ["html", "md", "txt", "json", "pcapng"] {
            for redact in [&[][..], &["--redact"]] {
                let to = folder.path().join(format!("report{}.{ending}", redact.len()));
                let to = to.to_str().unwrap();
                outputs.push((
                    "what it tells".to_owned(),
                    run(&[&["report", "--force", "-o", to], redact].concat(), &path),
                ));
                outputs.push((format!("{ending} {redact:?}"), std::fs::read(to).unwrap()));
            }
        }
        for (format, output) in &outputs {
            for secret in &secrets {
                assert!(
                    !holds(output, secret),
                    "{} in {format} of {}",
                    String::from_utf8_lossy(secret),
                    name(&path)
                );
            }
        }
        // The search finds what is there.
        let with = folder.path().join("with.pcapng");
        run(&["report", "--force", "--with-secrets", "-o", with.to_str().unwrap()], &path);
        let with = std::fs::read(with).unwrap();
        assert!(secrets.iter().any(|secret| holds(&with, secret)), "{}", name(&path));
    }
    assert!(passwords >= 4, "only {passwords} passwords were said");
    assert!(answers >= 10, "only {answers} responses of NTLM were said");
}
