//! Connected, or half-open, and left by the client without a byte.

use super::*;

pub(super) const RULE: Rule = Rule { code: "tcp-probe", supersedes: &[], check };

fn check(session: &Session, context: &Context<'_>) -> Option<Verdict> {
    let tcp = &session.tcp;
    let closing = tcp.closing.filter(|closing| closing.dir == Dir::ClientToServer)?;
    let nothing_sent = tcp.dir[Dir::ClientToServer].sent == 0
        && tcp.dir[Dir::ServerToClient].sent == 0
        && !session.lacks(Dir::ClientToServer)
        && !session.holes(Dir::ClientToServer)
        && !session.lacks(Dir::ServerToClient)
        && !session.facts.midstream;
    if tcp.syn_ack.is_none() || !nothing_sent {
        return None;
    }
    if context.short {
        return Some(Verdict::short(RULE.code, Outcome::Probe));
    }
    let how = if closing.reset { "RST" } else { "FIN" };
    Some(
        Verdict::new(
            RULE.code,
            Outcome::Probe,
            Side::Unknown,
            Confidence::Likely,
            Evidence::seen(closing.stamp, format!("client left with {how} before it sent a byte")),
        )
        .with(tcp.syn_ack.map(|syn_ack| Evidence::seen(syn_ack.first, "server accepted the connection (SYN-ACK)")))
        .explain("The connection was opened and left without a single byte from the client, as port scanners and health checks do."),
    )
}
