use std::net::IpAddr;

use super::*;
use crate::base::{FrameRef, Limits, Stamp, Timestamp};
use crate::packet::IcmpError;
use crate::transport::Ended;

/// A protocol whose flows begin with "hello" from the client, or "hallo" from the server; its middle is "mid".
#[derive(Debug, Default)]
struct Greetings;

#[derive(Debug, Default)]
struct Said(Vec<(Dir, Vec<u8>)>);

impl Recognizer<Said> for Greetings {
    fn opens(&mut self, _: &Meta, datagram: &Datagram<'_>) -> Option<Opened<Said>> {
        let by_client = datagram.payload.starts_with(b"hello");
        (by_client || datagram.payload.starts_with(b"hallo"))
            .then(|| Opened { by_client, reader: Said::default() })
    }

    fn continues(&mut self, _: &Meta, datagram: &Datagram<'_>) -> Option<Opened<Said>> {
        (datagram.payload == b"mid").then(|| Opened { by_client: true, reader: Said::default() })
    }
}

impl FlowReader for Said {
    fn begins_anew(&self, dir: Dir, datagram: &Datagram<'_>) -> bool {
        dir == Dir::ClientToServer
            && datagram.payload.starts_with(b"hello")
            && self.0.first().is_some_and(|(_, first)| first != datagram.payload)
    }

    fn datagram(&mut self, dir: Dir, _: &Meta, datagram: &Datagram<'_>) {
        self.0.push((dir, datagram.payload.to_vec()));
    }

    fn is_open(&self) -> bool {
        self.0.len() > 1
    }
}

struct Run {
    flows: Flows<Said>,
    order: u64,
    now: i64,
}

const C: (u8, u16) = (2, 50000);
const S: (u8, u16) = (1, 3389);

fn ip(last: u8) -> IpAddr {
    [10, 0, 0, last].into()
}

impl Run {
    fn new(limits: &Limits) -> Self {
        Run { flows: Flows::new(limits), order: 0, now: 0 }
    }

    fn meta(&mut self, src: u8, dst: u8) -> Meta {
        self.order += 1;
        let time = Timestamp(self.now * Timestamp::MILLISECOND);
        Meta {
            stamp: Stamp { at: FrameRef::new(0, self.order), time, order: self.order },
            interface: 0,
            src: ip(src),
            dst: ip(dst),
            ttl: 64,
            ip_id: Some(self.order as u16),
            dont_fragment: true,
            src_mac: None,
            ip_len: 100,
            tunnelled: false,
        }
    }

    fn send(&mut self, from: (u8, u16), to: (u8, u16), payload: &[u8]) -> bool {
        let meta = self.meta(from.0, to.0);
        let payload_len = payload.len() as u32;
        let datagram = Datagram { src_port: from.1, dst_port: to.1, payload, payload_len };
        self.flows.datagram(&meta, &datagram, &mut Greetings)
    }

    fn over(&mut self) -> Vec<(UdpFacts, Said)> {
        std::iter::from_fn(|| self.flows.poll()).collect()
    }
}

#[test]
fn only_what_is_recognized_is_followed() {
    let mut run = Run::new(&Limits::default());
    assert!(!run.send(C, S, b"what?"));
    assert!(run.flows.is_empty());
    assert!(run.send(C, S, b"hello"));
    assert!(run.send(S, C, b"anything now"));
    assert!(!run.send((3, 50000), S, b"what?"), "of another host");
    run.now = 200_000;
    assert!(!run.send((4, 1), S, b"later"));
    let over = run.over();
    let [(facts, said)] = over.as_slice() else { panic!("{over:?}") };
    assert_eq!((facts.client.port(), facts.server.port(), facts.ended), (50000, 3389, Ended::Idle));
    assert_eq!(facts.dir[Dir::ServerToClient].bytes, 12);
    assert_eq!(said.0.len(), 2);
    assert_eq!(facts.observed_until, Timestamp(180 * Timestamp::SECOND), "not when it was noticed");
}

#[test]
fn the_answer_alone_tells_who_is_the_client() {
    let mut run = Run::new(&Limits::default());
    assert!(run.send(S, C, b"hallo"));
    assert!(run.send(C, S, b"data"));
    run.flows.finish();
    let over = run.over();
    assert_eq!((over[0].0.client.port(), over[0].0.ended), (50000, Ended::CaptureEnded));
    assert_eq!(over[0].1.0[1].0, Dir::ClientToServer);
}

#[test]
fn ports_used_again_begin_another_flow_and_a_repeat_does_not() {
    let mut run = Run::new(&Limits::default());
    for payload in [&b"hello 1"[..], b"hello 1", b"hello 2"] {
        run.now += 1000;
        assert!(run.send(C, S, payload));
    }
    run.flows.finish();
    let over = run.over();
    assert_eq!(over.len(), 2);
    assert_eq!((over[0].0.ended, over[0].0.dir[Dir::ClientToServer].datagrams), (Ended::PortsReused, 2));
}

#[test]
fn one_datagram_seen_twice_is_one() {
    let mut run = Run::new(&Limits::default());
    run.send(C, S, b"hello");
    run.order -= 1;
    run.send(C, S, b"hello");
    run.flows.finish();
    let over = run.over();
    let dir = &over[0].0.dir[Dir::ClientToServer];
    assert_eq!((dir.datagrams, dir.duplicate_frames), (1, 1));
}

#[test]
fn what_was_taken_stays_taken() {
    let mut run = Run::new(&Limits::default());
    run.send(C, S, b"hello 1");
    let until = Timestamp(7);
    let others = (ip(S.0), ip(C.0));
    assert!(run.flows.take(others, Ended::Closed, until, |_, _| true).is_empty());
    let hosts = (ip(C.0), ip(S.0));
    assert!(run.flows.take(hosts, Ended::Closed, until, |_, _| false).is_empty());
    let taken = run.flows.take(hosts, Ended::Closed, until, |facts, _| facts.client.port() == 50000);
    assert!(run.flows.take(hosts, Ended::Closed, until, |_, _| true).is_empty(), "each once");
    assert_eq!((taken.len(), taken[0].0.observed_until), (1, until));
    assert!(run.send(S, C, b"late"), "still known, so nobody else looks at it");
    assert!(run.over().is_empty());
    assert!(run.send(C, S, b"hello 2"));
    run.flows.finish();
    assert_eq!(run.over().len(), 1, "a new one on the same ports");
}

#[test]
fn icmp_finds_its_flow_and_direction() {
    let mut run = Run::new(&Limits::default());
    run.send(C, S, b"hello");
    let error = IcmpError {
        from: ip(1),
        v6: false,
        kind: 3,
        code: 3,
        mtu: None,
        src: ip(C.0),
        dst: ip(S.0),
        protocol: 17,
        src_port: C.1,
        dst_port: S.1,
        seq: None,
    };
    for _ in 0..2 {
        let meta = run.meta(1, 2);
        run.flows.icmp(&meta, &error);
    }
    let meta = run.meta(1, 2);
    run.flows.icmp(&meta, &IcmpError { src_port: 9, ..error });
    run.flows.finish();
    let over = run.over();
    let icmp = &over[0].0.icmp;
    assert_eq!(icmp[Dir::ClientToServer].as_ref().map(|quoted| quoted.all.count), Some(2));
    assert!(icmp[Dir::ServerToClient].is_none());
}

#[test]
fn a_flood_of_openings_stays_within_the_bound() {
    let limits = Limits { udp_flows: 10, ..Limits::default() };
    let mut run = Run::new(&limits);
    for port in 1000..2000 {
        run.now += 1;
        run.send((2, port), S, b"hello");
        assert!(run.over().iter().all(|(facts, _)| facts.ended == Ended::Evicted));
    }
    run.flows.finish();
    assert_eq!(run.over().len(), 10);
}
