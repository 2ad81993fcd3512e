//! What the rules of RDP-UDP flows share, and what is said of a flow where none fires.

use super::*;

/// What never came after `after`, as far as the session lasted.
pub(super) fn absent(session: &UdpSession, after: Stamp, what: &str) -> Evidence {
    Evidence::awaited(&session.absence(after), what, "its session ended")
}

/// Only a TCP session's outcome can be worse than its flow's: what that means for the user.
pub(super) fn tcp_goes_on(session: &UdpSession) -> &'static str {
    if session.joined.is_some() {
        " The session itself went on over TCP: UDP is only its fast lane."
    } else {
        " Its TCP session is not in this capture; clients go on over TCP where UDP fails."
    }
}

/// "10.0.0.1 port 3389".
pub(super) fn server(session: &UdpSession) -> String {
    format!("{} port {}", session.udp.server.ip(), session.udp.server.port())
}

/// The verdict where no rule fired.
pub(in crate::diagnosis) fn inconclusive(session: &UdpSession) -> Verdict {
    let (text, explanation) = missing(session);
    Verdict::new(
        "inconclusive",
        Outcome::Inconclusive,
        Side::Unknown,
        Confidence::Possible,
        Evidence::seen(session.udp.last, text),
    )
    .explain(explanation)
}

fn missing(session: &UdpSession) -> (String, String) {
    let phase = session.phase().title();
    if let Some(dir) = session.missing_direction() {
        let (silent, other) = (dir.sender(), dir.flip().sender());
        return (
            format!("no datagram of the {silent} was captured"),
            format!(
                "Only one direction of this flow was captured: no datagram of the {silent} is in the file, though the \
                 {other} went on as if answered. Capture again where both directions pass."
            ),
        );
    }
    if session.flow.inside.answer().is_some() && session.flow.inside.response.is_none() {
        return (
            "last datagram; the tunnel's answer before it is encrypted".to_owned(),
            "The server answered the request for the tunnel, and nothing shows how: the answer is encrypted, a refusal is \
             as long as a consent, and no data followed. Give the TLS keys of this flow (--keylog) to read it, or capture longer."
                .to_owned(),
        );
    }
    let left = session.watched_until().seconds_since(session.udp.last.time).max(0.0);
    (
        format!("last datagram, in: {phase}; watched for {left:.1} s after it"),
        format!(
            "This UDP flow was last seen in: {phase}. Too little of it is there to call it healthy, silent or broken."
        ),
    )
}
