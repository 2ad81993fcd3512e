//! RST in answer to the ClientHello.

use super::*;

pub(super) const RULE: Rule = Rule { code: "tls-reset-after-client-hello", supersedes: &[], check };

fn check(session: &Session, context: &Context<'_>) -> Option<Verdict> {
    let end = session.closed_first(Dir::ServerToClient, true)?;
    let alike = context.server.map_or(0, |server| server.reset_after_hello);
    ended_after_hello(session, context, RULE.code, end, "RST", alike)
}
