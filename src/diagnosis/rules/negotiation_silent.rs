//! The Connection Request got no answer.

use super::*;

pub(super) const RULE: Rule = Rule { code: "negotiation-silent", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let request = request_unanswered(session)?;
    let absence = session.silence(Dir::ServerToClient, request.span.last)?;
    let asked = Evidence::of(request, request_text(&request.value));
    Some(unanswered(session, RULE.code, asked, &absence))
}
