//! Files to frames, and frames to files: the only folder that opens anything.
//!
//! [`Capture`] reads pcap and pcapng, plain or compressed with gzip or zstd, from a file or from
//! standard input; [`Merged`] reads several captures as one in time order. Frames are pulled and
//! borrowed:
//!
//! ```no_run
//! # use rdpwhy::capture::{Capture, OpenError, Source};
//! # fn main() -> Result<(), OpenError> {
//! let mut capture = Capture::open(Source::Path("trace.pcapng".into()), 0)?;
//! while let Some(frame) = capture.next_frame() {
//!     let _ = frame.data;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Only opening can fail. What goes wrong later ends that file with an entry in
//! [`CaptureInfo::warnings`], and what was read before stands.
//!
//! [`Spool`] keeps what can be read only once. [`Writer`] writes pcapng, [`AtomicFile`] puts it on the disk whole or not at all.
//!
//! Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Unlike libpcap this keeps the link
//! type of each interface, the decryption secrets and the drop counts of a pcapng file.

mod atomic;
mod buffer;
mod bytes;
mod compressed;
mod foreign;
mod info;
mod input;
mod interface;
#[cfg(feature = "live")]
pub mod live;
mod map;
mod merge;
mod open;
mod options;
mod pcap;
mod pcapng;
mod reader;
mod spool;
mod stream;
mod write;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use atomic::AtomicFile;
pub use buffer::{Bounds as BufferBounds, Buffer, Kept, Worth};
pub use info::{CaptureInfo, Compression, Format, Secrets, SecretsType};
pub use interface::{Interface, Resolution};
pub use merge::Merged;
pub use open::{OpenError, Source};
pub use reader::Capture;
pub use spool::Spool;
pub use write::{Packet, Section, Statistics, Writer};
