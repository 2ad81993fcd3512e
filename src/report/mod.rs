//! The report: one model, and one small file for each format, all writing to `W: Write`.
//!
//! [`model`] is what is said, [`build`](mod@build) makes it of what the engine handed out, [`Source`] is where
//! renderers take it from. For people: [`table`] and [`markdown`],
//! which share `story` and `summary`, and [`html`]; `rungs` lays out the picture of a conversation, which the page and
//! `sketch` (in plain characters) draw; for programs: [`json`], [`ndjson`] and their [`schema`], and the forms of other
//! tools, [`ecs`] and [`zeek`];
//! for both, [`pcapng`], a capture with [`comments`].

pub mod build;
pub mod choose;
pub mod comments;
pub mod community_id;
pub mod ecs;
pub mod explain;
mod fields;
pub mod html;
pub mod json;
pub mod line;
mod lines;
pub mod markdown;
pub mod model;
pub mod ndjson;
mod nothing;
mod paint;
pub mod pcapng;
pub mod personal;
mod plain;
pub mod redacted;
mod rungs;
mod saw;
pub mod schema;
mod sketch;
mod source;
mod story;
mod summary;
pub mod table;
pub mod text;
pub mod zeek;
mod zone;

pub use lines::Lines;
pub use paint::View;
pub use source::{Place, Source};
pub use zone::{BadTime, BadZone, Typed, Zone};
