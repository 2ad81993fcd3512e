//! Silence after security was up and before the session was active.

use super::*;

pub(super) const RULE: Rule = Rule { code: "setup-silent", supersedes: &["setup-reset"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    if !session.in_setup() {
        return None;
    }
    let asked = last_words(session).filter(|(dir, _)| *dir == Dir::ClientToServer)?.1;
    let absence = session.silence(Dir::ServerToClient, asked)?;
    let phase = session.phase().during();
    let asked = Evidence::seen(absence.after, format!("client's last message, {phase}"));
    Some(
        unanswered(session, RULE.code, asked, &absence)
            .titled(format!("The server fell silent before the desktop appeared, {phase}")),
    )
}
