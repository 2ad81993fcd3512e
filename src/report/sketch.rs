//! The picture of a conversation in plain characters: for mail, and as a block of code in Markdown, which forges and
//! ticket systems all show, where only some draw diagrams.

use super::model::{Direction, Session};
use super::rungs::{Message, Row, Weight, rungs};
use super::story::{self, Frames};
use super::text::{clean, squeeze, wrap};

/// Characters between the two lines.
const WIDTH: usize = 46;
/// Characters before the first.
const LEFT: usize = 12;
/// Characters behind the second.
const FRAME: usize = 16;
/// Lines of a label, about.
const LINES: usize = 3;

/// What the marks mean.
pub(super) const LEGEND: &str =
    "Time runs down. = evidence, X where it broke, . concluded from size, order and time, : UDP";

/// The lines; none is longer than 80 characters, but for long addresses and frame numbers beyond a million.
pub(super) fn draw(session: &Session, frames: Frames<'_>) -> Vec<String> {
    let client = session.client.ip.to_string();
    let server = std::net::SocketAddr::new(session.server.ip, session.server.port).to_string();
    let space = (LEFT + WIDTH + 2).saturating_sub(client.len() + server.len()).max(2);
    let mut lines = vec![format!("{client}{:space$}{server}", "")];
    let mut phase = "";
    let mut add = |row: String| lines.extend(row.split('\n').map(str::to_owned));
    for rung in rungs(session, frames) {
        if phase != rung.phase {
            let title = format!(" {} ", rung.phase);
            add(format!("{:LEFT$}|{title:-^WIDTH$}|", ""));
            phase = rung.phase;
        }
        add(match rung.row {
            Row::Message(message) => arrow(&message),
            Row::Pause(text) => format!("{:LEFT$}:{:^WIDTH$}:", "", cut(&text, WIDTH - 2)),
            Row::Udp { time_s, outcome, what, measures } => {
                let time = format!("{time_s:.3} s");
                let what = cut(&format!("{} {what}", story::sign(outcome)), WIDTH - 2);
                let line = |measure: &String| format!("\n{:LEFT$}|{:^WIDTH$}|", "", cut(measure, WIDTH - 2));
                let measures: String = measures.iter().map(line).collect();
                format!("{time:>10}  |{what:^WIDTH$}|{measures}")
            }
        });
    }
    let end = harmless(&format!("{} {}", story::sign(session.outcome), session.diagnosis.title));
    lines.extend(wrap(&end, WIDTH + FRAME).into_iter().map(|line| format!("{:LEFT$}{line}", "")));
    lines
}

fn arrow(message: &Message<'_>) -> String {
    let line = match message {
        Message { weight: Weight::Key | Weight::Broke, .. } => '=',
        Message { udp: true, .. } => ':',
        Message { inferred: true, .. } => '.',
        _ => '-',
    };
    let broke = message.weight == Weight::Broke;
    let head = |usual| if broke { 'X' } else { usual };
    // What does not fit into the arrow stands above it.
    let text = cut(&message.text, (WIDTH - 6) * LINES);
    let text = squeeze(&text, WIDTH - 6);
    let (above, text) = text.rsplit_once('\n').unwrap_or(("", &text));
    let above = above.lines().map(|line| format!("{:LEFT$}|{line:^WIDTH$}|", ""));
    let mut rows: Vec<String> = above.collect();
    let label = format!(" {text} ");
    let free = WIDTH.saturating_sub(label.chars().count() + 1);
    let run = |length: usize| line.to_string().repeat(length);
    let (left, right) = (run(free / 2), run(free - free / 2));
    let middle = match message.direction {
        Some(Direction::ClientToServer) => format!("{left}{label}{right}{}", head('>')),
        Some(Direction::ServerToClient) => format!("{}{left}{label}{right}", head('<')),
        None => {
            let label = format!("({})", label.trim());
            format!("{label:^WIDTH$}")
        }
    };
    rows.push(format!("{:>10}  |{middle}| {}", format!("{:.3} s", message.time_s), message.frame));
    rows.join("\n")
}

/// At most so many characters, none of which ends a block of code, or begins a macro of Jira's or a tag: ServiceNow
/// shows preformatted text as HTML.
fn cut(text: &str, most: usize) -> String {
    let text = harmless(text);
    if text.chars().count() <= most {
        return text;
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

fn harmless(text: &str) -> String {
    let other = |c| match c {
        '`' => '\'',
        '{' | '[' => '(',
        '}' | ']' => ')',
        '<' => '‹',
        '>' => '›',
        '!' => '.',
        c => c,
    };
    clean(text).chars().map(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_does_not_fit_stands_above_its_arrow() {
        let message = |text: &'static str| Message {
            place: (0, 27),
            time_s: 0.05,
            frame: "frame 27".to_owned(),
            direction: Some(Direction::ServerToClient),
            text: text.into(),
            inferred: false,
            weight: Weight::Broke,
            udp: false,
        };
        let drawn = arrow(&message("X.224 Connection Confirm: refuses with HYBRID_REQUIRED_BY_SERVER"));
        let expected = [
            "            |    X.224 Connection Confirm: refuses with    |",
            "   0.050 s  |X========= HYBRID_REQUIRED_BY_SERVER =========| frame 27",
        ];
        assert_eq!(drawn.lines().collect::<Vec<_>>(), expected);
        let long = arrow(&message(Box::leak("word ".repeat(2000).into_boxed_str())));
        assert!(long.lines().count() <= LINES + 1 && long.contains('…'), "{long}");
        assert!(long.lines().all(|line| line.chars().count() <= 80), "{long}");
    }
}
