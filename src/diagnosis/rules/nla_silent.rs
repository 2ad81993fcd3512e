//! The exchange stopped without an answer.

use super::*;

pub(super) const RULE: Rule = Rule { code: "nla-silent", supersedes: &["client-left-after-tls"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let tls = session.facts.tls.as_deref()?;
    let asked = tls.opening.last().filter(|record| record.dir == Dir::ClientToServer)?;
    if !session.in_nla() || session.server_end().is_some() || tls.hidden_alert[Dir::ServerToClient].is_some() {
        return None;
    }
    let absence = session.silence(Dir::ServerToClient)?;
    Some(unanswered(session, RULE.code, Evidence::seen(asked.span, "client's last message of the logon exchange"), &absence))
}
