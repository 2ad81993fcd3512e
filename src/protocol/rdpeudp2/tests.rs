use proptest::prelude::*;

use super::super::testing::hex;
use super::*;

fn whole(bytes: &[u8]) -> Packet<'_> {
    assert!(looks_like_packet(bytes, bytes.len()));
    parse(bytes, bytes.len()).unwrap()
}

#[test]
fn reads_the_clients_first_data() {
    // rdpeudp2-handshake-success#3.
    let bytes = hex("0014c101f40164e0 640001001603 0300");
    let packet = whole(&bytes);
    assert_eq!(packet.packet_type, PacketType::DATA);
    assert_eq!(packet.flags.names(), ["DATA", "AOA", "DELAYACKINFO"]);
    assert_eq!(packet.log_window_size, 12);
    assert_eq!(packet.delay_ack_info, Some(DelayAckInfo { max_delayed_acks: 1, timeout_ms: 500 }));
    assert_eq!((packet.ack_of_acks, packet.data_seq), (Some(100), Some(100)));
    let body = packet.body.unwrap();
    assert_eq!((body.channel_seq, body.data, body.len), (1, [&[][..], &[0x16, 3, 3, 0][..]], 4));
}

#[test]
fn reads_an_acknowledgement_that_data_follows() {
    // rdpeudp2-handshake-success#5: the byte that changed places lies in receivedTS.
    let bytes = hex("0055c164000301e0 01000a01f401640064000100 160301050b");
    let packet = whole(&bytes);
    assert_eq!(packet.flags.names(), ["ACK", "DATA", "AOA", "OVERHEADSIZE", "DELAYACKINFO"]);
    let ack = Ack { seq: 100, received_ts: 0x00_0103, send_ack_time_gap: 1, time_scale: 0, delayed: &[] };
    assert_eq!(packet.ack, Some(ack));
    assert_eq!(packet.overhead_size, Some(10));
    assert_eq!((packet.ack_of_acks, packet.data_seq), (Some(100), Some(100)));
    let body = packet.body.unwrap();
    assert_eq!((body.channel_seq, body.data), (1, [&[][..], &hex("160301050b")[..]]));
}

#[test]
fn the_byte_that_changed_places_may_be_the_first_of_the_data() {
    // Without an ACK-of-ACKs, seven bytes precede the data.
    let bytes = hex("16 04c0 6400 0100 e0 0303");
    let packet = whole(&bytes);
    let body = packet.body.unwrap();
    assert_eq!((body.data, body.len), ([&[0x16][..], &[3, 3][..]], 3));
    // rdpeudp2-handshake-success#6: or one of the channel's number.
    let bytes = hex("0214c064006500e0 00bdcdd3");
    let body = whole(&bytes).body.unwrap();
    assert_eq!((body.channel_seq, body.data), (2, [&[][..], &[0xBD, 0xCD, 0xD3][..]]));
}

#[test]
fn reads_a_dummy() {
    // rdpeudp2-handshake-success#4.
    let mut bytes = hex("0014c064006500f0");
    bytes.resize(1007, 0);
    let packet = whole(&bytes);
    assert_eq!((packet.packet_type, packet.data_seq), (PacketType::DUMMY, Some(101)));
    assert_eq!(packet.body, None);
    bytes[900] = 7;
    assert!(!looks_like_packet(&bytes, bytes.len()));
}

#[test]
fn reads_a_short_packet() {
    // DELAYACKINFO alone: five bytes, padded to seven.
    let bytes = hex("00 00c1 08 f401 ff a0");
    let packet = whole(&bytes);
    assert_eq!(packet.delay_ack_info, Some(DelayAckInfo { max_delayed_acks: 8, timeout_ms: 500 }));
    // The same, said to have four bytes.
    let bytes = hex("00 00c1 08 f401 ff 80");
    let why = parse(&bytes, 8).unwrap_err();
    assert_eq!((why.what, why.need, why.have), ("DelayAckInfoPayload", 6, 5));
}

#[test]
fn reads_delayed_acknowledgements() {
    let bytes = hex("03 01c0 6600 0102 e0 05 32 0a0b");
    let ack = whole(&bytes).ack.unwrap();
    assert_eq!((ack.seq, ack.received_ts, ack.send_ack_time_gap), (102, 0x03_0201, 5));
    assert_eq!((ack.time_scale, ack.delayed), (3, &[0x0A, 0x0B][..]));
}

#[test]
fn reads_a_vector_across_the_byte_that_changed_places() {
    // Base 100; bitmap; run of three lost; run of two that came. The first coded byte is at 6.
    let bytes = hex("83 08c0 6400 03 5d e0 c2");
    let vector = whole(&bytes).ack_vec.unwrap();
    assert_eq!(vector.time, None);
    let element = |first, states| AckElement { first, states };
    let run = |received, count| AckStates::Run { received, count };
    assert_eq!(
        vector.elements().collect::<Vec<_>>(),
        [element(100, AckStates::Bitmap(0x5D)), element(107, run(false, 3)), element(110, run(true, 2))]
    );
    // With a time.
    let bytes = hex("03 08c0 ffff 81 01 e0 02 03 07");
    let vector = whole(&bytes).ack_vec.unwrap();
    assert_eq!(vector.time, Some((0x02_0301, 3)));
    assert_eq!(vector.elements().count(), 1);
}

#[test]
fn keeps_what_the_capture_has_of_a_packet() {
    let bytes = hex("0055c164000301e0 01000a01f40164006400 0100 160301050b");
    assert!(parse(&bytes[..7], 1250).is_err());
    let packet = parse(&bytes[..8], 1250).unwrap();
    assert_eq!((packet.cut.unwrap().what, packet.ack), ("ACKPayload", None));
    let packet = parse(&bytes[..16], 1250).unwrap();
    assert_eq!((packet.cut.unwrap().what, packet.ack_of_acks), ("DataHeaderPayload", Some(100)));
    let packet = parse(&bytes, 1250).unwrap();
    let body = packet.body.unwrap();
    assert_eq!((packet.cut, body.len), (None, 1250 - 18 - 2));
    assert!(looks_like_packet(&bytes[..12], 1250));
    assert_eq!(parse(&bytes[..15], 15).unwrap_err().what, "AckOfAcksPayload");
}

#[test]
fn look_alikes_are_told_apart() {
    let others = [
        // DNS query, STUN binding request, QUIC initial, RTP, VXLAN, NTP, a TLS and a DTLS record.
        "abcd0100000100000000000003777777076578616d706c6503636f6d0000010001",
        "000100002112a442000102030405060708090a0b",
        "c30000000108f1e2d3c4b5a697880000",
        "80e0a1b2000003e8deadbeef0102030405060708",
        "0800000000007b00ffffffffffff020000000001",
        "230204e8000000000000000000000000",
        "16030100b2010000ae03035d40b9502b",
        "16fefd0000000000000000006c010000",
    ];
    for text in others {
        let bytes = hex(text);
        assert!(!looks_like_packet(&bytes, bytes.len()), "{text}");
    }
}

type Time = Option<(u32, u8)>;

/// What a test writes into a packet.
#[derive(Clone, Debug, Default)]
struct Written {
    ack: Option<(u16, u32, u8, u8, Vec<u8>)>,
    overhead_size: Option<u8>,
    delay_ack_info: Option<(u8, u16)>,
    ack_of_acks: Option<u16>,
    data: Option<(u16, u16, Vec<u8>)>,
    ack_vec: Option<(u16, Time, Vec<u8>)>,
}

fn encode(written: &Written, window: u8) -> Vec<u8> {
    let mut flags = 0;
    let mut out = vec![0xE0, 0, 0];
    if let Some((seq, ts, gap, scale, delayed)) = &written.ack {
        flags |= Flags::ACK.0;
        out.extend(seq.to_le_bytes());
        out.extend(&ts.to_le_bytes()[..3]);
        out.extend([*gap, scale << 4 | delayed.len() as u8]);
        out.extend(delayed);
    }
    if let Some(size) = written.overhead_size {
        flags |= Flags::OVERHEADSIZE.0;
        out.push(size);
    }
    if let Some((max, timeout)) = written.delay_ack_info {
        flags |= Flags::DELAYACKINFO.0;
        out.push(max);
        out.extend(timeout.to_le_bytes());
    }
    if let Some(number) = written.ack_of_acks {
        flags |= Flags::AOA.0;
        out.extend(number.to_le_bytes());
    }
    if let Some((seq, _, _)) = &written.data {
        flags |= Flags::DATA.0;
        out.extend(seq.to_le_bytes());
    }
    if let Some((base, time, coded)) = &written.ack_vec {
        flags |= Flags::ACKVEC.0;
        out.extend(base.to_le_bytes());
        out.push(coded.len() as u8 | if time.is_some() { 0x80 } else { 0 });
        if let Some((ts, gap)) = time {
            out.extend(&ts.to_le_bytes()[..3]);
            out.push(*gap);
        }
        out.extend(coded);
    }
    if let Some((_, channel, data)) = &written.data {
        out.extend(channel.to_le_bytes());
        out.extend(data);
    }
    out[1..3].copy_from_slice(&(flags | u16::from(window) << 12).to_le_bytes());
    if out.len() < MIN_LEN {
        out[0] = (out.len() as u8 - 1) << 5;
        out.resize(MIN_LEN, 0xEE);
    }
    out.swap(0, 7);
    out
}

prop_compose! {
    fn written()(
        ack in prop::option::of((
            any::<u16>(), 0_u32..1 << 24, any::<u8>(), 0_u8..16, prop::collection::vec(any::<u8>(), 0..16),
        )),
        overhead_size in prop::option::of(any::<u8>()),
        delay_ack_info in prop::option::of(any::<(u8, u16)>()),
        ack_of_acks in prop::option::of(any::<u16>()),
        data in prop::option::of((any::<u16>(), any::<u16>(), prop::collection::vec(any::<u8>(), 0..40))),
        ack_vec in prop::option::of((
            any::<u16>(),
            prop::option::of((0_u32..1 << 24, any::<u8>())),
            prop::collection::vec(any::<u8>(), 0..128),
        )),
    ) -> Written {
        let ack_vec = ack_vec.filter(|_| ack.is_none());
        Written { ack, overhead_size, delay_ack_info, ack_of_acks, data, ack_vec }
    }
}

fn read_back(packet: &Packet<'_>) -> Written {
    let coded = |vector: AckVec<'_>| {
        (0..vector.size).map(|at| vector.bytes.get(vector.start + at).unwrap()).collect::<Vec<u8>>()
    };
    Written {
        ack: packet.ack.map(|ack| {
            (ack.seq, ack.received_ts, ack.send_ack_time_gap, ack.time_scale, ack.delayed.to_vec())
        }),
        overhead_size: packet.overhead_size,
        delay_ack_info: packet.delay_ack_info.map(|info| (info.max_delayed_acks, info.timeout_ms)),
        ack_of_acks: packet.ack_of_acks,
        data: packet.data_seq.zip(packet.body).map(|(seq, body)| {
            assert_eq!(body.data.concat().len(), body.len);
            (seq, body.channel_seq, body.data.concat())
        }),
        ack_vec: packet.ack_vec.map(|vector| (vector.base_seq, vector.time, coded(vector))),
    }
}

proptest! {
    #[test]
    fn a_packet_reads_as_it_was_written(written in written(), window in 0_u8..16) {
        let bytes = encode(&written, window);
        let packet = parse(&bytes, bytes.len()).unwrap();
        prop_assert_eq!(packet.log_window_size, window);
        prop_assert_eq!(format!("{:?}", read_back(&packet)), format!("{written:?}"));
        let empty = written.data.as_ref().is_some_and(|(_, _, data)| data.is_empty());
        prop_assert!(packet.flags.0 == 0 || empty || looks_like_packet(&bytes, bytes.len()));
    }

    #[test]
    fn anything_is_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        flags in any::<u16>(),
        more in 0_usize..2000,
    ) {
        let mut bytes = bytes;
        if let Some(field) = bytes.get_mut(1..3) {
            field.copy_from_slice(&flags.to_le_bytes());
        }
        let wire_len = bytes.len() + more;
        let _ = looks_like_packet(&bytes, wire_len);
        if let Ok(packet) = parse(&bytes, wire_len) {
            prop_assert!(packet.ack_vec.map_or(0, |vector| vector.elements().count()) <= 127);
            prop_assert!(packet.cut.is_none() || more > 0);
        }
    }
}
