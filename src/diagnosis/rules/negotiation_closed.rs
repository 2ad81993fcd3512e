//! The Connection Request was answered by FIN.

use super::*;

pub(super) const RULE: Rule = Rule { code: "negotiation-closed", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let request = request_unanswered(session)?;
    let end = session.closed_first(Dir::ServerToClient, false)?;
    let delay = delay(request.span.last, end);
    Some(
        Verdict::failed(
            RULE.code,
            Side::Server,
            Confidence::Possible,
            Evidence::seen(end, format!("server's side sent FIN {delay} after the Connection Request, no Connection Confirm before it")),
        )
        .with(Evidence::of(request, request_text(&request.value)))
        .explain(format!("{} took the connection and ended it with FIN {delay} after the first RDP message, without an answer.", server(session))),
    )
}
