//! Captures of different days read as one: what came after a capture's end makes no silence in it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Code, outcome and confidence of each session.
fn verdicts(captures: &[&Path]) -> Vec<[String; 3]> {
    let output = Command::new(env!("CARGO_BIN_EXE_rdpwhy"))
        .args(["analyze", "--format", "json"])
        .args(captures)
        .output()
        .unwrap();
    assert!(output.status.success(), "{captures:?}: {}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    report["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| {
            let diagnosis = &session["diagnosis"];
            [text(&diagnosis["code"]), text(&session["outcome"]), text(&diagnosis["confidence"])]
        })
        .collect()
}

/// One packet of another protocol, written by hand: two bytes of Ethernet's loopback protocol.
fn one_packet(seconds: u32) -> Vec<u8> {
    const FRAME: [u8; 16] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x90, 0, 0, 0];
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x4_0000, 1, seconds, 0, 16, 16] {
        file.extend_from_slice(&u32::to_le_bytes(word));
    }
    file.extend_from_slice(&FRAME);
    file
}

#[test]
fn a_capture_of_the_next_day_changes_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let later = folder.path().join("later.pcap");
    let mut wrong = Vec::new();
    for frames in common::all_captures() {
        let last = frames.frames.iter().map(|frame| frame.time.0).max().unwrap();
        let next_day = last / 1_000_000_000 + 24 * 3600;
        std::fs::write(&later, one_packet(u32::try_from(next_day).unwrap())).unwrap();
        let (alone, together) = (verdicts(&[&frames.path]), verdicts(&[&frames.path, &later]));
        if alone != together {
            wrong.push(format!("{}: alone {alone:?}, with a later capture {together:?}", frames.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
