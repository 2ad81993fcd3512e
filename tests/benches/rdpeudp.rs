//! What RDP-UDP costs a packet beside TCP: frames decoded, then, for UDP, what the flow needs of each datagram; and the
//! whole engine on a session of either.
//!
//! `cargo bench --bench rdpeudp`; with `RDPWHY_BENCH_WRITE=FOLDER` it writes these sessions as captures of 500,000 packets, to
//! measure whole processes, and measures nothing.

#![allow(clippy::unwrap_used)]

mod flow;

use std::fs;
use std::path::PathBuf;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use flow::Way;
use rdpwhy::analyzer::{Analyzer, Options};
use rdpwhy::base::{Frame, FrameRef, Limits, LinkType, Timestamp};
use rdpwhy::packet::{Body, Decoder};
use rdpwhy::protocol::{dtls, rdpeudp, rdpeudp2};

const PACKETS: usize = 10_000;

fn main() {
    let Some(folder) = std::env::var_os("RDPWHY_BENCH_WRITE").map(PathBuf::from) else {
        return divan::main();
    };
    for (name, way) in [("long-tcp", Way::Tcp), ("long-udp-2", Way::Datagrams), ("long-udp-3", Way::Packets)]
    {
        fs::write(folder.join(name).with_extension("pcap"), flow::pcap(&flow::session(way, 500_000)))
            .unwrap();
    }
}

/// A session from its frames to its diagnosis.
#[divan::bench(args = [Way::Tcp, Way::Datagrams, Way::Packets], sample_count = 20)]
fn engine(bencher: Bencher, way: Way) {
    let frames = flow::session(way, 2 * PACKETS);
    bencher.counter(ItemsCount::new(frames.len())).bench(|| {
        let mut analyzer = Analyzer::new(Options::default());
        for (order, (time, data)) in (1..).zip(&frames) {
            analyzer.push(&frame(order, *time as i64, data));
        }
        analyzer.finish();
        let session = analyzer.poll().unwrap();
        assert_eq!(session.udp.len(), usize::from(way != Way::Tcp));
        session
    });
}

fn frame(order: u64, time: i64, data: &[u8]) -> Frame<'_> {
    Frame {
        at: FrameRef::new(0, order),
        time: Timestamp(time),
        link: LinkType::ETHERNET,
        interface: 0,
        data,
        wire_len: data.len() as u32,
    }
}

/// Frames of one conversation, each with `head` after the ports and 1,100 bytes.
fn frames(protocol: u8, head: impl Fn(u32) -> Vec<u8>) -> Vec<Vec<u8>> {
    (0..PACKETS as u32)
        .map(|number| {
            let mut payload = head(number);
            payload.resize(payload.len() + 1100, 0xAB);
            let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
            frame.extend((24 + payload.len() as u16).to_be_bytes());
            frame.extend((number as u16).to_be_bytes());
            frame.extend([0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
            frame.extend([0x0D, 0x3D, 0xC3, 0x50]);
            frame.extend(payload);
            frame
        })
        .collect()
}

fn udp(header: impl Fn(u32) -> Vec<u8>) -> Vec<Vec<u8>> {
    frames(17, |number| {
        let header = header(number);
        let mut head = Vec::from((8 + header.len() as u16 + 1100).to_be_bytes());
        head.extend([0, 0]);
        head.extend(header);
        head
    })
}

/// Decodes every frame and hands TCP's and UDP's payload on.
fn run(bencher: Bencher, frames: &[Vec<u8>], read: impl Fn(&[u8], usize) -> u64 + Sync) {
    bencher.counter(ItemsCount::new(frames.len())).bench(|| {
        let mut decoder = Decoder::new(&Limits::default());
        let mut sum = 0_u64;
        for (order, data) in (1..).zip(frames) {
            match decoder.decode(&frame(order, order as i64, data), order).map(|packet| packet.body) {
                Ok(Body::Tcp(segment)) => sum += u64::from(black_box(segment.seq)),
                Ok(Body::Udp(datagram)) => sum += read(datagram.payload, datagram.payload_len as usize),
                _ => {}
            }
        }
        sum
    });
}

#[divan::bench]
fn tcp(bencher: Bencher) {
    let frames = frames(6, |number| {
        let mut head = Vec::from((number * 1100).to_be_bytes());
        head.extend([0, 0, 0, 1, 0x50, 0x18, 0xFF, 0xFF, 0, 0, 0, 0]);
        head
    });
    run(bencher, &frames, |_, _| 0);
}

#[divan::bench]
fn udp_alone(bencher: Bencher) {
    run(bencher, &udp(v2), |payload, _| payload.len() as u64);
}

/// Data with a vector of three runs.
fn v2(number: u32) -> Vec<u8> {
    let mut head = Vec::from(number.to_be_bytes());
    head.extend([4, 0, 0, 0x0C, 0, 3, 0x05, 0xC1, 0x3F, 0, 0, 0]);
    head.extend(number.to_be_bytes());
    head.extend(number.to_be_bytes());
    head
}

#[divan::bench]
fn version_2(bencher: Bencher) {
    run(bencher, &udp(v2), |payload, len| {
        let Ok(datagram) = rdpeudp::parse(payload, len) else { return 0 };
        let runs =
            datagram.ack_vector.map_or(0, |vector| vector.runs().map(|run| u64::from(run.count)).sum());
        runs + u64::from(datagram.payload.map_or(0, |payload| payload.coded()))
    });
}

/// Data with an acknowledgement of four packets.
fn v3(number: u32) -> Vec<u8> {
    let [low, high, ..] = number.to_le_bytes();
    let mut head = vec![0xE0, 0x15, 0xC0, low, high, 1, 2, 3, 0, 0x33, 9, 9, 9];
    head.extend([low, high, low, high, low, high]);
    head.swap(0, 7);
    head
}

#[divan::bench]
fn version_3(bencher: Bencher) {
    run(bencher, &udp(v3), |payload, len| {
        let Ok(packet) = rdpeudp2::parse(payload, len) else { return 0 };
        let acknowledged = packet.ack.map_or(0, |ack| ack.delayed.len() as u64);
        acknowledged + u64::from(packet.body.map_or(0, |body| body.channel_seq))
    });
}

/// What a datagram costs that is none of RDP's.
#[divan::bench]
fn recognition(bencher: Bencher) {
    let other = |number: u32| vec![0x80, 0x60, number as u8, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    run(bencher, &udp(other), |payload, len| {
        u64::from(rdpeudp::looks_like_syn(payload, len))
            + u64::from(rdpeudp::looks_like_data_v1(payload, len))
            + u64::from(rdpeudp2::looks_like_packet(payload, len))
            + u64::from(dtls::looks_like_dtls(payload, len))
    });
}
