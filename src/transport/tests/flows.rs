//! Which packets make a connection, and when it is handed out.

use super::*;

fn web(p: P) -> P {
    p.with(|p| p.server_port = 443)
}

#[test]
fn closed_connections_linger_and_leave_a_grave() {
    let mut run = Run::new();
    run.play(&handshake()).play(&[c(ACK, C + 1, S + 1, b"hello"), s(RST, S + 1, 0, b"")]);
    run.play(&[s(RST, S + 1, 0, b"").after_ms(1500), c(ACK, C + 6, S + 1, b"late").after_ms(1500)]);
    run.advance(1.7);
    assert!(run.out.is_empty());
    run.advance(0.1);
    let sessions = run.sessions();
    let (facts, log) = &sessions[0];
    assert_eq!((facts.dir[DOWN].rsts, facts.ended), (2, Ended::Closed));
    assert_eq!(log.as_ref().unwrap().up.bytes, b"hellolate");
    assert_eq!(facts.observed_until, facts.last.time.plus(1750 * Timestamp::MILLISECOND));
    // Whatever of it comes later opens nothing.
    run.play(&[
        c(ACK, C + 6, S + 1, b"late"),
        s(ACK, S + 1, C + 1, b"old"),
        c(SYN, C, 0, b""),
        s(SYN | ACK, S, C + 1, b""),
        s(FIN | ACK, S + 1, C + 1, b""),
    ]);
    run.advance(100.0);
    assert!(run.out.is_empty());
    // But the next use of the ports does.
    run.play(&[c(SYN, C + 99, 0, b"")]);
    let sessions = run.finish().sessions();
    assert_eq!((sessions.len(), sessions[0].0.dir[UP].packets), (1, 1));
}

#[test]
fn ports_used_again_at_once() {
    let mut run = Run::new();
    run.play(&handshake()).play(&[
        c(RST, C + 1, 0, b""),
        c(SYN, C + 9, 0, b""),
        s(RST | ACK, 0, C + 10, b""),
    ]);
    run.play(&[c(SYN, C + 77, 0, b"")]);
    let sessions = run.finish().sessions();
    let ends: Vec<Ended> = sessions.iter().map(|(facts, _)| facts.ended).collect();
    assert_eq!(ends, [Ended::Closed, Ended::Closed, Ended::CaptureEnded]);
    assert!(sessions[1].0.refused.is_some());
    assert_eq!(run.connections.len(), 0);
}

#[test]
fn stray_packets_are_never_listed() {
    for strays in [
        vec![c(ACK, C, S, b"")],
        vec![c(RST, C, 0, b"")],
        vec![s(RST | ACK, S, C, b""), s(RST | ACK, S + 9, C, b"")],
        vec![
            c(FIN | ACK, C, S, b""),
            s(ACK, S, C + 1, b""),
            s(FIN | ACK, S, C + 1, b""),
            c(ACK, C + 1, S + 1, b""),
        ],
        vec![
            c(ACK, C, S, b""),
            s(ACK, S, C + 1, b""),
            c(ACK, C, S, b"").after_ms(5000),
            s(ACK, S, C + 1, b""),
        ],
    ] {
        let mut run = Run::new();
        run.play(&strays).finish();
        assert_eq!((run.others(), run.out.len()), (1, 1), "{strays:?}");
    }
}

#[test]
fn keep_alives_before_the_first_data_seen() {
    for probe in [&b""[..], b"\0"] {
        let (facts, log) = only(&[
            c(ACK, C, S, probe),
            s(ACK, S, C + 1, b""),
            c(ACK, C, S, probe).after_ms(5000),
            s(ACK, S, C + 1, b""),
            c(ACK, C + 1, S, b"data"),
            s(ACK, S, C + 5, b"more"),
        ]);
        assert_eq!((&log.up.bytes[..], log.up.gaps.len()), (&b"data"[..], 0), "{facts:#?}");
        assert_eq!(log.down.bytes, b"more");
    }
}

#[test]
fn what_is_not_rdp_is_counted() {
    let mut run = Run::new();
    run.ignore_after = Some(1);
    run.play(&handshake().map(web));
    run.play(&[web(c(ACK, C + 1, S + 1, b"hello")), web(s(ACK, S + 1, C + 6, &[1; 100]))]);
    run.play(&[
        web(c(FIN | ACK, C + 6, S.wrapping_add(101), b"")),
        web(s(FIN | ACK, S.wrapping_add(101), C + 7, b"")),
    ]);
    run.advance(2.1);
    let [Finished::Other { client, server, packets, bytes }] = &run.out[..] else { panic!("{:?}", run.out) };
    assert_eq!((client.port(), server.port()), (50000, 443));
    assert_eq!((packets[UP], packets[DOWN]), (4, 3));
    assert_eq!((bytes[UP], bytes[DOWN]), (4 * 40 + 5, 3 * 40 + 100));
    assert_eq!(run.connections.len(), 0);
}

#[test]
fn what_is_counted_ends_by_silence_or_a_new_syn() {
    let mut run = Run::new();
    run.ignore_after = Some(1);
    let one = [&handshake().map(web)[..], &[web(c(ACK, C + 1, S + 1, b"hello"))]].concat();
    run.play(&one);
    run.play(&[web(c(SYN, C, 0, b""))]);
    assert!(run.out.is_empty(), "a late repeat of the SYN");
    run.play(&[web(c(SYN, C + 9, 0, b""))]);
    assert_eq!(run.others(), 1);
    run.advance(76.0);
    assert_eq!(run.others(), 2, "half open");
    run.play(&one);
    run.advance(299.0);
    assert_eq!(run.others(), 2);
    run.advance(2.0);
    assert_eq!((run.others(), run.out.len()), (3, 3));
}

#[test]
fn rdp_on_another_port_has_all_its_facts() {
    let mut run = Run::new();
    run.play(&handshake().map(web)).play(&[web(c(ACK, C + 1, S + 1, b"\x03\x00"))]);
    let sessions = run.finish().sessions();
    assert_eq!(sessions[0].0.server.port(), 443);
    assert!(sessions[0].0.handshake_ack.is_some() && sessions[0].1.is_some());
    // Without payload it is nothing.
    let mut run = Run::new();
    run.play(&handshake().map(web)).finish();
    assert_eq!((run.others(), run.out.len()), (1, 1));
}

#[test]
fn ticks_change_nothing() {
    let script = |ticks: bool| {
        let mut run = Run::new();
        for port in 0..40u16 {
            let at = |p: P| p.with(|p| p.client.1 = 50000 + port);
            run.play(&handshake().map(at));
            if port % 2 == 0 {
                run.push(&at(c(ACK, C + 1, S + 1, b"x")));
            }
            if port % 3 == 0 {
                run.push(&at(s(RST, S + 1, 0, b"")));
            }
            if port % 10 == 9 && port < 39 {
                let until = run.now + 100 * Timestamp::SECOND;
                while ticks && run.now < until {
                    run.advance(0.4);
                }
                run.now = until;
            }
        }
        run.finish();
        format!("{:#?}", run.out)
    };
    assert_eq!(script(true), script(false));
}

#[test]
fn the_end_hands_out_in_the_order_of_first_packets() {
    let mut run = Run::new();
    for port in [5u16, 1, 9, 3] {
        run.push(&c(SYN, C, 0, b"").with(|p| p.client.1 = port));
    }
    for port in [3u16, 9] {
        run.push(&s(SYN | ACK, S, C + 1, b"").with(|p| p.client.1 = port));
    }
    let ports: Vec<u16> = run.finish().sessions().iter().map(|(facts, _)| facts.client.port()).collect();
    assert_eq!(ports, [5, 1, 9, 3]);
}

#[test]
fn the_table_is_bounded() {
    let mut run = Run::with(Limits { flows: 100, watched: 10, ..Limits::default() });
    for n in 0..1000u16 {
        run.push(&c(SYN, C, 0, b"").with(|p| p.client = (2, n)));
        assert!(run.connections.len() <= 100);
    }
    let evicted = run.sessions();
    assert_eq!(evicted.len(), 900);
    assert!(evicted.iter().all(|(facts, _)| facts.ended == Ended::Evicted));
    for n in 0..1000u16 {
        run.push(&c(ACK, C, S, b"x").with(|p| p.client = (3, n)));
    }
    let evicted = run.sessions();
    assert_eq!(evicted.iter().filter(|(_, reader)| reader.is_some()).count(), 990);
    assert_eq!(run.finish().sessions().iter().filter(|(_, reader)| reader.is_some()).count(), 10);
}
