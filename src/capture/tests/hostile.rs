//! Damaged, cut and hostile captures: never a panic, never more memory than a record, and what was
//! read before stands.

use std::io::{self, Cursor, Read};

use proptest::prelude::*;

use crate::capture::testing::*;
use crate::capture::{Capture, OpenError};

/// Offsets at which a capture may be cut without losing part of a record.
fn boundaries(bytes: &[u8], ng: bool) -> Vec<usize> {
    let mut offsets = Vec::new();
    let modified = bytes[..4] == MODIFIED.to_le_bytes() || bytes[..4] == MODIFIED.to_be_bytes();
    let mut big = bytes[0] == 0xa1;
    let mut at = if ng { 0 } else { 24 };
    while at < bytes.len() {
        offsets.push(at);
        let word = |at: usize, big: bool| {
            let word = bytes[at..at + 4].try_into().unwrap();
            if big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
        };
        if ng && bytes[at..at + 4] == [0x0a, 0x0d, 0x0d, 0x0a] {
            big = bytes[at + 8] == 0x1a;
        }
        at +=
            if ng { word(at + 4, big) } else { word(at + 8, big) + if modified { 24 } else { 16 } } as usize;
    }
    assert_eq!(at, bytes.len());
    offsets.push(at);
    offsets
}

#[test]
fn a_cut_at_any_offset_keeps_what_came_before_it() {
    for (name, bytes) in variants() {
        let whole = read(&bytes).0;
        let boundaries = boundaries(&bytes, name.starts_with("pcapng"));
        for cut in 0..bytes.len() {
            let part = &bytes[..cut];
            for drip in [false, true] {
                let opened = if drip {
                    Capture::from_reader("t.cap", Drip::new(part), 0)
                } else {
                    Capture::from_reader("t.cap", Cursor::new(part.to_vec()), 0)
                };
                let Ok(capture) = opened else {
                    assert!(cut < 24, "{name} cut at {cut}");
                    continue;
                };
                let (frames, info) = drain(capture);
                assert!(whole.starts_with(&frames), "{name} cut at {cut}");
                let start = boundaries.iter().rev().find(|start| **start <= cut).unwrap();
                if *start == cut {
                    assert!(!format!("{:?}", info.warnings).contains("cut"), "{name} cut at {cut}");
                } else {
                    let words = format!("t.cap: cut in the middle of a record at offset {start}: need ");
                    let warning = &info.warnings[0];
                    assert!(warning.starts_with(&words), "{name} cut at {cut}: {warning}");
                    let have = format!("bytes, have {}", cut - start);
                    assert!(warning.ends_with(&have), "{name} cut at {cut}: {warning}");
                }
            }
        }
    }
}

#[test]
fn a_cut_in_compressed_data_keeps_what_came_before_it() {
    let mut file = PcapFile::new(false, MICRO, 1);
    // zstd's blocks have up to 128 KiB, of which nothing comes out before the whole.
    for index in 0..400 {
        file = file.packet(index, 0, 1000, &noise(1000, index));
    }
    let whole = read(&file.bytes).0;
    for compressed in [gzip(&file.bytes), zstd(&file.bytes)] {
        let mut longest = 0;
        for cut in (0..compressed.len()).step_by(7001) {
            let part = Cursor::new(compressed[..cut].to_vec());
            let Ok(capture) = Capture::from_reader("t.gz", part, 0) else { continue };
            let (frames, info) = drain(capture);
            assert!(whole.starts_with(&frames));
            longest = longest.max(frames.len());
            assert_eq!(info.warnings.len(), 1, "cut at {cut}: {:?}", info.warnings);
            assert!(info.warnings[0].contains("data is cut"), "{:?}", info.warnings);
            assert!(info.warnings[0].contains("of the decompressed data"), "{:?}", info.warnings);
        }
        assert!(longest > 250, "{longest}");
    }
}

#[test]
fn garbage_after_compressed_data_is_mentioned_and_left_out() {
    let (_, bytes) = variants().swap_remove(0);
    let whole = read(&bytes).0;
    for compressed in [gzip(&bytes), zstd(&bytes)] {
        let (frames, info) = read(&[&compressed[..], b"\0\0\0\0 some garbage that follows"].concat());
        assert_eq!(frames, whole);
        assert_eq!(info.warnings.len(), 1);
        assert!(info.warnings[0].contains("and was left out"), "{:?}", info.warnings);
    }
}

#[test]
fn a_wrong_checksum_in_gzip_is_mentioned() {
    let (_, bytes) = variants().swap_remove(0);
    let mut compressed = gzip(&bytes);
    let at = compressed.len() - 6;
    compressed[at] ^= 0xff;
    let (frames, info) = read(&compressed);
    assert_eq!(frames, read(&bytes).0);
    assert!(info.warnings[0].contains("gzip data is damaged"), "{:?}", info.warnings);
}

/// Frames before the damage, and the warning about it.
fn damaged(bytes: &[u8]) -> (usize, String) {
    let (frames, info) = read(bytes);
    assert_eq!(info.warnings.len(), 1, "{:?}", info.warnings);
    (frames.len(), info.warnings[0].clone())
}

#[test]
fn impossible_record_lengths_end_a_pcap_file() {
    for captured in [256 * 1024 + 1, 0x7fff_ffff, u32::MAX] {
        let mut file = PcapFile::new(false, MICRO, 1).packet(1, 0, 4, b"abcd");
        file.record(2, 0, captured, 4);
        file.bytes.extend([0; 64]);
        let (frames, warning) = damaged(&file.bytes);
        assert_eq!(frames, 1);
        let words = format!("t.cap: damaged at offset 44: record claims {captured} captured bytes");
        assert!(warning.starts_with(&words), "{warning}");
    }
}

#[test]
fn impossible_blocks_end_a_pcapng_file() {
    let start = || NgFile::new(false).interface(1, 0, &[]).enhanced(0, 0, b"abcd");
    let raw = |kind: u32, total: u32| {
        let mut file = start();
        let (kind, total) = (file.put.u32(kind), file.put.u32(total));
        file.bytes.extend(kind);
        file.bytes.extend(total);
        file.bytes.extend([0; 64]);
        file.bytes
    };
    for (bytes, words) in [
        (raw(6, 0), "0 bytes long, it needs 32"),
        (raw(6, 31), "31 bytes long, it needs 32"),
        (raw(6, u32::MAX), "at most 16777216 can be"),
        (raw(6, 64), "64 bytes long by its start and 0 by its end"),
        (raw(3, 12), "12 bytes long, it needs 16"),
        (raw(2, 4), "4 bytes long, it needs 32"),
        (raw(1, 16), "16 bytes long, it needs 20"),
        (raw(0x99, 0), "0 bytes long, it needs 12"),
        (raw(0x99, 11), "11 bytes long, it needs 12"),
        (raw(0x99, 40), "40 bytes long by its start and 0 by its end"),
        (raw(0x0a0d_0d0a, 28), "byte-order magic is 00 00 00 00"),
        (start().enhanced_with(0, 0, 9, 9, b"abcd", &[]).bytes, "claims 9 captured bytes, at most 4"),
        (start().enhanced_with(0, 0, u32::MAX, 9, b"abcd", &[]).bytes, "captured bytes, at most 4"),
        (start().enhanced(1, 0, b"abcd").bytes, "names interface 1, but its section describes 1"),
        (start().obsolete(9, 0, 0, b"abcd").bytes, "names interface 9"),
        (start().section(true).enhanced(0, 0, b"abcd").bytes, "interface 0, but its section describes 0"),
        (start().section(true).simple(4, b"abcd").bytes, "describes no interface"),
    ] {
        let (frames, warning) = damaged(&bytes);
        assert_eq!(frames, 1, "{warning}");
        assert!(warning.contains("damaged at offset ") && warning.contains(words), "{words}: {warning}");
    }
    let oversized = start().enhanced(0, 0, &noise(256 * 1024 + 1, 1));
    assert!(damaged(&oversized.bytes).1.contains("at most 262144 can be"));
}

#[test]
fn huge_unknown_blocks_are_skipped_without_being_kept() {
    /// A section, an unknown block of 200 MiB and a packet, made up while it is read.
    struct Huge {
        head: Cursor<Vec<u8>>,
        zeros: io::Take<io::Repeat>,
        tail: Cursor<Vec<u8>>,
    }
    impl Read for Huge {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(buffer.len() <= 128 * 1024, "the buffer has grown");
            match self.head.read(buffer)? {
                0 => match self.zeros.read(buffer)? {
                    0 => self.tail.read(buffer),
                    count => Ok(count),
                },
                count => Ok(count),
            }
        }
    }
    const BODY: u32 = 200 << 20;
    let mut head = NgFile::new(false).interface(1, 0, &[]).bytes;
    head.extend(Put(false).u32(0x4000_0bad));
    head.extend(Put(false).u32(BODY + 12));
    let tail =
        NgFile { put: Put(false), bytes: Put(false).u32(BODY + 12).to_vec() }.enhanced(0, 7, b"abc").bytes;
    let zeros = io::repeat(0).take(u64::from(BODY));
    let huge = Huge { head: Cursor::new(head), zeros, tail: Cursor::new(tail) };
    let (frames, info) = drain(Capture::from_reader("huge", huge, 0).unwrap());
    assert_eq!(frames.len(), 1, "{:?}", info.warnings);
    assert_eq!(frames[0].time, 7000);
}

#[test]
fn secrets_and_interfaces_are_bounded() {
    let mut file = NgFile::new(false);
    for _ in 0..5 {
        file = file.secrets(1, &vec![0; 4 << 20]);
    }
    let (_, info) = read(&file.secrets(1, b"small").bytes);
    assert_eq!(info.secrets.len(), 3);
    assert_eq!(info.warnings.len(), 1);
    assert!(info.warnings[0].contains("16 MiB of decryption secrets"), "{:?}", info.warnings);

    let mut file = NgFile::new(false);
    for _ in 0..=65_536 {
        file = file.interface(1, 0, &[]);
    }
    assert!(damaged(&file.bytes).1.contains("more than 65536 interfaces"));
}

#[test]
fn a_failing_device_ends_the_capture_with_its_words() {
    struct Failing(Cursor<Vec<u8>>);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("disk on fire")),
                count => Ok(count),
            }
        }
    }
    let (_, bytes) = variants().swap_remove(0);
    let failing = Failing(Cursor::new(bytes.clone()));
    let (frames, info) = drain(Capture::from_reader("t.cap", failing, 0).unwrap());
    assert_eq!(frames.len(), 5);
    let words = format!("t.cap: reading stopped at offset {}: disk on fire", bytes.len());
    assert_eq!(info.warnings, [words]);
    let nothing = Capture::from_reader("t.cap", Failing(Cursor::new(Vec::new())), 0).unwrap_err();
    assert!(matches!(nothing, OpenError::Read { .. }), "{nothing}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_after_a_header_do_no_harm(
        variant in 0_usize..8,
        keep in 0_usize..400,
        bytes in prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>(), 0_u8..12], 0..600),
    ) {
        let (_, sound) = variants().swap_remove(variant);
        let least = if variant < 6 { 24 } else { 28 };
        let mut file = sound[..keep.clamp(least, sound.len())].to_vec();
        file.extend(bytes);
        let (whole, info) = read(&file);
        let (dripped, dripped_info) = drain(Capture::from_reader("t.cap", Drip::new(&file), 0).unwrap());
        prop_assert_eq!(&whole, &dripped);
        prop_assert_eq!(info.warnings, dripped_info.warnings);
        prop_assert!(whole.iter().map(|frame| frame.data.len()).sum::<usize>() <= file.len());
    }

    #[test]
    fn flipped_bytes_do_no_harm(
        variant in 0_usize..8,
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..6),
    ) {
        let (_, mut file) = variants().swap_remove(variant);
        for (at, mask) in flips {
            let at = at.index(file.len());
            file[at] ^= mask;
        }
        if let Ok(capture) = Capture::from_reader("t.cap", Cursor::new(file.clone()), 0) {
            let (frames, info) = drain(capture);
            prop_assert_eq!(frames.len() as u64, info.packets);
        }
        for compressed in [gzip(&file), zstd(&file)] {
            if let Ok(capture) = Capture::from_reader("t.cap", Cursor::new(compressed), 0) {
                drain(capture);
            }
        }
    }

    #[test]
    fn damaged_compression_does_no_harm(
        gz in any::<bool>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..6),
    ) {
        let (_, bytes) = variants().swap_remove(6);
        let mut file = if gz { gzip(&bytes) } else { zstd(&bytes) };
        for (at, mask) in flips {
            let at = at.index(file.len());
            file[at] ^= mask;
        }
        if let Ok(capture) = Capture::from_reader("t.cap", Cursor::new(file), 0) {
            drain(capture);
        }
    }
}
