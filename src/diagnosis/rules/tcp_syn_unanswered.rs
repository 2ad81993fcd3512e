//! The SYN was never answered.

use super::*;
use crate::base::{Absence, Timestamp};

pub(super) const RULE: Rule = Rule { code: "tcp-syn-unanswered", supersedes: &[], check };

/// One SYN is enough where the capture goes on this long; the first retry of every common stack comes
/// earlier.
const ONE_SYN: i64 = 3 * Timestamp::SECOND;

fn check(session: &Session, context: &Context<'_>) -> Option<Verdict> {
    let tcp = &session.tcp;
    let syn = tcp.syn?;
    let client = &tcp.dir[Dir::ClientToServer];
    let silent = tcp.dir[Dir::ServerToClient].packets == 0
        && tcp.icmp.is_none()
        && client.packets == u64::from(syn.count)
        && !session.lacks(Dir::ServerToClient);
    if !silent || (syn.count < 2 && tcp.observed_until.since(syn.last.time) < ONE_SYN) {
        return None;
    }
    if context.short {
        return Some(Verdict::short(RULE.code, Outcome::Failed));
    }
    let absence = Absence { after: syn.first, until: tcp.observed_until, ended: session.until() };
    let attempts = match syn.count {
        1 => "one SYN".to_owned(),
        n => format!("{n} SYNs over {}", delay(syn.first, syn.last)),
    };
    Some(
        Verdict::failed(
            RULE.code,
            Side::Unknown,
            Confidence::Likely,
            Evidence::seen(crate::base::Span { first: syn.first, last: syn.last }, format!("client sent {attempts}")),
        )
        .with(Evidence::absent(&absence, "no SYN-ACK, RST or ICMP error"))
        .explain(format!(
            "The client sent {attempts} to {}. Neither an acceptance nor a refusal reached this capture point, \
             so the request or its answer was dropped on the way, or nothing lives at that address.",
            server(session)
        )),
    )
}
