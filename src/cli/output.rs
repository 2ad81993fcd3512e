//! Where the report goes: stdout, as wide and as colourful as it may be.

use std::io::{self, BufWriter, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use rdpwhy::report::explain::Explanation;
use rdpwhy::report::{Lines, Source, View, json, markdown, table};

use super::args::{Analyze, Color, Format};
use super::explain::{self, Explain};

/// Width where stdout is no terminal.
const WIDTH: usize = 100;
/// Lines shorter than this are hard to lay out, longer ones hard to read.
const WIDTHS: std::ops::RangeInclusive<usize> = 80..=120;

/// Writes the report in the format that was asked for.
pub(crate) fn write(source: &impl Source, args: &Analyze) -> io::Result<()> {
    let choice = colors(args.showing.color);
    let color = args.showing.format == Format::Table && choice != ColorChoice::Never;
    let view = View {
        zone: args.input.tz.clone(),
        width: width(),
        timeline: args.showing.timeline,
        no_story: args.input.quiet,
        every_story: args.showing.verbose || !args.input.session.is_empty(),
        picture: args.showing.format == Format::Markdown,
        color,
        hyperlinks: args.showing.hyperlinks,
    };
    let mut out = stdout(color, choice);
    match args.showing.format {
        Format::Table => table::write(source, &view, &mut out),
        Format::Markdown => markdown::write(source, &view, &mut out),
        Format::Json => json::write(source, &mut out),
        Format::Ndjson => Lines::Ndjson.write(source, &mut out),
        Format::Ecs => Lines::Ecs.write(source, &mut out),
        Format::Zeek => Lines::Zeek.write(source, &mut out),
    }?;
    out.flush()
}

/// Writes an explanation in the format that was asked for.
pub(crate) fn explain(explanation: &Explanation, args: &Explain) -> io::Result<()> {
    let choice = colors(args.color);
    let color = args.format == explain::Format::Text && choice != ColorChoice::Never;
    let mut out = stdout(color, choice);
    match args.format {
        explain::Format::Text => {
            explanation.text(&View { width: width(), color, ..View::default() }, &mut out)
        }
        explain::Format::Markdown => explanation.markdown(&mut out),
        explain::Format::Json => explanation.json(&mut out),
    }?;
    out.flush()
}

/// Writes a list.
#[cfg(feature = "live")]
pub(crate) fn text(text: &str) -> super::Status {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => super::Status::Trouble,
        _ => super::Status::Done,
    }
}

fn colors(asked: Color) -> ColorChoice {
    match asked {
        Color::Auto => AutoStream::choice(&io::stdout()),
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
}

fn stdout(color: bool, choice: ColorChoice) -> BufWriter<Box<dyn Write>> {
    let stdout = io::stdout().lock();
    let out: Box<dyn Write> =
        if color { Box::new(AutoStream::new(stdout, choice)) } else { Box::new(stdout) };
    BufWriter::with_capacity(1 << 16, out)
}

fn width() -> usize {
    if !io::stdout().is_terminal() {
        return WIDTH;
    }
    let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0));
    width.clamp(*WIDTHS.start(), *WIDTHS.end())
}
