//! What a rule says: a cause, a side, and the frames that show it.

use std::borrow::Cow;

use crate::base::{Absence, Seen, Span, Until};
use crate::knowledge::{Fact, Facts};

/// How a session ended, as a user would put it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It broke.
    Failed,
    /// It works, with a fault that users feel.
    Degraded,
    /// The client left of its own accord.
    Aborted,
    /// The capture does not show enough.
    Inconclusive,
    /// An active session without a fault.
    Healthy,
    /// No RDP was attempted.
    Probe,
}

impl Outcome {
    /// The name used in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Failed => "failed",
            Outcome::Degraded => "degraded",
            Outcome::Aborted => "aborted",
            Outcome::Inconclusive => "inconclusive",
            Outcome::Healthy => "healthy",
            Outcome::Probe => "probe",
        }
    }
}

/// The end whose act or silence ended the connection, as far as the wire shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
    /// A proven third party on the path.
    Network,
    /// Not shown.
    Unknown,
}

impl Side {
    /// The name used in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Server => "server",
            Side::Network => "network",
            Side::Unknown => "unknown",
        }
    }
}

/// How sure the cause and side in the title are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// One of several.
    Possible,
    /// The wire fits it and no rival is as common.
    Likely,
    /// A message names this cause.
    Certain,
}

impl Confidence {
    /// The name used in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Confidence::Possible => "possible",
            Confidence::Likely => "likely",
            Confidence::Certain => "certain",
        }
    }

    /// One step less sure.
    pub const fn lower(self) -> Self {
        match self {
            Confidence::Certain => Confidence::Likely,
            Confidence::Likely | Confidence::Possible => Confidence::Possible,
        }
    }
}

/// One frame (or two) and what it shows. Only a [`Seen`] fact or an [`Absence`] makes one.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The frames.
    pub span: Span,
    /// What they show.
    pub text: String,
    /// Whether it rests on something that did not come.
    pub absence: bool,
}

impl Evidence {
    /// Something that was seen.
    pub fn seen(span: impl Into<Span>, text: impl Into<String>) -> Self {
        Evidence { span: span.into(), text: text.into(), absence: false }
    }

    /// A fact with its frames.
    pub fn of<T>(fact: &Seen<T>, text: impl Into<String>) -> Self {
        Evidence::seen(fact.span, text)
    }

    /// Something that never came: `what` is e.g. "no answer from the server".
    pub fn absent(absence: &Absence, what: &str) -> Self {
        Self::awaited(absence, what, "the other end gave up")
    }

    /// [`Evidence::absent`] with what ended the wait, where it was not the capture: "the client gave up".
    pub fn awaited(absence: &Absence, what: &str, end: &str) -> Self {
        let seconds = absence.seconds();
        let text = match absence.ended {
            Until::GaveUp(_) => format!("{what} for {seconds:.1} s, until {end}"),
            Until::CaptureEnded => format!("{what} for {seconds:.1} s, until the capture ended"),
            Until::LetGo => format!("{what} for {seconds:.1} s, as long as this connection was followed"),
        };
        let last = match absence.ended {
            Until::GaveUp(stamp) => stamp,
            Until::CaptureEnded | Until::LetGo => absence.after,
        };
        Evidence { span: Span { first: absence.after, last }, text, absence: true }
    }
}

/// Another cause that the wire would show alike, and how to tell.
#[derive(Clone, Debug)]
pub struct Rival {
    /// The cause.
    pub cause: String,
    /// What would tell it apart.
    pub tell_apart: String,
}

/// What a rule says of a session. General texts are on the code's page in `knowledge`.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The code of the contract.
    pub code: &'static str,
    /// The session's outcome.
    pub outcome: Outcome,
    /// Whose act ended it.
    pub side: Side,
    /// How sure.
    pub confidence: Confidence,
    /// In place of the page's title, where the wire says more.
    pub title: Option<Cow<'static, str>>,
    /// In place of the page's owner.
    pub owner: Option<&'static str>,
    /// What this session showed, in a few sentences.
    pub explanation: String,
    /// The frames; never empty, [`Verdict::short`] apart.
    pub evidence: Vec<Evidence>,
    /// Before the page's rivals.
    pub rivals: Vec<Rival>,
    /// A code that the server named: what the page says of other codes does not matter then.
    pub value: Option<u32>,
    /// What is known of the session: the page's causes and steps that it excludes are not told.
    pub facts: Facts,
}

impl Verdict {
    /// A verdict that rests on `evidence`.
    pub fn new(
        code: &'static str,
        outcome: Outcome,
        side: Side,
        confidence: Confidence,
        evidence: Evidence,
    ) -> Self {
        Verdict { side, confidence, evidence: vec![evidence], ..Self::short(code, outcome) }
    }

    /// A failure that rests on `evidence`.
    pub fn failed(code: &'static str, side: Side, confidence: Confidence, evidence: Evidence) -> Self {
        Self::new(code, Outcome::Failed, side, confidence, evidence)
    }

    /// A verdict for the count, where nobody reads on what it rests. A title of its own belongs to it.
    pub fn short(code: &'static str, outcome: Outcome) -> Self {
        Verdict {
            code,
            outcome,
            side: Side::Unknown,
            confidence: Confidence::Possible,
            title: None,
            owner: None,
            explanation: String::new(),
            evidence: Vec::new(),
            rivals: Vec::new(),
            value: None,
            facts: Facts::default(),
        }
    }

    /// Adds a frame.
    pub fn with(mut self, evidence: impl Into<Option<Evidence>>) -> Self {
        self.evidence.extend(evidence.into());
        self
    }

    /// Says what this session showed.
    pub fn explain(mut self, explanation: impl Into<String>) -> Self {
        self.explanation = explanation.into();
        self
    }

    /// A title that says more than the page's.
    pub fn titled(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Another owner than the page's.
    pub fn owned_by(mut self, owner: &'static str) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Notes a fact, where it `holds`.
    pub fn knowing(mut self, fact: Fact, holds: bool) -> Self {
        self.facts = self.facts.with(fact, holds);
        self
    }

    /// Another cause.
    pub fn rival(mut self, cause: impl Into<String>, tell_apart: impl Into<String>) -> Self {
        self.rivals.push(Rival { cause: cause.into(), tell_apart: tell_apart.into() });
        self
    }
}
