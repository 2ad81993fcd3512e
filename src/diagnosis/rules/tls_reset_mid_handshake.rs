//! Reset or closed by the server's side between ServerHello and the handshake's end.

use super::*;

pub(super) const RULE: Rule = Rule { code: "tls-reset-mid-handshake", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let tls = session.facts.tls.as_deref()?;
    let hello = tls.server_hello.as_ref().or(tls.retry.as_ref())?;
    let end = session.tcp.closing.filter(|closing| closing.dir == Dir::ServerToClient)?;
    if tls.established.is_some() || session.lacks_any() || deciding_alert(session).is_some() || client_goodbye(session, tls).is_some() || tls.hidden_refusal.is_some() {
        return None;
    }
    let how = if end.reset { "RST" } else { "FIN" };
    let last = last_record_before(tls, end.stamp).unwrap_or(hello.span.last);
    let done = if tls.finished[Dir::ClientToServer].is_some() { "after the client's Finished" } else { "before the client's Finished" };
    let verdict = Verdict::failed(
            RULE.code,
            Side::Server,
            Confidence::Possible,
            Evidence::seen(end.stamp, format!("server's side sent {how} {done}, {} after the last TLS record, with no alert", delay(last, end.stamp))),
        )
        .with(Evidence::of(hello, format!("server had chosen {}", hello.value.version)))
        .explain(format!("The TLS handshake was under way ({} chosen) when the server's side ended the connection with {how} {done}.", hello.value.version));
    Some(crate::diagnosis::injection::with_rival(session, verdict))
}
