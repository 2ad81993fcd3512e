//! The captures that carry the TLS secrets of their sessions.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rdpwhy::capture::{Capture, Source};
use rdpwhy::layers::Keys;

use super::captures_below;
use super::golden::project;

/// All of them.
pub fn keyed() -> Vec<PathBuf> {
    let mut found = captures_below(&project("captures"));
    found.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with("keyed-"));
    assert!(found.len() >= 16, "{found:#?}");
    found
}

/// "healthy/keyed-xrdp".
pub fn name(path: &Path) -> String {
    let name = path.strip_prefix(project("captures")).unwrap().display().to_string();
    name.split(".pcap").next().unwrap().to_owned()
}

/// The key log in a capture.
pub fn key_log(path: &Path) -> String {
    let mut capture = Capture::open(Source::Path(path.to_owned()), 0).unwrap();
    while capture.next_frame().is_some() {}
    let log: Vec<u8> = capture.info().secrets.iter().flat_map(|secrets| secrets.data.clone()).collect();
    assert!(!log.is_empty(), "{} carries no secrets", path.display());
    String::from_utf8(log).unwrap()
}

/// The same, to be used.
pub fn keys(path: &Path) -> Keys {
    let keys = Keys::default();
    assert_eq!(keys.add(key_log(path).as_bytes()).unknown, 0);
    keys
}

/// A capture with its block of secrets moved to another place: before the frame of this number, or
/// behind the last.
pub fn moved(path: &Path, before: usize) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let mut blocks: Vec<&[u8]> = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some(length) = rest.get(4..8) {
        let (block, after) = rest.split_at(u32::from_le_bytes(length.try_into().unwrap()) as usize);
        blocks.push(block);
        rest = after;
    }
    let kind = |block: &[u8]| u32::from_le_bytes(block[..4].try_into().unwrap());
    let at = blocks.iter().position(|block| kind(block) == 10).unwrap();
    let secrets = blocks.remove(at);
    let packets = blocks.iter().enumerate().filter(|(_, block)| kind(block) == 6).map(|(at, _)| at);
    let at = packets.chain([blocks.len()]).take(before).last().unwrap();
    blocks.insert(at, secrets);
    blocks.concat()
}

/// What the program says of a capture, on stdout and stderr, without a warning.
pub fn run(args: &[&str], file: &Path) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rdpwhy"));
    let output = command.args(args).arg(file).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?} {}: {told}", file.display());
    assert!(!told.contains("warning"), "{args:?} {}: {told}", file.display());
    [output.stdout, output.stderr].concat()
}
