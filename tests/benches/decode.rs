//! Reader and decode, with our decoder and with etherparse's lax slices.
//!
//! `RDPWHY_BENCH_CAPTURE=FILE cargo bench --bench decode`

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod input;

use divan::Bencher;
use divan::counter::ItemsCount;
use etherparse::{LaxSlicedPacket, TransportSlice};
use input::input;
use rdpwhy::base::{Limits, LinkType};
use rdpwhy::packet::{Body, Decoder};

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 10)]
fn rdpwhy(bencher: Bencher) {
    let input = input();
    bencher.counter(ItemsCount::new(input.packets)).bench(|| {
        let mut capture = input.open();
        let mut decoder = Decoder::new(&Limits::default());
        let (mut order, mut payload) = (0, 0_usize);
        while let Some(frame) = capture.next_frame() {
            order += 1;
            match decoder.decode(&frame, order).map(|packet| packet.body) {
                Ok(Body::Tcp(segment)) => payload += segment.payload.len(),
                Ok(Body::Udp(datagram)) => payload += datagram.payload.len(),
                _ => {}
            }
        }
        payload
    });
}

#[divan::bench(sample_count = 10)]
fn etherparse(bencher: Bencher) {
    let input = input();
    bencher.counter(ItemsCount::new(input.packets)).bench(|| {
        let mut capture = input.open();
        let mut payload = 0_usize;
        while let Some(frame) = capture.next_frame() {
            let packet = match frame.link {
                LinkType::ETHERNET => LaxSlicedPacket::from_ethernet(frame.data).ok(),
                _ => LaxSlicedPacket::from_ip(frame.data).ok(),
            };
            match packet.and_then(|packet| packet.transport) {
                Some(TransportSlice::Tcp(tcp)) => payload += tcp.payload().len(),
                Some(TransportSlice::Udp(udp)) => payload += udp.payload().len(),
                _ => {}
            }
        }
        payload
    });
}
