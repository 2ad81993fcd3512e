//! The vocabulary that every other folder shares. It imports nothing of this crate.

mod chunk;
mod dir;
mod frame;
mod limits;
mod open;
mod seen;
mod time;

pub use chunk::{Chunk, Gap};
pub use dir::{Dir, PerDir};
pub use frame::{Frame, FrameRef, LinkType};
pub use limits::Limits;
pub(crate) use open::{open_enum, open_flags};
pub use seen::{Absence, Seen, Span, Stamp, Until};
pub use time::Timestamp;
