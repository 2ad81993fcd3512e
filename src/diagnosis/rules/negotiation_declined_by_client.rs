//! The server chose a protocol and the client left.

use super::*;
use crate::protocol::negotiation::Protocols;
use crate::session::protocols_text;

pub(super) const RULE: Rule = Rule { code: "negotiation-declined-by-client", supersedes: &[], check };

fn check(session: &Session, context: &Context<'_>) -> Option<Verdict> {
    let facts = &session.facts;
    let (request, selected) = (facts.request.as_ref()?, session.selected()?);
    let end = session.tcp.closing.filter(|closing| closing.dir == Dir::ClientToServer)?;
    let went_on = facts.inside.is_some()
        || facts.tls.as_ref().is_some_and(|tls| tls.begun[Dir::ClientToServer].is_some())
        || session.tcp.dir[Dir::ClientToServer].last_data.is_some_and(|data| selected.span.last.before(&data))
        || session.lacks(Dir::ClientToServer)
        || session.holes(Dir::ClientToServer)
        || end.stamp.before(&selected.span.last);
    if went_on {
        return None;
    }
    if context.short {
        return Some(Verdict::short(RULE.code, Outcome::Failed));
    }
    let asked = request.value.negotiation.map_or(Protocols::RDP, |negotiation| negotiation.protocols);
    let unasked = !asked.contains(selected.value) || (selected.value == Protocols::RDP && asked != Protocols::RDP);
    let (chose, wanted) = (protocols_text(selected.value), protocols_text(asked));
    let how = if end.reset { "RST" } else { "FIN" };
    let verdict = Verdict::failed(
        RULE.code,
        Side::Client,
        if unasked { Confidence::Likely } else { Confidence::Possible },
        Evidence::seen(end.stamp, format!("client left with {how}, {} after the Connection Confirm", delay(selected.span.last, end.stamp))),
    )
    .with(Evidence::of(request, request_text(&request.value)))
    .with(Evidence::of(&selected, format!("server chose {chose}")));
    Some(if unasked {
        verdict.explain(format!("The client asked for {wanted}; the server chose {chose}, which the client had not offered, and the client left without a further byte."))
    } else {
        verdict
            .explain(format!("The server chose {chose}, which the client had offered, and yet the client left without a further byte."))
            .rival("a port scanner or health check that only asks what the server supports", "the client's address belongs to a monitoring system, or comes back at regular intervals")
    })
}
