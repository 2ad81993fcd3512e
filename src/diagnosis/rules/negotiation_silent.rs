//! The Connection Request got no answer.

use super::*;

pub(super) const RULE: Rule = Rule { code: "negotiation-silent", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let request = request_unanswered(session)?;
    let absence = session.silence(Dir::ServerToClient)?;
    let acknowledged = session.acknowledged(Dir::ClientToServer);
    let (side, stack) = if acknowledged {
        (Side::Server, "The server's TCP acknowledged the request, so it arrived; the service behind the port did not answer.")
    } else {
        (Side::Unknown, "Not even the server's TCP acknowledged the request, so it, or every answer, was lost on the way.")
    };
    Some(
        Verdict::failed(RULE.code, side, Confidence::Likely, Evidence::of(request, request_text(&request.value)))
            .with(Evidence::absent(&absence, "no answer from the server"))
            .owned_by(if acknowledged { "server" } else { "unknown" })
            .explain(stack),
    )
}
