//! The screen, drawn to memory.

use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use rdpwhy::analyzer::{Analyzer, Options};
use rdpwhy::capture::{Capture, Source};
use rdpwhy::report::build::running::Running as Reports;
use rdpwhy::report::text::is_unsafe;

use super::*;
use crate::cli::live::view::board::Board;

/// The board after a part of a capture, and the sessions that were over by then.
fn board(captures: &[(&str, usize)]) -> Board {
    let mut board = Board::default();
    let mut ids = 1000..;
    for (name, frames) in captures {
        let path = format!("{}/captures/{name}.pcapng", env!("CARGO_MANIFEST_DIR"));
        let mut capture = Capture::open(Source::Path(path.into()), 0).unwrap();
        let mut analyzer = Analyzer::new(Options { follow: true, ..Options::default() });
        let mut reports = Reports::new(100);
        for _ in 0..*frames {
            let Some(frame) = capture.next_frame() else {
                analyzer.finish();
                break;
            };
            analyzer.push(&frame);
            if let Some(touched) = analyzer.touched() {
                board.touch(&touched, frame.time, u64::from(frame.wire_len));
            }
        }
        while let Some(over) = analyzer.poll_over() {
            let told = reports.take(&over, |_, _| 0);
            let mut session = told.unwrap().session;
            session.id = ids.next().unwrap();
            session.negotiation.cookie = Some("\u{1b}[31mevil\u{202e}".to_owned());
            session.server.hostname = Some("\u{9b}2Jx\r\n".to_owned());
            board.over(over.brief.order, over.brief.outcome.as_str(), Some(&session));
        }
    }
    board
}

fn screen(board: &mut Board) -> Screen {
    let begun = Instant::now();
    board.picture(0, 0, 0, begun);
    let mut screen = Screen::new("eth\u{1b}0".to_owned(), Zone::utc());
    screen.picture = Arc::new(board.picture(5000, 3_000_000, 7, begun + Duration::from_secs(2)));
    screen
}

fn shown(screen: &mut Screen, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| screen.draw(frame)).unwrap();
    let text = terminal.backend().to_string();
    assert!(!text.contains(|c| c != '\n' && is_unsafe(c)), "{text:?}");
    text
}

fn press(screen: &mut Screen, keys: &[KeyCode]) {
    for key in keys {
        screen.key(KeyEvent::new(*key, KeyModifiers::NONE));
    }
}

const FAILED: (&str, usize) = ("tls-cipher-mismatch/xrdp-tls12", usize::MAX);
const HEALTHY: (&str, usize) = ("healthy/xrdp-tls12", usize::MAX);
const RUNNING: (&str, usize) = ("healthy/xrdp-tls13", 40);

#[test]
fn what_runs_and_what_is_over_fits_any_width() {
    let mut board = board(&[FAILED, HEALTHY, RUNNING]);
    let mut screen = screen(&mut board);
    let narrow = shown(&mut screen, 80, 24);
    let lines: Vec<&str> = narrow.lines().map(|line| line.trim_matches('"').trim_end()).collect();
    assert!(lines[0].contains("2,500 packets/s   1.5 MB/s   5,000 in all, 7 lost"), "{narrow}");
    assert_eq!(lines[1], "1 running   2 over: 1 failed, 1 healthy");
    assert!(lines[3].starts_with("● ") && lines[3].contains("/s"), "{narrow}");
    assert!(lines[4].starts_with("✔ ") && lines[5].contains(" tls-cipher-mismatch "), "{narrow}");
    let wide = shown(&mut screen, 200, 50);
    for text in [
        "\\u{1b}[31mev",
        "10.77.2.20:3389 \\u{9b}2J",
        "tls-cipher-mismatch: Client and server have",
        "running",
    ] {
        assert!(wide.contains(text), "{text}: {wide}");
    }
    for (width, height) in [(1, 1), (7, 3), (20, 5), (500, 2)] {
        shown(&mut screen, width, height);
    }
}

#[test]
fn a_session_is_chosen_opened_and_left() {
    let mut board = board(&[FAILED, HEALTHY, RUNNING]);
    let mut screen = screen(&mut board);
    shown(&mut screen, 80, 24);
    press(&mut screen, &[KeyCode::Enter]);
    assert!(shown(&mut screen, 80, 24).contains("it runs; how it went is told when it is over"));
    press(&mut screen, &[KeyCode::Esc, KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Enter]);
    let story = shown(&mut screen, 100, 400);
    for text in ["Client and server have no", "What to do", "How far it got", "Evidence", "Timeline"] {
        assert!(story.contains(text), "{text}: {story}");
    }
    let top = shown(&mut screen, 80, 24);
    press(&mut screen, &[KeyCode::PageDown, KeyCode::Down]);
    assert_ne!(shown(&mut screen, 80, 24), top);
    press(&mut screen, &[KeyCode::End]);
    let end = shown(&mut screen, 80, 24);
    press(&mut screen, &[KeyCode::Down, KeyCode::Up, KeyCode::Home]);
    assert!(shown(&mut screen, 80, 24) == top && end != top);
    press(&mut screen, &[KeyCode::Esc, KeyCode::Char('f')]);
    let failed = shown(&mut screen, 80, 24);
    assert!(
        failed.contains("tls-cipher-mismatch") && !failed.contains('✔') && !failed.contains('●'),
        "{failed}"
    );
    assert!(!screen.done);
    press(&mut screen, &[KeyCode::Esc]);
    assert!(screen.done);
}

#[test]
fn the_bar_stays_with_its_session() {
    let mut board = board(&[FAILED]);
    let mut screen = screen(&mut board);
    let chosen = |screen: &mut Screen| {
        shown(screen, 80, 24);
        let entries = Screen::entries(&screen.picture, false);
        let place = screen.table.selected().unwrap();
        matches!(entries[place], Entry::Over(session) if session.diagnosis.code == "tls-cipher-mismatch")
    };
    assert!(chosen(&mut screen));
    let mut more = self::board(&[HEALTHY, FAILED, HEALTHY]);
    let mut more = self::screen(&mut more);
    // Nobody chose: it stays on top.
    assert!(!chosen(&mut more));
    press(&mut more, &[KeyCode::Down]);
    assert!(chosen(&mut more));
    press(&mut more, &[KeyCode::Char('G')]);
    assert!(!chosen(&mut more));
}

#[test]
fn what_is_kept_is_bounded() {
    let mut board = board(&[FAILED]);
    let session = board.picture(0, 0, 0, Instant::now()).over[0].clone();
    for order in 0..10_000 {
        board.over(order, "failed", Some(&session));
    }
    let mut screen = screen(&mut board);
    assert_eq!((screen.picture.over.len(), screen.picture.by_outcome["failed"]), (256, 10_001));
    press(&mut screen, &[KeyCode::End]);
    shown(&mut screen, 80, 24);
}
