//! RST in answer to the ClientHello.

use super::*;
use crate::diagnosis::injection;

pub(super) const RULE: Rule = Rule { code: "tls-reset-after-client-hello", supersedes: &[], check };

fn check(session: &Session, context: &Context<'_>) -> Option<Verdict> {
    let end = session.closed_first(Dir::ServerToClient, true)?;
    let alike = context.server.map_or(0, |server| server.reset_after_hello);
    let verdict = ended_after_hello(session, context, RULE.code, end, "RST", alike)?;
    Some(injection::with_rival(session, verdict))
}
