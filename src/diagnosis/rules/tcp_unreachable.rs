//! An ICMP error quoted the SYN.

use super::*;
use crate::knowledge::codes;

pub(super) const RULE: Rule = Rule { code: "tcp-unreachable", supersedes: &["tcp-syn-unanswered"], check };

fn check(session: &Session, context: &Context<'_>) -> Option<Verdict> {
    let tcp = &session.tcp;
    let icmp = tcp.icmp.as_deref()?;
    if tcp.syn_ack.is_some() || tcp.handshake_ack.is_some() || tcp.dir[Dir::ServerToClient].packets > 0 {
        return None;
    }
    let error = icmp.value;
    let from_server = error.from == tcp.server.ip();
    let title = if from_server {
        "The server itself reports that it cannot be reached there"
    } else {
        "The network reports that the server cannot be reached"
    };
    if context.short {
        return Some(Verdict::short(RULE.code, Outcome::Failed).titled(title));
    }
    let words = codes::icmp(error.v6, error.kind, error.code).map_or_else(
        || format!("type {} code {}", error.kind, error.code),
        |row| row.meaning.to_owned(),
    );
    let family = if error.v6 { "ICMPv6" } else { "ICMP" };
    let (side, who) = if from_server {
        (Side::Server, "the server itself".to_owned())
    } else {
        (Side::Network, format!("{}, on the way", error.from))
    };
    Some(
        Verdict::failed(
            RULE.code,
            side,
            Confidence::Certain,
            Evidence::of(icmp, format!("{family} error from {}: {words}", error.from)),
        )
        .with(tcp.syn.map(|syn| Evidence::seen(syn.first, "client sent the SYN")))
        .titled(title)
        .knowing(Fact::Prohibited, words.contains("prohibit"))
        .owned_by(if from_server { "server" } else { "network" })
        .explain(format!("The connection request to {} came back as \"{words}\", said by {who}.", server(session))),
    )
}
