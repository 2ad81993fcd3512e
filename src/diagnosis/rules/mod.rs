//! One rule a file, named by its code.

use super::{Confidence, Context, Evidence, Outcome, Side, Verdict};
use crate::base::{Absence, Dir, Seen, Span, Stamp, Timestamp, Until};
use crate::protocol::negotiation::{ConnectionRequest, FailureCode, NegotiationResponse};
use crate::protocol::tls::{AlertDescription, ClientHello, ContentType, Version, cipher_name};
use crate::session::{Alert, Closing, End, Record, Session, Stall, Tls, UdpSession, protocols_text};

mod waiting;

use waiting::{choked, idle_before, nothing_from_server, stalled};

/// One diagnosis: its code, the codes that it goes before, and its test.
#[derive(Debug)]
pub struct Rule<S = Session> {
    /// The code of the contract.
    pub code: &'static str,
    /// Codes that give way where both fit.
    pub supersedes: &'static [&'static str],
    /// The verdict, where the session shows it; in short where [`Context::short`] asks for no more.
    pub check: fn(&S, &Context<'_>) -> Option<Verdict>,
}

impl<S> Clone for Rule<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Rule<S> {}

/// Codes of the phase in which a connection broke or ended, and `$more`: a proven fault of the path goes before
/// them.
macro_rules! phase_codes {
    ($($more:literal),*) => {
        [
            "tcp-probe",
            "negotiation-silent",
            "negotiation-reset",
            "negotiation-closed",
            "negotiation-declined-by-client",
            "tls-reset-after-client-hello",
            "tls-closed-after-client-hello",
            "tls-silent-after-client-hello",
            "tls-reset-mid-handshake",
            "tls-certificate-rejected",
            "tls-certificate-expired",
            "client-left-after-tls",
            "nla-authentication-failed",
            "nla-silent",
            "nla-reset",
            "licensing-failed",
            "server-disconnected",
            "setup-reset",
            "setup-silent",
            "healthy",
            $($more),*
        ]
    };
}

macro_rules! registry {
    ([$($connect:ident,)*] $($module:ident,)*) => {
        $(mod $connect;)*
        $(mod $module;)*
        pub(super) mod inconclusive;
        pub(super) mod udp;

        /// Those that can fire where no payload was seen.
        pub const CONNECT: &[Rule] = &[$($connect::RULE,)*];
        /// Every rule.
        pub const REGISTRY: &[Rule] = &[$($connect::RULE,)* $($module::RULE,)*];
    };
}

registry! {
    [
        tcp_syn_unanswered,
        tcp_connection_refused,
        tcp_unreachable,
        tcp_handshake_incomplete,
        tcp_probe,
    ]
    negotiation_silent,
    negotiation_reset,
    negotiation_closed,
    negotiation_ssl_required,
    negotiation_ssl_not_allowed,
    negotiation_ssl_cert_missing,
    negotiation_inconsistent_flags,
    negotiation_nla_required,
    negotiation_ssl_user_auth_required,
    negotiation_failure_unknown,
    negotiation_declined_by_client,
    not_rdp,
    tls_reset_after_client_hello,
    tls_closed_after_client_hello,
    tls_silent_after_client_hello,
    tls_cipher_mismatch,
    tls_version_mismatch,
    tls_certificate_expired,
    tls_certificate_rejected,
    tls_alert,
    tls_reset_mid_handshake,
    client_left_after_tls,
    nla_authentication_failed,
    nla_silent,
    nla_reset,
    mcs_refused,
    licensing_failed,
    server_denied_connection,
    server_error_info,
    server_disconnected,
    redirected,
    setup_reset,
    setup_silent,
    path_reset_injected,
    path_mtu_black_hole,
    path_stalled,
    healthy,
    session_reset,
    session_lost,
    session_lossy,
}

macro_rules! udp_registry {
    ($($module:ident,)*) => {
        $(mod $module;)*

        /// Every rule of an RDP-UDP flow.
        pub const UDP_REGISTRY: &[Rule<UdpSession>] = &[$($module::RULE,)*];
    };
}

udp_registry! {
    udp_blocked,
    udp_handshake_incomplete,
}

/// "1.4 ms" or "12.0 s" from one packet to another.
fn delay(from: Stamp, to: Stamp) -> String {
    // Time may run backwards; order does not.
    let seconds = to.time.seconds_since(from.time).max(0.0);
    if seconds.abs() < 1.0 { format!("{:.1} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}

/// "10.0.0.1 port 3389".
fn server(session: &Session) -> String {
    format!("{} port {}", session.tcp.server.ip(), session.tcp.server.port())
}

/// What an end sent when it left.
fn how(session: &Session, left: &Closing) -> &'static str {
    let alert = session.tcp.closing.is_none_or(|closing| left.stamp.before(&closing.stamp));
    match (alert, left.reset) {
        (true, _) => "an encrypted TLS alert (a goodbye, mostly)",
        (false, true) => "RST",
        (false, false) => "FIN",
    }
}

/// A Connection Request that nothing of the server's payload answered, in a capture that would show it.
fn request_unanswered(session: &Session) -> Option<&Seen<ConnectionRequest>> {
    let request = session.facts.request.as_ref()?;
    // A request in the SYN (RFC 7413) waits for the connection first.
    let connected = session.tcp.syn.is_none() || session.tcp.syn_ack.is_some();
    let unanswered = connected
        && session.facts.confirm.is_none()
        && session.facts.tls.is_none()
        && session.facts.standard.is_none()
        && session.facts.foreign.is_none()
        && session.tcp.dir[Dir::ServerToClient].bytes == 0
        && !session.lacks(Dir::ServerToClient);
    unanswered.then_some(request)
}

/// A ClientHello that nothing of the server's payload answered, in a capture that would show it.
fn hello_unanswered(session: &Session) -> Option<(&Tls, Span)> {
    let tls = session.facts.tls.as_deref()?;
    let hello = tls.client_hello.as_ref()?;
    let confirm = session.facts.confirm.as_ref().map(|confirm| confirm.span.last);
    // Bytes that are no TLS are an answer, too; xrdp's goodbye in clear is looked at by itself.
    let spoke = session.tcp.dir[Dir::ServerToClient].last_data.is_some_and(|data| {
        hello.span.last.before(&data) && confirm.is_none_or(|confirm| confirm.before(&data))
    });
    let unanswered = tls.begun[Dir::ServerToClient].is_none()
        && (!spoke || session.facts.clear_ultimatum.is_some())
        && !session.lacks(Dir::ServerToClient)
        && session.facts.request.is_some();
    unanswered.then_some((tls, hello.span))
}

/// What the client asked for, for evidence: "Connection Request (asks for SSL, HYBRID; user alice)".
fn request_text(request: &ConnectionRequest) -> String {
    match request.negotiation {
        Some(negotiation) => {
            format!(
                "client sent the Connection Request, asking for {}",
                protocols_text(negotiation.protocols)
            )
        }
        None => {
            "client sent the Connection Request without negotiation (Standard RDP Security only)".to_owned()
        }
    }
}

/// A negotiation failure with this code, as the server sent it.
fn negotiation_failure(
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

/// The first fatal alert in clear, unless the connection was already ending when it came.
fn deciding_alert(session: &Session) -> Option<&Seen<Alert>> {
    let tls = session.facts.tls.as_deref()?;
    let alert = tls.alerts.iter().find(|alert| alert.value.is_fatal())?;
    // A sender's own FIN goes behind its alert, in whatever order the capture has them.
    let late = session.tcp.closing.is_some_and(|closing| {
        closing.stamp.before(&alert.span.first) && (closing.reset || closing.dir != alert.value.dir)
    });
    (!late).then_some(alert)
}

/// Whether the server answered the ClientHello with an alert that speaks of no common parameters.
fn answers_hello_with_no_common_suite(session: &Session, tls: &Tls, alert: &Seen<Alert>) -> bool {
    let description = alert.value.description;
    alert.value.dir == Dir::ServerToClient
        && tls.client_hello.is_some()
        && tls.server_hello.is_none()
        && !session.lacks(Dir::ServerToClient)
        && (description == AlertDescription::handshake_failure
            || description == AlertDescription::insufficient_security)
}

/// "handshake_failure (40)".
fn alert_text(alert: &Alert) -> String {
    match alert.description.name() {
        Some(name) => format!("{} ({})", name.to_lowercase(), alert.description.0),
        None => format!("{}", alert.description.0),
    }
}

/// "TLS 1.2, TLS 1.3".
fn versions_text(hello: &ClientHello) -> String {
    let versions: Vec<String> = hello.versions().iter().map(ToString::to_string).collect();
    versions.join(", ")
}

/// Versions and the first suites of an offer.
fn offer_text(hello: &ClientHello) -> String {
    const SHOWN: usize = 6;
    /// Renegotiation and fallback markers, no suites (RFC 5746, RFC 7507).
    const SIGNALLING: [u16; 2] = [0x00FF, 0x5600];
    let suites: Vec<String> = hello
        .suites()
        .into_iter()
        .filter(|id| !SIGNALLING.contains(id))
        .map(|id| cipher_name(id).map_or_else(|| format!("{id:#06x}"), str::to_owned))
        .collect();
    let more =
        if suites.len() > SHOWN { format!(" and {} more", suites.len() - SHOWN) } else { String::new() };
    format!(
        "{} with {}{more}",
        versions_text(hello),
        suites.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ")
    )
}

/// "2026-11-21".
fn day(time: Timestamp) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(time.0))
        .map_or_else(|_| "an impossible date".to_owned(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// Alerts that say that the certificate, not the handshake, was unacceptable (RFC 8446, section 6.2).
const REFUSES_CERTIFICATE: [AlertDescription; 7] = [
    AlertDescription::bad_certificate,
    AlertDescription::unsupported_certificate,
    AlertDescription::certificate_revoked,
    AlertDescription::certificate_expired,
    AlertDescription::certificate_unknown,
    AlertDescription::unknown_ca,
    AlertDescription::bad_certificate_status_response,
];

/// How the client refused the server's certificate.
struct Refusal<'a> {
    alert: Option<&'a Seen<Alert>>,
    evidence: Evidence,
    explanation: String,
}

/// The client refused the certificate: by an alert, by one that its length betrays (TLS 1.3), or by
/// leaving before its Finished.
fn certificate_refusal(session: &Session) -> Option<Refusal<'_>> {
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

/// The client's alert that only says goodbye (close_notify, user_canceled), where it came before the
/// server's side closed.
fn client_goodbye(session: &Session, tls: &Tls) -> Option<Stamp> {
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

/// Whether the client offered `version`: without supported_versions, the version field means "this or
/// older".
fn offers(hello: &ClientHello, version: Version) -> bool {
    if hello.supported_versions.is_empty() {
        return version <= hello.legacy_version;
    }
    hello.supported_versions.contains(&version)
}

/// The server's side ended the connection at `end`, by `how`, with nothing but that in answer to the
/// ClientHello; `alike` earlier sessions of the server ended in the same way.
fn ended_after_hello(
    session: &Session,
    context: &Context<'_>,
    code: &'static str,
    end: Stamp,
    how: &str,
    alike: u32,
) -> Option<Verdict> {
    let (tls, hello) = hello_unanswered(session)?;
    if !tls.alerts.is_empty() {
        return None;
    }
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
    let text = format!("server's side sent {how} {delay} after the ClientHello; no alert, no ServerHello");
    let agreed = "server had agreed to TLS in the Connection Confirm";
    Some(
        Verdict::failed(code, Side::Server, confidence, Evidence::seen(end, text))
            .with(Evidence::seen(hello, "client sent the ClientHello"))
            .with(session.facts.confirm.as_ref().map(|confirm| Evidence::of(confirm, agreed)))
            .owned_by(if worked.is_none() { "certificate" } else { "unknown" })
            .explain(format!(
                "The server agreed to TLS, then its side ended the connection with {how} {delay} after the \
                 ClientHello without saying why.{others}{good}"
            )),
    )
}

/// Where the last record before `end` came; what the other end sent as it crossed is not what was waited on.
fn last_record_before(tls: &Tls, end: Stamp) -> Option<Stamp> {
    tls.recent.iter().map(|record| record.span.last).rfind(|last| last.before(&end))
}

/// Whether the server's TCP acknowledged what the client had sent up to `asked`; the records that it sent as
/// it gave up don't count.
fn acknowledged(session: &Session, asked: Stamp) -> bool {
    let facts = &session.tcp.dir[Dir::ClientToServer];
    let later = session.facts.tls.iter().flat_map(|tls| &tls.recent);
    let later = later.filter(|record| record.dir == Dir::ClientToServer && asked.before(&record.span.first));
    let later: u64 = later.map(|record| 5 + record.length as u64).sum();
    facts.acked.saturating_add(later) >= facts.sent
}

/// The server owed an answer to `asked` and stayed silent: whose doing that was depends on whether its TCP
/// had the question.
fn unanswered(session: &Session, code: &'static str, asked: Evidence, absence: &Absence) -> Verdict {
    let acknowledged = acknowledged(session, absence.after);
    let missing = session.missing(Dir::ServerToClient);
    let (side, owner, stack) = if missing.is_some() {
        let stack = "The server did answer: its later packets stand behind bytes that never came. The answer was lost \
             on the way.";
        (Side::Unknown, "network", stack)
    } else if acknowledged {
        let stack = if session.at(Dir::ServerToClient) {
            "The server's TCP acknowledged the message, so it arrived; the service did not answer it."
        } else {
            "The server's TCP acknowledged the message, so it arrived; no answer of the service reached this \
             capture point."
        };
        (Side::Server, "server", stack)
    } else {
        let stack = "The message was never acknowledged, so it, or every answer to it, was lost on the way.";
        (Side::Unknown, "unknown", stack)
    };
    Verdict::failed(code, side, Confidence::Likely, asked)
        .with(Evidence::absent(absence, nothing_from_server(session)))
        .with(missing.map(|ahead| {
            Evidence::seen(ahead.last, "this packet of the server stands behind bytes that never came")
        }))
        .owned_by(owner)
        .explain(format!("The server owed an answer, and for {:.1} s none came. {stack}", absence.seconds()))
}

/// How the server refused the client's credentials.
struct Refused {
    confidence: Confidence,
    evidence: Evidence,
    asked: Span,
    explanation: String,
}

/// The server ended NLA right after, or about a second after, the client's authenticate message or its
/// credentials: by a goodbye, or by a message too small to be anything but an error.
fn refused_credentials(session: &Session) -> Option<Refused> {
    /// Windows answers wrong credentials after 1.0 s.
    const PAUSE: i64 = 2500 * Timestamp::MILLISECOND;
    /// A TSRequest with nothing but an error code has 15 to 45 bytes; one with a key binding 59 and more.
    const ERROR_REQUEST: usize = 50;
    if !session.in_nla() || session.lacks_any() {
        return None;
    }
    let tls = session.facts.tls.as_deref()?;
    let end = session.server_end();
    // What the client sent after the server's end is no credential that was refused.
    let mut flights = tls.flights();
    flights.retain(|flight| end.is_none_or(|end| !end.stamp.before(&flight.span.first)));
    let legs = flights.iter().filter(|flight| flight.dir == Dir::ClientToServer).count();
    // The first message only offers; the second proves the password.
    let asked = flights.iter().rfind(|flight| flight.dir == Dir::ClientToServer).filter(|_| legs >= 2)?;
    let answer = flights.last().filter(|flight| flight.dir == Dir::ServerToClient);
    let error =
        answer.filter(|answer| answer.records == 1 && tls.hides_at_most(answer.first_len) < ERROR_REQUEST);
    let closed = session.tcp.closing.is_some();
    if let Some(answer) = error.filter(|_| closed) {
        let text = format!(
            "server answered with one small encrypted record ({} bytes), and the connection ended",
            answer.bytes
        );
        return Some(Refused {
            confidence: Confidence::Likely,
            evidence: Evidence::seen(answer.span, text),
            asked: asked.span,
            explanation: "The server answered the client's credentials with a message as small as an error code, and the connection ended.".to_owned(),
        });
    }
    let Closing { stamp: end, reset, .. } = end?;
    let waited = end.time.since(asked.span.last.time);
    if reset || waited > PAUSE {
        return None;
    }
    let pause = delay(asked.span.last, end);
    Some(Refused {
        confidence: Confidence::Likely,
        evidence: Evidence::seen(
            end,
            format!(
                "server ended the connection {pause} after the client's credentials, with a goodbye and no reset"
            ),
        ),
        asked: asked.span,
        explanation: format!(
            "The server ended the logon exchange {pause} after the client had sent its credentials."
        ),
    })
}

/// The server's last record has the length of a Disconnect Provider Ultimatum, and nothing of the client's
/// but its goodbye came after. Only exact lengths count before the client info: under CBC it looks like an
/// Attach User Confirm.
fn hidden_ultimatum(session: &Session) -> Option<Span> {
    let tls = session.facts.tls.as_deref()?;
    session.tcp.closing?;
    let last = tls.recent.iter().rfind(|record| {
        record.content_type == ContentType::application_data && !tls.may_hide(record.length, 2)
    })?;
    let exact = tls.hides_at_most(last.length) == ULTIMATUM;
    let late = session.shape.when(crate::session::Phase::ClientInfo).is_some();
    (last.dir == Dir::ServerToClient && tls.may_be_ultimatum(last) && (exact || late)).then_some(last.span)
}

/// Plaintext bytes of a Disconnect Provider Ultimatum.
const ULTIMATUM: usize = 9;

/// Who sent the last message, TLS goodbyes apart, and its last packet.
fn last_words(session: &Session) -> Option<(Dir, Stamp)> {
    if let Some(tls) = session.facts.tls.as_deref() {
        let said = |record: &&Record| {
            record.content_type == ContentType::application_data
                && !(tls.is_13() && tls.may_hide(record.length, 2))
        };
        return tls.recent.iter().rfind(said).map(|record| (record.dir, record.span.last));
    }
    let last = |dir: Dir| session.tcp.dir[dir].last_data.map(|stamp| (dir, stamp));
    Dir::BOTH.into_iter().filter_map(last).max_by_key(|(_, stamp)| stamp.order)
}

/// The server's side ended the connection at `end`, by `how`, with nothing but that in answer to the
/// Connection Request.
fn ended_after_request(session: &Session, code: &'static str, end: Stamp, how: &str) -> Option<Verdict> {
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
