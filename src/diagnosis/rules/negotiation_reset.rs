//! The Connection Request was answered by RST.

use super::*;
use crate::diagnosis::injection;

pub(super) const RULE: Rule = Rule { code: "negotiation-reset", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let end = session.closed_first(Dir::ServerToClient, true)?;
    let verdict = ended_after_request(session, RULE.code, end, "RST")?;
    Some(injection::with_rival(session, verdict))
}
