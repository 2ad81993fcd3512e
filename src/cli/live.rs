//! `rdpwhy live`: the packets of interfaces through the engine, session by session as they end.

mod args;
mod follow;
mod sink;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rdpwhy::analyzer::{Analyzer, Options, Over};
use rdpwhy::base::{Limits, Timestamp};
use rdpwhy::capture::live::{self, Event, Live};
use rdpwhy::report::build::running::Running;
use rdpwhy::report::model::{Capture, Time};
use rdpwhy::report::{line, ndjson, text::number};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::{Status, tell};
use args::Format;
pub(crate) use args::{EXAMPLES, Live as Args};
use follow::Following;
use sink::{Reader, Sink};

/// Frames taken before anything else is looked at.
const BATCH: usize = 4096;
/// Rest where no packet is at hand.
const REST: Duration = Duration::from_millis(10);
/// How long telling what still runs may take, so that the end comes within a second.
const LAST: Duration = Duration::from_millis(400);
/// How often losses are told.
const LOSSES: Duration = Duration::from_secs(10);

/// Runs the command.
pub(crate) fn run(args: &Args) -> Status {
    if args.list {
        return list();
    }
    match Run::start(args) {
        Ok(run) => run.until_the_end(),
        Err(why) => {
            tell(&why);
            Status::Trouble
        }
    }
}

fn list() -> Status {
    let found = match live::list() {
        Ok(found) => found,
        Err(error) => {
            tell(&error.to_string());
            return Status::Trouble;
        }
    };
    let mut out = String::new();
    for device in found {
        let addresses: Vec<String> = device.addresses.iter().map(ToString::to_string).collect();
        let parts = [
            if device.up { "up" } else { "down" }.to_owned(),
            addresses.join(", "),
            device.description.unwrap_or_default(),
        ];
        let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        out.push_str(&rdpwhy::report::text::clean(&format!("{:<16}  {}", device.name, parts.join("; "))));
        out.push('\n');
    }
    super::output::text(&out)
}

/// What signals ask for.
struct Asked {
    stop: Arc<AtomicBool>,
    reopen: Arc<AtomicBool>,
}

impl Asked {
    fn listen(reopens: bool) -> std::io::Result<Self> {
        let asked = Asked { stop: Arc::default(), reopen: Arc::default() };
        for signal in [SIGINT, SIGTERM] {
            // Asked twice, it ends at once.
            signal_hook::flag::register_conditional_shutdown(signal, 2, asked.stop.clone())?;
            signal_hook::flag::register(signal, asked.stop.clone())?;
        }
        let hup = if reopens { &asked.reopen } else { &asked.stop };
        signal_hook::flag::register(SIGHUP, hup.clone())?;
        Ok(asked)
    }

    fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// One run.
struct Run<'a> {
    args: &'a Args,
    name: String,
    live: Live,
    analyzer: Analyzer,
    running: Running,
    following: Option<Following>,
    sink: Sink,
    asked: Asked,
    /// First and last time of a packet.
    times: Option<(Timestamp, Timestamp)>,
    told_lost: (Instant, u64),
}

impl<'a> Run<'a> {
    fn start(args: &'a Args) -> Result<Self, String> {
        let devices = match args.interface.as_slice() {
            [] => vec![live::default_device().map_err(|error| error.to_string())?],
            named => named.to_vec(),
        };
        let name = devices.join(",");
        let why = if args.interface.is_empty() { ", which has the default route" } else { "" };
        let asked = Asked::listen(args.output.is_some())
            .map_err(|error| format!("cannot listen to signals: {error}"))?;
        let live = Live::open(args.settings(devices)).map_err(|error| error.to_string())?;
        let sink = Sink::open(args.output.as_deref()).map_err(|error| match &args.output {
            Some(path) => format!("cannot write {}: {error}", path.display()),
            None => format!("cannot write: {error}"),
        })?;
        tell(&format!("listening on {name}{why}"));
        let limits = Limits::default();
        Ok(Run {
            args,
            name,
            live,
            running: Running::new(limits.listed),
            analyzer: Analyzer::new(Options { ports: args.port.clone(), limits, follow: args.events }),
            following: args.events.then(Following::default),
            sink,
            asked,
            times: None,
            told_lost: (Instant::now(), 0),
        })
    }

    fn until_the_end(mut self) -> Status {
        while !self.asked.stop() && self.sink.reader() == Reader::Reads {
            if self.take_frames() {
                self.analyzer.advance(self.live.quiet_until());
                self.tell_finished(None);
                thread::sleep(REST);
            }
            self.look_after();
        }
        self.end();
        if self.sink.reader() == Reader::Failed { Status::Trouble } else { Status::Done }
    }

    /// Takes the frames that are at hand, up to a bound; tells whether that was all.
    fn take_frames(&mut self) -> bool {
        for _ in 0..BATCH {
            let Some(frame) = self.live.next_frame() else { return true };
            let time = frame.time;
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
            self.analyzer.push(&frame);
            if let Some(following) = &mut self.following
                && let Some(change) = self.analyzer.touched().and_then(|t| following.touch(&t, time))
            {
                self.tell_change(change);
            }
            self.tell_finished(None);
        }
        false
    }

    /// Tells the sessions that are over; `until` when, where there is no more time than that.
    fn tell_finished(&mut self, until: Option<Instant>) -> u64 {
        let mut untold = 0;
        while let Some(over) = self.analyzer.poll_over() {
            if let Some(following) = &mut self.following {
                following.over(over.brief.order);
            }
            if until.is_some_and(|until| Instant::now() > until) {
                untold += 1;
                // The rest is as many again, and nobody waits for it.
                break;
            }
            self.tell_session(&over);
        }
        untold
    }

    fn tell_session(&mut self, over: &Over) {
        let lost = |from, to| self.live.losses().between(from, to);
        let Some(told) = self.running.take(over, lost) else { return };
        match self.args.format {
            Format::Text => self.text(line::session(&told.session, &self.args.tz)),
            Format::Ndjson => {
                let name = self.name.clone();
                self.write(|out| ndjson::session(told.session, vec![&name], out));
            }
        }
    }

    fn tell_change(&self, change: ndjson::PhaseChange) {
        match self.args.format {
            Format::Text => self.text(line::phase(&change, &self.args.tz)),
            Format::Ndjson => self.write(|out| ndjson::phase(change, out)),
        }
    }

    fn text(&self, line: String) {
        self.line(format!("{line}\n").into_bytes());
    }

    fn write(&self, write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) {
        let mut line = Vec::new();
        // Writing to memory does not fail.
        if write(&mut line).is_ok() {
            self.line(line);
        }
    }

    fn line(&self, line: Vec<u8>) {
        self.sink.line(line, || self.asked.stop());
    }

    /// What has to be done now and then.
    fn look_after(&mut self) {
        self.live.look_after();
        while let Some(event) = self.live.poll_event() {
            tell(&match event {
                Event::Down { device, why } => format!("{device} is down ({why}); waiting for it"),
                Event::Up { device } => format!("{device} is up again"),
            });
        }
        if self.asked.reopen.swap(false, Ordering::Relaxed) {
            self.sink.reopen();
        }
        if self.told_lost.0.elapsed() > LOSSES {
            self.told_lost.0 = Instant::now();
            let lost = self.lost();
            if lost > self.told_lost.1 {
                let more = lost - self.told_lost.1;
                tell(&format!("{} packets were lost in the last seconds: {}", number(more), self.counts()));
                self.told_lost.1 = lost;
            }
        }
        let now = self.live.quiet_until();
        for unlisted in self.running.unlisted(now) {
            match self.args.format {
                Format::Text => self.text(line::unlisted(&unlisted, &self.args.tz)),
                Format::Ndjson => self.write(|out| ndjson::unlisted(&unlisted, out)),
            }
        }
    }

    fn lost(&self) -> u64 {
        self.live.counts().map(|counts| counts.kernel_dropped + counts.interface_dropped).sum()
    }

    /// "eth0: 1,234 packets, 0 dropped by the kernel, 0 by the interface".
    fn counts(&self) -> String {
        let parts: Vec<String> = self
            .live
            .counts()
            .map(|counts| {
                format!(
                    "{}: {} packets, {} dropped by the kernel, {} by the interface",
                    counts.device,
                    number(counts.received),
                    number(counts.kernel_dropped),
                    number(counts.interface_dropped),
                )
            })
            .collect();
        parts.join("; ")
    }

    /// Tells what still runs, and what it all was.
    fn end(&mut self) {
        // What came before the signal may still be on its way.
        let (asked, until) = (live::now(), Instant::now() + LAST / 2);
        while self.live.quiet_until() < asked && Instant::now() < until {
            if self.take_frames() {
                thread::sleep(REST);
            }
        }
        let until = until + LAST / 2;
        self.live.look_after_now();
        self.analyzer.finish();
        let untold = self.tell_finished(Some(until));
        if untold > 0 {
            tell("not everything that still ran could be told in time");
        }
        if self.args.format == Format::Ndjson {
            let (packets, bytes) = self.live.handed_out();
            let capture = Capture {
                file: self.name.clone(),
                format: "live",
                compression: None,
                packets,
                bytes,
                first: self.times.map(|(first, _)| Time(first)),
                last: self.times.map(|(_, last)| Time(last)),
                warnings: match self.lost() {
                    0 => Vec::new(),
                    lost => vec![format!("{}: {lost} packets were lost while capturing", self.name)],
                },
            };
            self.write(|out| ndjson::summary(&[capture], &self.running.summary(), out));
        }
        self.sink.close();
        tell(&self.counts());
    }
}
