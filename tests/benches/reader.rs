//! The reader alone, beside libpcap in the same run.
//!
//! `RDPWHY_BENCH_CAPTURE=FILE cargo bench --bench reader`

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod input;

use divan::Bencher;
use divan::counter::ItemsCount;
use input::input;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 10)]
fn rdpwhy(bencher: Bencher) {
    let input = input();
    bencher.counter(ItemsCount::new(input.packets)).bench(|| {
        let mut capture = input.open();
        let (mut packets, mut bytes) = (0_u64, 0_usize);
        while let Some(frame) = capture.next_frame() {
            packets += 1;
            bytes += frame.data.len();
        }
        assert_eq!(packets, input.packets);
        bytes
    });
}

#[divan::bench(sample_count = 10)]
fn libpcap(bencher: Bencher) {
    let input = input();
    bencher.counter(ItemsCount::new(input.packets)).bench(|| {
        let mut capture = pcap::Capture::from_file(&input.path).unwrap();
        let (mut packets, mut bytes) = (0_u64, 0_usize);
        while let Ok(packet) = capture.next_packet() {
            packets += 1;
            bytes += packet.data.len();
        }
        assert_eq!(packets, input.packets);
        bytes
    });
}
