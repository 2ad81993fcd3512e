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
    let absence = Absence { after: syn_ack.last, until: tcp.observed_until, ended: session.until() };
    let repeated_syn = syn.count > 1;
    let hint = if repeated_syn {
        "The client repeated its SYN as well, so the server's answers did not reach it."
    } else {
        "The client did not repeat its SYN, so it had the answer: its acknowledgement was lost on the way."
    };
    let times = match syn_ack.count - 1 {
        1 => "once".to_owned(),
        n => format!("{n} times"),
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
        .explain(format!("The server answered and repeated its answer {times}. {hint}")),
    )
}
