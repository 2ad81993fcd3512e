//! Where the report goes: stdout, as wide and as colourful as it may be.

use std::io::{self, BufWriter, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use rdpwhy::report::{Source, View, json, markdown, ndjson, table};

use super::args::{Analyze, Color, Format};

/// Width where stdout is no terminal.
const WIDTH: usize = 100;
/// Lines shorter than this are hard to lay out, longer ones hard to read.
const WIDTHS: std::ops::RangeInclusive<usize> = 80..=120;

/// Writes the report in the format that was asked for.
pub(crate) fn write(source: &impl Source, args: &Analyze) -> io::Result<()> {
    let choice = match args.color {
        Color::Auto => AutoStream::choice(&io::stdout()),
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    let color = args.format == Format::Table && choice != ColorChoice::Never;
    let view = View {
        zone: args.tz.clone(),
        width: width(),
        timeline: args.timeline,
        every_story: !args.session.is_empty(),
        color,
    };
    let stdout = io::stdout().lock();
    let out: Box<dyn Write> =
        if color { Box::new(AutoStream::new(stdout, choice)) } else { Box::new(stdout) };
    let mut out = BufWriter::with_capacity(1 << 16, out);
    match args.format {
        Format::Table => table::write(source, &view, &mut out),
        Format::Markdown => markdown::write(source, &view, &mut out),
        Format::Json => json::write(source, &mut out),
        Format::Ndjson => ndjson::write(source, &mut out),
    }?;
    out.flush()
}

fn width() -> usize {
    if !io::stdout().is_terminal() {
        return WIDTH;
    }
    let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0));
    width.clamp(*WIDTHS.start(), *WIDTHS.end())
}
