//! The ClientHello got no answer.

use super::*;

pub(super) const RULE: Rule = Rule { code: "tls-silent-after-client-hello", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let (_, hello) = hello_unanswered(session)?;
    let absence = session.silence(Dir::ServerToClient, hello.last)?;
    Some(unanswered(session, RULE.code, Evidence::seen(hello, "client sent the ClientHello"), &absence))
}
