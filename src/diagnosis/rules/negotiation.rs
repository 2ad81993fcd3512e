//! What the rules of the X.224 negotiation share.

use super::*;

/// A Connection Request that nothing of the server's payload answered, in a capture that would show it.
pub(super) fn request_unanswered(session: &Session) -> Option<&Seen<ConnectionRequest>> {
    let request = session.facts.request.as_ref()?;
    // A request in the SYN (RFC 7413) waits for the connection first.
    let connected = session.tcp.syn.is_none() || session.tcp.syn_ack.is_some();
    let unanswered = connected
        && session.facts.confirm.is_none()
        && session.facts.tls.is_none()
        && session.facts.inside.is_none()
        && session.facts.foreign.is_none()
        && session.tcp.dir[Dir::ServerToClient].bytes == 0
        && !session.lacks(Dir::ServerToClient);
    unanswered.then_some(request)
}

/// The server's side ended the connection at `end`, by `how`, with nothing but that in answer to the
/// Connection Request.
pub(super) fn ended_after_request(
    session: &Session,
    code: &'static str,
    end: Stamp,
    how: &str,
) -> Option<Verdict> {
    let request = request_unanswered(session)?;
    let delay = delay(request.span.last, end);
    let text =
        format!("server's side sent {how} {delay} after the Connection Request; no Connection Confirm");
    Some(
        Verdict::failed(code, Side::Server, Confidence::Possible, Evidence::seen(end, text))
            .with(Evidence::of(request, request_text(&request.value)))
            .explain(format!(
                "{} took the connection and ended it with {how} {delay} after the first RDP message, without an \
                 answer.",
                server(session)
            )),
    )
}

/// A negotiation failure with this code, as the server sent it.
pub(super) fn negotiation_failure(
    session: &Session,
    code: &'static str,
    matches: impl Fn(FailureCode) -> bool,
) -> Option<Verdict> {
    let confirm = session.facts.confirm.as_ref()?;
    let Some(NegotiationResponse::Failure { code: failure }) = confirm.value.negotiation else { return None };
    if !matches(failure) {
        return None;
    }
    let text = format!("server answered with RDP_NEG_FAILURE {} ({})", failure.0, failure);
    let asked =
        session.facts.request.as_ref().map(|request| Evidence::of(request, request_text(&request.value)));
    let asked_for = match session.facts.request.as_ref().map(|request| request.value.negotiation) {
        Some(Some(negotiation)) => {
            format!("The client asked for {}; the", protocols_text(negotiation.protocols))
        }
        Some(None) => "The client asked for no negotiation at all; the".to_owned(),
        None => "The".to_owned(),
    };
    Some(
        Verdict::failed(code, Side::Server, Confidence::Certain, Evidence::of(confirm, text))
            .with(asked)
            .explain(format!("{asked_for} server refused with {failure} and named the reason itself.")),
    )
}
