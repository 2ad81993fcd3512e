//! The client's RDP-UDP SYNs were never answered, or by ICMP.

use super::udp::{absent, server, tcp_goes_on};
use super::*;
use crate::knowledge::codes;

pub(super) const RULE: Rule<UdpSession> = Rule { code: "udp-blocked", supersedes: &[], check };

/// One SYN is enough where it stayed unanswered this long; clients repeat it sooner or little later.
const ONE_SYN: i64 = 3 * Timestamp::SECOND;

fn check(session: &UdpSession, _: &Context<'_>) -> Option<Verdict> {
    let syns = session.unanswered_syns()?;
    let sent = Evidence::seen(Span { first: syns.first, last: syns.last }, format!("client sent {}", count(syns.count)));
    let goes_on = tcp_goes_on(session);
    let too_big = session.too_big(Dir::ClientToServer);
    if let Some(quoted) = &session.udp.icmp[Dir::ClientToServer]
        && too_big.is_none()
    {
        let error = quoted.error.value;
        let words = codes::icmp(error.v6, error.kind, error.code).map_or_else(
            || format!("type {} code {}", error.kind, error.code),
            |row| row.meaning.to_owned(),
        );
        let family = if error.v6 { "ICMPv6" } else { "ICMP" };
        let from_server = error.from == session.udp.server.ip();
        let (side, owner, who) = if from_server {
            (Side::Server, "server", "the server itself".to_owned())
        } else {
            (Side::Network, "network", format!("{}, on the way", error.from))
        };
        let title = if from_server {
            "The server itself takes no Remote Desktop traffic over UDP"
        } else {
            "The network refuses Remote Desktop traffic over UDP"
        };
        return Some(
            Verdict::failed(
                RULE.code,
                side,
                Confidence::Certain,
                Evidence::of(&quoted.error, format!("{family} error from {}: {words}", error.from)),
            )
            .with(sent)
            .titled(title)
            .owned_by(owner)
            .knowing(Fact::Icmp, true)
            .explain(format!(
                "The client's request for UDP to {} came back as \"{words}\", said by {who}.{goes_on}",
                server(session)
            )),
        );
    }
    let waited = session.watched_until().since(syns.first.time);
    if syns.count < 2 && waited < ONE_SYN {
        return None;
    }
    Some(
        Verdict::failed(RULE.code, Side::Unknown, Confidence::Likely, sent)
            .with(too_big.map(|quoted| Evidence::of(&quoted.error, "ICMP error: the SYN was too big for a link")))
            .with(absent(session, syns.first, if too_big.is_some() { "no SYN+ACK" } else { "no SYN+ACK and no ICMP error" }))
            .explain(format!(
                "The client asked for UDP to {} with {}, and nothing came back: a firewall drops UDP on the way, or the \
                 server's UDP transport is off.{goes_on}",
                server(session),
                count(syns.count)
            )),
    )
}

fn count(syns: u32) -> String {
    if syns == 1 { "one RDP-UDP SYN".to_owned() } else { format!("{syns} RDP-UDP SYNs") }
}
