//! Against libpcap, on captures that others made.

use std::path::PathBuf;

use crate::capture::testing::drain;
use crate::capture::{Capture, Source};

#[test]
fn libpcap_reads_the_same() {
    let Some(dir) = std::env::var_os("RDPWHY_PEER_CAPTURES") else {
        eprintln!("SKIPPED: RDPWHY_PEER_CAPTURES is not set, no captures of others to compare with libpcap");
        return;
    };
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng")
    });
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let (frames, info) = drain(Capture::open(Source::Path(path.clone()), 0).unwrap());
        assert!(info.warnings.is_empty(), "{:?}", info.warnings);
        let mut peer = pcap::Capture::from_file_with_precision(&path, pcap::Precision::Nano).unwrap();
        let mut count = 0;
        while let Ok(packet) = peer.next_packet() {
            let frame = &frames[count];
            assert_eq!(frame.data, packet.data, "{path:?} {count}");
            assert_eq!(frame.wire_len, packet.header.len, "{path:?} {count}");
            let time = packet.header.ts.tv_sec * 1_000_000_000 + packet.header.ts.tv_usec;
            assert_eq!(frame.time, time, "{path:?} {count}");
            count += 1;
        }
        assert_eq!(count, frames.len(), "{path:?}");
    }
}
