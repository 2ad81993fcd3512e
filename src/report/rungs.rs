//! The picture of a conversation as rows, before anybody draws it: which messages are shown and which are folded
//! away, where time passed without one, and what came of UDP beside TCP.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::model::{Direction, Event, Outcome, Phase, Session, Span, UdpFlow};
use super::story::{Frames, Mark, end_mark, phase_title};
use super::text::{count, duration};

/// Rows before the middle of a long conversation is folded.
const MOST: usize = 44;
/// Of these, rows at the end.
const TAIL: usize = 16;
/// Seconds without a message that are worth a row.
const GAP: f64 = 1.0;
/// Events that only look alike, one after the other, before their middle is folded.
const ALIKE: usize = 5;
/// UDP flows that are shown.
const FLOWS: usize = 4;

/// A row, and the title of the phase in whose band it stands.
#[derive(Debug)]
pub(super) struct Rung<'a> {
    pub(super) phase: &'static str,
    pub(super) row: Row<'a>,
}

/// What stands in one row.
#[derive(Debug)]
pub(super) enum Row<'a> {
    Message(Message<'a>),
    /// Nothing for a while, or messages left out.
    Pause(String),
    /// What came of a UDP flow, when its last packet came.
    Udp {
        time_s: f64,
        outcome: Outcome,
        what: Cow<'a, str>,
        /// Losses and round trips, as far as they are known.
        measures: Vec<String>,
    },
}

/// A frame: the index of its capture, and its number there.
pub(super) type Place = (u16, u64);

/// One message or event.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) place: Place,
    pub(super) time_s: f64,
    /// "frame 7".
    pub(super) frame: String,
    /// None: of neither end.
    pub(super) direction: Option<Direction>,
    pub(super) text: Cow<'a, str>,
    pub(super) inferred: bool,
    pub(super) weight: Weight,
    /// Beside the session's TCP connection.
    pub(super) udp: bool,
}

/// How much rests on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Plain,
    /// The verdict rests on it.
    Key,
    /// The session broke there.
    Broke,
}

/// A session's conversation, in the order in which it is told.
pub(super) fn rungs<'a>(session: &'a Session, frames: Frames<'_>) -> Vec<Rung<'a>> {
    let deciding: BTreeSet<Place> =
        session.diagnosis.evidence.iter().map(|evidence| (evidence.capture, evidence.frame)).collect();
    let first = session.diagnosis.evidence.first().map(|evidence| (evidence.capture, evidence.frame));
    let mut broke = first.filter(|_| end_mark(session.outcome) == Mark::Broke);
    let shown = shown(&session.timeline, &deciding);
    let mut beside = beside(session, frames, &deciding).into_iter().peekable();
    let mut rungs = Vec::new();
    // What belongs to an earlier phase, but came when the next one had begun, stands where it came.
    let mut latest = Phase::TcpConnect;
    let mut before: Option<f64> = None;
    let mut left_out = 0;
    for (event, shown) in session.timeline.iter().zip(shown) {
        // The bands tell where a phase begins.
        if event.kind == "phase" && !deciding.contains(&(event.capture, event.frame)) {
            continue;
        }
        latest = latest.max(event.phase);
        let phase = phase_title(session, latest);
        while let Some((time, row)) = beside.next_if(|(time, _)| *time < event.time_s.0) {
            before = before.map(|before| before.max(time));
            rungs.push(Rung { phase, row });
        }
        let gap = before.map_or(0.0, |before| event.time_s.0 - before);
        before = Some(event.time_s.0);
        if !shown {
            left_out += 1;
            continue;
        }
        let mut pause = |text| rungs.push(Rung { phase, row: Row::Pause(text) });
        if left_out > 0 {
            pause(format!("{} more, not shown here", count(left_out, "message")));
            left_out = 0;
        } else if gap >= GAP {
            pause(format!("{} without a message", duration(gap)));
        }
        let place = (event.capture, event.frame);
        let weight = match () {
            () if broke.take_if(|broke| *broke == place).is_some() => Weight::Broke,
            () if deciding.contains(&place) => Weight::Key,
            () => Weight::Plain,
        };
        let mut message = message(event, frames, weight);
        if event.kind == "icmp-error" {
            // The evidence says what its numbers mean.
            let mut evidence = session.diagnosis.evidence.iter();
            let same = evidence.find(|evidence| (evidence.capture, evidence.frame) == place);
            message.text = same.map_or(message.text, |evidence| evidence.text.as_str().into());
        }
        rungs.push(Rung { phase, row: Row::Message(message) });
    }
    let last = phase_title(session, latest.max(session.phase));
    for (time, row) in beside {
        before = before.map(|before| before.max(time));
        rungs.push(Rung { phase: last, row });
    }
    let waited = session.duration_s.0 - before.unwrap_or(0.0);
    if waited >= GAP {
        let text = format!("{} more, nothing new", duration(waited));
        rungs.push(Rung { phase: last, row: Row::Pause(text) });
    }
    rungs
}

/// Which events have a row: not the middle of many that look alike, nor that of a long conversation; but whatever
/// decides.
fn shown(events: &[Event], deciding: &BTreeSet<Place>) -> Vec<bool> {
    let mut shown = Vec::with_capacity(events.len());
    let alike = |one: &Event, next: &Event| {
        one.inferred && next.inferred && (&one.kind, one.phase) == (&next.kind, next.phase)
    };
    for run in events.chunk_by(alike) {
        let middle = if run.len() > ALIKE { 2..run.len() - 1 } else { 0..0 };
        shown.extend((0..run.len()).map(|at| !middle.contains(&at)));
    }
    let rows = shown.iter().filter(|shown| **shown).count();
    if rows > MOST {
        let rows_shown = shown.iter_mut().filter(|shown| **shown);
        rows_shown.skip(MOST - TAIL).take(rows - MOST).for_each(|shown| *shown = false);
    }
    for (event, shown) in events.iter().zip(&mut shown) {
        *shown |= deciding.contains(&(event.capture, event.frame));
    }
    shown
}

fn message<'a>(event: &'a Event, frames: Frames<'_>, weight: Weight) -> Message<'a> {
    Message {
        place: (event.capture, event.frame),
        time_s: event.time_s.0,
        frame: frames.range(event.capture, event.frame, event.last_frame),
        direction: event.direction,
        text: Cow::Borrowed(event.summary.as_ref()),
        inferred: event.inferred || event.kind == "capture-gap",
        weight,
        udp: false,
    }
}

/// The UDP flows: when each was tried, and what came of it.
fn beside<'a>(session: &'a Session, frames: Frames<'_>, deciding: &BTreeSet<Place>) -> Vec<(f64, Row<'a>)> {
    let mut rows = Vec::new();
    for flow in session.udp.iter().take(FLOWS) {
        let begun = flow.start.0.seconds_since(session.start.0);
        if let Some(event) = flow.timeline.first() {
            let text = format!("UDP tried from port {}: {}", flow.client.port, event.summary);
            let time_s = begun + event.time_s.0;
            let decides = deciding.contains(&(event.capture, event.frame));
            let tried = message(event, frames, if decides { Weight::Key } else { Weight::Plain });
            rows.push((time_s, Row::Message(Message { time_s, text: text.into(), udp: true, ..tried })));
        }
        let ended = begun + flow.duration_s.0;
        rows.push((ended, udp(flow, ended)));
    }
    let more = session.udp.len().saturating_sub(FLOWS);
    if more > 0 {
        let text = format!("{} beside it", count(more as u64, "more UDP flow"));
        rows.push((session.duration_s.0, Row::Pause(text)));
    }
    rows.sort_by(|one, other| one.0.total_cmp(&other.0));
    rows
}

fn udp(flow: &UdpFlow, time_s: f64) -> Row<'_> {
    let what = match flow.outcome {
        Outcome::Healthy => Cow::Borrowed("UDP worked"),
        _ => Cow::Borrowed(flow.diagnosis.title.as_ref()),
    };
    Row::Udp { time_s, outcome: flow.outcome, what, measures: measures(flow) }
}

/// "lost: to the server 0 %, to the client 0.3 %", "round trip: server 12.1 ms, client 0.4 ms".
fn measures(flow: &UdpFlow) -> Vec<String> {
    let both = |what: &str, to: &str, server: Option<f64>, client: Option<f64>, unit: &str| {
        let shown = |value: Option<f64>| match value {
            Some(value) => format!("{} {unit}", format!("{value:.1}").trim_end_matches(".0")),
            None => "?".to_owned(),
        };
        let any = client.is_some() || server.is_some();
        any.then(|| format!("{what}: {to}server {}, {to}client {}", shown(server), shown(client)))
    };
    let (loss, rtt) = (&flow.metrics.loss_pct, &flow.metrics.rtt_ms);
    let millis = |rtt: Option<Span>| rtt.map(|rtt| rtt.0);
    let lost = both("lost", "to the ", loss.client_to_server, loss.server_to_client, "%");
    let rtt = both("round trip", "", millis(rtt.client_to_server), millis(rtt.server_to_client), "ms");
    [lost, rtt].into_iter().flatten().collect()
}
