//! Words that many rules say.

use super::*;

/// "under 0.1 ms", "1.4 ms" or "12.0 s" from one packet to another.
pub(super) fn delay(from: Stamp, to: Stamp) -> String {
    // Time may run backwards; order does not.
    let seconds = to.time.seconds_since(from.time).max(0.0);
    if seconds < 0.000_05 {
        return "under 0.1 ms".to_owned();
    }
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}

/// "10.0.0.1 port 3389".
pub(super) fn server(session: &Session) -> String {
    format!("{} port {}", session.tcp.server.ip(), session.tcp.server.port())
}

/// What an end sent when it left.
pub(super) fn how(session: &Session, left: &Closing) -> &'static str {
    let alert = session.tcp.closing.is_none_or(|closing| left.stamp.before(&closing.stamp));
    match (alert, left.reset) {
        (true, _) => "an encrypted TLS alert (a goodbye, mostly)",
        (false, true) => "RST",
        (false, false) => "FIN",
    }
}

/// What the client asked for, for evidence: "Connection Request (asks for SSL, HYBRID; user alice)".
pub(super) fn request_text(request: &ConnectionRequest) -> String {
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

/// "handshake_failure (40)".
pub(super) fn alert_text(alert: &Alert) -> String {
    match alert.description.name() {
        Some(name) => format!("{} ({})", name.to_lowercase(), alert.description.0),
        None => format!("{}", alert.description.0),
    }
}

/// "TLS 1.2, TLS 1.3".
pub(super) fn versions_text(hello: &ClientHello) -> String {
    let versions: Vec<String> = hello.versions().iter().map(ToString::to_string).collect();
    versions.join(", ")
}

/// Versions and the first suites of an offer.
pub(super) fn offer_text(hello: &ClientHello) -> String {
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
pub(super) fn day(time: Timestamp) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(time.0))
        .map_or_else(|_| "an impossible date".to_owned(), |time| time.strftime("%Y-%m-%d").to_string())
}
