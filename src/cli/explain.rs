//! `rdpwhy explain`: what an error, a code or a diagnosis means, without a capture.

use std::io::ErrorKind;

use clap::{Args, ValueEnum};
use rdpwhy::knowledge::lookup::{self, Unknown};
use rdpwhy::report::explain::Explanation;

use super::args::Color;
use super::{Status, output, tell};

pub(crate) const EXAMPLES: &str = "\
Examples:
  rdpwhy explain 0x904 0x7                   error code and extended error code, as mstsc shows them
  rdpwhy explain 2308/7                      the same in decimal
  rdpwhy explain 0xC000006D                  a status from a log
  rdpwhy explain HYBRID_REQUIRED_BY_SERVER   a name, with or without prefix, in any case
  rdpwhy explain alert 40                    a number that several tables have, of one of them
  rdpwhy explain tls-cipher-mismatch         a diagnosis of rdpwhy

Exit status: 0 done, 2 bad usage or nothing known by that name or number.";

/// Everything that `explain` takes.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// An error of mstsc, a number, a name or the code of a diagnosis
    #[arg(value_name = "CODE", required = true, allow_negative_numbers = true)]
    words: Vec<String>,

    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,

    /// Colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For tickets
    Markdown,
    /// One JSON document
    Json,
}

/// Runs the command.
pub(crate) fn run(args: &Explain) -> Status {
    let asked = args.words.join(" ");
    let found = match lookup::look_up(&asked) {
        Ok(found) => found,
        Err(unknown) => {
            tell_unknown(&asked, &unknown);
            return Status::Trouble;
        }
    };
    match output::explain(&Explanation::new(&asked, &found), args) {
        Ok(()) => Status::Done,
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Status::Done,
        Err(error) => {
            tell(&format!("cannot write the explanation: {error}"));
            Status::Trouble
        }
    }
}

fn tell_unknown(asked: &str, unknown: &Unknown) {
    const SHOWN: usize = 80;
    let shown: String = asked.chars().take(SHOWN).collect();
    let more = if shown.len() < asked.len() { "..." } else { "" };
    tell(&format!("unknown: {shown}{more}"));
    if !unknown.suggestions.is_empty() {
        tell(&format!("did you mean {}?", unknown.suggestions.join(", or ")));
    }
    tell(&format!("accepted are {}", lookup::ACCEPTED));
}
