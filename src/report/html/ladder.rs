//! The picture of a conversation: client and server as vertical lines, time going down, an arrow a message.
//!
//! Everything is laid out here in the picture's own units, so that the template only draws.

use std::collections::BTreeSet;

use askama::Template;

use super::super::model::{Direction, Event, Outcome, Phase, Session};
use super::super::story::{Frames, Mark, end_mark};
use super::super::text::duration;

/// Rows before the middle of a long conversation is folded.
const MOST: usize = 44;
/// Of these, rows at the end.
const TAIL: usize = 16;
/// Seconds without a message that are drawn as a gap.
const GAP: f64 = 1.0;
/// Characters of a label that fit between the two lines.
const LABEL: usize = 60;

/// Where things stand across the picture.
const CLIENT: u32 = 270;
const SERVER: u32 = 730;
const MIDDLE: u32 = u32::midpoint(CLIENT, SERVER);
const TOP: u32 = 58;
const ROW: u32 = 34;

/// One picture.
#[derive(Debug, Template)]
#[template(path = "ladder.html")]
pub(super) struct Ladder {
    id: u64,
    height: u32,
    client: String,
    server: String,
    /// Whether something between the two took part.
    between: bool,
    /// Bottom of the lines.
    foot: u32,
    bands: Vec<Band>,
    rows: Vec<Row>,
    end: End,
    /// The same in a sentence, for who cannot see it.
    description: String,
}

/// A phase: a band across the picture.
#[derive(Debug)]
struct Band {
    y: u32,
    height: u32,
    title: &'static str,
    class: &'static str,
    shade: bool,
}

/// What stands in one row.
#[derive(Debug)]
enum Row {
    Message(Message),
    /// Nothing for a while, or messages left out.
    Pause {
        y: u32,
        text: String,
    },
}

/// An arrow from one line to another.
#[derive(Debug)]
struct Message {
    y: u32,
    x1: u32,
    x2: u32,
    /// Where the arrow's head begins, left or right of `x2`.
    head: u32,
    label: String,
    /// The whole label where it was cut.
    full: String,
    time: String,
    frame: String,
    /// "key" where the verdict rests on it, "bad" where it broke; "inferred" beside that.
    class: String,
}

/// The verdict below the lines.
#[derive(Debug)]
struct End {
    y: u32,
    class: &'static str,
    symbol: &'static str,
    text: String,
    /// Which line stops there: x of the end that went away or fell silent.
    note: String,
}

/// The class of colours for how something went.
pub(super) const fn class(mark: Mark) -> &'static str {
    match mark {
        Mark::Passed => "good",
        Mark::Broke => "bad",
        Mark::Left | Mark::Unclear => "warn",
    }
}

/// Draws a session's timeline.
pub(super) fn draw(session: &Session, frames: Frames<'_>) -> Ladder {
    let deciding: BTreeSet<(u16, u64)> =
        session.diagnosis.evidence.iter().map(|evidence| (evidence.capture, evidence.frame)).collect();
    let first = session.diagnosis.evidence.first().map(|evidence| (evidence.capture, evidence.frame));
    let mark = end_mark(session.outcome);
    let events = &session.timeline;
    let mut canvas = Canvas { y: TOP, bands: Vec::new(), rows: Vec::new() };
    let hidden = events.len().saturating_sub(MOST);
    let mut before: Option<&Event> = None;
    for (at, event) in events.iter().enumerate() {
        let decides = deciding.contains(&(event.capture, event.frame));
        let folded = hidden > 0 && at >= MOST - TAIL && at < events.len() - TAIL;
        if folded && !decides {
            if at == MOST - TAIL {
                canvas.pause(format!("{hidden} more messages: see the timeline below"), event.phase);
            }
            before = Some(event);
            continue;
        }
        if let Some(gap) = before.map(|before| event.time_s.0 - before.time_s.0).filter(|gap| *gap >= GAP) {
            canvas.pause(format!("{} without a message", duration(gap)), event.phase);
        }
        let broke = mark == Mark::Broke && first == Some((event.capture, event.frame));
        canvas.message(
            event,
            frames,
            if broke {
                "bad"
            } else if decides {
                "key"
            } else {
                ""
            },
        );
        before = Some(event);
    }
    let waited = session.duration_s.0 - before.map_or(0.0, |event| event.time_s.0);
    if waited >= GAP {
        canvas.pause(format!("{} more, nothing new", duration(waited)), session.phase);
    }
    let ended = session.phase;
    if let Some(band) = canvas.bands.iter_mut().rev().find(|band| band.title == ended.title()) {
        band.class = class(mark);
    }
    let between = events.iter().any(|event| event.direction.is_none() && event.kind.starts_with("icmp"));
    let foot = canvas.y + 6;
    let text = match session.outcome {
        Outcome::Healthy => "healthy".to_owned(),
        _ => session.diagnosis.title.to_string(),
    };
    Ladder {
        id: session.id,
        height: foot + 62,
        client: session.client.ip.to_string(),
        server: std::net::SocketAddr::new(session.server.ip, session.server.port).to_string(),
        between: between || session.diagnosis.side == super::super::model::Side::Network,
        foot,
        description: describe(session, &text),
        bands: canvas.bands,
        rows: canvas.rows,
        end: End {
            y: foot + 10,
            class: class(mark),
            symbol: mark.symbol(),
            text: cut(&text),
            note: note(session),
        },
    }
}

fn describe(session: &Session, text: &str) -> String {
    format!(
        "{} messages between client {} and server {}. The session ended in the phase \u{201c}{}\u{201d}. Result: {text}. \
         The timeline below lists every message.",
        session.timeline.len(),
        session.client.ip,
        session.server.ip,
        session.phase.title()
    )
}

fn note(session: &Session) -> String {
    session.diagnosis.evidence.first().map_or_else(String::new, |evidence| cut(&evidence.text))
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LABEL {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LABEL - 1).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

struct Canvas {
    y: u32,
    bands: Vec<Band>,
    rows: Vec<Row>,
}

impl Canvas {
    /// Makes room for a row of this phase and gives the height of its line.
    fn row(&mut self, phase: Phase) -> u32 {
        let title = phase.title();
        match self.bands.last_mut() {
            Some(band) if band.title == title => band.height += ROW,
            last => {
                let shade = last.is_none_or(|band| !band.shade);
                self.bands.push(Band { y: self.y, height: ROW, title, class: "", shade });
            }
        }
        self.y += ROW;
        self.y - 10
    }

    fn pause(&mut self, text: String, phase: Phase) {
        let y = self.row(phase);
        self.rows.push(Row::Pause { y, text });
    }

    fn message(&mut self, event: &Event, frames: Frames<'_>, class: &str) {
        let y = self.row(event.phase);
        let (x1, x2) = match event.direction {
            Some(Direction::ClientToServer) => (CLIENT, SERVER),
            Some(Direction::ServerToClient) => (SERVER, CLIENT),
            None => (MIDDLE, MIDDLE),
        };
        let head = if x2 > x1 { x2 - 8 } else { x2 + 8 };
        let label = cut(&event.summary);
        let class = if event.inferred { format!("{class} inferred") } else { class.to_owned() };
        self.rows.push(Row::Message(Message {
            y,
            x1,
            x2,
            head,
            full: if event.inferred {
                format!("{} (concluded from size, order and time)", event.summary)
            } else {
                event.summary.to_string()
            },
            label,
            time: format!("{:.3} s", event.time_s.0),
            frame: frames.range(event.capture, event.frame, event.last_frame),
            class: class.trim().to_owned(),
        }));
    }
}
