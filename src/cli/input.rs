//! What commands read: captures through the engine, and which of their sessions were asked for.

use std::io;
use std::path::{Path, PathBuf};

use rdpwhy::analyzer::{Analyzer, Options, Overview};
use rdpwhy::base::{Limits, Timestamp};
use rdpwhy::capture::{Capture, CaptureInfo, Merged, OpenError, SecretsType, Source, Spool};
use rdpwhy::layers::Keys;
use rdpwhy::report::Typed;
use rdpwhy::report::build::{self, Built, Collected};
use rdpwhy::report::choose::Choice;

use super::args::Input;
use super::progress::Progress;
use super::{Status, keylog, tell};

/// How far from `--around` a session may be.
const AROUND: i64 = 2 * 60 * Timestamp::SECOND;

/// What the engine found in all captures.
pub(crate) struct Found {
    pub(crate) infos: Vec<CaptureInfo>,
    collected: Collected,
    overview: Overview,
    /// Where to read the captures again, as far as that can be done.
    again: Vec<Again>,
    /// Whether everything could be read.
    pub(crate) status: Status,
}

/// A capture that is read twice.
enum Again {
    File(PathBuf),
    Spool(String, Spool),
}

impl Again {
    /// What can be read only once is copied.
    fn of(file: &Path) -> io::Result<Self> {
        if file == Path::new("-") {
            return Ok(Again::Spool("-".to_owned(), Spool::of(io::stdin())?));
        }
        match file.metadata() {
            Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
                Ok(Again::Spool(file.display().to_string(), Spool::of(std::fs::File::open(file)?)?))
            }
            _ => Ok(Again::File(file.to_owned())),
        }
    }

    fn open(&self, index: u16) -> Result<Capture, OpenError> {
        match self {
            Again::File(path) => Capture::open(Source::Path(path.clone()), index),
            Again::Spool(name, spool) => spool.capture(name, index),
        }
    }
}

impl Found {
    /// Reads the captures; `None` where there is nothing to tell of.
    pub(crate) fn read(args: &Input) -> Option<Self> {
        Self::read_once(args, false)
    }

    /// The same where [`Found::captures`] is to read them again.
    pub(crate) fn read_twice(args: &Input) -> Option<Self> {
        Self::read_once(args, true)
    }

    fn read_once(args: &Input, twice: bool) -> Option<Self> {
        let (keys, keys_status) = keylog::read(&args.keylog);
        let private_status = keylog::read_private(&args.rsa_key, &keys);
        let (captures, again, status) = open(args, twice);
        if captures.is_empty() {
            return None;
        }
        let mut found = find(captures, args, &keys);
        if keys.came_late() {
            // A secrets block behind the packets that it is for.
            let once_more: Result<Vec<_>, _> =
                (0..).zip(&again).map(|(index, again)| again.open(index)).collect();
            match once_more {
                Ok(captures) if captures.len() == found.infos.len() => found = find(captures, args, &keys),
                _ => tell("warning: secrets came after packets that they open, which cannot be read again"),
            }
        }
        keylog::say_if_unused(&keys);
        Some(Found { again, status: status.max(keys_status).max(private_status), ..found })
    }

    /// The captures once more, from the start, each with its index; all of them, or one.
    pub(crate) fn captures(&self, only: Option<u16>) -> Result<Vec<Capture>, OpenError> {
        let again = (0..).zip(&self.again).filter(|(index, _)| only.is_none_or(|only| only == *index));
        again.map(|(index, again)| again.open(index)).collect()
    }

    /// What is wrong with the captures, for a person who does not see it in the report.
    pub(crate) fn warn(&self) {
        for warning in self.infos.iter().flat_map(|info| &info.warnings) {
            tell(&format!("warning: {warning}"));
        }
    }

    /// The report over what was asked for; `None` where a time cannot be.
    pub(crate) fn report(&self, args: &Input) -> Option<Built<'_>> {
        let Some(choice) = choice(args, &self.infos) else {
            tell("a time that was asked for is out of range");
            return None;
        };
        let options = build::Options { choice, separate: args.separate };
        let infos: Vec<&CaptureInfo> = self.infos.iter().collect();
        Some(Built::new(&infos, &self.collected, &self.overview, &options).saw(args.saw))
    }
}

/// Opens what can be opened, and says of the rest why not.
fn open(args: &Input, twice: bool) -> (Vec<Capture>, Vec<Again>, Status) {
    let (mut captures, mut kept, mut status) = (Vec::new(), Vec::new(), Status::Done);
    let mut stdin = false;
    #[cfg(target_os = "linux")]
    allow_open(args.files.len());
    for file in &args.files {
        let source = if file == Path::new("-") { Source::Stdin } else { Source::Path(file.clone()) };
        if source == Source::Stdin && std::mem::replace(&mut stdin, true) {
            tell("standard input (-) can be read only once");
            status = Status::Trouble;
            continue;
        }
        let Ok(index) = u16::try_from(captures.len()) else {
            tell("more than 65,536 files at a time are not read");
            return (captures, kept, Status::Trouble);
        };
        let opened = if twice {
            Again::of(file)
                .map_err(|error| format!("{}: cannot be kept for a second reading: {error}", file.display()))
                .and_then(|again| {
                    let capture = again.open(index).map_err(|error| error.to_string())?;
                    kept.push(again);
                    Ok(capture)
                })
        } else {
            let opened = Capture::open(source, index).map_err(|error| error.to_string());
            if opened.is_ok() && file.is_file() {
                kept.push(Again::File(file.clone()));
            }
            opened
        };
        match opened {
            Ok(capture) => captures.push(capture),
            Err(why) => {
                tell(&why);
                status = Status::Trouble;
            }
        }
    }
    (captures, kept, status)
}

/// A ring buffer may have more files than a process may usually have open.
#[cfg(target_os = "linux")]
fn allow_open(files: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// Standard streams, key logs, outputs, and copies of what can be read only once.
    const OTHERS: u64 = 64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = (2 * files as u64 + OTHERS).min(maximum.unwrap_or(u64::MAX));
    if current.is_some_and(|current| current < wanted) {
        // Where it fails, the files that cannot be opened are named.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
}

/// Drives the engine over all captures, as one or one by one.
fn find(mut captures: Vec<Capture>, args: &Input, keys: &Keys) -> Found {
    for capture in &mut captures {
        let keys = keys.clone();
        capture.on_secrets(move |secrets| {
            if secrets.kind == SecretsType::TLS_KEY_LOG {
                keys.add(&secrets.data);
            }
        });
    }
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
        again: Vec::new(),
        status: Status::Done,
    };
    if args.separate {
        for capture in captures {
            analyze(Merged::new(vec![capture]), args, keys, &mut found);
        }
        found.overview.conversations.sort_by_key(|conversed| std::cmp::Reverse(conversed.total_bytes()));
    } else {
        analyze(Merged::new(captures), args, keys, &mut found);
    }
    found
}

fn analyze(mut captures: Merged, args: &Input, keys: &Keys, found: &mut Found) {
    let options = Options { ports: args.port.clone(), keys: keys.clone(), ..Options::default() };
    let mut analyzer = Analyzer::new(options);
    let mut progress = Progress::new(captures.file_bytes(), args.quiet);
    loop {
        if let Some(since) = captures.paused() {
            analyzer.paused(since);
        }
        // Looked at where it was made: to move it would wait for the stores that made it.
        let next = captures.next_frame();
        let Some(frame) = &next else { break };
        analyzer.push(frame);
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
    for (gateway, datagrams) in &more.gateways {
        *sum.gateways.entry(*gateway).or_default() += datagrams;
    }
}

/// What to show; `None` where a time cannot be.
fn choice(args: &Input, infos: &[CaptureInfo]) -> Option<Choice> {
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
