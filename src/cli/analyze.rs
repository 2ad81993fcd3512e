//! `rdpwhy analyze`: captures through the engine, and what it found through a renderer.

use std::io::ErrorKind;
use std::path::Path;

use rdpwhy::analyzer::{Analyzer, Options, Overview};
use rdpwhy::base::{Limits, Timestamp};
use rdpwhy::capture::{Capture, CaptureInfo, Merged, Source};
use rdpwhy::report::build::{self, Built, Collected};
use rdpwhy::report::choose::Choice;
use rdpwhy::report::{Source as _, Typed};

use super::args::Analyze;
use super::progress::Progress;
use super::{Status, output, tell};

/// How far from `--around` a session may be.
const AROUND: i64 = 2 * 60 * Timestamp::SECOND;

/// What the engine found in all captures.
struct Found {
    infos: Vec<CaptureInfo>,
    collected: Collected,
    overview: Overview,
}

/// Runs the command.
pub(crate) fn run(args: &Analyze) -> Status {
    let (captures, mut status) = open(args);
    if captures.is_empty() {
        return Status::Trouble;
    }
    let found = find(captures, args);
    if args.format.for_people() {
        for warning in found.infos.iter().flat_map(|info| &info.warnings) {
            tell(&format!("warning: {warning}"));
        }
    }
    let Some(choice) = choice(args, &found.infos) else {
        tell("a time that was asked for is out of range");
        return Status::Trouble;
    };
    let options = build::Options { choice, separate: args.separate };
    let infos: Vec<&CaptureInfo> = found.infos.iter().collect();
    let built = Built::new(&infos, &found.collected, &found.overview, &options).saw(args.saw);
    match output::write(&built, args) {
        Ok(()) => {}
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(error) => {
            tell(&format!("cannot write the report: {error}"));
            return Status::Trouble;
        }
    }
    if args.exit_code && built.summary().attempts_by_outcome.get("failed").is_some_and(|&failed| failed > 0) {
        status = status.max(Status::AttemptFailed);
    }
    status
}

/// Opens what can be opened, and says of the rest why not.
fn open(args: &Analyze) -> (Vec<Capture>, Status) {
    let (mut captures, mut status) = (Vec::new(), Status::Done);
    let mut stdin = false;
    for file in &args.files {
        let source = if file == Path::new("-") { Source::Stdin } else { Source::Path(file.clone()) };
        if source == Source::Stdin && std::mem::replace(&mut stdin, true) {
            tell("standard input (-) can be read only once");
            status = Status::Trouble;
            continue;
        }
        let Ok(index) = u16::try_from(captures.len()) else {
            tell("more than 65,536 files at a time are not read");
            return (captures, Status::Trouble);
        };
        match Capture::open(source, index) {
            Ok(capture) => captures.push(capture),
            Err(error) => {
                tell(&error.to_string());
                status = Status::Trouble;
            }
        }
    }
    (captures, status)
}

/// Drives the engine over all captures, as one or one by one.
fn find(captures: Vec<Capture>, args: &Analyze) -> Found {
    let listed = if args.all_sessions { usize::MAX } else { Limits::default().listed };
    let timeless = Choice {
        hosts: args.host.clone(),
        users: args.user.clone(),
        failed: args.failed,
        // Only whether there are any counts now: where they lie is known when the captures were read.
        ids: args.session.clone(),
        from: args.from.or(args.around).map(|_| Timestamp::default()),
        to: args.to.map(|_| Timestamp::default()),
    };
    let mut found = Found {
        infos: Vec::new(),
        collected: Collected::new(timeless, listed),
        overview: Overview::default(),
    };
    if args.separate {
        for capture in captures {
            analyze(Merged::new(vec![capture]), args, &mut found);
        }
        found.overview.conversations.sort_by_key(|conversed| std::cmp::Reverse(conversed.total_bytes()));
    } else {
        analyze(Merged::new(captures), args, &mut found);
    }
    found
}

fn analyze(mut captures: Merged, args: &Analyze, found: &mut Found) {
    let mut analyzer = Analyzer::new(Options { ports: args.port.clone(), ..Options::default() });
    let mut progress = Progress::new(captures.file_bytes());
    while let Some(frame) = captures.next_frame() {
        analyzer.push(&frame);
        while let Some(over) = analyzer.poll_over() {
            found.collected.push(over);
        }
        progress.frame(|| captures.position());
    }
    analyzer.finish();
    while let Some(over) = analyzer.poll_over() {
        found.collected.push(over);
    }
    found.infos.extend(captures.infos().cloned());
    add(&mut found.overview, analyzer.overview());
}

fn add(sum: &mut Overview, more: &Overview) {
    sum.frames += more.frames;
    sum.tcp += more.tcp;
    sum.udp += more.udp;
    sum.not_ip += more.not_ip;
    sum.unknown_link += more.unknown_link;
    sum.cut += more.cut;
    sum.malformed += more.malformed;
    sum.conversations.extend_from_slice(&more.conversations);
    sum.uncounted += more.uncounted;
}

/// What to show; `None` where a time cannot be.
fn choice(args: &Analyze, infos: &[CaptureInfo]) -> Option<Choice> {
    let first = infos.iter().filter_map(|info| info.first).min().unwrap_or_default();
    let last = infos.iter().filter_map(|info| info.last).max().unwrap_or_default();
    let resolve = |typed: Option<Typed>| match typed {
        Some(typed) => args.tz.resolve(typed, first, last).map(Some),
        None => Some(None),
    };
    let around = resolve(args.around)?;
    Some(Choice {
        ids: args.session.clone(),
        hosts: args.host.clone(),
        users: args.user.clone(),
        from: around.map(|time| time.plus(-AROUND)).or(resolve(args.from)?),
        to: around.map(|time| time.plus(AROUND)).or(resolve(args.to)?),
        failed: args.failed,
    })
}
