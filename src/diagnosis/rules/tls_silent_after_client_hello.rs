//! The ClientHello got no answer.

use super::*;

pub(super) const RULE: Rule = Rule { code: "tls-silent-after-client-hello", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let (_, hello) = hello_unanswered(session)?;
    let absence = session.silence(Dir::ServerToClient)?;
    let acknowledged = session.acknowledged(Dir::ClientToServer);
    let (side, stack) = if acknowledged {
        (Side::Server, "The server's TCP acknowledged the ClientHello, so it arrived; the service did not answer it.")
    } else {
        (Side::Unknown, "The ClientHello was never acknowledged, so it, or every answer to it, was lost on the way.")
    };
    Some(
        Verdict::failed(RULE.code, side, Confidence::Likely, Evidence::seen(hello, "client sent the ClientHello"))
            .with(Evidence::absent(&absence, "no answer from the server"))
            .owned_by(if acknowledged { "server" } else { "unknown" })
            .explain(stack),
    )
}
