use proptest::prelude::*;

use super::super::testing::hex;
use super::*;

/// A SYN filled up with zeros.
fn padded(text: &str) -> Vec<u8> {
    let mut bytes = hex(text);
    bytes.resize(1232, 0);
    bytes
}

/// rdpeudp2-handshake-success#1.
fn syn() -> Vec<u8> {
    padded(
        "ffffffff00401801 a7eb5da404d004d0 a2e2c8186de34f1e8d0f9175e4cd0000 \
         00000000000000000000000000000000 00010101",
    )
}

/// rdpeudp2-handshake-success#2.
fn syn_ack() -> Vec<u8> {
    padded("a7eb5da400401005 0547d72b04d004d0 00010101")
}

fn whole(bytes: &[u8]) -> Datagram<'_> {
    parse(bytes, bytes.len()).unwrap()
}

#[test]
fn reads_a_syn() {
    let bytes = syn();
    let datagram = whole(&bytes);
    assert_eq!((datagram.source_ack, datagram.receive_window), (NOTHING_RECEIVED, 64));
    assert_eq!(datagram.flags.names(), ["SYN", "CORRELATION_ID", "SYNEX"]);
    let syn = datagram.syn.unwrap();
    assert_eq!((syn.initial_sequence, syn.upstream_mtu, syn.downstream_mtu), (0xA7EB_5DA4, 1232, 1232));
    assert_eq!(syn.correlation_id.unwrap()[..4], [0xA2, 0xE2, 0xC8, 0x18]);
    let version = UdpVersion::RDPUDP_PROTOCOL_VERSION_3;
    assert_eq!(syn.extension, Some(SynEx { flags: 1, version, cookie_hash: None }));
    assert_eq!(syn.padding.len(), 1232 - 84);
    assert!(looks_like_syn(&bytes, 1232) && !looks_like_syn_ack(&bytes, 1232));
    assert!(!looks_like_data_v1(&bytes, 1232));
}

#[test]
fn reads_a_cookie_hash_whatever_the_version_is() {
    // As ndpi-rdp2#33: version 2, lossy, with a hash.
    let mut bytes = syn();
    bytes[6..8].copy_from_slice(&[0x1A, 0x01]);
    bytes[50..52].copy_from_slice(&[0, 2]);
    bytes[52..84].copy_from_slice(&[0xAB; 32]);
    let datagram = whole(&bytes);
    assert!(datagram.flags.contains(Flags::SYNLOSSY));
    let extension = datagram.syn.unwrap().extension.unwrap();
    assert_eq!(extension.version, UdpVersion::RDPUDP_PROTOCOL_VERSION_2);
    assert_eq!(extension.cookie_hash, Some([0xAB; 32]));
    assert!(looks_like_syn(&bytes, 1232));
}

#[test]
fn reads_a_syn_ack_which_has_neither_vector_nor_hash() {
    let bytes = syn_ack();
    let datagram = whole(&bytes);
    assert_eq!(datagram.source_ack, 0xA7EB_5DA4);
    assert_eq!(datagram.ack_vector, None);
    let syn = datagram.syn.unwrap();
    assert_eq!((syn.initial_sequence, syn.correlation_id), (0x0547_D72B, None));
    assert_eq!(syn.extension.unwrap().version, UdpVersion::RDPUDP_PROTOCOL_VERSION_3);
    assert_eq!(syn.padding.len(), 1232 - 20);
    assert!(looks_like_syn_ack(&bytes, 1232) && !looks_like_syn(&bytes, 1232));
}

#[test]
fn reads_data_with_an_empty_vector() {
    // rdpeudp-handshake-success#3: nothing received yet, so the vector is but its padding.
    let bytes = hex("0f94ea0b0400000c 00000000 0b127f160b127f16 16030300b2");
    let datagram = whole(&bytes);
    assert_eq!(datagram.receive_window, 1024);
    assert_eq!(datagram.ack_vector, Some(AckVector { elements: &[] }));
    let data = &bytes[20..];
    let (coded, source) = (0x0B12_7F16, 0x0B12_7F16);
    assert_eq!(datagram.payload, Some(Payload::Source { coded, source, data, len: 5 }));
    assert!(looks_like_data_v1(&bytes, bytes.len()));
}

#[test]
fn reads_a_vector_over_junk() {
    // rdpeudp-handshake-success#4: one run of one datagram, then a byte of junk.
    let bytes = hex("0b127f1600c8000c 0001001f 0f94ea0c0f94ea0c 1603");
    let datagram = whole(&bytes);
    let runs: Vec<AckRun> = datagram.ack_vector.unwrap().runs().collect();
    assert_eq!(runs, [AckRun { state: AckState::DATAGRAM_RECEIVED, count: 1 }]);
    assert_eq!(datagram.payload.map(|payload| payload.coded()), Some(0x0F94_EA0C));
    // As ndpi-rdp2#39: one came, one lacks, one came.
    let bytes = hex("0000752e 0400 0004 0003 00c000 aabbcc");
    let runs: Vec<(u8, u8)> =
        whole(&bytes).ack_vector.unwrap().runs().map(|run| (run.state.0, run.count)).collect();
    assert_eq!(runs, [(0, 1), (3, 1), (0, 1)]);
    assert!(looks_like_data_v1(&bytes, bytes.len()));
}

#[test]
fn reads_a_bare_acknowledgement() {
    // ndpi-rdp2#13.
    let bytes = hex("1097603303ff0404 00010400");
    let datagram = whole(&bytes);
    assert_eq!(datagram.flags.names(), ["ACK", "ACKDELAYED"]);
    assert_eq!(datagram.ack_vector.unwrap().runs().next().map(|run| run.count), Some(5));
    assert_eq!(datagram.payload, None);
    assert!(looks_like_data_v1(&bytes, 12));
    let longer = [bytes.as_slice(), &[0; 4]].concat();
    assert!(!looks_like_data_v1(&longer, 16), "something follows");
}

#[test]
fn reads_fec_and_an_ack_of_acks() {
    let bytes = hex("00000009 0040 011c 0000 0000 00000007 0000000a 00000008 02 01 0000 ffee");
    let datagram = whole(&bytes);
    assert_eq!(datagram.ack_of_acks, Some(7));
    let payload = Payload::Fec { coded: 10, source: 8, range: 2, index: 1, data: &[0xFF, 0xEE], len: 2 };
    assert_eq!(datagram.payload, Some(payload));
    assert!(looks_like_data_v1(&bytes, bytes.len()));
}

#[test]
fn keeps_what_the_capture_has_of_a_datagram() {
    let bytes = syn();
    let cut = |have: usize| parse(&bytes[..have], 1232);
    assert!(cut(7).is_err());
    assert_eq!(cut(10).unwrap().cut.unwrap().what, "RDPUDP_SYNDATA_PAYLOAD");
    assert_eq!(cut(30).unwrap().syn.unwrap().initial_sequence, 0xA7EB_5DA4);
    assert_eq!(cut(30).unwrap().cut.unwrap().what, "RDPUDP_CORRELATION_ID_PAYLOAD");
    let at_hash = cut(60).unwrap();
    assert_eq!(at_hash.cut.unwrap().need, 84);
    assert_eq!(at_hash.syn.unwrap().extension.unwrap().version.0, 0x0101);
    assert_eq!(cut(84).unwrap().cut, None);
    assert!(looks_like_syn(&bytes[..60], 1232));

    let bytes = hex("0f94ea0b0400000c 00000000 0b127f160b127f16 16030300b2");
    let Some(Payload::Source { data, len, .. }) = parse(&bytes, 203).unwrap().payload else { panic!() };
    assert_eq!((data.len(), len), (5, 183));
    assert_eq!(parse(&bytes[..14], 203).unwrap().cut.unwrap().what, "RDPUDP_SOURCE_PAYLOAD_HEADER");
}

#[test]
fn refuses_datagrams_that_are_too_short_for_their_fields() {
    let why = parse(&hex("0f94ea0b0400000c 0000"), 10).unwrap_err();
    assert_eq!((why.what, why.need, why.have), ("RDPUDP_ACK_VECTOR_HEADER", 12, 10));
    let why = parse(&hex("0f94ea0b04000004 0801"), 3000).unwrap_err();
    assert_eq!((why.what, why.have), ("uAckVectorSize", 2049));
}

#[test]
fn look_alikes_are_told_apart() {
    let query = [b"\xff\xff\xff\xffTSource Engine Query\0".as_slice(), &[0; 4]].concat();
    assert!(!looks_like_syn(&query, query.len()) && !looks_like_syn_ack(&query, query.len()));
    for (at, byte) in [(3, 0), (6, 0x3C), (7, 0x11), (13, 1), (12, 3), (1231, 1), (48, 4)] {
        let mut bytes = syn();
        bytes[at] = byte;
        assert!(!looks_like_syn(&bytes, 1232), "byte {at}");
    }
    assert!(!looks_like_syn(&syn()[..1000], 1000));
    let dns = hex("abcd0100000100000000000003777777076578616d706c6503636f6d0000010001");
    assert!(!looks_like_data_v1(&dns, dns.len()));
    assert!(!looks_like_data_v1(&syn_ack(), 1232));
}

/// Writes datagrams for the tests.
pub(crate) fn encode(datagram: &Datagram<'_>, junk: u8) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(datagram.source_ack.to_be_bytes());
    out.extend(datagram.receive_window.to_be_bytes());
    out.extend(datagram.flags.0.to_be_bytes());
    if let Some(syn) = &datagram.syn {
        out.extend(syn.initial_sequence.to_be_bytes());
        out.extend(syn.upstream_mtu.to_be_bytes());
        out.extend(syn.downstream_mtu.to_be_bytes());
        if let Some(id) = syn.correlation_id {
            out.extend(id);
            out.extend([0; 16]);
        }
        if let Some(extension) = syn.extension {
            out.extend(extension.flags.to_be_bytes());
            out.extend(extension.version.0.to_be_bytes());
            if !datagram.flags.contains(Flags::ACK) {
                out.extend(extension.cookie_hash.unwrap_or_default());
            }
        }
        out.extend(syn.padding);
    }
    if let Some(vector) = datagram.ack_vector {
        out.extend((vector.elements.len() as u16).to_be_bytes());
        out.extend(vector.elements);
        while out.len() % 4 != 0 {
            out.push(junk);
        }
    }
    if let Some(number) = datagram.ack_of_acks {
        out.extend(number.to_be_bytes());
    }
    match datagram.payload {
        Some(Payload::Source { coded, source, data, .. }) => {
            out.extend(coded.to_be_bytes());
            out.extend(source.to_be_bytes());
            out.extend(data);
        }
        Some(Payload::Fec { coded, source, range, index, data, .. }) => {
            out.extend(coded.to_be_bytes());
            out.extend(source.to_be_bytes());
            out.extend([range, index, 0, 0]);
            out.extend(data);
        }
        None => {}
    }
    out
}

prop_compose! {
    fn opening()(
        numbers in any::<(u32, u16, u32, u16, u16)>(),
        lossy in any::<bool>(),
        id in prop::option::of(any::<[u8; 16]>()),
        extension in prop::option::of((any::<u16>(), any::<u16>(), prop::option::of(any::<[u8; 32]>()))),
        ack in any::<bool>(),
    ) -> Datagram<'static> {
        let mut flags = Flags::SYN.0;
        for (set, flag) in [
            (lossy, Flags::SYNLOSSY),
            (id.is_some(), Flags::CORRELATION_ID),
            (extension.is_some(), Flags::SYNEX),
            (ack, Flags::ACK),
        ] {
            flags |= if set { flag.0 } else { 0 };
        }
        let extension = extension.map(|(flags, version, hash)| SynEx {
            flags,
            version: UdpVersion(version),
            cookie_hash: hash.filter(|hash| !ack && *hash != [0; 32]),
        });
        let (source_ack, receive_window, initial_sequence, upstream_mtu, downstream_mtu) = numbers;
        let padding: &[u8] = &[0; 9];
        let syn =
            Some(Syn { initial_sequence, upstream_mtu, downstream_mtu, correlation_id: id, extension, padding });
        let (ack_vector, ack_of_acks, payload) = (None, None, None);
        let flags = Flags(flags);
        Datagram { source_ack, receive_window, flags, syn, ack_vector, ack_of_acks, payload, cut: None }
    }
}

proptest! {
    #[test]
    fn a_syn_reads_as_it_was_written(datagram in opening()) {
        let bytes = encode(&datagram, 0);
        prop_assert_eq!(parse(&bytes, bytes.len()), Ok(datagram));
    }

    #[test]
    fn data_reads_as_it_was_written(
        numbers in any::<(u32, u16, u32, u32, u8, u8)>(),
        elements in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
        ack_of_acks in prop::option::of(any::<u32>()),
        data in prop::option::of((any::<bool>(), prop::collection::vec(any::<u8>(), 0..40))),
        junk in any::<u8>(),
        cut in 0_usize..200,
    ) {
        let (source_ack, receive_window, coded, source, range, index) = numbers;
        let mut flags = 0;
        let payload = data.as_ref().map(|(fec, data)| {
            flags |= Flags::DATA.0 | if *fec { Flags::FEC.0 } else { 0 };
            let len = data.len();
            if *fec {
                Payload::Fec { coded, source, range, index, data, len }
            } else {
                Payload::Source { coded, source, data, len }
            }
        });
        flags |= if elements.is_some() { Flags::ACK.0 } else { 0 };
        flags |= if ack_of_acks.is_some() { Flags::ACK_OF_ACKS.0 } else { 0 };
        let ack_vector = elements.as_deref().map(|elements| AckVector { elements });
        let flags = Flags(flags);
        let datagram = Datagram {
            source_ack, receive_window, flags, syn: None, ack_vector, ack_of_acks, payload, cut: None,
        };
        let bytes = encode(&datagram, junk);
        prop_assert_eq!(parse(&bytes, bytes.len()), Ok(datagram));
        // What is left of it when the capture cut it agrees with the whole.
        if let Ok(part) = parse(&bytes[..cut.min(bytes.len())], bytes.len()) {
            prop_assert_eq!(part.flags, flags);
            prop_assert!(part.ack_of_acks.is_none() || part.ack_of_acks == ack_of_acks);
            prop_assert!(part.cut.is_some() || part.payload.map(|p| p.coded()) == payload.map(|p| p.coded()));
        }
    }

    #[test]
    fn anything_is_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        flags in any::<u16>(),
        more in 0_usize..2000,
    ) {
        let mut bytes = bytes;
        if let Some(field) = bytes.get_mut(6..8) {
            field.copy_from_slice(&flags.to_be_bytes());
        }
        let wire_len = bytes.len() + more;
        let _ = (looks_like_syn(&bytes, wire_len), looks_like_syn_ack(&bytes, wire_len));
        let _ = looks_like_data_v1(&bytes, wire_len);
        if let Ok(datagram) = parse(&bytes, wire_len) {
            let runs = datagram.ack_vector.map_or(0, |vector| vector.runs().len());
            prop_assert!(runs <= bytes.len());
            prop_assert!(datagram.cut.is_none() || more > 0);
        }
    }

    #[test]
    fn random_bytes_are_no_syn(bytes in prop::collection::vec(any::<u8>(), 1132..1233)) {
        prop_assert!(!looks_like_syn(&bytes, bytes.len()) && !looks_like_syn_ack(&bytes, bytes.len()));
    }
}
