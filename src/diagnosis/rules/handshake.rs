//! What the rules of the TLS handshake share: who refused what, and who only left.

use super::*;

/// A ClientHello that nothing of the server's payload answered, in a capture that would show it.
pub(super) fn hello_unanswered(session: &Session) -> Option<(&Tls, Span)> {
    let tls = session.facts.tls.as_deref()?;
    let hello = tls.client_hello.as_ref()?;
    let confirm = session.facts.confirm.as_ref().map(|confirm| confirm.span.last);
    // Bytes that are no TLS are an answer, too; a warning alert is none, and xrdp's goodbye in clear is looked
    // at by itself.
    let warning = server_warning(tls).map(|warning| warning.span);
    let known = [Some(hello.span.last), confirm, warning.map(|span| span.last)];
    let spoke = session.tcp.dir[Dir::ServerToClient]
        .last_data
        .is_some_and(|data| known.iter().flatten().all(|known| known.before(&data)));
    let unanswered = tls.begun[Dir::ServerToClient]
        .is_none_or(|begun| warning.is_some_and(|span| span.first == begun))
        && (!spoke || session.facts.clear_ultimatum.is_some())
        && !session.lacks(Dir::ServerToClient)
        && (session.facts.request.is_some() || session.facts.is_direct());
    unanswered.then_some((tls, hello.span))
}

/// A warning of the server, such as the close_notify before its FIN.
fn server_warning(tls: &Tls) -> Option<&Seen<Alert>> {
    tls.alerts.iter().find(|alert| alert.value.dir == Dir::ServerToClient && !alert.value.is_fatal())
}

/// The server's side ended the connection at `end`, by `how`, with nothing but that in answer to the
/// ClientHello; `alike` earlier sessions of the server ended in the same way.
pub(super) fn ended_after_hello(
    session: &Session,
    context: &Context<'_>,
    code: &'static str,
    end: Stamp,
    how: &str,
    alike: u32,
) -> Option<Verdict> {
    let (tls, hello) = hello_unanswered(session)?;
    if tls.alerts.iter().any(|alert| alert.value.is_fatal() || alert.value.dir == Dir::ClientToServer) {
        return None;
    }
    let warned = match server_warning(tls) {
        Some(warning) => format!("the warning {}", alert_text(&warning.value)),
        None => "no alert".to_owned(),
    };
    let delay = delay(hello.last, end);
    let worked = context.server.and_then(|server| server.established);
    // Like failures of this server and no success speak for its certificate or key.
    let confidence = if alike > 0 && worked.is_none() { Confidence::Likely } else { Confidence::Possible };
    let many = context.server.is_some_and(|server| server.many_clients);
    let others = match alike {
        0 => String::new(),
        1 => " An earlier connection to this server ended alike.".to_owned(),
        n if many => format!(" {n} earlier connections of several clients to this server ended alike."),
        n => format!(" {n} earlier connections of the same client to this server ended alike."),
    };
    let good = worked.map_or(String::new(), |(_, _, stamp)| {
        let frame = stamp.at.number();
        format!(" An earlier handshake with this server succeeded (frame {frame}), so its key worked then.")
    });
    let text = format!("server's side sent {how} {delay} after the ClientHello; {warned}, no ServerHello");
    let agreed = "server had agreed to TLS in the Connection Confirm";
    let before = match &session.facts.confirm {
        None if session.facts.is_direct() => {
            "The client began with TLS, as with a virtual machine's console; the server's side"
        }
        _ => "The server agreed to TLS, then its side",
    };
    Some(
        Verdict::failed(code, Side::Server, confidence, Evidence::seen(end, text))
            .with(Evidence::seen(hello, "client sent the ClientHello"))
            .with(session.facts.confirm.as_ref().map(|confirm| Evidence::of(confirm, agreed)))
            .owned_by(if worked.is_none() { "certificate" } else { "unknown" })
            .knowing(Fact::WorkedBefore, worked.is_some())
            .explain(format!(
                "{before} ended the connection with {how} {delay} after the \
                 ClientHello without saying why.{others}{good}"
            )),
    )
}

/// The first fatal alert in clear, unless the connection was already ending when it came.
pub(super) fn deciding_alert(session: &Session) -> Option<&Seen<Alert>> {
    let tls = session.facts.tls.as_deref()?;
    let alert = tls.alerts.iter().find(|alert| alert.value.is_fatal())?;
    // A sender's own FIN goes behind its alert, in whatever order the capture has them.
    let late = session.tcp.closing.is_some_and(|closing| {
        closing.stamp.before(&alert.span.first) && (closing.reset || closing.dir != alert.value.dir)
    });
    (!late).then_some(alert)
}

/// Whether the server answered the ClientHello with an alert that speaks of no common parameters.
pub(super) fn answers_hello_with_no_common_suite(session: &Session, tls: &Tls, alert: &Seen<Alert>) -> bool {
    let description = alert.value.description;
    alert.value.dir == Dir::ServerToClient
        && tls.client_hello.is_some()
        && tls.server_hello.is_none()
        && !session.lacks(Dir::ServerToClient)
        && (description == AlertDescription::handshake_failure
            || description == AlertDescription::insufficient_security)
}

/// Whether the client offered `version`: without supported_versions, the version field means "this or
/// older".
pub(super) fn offers(hello: &ClientHello, version: Version) -> bool {
    if hello.supported_versions.is_empty() {
        return version <= hello.legacy_version;
    }
    hello.supported_versions.contains(&version)
}

/// Where the last record before `end` came; what the other end sent as it crossed is not what was waited on.
pub(super) fn last_record_before(tls: &Tls, end: Stamp) -> Option<Stamp> {
    tls.recent.iter().map(|record| record.span.last).rfind(|last| last.before(&end))
}

/// The client's alert that only says goodbye (close_notify, user_canceled), where it came before the
/// server's side closed.
pub(super) fn client_goodbye(session: &Session, tls: &Tls) -> Option<Stamp> {
    let alert =
        tls.alerts.iter().find(|alert| alert.value.dir == Dir::ClientToServer && !alert.value.is_fatal())?;
    let says = [AlertDescription::close_notify, AlertDescription::user_canceled];
    let stamp = alert.span.first;
    let late = session
        .tcp
        .closing
        .is_some_and(|closing| closing.dir == Dir::ServerToClient && closing.stamp.before(&stamp));
    (says.contains(&alert.value.description) && !late).then_some(stamp)
}

/// Alerts that say that the certificate, not the handshake, was unacceptable (RFC 8446, section 6.2).
pub(super) const REFUSES_CERTIFICATE: [AlertDescription; 7] = [
    AlertDescription::bad_certificate,
    AlertDescription::unsupported_certificate,
    AlertDescription::certificate_revoked,
    AlertDescription::certificate_expired,
    AlertDescription::certificate_unknown,
    AlertDescription::unknown_ca,
    AlertDescription::bad_certificate_status_response,
];

/// How the client refused the server's certificate.
pub(super) struct Refusal<'a> {
    pub(super) alert: Option<&'a Seen<Alert>>,
    pub(super) evidence: Evidence,
    pub(super) explanation: String,
}

/// The client refused the certificate: by an alert, by one that its length betrays (TLS 1.3), or by
/// leaving before its Finished.
pub(super) fn certificate_refusal(session: &Session) -> Option<Refusal<'_>> {
    let tls = session.facts.tls.as_deref()?;
    tls.server_hello.as_ref()?;
    if let Some(alert) = deciding_alert(session) {
        let refuses =
            alert.value.dir == Dir::ClientToServer && REFUSES_CERTIFICATE.contains(&alert.value.description);
        let text = alert_text(&alert.value);
        return refuses.then(|| Refusal {
            alert: Some(alert),
            evidence: Evidence::of(alert, format!("client sent the fatal alert {text}")),
            explanation: format!("The client refused the server's certificate and said so: {text}."),
        });
    }
    // What follows rests on what the client did not send.
    if session.lacks_any() {
        return None;
    }
    let closing = session.tcp.closing;
    if let Some(refusal) = tls.hidden_refusal.filter(|_| {
        closing.is_none_or(|c| {
            c.dir == Dir::ClientToServer || !c.stamp.before(&tls.hidden_refusal.map_or(c.stamp, |r| r.first))
        })
    }) {
        return Some(Refusal {
            alert: None,
            evidence: Evidence::seen(refusal, "client sent an alert-sized encrypted record in place of its Finished"),
            explanation: "The client broke off right after the server's certificate, with an encrypted record of an alert's size.".to_owned(),
        });
    }
    let goodbye = client_goodbye(session, tls);
    let left = closing.filter(|closing| closing.dir == Dir::ClientToServer).map(|closing| closing.stamp);
    let left = goodbye.or(left)?;
    if session
        .facts
        .clear_ultimatum
        .is_some_and(|u| u.value == Dir::ServerToClient && u.span.first.before(&left))
    {
        return None;
    }
    let certificate_sent =
        tls.certificates.is_some() || (tls.is_13() && tls.finished[Dir::ServerToClient].is_some());
    let refused =
        certificate_sent && tls.finished[Dir::ClientToServer].is_none() && tls.established.is_none();
    refused.then(|| Refusal {
        alert: None,
        evidence: Evidence::seen(left, "client left after the server's certificate, before its own Finished"),
        explanation: "The client left after the server's certificate, without an alert that says why and before it finished the handshake.".to_owned(),
    })
}
