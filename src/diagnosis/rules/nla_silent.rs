//! The exchange stopped without an answer.

use super::*;

pub(super) const RULE: Rule = Rule { code: "nla-silent", supersedes: &["client-left-after-tls"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let tls = session.facts.tls.as_deref()?;
    let asked = tls.opening.last().filter(|record| record.dir == Dir::ClientToServer);
    let (asked, confidence) = match asked {
        Some(asked) => (asked, Confidence::Likely),
        None => (before_tickets(tls)?, Confidence::Possible),
    };
    if !session.in_nla() || session.server_end().is_some() || tls.hidden_alert[Dir::ServerToClient].is_some() {
        return None;
    }
    let absence = session.silence(Dir::ServerToClient, asked.span.last)?;
    let evidence = Evidence::seen(asked.span, "client's last message of the logon exchange");
    let verdict = unanswered(session, RULE.code, evidence, &absence);
    Some(Verdict { confidence, ..verdict })
}

/// Under TLS 1.3 session tickets follow the handshake unasked, and look like a short answer to the client's
/// first message. No client needs seconds to answer a real one.
fn before_tickets(tls: &Tls) -> Option<&Record> {
    const TICKETS: usize = 2;
    const TICKET: usize = 300;
    let (client, server): (Vec<&Record>, Vec<&Record>) =
        tls.opening.iter().partition(|record| record.dir == Dir::ClientToServer);
    let tickets = server.len() <= TICKETS && server.iter().all(|record| record.length <= TICKET);
    (tls.is_13() && client.len() == 1 && tickets).then(|| client.first().copied())?
}
