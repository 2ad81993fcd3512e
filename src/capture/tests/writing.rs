//! What is written is read again as it was, by us and by tshark.

use std::path::Path;
use std::process::Command;

use crate::base::{LinkType, Timestamp};
use crate::capture::testing::*;
use crate::capture::{Capture, CaptureInfo, Interface, Packet, Resolution, SecretsType, Section, Source};
use crate::capture::{Statistics, Writer};

/// Writes what was read.
fn rewrite(frames: &[Owned], info: &CaptureInfo) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
    for interface in &info.interfaces {
        writer.interface(interface).unwrap();
    }
    for frame in frames {
        writer.packet(&packet(frame)).unwrap();
    }
    writer.into_inner()
}

fn packet(frame: &Owned) -> Packet<'_> {
    Packet {
        interface: frame.interface,
        time: Timestamp(frame.time),
        data: &frame.data,
        wire_len: frame.wire_len,
        comments: &[],
        dropped: 0,
    }
}

/// A packet of the first interface.
fn plain<'a>(time: i64, data: &'a [u8], comments: &'a [String]) -> Packet<'a> {
    Packet { interface: 0, time: Timestamp(time), data, wire_len: 1500, comments, dropped: 0 }
}

fn ethernet(resolution: Resolution) -> Interface {
    Interface::new(LinkType::ETHERNET, resolution)
}

#[test]
fn the_projects_captures_come_out_as_they_went_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut seen = 0;
    for folder in std::fs::read_dir(root).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if !path.to_string_lossy().contains(".pcap") || path.extension().is_some_and(|e| e == "json") {
                continue;
            }
            let (frames, info) = drain(Capture::open(Source::Path(path.clone()), 0).unwrap());
            let (again, info_again) = read(&rewrite(&frames, &info));
            assert_eq!(frames, again, "{}", path.display());
            assert_eq!(info.interfaces, info_again.interfaces, "{}", path.display());
            assert!(info_again.warnings.is_empty(), "{:?}", info_again.warnings);
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} captures");
}

#[test]
fn stamps_keep_their_unit() {
    let powers = (0..=9).chain((0..=32).map(|power| power | 0x80));
    for resolution in powers.map(Resolution) {
        let interface = ethernet(resolution);
        for nanoseconds in [0, 1, 1_700_000_000 * Timestamp::SECOND + 123_456_789, (1 << 60) + 987_654_321] {
            let units = interface.units(Timestamp(nanoseconds));
            let time = interface.clock().time(units);
            assert_eq!(interface.units(time), units, "{resolution:?} {nanoseconds}");
            let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
            writer.interface(&interface).unwrap();
            writer.packet(&plain(time.0, b"x", &[])).unwrap();
            let (frames, info) = read(&writer.into_inner());
            assert_eq!((frames[0].time, info.interfaces[0].resolution), (time.0, resolution));
        }
    }
    // Finer units than were kept, or too fine for the present, become nanoseconds.
    for resolution in [10, 12, 127, 0xa1, 0xff] {
        let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
        writer.interface(&ethernet(Resolution(resolution))).unwrap();
        let time = 1_700_000_000 * Timestamp::SECOND + 123_456_789;
        writer.packet(&plain(time, b"x", &[])).unwrap();
        let (frames, info) = read(&writer.into_inner());
        assert_eq!((frames[0].time, info.interfaces[0].resolution), (time, Resolution::NANOSECONDS));
    }
}

#[test]
fn interfaces_and_odd_times() {
    let described = Interface {
        snaplen: 262_144,
        offset: -100,
        name: Some("eth0".into()),
        description: Some("the cellar".into()),
        filter: Some("tcp port 3389".into()),
        ..ethernet(Resolution::MICROSECONDS)
    };
    let cooked = Interface::new(LinkType::LINUX_SLL2, Resolution::NANOSECONDS);
    let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
    assert_eq!(writer.interface(&described).unwrap(), 0);
    assert_eq!(writer.interface(&cooked).unwrap(), 1);
    writer.packet(&plain(-50 * Timestamp::SECOND, b"early", &[])).unwrap();
    writer.packet(&plain(-200 * Timestamp::SECOND, b"", &[])).unwrap();
    writer.packet(&Packet { interface: 1, ..plain(7, b"late", &[]) }).unwrap();
    assert!(writer.packet(&Packet { interface: 2, ..plain(7, b"", &[]) }).is_err());
    assert!(writer.interface(&Interface::new(LinkType(70_000), Resolution(6))).is_err());
    // Interfaces are counted anew, by the reader over all sections.
    writer.section(&Section::default()).unwrap();
    assert!(writer.packet(&plain(7, b"", &[])).is_err());
    assert_eq!(writer.interface(&cooked).unwrap(), 0);
    writer.packet(&plain(8, b"last", &[])).unwrap();
    let (frames, info) = read(&writer.into_inner());
    assert_eq!(info.interfaces, [described, cooked.clone(), cooked]);
    let seen: Vec<_> = frames.iter().map(|f| (f.interface, f.link, f.time)).collect();
    let second = Timestamp::SECOND;
    assert_eq!(seen, [(0, 1, -50 * second), (0, 1, -100 * second), (1, 276, 7), (2, 276, 8)]);
}

#[test]
fn drops_and_secrets_are_told() {
    let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
    writer.interface(&ethernet(Resolution::NANOSECONDS)).unwrap();
    writer.secrets(SecretsType::TLS_KEY_LOG, b"CLIENT_RANDOM 00 00\n").unwrap();
    writer.packet(&Packet { dropped: 7, ..plain(1, b"x", &[]) }).unwrap();
    let counts = Statistics { received: Some(9), interface_dropped: Some(1), system_dropped: Some(10) };
    writer.statistics(0, Timestamp(2), &counts).unwrap();
    assert!(writer.statistics(1, Timestamp(2), &counts).is_err());
    let (frames, info) = read(&writer.into_inner());
    assert_eq!((frames.len(), info.dropped), (1, 11));
    assert_eq!(info.secrets[0].data, b"CLIENT_RANDOM 00 00\n");
}

#[test]
fn long_comments_are_cut_between_characters() {
    let comments = ["ä".repeat(40_000)];
    let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
    writer.interface(&ethernet(Resolution::NANOSECONDS)).unwrap();
    writer.packet(&plain(1, b"xyz", &comments)).unwrap();
    let bytes = writer.into_inner();
    assert_eq!(read(&bytes).0[0].data, b"xyz");
    let text = bytes.windows(2).filter(|pair| *pair == "ä".as_bytes()).count();
    assert_eq!(text, 32_767);
}

/// Wireshark's reader agrees, comments and counts included.
#[test]
fn tshark_reads_what_is_written() {
    if Command::new("tshark").arg("--version").output().is_err() {
        eprintln!("SKIPPED: tshark_reads_what_is_written, because tshark is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.pcapng");
    let section = Section {
        comment: Some("two lines\nof words".into()),
        hardware: Some("a machine".into()),
        os: Some("a system".into()),
        application: Some("rdpwhy".into()),
    };
    let mut writer = Writer::new(Vec::new(), &section).unwrap();
    let interface = Interface { name: Some("eth7".into()), ..ethernet(Resolution::NANOSECONDS) };
    writer.interface(&interface).unwrap();
    let time = 1_700_000_000 * Timestamp::SECOND + 123_456_789;
    let comments = ["first".to_owned(), "second ü".to_owned()];
    writer.packet(&Packet { dropped: 3, ..plain(time, &[0; 61], &comments) }).unwrap();
    writer.packet(&plain(time + 1, &[0; 60], &[])).unwrap();
    std::fs::write(&path, writer.into_inner()).unwrap();
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(&path).args(["-T", "fields", "-E", "separator=|", "-E", "aggregator=;"]);
    for field in ["time_epoch", "len", "cap_len", "interface_name", "comment", "drop_count"] {
        tshark.args(["-e", &format!("frame.{field}")]);
    }
    let output = tshark.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}{errors}");
    assert!(lines[0].starts_with("1700000000.123456789|1500|61|eth7|first;second ü|"), "{text}{errors}");
    assert!(lines[1].starts_with("1700000000.123456790|1500|60|eth7||"), "{text}{errors}");
    let capinfos = Command::new("capinfos").arg(&path).output().unwrap();
    let text = String::from_utf8_lossy(&capinfos.stdout).into_owned();
    for part in ["two lines", "a machine", "a system", "rdpwhy"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
