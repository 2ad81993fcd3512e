//! The server answered the RDP-UDP SYN, again and again, and the client never built on it.

use super::udp::{absent, server, tcp_goes_on};
use super::*;

pub(super) const RULE: Rule<UdpSession> = Rule { code: "udp-handshake-incomplete", supersedes: &[], check };

fn check(session: &UdpSession, _: &Context<'_>) -> Option<Verdict> {
    let answers = session.flow.syn_ack.as_ref()?.seen;
    let went_on = session.flow.spoke[Dir::ClientToServer].is_some();
    // A client whose socket is gone did not fail to get the answer.
    let closed = session.udp.icmp[Dir::ServerToClient].is_some();
    if went_on || closed || answers.count < 2 {
        return None;
    }
    let asked = session.flow.syn.as_ref().map(|syn| syn.seen);
    let again = asked.filter(|syn| answers.first.before(&syn.last)).map(|syn| {
        Evidence::seen(syn.last, "client repeated its SYN, so the answer had not reached it")
    });
    let times = answers.count;
    let span = Span { first: answers.first, last: answers.last };
    Some(
        Verdict::failed(
            RULE.code,
            Side::Unknown,
            Confidence::Likely,
            Evidence::seen(span, format!("server sent its SYN+ACK {times} times")),
        )
        .with(asked.map(|syn| Evidence::seen(syn.first, "client sent the RDP-UDP SYN")))
        .with(again)
        .with(absent(session, answers.first, "nothing of the client that builds on it"))
        .explain(format!(
            "{} accepted the UDP flow {times} times, and the client never went on: what the server sends over UDP does \
             not reach it.{}",
            server(session),
            tcp_goes_on(session)
        )),
    )
}
