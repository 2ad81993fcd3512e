//! `--keylog` and secrets in captures, as they are given: what cannot be read is said, what is read is never shown.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::pcap::Pcap;

fn run(arguments: &[&str], file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rdpwhy"))
        .args(arguments)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn what_is_no_key_log_is_said_by_line_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("a.pcap");
    let ends = (([10, 0, 0, 2], 50_001), ([10, 0, 0, 1], 3389));
    std::fs::write(&capture, Pcap::default().refused(0, ends.0, ends.1).bytes()).unwrap();
    let secret = "5ec4e7".repeat(16);
    let good = format!("CLIENT_RANDOM {} {secret}\n", "0a".repeat(32));
    let broken = format!("CLIENT_RANDOM {} {}zz\n", "0b".repeat(32), &secret[2..]);
    let with = |content: &str| {
        let log = folder.path().join("keys.txt");
        std::fs::write(&log, content).unwrap();
        let output = run(&["analyze", "--format", "json", "--keylog", log.to_str().unwrap()], &capture);
        let told = err(&output);
        for shown in [&output.stdout[..], told.as_bytes()] {
            assert!(!String::from_utf8_lossy(shown).to_lowercase().contains("5ec4e7"), "{told}");
        }
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            report["sessions"][0]["diagnosis"]["code"], "tcp-connection-refused",
            "analyzed all the same"
        );
        (output.status.code(), told)
    };

    let (status, told) = with(&good);
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains("of 1 connection, none of which is in the captures"), "{told}");
    let (status, told) = with(&format!("# made by hand\n\n{good}{broken}{broken}"));
    assert_eq!(status, Some(0), "{told}");
    assert!(
        told.contains("keys.txt: line 4 is no line of a key log") && told.contains("1 line like it"),
        "{told}"
    );
    let (status, told) = with(&format!("# made by hand\n{broken}"));
    assert_eq!(status, Some(2), "{told}");
    assert!(told.contains("keys.txt: no key log: line 2 "), "{told}");
    let (status, told) = with("");
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains("holds no secret"), "{told}");

    let output = run(&["--keylog", "/does/not/exist"], &capture);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("/does/not/exist: no such key log"), "{}", err(&output));
    assert!(!output.stdout.is_empty(), "analyzed all the same");
    let output = run(&["--keylog", folder.path().to_str().unwrap()], &capture);
    assert_eq!(output.status.code(), Some(2));
}
