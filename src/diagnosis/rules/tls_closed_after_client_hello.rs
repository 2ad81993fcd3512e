//! FIN in answer to the ClientHello.

use super::*;

pub(super) const RULE: Rule = Rule { code: "tls-closed-after-client-hello", supersedes: &[], check };

fn check(session: &Session, context: &Context<'_>) -> Option<Verdict> {
    // xrdp that can't use its certificate says goodbye in clear and leaves the closing to the client.
    let goodbye = session
        .facts
        .clear_ultimatum
        .filter(|ultimatum| ultimatum.value == Dir::ServerToClient)
        .map(|ultimatum| ultimatum.span.first)
        .filter(|goodbye| session.tcp.closing.is_none_or(|closing| goodbye.before(&closing.stamp)));
    let (end, how) = match goodbye {
        Some(goodbye) => (goodbye, "a Disconnect Provider Ultimatum in clear"),
        None => (session.closed_first(Dir::ServerToClient, false)?, "FIN"),
    };
    let alike = context.server.map_or(0, |server| server.closed_after_hello);
    ended_after_hello(session, context, RULE.code, end, how, alike)
}
