//! A verdict and the page of its code, as one.

use std::net::SocketAddr;

use super::Lost;
use super::session::{frames, names, since};
use crate::base::Stamp;
use crate::diagnosis::{self, Verdict};
use crate::knowledge::{self, Page};
use crate::report::model::{
    ClientError, Confidence, Diagnosis, Evidence, Fit, Outcome, Owner, Remedy, Rival, Side, Text,
};
use crate::report::text::number;
use crate::session::Session;

/// The session that a verdict is about, TCP or UDP.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) first: Stamp,
    pub(super) last: Stamp,
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    /// The server's name, where a message told it.
    pub(super) server_name: Option<&'a str>,
}

impl<'a> From<&'a Session> for About<'a> {
    fn from(session: &'a Session) -> Self {
        let [_, server_name] = names(session);
        let tcp = &session.tcp;
        About { first: tcp.first, last: tcp.last, client: tcp.client, server: tcp.server, server_name }
    }
}

/// Makes the model of one verdict. What the verdict says goes before what the page says.
pub(super) fn diagnosis(verdict: &Verdict, session: About<'_>, lost: &Lost<'_>) -> Diagnosis {
    let page = knowledge::page(verdict.code);
    let text = |field: fn(&Page) -> &'static str| page.map_or("", field);
    let owner = verdict.owner.unwrap_or_else(|| text(|page| page.owner));
    let mut explanation = verdict.explanation.clone();
    let mut confidence = verdict.confidence;
    let absent = verdict.evidence.iter().any(|evidence| evidence.absence);
    let dropped = if absent { lost.of(session.first, session.last) } else { 0 };
    if dropped > 0 {
        confidence = confidence.lower();
        let sentence = format!(
            "The capturing host lost {} packets, so what seems missing may only not have been captured.",
            number(dropped)
        );
        explanation = if explanation.is_empty() { sentence } else { format!("{explanation} {sentence}") };
    }
    let own = verdict.rivals.iter().map(|rival| Rival {
        cause: rival.cause.clone().into(),
        tell_apart: rival.tell_apart.clone().into(),
    });
    let pages = page
        .iter()
        .flat_map(|page| &page.rivals)
        .filter(|rival| rival.when.holds(verdict.facts) && concerns(rival.cause, verdict.value))
        .map(|rival| Rival { cause: rival.cause.into(), tell_apart: rival.tell_apart.into() });
    let ends = Ends::of(session);
    Diagnosis {
        code: verdict.code,
        title: verdict.title.clone().unwrap_or_else(|| text(|page| page.title).into()),
        summary: text(|page| page.summary).into(),
        side: side(verdict.side),
        owner: Owner::named(owner).unwrap_or(Owner::Unknown),
        confidence: self::confidence(confidence),
        explanation: explanation.into(),
        evidence: verdict.evidence.iter().map(|e| evidence(e, session)).collect(),
        rivals: own.chain(pages).collect(),
        remedies: page
            .iter()
            .flat_map(|page| &page.remedies)
            .filter(|remedy| remedy.when.holds(verdict.facts) && concerns(remedy.text, verdict.value))
            .map(|remedy| self::remedy(remedy, &ends))
            .collect(),
        client_error: page
            .iter()
            .flat_map(|page| &page.client_errors)
            .filter(|error| error.concerns(verdict.value))
            .map(client_error)
            .collect(),
        references: page.map_or_else(Vec::new, |page| {
            page.references.iter().map(|reference| Text::from(*reference)).collect()
        }),
    }
}

/// Whether what a page says concerns a code that is known: "0x5", "0x3 to 0x4", "0x10C9 and above", or no code.
fn concerns(text: &str, value: Option<u32>) -> bool {
    let Some(value) = value else { return true };
    let words: Vec<&str> = text.split([' ', '(', ')', ',', ';']).collect();
    let number = |word: &&str| u32::from_str_radix(word.strip_prefix("0x")?, 16).ok();
    let Some(at) = words.iter().position(|word| number(word).is_some()) else { return true };
    let rest = words.get(at..).unwrap_or_default();
    let from = rest.first().and_then(number).unwrap_or_default();
    let to = match rest {
        [_, "to", to, ..] => number(to).unwrap_or(from),
        [_, "and", "above", ..] => u32::MAX,
        _ => from,
    };
    (from..=to).contains(&value)
}

fn evidence(evidence: &diagnosis::Evidence, session: About<'_>) -> Evidence {
    let (capture, frame, last_frame) = frames(evidence.span);
    Evidence {
        capture,
        frame,
        // The last frame of an absence is where the wait ended, not a part of what was seen.
        last_frame: if evidence.absence { frame } else { last_frame },
        time_s: since(session.first, evidence.span.first),
        text: evidence.text.clone(),
    }
}

/// What stands for the ends in the commands of a page.
struct Ends<'a> {
    client: String,
    /// The server's address.
    host: String,
    /// Its name, where it is harmless: a name comes out of a packet, and commands are pasted.
    name: Option<&'a str>,
    port: String,
}

impl<'a> Ends<'a> {
    fn of(session: About<'a>) -> Self {
        let About { client, server, server_name: name, .. } = session;
        let harmless =
            |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
        Ends {
            client: client.ip().to_string(),
            host: server.ip().to_string(),
            name: name.filter(harmless),
            port: server.port().to_string(),
        }
    }
}

/// The page's words HOST and CLIENT stand for the ends, and 3389 for the server's port. For mstsc, which needs
/// it for Kerberos and certificates, HOST is the name.
fn remedy(remedy: &knowledge::Remedy, ends: &Ends<'_>) -> Remedy {
    let command = remedy.command.map(|command| {
        let host = if command.starts_with("mstsc") { ends.name } else { Some(ends.host.as_str()) };
        let word = |word: &str| match word {
            "HOST" => host,
            "CLIENT" => Some(ends.client.as_str()),
            "3389" => Some(ends.port.as_str()),
            _ => None,
        };
        replace_words(command, word)
    });
    Remedy { who: remedy.who.into(), text: remedy.text.into(), command }
}

/// The text with other words where there are any.
fn replace_words<'a>(text: &'static str, other: impl Fn(&str) -> Option<&'a str>) -> Text {
    let mut replaced = String::new();
    let mut done = 0;
    let mut at = 0;
    for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
        let end = at + word.len();
        if let Some(other) = other(word) {
            replaced.push_str(text.get(done..at).unwrap_or_default());
            replaced.push_str(other);
            done = end;
        }
        at = end + text.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    if done == 0 {
        return text.into();
    }
    replaced.push_str(text.get(done..).unwrap_or_default());
    replaced.into()
}

fn client_error(error: &knowledge::ClientError) -> ClientError {
    ClientError {
        code: error.code.into(),
        extended: error.extended.map(Text::from),
        fit: Fit::named(error.fit).unwrap_or(Fit::Consistent),
    }
}

pub(super) const fn outcome(outcome: diagnosis::Outcome) -> Outcome {
    match outcome {
        diagnosis::Outcome::Failed => Outcome::Failed,
        diagnosis::Outcome::Degraded => Outcome::Degraded,
        diagnosis::Outcome::Aborted => Outcome::Aborted,
        diagnosis::Outcome::Inconclusive => Outcome::Inconclusive,
        diagnosis::Outcome::Healthy => Outcome::Healthy,
        diagnosis::Outcome::Probe => Outcome::Probe,
    }
}

const fn side(side: diagnosis::Side) -> Side {
    match side {
        diagnosis::Side::Client => Side::Client,
        diagnosis::Side::Server => Side::Server,
        diagnosis::Side::Network => Side::Network,
        diagnosis::Side::Unknown => Side::Unknown,
    }
}

const fn confidence(confidence: diagnosis::Confidence) -> Confidence {
    match confidence {
        diagnosis::Confidence::Possible => Confidence::Possible,
        diagnosis::Confidence::Likely => Confidence::Likely,
        diagnosis::Confidence::Certain => Confidence::Certain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_words_only() {
        let word = |word: &str| (word == "HOST").then_some("10.0.0.1");
        let replace = |text| replace_words(text, word);
        assert_eq!(replace("ping HOST"), "ping 10.0.0.1");
        assert_eq!(replace("HOST HOST:3390 /v:HOST"), "10.0.0.1 10.0.0.1:3390 /v:10.0.0.1");
        assert_eq!(replace("MYHOST HOSTS HOST_A"), "MYHOST HOSTS HOST_A");
        assert_eq!(replace("HOSTHOST"), "HOSTHOST");
        assert_eq!(replace(""), "");
    }

    #[test]
    fn a_page_speaks_of_codes_one_by_one_and_in_ranges() {
        let cases = [
            ("For 0x3 to 0x4, see the time limits", 4, true),
            ("For 0x3 to 0x4, see the time limits", 5, false),
            ("For 0x10A, see the edition", 0x10A, true),
            ("For 0x10A, see the edition", 0x109, false),
            ("licensing (0x100 to 0x109)", 0x104, true),
            ("malformed (0x10C9 and above)", 0x1136, true),
            ("malformed (0x10C9 and above)", 9, false),
            ("Look for a program that crashed", 9, true),
        ];
        for (text, value, expected) in cases {
            assert_eq!(concerns(text, Some(value)), expected, "{text}, {value:#x}");
            assert!(concerns(text, None));
        }
    }
}
