//! Reads packet captures, reconstructs Remote Desktop (RDP) sessions and says where and why the
//! negotiation broke.
//!
//! Data flows one way: `capture` (files to frames) → `packet` (frames to TCP segments) → `transport`
//! (segments to in-order bytes with the frames that carried them) → `layers` and `protocol` (bytes to
//! PDUs) → `session` (PDUs to what happened) → `diagnosis` (what happened to why) → `report`.
//! [`analyzer`] joins the middle into one engine that opens nothing, reads no clock and starts no
//! thread. `docs/ARCHITECTURE.md` tells which folder may import which.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod analyzer;
pub mod base;
pub mod capture;
pub mod diagnosis;
pub mod knowledge;
pub mod layers;
pub mod packet;
pub mod protocol;
pub mod redact;
pub mod report;
pub mod session;
pub mod transport;
