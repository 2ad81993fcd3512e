//! The `rdpwhy` command: arguments, progress and exit status around the library.

mod cli;

/// Sessions are many small boxes that come and go: a sixth less CPU than with the system's allocator.
/// `live` counts what it gives.
#[cfg(not(feature = "live"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
