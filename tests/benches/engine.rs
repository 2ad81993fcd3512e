//! From a file to diagnosed sessions, and to the report.
//!
//! `RDPWHY_BENCH_CAPTURE=FILE cargo bench --bench engine`

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod input;

use divan::Bencher;
use divan::counter::ItemsCount;
use input::input;
use rdpwhy::analyzer::{Analyzer, Diagnosed, Options};
use rdpwhy::report::build::{self, Built, Collected};
use rdpwhy::report::choose::Choice;
use rdpwhy::report::ndjson;

fn main() {
    divan::main();
}

/// Reads the whole capture and hands each session on.
fn analyze(mut take: impl FnMut(Diagnosed)) -> (Analyzer, rdpwhy::capture::CaptureInfo) {
    let mut capture = input().open();
    let mut analyzer = Analyzer::new(Options::default());
    while let Some(frame) = capture.next_frame() {
        analyzer.push(&frame);
        while let Some(diagnosed) = analyzer.poll() {
            take(diagnosed);
        }
    }
    analyzer.finish();
    while let Some(diagnosed) = analyzer.poll() {
        take(diagnosed);
    }
    (analyzer, capture.into_info())
}

#[divan::bench(sample_count = 10)]
fn diagnose(bencher: Bencher) {
    bencher.counter(ItemsCount::new(input().packets)).bench(|| {
        let mut sessions = 0;
        analyze(|diagnosed| {
            divan::black_box(diagnosed);
            sessions += 1;
        });
        sessions
    });
}

#[divan::bench(sample_count = 10)]
fn report(bencher: Bencher) {
    bencher.counter(ItemsCount::new(input().packets)).bench(|| {
        let mut collected = Collected::new(Choice::default(), 1000);
        let (analyzer, info) = analyze(|diagnosed| collected.push(diagnosed));
        let options = build::Options { choice: Choice::default(), separate: false };
        let built = Built::new(&[&info], &collected, analyzer.overview(), &options);
        ndjson::write(&built, std::io::sink()).unwrap();
    });
}
