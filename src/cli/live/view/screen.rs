//! The screen: a table, and the story of the session that was opened.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Cell, Paragraph, Row, Table, TableState};
use ratatui::{DefaultTerminal, Frame};
use rdpwhy::report::model::{Endpoint, Outcome, Session, Time};
use rdpwhy::report::text::{clean, count, duration, number};
use rdpwhy::report::{View, Zone, table};

use super::Shared;
use super::board::{Picture, Running};
use crate::cli::aside;

/// How long to wait for a key before the next look at the picture.
const WAIT: Duration = Duration::from_millis(100);
/// From this width on there is a column for everything.
const WIDE: u16 = 160;
/// Room for an address in a narrow terminal.
const ADDRESS: usize = 15;

/// What is shown, and where in it the user is.
pub(super) struct Screen {
    name: String,
    zone: Zone,
    picture: Arc<Picture>,
    /// The id of the session under the bar; `None` while that stays on the first.
    selected: Option<u64>,
    table: TableState,
    only_failed: bool,
    open: Option<Open>,
    /// Rows that fit below the header.
    page: usize,
    done: bool,
}

/// A session that was opened.
struct Open {
    id: u64,
    /// Lines above the screen.
    above: usize,
}

/// A row of the table.
#[derive(Clone, Copy)]
enum Entry<'a> {
    Running(&'a Running),
    Over(&'a Session),
}

impl Entry<'_> {
    fn id(&self) -> u64 {
        match self {
            Entry::Running(running) => running.id,
            Entry::Over(session) => session.id,
        }
    }
}

impl Screen {
    pub(super) fn new(name: String, zone: Zone) -> Self {
        Screen {
            name,
            zone,
            picture: Arc::default(),
            selected: None,
            table: TableState::default(),
            only_failed: false,
            open: None,
            page: 1,
            done: false,
        }
    }

    /// Shows it until the user has seen enough, or `end` is set.
    pub(super) fn run(
        &mut self,
        terminal: &mut DefaultTerminal,
        shared: &Shared,
        end: &AtomicBool,
    ) -> io::Result<()> {
        let mut changed = true;
        while !self.done && !end.load(Ordering::Relaxed) {
            let picture = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
            changed |= !Arc::ptr_eq(&picture, &self.picture);
            self.picture = picture;
            if std::mem::take(&mut changed) {
                terminal.draw(|frame| self.draw(frame))?;
            }
            let mut wait = WAIT;
            while event::poll(wait)? {
                if let Event::Key(key) = event::read()? {
                    self.key(key);
                }
                (changed, wait) = (true, Duration::ZERO);
            }
        }
        Ok(())
    }

    fn entries(picture: &Picture, only_failed: bool) -> Vec<Entry<'_>> {
        let running = picture.running.iter().filter(|_| !only_failed).map(Entry::Running);
        let over = picture.over.iter().filter(|session| !only_failed || session.outcome == Outcome::Failed);
        running.chain(over.map(|session| Entry::Over(session))).collect()
    }

    /// Where the bar is. A session that went from the table leaves it where it was.
    fn place(&self, entries: &[Entry<'_>]) -> usize {
        let Some(id) = self.selected else { return 0 };
        let found = entries.iter().position(|entry| entry.id() == id);
        found.or(self.table.selected()).unwrap_or(0).min(entries.len().saturating_sub(1))
    }

    fn key(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        let interrupts = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
        let by = match key.code {
            _ if interrupts => {
                self.done = true;
                return;
            }
            KeyCode::Char('q') => {
                self.done = true;
                return;
            }
            KeyCode::Esc | KeyCode::Backspace | KeyCode::Left => {
                let was_open = self.open.take().is_some();
                self.done = !was_open && key.code == KeyCode::Esc;
                return;
            }
            KeyCode::Char('f') if self.open.is_none() => {
                self.only_failed = !self.only_failed;
                return;
            }
            KeyCode::Up | KeyCode::Char('k') => -1,
            KeyCode::Down | KeyCode::Char('j') => 1,
            KeyCode::PageUp => -(self.page as isize),
            KeyCode::PageDown | KeyCode::Char(' ') => self.page as isize,
            KeyCode::Home | KeyCode::Char('g') => isize::MIN,
            KeyCode::End | KeyCode::Char('G') => isize::MAX,
            KeyCode::Enter | KeyCode::Right if self.open.is_none() => {
                let entries = Self::entries(&self.picture, self.only_failed);
                self.open = entries.get(self.place(&entries)).map(|entry| Open { id: entry.id(), above: 0 });
                return;
            }
            _ => return,
        };
        if let Some(open) = &mut self.open {
            // It is drawn before its length is known.
            open.above = open.above.saturating_add_signed(by);
            return;
        }
        let picture = self.picture.clone();
        let entries = Self::entries(&picture, self.only_failed);
        let place = self.place(&entries).saturating_add_signed(by).min(entries.len().saturating_sub(1));
        self.selected = entries.get(place).map(Entry::id).filter(|_| place > 0);
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        let [head, body, told, foot] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Fill(1),
            Constraint::Length(1),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        frame.render_widget(Text::from(vec![self.traffic(), self.counts()]), head);
        if let Some(last) = aside::last() {
            frame.render_widget(Line::styled(clean(&last).into_owned(), Color::Yellow), told);
        }
        let picture = self.picture.clone();
        let opened = self.open.as_ref().map(|open| open.id);
        let keys = if let Some(id) = opened {
            self.story(frame, body, &picture, id);
            "↑↓ scroll   Esc back   q quit"
        } else {
            self.rows(frame, body, &picture);
            "↑↓ choose   Enter open   f only failed   q quit"
        };
        frame.render_widget(Line::styled(keys, Modifier::DIM), foot);
    }

    /// "rdpwhy live on eth0   12 packets/s   3 kB/s   0 packets lost".
    fn traffic(&self) -> Line<'_> {
        let Picture { rate, packets, lost, .. } = &*self.picture;
        let mut line = Line::from(vec![
            Span::styled("rdpwhy live", Modifier::BOLD),
            Span::raw(format!(" on {}", clean(&self.name))),
            Span::raw(format!(
                "   {} packets/s   {}/s   ",
                number(rate.packets.round() as u64),
                bytes(rate.bytes)
            )),
            Span::raw(format!("{} in all, ", number(*packets))),
        ]);
        let style = if *lost > 0 { Style::from(Color::Red) } else { Style::default() };
        line.push_span(Span::styled(format!("{} lost", number(*lost)), style));
        line
    }

    /// "3 running   12 over: 2 failed  10 healthy".
    fn counts(&self) -> Line<'_> {
        let Picture { all_running, by_outcome, .. } = &*self.picture;
        let over: u64 = by_outcome.values().sum();
        let mut line = Line::from(format!("{} running   {} over", number(*all_running as u64), number(over)));
        for (at, outcome) in
            Outcome::ALL.iter().filter(|outcome| by_outcome.contains_key(outcome.as_str())).enumerate()
        {
            line.push_span(if at == 0 { ": " } else { ", " });
            let count = by_outcome.get(outcome.as_str()).copied().unwrap_or(0);
            line.push_span(Span::styled(format!("{} {}", number(count), outcome.as_str()), color(*outcome)));
        }
        if self.only_failed {
            line.push_span(Span::styled("   only failed ones are shown", Modifier::BOLD));
        }
        line
    }

    fn rows(&mut self, frame: &mut Frame<'_>, area: Rect, picture: &Picture) {
        let entries = Self::entries(picture, self.only_failed);
        self.page = usize::from(area.height.saturating_sub(2)).max(1);
        if entries.is_empty() {
            self.table.select(None);
            let none = if self.only_failed { "No session failed." } else { "No session yet." };
            return frame.render_widget(Paragraph::new(none).alignment(Alignment::Center), area);
        }
        let place = self.place(&entries);
        self.table.select(Some(place));
        let wide = area.width >= WIDE;
        let (header, widths): (&[&str], &[Constraint]) =
            if wide { (&WIDE_HEADER, &WIDE_COLUMNS) } else { (&HEADER, &COLUMNS) };
        let rows = entries.iter().map(|entry| self.row(entry, wide));
        let table = Table::new(rows, widths)
            .header(Row::new(header.iter().copied()).style(Modifier::DIM))
            .row_highlight_style(Modifier::REVERSED);
        frame.render_stateful_widget(table, area, &mut self.table);
    }

    fn row(&self, entry: &Entry<'_>, wide: bool) -> Row<'static> {
        match entry {
            Entry::Running(running) => self.running(running, wide),
            Entry::Over(session) => self.over(session, wide),
        }
    }

    fn running(&self, running: &Running, wide: bool) -> Row<'static> {
        let phase = running.phases.last().map_or("", |(phase, _)| phase.title());
        let began = running.phases.first().map_or(running.last, |(_, time)| *time);
        let began = self.zone.second(Time(began), false);
        let rate = format!("{}/s", bytes(running.rate.bytes));
        if !wide {
            let [client, server] =
                [running.client, running.server].map(|end| narrow(end, end == running.client));
            return cells([("●", Color::Cyan.into())], [began, client, server, phase.to_owned()], [rate]);
        }
        let lasted = duration(
            running.last.seconds_since(running.phases.first().map_or(running.last, |(_, time)| *time)),
        );
        let packets = number(running.rate.packets.round() as u64);
        let [client, server] = [running.client, running.server].map(|end| end.to_string());
        cells(
            [("●", Color::Cyan.into()), ("running", Color::Cyan.into())],
            [began, client, String::new(), server, phase.to_owned(), String::new()],
            [packets, rate, lasted],
        )
    }

    fn over(&self, session: &Session, wide: bool) -> Row<'static> {
        let (style, mark) = (color(session.outcome), mark(session.outcome));
        let began = self.zone.second(session.start, false);
        let lasted = duration(session.duration_s.0);
        let address = |end: &Endpoint| SocketAddr::new(end.ip, end.port);
        let diagnosis = &session.diagnosis;
        if !wide {
            let [client, server] =
                [narrow(address(&session.client), true), narrow(address(&session.server), false)];
            return cells([(mark, style)], [began, client, server, diagnosis.code.to_owned()], [lasted]);
        }
        let name = |end: &Endpoint| match &end.hostname {
            Some(name) => clean(&format!("{} {name}", address(end))).into_owned(),
            None => address(end).to_string(),
        };
        let verdict = match session.outcome {
            Outcome::Healthy => diagnosis.code.to_owned(),
            _ => format!("{}: {}", diagnosis.code, diagnosis.title),
        };
        let user = clean(session.negotiation.cookie.as_deref().unwrap_or_default()).into_owned();
        cells(
            [(mark, style), (session.outcome.as_str(), style)],
            [
                began,
                name(&session.client),
                user,
                name(&session.server),
                session.phase.title().to_owned(),
                clean(&verdict).into_owned(),
            ],
            [String::new(), String::new(), lasted],
        )
    }

    fn story(&mut self, frame: &mut Frame<'_>, area: Rect, picture: &Picture, id: u64) {
        let entries = Self::entries(picture, false);
        let Some(entry) = entries.iter().find(|entry| entry.id() == id) else {
            return frame.render_widget("This session is no longer among the last ones.", area);
        };
        let text = match entry {
            Entry::Running(running) => self.so_far(running),
            Entry::Over(session) => self.told(session, area.width),
        };
        let lines = folded(&text, usize::from(area.width));
        self.page = usize::from(area.height.saturating_sub(1)).max(1);
        let Some(open) = &mut self.open else { return };
        open.above = open.above.min(lines.len().saturating_sub(usize::from(area.height)));
        let shown = lines.iter().skip(open.above).take(usize::from(area.height));
        // All of it went through `clean` where it was made.
        frame.render_widget(shown.map(String::as_str).collect::<Text<'_>>(), area);
    }

    /// The story of a session, as `analyze` tells it.
    fn told(&self, session: &Session, width: u16) -> String {
        let view = View {
            zone: self.zone.clone(),
            width: usize::from(width).min(120),
            timeline: true,
            every_story: true,
            ..View::default()
        };
        let mut text = Vec::new();
        // Writing to memory does not fail.
        let _ = table::session(session, &[], &view, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// What is known of a session that runs.
    fn so_far(&self, running: &Running) -> String {
        let Running { id, client, server, phases, packets, bytes: size, last, .. } = running;
        let mut text = format!(
            "Session {id}: {client} → {server}\n  it runs; how it went is told when it is over\n\nHow far it got\n"
        );
        // Writing to a string does not fail.
        for (phase, time) in phases {
            let _ = writeln!(text, "  {}  {}", self.zone.full(Time(*time)), phase.title());
        }
        let (packets, size) = (count(*packets, "packet"), bytes(*size as f64));
        let _ = write!(text, "\n{packets}, {size}; the last at {}", self.zone.full(Time(*last)));
        text
    }
}

/// The lines of a text, none longer than `width`.
fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let chars: Vec<char> = line.chars().collect();
        if chars.is_empty() {
            lines.push(String::new());
        }
        lines.extend(chars.chunks(width.max(1)).map(|part| part.iter().collect::<String>()));
    }
    lines
}

const HEADER: [&str; 6] = ["", "Began", "Client", "Server", "Phase or verdict", "Rate or time"];
const COLUMNS: [Constraint; 6] = [
    Constraint::Length(1),
    Constraint::Length(8),
    Constraint::Length(ADDRESS as u16),
    Constraint::Length(ADDRESS as u16),
    Constraint::Fill(1),
    Constraint::Length(12),
];
const WIDE_HEADER: [&str; 11] =
    ["", "Outcome", "Began", "Client", "User", "Server", "Phase", "Verdict", "Packets/s", "Rate", "Time"];
const WIDE_COLUMNS: [Constraint; 11] = [
    Constraint::Length(1),
    Constraint::Length(12),
    Constraint::Length(8),
    Constraint::Length(28),
    Constraint::Length(12),
    Constraint::Length(24),
    Constraint::Length(24),
    Constraint::Fill(1),
    Constraint::Length(9),
    Constraint::Length(9),
    Constraint::Length(12),
];

fn cells<const A: usize, const B: usize, const C: usize>(
    marks: [(&'static str, Style); A],
    texts: [String; B],
    numbers: [String; C],
) -> Row<'static> {
    let marks = marks.into_iter().map(|(text, style)| Cell::from(Span::styled(text, style)));
    let texts = texts.into_iter().map(Cell::from);
    let numbers = numbers.into_iter().map(|text| Cell::from(Text::from(text).alignment(Alignment::Right)));
    Row::new(marks.chain(texts).chain(numbers))
}

/// An address in little room: without the port that is to be expected, and its end rather than its beginning.
fn narrow(end: SocketAddr, client: bool) -> String {
    let text = if client || end.port() == 3389 { end.ip().to_string() } else { end.to_string() };
    let left_out = text.chars().count().saturating_sub(ADDRESS);
    if left_out == 0 {
        return text;
    }
    std::iter::once('…').chain(text.chars().skip(left_out + 1)).collect()
}

const fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Healthy => "✔",
        Outcome::Failed => "✘",
        Outcome::Degraded => "!",
        Outcome::Aborted | Outcome::Probe => "–",
        Outcome::Inconclusive => "?",
    }
}

fn color(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Failed => Style::from(Color::Red),
        Outcome::Degraded | Outcome::Aborted | Outcome::Inconclusive => Style::from(Color::Yellow),
        Outcome::Healthy => Style::from(Color::Green),
        Outcome::Probe => Style::from(Modifier::DIM),
    }
}

/// "3.2 kB".
fn bytes(count: f64) -> String {
    match count {
        1e9.. => format!("{:.1} GB", count / 1e9),
        1e6.. => format!("{:.1} MB", count / 1e6),
        1e3.. => format!("{:.1} kB", count / 1e3),
        _ => format!("{count:.0} B"),
    }
}

#[cfg(test)]
mod tests;
