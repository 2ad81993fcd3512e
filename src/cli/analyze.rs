//! `rdpwhy analyze`: captures through the engine, and what it found through a renderer.

use std::io::ErrorKind;
use std::mem::ManuallyDrop;

use rdpwhy::report::Source as _;
use rdpwhy::report::redacted::Redacted;

use super::args::Analyze;
use super::input::Found;
use super::{Status, output, tell};

/// Runs the command.
pub(crate) fn run(args: &Analyze) -> Status {
    let Some(found) = Found::read(&args.input) else { return Status::Trouble };
    // It goes with the process; to free it piece by piece takes time.
    let found = ManuallyDrop::new(found);
    if args.showing.format.for_people() && !args.input.quiet {
        found.warn();
    }
    let Some(built) = found.report(&args.input).map(ManuallyDrop::new) else { return Status::Trouble };
    let redactor = match args.input.redactor() {
        Ok(redactor) => redactor,
        Err(why) => {
            tell(&why);
            return Status::Trouble;
        }
    };
    let written = match redactor {
        Some(redactor) => output::write(&Redacted::new(&*built, &redactor), args),
        None => output::write(&*built, args),
    };
    match written {
        Ok(()) => {}
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(error) => {
            tell(&format!("cannot write the report: {error}"));
            return Status::Trouble;
        }
    }
    if args.showing.exit_code
        && built.summary().attempts_by_outcome.get("failed").is_some_and(|&failed| failed > 0)
    {
        return found.status.max(Status::AttemptFailed);
    }
    found.status
}
