//! What remains when no rule has enough: it says what is missing.

use super::*;
use crate::session::{Ended, Phase};

/// The verdict where no rule fired.
pub(in crate::diagnosis) fn verdict(session: &Session, context: &Context<'_>) -> Verdict {
    if context.short {
        return Verdict::short("inconclusive", Outcome::Inconclusive);
    }
    let (text, explanation) = missing(session);
    let last = session.tcp.last;
    Verdict::new("inconclusive", Outcome::Inconclusive, Side::Unknown, Confidence::Possible, Evidence::seen(last, text))
        .explain(explanation)
}

fn missing(session: &Session) -> (String, String) {
    let tcp = &session.tcp;
    let phase = session.phase().during();
    if let Some(dir) = session.missing_direction() {
        return (
            format!("no packet of the {} was captured", dir.sender()),
            format!(
                "Only one direction was captured: no packet from the {} is in the file, though the {} went on as if answered. \
                 Capture again where both directions pass (on the server, the client, or a port that mirrors both).",
                dir.sender(),
                dir.flip().sender()
            ),
        );
    }
    if let Some(dir) = Dir::BOTH.into_iter().find(|&dir| session.lacks(dir)) {
        return (
            format!("bytes of the {} were acknowledged that the capture does not show", dir.sender()),
            format!(
                "The capture lacks packets of the {}: the other end acknowledged them, so no silence can be claimed. \
                 It was last seen {phase}. Capture again without drops (a larger buffer, a narrower filter).",
                dir.sender()
            ),
        );
    }
    match (tcp.closing, tcp.ended) {
        (Some(closing), _) => {
            let how = if closing.reset { "RST" } else { "FIN" };
            let hidden = if session.phase() >= Phase::Nla && session.facts.tls.is_some() {
                " What the two said after the TLS handshake is encrypted."
            } else {
                ""
            };
            (
                format!("{} ended the connection with {how} {phase}", closing.dir.sender()),
                format!("The {} ended the connection {phase}, and nothing readable says why.{hidden}", closing.dir.sender()),
            )
        }
        (None, Ended::Idle) => (
            format!("nothing more came {phase}"),
            format!("The connection fell silent {phase}, without a close, and it cannot be told who owed the next message."),
        ),
        (None, Ended::PortsReused) => (
            format!("last packet {phase}"),
            format!("The connection was last seen {phase}; then its ports were used for a new one, and its end is not in the capture."),
        ),
        (None, Ended::Evicted) => (
            format!("last packet that was followed, {phase}"),
            format!("There was more at a time than there is memory to follow; this one was given up {phase}."),
        ),
        (None, Ended::CaptureEnded | Ended::Closed) => (
            format!("the capture ended {:.1} s after this packet, {phase}", tcp.observed_until.seconds_since(tcp.last.time)),
            format!("The capture ends {phase}. Too little of it is there to call it slow, silent or broken. Capture longer."),
        ),
    }
}
