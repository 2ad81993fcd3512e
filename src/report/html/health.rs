//! A small plot of a TCP connection over time: round trips above, below them what had to be sent again.

use askama::Template;

use super::super::model::{Health, Session};
use super::super::text::{count, duration};

/// Where the plots stand.
const LEFT: u32 = 70;
const WIDTH: f64 = 770.0;
/// Bottom and height of the round trips.
const FLOOR: u32 = 118;
const HEIGHT: f64 = 84.0;
/// Middle of the losses, and the height of each half.
const MIDDLE: u32 = 178;
const HALF: f64 = 28.0;
/// Shorter sessions have no course that a plot could show.
const SHORTEST: f64 = 1.0;

#[derive(Debug, Template)]
#[template(path = "health.html")]
struct Plot {
    id: u64,
    caption: String,
    top_rtt: String,
    top_lost: u32,
    end: String,
    rtt: [Line; 2],
    bars: Vec<Bar>,
}

#[derive(Debug)]
struct Line {
    class: &'static str,
    path: String,
    points: Vec<(u32, u32)>,
}

#[derive(Debug)]
struct Bar {
    class: &'static str,
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

/// The plot, where there is something to plot.
pub(super) fn plot(session: &Session) -> Option<String> {
    let health = session.tcp.health.as_ref()?;
    let length = session.duration_s.0;
    let known = |rtt: &[Option<f64>]| rtt.iter().flatten().count();
    let points = known(&health.rtt_ms.client_to_server).max(known(&health.rtt_ms.server_to_client));
    if length < SHORTEST || points < 2 {
        return None;
    }
    let both = [&health.rtt_ms.client_to_server, &health.rtt_ms.server_to_client];
    let slowest = both.iter().flat_map(|rtt| rtt.iter().flatten()).copied().fold(0.0, f64::max);
    let top_rtt = nice(slowest);
    let lost = [("client", &health.lost.client_to_server), ("server", &health.lost.server_to_client)];
    let top_lost = lost.iter().flat_map(|(_, lost)| lost.iter()).copied().max().unwrap_or(0).max(1);
    let x = |span: f64| LEFT + ((span * health.step_s / length).clamp(0.0, 1.0) * WIDTH) as u32;
    let line = |class, rtt: &[Option<f64>]| {
        let point = |(at, rtt): (usize, &Option<f64>)| {
            rtt.map(|rtt| (at, x(at as f64 + 0.5), FLOOR - (rtt / top_rtt * HEIGHT) as u32))
        };
        let points: Vec<_> = rtt.iter().enumerate().filter_map(point).collect();
        let mut before = None;
        let step = |&(at, x, y): &(usize, u32, u32)| {
            // Across spans without a packet there is no line.
            let pen = if before.replace(at).is_some_and(|before| before + 1 == at) { 'L' } else { 'M' };
            format!("{pen}{x} {y}")
        };
        let path = points.iter().map(step).collect();
        Line { class, path, points: points.into_iter().map(|(_, x, y)| (x, y)).collect() }
    };
    let rtt = [line("client", both[0]), line("server", both[1])];
    let mut bars = Vec::new();
    for (class, lost) in lost {
        for (at, &lost) in lost.iter().enumerate().filter(|(_, lost)| **lost > 0) {
            let height = ((f64::from(lost) / f64::from(top_lost) * HALF) as u32).max(2);
            let (left, right) = (x(at as f64), x(at as f64 + 1.0));
            let y = if class == "client" { MIDDLE - height } else { MIDDLE };
            bars.push(Bar { class, x: left, y, width: (right - left).saturating_sub(1).max(2), height });
        }
    }
    let plot = Plot {
        id: session.id,
        caption: caption(health, length),
        top_rtt: format!("{top_rtt} ms"),
        top_lost,
        end: duration(length),
        rtt,
        bars,
    };
    plot.render().ok()
}

/// The next 1, 2 or 5 with zeros.
fn nice(value: f64) -> f64 {
    let mut top = 0.001;
    for factor in [2.0, 2.5, 2.0].into_iter().cycle().take(60) {
        if top >= value {
            break;
        }
        top = (top * factor * 1e6_f64).round() / 1e6;
    }
    top
}

/// What the plot shows, in words.
fn caption(health: &Health, length: f64) -> String {
    let range = |rtt: &[Option<f64>], to: &str| {
        let known = || rtt.iter().flatten().copied();
        let (least, most) = (known().fold(f64::MAX, f64::min), known().fold(0.0, f64::max));
        match known().count() {
            0 => format!("to the {to} not shown"),
            _ => format!("to the {to} {least:.1} to {most:.1} ms"),
        }
    };
    let lost = |lost: &[u32]| lost.iter().map(|lost| u64::from(*lost)).sum::<u64>();
    let (client, server) = (&health.lost.client_to_server, &health.lost.server_to_client);
    // An end that fell silent has fewer spans.
    let of = |spans: &[u32], at: usize| spans.get(at).copied().unwrap_or(0);
    let together: Vec<u32> =
        (0..client.len().max(server.len())).map(|at| of(client, at) + of(server, at)).collect();
    let worst = together.iter().enumerate().max_by_key(|(at, lost)| (**lost, std::cmp::Reverse(*at)));
    let again = match (lost(client), lost(server)) {
        (0, 0) => "no segment had to be sent again".to_owned(),
        (c, s) => {
            let (at, most) = worst.unwrap_or((0, &0));
            let from = at as f64 * health.step_s;
            let to = (from + health.step_s).min(length);
            format!(
                "{} of the client's and {} of the server's had to be sent again, most ({most}) between {} and {}",
                count(c, "segment"),
                s,
                duration(from),
                duration(to)
            )
        }
    };
    format!(
        "Shortest round trip from where the capture was taken: {}, {}; {again}.",
        range(&health.rtt_ms.client_to_server, "server"),
        range(&health.rtt_ms.server_to_client, "client"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers() {
        for (value, top) in [(0.0, 0.001), (0.7, 1.0), (1.0, 1.0), (1.2, 2.0), (3.0, 5.0), (180.0, 200.0)] {
            assert!((nice(value) - top).abs() < 1e-9, "{value} {}", nice(value));
        }
    }
}
