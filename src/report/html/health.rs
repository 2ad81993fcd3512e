//! A small plot of a TCP connection over time: round trips above, below them what had to be sent again.

use askama::Template;

use super::super::model::{Health, Session};
use super::super::text::{count, duration};

/// Where things stand across a plot: one for a wide page, one for a telephone.
#[derive(Debug)]
struct Layout {
    /// Its class, and what its names in the page begin with.
    name: &'static str,
    width: u32,
    /// The ends of the axes.
    left: u32,
    right: u32,
}

const WIDE: Layout = Layout { name: "wide", width: 1000, left: 70, right: 980 };
const NARROW: Layout = Layout { name: "narrow", width: 340, left: 56, right: 332 };

/// Bottom and height of the round trips.
const FLOOR: u32 = 136;
const HEIGHT: f64 = 84.0;
/// Middle of the losses, and the height of each half.
const MIDDLE: u32 = 214;
const HALF: f64 = 28.0;
/// Shorter sessions have no course that a plot could show.
const SHORTEST: f64 = 1.0;

#[derive(Debug, Template)]
#[template(path = "health.html")]
struct Figure<'a> {
    id: u64,
    caption: &'a str,
    plots: [Plot; 2],
    end: String,
}

#[derive(Debug)]
struct Plot {
    l: &'static Layout,
    height: u32,
    top_rtt: String,
    top_lost: u32,
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
    let caption = caption(health, length);
    let plots = [&WIDE, &NARROW].map(|layout| draw(layout, health, length));
    Figure { id: session.id, caption: &caption, plots, end: duration(length) }.render().ok()
}

fn draw(layout: &'static Layout, health: &Health, length: f64) -> Plot {
    let both = [&health.rtt_ms.client_to_server, &health.rtt_ms.server_to_client];
    let slowest = both.iter().flat_map(|rtt| rtt.iter().flatten()).copied().fold(0.0, f64::max);
    let top_rtt = nice(slowest);
    let lost = [("client", &health.lost.client_to_server), ("server", &health.lost.server_to_client)];
    let top_lost = lost.iter().flat_map(|(_, lost)| lost.iter()).copied().max().unwrap_or(0).max(1);
    let across = f64::from(layout.right - layout.left);
    let x = |span: f64| layout.left + ((span * health.step_s / length).clamp(0.0, 1.0) * across) as u32;
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
    // Without a loss there is no second plot.
    let height = if bars.is_empty() { FLOOR + 24 } else { MIDDLE + 54 };
    Plot { l: layout, height, top_rtt: format!("{top_rtt} ms"), top_lost, rtt, bars }
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
            _ if most < 0.05 => format!("to the {to} below 0.1 ms"),
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
    use super::super::super::model::PerDirection;
    use super::*;

    fn health(rtt: [&[Option<f64>]; 2], lost: [&[u32]; 2]) -> Health {
        let both = |of: [&[Option<f64>]; 2]| PerDirection {
            client_to_server: of[0].to_vec(),
            server_to_client: of[1].to_vec(),
        };
        let lost = PerDirection { client_to_server: lost[0].to_vec(), server_to_client: lost[1].to_vec() };
        Health { step_s: 0.5, rtt_ms: both(rtt), lost }
    }

    #[test]
    fn captions_tell_the_range_and_the_worst_span_of_both_ends_together() {
        let rtt: [&[Option<f64>]; 2] = [&[Some(10.25), None, Some(105.9)], &[Some(0.01), Some(0.04)]];
        assert_eq!(
            caption(&health(rtt, [&[], &[]]), 2.0),
            "Shortest round trip from where the capture was taken: to the server 10.2 to 105.9 ms, to the client \
             below 0.1 ms; no segment had to be sent again."
        );
        // The client fell silent in the second of four spans; the third is the server's alone and the worst.
        let lost: [&[u32]; 2] = [&[2, 1], &[0, 1, 3]];
        assert_eq!(
            caption(&health([&[None], &[Some(20.0)]], lost), 1.2),
            "Shortest round trip from where the capture was taken: to the server not shown, to the client 20.0 to \
             20.0 ms; 3 segments of the client's and 4 of the server's had to be sent again, most (3) between \
             1.000 s and 1.200 s."
        );
        // Of spans that are alike the first; both ends count together.
        let lost: [&[u32]; 2] = [&[1, 0, 1], &[0, 1, 1, 2]];
        assert!(caption(&health(rtt, lost), 2.0).ends_with("most (2) between 1.000 s and 1.500 s."));
    }

    #[test]
    fn points_bars_and_axes_agree() {
        let rtt: [&[Option<f64>]; 2] = [&[Some(10.0), Some(20.0), None, Some(5.0)], &[]];
        let plot = draw(&WIDE, &health(rtt, [&[0, 4], &[2]]), 2.0);
        assert_eq!((plot.top_rtt.as_str(), plot.top_lost), ("20 ms", 4));
        // Half of the height, all of it; a gap in the line where nothing is known.
        assert_eq!(plot.rtt[0].points, [(183, 94), (411, 52), (866, 115)]);
        assert_eq!(plot.rtt[0].path, "M183 94L411 52M866 115");
        assert!(plot.rtt[1].points.is_empty());
        let bars: Vec<_> = plot.bars.iter().map(|bar| (bar.class, bar.x, bar.y, bar.height)).collect();
        assert_eq!(bars, [("client", 297, 186, 28), ("server", 70, 214, 14)]);
        assert!(draw(&NARROW, &health(rtt, [&[], &[]]), 2.0).height < plot.height, "no second plot");
    }

    #[test]
    fn scales_end_at_round_numbers() {
        for (value, top) in [(0.0, 0.001), (0.7, 1.0), (1.0, 1.0), (1.2, 2.0), (3.0, 5.0), (180.0, 200.0)] {
            assert!((nice(value) - top).abs() < 1e-9, "{value} {}", nice(value));
        }
    }
}
