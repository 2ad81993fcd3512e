//! The Connection Request was answered by RST.

use super::*;

pub(super) const RULE: Rule = Rule { code: "negotiation-reset", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let end = session.closed_first(Dir::ServerToClient, true)?;
    ended_after_request(session, RULE.code, end, "RST")
}
