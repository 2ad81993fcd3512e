//! The picture of a conversation: client and server as vertical lines, time going down, an arrow a message.
//!
//! Everything is laid out here in the picture's own units, so that the template only draws; twice, since a wide page
//! has room beside the lines that a telephone has not.

use std::collections::BTreeSet;

use askama::Template;

use super::super::model::{Direction, Event, Outcome, Session, Side};
use super::super::rungs::{self, Place, Rung, Weight, rungs};
use super::super::story::{self, Frames, Mark, end_mark};
use super::super::text::squeeze;

/// Where things stand across a picture.
#[derive(Debug)]
struct Layout {
    /// Its class, and what its names in the page begin with.
    name: &'static str,
    width: u32,
    /// The two lines.
    client: u32,
    server: u32,
    /// Height of a message with one line of label, and from its top to the label's first line.
    row: u32,
    label_y: u32,
    /// Height of a phase's title above its messages; 0: it stands beside them.
    title: u32,
    /// Characters of a label in a line, of a bold one, and the most lines.
    label: usize,
    bold: usize,
    lines: usize,
    /// Left edge of the verdict, and characters of its two texts in a line.
    end: u32,
    verdict: usize,
    note: usize,
}

const WIDE: Layout = Layout {
    name: "wide",
    width: 1000,
    client: 280,
    server: 870,
    row: 34,
    label_y: 19,
    title: 0,
    label: 90,
    bold: 75,
    lines: 2,
    end: 90,
    verdict: 88,
    note: 105,
};
const NARROW: Layout = Layout {
    name: "narrow",
    width: 340,
    client: 14,
    server: 326,
    row: 46,
    label_y: 31,
    title: 26,
    label: 42,
    bold: 38,
    lines: 4,
    end: 0,
    verdict: 32,
    note: 40,
};

/// Between two lines of a label, of a verdict.
const LINE: u32 = 16;
/// Two addresses with fewer characters stand side by side in the narrow picture.
const SIDE_BY_SIDE: usize = 40;

/// The pictures of one session.
pub(super) struct Pictures {
    pub(super) wide: Ladder,
    pub(super) narrow: Ladder,
    /// What its kinds of arrows mean, as far as it has them.
    pub(super) legend: String,
    /// What is said in it.
    pub(super) labels: Vec<String>,
    /// Frames of evidence that have an arrow.
    pub(super) anchored: BTreeSet<Place>,
}

/// One picture.
#[derive(Debug, Template)]
#[template(path = "ladder.html")]
pub(super) struct Ladder {
    id: u64,
    l: &'static Layout,
    height: u32,
    client: String,
    server: String,
    /// Where the lines begin and end, and of the server's address.
    top: u32,
    foot: u32,
    server_y: u32,
    /// Whether something between the two took part.
    between: bool,
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

/// A line of text at its height.
type Line = (u32, String);

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
        height: u32,
        class: &'static str,
        time: Line,
        /// With its symbol.
        what: Vec<Line>,
        notes: Vec<Line>,
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
    label: Vec<Line>,
    /// The whole label.
    full: String,
    time: Line,
    frame: String,
    /// "key" where the verdict rests on it, "bad" where it broke; "inferred" and "udp" beside that.
    class: String,
}

/// The verdict below the lines.
#[derive(Debug)]
struct End {
    y: u32,
    height: u32,
    class: &'static str,
    symbol: &'static str,
    text: Vec<Line>,
    note: Vec<Line>,
}

/// The class of colours and the sign of an outcome.
pub(super) const fn outcome(outcome: Outcome) -> (&'static str, &'static str) {
    let class = match outcome {
        Outcome::Degraded => "warn",
        // Nothing is wrong, and nothing was wanted.
        Outcome::Probe => "",
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

/// Draws a session's timeline.
pub(super) fn draw(session: &Session, frames: Frames<'_>) -> Pictures {
    let rungs = rungs(session, frames);
    let mut anchored = BTreeSet::new();
    let wide = ladder(&WIDE, session, &rungs, &mut anchored);
    let narrow = ladder(&NARROW, session, &rungs, &mut BTreeSet::new());
    let legend = legend(&rungs);
    let label = |rung: Rung<'_>| match rung.row {
        rungs::Row::Message(message) => Some(message.text.into_owned()),
        _ => None,
    };
    let labels = rungs.into_iter().filter_map(label).collect();
    Pictures { wide, narrow, legend, labels, anchored }
}

fn legend(rungs: &[Rung<'_>]) -> String {
    let any = |is: fn(&rungs::Message<'_>) -> bool| {
        rungs.iter().any(|rung| matches!(&rung.row, rungs::Row::Message(message) if is(message)))
    };
    let broke = any(|m| m.weight == Weight::Broke);
    let key = any(|m| m.weight == Weight::Key);
    let kinds = [
        (broke, "Red with ✘ is where it broke."),
        (key && broke, "Bold arrows are further evidence."),
        (key && !broke, "Bold arrows are the evidence."),
        (any(|m| m.udp), "Dotted ones are UDP."),
        (any(|m| m.inferred), "Dashed ones are concluded from size, order and time, not read."),
    ];
    let kinds = kinds.into_iter().filter_map(|(there, text)| there.then_some(text));
    std::iter::once("Time runs down.").chain(kinds).collect::<Vec<_>>().join(" ")
}

fn ladder(
    layout: &'static Layout,
    session: &Session,
    rungs: &[Rung<'_>],
    anchored: &mut BTreeSet<Place>,
) -> Ladder {
    let (class, symbol) = outcome(session.outcome);
    let client = session.client.ip.to_string();
    let server = std::net::SocketAddr::new(session.server.ip, session.server.port).to_string();
    let apart = layout.title > 0 && client.len() + server.len() > SIDE_BY_SIDE;
    let server_y = if apart { 52 } else { 36 };
    let top = server_y + 8;
    let mut canvas =
        Canvas { id: session.id, l: layout, y: top + 14, bands: Vec::new(), rows: Vec::new(), anchored };
    for rung in rungs {
        canvas.add(rung);
    }
    let ended = story::phase_title(session, session.phase);
    if let Some(band) = canvas.bands.iter_mut().rev().find(|band| band.title == ended) {
        band.class = class;
    }
    let icmp = |event: &Event| event.direction.is_none() && event.kind.starts_with("icmp");
    let between = session.timeline.iter().any(icmp) || session.diagnosis.side == Side::Network;
    let foot = canvas.y + 6;
    let text = &session.diagnosis.title;
    let end = end(layout, session, text, foot + 10);
    Ladder {
        id: session.id,
        l: layout,
        height: end.y + end.height + 6,
        client,
        server,
        top,
        foot,
        server_y,
        between,
        description: describe(session, text),
        bands: canvas.bands,
        rows: canvas.rows,
        end: End { class, symbol, ..end },
    }
}

fn end(layout: &Layout, session: &Session, text: &str, y: u32) -> End {
    let note = session.diagnosis.evidence.first().map_or("", |evidence| evidence.text.as_str());
    let text = lines(text, layout.verdict, layout.lines, y + 21, 18);
    let below = text.last().map_or(y, |(y, _)| *y);
    let note = lines(note, layout.note, layout.lines, below + 18, LINE);
    let height = note.last().map_or(below, |(y, _)| *y) - y + 10;
    End { y, height, class: "", symbol: "", text, note }
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

/// Text in at most so many lines, the first at `y`; what is beyond them is cut.
fn lines(text: &str, width: usize, most: usize, y: u32, step: u32) -> Vec<Line> {
    // What never is shown need not be laid out.
    let shown: String = text.chars().take(width * (most + 1)).collect();
    let squeezed = squeeze(&shown, width);
    let mut lines: Vec<String> = squeezed.split('\n').take(most).map(str::to_owned).collect();
    let kept: usize = lines.iter().map(|line| line.chars().filter(|c| *c != ' ').count()).sum();
    if let Some(last) = lines.last_mut().filter(|_| text.chars().filter(|c| *c != ' ').count() > kept) {
        *last = last.chars().take(width - 1).collect();
        last.truncate(last.trim_end().len());
        last.push('…');
    }
    lines.retain(|line| !line.is_empty());
    (y..).step_by(step as usize).zip(lines).collect()
}

struct Canvas<'a> {
    id: u64,
    l: &'static Layout,
    y: u32,
    bands: Vec<Band>,
    rows: Vec<Row>,
    /// Frames that evidence leads to.
    anchored: &'a mut BTreeSet<Place>,
}

/// Name in the page of a frame's row among the evidence.
pub(super) fn row_name(id: u64, (capture, frame): Place) -> String {
    format!("evidence-{id}-{capture}-{frame}")
}

/// Names of its arrows in the two pictures.
pub(super) fn arrow_names(id: u64, place: Place) -> [String; 2] {
    [&WIDE, &NARROW].map(|layout| arrow_name(layout, id, place))
}

fn arrow_name(layout: &Layout, id: u64, (capture, frame): Place) -> String {
    format!("{}-{id}-{capture}-{frame}", layout.name)
}

impl Canvas<'_> {
    fn add(&mut self, rung: &Rung<'_>) {
        let title = rung.phase;
        let top = self.y;
        let new = self.bands.last().is_none_or(|band| band.title != title);
        if new {
            self.y += self.l.title;
        }
        let row = match &rung.row {
            rungs::Row::Message(said) => {
                let mut message = message(self.l, said, self.y);
                self.y = message.y + 10;
                if said.weight != Weight::Plain && self.anchored.insert(said.place) {
                    let own = arrow_name(self.l, self.id, said.place);
                    message.anchor = Some([own, row_name(self.id, said.place)]);
                }
                Row::Message(message)
            }
            rungs::Row::Pause(text) => {
                self.y += WIDE.row;
                Row::Pause { y: self.y - 10, text: text.clone() }
            }
            rungs::Row::Udp { time_s, outcome: of, what, measures } => {
                let (class, sign) = outcome(*of);
                // In the narrow picture the time stands above.
                let above = if self.l.title > 0 { 16 } else { 0 };
                let y = self.y + 4 + above;
                let what = lines(&format!("{sign} {what}"), self.l.bold - 4, self.l.lines, y + 17, LINE);
                let below = what.last().map_or(y, |(y, _)| *y);
                let notes = lines(&measures.join("; "), self.l.label, self.l.lines, below + 15, 14);
                let height = notes.last().map_or(below, |(y, _)| *y) - y + 8;
                self.y = y + height + 4;
                let time = (if above > 0 { y - 6 } else { y + 17 }, format!("{time_s:.3} s"));
                Row::Udp { y, height, class, time, what, notes }
            }
        };
        self.rows.push(row);
        let height = self.y - top;
        match self.bands.last_mut() {
            Some(band) if !new => band.height += height,
            last => {
                let shade = last.is_none_or(|band| !band.shade);
                self.bands.push(Band { y: top, height, title, class: "", shade });
            }
        }
    }
}

fn message(layout: &Layout, said: &rungs::Message<'_>, top: u32) -> Message {
    let middle = u32::midpoint(layout.client, layout.server);
    let (x1, x2) = match said.direction {
        Some(Direction::ClientToServer) => (layout.client, layout.server),
        Some(Direction::ServerToClient) => (layout.server, layout.client),
        None => (middle, middle),
    };
    let (weight, width) = match said.weight {
        Weight::Plain => ("", layout.label),
        Weight::Key => (" key", layout.bold),
        Weight::Broke => (" bad", layout.bold),
    };
    let inferred = if said.inferred { " inferred" } else { "" };
    let udp = if said.udp { " udp" } else { "" };
    let broke = if said.weight == Weight::Broke { "✘ " } else { "" };
    let label = lines(&format!("{broke}{}", said.text), width, layout.lines, top + layout.label_y, LINE);
    let last = label.last().map_or(top + layout.label_y, |(y, _)| *y);
    let y = last + layout.row - layout.label_y - 10;
    Message {
        anchor: None,
        y,
        x1,
        x2,
        head: if x2 > x1 { x2 - 8 } else { x2 + 8 },
        label,
        full: if said.inferred {
            format!("{} (concluded from size, order and time)", said.text)
        } else {
            said.text.to_string()
        },
        time: (if layout.title > 0 { top + 14 } else { y + 4 }, format!("{:.3} s", said.time_s)),
        frame: said.frame.clone(),
        class: format!("message{weight}{inferred}{udp}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: Vec<Line>) -> Vec<String> {
        lines.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn labels_break_into_lines_and_are_cut_after_the_last() {
        assert_eq!(lines("two words", 20, 2, 5, 16), [(5, "two words".to_owned())]);
        assert_eq!(texts(lines("two words", 6, 2, 0, 16)), ["two", "words"]);
        assert_eq!(texts(lines("one and two and three", 8, 2, 0, 16)), ["one and", "two and…"]);
        assert_eq!(texts(lines(&"x".repeat(100), 8, 2, 0, 16)), ["xxxxxxxx", "xxxxxxx…"]);
        assert_eq!(lines("one and two", 7, 2, 10, 16), [(10, "one and".to_owned()), (26, "two".to_owned())]);
        assert_eq!(lines("", 8, 2, 0, 16), []);
    }
}
