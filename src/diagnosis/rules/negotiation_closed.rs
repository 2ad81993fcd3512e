//! The Connection Request was answered by FIN.

use super::*;

pub(super) const RULE: Rule = Rule { code: "negotiation-closed", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let end = session.closed_first(Dir::ServerToClient, false)?;
    ended_after_request(session, RULE.code, end, "FIN")
}
