//! The command line. Data goes to stdout, everything else to stderr.
//!
//! Exit status: 0 done; 1 an attempt failed, with `--exit-code` only; 2 bad usage, unreadable input, an
//! unknown code or unwritable output.

mod analyze;
mod args;
#[cfg(feature = "live")]
mod aside;
mod explain;
mod input;
mod keylog;
#[cfg(feature = "live")]
mod live;
#[cfg(all(test, feature = "live", target_os = "linux"))]
mod manual;
mod output;
mod progress;
mod report;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use rdpwhy::report::text::clean;

/// Runs the command.
pub(crate) fn main() -> ExitCode {
    match args::Args::parse().chosen() {
        args::Command::Analyze(args) => analyze::run(&args),
        args::Command::Report(args) => report::run(&args),
        args::Command::Explain(args) => explain::run(&args),
        #[cfg(feature = "live")]
        args::Command::Live(args) => live::run(&args),
    }
    .into()
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// Done.
    Done,
    /// An attempt failed, and the caller wants to know by the exit status.
    AttemptFailed,
    /// Something could not be read or written.
    Trouble,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        ExitCode::from(match status {
            Status::Done => 0,
            Status::AttemptFailed => 1,
            Status::Trouble => 2,
        })
    }
}

/// Tells people something on stderr. Nobody is left to hear of it where that fails.
pub(crate) fn tell(text: &str) {
    #[cfg(feature = "live")]
    if aside::takes(text) {
        return;
    }
    tell_now(text);
}

fn tell_now(text: &str) {
    let _ = writeln!(io::stderr(), "rdpwhy: {}", clean(text));
}
