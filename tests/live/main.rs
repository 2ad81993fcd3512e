//! Live capture for real: captures are replayed over a veth pair, and `rdpwhy live` must say of them what
//! `analyze` says of the file.
//!
//! Needs root, network namespaces and tcpreplay, and takes its time: it runs where `RDPWHY_LIVE_TESTS` is set
//! (`.ci/run` sets it), and fails there if something is missing.

#![cfg(all(feature = "live", feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod cable;
mod recorder;
mod replay;
mod service;
