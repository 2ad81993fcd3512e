//! TLS or DTLS over the flow failed.

use super::udp::{absent, server, tcp_goes_on};
use super::*;

pub(super) const RULE: Rule<UdpSession> =
    Rule { code: "udp-security-failed", supersedes: &["udp-lossy"], check };

/// As for TCP: where the other end gave up, and where the capture ended.
const GAVE_UP: i64 = Timestamp::SECOND;
const LASTED: i64 = 5 * Timestamp::SECOND;

/// Numbered datagrams of one end that a handshake takes, certificates and repeats included.
const HANDSHAKE: u64 = 30;

fn check(session: &UdpSession, _: &Context<'_>) -> Option<Verdict> {
    if session.phase() != crate::session::Phase::UdpSecurity {
        return None;
    }
    let verdict = alert(session).or_else(|| refused(session)).or_else(|| closed(session)).or_else(|| unanswered(session)).or_else(|| silent(session))?;
    let goes_on = tcp_goes_on(session);
    let explanation = format!("{}{goes_on}", verdict.explanation);
    Some(verdict.explain(explanation))
}

/// "TLS" or "DTLS".
fn kind(session: &UdpSession) -> &'static str {
    if session.flow.inside.is_dtls() == Some(true) { "DTLS" } else { "TLS" }
}

fn failed(side: Side, confidence: Confidence, evidence: Evidence) -> Verdict {
    Verdict::failed(RULE.code, side, confidence, evidence)
}

/// An end said what it disliked.
fn alert(session: &UdpSession) -> Option<Verdict> {
    let tls = &session.flow.inside.tls;
    let alert = tls.alerts.iter().find(|alert| alert.value.is_fatal())?;
    let (who, text) = (alert.value.dir.sender(), alert_text(&alert.value));
    let (side, owner) = match alert.value.dir {
        Dir::ClientToServer if handshake::REFUSES_CERTIFICATE.contains(&alert.value.description) => (Side::Client, "certificate"),
        Dir::ClientToServer => (Side::Client, "client"),
        Dir::ServerToClient => (Side::Server, "server"),
    };
    let evidence = Evidence::of(alert, format!("{who} sent the fatal alert {text}"));
    Some(
        failed(side, Confidence::Certain, evidence)
            .titled(format!("The {who} broke off the security of the UDP flow with the alert {text}"))
            .owned_by(owner)
            .explain(format!("The {who} ended the {} handshake over UDP with {text}.", kind(session))),
    )
}

/// The client did not like the certificate: under TLS 1.3 an encrypted alert tells by its length.
fn refused(session: &UdpSession) -> Option<Verdict> {
    let refusal = session.flow.inside.tls.hidden_refusal?;
    let evidence = Evidence::seen(refusal, "client sent an alert-sized encrypted record in place of its Finished");
    Some(
        failed(Side::Client, Confidence::Likely, evidence)
            .titled("The client refused the server's certificate on the UDP flow")
            .owned_by("certificate")
            .explain("The client broke off right after the server's certificate, with an encrypted record of an alert's size."),
    )
}

/// An end's socket was closed in the middle of it.
fn closed(session: &UdpSession) -> Option<Verdict> {
    let tls = &session.flow.inside.tls;
    let (dir, error) =
        Dir::BOTH.into_iter().find_map(|dir| session.closed(dir).map(|error| (dir.flip(), error)))?;
    // So much both ways is data: the capture lacks a part of the handshake.
    let measured = session.measured();
    if Dir::BOTH.into_iter().all(|dir| measured[dir].sent > HANDSHAKE) {
        return None;
    }
    // What came with or after the session's end is no fault.
    if session.tcp_end.is_some_and(|end| end.before(&error.span.first)) {
        return None;
    }
    let who = dir.sender();
    let evidence = Evidence::of(error, format!("ICMP error from the {who}: its socket is closed"));
    let certificate = tls.certificates.is_some() || tls.is_13() && tls.finished[Dir::ServerToClient].is_some();
    let unfinished = tls.finished[Dir::ClientToServer].is_none();
    let kind = kind(session);
    Some(match dir {
        Dir::ClientToServer if certificate && unfinished => failed(Side::Client, Confidence::Likely, evidence)
            .titled("The client left the UDP flow after the server's certificate")
            .owned_by("certificate")
            .explain(format!("The client closed its socket after the server's certificate, before it finished the {kind} handshake: it most likely refused the certificate.")),
        Dir::ClientToServer => failed(Side::Client, Confidence::Possible, evidence)
            .owned_by("unknown")
            .explain(format!("The client closed its socket in the middle of the {kind} handshake.")),
        Dir::ServerToClient => failed(Side::Server, Confidence::Likely, evidence)
            .owned_by("server")
            .explain(format!("The server closed its socket in the middle of the {kind} handshake.")),
    })
}

/// The server has the ClientHello, and nothing of its handshake ever came.
fn unanswered(session: &UdpSession) -> Option<Verdict> {
    let tls = &session.flow.inside.tls;
    let hello = tls.client_hello.as_ref()?;
    let answered = tls.begun[Dir::ServerToClient].is_some() || session.measured()[Dir::ServerToClient].sent > 0;
    let waited = session.watched_until().since(hello.span.last.time);
    let enough = if session.tcp_end.is_some() { GAVE_UP } else { LASTED };
    if answered || waited < enough {
        return None;
    }
    let kind = kind(session);
    let heard = session.udp.dir[Dir::ServerToClient].last.filter(|last| hello.span.last.before(last));
    let (side, how) = match heard {
        Some(_) => (Side::Server, "Its UDP acknowledged the message, so it arrived; the service did not answer it."),
        None => (Side::Unknown, "Nothing shows that the message arrived."),
    };
    Some(
        failed(side, Confidence::Likely, Evidence::of(hello, format!("client sent the {kind} ClientHello")))
            .with(heard.map(|heard| Evidence::seen(heard, "server acknowledged it, without an answer")))
            .with(absent(session, hello.span.last, "no message of the server's handshake"))
            .titled("The server never answered the security handshake over UDP")
            .owned_by(if side == Side::Server { "server" } else { "unknown" })
            .explain(format!("{} took the UDP flow and never answered the client's first {kind} message. {how}", server(session))),
    )
}

/// An end owed a message of the handshake.
fn silent(session: &UdpSession) -> Option<Verdict> {
    let silence = session.silence()?;
    let enough = if session.tcp_end.is_some() { GAVE_UP } else { LASTED };
    let sent = silence.sent;
    if silence.lasted < enough || sent.last.time.since(sent.first.time) < GAVE_UP {
        return None;
    }
    let (silent, other) = (silence.silent.sender(), silence.silent.flip().sender());
    let span = Span { first: sent.first, last: sent.last };
    let kind = kind(session);
    let repeated = format!("{other} sent {} datagrams of the {kind} handshake", sent.count);
    let what = format!("no datagram from the {silent}");
    let whose = if silence.silent == Dir::ServerToClient { server(session) } else { "The client".to_owned() };
    Some(
        failed(Side::Unknown, Confidence::Likely, Evidence::seen(span, repeated))
            .with(absent(session, sent.first, &what))
            .titled(format!("The {silent} never answered in the security handshake over UDP"))
            .explain(format!(
                "The opening of the UDP flow worked, then nothing of the {silent} came any more: {whose} did not answer \
                 the {kind} handshake, or the answers are dropped on the way, as by a firewall that looks into it."
            )),
    )
}
