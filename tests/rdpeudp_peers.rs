//! RDP-UDP between real Windows peers: every datagram is read to its end, and what it carries is TLS. Captures
//! of other projects, found through `RDPWHY_PEER_CAPTURES`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::path::PathBuf;

use rdpwhy::base::{Chunk, Dir, Limits, PerDir, Stamp};
use rdpwhy::capture::{Capture, Source};
use rdpwhy::layers::TlsStream;
use rdpwhy::packet::{Body, Decoder};
use rdpwhy::protocol::rdpeudp::{self, Payload, UdpVersion};
use rdpwhy::protocol::tls::Version;
use rdpwhy::protocol::{rdpemt, rdpeudp2};
use rdpwhy::session::Tls;

/// The UDP payloads from or to port 3389; `None` where the captures are not there.
fn datagrams(file: &str) -> Option<Vec<(Dir, Stamp, Vec<u8>)>> {
    let Some(folder) = std::env::var_os("RDPWHY_PEER_CAPTURES") else {
        eprintln!("SKIPPED: RDPWHY_PEER_CAPTURES is unset, so {file} was not read");
        return None;
    };
    let mut capture = Capture::open(Source::Path(PathBuf::from(folder).join(file)), 0).unwrap();
    let mut decoder = Decoder::new(&Limits::default());
    let (mut found, mut order) = (Vec::new(), 0);
    while let Some(frame) = capture.next_frame() {
        order += 1;
        let Ok(packet) = decoder.decode(&frame, order) else { continue };
        if let Body::Udp(datagram) = &packet.body {
            let dir = match (datagram.src_port, datagram.dst_port) {
                (_, 3389) => Dir::ClientToServer,
                (3389, _) => Dir::ServerToClient,
                _ => continue,
            };
            found.push((dir, packet.meta.stamp, datagram.payload.to_vec()));
        }
    }
    Some(found)
}

/// Puts the pieces of a direction in a row and reads them as TLS.
#[derive(Default)]
struct Inside {
    tls: Tls,
    offset: PerDir<u64>,
}

impl Inside {
    fn push(&mut self, reader: &mut TlsStream, dir: Dir, stamp: Stamp, data: &[u8]) {
        let chunk = Chunk { offset: self.offset[dir], data, len: data.len() as u64, stamp };
        self.tls.stream(reader, dir, &chunk).unwrap();
        self.offset[dir] += data.len() as u64;
    }
}

#[test]
fn an_unanswered_client_repeats_its_syn() {
    let Some(datagrams) = datagrams("rdpeudp-handshake-fail.pcap") else { return };
    assert_eq!(datagrams.len(), 3);
    for (dir, _, bytes) in &datagrams {
        assert_eq!((*dir, bytes), (Dir::ClientToServer, &datagrams[0].2));
        assert!(rdpeudp::looks_like_syn(bytes, bytes.len()));
    }
}

#[test]
fn version_2_is_read_down_to_its_tls() {
    let Some(datagrams) = datagrams("rdpeudp-handshake-success.pcap") else { return };
    let mut inside = Inside::default();
    let mut reader = TlsStream::new(&Limits::default(), rdpwhy::layers::Keys::default());
    let (mut offered, mut next) = (Vec::new(), PerDir::<Option<u32>>::default());
    for (dir, stamp, bytes) in &datagrams {
        let datagram = rdpeudp::parse(bytes, bytes.len()).unwrap();
        assert_eq!(datagram.cut, None);
        if let Some(syn) = datagram.syn {
            let syns = [rdpeudp::looks_like_syn, rdpeudp::looks_like_syn_ack];
            assert!(syns[offered.len()](bytes, bytes.len()));
            offered.push(syn.extension.unwrap().version);
            next[*dir] = Some(syn.initial_sequence.wrapping_add(1));
            continue;
        }
        assert!(rdpeudp::looks_like_data_v1(bytes, bytes.len()));
        if let Some(Payload::Source { source, data, .. }) = datagram.payload {
            assert_eq!(Some(source), next[*dir], "nothing was lost or repeated here");
            next[*dir] = Some(source.wrapping_add(1));
            inside.push(&mut reader, *dir, *stamp, data);
        }
    }
    assert_eq!(offered, [UdpVersion(3), UdpVersion::RDPUDP_PROTOCOL_VERSION_2]);
    let tls = &inside.tls;
    assert_eq!(tls.version(), Some(Version::TLS1_2));
    assert!(tls.certificates.is_some() && tls.established.is_some() && tls.malformed.is_none());
    // The tunnel was asked for and answered.
    let [request, response] = [0, 1].map(|at| tls.opening[at]);
    assert_eq!((request.dir, response.dir), (Dir::ClientToServer, Dir::ServerToClient));
    assert!(tls.may_hide(request.length, rdpemt::CREATE_REQUEST_LEN), "{request:?}");
    assert!(tls.may_hide(response.length, rdpemt::CREATE_RESPONSE_LEN), "{response:?}");
}

#[test]
fn version_3_is_read_down_to_its_tls() {
    let Some(datagrams) = datagrams("rdpeudp2-handshake-success.pcap") else { return };
    let mut inside = Inside::default();
    let mut reader = TlsStream::new(&Limits::default(), rdpwhy::layers::Keys::default());
    let (mut next, mut dummies) = (PerDir { client_to_server: 1, server_to_client: 1 }, 0);
    for (dir, stamp, bytes) in &datagrams[2..] {
        assert!(rdpeudp2::looks_like_packet(bytes, bytes.len()));
        let packet = rdpeudp2::parse(bytes, bytes.len()).unwrap();
        assert_eq!((packet.cut, packet.log_window_size), (None, 12));
        dummies += u32::from(packet.packet_type == rdpeudp2::PacketType::DUMMY);
        if let Some(body) = packet.body {
            assert_eq!(body.channel_seq, next[*dir], "nothing was lost or repeated here");
            next[*dir] += 1;
            for piece in body.data {
                inside.push(&mut reader, *dir, *stamp, piece);
            }
        }
    }
    assert!(dummies >= 2, "{dummies}");
    let tls = &inside.tls;
    assert!(tls.server_hello.is_some() && tls.malformed.is_none(), "{tls:?}");
    assert!(tls.certificates.is_some());
}
