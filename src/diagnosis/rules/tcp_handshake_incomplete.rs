//! The SYN-ACK was repeated and never acknowledged.

use super::*;
use crate::base::{Absence, Span};

pub(super) const RULE: Rule = Rule { code: "tcp-handshake-incomplete", supersedes: &[], check };

fn check(session: &Session, context: &Context<'_>) -> Option<Verdict> {
    let tcp = &session.tcp;
    let (syn, syn_ack) = (tcp.syn?, tcp.syn_ack?);
    let client = &tcp.dir[Dir::ClientToServer];
    let unacknowledged = tcp.handshake_ack.is_none()
        && client.packets == u64::from(syn.count)
        && client.rst.is_none()
        && tcp.dir[Dir::ServerToClient].rst.is_none();
    if !unacknowledged || syn_ack.count < 2 {
        return None;
    }
    if context.short {
        return Some(Verdict::short(RULE.code, Outcome::Failed));
    }
    let absence = Absence { after: syn_ack.first, until: tcp.observed_until, ended: session.until() };
    let repeated_syn = syn.count > 1;
    let hint = if repeated_syn {
        "The client repeated its SYN as well, so the server's answers did not reach it."
    } else {
        "The client did not repeat its SYN: it had the answer and its acknowledgement was lost on the way, or nobody was \
         there to ask again."
    };
    Some(
        Verdict::failed(
            RULE.code,
            Side::Unknown,
            Confidence::Likely,
            Evidence::seen(
                Span { first: syn_ack.first, last: syn_ack.last },
                format!("server sent {} SYN-ACKs", syn_ack.count),
            ),
        )
        .with(Evidence::absent(&absence, "no acknowledgement from the client"))
        .knowing(Fact::Alive, repeated_syn)
        .explain(format!("The server sent its answer {} times. {hint}", syn_ack.count)),
    )
}
