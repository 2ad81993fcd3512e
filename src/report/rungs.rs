//! The picture of a conversation as rows, before anybody draws it: which messages are shown and which are folded
//! away, where time passed without one, and what came of UDP beside TCP.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::model::{Direction, Event, Outcome, PerDirection, Phase, Session, Span, UdpFlow};
use super::story::{Frames, Mark, end_mark};
use super::text::{count, duration};

/// Rows before the middle of a long conversation is folded.
const MOST: usize = 44;
/// Of these, rows at the end.
const TAIL: usize = 16;
/// Seconds without a message that are worth a row.
const GAP: f64 = 1.0;
/// UDP flows that are shown.
const FLOWS: usize = 4;

/// A row, and the phase in whose band it stands.
#[derive(Debug)]
pub(super) struct Rung<'a> {
    pub(super) phase: Phase,
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
        mark: Mark,
        text: String,
    },
}

/// One message or event.
#[derive(Debug)]
pub(super) struct Message<'a> {
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
    let deciding: BTreeSet<(u16, u64)> =
        session.diagnosis.evidence.iter().map(|evidence| (evidence.capture, evidence.frame)).collect();
    let first = session.diagnosis.evidence.first().map(|evidence| (evidence.capture, evidence.frame));
    let broke = first.filter(|_| end_mark(session.outcome) == Mark::Broke);
    let events = &session.timeline;
    let hidden = events.len().saturating_sub(MOST);
    let mut beside = beside(session, frames).into_iter().peekable();
    let mut rungs = Vec::new();
    let mut before: Option<f64> = None;
    for (at, event) in events.iter().enumerate() {
        while let Some((time, row)) = beside.next_if(|(time, _)| *time < event.time_s.0) {
            before = before.map(|before| before.max(time));
            rungs.push(Rung { phase: event.phase, row });
        }
        let place = (event.capture, event.frame);
        let decides = deciding.contains(&place);
        let folded = hidden > 0 && at >= MOST - TAIL && at < events.len() - TAIL;
        let mut pause = |text| rungs.push(Rung { phase: event.phase, row: Row::Pause(text) });
        if folded && !decides {
            if at == MOST - TAIL {
                pause(format!("{hidden} more messages: see the timeline"));
            }
        } else {
            if let Some(gap) = before.map(|before| event.time_s.0 - before).filter(|gap| *gap >= GAP) {
                pause(format!("{} without a message", duration(gap)));
            }
            let weight = match () {
                () if broke == Some(place) => Weight::Broke,
                () if decides => Weight::Key,
                () => Weight::Plain,
            };
            rungs.push(Rung { phase: event.phase, row: Row::Message(message(event, frames, weight)) });
        }
        before = Some(event.time_s.0);
    }
    for (time, row) in beside {
        before = before.map(|before| before.max(time));
        rungs.push(Rung { phase: session.phase, row });
    }
    let waited = session.duration_s.0 - before.unwrap_or(0.0);
    if waited >= GAP {
        let text = format!("{} more, nothing new", duration(waited));
        rungs.push(Rung { phase: session.phase, row: Row::Pause(text) });
    }
    rungs
}

fn message<'a>(event: &'a Event, frames: Frames<'_>, weight: Weight) -> Message<'a> {
    Message {
        time_s: event.time_s.0,
        frame: frames.range(event.capture, event.frame, event.last_frame),
        direction: event.direction,
        text: Cow::Borrowed(event.summary.as_ref()),
        inferred: event.inferred,
        weight,
        udp: false,
    }
}

/// The UDP flows: when each was tried, and what came of it.
fn beside<'a>(session: &'a Session, frames: Frames<'_>) -> Vec<(f64, Row<'a>)> {
    let mut rows = Vec::new();
    for flow in session.udp.iter().take(FLOWS) {
        let begun = flow.start.0.seconds_since(session.start.0);
        if let Some(event) = flow.timeline.first() {
            let text = format!("UDP tried from port {}: {}", flow.client.port, event.summary);
            let time_s = begun + event.time_s.0;
            let tried = message(event, frames, Weight::Plain);
            rows.push((time_s, Row::Message(Message { time_s, text: text.into(), udp: true, ..tried })));
        }
        rows.push((begun + flow.duration_s.0, udp(flow)));
    }
    let more = session.udp.len().saturating_sub(FLOWS);
    if more > 0 {
        let text = format!("{} beside it", count(more as u64, "more UDP flow"));
        rows.push((session.duration_s.0, Row::Pause(text)));
    }
    rows.sort_by(|one, other| one.0.total_cmp(&other.0));
    rows
}

fn udp<'a>(flow: &UdpFlow) -> Row<'a> {
    let what = match flow.outcome {
        Outcome::Healthy => "UDP worked",
        _ => flow.diagnosis.title.as_ref(),
    };
    let measures = measures(flow);
    let text = if measures.is_empty() { what.to_owned() } else { format!("{what}: {measures}") };
    let mark = match flow.outcome {
        Outcome::Degraded => Mark::Left,
        outcome => end_mark(outcome),
    };
    Row::Udp { mark, text }
}

/// "lost 0 % and 0.3 %, round trip 12.1 ms and 0.4 ms": the client's packets first.
pub(super) fn measures(flow: &UdpFlow) -> String {
    fn both<T: Copy>(of: &PerDirection<Option<T>>, what: &str, show: fn(T) -> String) -> Option<String> {
        let shown = |value: Option<T>| value.map_or_else(|| "unknown".to_owned(), show);
        (of.client_to_server.is_some() || of.server_to_client.is_some())
            .then(|| format!("{what} {} and {}", shown(of.client_to_server), shown(of.server_to_client)))
    }
    let loss = both(&flow.metrics.loss_pct, "lost", |loss: f64| format!("{loss} %"));
    let rtt = both(&flow.metrics.rtt_ms, "round trip", |rtt: Span| format!("{:.1} ms", rtt.0));
    [loss, rtt].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
