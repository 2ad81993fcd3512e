//! Paths, mapped files, and what is no capture.

use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::capture::input::Input;
use crate::capture::map::Mapped;
use crate::capture::testing::*;
use crate::capture::{Capture, Format, OpenError, Source};

fn age(path: &Path, seconds: u64) {
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn refused(bytes: &[u8], name: &str) -> String {
    Capture::from_reader(name, Cursor::new(bytes.to_vec()), 0).unwrap_err().to_string()
}

#[test]
fn mapped_and_read_files_give_what_a_stream_gives() {
    let dir = tempfile::tempdir().unwrap();
    for (index, (name, bytes)) in variants().into_iter().enumerate() {
        let path = write(dir.path(), &index.to_string(), &bytes);
        for seconds in [0, 60] {
            age(&path, seconds);
            let capture = Capture::open(Source::Path(path.clone()), 3).unwrap();
            assert_eq!(capture.info().file_bytes, Some(bytes.len() as u64));
            let (frames, info) = drain(capture);
            let mut expected = read(&bytes).0;
            for frame in &mut expected {
                frame.capture = 3;
            }
            assert_eq!(frames, expected, "{name}, {seconds} s old");
            assert_eq!(info.name, path.display().to_string());
        }
    }
}

#[test]
fn progress_ends_at_the_size_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (_, bytes) = variants().swap_remove(0);
    for (name, bytes) in [("a", bytes.clone()), ("b", gzip(&bytes)), ("c", zstd(&bytes))] {
        let path = write(dir.path(), name, &bytes);
        age(&path, 60);
        let mut capture = Capture::open(Source::Path(path), 0).unwrap();
        let mut before = 0;
        while capture.next_frame().is_some() {
            assert!(capture.position() >= before);
            before = capture.position();
        }
        assert_eq!(Some(capture.position()), capture.info().file_bytes, "{name}");
    }
}

/// Frames of 64 KiB up to beyond three windows.
fn large() -> Vec<u8> {
    let mut file = PcapFile::new(false, NANO, 1);
    for index in 0..800 {
        let mut data = vec![index as u8; 65_000 + index as usize];
        data[..4].copy_from_slice(&u32::to_le_bytes(index));
        file = file.packet(index, 0, 1, &data);
    }
    file.bytes
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_is_mapped_window_by_window() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "large", &large());
    assert!(Mapped::new(File::open(&path).unwrap()).is_err(), "just written");
    age(&path, 60);
    let Ok(mapped) = Mapped::new(File::open(&path).unwrap()) else {
        eprintln!("SKIPPED: the file system of temporary files is not one that is mapped");
        return;
    };
    drop(mapped);
    let mut capture = Capture::open(Source::Path(path), 0).unwrap();
    let mut count = 0;
    while let Some(frame) = capture.next_frame() {
        assert_eq!(frame.data.len(), 65_000 + count as usize);
        assert_eq!(frame.data[..4], u32::to_le_bytes(count));
        count += 1;
    }
    assert_eq!(count, 800);
    assert!(capture.info().warnings.is_empty());
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_changes_while_it_is_mapped_is_read_on() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = large();
    for grow in [true, false] {
        let path = write(dir.path(), "large", &bytes);
        age(&path, 60);
        let mut capture = Capture::open(Source::Path(path.clone()), 0).unwrap();
        for _ in 0..3 {
            capture.next_frame().unwrap();
        }
        if grow {
            let more = PcapFile::new(false, NANO, 1).packet(9, 9, 9, b"more").bytes;
            File::options().append(true).open(&path).unwrap().write_all(&more[24..]).unwrap();
        } else {
            // Behind the window that is mapped now.
            File::options().write(true).open(&path).unwrap().set_len(20 << 20).unwrap();
        }
        let (frames, info) = drain(capture);
        if grow {
            assert_eq!((frames.len(), frames[797].data.as_slice()), (798, b"more".as_slice()));
            assert!(info.warnings.is_empty());
        } else {
            assert!(frames.len() > 250 && frames.len() < 400, "{}", frames.len());
            assert!(info.warnings[0].contains("cut in the middle of a record"), "{:?}", info.warnings);
        }
    }
}

#[test]
fn input_moves_on_past_its_window() {
    let mut input =
        Input::Streamed(crate::capture::stream::Streamed::new(Box::new(Drip::new(&[1, 2, 3, 4, 5])), 10));
    assert_eq!(input.fill(2), 2);
    assert_eq!(input.skip(3), 3);
    assert_eq!(input.offset(), 13);
    assert_eq!(input.fill(9), 2);
    assert_eq!(input.window(), [4, 5]);
    assert_eq!(input.skip(9), 2);
}

#[test]
fn what_cannot_be_opened_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let open = |path: &Path| Capture::open(Source::Path(path.to_owned()), 0).unwrap_err();
    let missing = open(&dir.path().join("nowhere.pcap"));
    assert!(matches!(missing, OpenError::Missing { .. }), "{missing}");
    assert!(missing.to_string().ends_with("nowhere.pcap: no such file"), "{missing}");
    assert!(matches!(open(dir.path()), OpenError::Directory { .. }));
    for (name, bytes, words) in [
        ("empty.pcap", b"".as_slice(), "empty.pcap: the file is empty"),
        ("empty.gz", &gzip(b""), "empty.gz: the compressed data is empty"),
        ("a.etl", b"\0\0\x01\0\0\0", "looks like a Windows event trace (ETL), by its name; convert it"),
        (
            "x.cap",
            b"GMBU\0\x02\0\0",
            "x.cap: no packet capture (pcap or pcapng); it looks like a Microsoft Network",
        ),
        ("x.gz", &gzip(b"PK\x03\x04"), "decompressed it looks like a ZIP archive; unpack it with: unzip"),
        (
            "y.gz",
            &gzip(&gzip(b"x")),
            "decompressed it looks like gzip-compressed data; unpack it with: gunzip",
        ),
        (
            "x.bin",
            &[0x80, 0xff, 3, 0, 0, 1, 2, 3, 4],
            "data of an unknown kind (it starts with 80 ff 03 00 00 01 02 03)",
        ),
    ] {
        let error = open(&write(dir.path(), name, bytes)).to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
#[cfg(unix)]
fn a_file_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.pcap", b"x");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        eprintln!("SKIPPED: this user may read everything");
        return;
    }
    let error = Capture::open(Source::Path(path), 0).unwrap_err();
    assert!(matches!(error, OpenError::Denied { .. }), "{error}");
}

#[test]
fn a_cut_or_impossible_file_header_is_an_error() {
    let (_, pcap) = variants().swap_remove(0);
    let error = Capture::from_reader("a.pcap", Cursor::new(pcap[..20].to_vec()), 0).unwrap_err();
    assert!(matches!(error, OpenError::Cut { format: Format::Pcap, need: 24, have: 20, .. }), "{error}");
    assert_eq!(error.to_string(), "a.pcap: the pcap header at offset 0 is cut: need 24 bytes, have 20");
    let version = PcapFile::with_version(false, MICRO, 1, (3, 0));
    assert!(refused(&version.bytes, "a").contains("pcap version 3.0 is unknown"));
    let mut section = NgFile::new(true);
    section.bytes[13] = 2;
    assert!(refused(&section.bytes, "a").contains("pcapng version 2.0 is unknown"));
    section.bytes[8] = 0;
    assert!(refused(&section.bytes, "a").contains("byte-order magic is 00 2b 3c 4d"));
}

#[test]
fn zstd_windows_above_the_bound_are_refused_with_the_command_that_helps() {
    let pcap = PcapFile::new(false, MICRO, 1).packet(1, 0, 1, &noise(3000, 1)).bytes;
    let pack = |log: u32| {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(log).unwrap();
        encoder.include_contentsize(false).unwrap();
        encoder.write_all(&pcap).unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(read(&pack(27)).0.len(), 1);
    let error = refused(&pack(28), "a.zst");
    assert!(error.contains("a.zst: the zstd data needs a window above 128 MiB"), "{error}");
    assert!(error.ends_with("decompress it first with: zstd -d --long=31 a.zst"), "{error}");
    // The same in a later frame ends the capture there.
    let (frames, info) = read(&[zstd(&pcap), pack(28)].concat());
    assert_eq!(frames.len(), 1);
    assert!(info.warnings[0].contains("window above 128 MiB"), "{:?}", info.warnings);
}
