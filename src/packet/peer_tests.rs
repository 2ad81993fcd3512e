//! Captures that others made, against what tshark 4 counts in them.

use std::path::PathBuf;

use super::{Body, Decoder};
use crate::base::{Frame, FrameRef, Limits, LinkType, Timestamp};

/// File, and how many packets `tshark -Y tcp` and `tshark -Y udp` show of it, with the sums of `tcp.len`
/// and of `udp.length` less 8.
const COUNTS: &[(&str, usize, usize, u64, u64)] = &[
    ("arkime-socks5-rdp.pcap", 10, 0, 85, 0),
    ("ndpi-rdp.pcap", 20, 0, 2742, 0),
    ("ndpi-rdp3.pcap", 30, 0, 2491, 0),
    ("rdp-invalid-length.pcap", 7, 0, 533, 0),
    ("rdp-no-cookie-mstshash.pcap", 20, 0, 2852, 0),
    ("rdp-proprietary-encryption.pcap", 542, 0, 104_778, 0),
    ("rdp-to-ssl.pcap", 658, 0, 88_666, 0),
    ("rdp-unknown-keyboard.pcap", 11, 0, 578, 0),
    ("rdpeudp-handshake-fail.pcap", 0, 3, 0, 3696),
    ("rdpeudp-handshake-success.pcap", 0, 10, 0, 4393),
    ("rdpeudp2-handshake-success.pcap", 0, 10, 0, 8983),
];

#[test]
fn counts_agree_with_tshark() {
    let Some(folder) = std::env::var_os("RDPWHY_PEER_CAPTURES") else {
        eprintln!("SKIPPED: RDPWHY_PEER_CAPTURES is not set, so no real capture was read");
        return;
    };
    for &(name, tcp, udp, tcp_bytes, udp_bytes) in COUNTS {
        let mut capture = pcap::Capture::from_file(PathBuf::from(&folder).join(name)).unwrap();
        let link = LinkType(capture.get_datalink().0 as u32);
        let mut decoder = Decoder::new(&Limits::default());
        let (mut seen, mut number) = ((0, 0, 0, 0), 0);
        while let Ok(record) = capture.next_packet() {
            number += 1;
            let frame = Frame {
                at: FrameRef::new(0, number),
                time: Timestamp(number as i64),
                link,
                interface: 0,
                data: record.data,
                wire_len: record.header.len,
            };
            match decoder.decode(&frame, number).unwrap().body {
                Body::Tcp(segment) => {
                    seen.0 += 1;
                    seen.2 += u64::from(segment.payload_len);
                }
                Body::Udp(datagram) => {
                    seen.1 += 1;
                    seen.3 += u64::from(datagram.payload_len);
                }
                other => panic!("{name} {number}: {other:?}"),
            }
        }
        assert_eq!(seen, (tcp, udp, tcp_bytes, udp_bytes), "{name}");
    }
}
