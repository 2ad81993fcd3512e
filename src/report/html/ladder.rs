//! The picture of a conversation: client and server as vertical lines, time going down, an arrow a message.
//!
//! Everything is laid out here in the picture's own units, so that the template only draws.

use std::collections::BTreeSet;

use askama::Template;

use super::super::model::{Direction, Event, Outcome, Session, Side};
use super::super::rungs::{self, Place, Rung, Weight, rungs};
use super::super::story::{self, Frames, Mark, end_mark};

/// Characters of a label that fit between the two lines.
const LABEL: usize = 60;
/// Characters that fit where nothing stands beside them.
const WIDE: usize = 64;

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
    /// What came of UDP.
    Udp {
        y: u32,
        class: &'static str,
        time: String,
        /// With its symbol.
        what: String,
        measures: String,
        full: String,
    },
}

/// An arrow from one line to another.
#[derive(Debug)]
struct Message {
    /// Its own, and the evidence that it is, where the verdict rests on it.
    anchor: Option<[String; 2]>,
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
    /// "key" where the verdict rests on it, "bad" where it broke; "inferred" and "udp" beside that.
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

/// The class of colours and the sign of an outcome.
pub(super) const fn outcome(outcome: Outcome) -> (&'static str, &'static str) {
    let class = match outcome {
        Outcome::Degraded => "warn",
        other => class(end_mark(other)),
    };
    (class, story::sign(outcome))
}

/// The class of colours for how something went.
pub(super) const fn class(mark: Mark) -> &'static str {
    match mark {
        Mark::Passed => "good",
        Mark::Broke => "bad",
        Mark::Left | Mark::Unclear => "warn",
    }
}

/// Draws a session's timeline; and tells which frames of evidence have an arrow.
pub(super) fn draw(session: &Session, frames: Frames<'_>) -> (Ladder, BTreeSet<Place>) {
    let (class, symbol) = outcome(session.outcome);
    let mut canvas =
        Canvas { id: session.id, y: TOP, bands: Vec::new(), rows: Vec::new(), anchored: BTreeSet::new() };
    for rung in rungs(session, frames) {
        canvas.add(rung);
    }
    let ended = session.phase;
    if let Some(band) = canvas.bands.iter_mut().rev().find(|band| band.title == ended.title()) {
        band.class = class;
    }
    let icmp = |event: &Event| event.direction.is_none() && event.kind.starts_with("icmp");
    let between = session.timeline.iter().any(icmp) || session.diagnosis.side == Side::Network;
    let foot = canvas.y + 6;
    let text = match session.outcome {
        Outcome::Healthy => "healthy".to_owned(),
        _ => session.diagnosis.title.to_string(),
    };
    let ladder = Ladder {
        id: session.id,
        height: foot + 62,
        client: session.client.ip.to_string(),
        server: std::net::SocketAddr::new(session.server.ip, session.server.port).to_string(),
        between,
        foot,
        description: describe(session, &text),
        bands: canvas.bands,
        rows: canvas.rows,
        end: End { y: foot + 10, class, symbol, text: cut(&text, WIDE), note: note(session) },
    };
    (ladder, canvas.anchored)
}

fn describe(session: &Session, text: &str) -> String {
    let udp: Vec<String> = story::udp(session).map(|flow| format!(" UDP beside it: {flow}")).collect();
    format!(
        "{} messages between client {} and server {}. The session ended in the phase \u{201c}{}\u{201d}. Result: {text}.{} \
         The timeline below lists every message.",
        session.timeline.len(),
        session.client.ip,
        session.server.ip,
        session.phase.title(),
        udp.concat(),
    )
}

fn note(session: &Session) -> String {
    session.diagnosis.evidence.first().map_or_else(String::new, |evidence| cut(&evidence.text, WIDE))
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

struct Canvas {
    id: u64,
    y: u32,
    bands: Vec<Band>,
    rows: Vec<Row>,
    /// Frames that evidence leads to.
    anchored: BTreeSet<Place>,
}

/// Names in the page of a frame's arrow and of its row among the evidence.
pub(super) fn anchors(id: u64, (capture, frame): Place) -> [String; 2] {
    [format!("arrow-{id}-{capture}-{frame}"), format!("evidence-{id}-{capture}-{frame}")]
}

impl Canvas {
    fn add(&mut self, rung: Rung<'_>) {
        let title = rung.phase.title();
        match self.bands.last_mut() {
            Some(band) if band.title == title => band.height += ROW,
            last => {
                let shade = last.is_none_or(|band| !band.shade);
                self.bands.push(Band { y: self.y, height: ROW, title, class: "", shade });
            }
        }
        self.y += ROW;
        let y = self.y - 10;
        self.rows.push(match rung.row {
            rungs::Row::Message(said) => {
                let leads = said.weight != Weight::Plain && self.anchored.insert(said.place);
                let anchor = leads.then(|| anchors(self.id, said.place));
                Row::Message(Message { anchor, ..message(&said, y) })
            }
            rungs::Row::Pause(text) => Row::Pause { y, text },
            rungs::Row::Udp { time_s, mark, what, measures } => Row::Udp {
                y,
                class: class(mark),
                time: format!("{time_s:.3} s"),
                what: format!("{} {}", mark.symbol(), cut(&what, LABEL - 4)),
                full: format!("{what}. {measures}"),
                measures,
            },
        });
    }
}

fn message(said: &rungs::Message<'_>, y: u32) -> Message {
    let (x1, x2) = match said.direction {
        Some(Direction::ClientToServer) => (CLIENT, SERVER),
        Some(Direction::ServerToClient) => (SERVER, CLIENT),
        None => (MIDDLE, MIDDLE),
    };
    let weight = match said.weight {
        Weight::Plain => "",
        Weight::Key => " key",
        Weight::Broke => " bad",
    };
    let inferred = if said.inferred { " inferred" } else { "" };
    let udp = if said.udp { " udp" } else { "" };
    let broke = if said.weight == Weight::Broke { "✘ " } else { "" };
    Message {
        anchor: None,
        y,
        x1,
        x2,
        head: if x2 > x1 { x2 - 8 } else { x2 + 8 },
        label: format!("{broke}{}", cut(&said.text, LABEL)),
        full: if said.inferred {
            format!("{} (concluded from size, order and time)", said.text)
        } else {
            said.text.to_string()
        },
        time: format!("{:.3} s", said.time_s),
        frame: said.frame.clone(),
        class: format!("message{weight}{inferred}{udp}"),
    }
}
