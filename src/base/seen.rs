//! Facts with the frames that show them, so that no verdict can be made without evidence.

use super::{FrameRef, Timestamp};

/// Where and when: one packet as the engine met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The frame.
    pub at: FrameRef,
    /// Its time.
    pub time: Timestamp,
    /// The packet's place in the order that the engine read them in, over all captures of the run.
    pub order: u64,
}

impl Stamp {
    /// Whether the engine met this before `other`. Order decides, never time.
    pub const fn before(&self, other: &Stamp) -> bool {
        self.order < other.order
    }
}

/// The first and last packet that carried something; the same one where one was enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Carried the first byte.
    pub first: Stamp,
    /// Carried the last byte.
    pub last: Stamp,
}

impl From<Stamp> for Span {
    fn from(stamp: Stamp) -> Self {
        Span { first: stamp, last: stamp }
    }
}

/// A value and the frames that show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<T> {
    /// What was seen.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Seen<T> {
    /// A value shown by `span` (or by a single [`Stamp`]).
    pub fn new(value: T, span: impl Into<Span>) -> Self {
        Seen { value, span: span.into() }
    }

    /// The same place with another view of the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Seen<U> {
        Seen { value: f(self.value), span: self.span }
    }

    /// The same place with a borrowed value.
    pub fn as_ref(&self) -> Seen<&T> {
        Seen { value: &self.value, span: self.span }
    }
}

/// Something that was due and never came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// The packet after which it was due.
    pub after: Stamp,
    /// Until when the capture would have shown it.
    pub until: Timestamp,
    /// What ended the wait.
    pub ended: Until,
}

impl Absence {
    /// How long the wait was, in seconds.
    pub fn seconds(&self) -> f64 {
        self.until.seconds_since(self.after.time)
    }
}

/// What ended a wait: "never answered" differs from "the capture ended here".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// An end of the connection gave up, with this packet.
    GaveUp(Stamp),
    /// The capture ended.
    CaptureEnded,
    /// The connection was not followed any longer though the capture went on: its idle time was over, or
    /// its ports were used again.
    LetGo,
}
