//! Handshakes, refusals, teardown, roles.

use super::*;

#[test]
fn a_handshake_and_its_round_trips() {
    let [syn, syn_ack, ack] = handshake();
    let (facts, _) = only(&[syn, syn_ack.after_ms(30), ack.after_ms(2), c(ACK, C + 1, S + 1, b"hello")]);
    assert_eq!(facts.client.to_string(), "10.0.0.2:50000");
    assert_eq!(facts.server.to_string(), "10.0.0.1:3389");
    assert_eq!(facts.syn.unwrap().count, 1);
    assert_eq!(facts.syn_ack.unwrap().first.at.number(), 2);
    assert_eq!(facts.handshake_ack.unwrap().at.number(), 3);
    assert_eq!((facts.rtt_server, facts.rtt_client), (Some(30_000_000), Some(2_000_000)));
    assert_eq!((facts.dir[UP].mss, facts.dir[UP].sack), (Some(1460), true));
    assert_eq!((facts.dir[DOWN].mss, facts.dir[DOWN].sack), (Some(1456), false));
    assert_eq!((facts.dir[UP].packets, facts.dir[DOWN].packets), (3, 1));
    assert_eq!((facts.dir[UP].bytes, facts.dir[UP].segments, facts.dir[UP].sent), (5, 1, 5));
    assert_eq!(facts.dir[UP].ttl, Some(128));
    assert_eq!(facts.ended, Ended::CaptureEnded);
    assert!(facts.closing.is_none() && facts.refused.is_none());
    let unanswered = facts.dir[UP].unanswered.as_deref().unwrap();
    assert_eq!((unanswered.first.at.number(), unanswered.count), (4, 1));
}

#[test]
fn repeated_handshake_packets_give_no_round_trip() {
    let [syn, syn_ack, ack] = handshake();
    let (facts, _) = only(&[syn.clone(), syn.after_ms(1000), syn_ack.clone(), syn_ack.after_ms(1000), ack]);
    assert_eq!((facts.syn.unwrap().count, facts.syn_ack.unwrap().count), (2, 2));
    assert_eq!((facts.rtt_server, facts.rtt_client), (None, None));
    assert_eq!(facts.dir[UP].retransmitted + facts.dir[DOWN].retransmitted, 0);
}

#[test]
fn refused_syns_with_one_sequence_number_are_one_connection() {
    let syn = c(SYN, C, 0, b"").after_ms(500);
    let rst = s(RST | ACK, 0, C + 1, b"").with(|p| (p.ttl, p.window) = (127, 0));
    let mut run = Run::new();
    run.play(&[syn.clone(), rst.clone(), syn.clone(), rst.clone(), syn.clone(), rst.clone()]);
    run.advance(1.7);
    assert!(run.out.is_empty());
    run.advance(0.1);
    let sessions = run.sessions();
    assert_eq!(sessions.len(), 1);
    let (facts, reader) = &sessions[0];
    assert!(reader.is_none());
    assert_eq!((facts.syn.unwrap().count, facts.refused.as_ref().unwrap().count), (3, 3));
    assert_eq!(facts.refused.as_ref().unwrap().last.at.number(), 6);
    assert!(facts.closing.is_none(), "a refusal closes nothing");
    let first = facts.dir[DOWN].rst.as_deref().unwrap();
    assert_eq!((first.ttl, first.seq, first.ack, first.stamp.at.number()), (127, 0, Some(C + 1), 2));
    assert_eq!(facts.dir[DOWN].rsts, 3);
    assert_eq!(facts.ended, Ended::Closed);
    assert_eq!(facts.observed_until, facts.last.time.plus(1750 * Timestamp::MILLISECOND));
    // It was told; later repeats are no other.
    run.play(&[syn.after_ms(3000), rst]);
    assert!(run.finish().out.is_empty());
}

#[test]
fn a_syn_that_nobody_answers() {
    let syn = c(SYN, C, 0, b"");
    let mut run = Run::new();
    run.play(&[syn.clone(), syn.clone().after_ms(1000), syn.after_ms(2000)]);
    run.icmp(10_000, 3, 13);
    run.advance(80.0);
    let sessions = run.sessions();
    let (facts, _) = &sessions[0];
    assert_eq!(facts.syn.unwrap().count, 3);
    assert_eq!(facts.icmp.as_ref().unwrap().value.code, 13);
    assert_eq!(facts.icmp.as_ref().unwrap().span.first.at.number(), 4);
    assert_eq!(facts.ended, Ended::Idle);
    assert!(facts.dir[DOWN].ttl.is_none());
}

#[test]
fn an_icmp_error_stays_through_growth() {
    let mut run = Run::new();
    run.play(&handshake());
    run.icmp(0, 3, 4);
    run.play(&[c(ACK, C + 1, S + 1, b"x")]);
    run.icmp(0, 3, 1);
    let sessions = run.finish().sessions();
    let facts = &sessions[0].0;
    assert_eq!(facts.too_big.as_ref().unwrap().error.value.code, 4);
    assert_eq!(facts.icmp.as_ref().unwrap().value.code, 1, "the first that speaks of no size");
}

#[test]
fn a_half_open_scan() {
    let [syn, syn_ack, _] = handshake();
    let (facts, _) = only(&[syn, syn_ack, c(RST, C + 1, 0, b"")]);
    assert!(facts.refused.is_none() && facts.handshake_ack.is_none());
    let closing = facts.closing.unwrap();
    assert_eq!((closing.dir, closing.reset, closing.stamp.at.number()), (UP, true, 3));
    assert_eq!(facts.ended, Ended::Closed);
}

#[test]
fn a_connect_scan() {
    let (facts, _) = after_handshake(&[
        c(FIN | ACK, C + 1, S + 1, b""),
        s(ACK, S + 1, C + 2, b""),
        s(FIN | ACK, S + 1, C + 2, b""),
        c(ACK, C + 2, S + 2, b""),
    ]);
    assert_eq!(facts.dir[UP].fin.unwrap().at.number(), 4);
    assert_eq!(facts.dir[DOWN].fin.unwrap().at.number(), 6);
    assert!(!facts.closing.unwrap().reset);
    assert_eq!((facts.dir[UP].acked, facts.dir[UP].gaps, facts.dir[DOWN].gaps), (0, 0, 0));
    assert_eq!(facts.dir[UP].packets + facts.dir[DOWN].packets, 7);
    assert_eq!(facts.ended, Ended::Closed);
}

#[test]
fn resets_after_fins() {
    let (facts, _) = after_handshake(&[
        c(ACK, C + 1, S + 1, b"hello"),
        c(FIN | ACK, C + 6, S + 1, b""),
        s(RST, S + 1, 0, b"").with(|p| p.ttl = 60),
        s(RST, S + 1, 0, b""),
    ]);
    let rst = facts.dir[DOWN].rst.as_deref().unwrap();
    assert!(rst.after_peer_fin && !rst.after_own_fin);
    assert_eq!((rst.offset, rst.sent, rst.ack, rst.ttl), (Some(0), 0, None, 60));
    assert_eq!(rst.prior.unwrap().ttl, 128);
    assert_eq!(facts.dir[DOWN].rsts, 2);
    assert!(!facts.closing.unwrap().reset);
}

#[test]
fn data_after_a_reset_is_told() {
    let data = |after| s(ACK, S + 1, C + 6, b"server").after_ms(after);
    let start = [c(ACK, C + 1, S + 1, b"hello"), s(RST, S + 1, 0, b"")];
    let (facts, log) = after_handshake(&[&start[..], &[data(30)]].concat());
    assert_eq!(facts.dir[DOWN].beyond_rst.as_ref().unwrap().at.number(), 6);
    assert_eq!(facts.dir[DOWN].data_after_rst.as_deref().unwrap().count, 1);
    assert_eq!(log.down.bytes, b"server");
    let (facts, _) = after_handshake(&[&start[..], &[data(0)]].concat());
    assert!(facts.dir[DOWN].beyond_rst.is_none(), "merely reordered");
    // A RST behind all data, and an old segment after it.
    let (facts, _) = after_handshake(&[data(1), s(RST, S + 7, 0, b""), data(100)]);
    assert!(facts.dir[DOWN].beyond_rst.is_none());
    assert_eq!(facts.dir[DOWN].data_after_rst.as_deref().unwrap().count, 1);
}

#[test]
fn roles_in_the_middle() {
    // By RDP's port, whoever sends first.
    let (facts, _) = only(&[s(ACK, S, C, b"hello"), c(ACK, C, S + 5, b"hi")]);
    assert_eq!(facts.server.port(), 3389);
    assert!(facts.syn.is_none());
    // By the lower port.
    let high = |p: P| p.with(|p| (p.client.1, p.server_port) = (1024, 2000));
    let mut run = Run::new();
    run.play(&[high(c(ACK, C, S, b"hello"))]);
    let sessions = run.finish().sessions();
    assert_eq!(sessions[0].0.server.port(), 1024);
    // By the SYN, or the SYN-ACK.
    let (facts, _) = only(&[s(SYN | ACK, S, C + 1, b"").with(|p| p.client.1 = 80)]);
    assert_eq!((facts.client.port(), facts.server.port()), (80, 3389));
    assert_eq!(facts.syn_ack.unwrap().count, 1);
}

#[test]
fn a_syn_after_its_answer_is_the_same_connection() {
    let [syn, syn_ack, ack] = handshake();
    let (facts, _) = only(&[syn_ack, syn.after_us(1), ack, c(ACK, C + 1, S + 1, b"x")]);
    assert_eq!((facts.syn.unwrap().count, facts.syn_ack.unwrap().count), (1, 1));
    assert_eq!((facts.rtt_server, facts.client.port()), (None, 50000));
    assert_eq!(facts.dir[UP].packets, 3);
}

#[test]
fn both_ends_open_at_once() {
    let (facts, log) = only(&[
        c(SYN, C, 0, b""),
        s(SYN, S, 0, b""),
        c(SYN | ACK, C, S + 1, b""),
        s(SYN | ACK, S, C + 1, b""),
        c(ACK, C + 1, S + 1, b"hello"),
        s(ACK, S + 1, C + 6, b"you"),
    ]);
    assert_eq!((facts.client.port(), facts.syn_ack.unwrap().count), (50000, 1));
    assert_eq!((&log.up.bytes[..], &log.down.bytes[..]), (&b"hello"[..], &b"you"[..]));
}

#[test]
fn an_old_connection_challenges_a_new_one() {
    let mut run = Run::new();
    run.play(&handshake());
    run.play(&[c(ACK, C + 1, S + 1, b"hello"), s(ACK, S + 1, C + 6, b"world")]);
    let new = C + 5_000_000;
    run.play(&[
        c(SYN, new, 0, b""),
        s(ACK, S + 6, C + 6, b""),
        c(RST, S + 6, 0, b"").with(|p| p.seq = C + 6),
        c(SYN, new, 0, b"").after_ms(1000),
        s(SYN | ACK, 77, new + 1, b""),
        c(ACK, new + 1, 78, b""),
        c(ACK, new + 1, 78, b"again"),
        s(ACK, 78, new + 6, b"yes"),
    ]);
    let sessions = run.finish().sessions();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0].0.ended, Ended::PortsReused);
    let (facts, log) = &sessions[1];
    assert_eq!((facts.syn.unwrap().count, facts.syn_ack.unwrap().count), (2, 1));
    assert!(facts.closing.is_none(), "the RST was the old connection's: {facts:#?}");
    let log = log.as_ref().unwrap();
    assert_eq!((&log.up.bytes[..], &log.down.bytes[..]), (&b"again"[..], &b"yes"[..]));
    assert_eq!((facts.dir[DOWN].gaps, facts.dir[UP].gaps), (0, 0));
}

#[test]
fn data_in_the_syn() {
    let (_, log) =
        only(&[c(SYN, C, 0, b"hello"), s(SYN | ACK, S, C + 6, b""), c(ACK, C + 6, S + 1, b" again")]);
    assert_eq!(log.up.bytes, b"hello again");
}
