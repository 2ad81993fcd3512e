//! What `--redact` takes out must stand nowhere in what is written: every committed capture, every format, every
//! byte.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use common::captures_below;
use common::golden::project;
use common::made::Numbers;
use rdpwhy::base::LinkType;
use rdpwhy::redact::{Frames, Kinds, Redactor};
use serde_json::Value;

fn rdpwhy(file: &Path, args: &[&str]) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rdpwhy"));
    let output = command.args(args).arg(file).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn json(file: &Path, args: &[&str]) -> Value {
    let report = rdpwhy(file, &[&["analyze", "--format", "json"], args].concat());
    serde_json::from_slice(&report).unwrap()
}

/// Whether an address may stay, since it names nobody.
fn anybody(ip: IpAddr) -> bool {
    ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || ip.to_string() == "255.255.255.255"
}

/// Every string of a report that names somebody.
fn originals(file: &Path, report: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut add = |value: &Value| {
        found.extend(value.as_str().filter(|text| !text.is_empty()).map(str::to_owned));
    };
    for session in report["sessions"].as_array().unwrap() {
        let flows = session["udp"].as_array().unwrap();
        for shown in std::iter::once(session).chain(flows) {
            for end in ["client", "server"] {
                add(&shown[end]["ip"]);
                add(&shown[end]["hostname"]);
            }
            add(&shown["community_id"]);
            add(&shown["tls"]["sni"]);
            add(&shown["tls"]["certificate"]["sha256"]);
            add(&shown["metrics"]["correlation_id"]);
            for whose in ["subject", "issuer"] {
                let name = shown["tls"]["certificate"][whose].as_str().unwrap_or_default();
                for part in name.split(", ").filter_map(|part| part.split_once('=')) {
                    add(&Value::from(part.1));
                }
            }
        }
        for key in ["cookie", "routing_token", "correlation_id"] {
            add(&session["negotiation"][key]);
        }
        for event in
            session["timeline"].as_array().unwrap().iter().filter(|event| event["kind"] == "preamble")
        {
            add(&event["details"]["target"]);
        }
        let rdp = &session["rdp"];
        for key in ["client_name", "client_address", "user_name", "domain"] {
            add(&rdp[key]);
        }
        for key in ["user_name", "domain_name", "workstation", "target_name", "target_computer_name"] {
            add(&rdp["nla"][key]);
        }
        for key in ["user_name", "machine_name"] {
            add(&rdp["licensing"][key]);
        }
    }
    found.insert(file.file_name().unwrap().to_string_lossy().into_owned());
    // Routers that answered, and whoever else stands in a sentence.
    for word in report.to_string().split(|c: char| !(c.is_ascii_hexdigit() || c == '.' || c == ':')) {
        let word = word.trim_matches(['.', ':']);
        found.extend(word.parse::<IpAddr>().is_ok().then(|| word.to_owned()));
    }
    found.retain(|text| !text.parse().is_ok_and(anybody));
    found
}

/// What our own pages say: there, such a word names nobody.
fn our_words() -> String {
    let pages = std::fs::read_dir(project("src/knowledge/findings")).unwrap();
    let pages = pages.map(|page| std::fs::read_to_string(page.unwrap().path()).unwrap());
    pages.collect::<Vec<_>>().join("\n")
}

/// Whether the text stands there, not as a part of a longer word.
fn stands(text: &[u8], word: &str) -> bool {
    let inside = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
    text.windows(word.len()).enumerate().any(|(at, window)| {
        window == word.as_bytes()
            && !(at > 0 && inside(text.get(at - 1)))
            && !inside(text.get(at + word.len()))
    })
}

#[test]
fn no_original_stands_in_any_format() {
    let mut wrong = Vec::new();
    let ours = our_words();
    let (mut looked_for, mut left_out) = (0, 0);
    for file in captures_below(&project("captures")) {
        let mut originals = originals(&file, &json(&file, &[]));
        looked_for += originals.len();
        originals.retain(|original| !stands(ours.as_bytes(), original));
        left_out += originals.len();
        let formats: [&[&str]; 8] = [
            &["analyze", "--format", "json"],
            &["analyze", "--format", "ndjson"],
            &["analyze", "--format", "ecs"],
            &["analyze", "--format", "zeek"],
            &["report", "-o", "-", "--format", "text"],
            &["analyze", "--timeline"],
            &["analyze", "--format", "markdown", "--timeline"],
            &["report", "-o", "-", "--format", "html"],
        ];
        for format in formats {
            let written = rdpwhy(&file, &[format, &["--redact"]].concat());
            for original in originals.iter().filter(|original| stands(&written, original)) {
                wrong.push(format!("{}: {original:?} in {format:?}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let left_out = looked_for - left_out;
    assert!(left_out * 20 < looked_for, "{left_out} of {looked_for} were not looked for");
}

#[test]
fn nothing_else_changes() {
    let file = project("captures/tls-certificate-expired/openssl-tls12.pcapng");
    let (before, after) = (json(&file, &[]), json(&file, &["--redact", "--redact-key", "k"]));
    assert_eq!(after, json(&file, &["--redact=all", "--redact-key", "k"]), "one key, one report");
    assert_ne!(after, json(&file, &["--redact", "--redact-key", "other"]));
    assert_ne!(json(&file, &["--redact"]), json(&file, &["--redact"]), "a key of its own each time");
    let (was, is) = (&before["sessions"][0], &after["sessions"][0]);
    for field in ["start", "phase", "outcome", "tcp", "duration_s"] {
        assert_eq!(was[field], is[field], "{field}");
    }
    assert_eq!(was["diagnosis"]["code"], is["diagnosis"]["code"]);
    assert_eq!(was["tls"]["ja3"], is["tls"]["ja3"]);
    assert_ne!(was["community_id"], is["community_id"]);
    let only = &json(&file, &["--redact=users", "--redact-key", "k"])["sessions"][0];
    assert_eq!((&only["client"], &only["tls"]), (&was["client"], &was["tls"]));
    assert_ne!(only["negotiation"]["cookie"], was["negotiation"]["cookie"]);
}

/// Addresses stand in place of names, too: in an SNI, and in what the client says of itself.
#[test]
fn addresses_alone_leave_none_behind() {
    let mut seen = 0;
    for file in captures_below(&project("captures")) {
        let before = json(&file, &[]);
        for session in before["sessions"].as_array().unwrap() {
            let names = [
                &session["tls"]["sni"],
                &session["rdp"]["client_address"],
                &session["gateway"]["target"]["host"],
            ];
            for name in names
                .into_iter()
                .filter_map(Value::as_str)
                .filter(|name| name.parse().is_ok_and(|ip| !anybody(ip)))
            {
                seen += 1;
                for format in ["json", "ecs", "markdown"] {
                    let args = ["--format", format, "--redact=addresses", "--redact-key", "k"];
                    assert!(!stands(&rdpwhy(&file, &args), name), "{name} in {format} of {}", file.display());
                }
                let hosts =
                    String::from_utf8(rdpwhy(&file, &["--format", "json", "--redact=hosts"])).unwrap();
                assert!(hosts.contains(name), "{name} is no name: {}", file.display());
            }
        }
    }
    assert!(seen > 3, "only {seen} were there to be found");
}

/// Spoiled frames: whatever they are, none fails, and none changes its length.
#[test]
fn spoiled_frames_are_rewritten_too() {
    let redactor = Redactor::new(b"key", Kinds::ALL);
    let mut numbers = Numbers::new(1);
    let mut next = |end| numbers.below(end);
    let (mut spoiled, mut rewritten) = (0, 0);
    for file in captures_below(&project("captures")) {
        let mut capture = common::read(&file);
        capture.frames.truncate(200);
        spoiled += capture.frames.len();
        for frame in &mut capture.frames {
            for _ in 0..next(4) {
                if let Some(byte) = (!frame.data.is_empty()).then(|| next(frame.data.len())) {
                    frame.data[byte] = next(256) as u8;
                }
            }
            if next(8) == 0 {
                frame.data.truncate(next(frame.data.len() + 1));
            }
        }
        let mut frames = Frames::new(&redactor);
        for (frame, order) in capture.frames.iter().zip(1..) {
            frames.learn(&frame.frame(order), order);
        }
        for (frame, order) in capture.frames.iter().zip(1..) {
            if let Some(made) = frames.rewrite(&frame.frame(order), order) {
                assert_eq!(made.len(), frame.data.len());
                rewritten += 1;
            }
        }
    }
    assert!(spoiled > 1000 && rewritten > spoiled / 2, "{rewritten} of {spoiled}");
}

/// What a capture holds of an original: addresses in bytes, names in ASCII and UTF-16, ids and hashes in bytes.
fn forms(original: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![original.as_bytes().to_vec()];
    match original.parse() {
        Ok(IpAddr::V4(ip)) => forms.push(ip.octets().to_vec()),
        Ok(IpAddr::V6(ip)) => forms.push(ip.octets().to_vec()),
        Err(_) => {}
    }
    forms.push(original.encode_utf16().flat_map(u16::to_le_bytes).collect());
    let hex = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if original.len() >= 32 && original.len().is_multiple_of(2) {
        forms.extend(original.as_bytes().chunks(2).map(hex).collect::<Option<Vec<u8>>>());
    }
    forms
}

#[test]
fn no_original_stands_in_a_capture() {
    let folder = tempfile::tempdir().unwrap();
    let ours = our_words();
    let (mut wrong, mut there_before) = (Vec::new(), 0);
    for (at, file) in captures_below(&project("captures")).into_iter().enumerate() {
        let to = folder.path().join(format!("{at}.pcapng"));
        rdpwhy(&file, &["report", "--redact", "-o", to.to_str().unwrap()]);
        let written = std::fs::read(&to).unwrap();
        let mut originals = originals(&file, &json(&file, &[]));
        originals.retain(|original| !stands(ours.as_bytes(), original));
        let was = std::fs::read(&file).unwrap();
        for original in &originals {
            for form in forms(original) {
                there_before += usize::from(was.windows(form.len()).any(|window| window == form));
                let text = form == original.as_bytes();
                // Four bytes of noise are hardly an address, but a short word may stand in a longer one.
                let found = if text && form.len() < 6 {
                    stands(&written, original)
                } else {
                    form.len() >= 4 && written.windows(form.len()).any(|window| window == form)
                };
                if found {
                    wrong.push(format!("{}: {original:?} as {form:02x?}", file.display()));
                }
            }
        }
        let (before, after) = (common::read(&file), common::read(&to));
        for (name, range) in [("target", 0..6), ("source", 6..12)] {
            for frame in before.frames.iter().filter(|frame| frame.link == LinkType::ETHERNET) {
                let mac = frame.data.get(range.clone()).unwrap_or_default();
                if mac.first().is_some_and(|first| first & 1 == 0)
                    && mac != [0; 6]
                    && after.frames.iter().any(|frame| frame.data.get(range.clone()) == Some(mac))
                {
                    wrong.push(format!("{}: {name} {mac:02x?}", file.display()));
                    break;
                }
            }
        }
        for frame in &after.frames {
            assert!(frame.data.len() <= frame.wire_len as usize);
        }
    }
    assert!(there_before > 500, "the search finds only {there_before} in what was not redacted");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
