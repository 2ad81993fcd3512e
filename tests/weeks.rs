//! A capture that goes on for days: what is kept at its end is no more than after its first day, whatever got lost.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;
#[path = "common/counting.rs"]
mod counting;

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::made::{ACK, PSH, START};
use common::talk::*;
use common::{Frames, Owned};
use counting::NOW;
use rdpwhy::analyzer::{Analyzer, Options};
use rdpwhy::base::Limits;
use rdpwhy::capture::{Buffer, BufferBounds, Worth};
use rdpwhy::diagnosis::Outcome;
use rdpwhy::report::build::running::{Running, id, parts};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const HOUR: f64 = 3_600_000.0;
const DAY: f64 = 24.0 * HOUR;

/// One at a time: the count is of the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `rdpwhy live` keeps of a capture.
struct Live {
    analyzer: Analyzer,
    running: Running,
    frames: Buffer,
    /// Sessions that run, as who follows them knows.
    followed: HashSet<u64>,
    told: Vec<(IpAddr, Outcome)>,
    number: u64,
}

impl Live {
    fn new() -> Self {
        let limits = Limits::within(16 * MIB);
        Live {
            running: Running::new(limits.listed),
            analyzer: Analyzer::new(Options { limits, follow: true, ..Options::default() }),
            frames: Buffer::new(BufferBounds { total: MIB, ..BufferBounds::default() }),
            followed: HashSet::new(),
            told: Vec::new(),
            number: 0,
        }
    }

    fn take(&mut self, frames: &[Made]) {
        for frame in frames {
            self.number += 1;
            let frame = frame.frame(self.number);
            self.analyzer.push(&frame);
            if let Some(touched) = self.analyzer.touched() {
                self.frames.add(id(touched.first), Worth::Session, &frame);
                if touched.is_session() {
                    self.followed.insert(id(touched.first));
                }
            }
            self.collect();
        }
    }

    /// Outcomes of the sessions whose client's address begins like this.
    fn told_of(&self, client: &str) -> Vec<Outcome> {
        let wanted = |(address, _): &&(IpAddr, Outcome)| address.to_string().starts_with(client);
        self.told.iter().filter(wanted).map(|(_, outcome)| *outcome).collect()
    }

    fn collect(&mut self) {
        while let Some(over) = self.analyzer.poll_over() {
            let brief = &over.brief;
            self.running.take(&over, |_, _| 0);
            for part in parts(&over) {
                self.frames.forget(part);
                self.followed.remove(&part);
            }
            self.told.push((brief.client, brief.outcome));
        }
    }
}

/// The frames of a conversation that begins so many milliseconds after `START`.
fn conversation(n: u32, ms: f64) -> Vec<Made> {
    let client = |n: u32| format!("10.1.0.{}:{}", n % 250 + 1, 20_000 + n % 40_000);
    let on = |n: u32, server: &str| {
        Talk::between(&client(n), server).isn(n.wrapping_mul(7919), n.wrapping_mul(104_729)).wait(ms)
    };
    let new = || on(n, "10.0.0.1:3389");
    let secured = |talk: Talk| talk.negotiated(1).tls12().active();
    let talk = match n % 12 {
        0 => secured(new()).close(C),
        1 | 2 => secured(new()),
        // Between the ports of one whose end was lost.
        3 => secured(Talk::between(&client(n - 2), "10.0.0.1:3389").isn(n, n).wait(ms)),
        4 => new().negotiated(1).hello().rst(S),
        5 => secured(new().blind(C).blind(S)).sight().active(),
        // What comes of connections that nobody knows any more.
        6 if n % 24 == 6 => new().raw(S, ACK, n, n, &[]).raw(C, ACK, n, n, &[]),
        6 => new().raw(S, PSH | ACK, n, n, &[0]),
        7 => new().open().request().missed(S, &[0; 19]).c(&client_hello()),
        8 => new().syn().resyn(),
        9 => new().negotiated(1).setup13().close(C),
        10 => new().open().c(b"SSH-2.0-x\r\n").s(b"SSH-2.0-y\r\n"),
        _ => on(n, "10.0.0.1:443").open().hello().s(&server_flight13()),
    };
    talk.frames
}

/// A session with two RDP-UDP flows that nobody answers, between other addresses; of every other one the end is lost.
fn with_udp(captured: &Frames, n: u32, ms: f64) -> Vec<Made> {
    let lost = if n.is_multiple_of(16) { 30 } else { 0 };
    let frames = &captured.frames[..captured.frames.len() - lost];
    let begin = START.plus((ms * 1e6) as i64);
    let made = |frame: &Owned| {
        let mut data = frame.data.clone();
        (data[28], data[32]) = (n as u8, n as u8);
        let time = begin.plus(frame.time.since(frames[0].time));
        Made { capture: 0, time, data, wire_len: frame.wire_len }
    };
    frames.iter().map(made).collect()
}

#[test]
fn days_of_sessions_whose_ends_got_lost_leave_nothing_behind() {
    let _alone = alone();
    const EVERY: f64 = 40_000.0;
    const A_DAY: u32 = (DAY / EVERY) as u32;
    let mut live = Live::new();
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let udp = common::read(&captures.join("udp-blocked/both-beside-tcp.pcapng"));
    // One that is never silent for long, and one of which only keep-alives come, as often as Windows sends them.
    let open = |client: &str| Talk::between(client, "10.0.0.1:3389").negotiated(1).tls12().active();
    let (mut busy, mut idle) = (open("10.9.0.1:5000"), open("10.9.0.2:5000"));
    let mut held = Vec::new();
    for day in 0..5_u32 {
        let mut most = 0;
        for n in day * A_DAY..(day + 1) * A_DAY {
            live.take(&std::mem::take(&mut busy.frames));
            live.take(&std::mem::take(&mut idle.frames));
            live.take(&conversation(n, f64::from(n) * EVERY + 5000.0));
            if n.is_multiple_of(8) {
                live.take(&with_udp(&udp, n, f64::from(n) * EVERY + 15_000.0));
            }
            busy = busy.wait(EVERY - 2.0).data(C, 60).data(S, 1200);
            idle = idle.wait(EVERY);
            if n % 180 == 179 {
                idle = idle.repeat(C, &[0]).ack(S).wait(-2.0);
            }
            most = most.max(NOW.load(Ordering::Relaxed));
        }
        held.push(most / KIB);
        let depths = live.analyzer.depths();
        // Those whose end was lost stay for three hours.
        assert!(depths.connections < 250 && depths.udp_flows < 250, "{depths:?}");
        assert!(live.followed.len() <= depths.connections + depths.udp_flows, "{}", live.followed.len());
        assert_eq!(live.told_of("10.9."), []);
        live.told.clear();
    }
    eprintln!("KiB held, day by day: {held:?}");
    assert!(held[4] < held[1] + 64, "{held:?}");
    live.take(&busy.close(C).frames);
    live.take(&idle.close(C).frames);
    live.analyzer.finish();
    live.collect();
    assert_eq!(live.told_of("10.9."), [Outcome::Healthy; 2]);
    assert!(live.followed.is_empty());
}

/// Where memory is short since many ends were lost, nobody who begins pays for that.
#[test]
fn sessions_that_begin_have_room_beside_those_whose_end_was_lost() {
    const BUDGET: usize = 4 * MIB;
    let _alone = alone();
    let mut live = Live::new();
    let before = NOW.load(Ordering::Relaxed);
    for n in 0..1000 {
        let talk = Talk::between(&format!("10.1.0.1:{}", 2000 + n), "10.0.0.1:3389");
        let talk = talk.wait(f64::from(n) * 5000.0).negotiated(1).tls12().active();
        let whole = Talk::between(&format!("10.2.0.1:{}", 2000 + n), "10.0.0.1:3389");
        let whole = whole.wait(f64::from(n) * 5000.0 + 1000.0).negotiated(1).tls12().active().close(C);
        for frame in talk.frames.iter().chain(&whole.frames) {
            live.take(std::slice::from_ref(frame));
            while NOW.load(Ordering::Relaxed) - before > BUDGET && live.analyzer.give_up() {
                live.collect();
            }
        }
    }
    let given_up = live.analyzer.given_up();
    assert!(given_up.secured > 500 && given_up.total() == given_up.secured, "{given_up:?}");
    live.analyzer.finish();
    live.collect();
    assert_eq!(live.told_of("10.2."), [Outcome::Healthy; 1000]);
    assert!(live.told_of("10.1.").iter().all(|outcome| *outcome != Outcome::Failed));
}

#[test]
fn who_says_nothing_for_hours_has_not_failed() {
    let _alone = alone();
    let silent = |hours: f64| Talk::new().negotiated(1).tls12().active().wait(hours * HOUR);
    for hours in [1.0, 2.9] {
        silent(hours).active().close(C).told().is("healthy").says("ended in order");
        silent(hours).close(C).told().is("healthy").says("ended in order");
        silent(hours).rst(S).told().is("session-reset");
    }
    // Without a sign of life for so long, its end may have been lost; what comes then begins in its middle.
    for talk in [silent(4.0).close(C), silent(4.0).rst(S)] {
        talk.told().is("healthy").says("end is not in the capture");
    }
    for told in silent(30.0).active().close(C).verdicts() {
        told.is("healthy");
    }
}
