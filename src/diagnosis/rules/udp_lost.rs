//! An active flow in which nothing came back any more, or whose server closed its socket.

use super::udp::absent;
use super::*;

pub(super) const RULE: Rule<UdpSession> =
    Rule { code: "udp-lost", supersedes: &["udp-healthy", "udp-lossy"], check };

/// Silence that is no pause: repeats come within a second or two.
const LASTED: i64 = 5 * Timestamp::SECOND;

fn check(session: &UdpSession, _: &Context<'_>) -> Option<Verdict> {
    session.active_since()?;
    closed(session).or_else(|| silent(session))
}

/// The server says that its socket is closed, while the session goes on.
fn closed(session: &UdpSession) -> Option<Verdict> {
    let error = session.closed(Dir::ClientToServer)?;
    if session.tcp_end.is_some_and(|end| end.before(&error.span.first)) {
        return None;
    }
    let from = error.value.from;
    Some(
        Verdict::failed(
            RULE.code,
            Side::Server,
            Confidence::Likely,
            Evidence::of(error, format!("ICMP error from {from}: its UDP port is closed")),
        )
        .titled("The server closed the UDP flow under the client")
        .owned_by("server")
        .explain(format!(
            "The UDP flow was active. Then the server answered with ICMP that its port is closed.{}",
            after(session)
        )),
    )
}

fn silent(session: &UdpSession) -> Option<Verdict> {
    let silence = session.silence().filter(|silence| silence.lasted >= LASTED)?;
    let sent = silence.sent;
    let (silent, other) = (silence.silent.sender(), silence.silent.flip().sender());
    let last = silence.last.map(|last| Evidence::seen(last, format!("last datagram of the {silent}")));
    let span = Span { first: sent.first, last: sent.last };
    let over = delay(sent.first, sent.last);
    Some(
        Verdict::failed(
            RULE.code,
            Side::Unknown,
            Confidence::Likely,
            Evidence::seen(span, format!("{other} sent {} datagrams over {over} without an answer", sent.count)),
        )
        .with(last)
        .with(absent(session, sent.first, &format!("no datagram from the {silent}")))
        .explain(format!(
            "The UDP flow was active. Then nothing of the {silent} reached this capture point any more, while the {other} \
             went on. Whether the path failed or the {silent} was gone, one place alone does not show.{}",
            after(session)
        )),
    )
}

fn after(session: &UdpSession) -> String {
    let since = session.silence().map(|silence| silence.sent.first);
    match (session.joined, session.tcp_end, since) {
        (None, _, _) => " Its TCP session is not in this capture.".to_owned(),
        (Some(_), Some(end), Some(since)) => {
            format!(" The TCP session went on without it, and ended {} later.", delay(since, end))
        }
        (Some(_), _, _) => " The TCP session went on without it.".to_owned(),
    }
}
