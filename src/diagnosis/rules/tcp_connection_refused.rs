//! A RST answered the SYN.

use super::*;

pub(super) const RULE: Rule = Rule { code: "tcp-connection-refused", supersedes: &["tcp-unreachable"], check };

fn check(session: &Session, context: &Context<'_>) -> Option<Verdict> {
    let refused = session.tcp.refused.as_deref()?;
    if session.tcp.syn_ack.is_some() {
        return None;
    }
    if context.short {
        return Some(Verdict::short(RULE.code, Outcome::Failed));
    }
    let syn = session.tcp.syn;
    let times = if refused.count > 1 { format!(" ({} times)", refused.count) } else { String::new() };
    let after = syn.map_or(String::new(), |syn| format!(", {} after the SYN", delay(syn.first, refused.first)));
    Some(
        Verdict::failed(
            RULE.code,
            Side::Server,
            Confidence::Likely,
            Evidence::seen(refused.first, format!("a RST from {} answered the SYN{times}{after}", server(session))),
        )
        .with(syn.map(|syn| Evidence::seen(syn.first, "client sent the SYN")))
        .explain(format!(
            "{} answered the client's SYN with a RST: nothing listens on that port, or a firewall rejects in the \
             server's name.",
            server(session)
        )),
    )
}
