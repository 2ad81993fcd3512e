//! The ClientHello got no answer.

use super::*;

pub(super) const RULE: Rule = Rule { code: "tls-silent-after-client-hello", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let (tls, hello) = hello_unanswered(session)?;
    if tls.alerts.iter().any(|alert| alert.value.is_fatal()) || session.facts.clear_ultimatum.is_some() {
        return None;
    }
    let absence = session.silence(Dir::ServerToClient, hello.last)?;
    Some(unanswered(session, RULE.code, Evidence::seen(hello, "client sent the ClientHello"), &absence))
}
