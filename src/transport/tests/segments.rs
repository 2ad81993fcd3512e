//! Retransmission, reordering, gaps, windows, sightings.

use super::*;

/// The server's data at a stream offset.
fn down(offset: u32, data: &[u8]) -> P {
    s(ACK, S.wrapping_add(1 + offset), C + 1, data)
}

/// The client's data at a stream offset.
fn up(offset: u32, data: &[u8]) -> P {
    c(ACK, C + 1 + offset, S.wrapping_add(1), data)
}

/// The client acknowledges up to a stream offset.
fn ack_down(offset: u32) -> P {
    c(ACK, C + 1, S.wrapping_add(1 + offset), b"")
}

#[test]
fn sequence_numbers_wrap_around() {
    let packets: Vec<P> = (0..10).map(|n| down(n * 5, b"12345")).collect();
    let (facts, log) = after_handshake(&packets);
    assert_eq!(log.down.bytes, b"12345".repeat(10));
    assert_eq!((facts.dir[DOWN].sent, facts.dir[DOWN].bytes), (50, 50));
}

#[test]
fn a_retransmission_is_loss_until_it_was_acknowledged() {
    let (facts, log) =
        after_handshake(&[down(0, b"abc"), down(0, b"abc").after_ms(300), ack_down(3), down(3, b"def")]);
    let dir = &facts.dir[DOWN];
    assert_eq!((dir.segments, dir.retransmitted, dir.lost, dir.out_of_order), (3, 1, 1, 0));
    assert_eq!((dir.bytes, dir.acked, dir.acked_at.unwrap().at.number()), (6, 3, 6));
    assert_eq!(log.down.bytes, b"abcdef");
    let (facts, _) = after_handshake(&[down(0, b"abc"), ack_down(3), down(0, b"abc"), down(3, b"d")]);
    let dir = &facts.dir[DOWN];
    assert_eq!((dir.retransmitted, dir.lost), (1, 0), "a tail-loss probe");
}

#[test]
fn needless_repeats_are_no_loss() {
    let options = |raw: &[u8]| raw.to_vec();
    // RFC 2883: the acknowledgement reports the repeat.
    let dsack = options(&[1, 1, 5, 10, 0xff, 0xff, 0xff, 0xf1, 0xff, 0xff, 0xff, 0xf4]);
    let (facts, _) = after_handshake(&[
        down(0, b"abc"),
        down(0, b"abc").after_ms(20),
        ack_down(3),
        ack_down(3).with(|p| p.options = dsack),
    ]);
    assert_eq!((facts.dir[DOWN].retransmitted, facts.dir[DOWN].lost), (1, 0));
    // RFC 7323: the echo is the first sending's.
    let stamps = |val: u8, ecr: u8| options(&[1, 1, 8, 10, 0, 0, 0, val, 0, 0, 0, ecr]);
    let packets = |echo| {
        [
            down(0, b"abc").with(|p| p.options = stamps(10, 0)),
            down(0, b"abc").after_ms(20).with(|p| p.options = stamps(30, 0)),
            ack_down(3).with(|p| p.options = stamps(1, echo)),
        ]
    };
    assert_eq!(after_handshake(&packets(10)).0.dir[DOWN].lost, 0);
    assert_eq!(after_handshake(&packets(30)).0.dir[DOWN].lost, 1);
    // Answered sooner than a packet can go there and back (10 ms here).
    let packets = |us| [down(0, b"abc"), down(0, b"abc").after_ms(40), ack_down(3).after_us(us)];
    assert_eq!(after_handshake(&packets(1000)).0.dir[DOWN].lost, 0);
    assert_eq!(after_handshake(&packets(10_000)).0.dir[DOWN].lost, 1);
}

#[test]
fn reordering_differs_from_loss() {
    let late = |us| {
        let (facts, log) = after_handshake(&[down(3, b"def"), down(0, b"abc").after_us(us)]);
        assert_eq!(log.down.bytes, b"abcdef");
        (facts.dir[DOWN].out_of_order, facts.dir[DOWN].lost, facts.dir[DOWN].retransmitted)
    };
    assert_eq!(late(500), (1, 0, 0));
    assert_eq!(late(50_000), (0, 1, 0));
    // The identification knows better.
    let by_id = |id, us| {
        let (facts, _) = after_handshake(&[down(3, b"def").id(100), down(0, b"abc").after_us(us).id(id)]);
        (facts.dir[DOWN].out_of_order, facts.dir[DOWN].lost)
    };
    assert_eq!(by_id(99, 50_000), (1, 0));
    assert_eq!(by_id(101, 500), (0, 1));
}

#[test]
fn keep_alives_and_probes_are_no_loss() {
    let start = [up(0, b"hello"), s(ACK, S.wrapping_add(1), C + 6, b"")];
    for keep_alive in [up(4, b"o"), up(4, b""), up(4, b"\0")] {
        let (facts, log) = after_handshake(&[&start[..], &[keep_alive], &[up(5, b"!")]].concat());
        let dir = &facts.dir[UP];
        assert_eq!((dir.retransmitted, dir.lost, dir.segments), (0, 0, 2));
        assert_eq!(log.up.bytes, b"hello!");
    }
    // Before any data: the sequence number of the SYN.
    let (facts, log) = after_handshake(&[c(ACK, C, S.wrapping_add(1), b"\0"), up(0, b"hello")]);
    assert_eq!((facts.dir[UP].segments, &log.up.bytes[..]), (1, &b"hello"[..]));
    // Zero-window probes: one byte beyond the window, again and again.
    let closed = s(ACK, S.wrapping_add(1), C + 6, b"").with(|p| p.window = 0);
    let probe = up(5, b"w").after_ms(300);
    let (facts, log) = after_handshake(&[
        start[0].clone(),
        closed.clone(),
        probe.clone(),
        closed.clone(),
        probe.clone(),
        closed,
        probe,
        s(ACK, S.wrapping_add(1), C + 7, b""),
        up(6, b"orld"),
    ]);
    assert_eq!((facts.dir[UP].retransmitted, facts.dir[UP].lost), (0, 0));
    assert_eq!(facts.dir[DOWN].zero_window, 1);
    assert_eq!(log.up.bytes, b"helloworld");
}

#[test]
fn overlaps_and_other_segmentation() {
    let (facts, log) = after_handshake(&[
        up(0, b"abcdef"),
        up(4, b"EFgh"),
        up(12, b"mn"),
        up(10, b"KLMNop"),
        up(6, b"GHij"),
        up(16, b"q"),
    ]);
    assert_eq!(log.up.bytes, b"abcdefghijKLmnopq");
    assert_eq!(facts.dir[UP].bytes, 17);
    assert_eq!(log.up.gaps, []);
}

#[test]
fn acknowledged_but_never_seen() {
    let quiet = up(0, b"");
    let mut packets = vec![down(0, b"abc"), down(6, b"ghi"), ack_down(9)];
    packets.extend(std::iter::repeat_n(quiet, 3));
    let mut run = Run::new();
    run.play(&handshake()).play(&packets[..5]);
    // Still time for the missing segment to turn up.
    let mut late = Run::new();
    late.play(&handshake()).play(&packets[..5]).play(&[down(3, b"def")]);
    let sessions = late.finish().sessions();
    assert_eq!(sessions[0].1.as_ref().unwrap().down.bytes, b"abcdefghi");
    assert_eq!((sessions[0].0.dir[DOWN].gaps, sessions[0].0.dir[DOWN].out_of_order), (0, 1));

    let (facts, log) = after_handshake(&packets);
    assert_eq!(log.down.bytes, b"abc___ghi");
    assert_eq!(log.down.gaps, [(3, 3, true)]);
    assert_eq!((facts.dir[DOWN].gaps, facts.dir[DOWN].holes, facts.dir[DOWN].bytes), (1, 0, 6));
    assert_eq!(log.down.chunks, [(0, 3, 4), (6, 3, 5)]);
}

#[test]
fn a_direction_that_was_never_captured() {
    let packets: Vec<P> = [5, 10, 15, 15, 20, 20, 20, 20, 20].map(ack_down).to_vec();
    let (facts, log) = after_handshake(&packets);
    assert!(!log.down.gaps.is_empty());
    assert_eq!(log.down.gaps.iter().map(|gap| gap.1).sum::<u64>(), 20);
    assert_eq!((facts.dir[DOWN].sent, facts.dir[DOWN].acked, facts.dir[DOWN].bytes), (0, 20, 0));
    // From the middle on, the client's acknowledgement says where the server was.
    let (facts, log) = only(&[
        c(ACK, C, S, b"x"),
        s(ACK, S.wrapping_add(10), C + 1, b"later"),
        c(ACK, C + 1, S.wrapping_add(15), b""),
    ]);
    assert_eq!(log.down.bytes, b"__________later");
    assert_eq!((facts.dir[DOWN].gaps, facts.dir[UP].gaps), (1, 0));
}

#[test]
fn a_fin_that_was_not_captured_is_no_gap() {
    let (facts, _) = after_handshake(&[down(0, b"abc"), ack_down(4), up(0, b""), up(0, b""), up(0, b"")]);
    assert_eq!(facts.dir[DOWN].gaps, 0);
}

#[test]
fn a_hole_never_repaired_is_the_paths() {
    let (facts, log) = after_handshake(&[down(0, b"abc"), ack_down(3), down(1463, b"tail")]);
    let dir = &facts.dir[DOWN];
    assert_eq!((dir.gaps, dir.holes, dir.hole_bytes), (0, 1, 1460));
    assert_eq!(log.down.gaps, [(3, 1460, false)]);
    assert!(log.down.bytes.ends_with(b"_tail"));
}

#[test]
fn unanswered_repeats() {
    let big = vec![7; 1460];
    let (facts, _) = after_handshake(&[
        up(0, b"small"),
        s(ACK, S.wrapping_add(1), C + 6, b""),
        up(5, &big),
        up(1465, b"tail"),
        up(5, &big).after_ms(300),
        up(5, &big).after_ms(600),
    ]);
    let dir = &facts.dir[UP];
    let unanswered = dir.unanswered.as_deref().unwrap();
    assert_eq!((unanswered.first.at.number(), unanswered.last.at.number(), unanswered.count), (6, 9, 3));
    assert_eq!((dir.unanswered_ip_len, dir.largest_acked), (1500, 45));
    assert_eq!((dir.lost, dir.retransmitted, dir.sent, dir.acked), (2, 2, 1469, 5));
    // An offloaded burst, of which the first segment is repeated, and acknowledged.
    let (facts, _) = after_handshake(&[
        up(0, &[1; 4380]),
        up(0, &big).after_ms(300),
        s(ACK, S.wrapping_add(1), C + 1461, b""),
        up(1460, &big).after_ms(300),
    ]);
    let unanswered = facts.dir[UP].unanswered.as_deref().unwrap();
    assert_eq!((unanswered.first.at.number(), unanswered.last.at.number(), unanswered.count), (4, 7, 2));
    assert_eq!(facts.dir[UP].largest_acked, 1500);
}

#[test]
fn snapped_packets_keep_their_length() {
    let cut = |offset, data: &[u8]| up(offset, data).with(|p| p.wire_len = Some(6));
    let (facts, log) = after_handshake(&[cut(0, b"abc"), cut(12, b"mn"), cut(6, b""), up(10, b"xyzzyxyz")]);
    assert_eq!(log.up.bytes, b"abc?????????mn????");
    assert_eq!(facts.dir[UP].bytes, 18);
    assert_eq!(log.up.chunks, [(0, 6, 4), (6, 6, 6), (12, 6, 5)]);
}

#[test]
fn the_second_sighting_is_ignored() {
    let twice = |p: &P| [p.clone(), p.clone().after_us(200).with(|p| (p.ttl, p.checksum) = (127, 99))];
    let mut packets: Vec<P> =
        handshake().iter().enumerate().flat_map(|(n, p)| twice(&p.clone().id(n as u16 + 1))).collect();
    packets.extend(twice(&up(0, b"hello").id(4)));
    packets.extend(twice(&s(ACK, S.wrapping_add(1), C + 6, b"you").id(9)));
    packets.extend(twice(&s(RST, S.wrapping_add(4), 0, b"").id(10)));
    let (facts, log) = only(&packets);
    assert_eq!((facts.dir[UP].packets, facts.dir[DOWN].packets), (3, 3));
    assert_eq!((facts.dir[UP].duplicate_frames, facts.dir[DOWN].duplicate_frames), (3, 3));
    assert_eq!((facts.dir[UP].retransmitted, facts.dir[DOWN].rsts), (0, 1));
    assert_eq!((facts.syn.unwrap().count, facts.syn_ack.unwrap().count), (1, 1));
    assert!(facts.rtt_server.is_some());
    assert_eq!(log.up.chunks, [(0, 5, 7)]);
    // Another identification: a retransmission. The same one, however late: the far side of a slow router.
    let repeats = |p: P| after_handshake(&[up(0, b"hello").id(4), p]).0.dir[UP].retransmitted;
    assert_eq!(repeats(up(0, b"hello").id(5).after_us(200)), 1);
    assert_eq!(repeats(up(0, b"hello").id(4).after_ms(6)), 0);
    assert_eq!(repeats(up(0, b"hello").id(4).after_ms(4)), 0);
}

#[test]
fn bounds_make_gaps() {
    let limits = Limits { out_of_order_segments: 4, ..Limits::default() };
    let mut run = Run::with(limits);
    run.play(&handshake());
    for n in 0..5 {
        run.push(&down(10 + n * 10, b"x"));
    }
    let sessions = run.finish().sessions();
    let (facts, log) = &sessions[0];
    let log = log.as_ref().unwrap();
    assert_eq!(log.down.gaps[0], (0, 10, false));
    assert_eq!((facts.dir[DOWN].gaps, facts.dir[DOWN].holes), (1, 4));
    assert_eq!(log.down.bytes, b"__________x_________x_________x_________x_________x");

    // All connections together.
    let mut run = Run::with(Limits { reassembly_bytes: 100, ..Limits::default() });
    for port in 1..=3 {
        let at = |p: P| p.with(|p| p.client.1 = 50000 + port);
        run.play(&handshake().map(at)).play(&[at(down(10, &[b'x'; 40]))]);
    }
    let sessions = run.finish().sessions();
    let gaps: Vec<u64> = sessions.iter().map(|(facts, _)| facts.dir[DOWN].gaps).collect();
    assert_eq!(gaps, [0, 0, 1]);
}

#[test]
fn a_reader_that_ignores_gets_no_more() {
    let mut run = Run::new();
    run.ignore_after = Some(3);
    run.play(&handshake()).play(&[
        up(10, b"kept"),
        up(0, b"SSH"),
        up(3, b"more"),
        down(0, b"x"),
        down(5, b"y"),
        down(0, b"x"),
    ]);
    let sessions = run.finish().sessions();
    let (facts, log) = &sessions[0];
    let log = log.as_ref().unwrap();
    assert_eq!((&log.up.bytes[..], &log.down.bytes[..]), (&b"SSH"[..], &b""[..]));
    assert_eq!((facts.dir[UP].bytes, facts.dir[DOWN].retransmitted), (11, 1), "facts go on");
}
