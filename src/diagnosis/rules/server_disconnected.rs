//! A Disconnect Provider Ultimatum before the session was active, with no error info (T.125, section 7).

use super::*;

pub(super) const RULE: Rule =
    Rule { code: "server-disconnected", supersedes: &["setup-reset", "setup-silent"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let phase = session.phase().during();
    if let Some(ultimatum) = session.facts.inside.as_ref().and_then(|inside| inside.ultimatum) {
        let (dir, reason) = ultimatum.value;
        let first = session.tcp.closing.is_none_or(|closing| ultimatum.span.first.before(&closing.stamp));
        // xrdp says goodbye in this way to whatever speaks to it, so the client must have asked for RDP.
        let asked = session.facts.request.is_some() || session.in_setup();
        if dir != Dir::ServerToClient || !first || !asked || session.is_active() {
            return None;
        }
        let hidden = session.facts.inside.as_ref().is_some_and(|inside| !inside.in_clear());
        // An error code before it may be encrypted, or not captured.
        let confidence = if hidden || session.lacks_any() { Confidence::Likely } else { Confidence::Certain };
        let text = format!("server sent a Disconnect Provider Ultimatum, reason {reason}");
        return Some(
            Verdict::failed(RULE.code, Side::Server, confidence, Evidence::of(&ultimatum, text))
                .explain(format!("The server ended the connection {phase}, with the reason {reason} and no error code that can be read.")),
        );
    }
    let ultimatum = hidden_ultimatum(session).filter(|_| session.in_setup())?;
    Some(
        Verdict::failed(
            RULE.code,
            Side::Server,
            Confidence::Likely,
            Evidence::seen(ultimatum, "encrypted record with the length of a Disconnect Provider Ultimatum, right before the end"),
        )
        .explain(format!("The server sent a record that has the length of a disconnect {phase}, and the connection ended.")),
    )
}
