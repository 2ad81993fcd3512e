//! The flow became active and ended, or was still running, without a fault.

use super::*;
use crate::session::Ended;

pub(super) const RULE: Rule<UdpSession> = Rule { code: "udp-healthy", supersedes: &[], check };

fn check(session: &UdpSession, _: &Context<'_>) -> Option<Verdict> {
    let Some(active) = session.active_since() else { return kept_alive(session) };
    let ending = match (session.closed(Dir::ServerToClient), session.udp.ended) {
        _ if session.tcp_end.is_some() => "It ended with its session.",
        (Some(_), _) => "The client closed its socket at the end, as clients do.",
        (None, Ended::CaptureEnded) => "It was still running when the capture ended.",
        (None, Ended::Evicted) => "It was still running when the room to follow it was needed.",
        (None, _) => "Then it fell silent; UDP knows no goodbye.",
    };
    let begin = if session.flow.syn.is_none() && session.flow.syn_ack.is_none() {
        "The capture begins in the middle of this UDP flow; data went both ways and nothing broke."
    } else {
        "The UDP flow was opened and secured, the tunnel was answered, and data followed."
    };
    let shown = Evidence::seen(active, "data after the tunnel's answer, or both ways in the middle of the flow");
    Some(
        Verdict::new(RULE.code, Outcome::Healthy, Side::Unknown, Confidence::Likely, shown)
            .explain(format!("{begin} {ending}")),
    )
}

/// A client drops a tunnel that was refused, so one that both ends keep alive was not.
fn kept_alive(session: &UdpSession) -> Option<Verdict> {
    const ALIVE: i64 = 10 * Timestamp::SECOND;
    let answer = session.flow.inside.answer()?;
    let last = session.udp.dir.map(|dir| dir.last.filter(|last| last.time.since(answer.last.time) >= ALIVE));
    let (client, server) = (last.client_to_server?, last.server_to_client?);
    let (first, last) = if client.before(&server) { (client, server) } else { (server, client) };
    Some(
        Verdict::new(
            RULE.code,
            Outcome::Healthy,
            Side::Unknown,
            Confidence::Possible,
            Evidence::seen(answer, "server's answer to the tunnel request, by its length"),
        )
        .with(Evidence::seen(Span { first, last }, "both ends still kept the flow alive"))
        .explain(
            "The UDP flow was opened and secured, and the tunnel was answered. No data followed, but both ends kept the \
             flow alive, which a client does not do with a tunnel that was refused.",
        ),
    )
}
