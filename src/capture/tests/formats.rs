//! What sound captures say.

use std::io::Cursor;

use crate::base::Timestamp;
use crate::capture::testing::*;
use crate::capture::{Capture, Compression, Format, SecretsType};

#[test]
fn pcap_in_every_byte_order_and_resolution() {
    for (big, magic, nanoseconds) in [
        (false, MICRO, 999_999_000),
        (true, MICRO, 999_999_000),
        (false, NANO, 999_999),
        (true, NANO, 999_999),
        (false, MODIFIED, 999_999_000),
        (true, MODIFIED, 999_999_000),
    ] {
        let file = PcapFile::new(big, magic, 113).packet(1_700_000_000, 999_999, 1500, b"hello").packet(
            4_294_967_295,
            4_294_967_295,
            0,
            b"",
        );
        let (frames, info) = read(&file.bytes);
        assert_eq!(frames.len(), 2, "{magic:#x}");
        let time = 1_700_000_000 * Timestamp::SECOND + nanoseconds;
        let first = Owned {
            capture: 0,
            number: 1,
            time,
            link: 113,
            interface: 0,
            wire_len: 1500,
            data: b"hello".to_vec(),
        };
        assert_eq!(frames[0], first, "{magic:#x}");
        assert!(frames[1].time >= 4_294_967_295 * Timestamp::SECOND);
        assert_eq!((info.format, info.packets, info.bytes), (Format::Pcap, 2, 5));
        assert_eq!((info.first, info.last), (Some(Timestamp(time)), Some(Timestamp(frames[1].time))));
        assert_eq!(info.link_types.len(), 1);
        assert!(info.warnings.is_empty(), "{:?}", info.warnings);
    }
}

#[test]
fn frame_check_sequence_bits_are_no_part_of_the_link_type() {
    let file = PcapFile::new(true, MICRO, 0x4400_0001).packet(1, 0, 4, b"abcd");
    assert_eq!(read(&file.bytes).0[0].link, 1);
}

#[test]
fn old_pcap_versions_may_have_the_lengths_swapped() {
    let mut file = PcapFile::with_version(false, MICRO, 1, (2, 3));
    file.record(1, 0, 1500, 4);
    file.bytes.extend(b"abcd");
    let (frames, _) = read(&file.bytes);
    assert_eq!((frames[0].wire_len, frames[0].data.as_slice()), (1500, b"abcd".as_slice()));
}

#[test]
fn pcapng_sections_interfaces_and_block_kinds() {
    for big in [false, true] {
        let name = format!("pcapng, {} first", if big { "big-endian" } else { "little-endian" });
        let (_, bytes) = variants().into_iter().find(|(variant, _)| *variant == name).unwrap();
        let (frames, info) = read(&bytes);
        let seen: Vec<_> = frames
            .iter()
            .map(|frame| {
                (frame.number, frame.time, frame.link, frame.interface, frame.wire_len, frame.data.len())
            })
            .collect();
        let second = 1_700_000_000 * Timestamp::SECOND;
        let odd_clock = 1005 * Timestamp::SECOND + Timestamp::SECOND / 2;
        assert_eq!(
            seen,
            [
                (1, second + 1, 1, 0, 61, 61),
                (2, odd_clock, 113, 1, 90, 3),
                // A simple packet has no time of its own.
                (3, odd_clock, 1, 0, 50, 50),
                (4, second + 3, 1, 0, 6, 6),
                (5, second, 101, 2, 20, 20),
            ]
        );
        assert_eq!(frames[0].data, noise(61, 2));
        assert_eq!(frames[4].data, noise(20, 7));
        assert_eq!((info.first, info.last), (Some(Timestamp(odd_clock)), Some(Timestamp(second + 3))));
        assert_eq!(info.link_types.iter().map(|link| link.0).collect::<Vec<_>>(), [1, 113, 101]);
        assert_eq!(info.secrets.len(), 1);
        assert_eq!(info.secrets[0].kind, SecretsType::TLS_KEY_LOG);
        assert_eq!(
            (info.secrets[0].data.as_slice(), info.secrets[0].after),
            (b"CLIENT_RANDOM aa bb\n".as_slice(), 0)
        );
        // Interface 0: the larger of 2 between packets and 9 in all; interface 1: 3.
        assert_eq!(info.dropped, 12);
        assert_eq!(info.warnings, ["t.cap: 12 packets were lost while capturing"]);
    }
}

#[test]
fn times_of_any_resolution_and_offset() {
    let bytes = |value: i64| Put(false).u64(value as u64);
    for (resolution, offset, units, expected) in [
        (None, 0, 1_500_000, 1_500_000_000),
        (Some(0), 0, 7, 7_000_000_000),
        (Some(3), 2, 7, 2_007_000_000),
        (Some(9), -1, 7, -999_999_993),
        (Some(12), 0, 7_999, 7),
        (Some(127), 0, u64::MAX, 1),
        (Some(0x80), 0, 3, 3_000_000_000),
        (Some(0x80 | 32), 0, (5 << 32) | (1 << 31), 5_500_000_000),
        (Some(0xff), 0, u64::MAX, 0),
        (Some(0), 0, u64::MAX, i64::MAX),
        (Some(0x80), 0, u64::MAX, i64::MAX),
        (Some(6), i64::MAX, u64::MAX, i64::MAX),
        (Some(9), i64::MIN, 0, i64::MIN),
    ] {
        let (resolution_value, offset_value) = ([resolution.unwrap_or(0)], bytes(offset));
        let mut options: Vec<(u16, &[u8])> = vec![(14, &offset_value)];
        if resolution.is_some() {
            options.push((9, &resolution_value));
        }
        let file = NgFile::new(false).interface(1, 0, &options).enhanced(0, units, b"x");
        assert_eq!(read(&file.bytes).0[0].time, expected, "{resolution:?} {offset} {units}");
    }
}

#[test]
fn simple_packets_are_cut_at_the_snaplen() {
    let file = NgFile::new(true).interface(1, 5, &[]).simple(100, b"abcde").simple(3, b"xyz");
    let (frames, info) = read(&file.bytes);
    assert_eq!((frames[0].data.as_slice(), frames[0].wire_len), (b"abcde".as_slice(), 100));
    assert_eq!(frames[1].data, b"xyz");
    assert_eq!((info.first, info.last), (None, None), "no packet had a time");
}

#[test]
fn cumulative_drop_counts_are_not_added_twice() {
    let count = |value| Put(false).u64(value);
    let file = NgFile::new(false)
        .interface(1, 0, &[])
        .interface(1, 0, &[])
        .statistics(0, &[(5, &count(10)), (7, &count(1))])
        .statistics(0, &[(5, &count(15))])
        .statistics(1, &[(5, &count(4))])
        .statistics(1, &[(5, &count(u64::MAX))])
        .statistics(7, &[(5, &count(1000))])
        .enhanced_with(1, 0, 1, 1, b"a", &[(4, &count(2))])
        .obsolete(1, 1, 0, b"b")
        .obsolete(1, 0xffff, 0, b"c");
    assert_eq!(read(&file.bytes).1.dropped, 15 + 1 + 4);
}

#[test]
fn secrets_remember_where_they_stood_and_keep_out_of_logs() {
    let file = NgFile::new(false).interface(1, 0, &[]).enhanced(0, 0, b"a").secrets(1, b"hush");
    let (_, info) = read(&file.bytes);
    assert_eq!(info.secrets[0].after, 1);
    assert!(!format!("{info:?}").contains("hush"));
    assert!(format!("{info:?}").contains("4 bytes"));
}

#[test]
fn secrets_are_told_before_the_frames_after_them() {
    use std::sync::{Arc, Mutex};
    let file = NgFile::new(false)
        .secrets(1, b"one")
        .interface(1, 0, &[])
        .enhanced(0, 0, b"a")
        .secrets(1, b"two")
        .enhanced(0, 0, b"b");
    let mut capture = Capture::from_reader("a", std::io::Cursor::new(file.bytes), 0).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let tell = heard.clone();
    capture.on_secrets(move |secrets| tell.lock().unwrap().push(secrets.data.clone()));
    let heard = || heard.lock().unwrap().len();
    for (frame, secrets) in [(b"a", 1), (b"b", 2)] {
        assert_eq!(capture.next_frame().unwrap().data, frame);
        assert_eq!(heard(), secrets);
    }
    assert!(capture.next_frame().is_none() && heard() == 2);
}

#[test]
fn unpadded_block_lengths_are_rounded_up_as_wireshark_does() {
    let mut file = NgFile::new(false).interface(1, 0, &[]).enhanced(0, 0, b"abc");
    let at = file.bytes.len() - 36;
    let total = file.put.u32(35);
    file.bytes[at + 4..at + 8].copy_from_slice(&total);
    file.bytes[at + 32..].copy_from_slice(&total);
    let (frames, info) = read(&file.enhanced(0, 0, b"next").bytes);
    assert_eq!(frames.len(), 2, "{:?}", info.warnings);
    assert_eq!(frames[0].data, b"abc");
}

#[test]
fn every_way_of_feeding_gives_the_same_frames() {
    for (name, bytes) in variants() {
        let (whole, info) = read(&bytes);
        assert_eq!(whole.len(), 5, "{name}");
        let dripped = drain(Capture::from_reader("t.cap", Drip::new(&bytes), 0).unwrap());
        assert_eq!(dripped.0, whole, "{name}");
        assert_eq!(dripped.1.warnings, info.warnings, "{name}");
        for (compression, compressed) in
            [(Compression::Gzip, gzip(&bytes)), (Compression::Zstd, zstd(&bytes))]
        {
            for capture in [
                Capture::from_reader("t.cap", Cursor::new(compressed.clone()), 0).unwrap(),
                Capture::from_reader("t.cap", Drip::new(&compressed), 0).unwrap(),
            ] {
                let (frames, packed) = drain(capture);
                assert_eq!(frames, whole, "{name}");
                assert_eq!(packed.compression, Some(compression));
                assert_eq!(packed.warnings, info.warnings, "{name}");
            }
        }
    }
}

#[test]
fn compressed_members_and_frames_may_follow_one_another() {
    let (_, bytes) = variants().swap_remove(0);
    let (head, tail) = bytes.split_at(40);
    let whole = read(&bytes).0;
    assert_eq!(read(&[gzip(head), gzip(tail)].concat()).0, whole);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    assert_eq!(read(&[skippable, zstd(head), zstd(tail)].concat()).0, whole);
}

#[test]
fn records_larger_than_the_buffer_are_read() {
    let data = noise(256 * 1024, 1);
    let small = noise(100, 2);
    let file =
        PcapFile::new(false, MICRO, 1).packet(1, 0, 1, &small).packet(2, 0, 1, &data).packet(3, 0, 1, &small);
    let (frames, info) = read(&file.bytes);
    assert_eq!(frames.iter().map(|frame| frame.data.len()).collect::<Vec<_>>(), [100, 256 * 1024, 100]);
    assert_eq!(frames[1].data, data);
    assert!(info.warnings.is_empty());
}
