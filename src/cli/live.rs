//! `rdpwhy live`: the packets of interfaces through the engine, session by session as they end.

mod args;
mod follow;
mod fragments;
mod http;
mod memory;
mod metrics;
#[cfg(target_os = "linux")]
mod notify;
#[cfg(target_os = "linux")]
mod privileges;
mod recorder;
mod sink;
mod store;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rdpwhy::analyzer::{Analyzer, Options, Over, Whole};
use rdpwhy::base::Timestamp;
use rdpwhy::capture::live::{self, Event, Live};
use rdpwhy::report::build::running::Running;
use rdpwhy::report::model::{Capture, Time};
use rdpwhy::report::{line, ndjson::PhaseChange, text::number};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::{Status, aside, keylog, tell};
use args::Which;
pub(crate) use args::{EXAMPLES, Live as Args};
use follow::Following;
use memory::Memory;
use metrics::Metrics;
#[cfg(target_os = "linux")]
use notify::Notify;
use recorder::Recorder;
use sink::{Reader, Sink};
use view::View;

/// Frames taken before anything else is looked at.
const BATCH: usize = 4096;
/// Rest where no packet is at hand.
const REST: Duration = Duration::from_millis(10);
/// The end comes within a second. Until when the frames that are on their way are taken, what still runs is told,
/// attempts are saved, and lines are written; in milliseconds.
const LAST: [u64; 4] = [150, 400, 600, 750];
/// So long before the end of telling only what carried payload is told.
const BARE: Duration = Duration::from_millis(200);
/// How often losses are told.
const LOSSES: Duration = Duration::from_secs(10);

/// Runs the command.
pub(crate) fn run(args: &Args) -> Status {
    if args.list {
        return list();
    }
    let status = match Run::start(args) {
        Ok(run) => run.until_the_end(),
        Err(why) => {
            tell(&why);
            Status::Trouble
        }
    };
    aside::end_teller();
    status
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

fn serve(at: SocketAddr) -> Result<Metrics, String> {
    let (metrics, at) =
        Metrics::serve(at).map_err(|error| format!("cannot serve metrics at {at}: {error}"))?;
    tell(&format!("metrics are at http://{at}/metrics, health at http://{at}/healthz"));
    Ok(metrics)
}

fn view(args: &Args, name: &str, asked: &Asked) -> Result<View, String> {
    // What is told before goes to the terminal before.
    aside::end_teller();
    let view = View::open(name, args.tz.clone(), asked.stop.clone())
        .map_err(|error| format!("cannot use the terminal: {error}"));
    aside::begin_teller();
    view
}

/// One run.
struct Run<'a> {
    args: &'a Args,
    name: String,
    live: Live,
    analyzer: Analyzer,
    running: Running,
    following: Option<Following>,
    recorder: Option<Recorder>,
    sink: Sink,
    asked: Asked,
    memory: Memory,
    #[cfg(target_os = "linux")]
    notify: Notify,
    metrics: Option<Metrics>,
    view: Option<View>,
    /// Up to when time passed in the engine.
    passed: Timestamp,
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
        let memory = Memory::new(args.memory, args.buffer as usize * devices.len())?;
        let keys = keylog::follow(&args.keylog, memory.keys())?;
        if keylog::read_private(&args.rsa_key, &keys) != Status::Done {
            return Err("a private key cannot be used".to_owned());
        }
        let asked = Asked::listen(args.output.is_some())
            .map_err(|error| format!("cannot listen to signals: {error}"))?;
        let live = Live::open(args.settings(devices)).map_err(|error| error.to_string())?;
        #[cfg(target_os = "linux")]
        let notify = Notify::from_environment();
        let user = args.give_up_rights()?;
        aside::begin_teller();
        let as_user = user.as_ref().map_or_else(String::new, |user| format!(" as {user} (--user)"));
        let sink = Sink::open(args.output.as_deref()).map_err(|error| match &args.output {
            Some(path) => format!("cannot write {}{as_user}: {error}", path.display()),
            None => format!("cannot write: {error}"),
        })?;
        let recorder = match &args.save_failed {
            Some(folder) => {
                let bounds = store::Bounds { bytes: args.save_size << 20, files: args.save_files as usize };
                let recorder = Recorder::start(folder, bounds, memory.frames(), args.save == Which::All)
                    .map_err(|error| format!("cannot save in {}{as_user}: {error}", folder.display()))?;
                Some(recorder)
            }
            None => None,
        };
        let rights = user.map_or_else(String::new, |user| {
            format!("; as {user} now, with the right to capture and no other")
        });
        tell(&format!("listening on {name}{why}{rights}"));
        let metrics = args.metrics.map(serve).transpose()?;
        let view = if args.has_view() { Some(view(args, &name, &asked)?) } else { None };
        let follow = args.events || recorder.is_some() || view.is_some();
        let limits = memory.limits();
        Ok(Run {
            args,
            name,
            live,
            running: Running::new(limits.listed),
            analyzer: Analyzer::new(Options { ports: args.port.clone(), limits, follow, keys }),
            following: args.events.then(Following::default),
            recorder,
            sink,
            asked,
            memory,
            #[cfg(target_os = "linux")]
            notify,
            metrics,
            view,
            passed: live::now(),
            times: None,
            told_lost: (Instant::now(), 0),
        })
    }

    fn until_the_end(mut self) -> Status {
        #[cfg(target_os = "linux")]
        self.notify.ready(&format!("listening on {}", self.name));
        while !self.asked.stop() && self.sink.reader() == Reader::Reads {
            if self.take_frames() {
                self.pass(self.live.quiet_until());
                thread::sleep(REST);
            }
            self.look_after();
            self.notify();
        }
        self.end();
        let status = if self.sink.reader() == Reader::Failed { Status::Trouble } else { Status::Done };
        // To take all that was held apart needs time that the end does not have.
        std::mem::forget(self);
        status
    }

    /// Lets time pass, in steps: after a standstill of the machine much is over at once.
    fn pass(&mut self, until: Timestamp) {
        let step = (until.since(self.passed) / 16_384).max(Timestamp::SECOND);
        while self.passed < until {
            self.passed = self.passed.plus(step).min(until);
            self.analyzer.advance(self.passed);
            self.tell_finished(None);
        }
    }

    /// Takes the frames that are at hand, up to a bound; tells whether that was all.
    fn take_frames(&mut self) -> bool {
        for _ in 0..BATCH {
            let Some(frame) = self.live.next_frame() else { return true };
            let time = frame.time;
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
            self.analyzer.push(&frame);
            let mut change = None;
            if let Some(touched) = self.analyzer.touched() {
                change = self.following.as_mut().and_then(|following| following.touch(&touched, time));
                if let Some(view) = &mut self.view {
                    view.touch(&touched, &frame);
                }
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.take(&self.analyzer, &frame);
            }
            if let Some(change) = change {
                self.tell_change(change);
            }
            self.tell_finished(None);
            while self.memory.is_short() && self.make_room() {}
        }
        false
    }

    /// Lets go of what is over and was told, then of what tells least.
    fn make_room(&mut self) -> bool {
        let mut any =
            self.recorder.as_mut().is_some_and(|recorder| recorder.let_go(recorder::LEAST_REMEMBERED));
        if !any {
            any = self.analyzer.give_up();
            self.tell_finished(None);
        }
        any
    }

    /// Tells the sessions that are over; `until` when, where there is no more time than that.
    fn tell_finished(&mut self, until: Option<Instant>) -> u64 {
        let mut untold = 0;
        while let Some(over) = self.analyzer.poll_over() {
            if let Some(following) = &mut self.following {
                following.over(over.brief.order);
            }
            if let Some(until) = until {
                let now = Instant::now();
                // Of a flood not all can be told; what carried payload comes first.
                let late = now > until;
                if late || matches!(over.whole, Whole::Bare(_)) && now + BARE > until {
                    untold += 1;
                    if late {
                        // The rest is as many again, and nobody waits for it.
                        break;
                    }
                    continue;
                }
            }
            self.tell_session(&over);
        }
        untold
    }

    fn tell_session(&mut self, over: &Over) {
        let lost = |from, to| self.live.losses().between(from, to);
        let told = self.running.take(over, lost);
        if let Some(recorder) = &mut self.recorder {
            match &told {
                Some(told) => {
                    recorder.over(
                        over,
                        told,
                        self.live.interfaces(),
                        lost(told.session.start.0, told.session.end.0),
                    );
                }
                None => recorder.forget(over),
            }
        }
        if let Some(metrics) = &self.metrics {
            metrics.over(over, told.as_ref().map(|told| &told.session));
        }
        if let Some(view) = &mut self.view {
            let outcome = over.brief.outcome.as_str();
            view.over(over.brief.order, outcome, told.as_ref().map(|told| &told.session));
        }
        let Some(told) = told else { return };
        match self.args.format.lines() {
            None => self.text(line::session(&told.session, &self.args.tz)),
            Some(lines) => self.write(|out| lines.session(told.session, vec![&self.name], out)),
        }
    }

    fn tell_change(&self, change: PhaseChange) {
        match self.args.format.lines() {
            None => self.text(line::phase(&change, &self.args.tz)),
            Some(lines) => self.write(|out| lines.phase(change, out)),
        }
    }

    fn text(&self, line: String) {
        if self.view.is_some() {
            return;
        }
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
                Event::Down { device, why } => {
                    // What it would have carried until it is up is no silence.
                    self.analyzer.paused(live::now());
                    format!("{device} is down ({why}); waiting for it")
                }
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
            let unsaved = self.recorder.as_mut().map_or(0, Recorder::take_unsaved);
            if unsaved > 0 {
                tell(&format!(
                    "{} attempts were not saved: they come faster than the disk takes them",
                    number(unsaved)
                ));
            }
            if let Some(given_up) = self.memory.more_given_up(&self.analyzer) {
                tell(&format!("in the last seconds, {given_up}"));
            }
        }
        let now = self.live.quiet_until();
        if let Some(recorder) = &mut self.recorder {
            recorder.advance(now);
        }
        if let Some(metrics) = &mut self.metrics {
            let last = self.times.map(|(_, last)| last);
            metrics.look(&self.live, last, &self.analyzer, &self.memory, self.recorder.as_ref(), &self.sink);
        }
        if let Some(view) = &mut self.view {
            view.look(&self.live);
        }
        for unlisted in self.running.unlisted(now) {
            match self.args.format.lines() {
                None => self.text(line::unlisted(&unlisted, &self.args.tz)),
                Some(lines) => self.write(|out| lines.unlisted(&unlisted, out)),
            }
        }
    }

    /// Tells systemd that packets are taken, or that there was none: either way, time passes.
    fn notify(&mut self) {
        #[cfg(target_os = "linux")]
        {
            let progress = self.live.handed_out().0.wrapping_add(self.live.quiet_until().0 as u64);
            let counts = &self.live;
            self.notify.turn(progress, || counts_of(counts));
        }
    }

    fn lost(&self) -> u64 {
        self.live.counts().map(|counts| counts.kernel_dropped + counts.interface_dropped).sum()
    }

    /// "eth0: 1,234 packets, 0 dropped by the kernel, 0 by the interface".
    fn counts(&self) -> String {
        counts_of(&self.live)
    }

    /// Tells what still runs, and what it all was.
    fn end(&mut self) {
        #[cfg(target_os = "linux")]
        self.notify.stopping();
        let [taken, told, saved, written] = LAST.map(|last| Instant::now() + Duration::from_millis(last));
        if let Some(view) = &mut self.view {
            view.close();
        }
        // What came before the signal may still be on its way.
        let asked = live::now();
        while self.live.quiet_until() < asked && Instant::now() < taken {
            if self.take_frames() {
                thread::sleep(REST);
            }
        }
        self.live.look_after_now();
        self.analyzer.finish();
        let untold = self.tell_finished(Some(told));
        if untold > 0 {
            tell("not everything that still ran could be told in time");
        }
        if let Some(lines) = self.args.format.lines() {
            let (packets, bytes) = self.live.handed_out();
            let lost = Some(self.lost()).filter(|lost| *lost > 0);
            let lost = lost.map(|lost| format!("{lost} packets were lost while capturing"));
            let warnings = lost.into_iter().chain(self.memory.given_up(&self.analyzer));
            let capture = Capture {
                file: self.name.clone(),
                format: "live",
                compression: None,
                packets,
                bytes,
                first: self.times.map(|(first, _)| Time(first)),
                last: self.times.map(|(_, last)| Time(last)),
                warnings: warnings.map(|text| format!("{}: {text}", self.name)).collect(),
            };
            self.write(|out| lines.summary(&[capture], &self.running.summary(), out));
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.close(saved);
        }
        self.sink.close(written);
        if let Some(given_up) = self.memory.given_up(&self.analyzer) {
            tell(&given_up);
        }
        tell(&self.counts());
    }
}

fn counts_of(live: &Live) -> String {
    let parts = live.counts().map(|counts| {
        format!(
            "{}: {} packets, {} dropped by the kernel, {} by the interface",
            counts.device,
            number(counts.received),
            number(counts.kernel_dropped),
            number(counts.interface_dropped),
        )
    });
    parts.collect::<Vec<_>>().join("; ")
}
