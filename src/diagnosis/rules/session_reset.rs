//! An active session that a RST ended.

use super::*;
use crate::diagnosis::injection;

pub(super) const RULE: Rule = Rule { code: "session-reset", supersedes: &["healthy"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let closing = session.abrupt_reset().filter(|_| !session.lacks_last_words())?;
    let sender = closing.dir.sender();
    let side = if closing.dir == Dir::ClientToServer { Side::Client } else { Side::Server };
    let genuine = injection::looks_genuine(session);
    let here = session.at(closing.dir);
    let confidence = if here || genuine { Confidence::Likely } else { Confidence::Possible };
    let whose = match (here, genuine) {
        (true, _) => format!(" The capture was taken at the {sender} or right next to it, so the {sender}, or its own firewall, most likely sent it."),
        (false, true) => format!(" TTL and IP ID continue the {sender}'s other packets, so it most likely came from there."),
        (false, false) => format!(" It bears the {sender}'s address; whether the {sender} or a device in front of it sent it, this capture alone does not show."),
    };
    let verdict = Verdict::failed(
        RULE.code,
        side,
        confidence,
        Evidence::seen(closing.stamp, format!("RST from the {sender}'s side in the active session, with no goodbye before it")),
    )
    .with(session.active_since().map(|span| Evidence::seen(span, "the session was active")))
    .titled(format!("A working session was cut off by a reset from the {sender}'s side"))
    .explain(format!(
        "The session was active when a RST from the {sender}'s side ended it; neither end had said goodbye.{whose}{}",
        idle_before(session, closing.stamp)
    ));
    Some(injection::with_rival(session, verdict))
}
