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
    let idle = idle_before(session, closing.stamp);
    let choked = choked(session);
    let frozen = choked.as_ref().map(|(dir, ..)| *dir);
    let because = choked.as_ref().map(|(_, _, said)| said).or(idle.as_ref().map(|(_, said)| said));
    let title = match frozen {
        Some(reader) if reader != closing.dir => format!("The {sender} gave up, since the {} took no more data", reader.sender()),
        Some(_) => format!("The {sender} hung, and then its side reset the session"),
        None => format!("A working session was cut off by a reset from the {sender}'s side"),
    };
    let mut verdict = Verdict::failed(
        RULE.code,
        side,
        confidence,
        Evidence::seen(closing.stamp, format!("RST from the {sender}'s side in the active session, with no goodbye before it")),
    )
    .with(session.active_since().map(|span| Evidence::seen(span, "the session was active")))
    .titled(title)
    .explain(format!(
        "The session was active when a RST from the {sender}'s side ended it; neither end had said goodbye.{whose}{}",
        because.map_or("", String::as_str)
    ))
    .with(idle.map(|(evidence, _)| evidence));
    if let Some((reader, evidence, _)) = choked {
        verdict = verdict.knowing(Fact::Frozen, true).knowing(silent_end(reader), true);
        verdict = verdict.with(evidence).owned_by(if reader == Dir::ClientToServer { "client" } else { "server" });
    }
    Some(injection::with_rival(session, verdict))
}
