//! The `rdpwhy` command: arguments, progress and exit status around the library.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
