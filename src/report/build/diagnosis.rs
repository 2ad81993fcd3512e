//! A verdict and the page of its code, as one.

use super::Lost;
use super::session::{frames, names, since_start};
use crate::diagnosis::{self, Verdict};
use crate::knowledge::{self, Page};
use crate::report::model::{
    ClientError, Confidence, Diagnosis, Evidence, Fit, Outcome, Owner, Remedy, Rival, Side,
};
use crate::report::text::number;
use crate::session::Session;

/// Makes the model of one verdict. What the verdict says goes before what the page says.
pub(super) fn diagnosis(verdict: &Verdict, session: &Session, lost: &Lost<'_>) -> Diagnosis {
    let page = knowledge::page(verdict.code);
    let text = |field: fn(&Page) -> &str| page.map_or("", field);
    let owner = verdict.owner.unwrap_or_else(|| text(|page| page.owner));
    let mut explanation = verdict.explanation.clone();
    let mut confidence = verdict.confidence;
    let absent = verdict.evidence.iter().any(|evidence| evidence.absence);
    let dropped = if absent { lost.of(session) } else { 0 };
    if dropped > 0 {
        confidence = confidence.lower();
        let sentence = format!(
            "The capturing host lost {} packets, so what seems missing may only not have been captured.",
            number(dropped)
        );
        explanation = if explanation.is_empty() { sentence } else { format!("{explanation} {sentence}") };
    }
    let own = verdict.rivals.iter().map(|rival| (rival.cause.as_str(), rival.tell_apart.as_str()));
    let pages = page.iter().flat_map(|page| &page.rivals).map(|rival| (rival.cause, rival.tell_apart));
    Diagnosis {
        code: verdict.code,
        title: verdict.title.clone().unwrap_or_else(|| text(|page| page.title).to_owned()),
        summary: text(|page| page.summary).to_owned(),
        side: side(verdict.side),
        owner: Owner::named(owner).unwrap_or(Owner::Unknown),
        confidence: self::confidence(confidence),
        explanation,
        evidence: verdict.evidence.iter().map(|e| evidence(e, session)).collect(),
        rivals: own
            .chain(pages)
            .map(|(cause, tell_apart)| Rival { cause: cause.to_owned(), tell_apart: tell_apart.to_owned() })
            .collect(),
        remedies: page
            .iter()
            .flat_map(|page| &page.remedies)
            .map(|remedy| self::remedy(remedy, session))
            .collect(),
        client_error: page.iter().flat_map(|page| &page.client_errors).map(client_error).collect(),
        references: page
            .map_or_else(Vec::new, |page| page.references.iter().map(ToString::to_string).collect()),
    }
}

fn evidence(evidence: &diagnosis::Evidence, session: &Session) -> Evidence {
    let (capture, frame, last_frame) = frames(evidence.span);
    Evidence {
        capture,
        frame,
        // The last frame of an absence is where the wait ended, not a part of what was seen.
        last_frame: if evidence.absence { frame } else { last_frame },
        time_s: since_start(session, evidence.span.first),
        text: evidence.text.clone(),
    }
}

/// The page's words HOST and CLIENT stand for the ends, and 3389 for the server's port.
fn remedy(remedy: &knowledge::Remedy, session: &Session) -> Remedy {
    let (client, server) = (session.tcp.client, session.tcp.server);
    let command = remedy.command.map(|command| {
        let command = match host(command, session) {
            Some(host) => replace_word(command, "HOST", &host),
            None => command.to_owned(),
        };
        let command = replace_word(&command, "CLIENT", &client.ip().to_string());
        replace_word(&command, "3389", &server.port().to_string())
    });
    Remedy { who: remedy.who.to_owned(), text: remedy.text.to_owned(), command }
}

/// What stands for HOST: the address; for mstsc, which needs it for Kerberos and certificates, the name. A
/// name comes out of a packet, so only one of harmless characters gets into what people paste.
fn host(command: &str, session: &Session) -> Option<String> {
    if !command.starts_with("mstsc") {
        return Some(session.tcp.server.ip().to_string());
    }
    let [_, name] = names(session);
    let harmless = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    name.filter(harmless).map(str::to_owned)
}

fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(at) = rest.find(word) {
        let (head, tail) = rest.split_at(at);
        let tail = tail.get(word.len()..).unwrap_or_default();
        let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let part = inside(head.chars().next_back().or(before)) || inside(tail.chars().next());
        replaced.push_str(head);
        replaced.push_str(if part { word } else { by });
        before = word.chars().next_back();
        rest = tail;
    }
    replaced.push_str(rest);
    replaced
}

fn client_error(error: &knowledge::ClientError) -> ClientError {
    ClientError {
        code: error.code.to_owned(),
        extended: error.extended.map(str::to_owned),
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
        let replace = |text| replace_word(text, "HOST", "10.0.0.1");
        assert_eq!(replace("ping HOST"), "ping 10.0.0.1");
        assert_eq!(replace("HOST HOST:3390 /v:HOST"), "10.0.0.1 10.0.0.1:3390 /v:10.0.0.1");
        assert_eq!(replace("MYHOST HOSTS HOST_A"), "MYHOST HOSTS HOST_A");
        assert_eq!(replace("HOSTHOST"), "HOSTHOST");
        assert_eq!(replace(""), "");
    }
}
