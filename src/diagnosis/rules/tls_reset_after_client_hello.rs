//! RST in answer to the ClientHello.

use super::*;

pub(super) const RULE: Rule = Rule { code: "tls-reset-after-client-hello", supersedes: &[], check };

fn check(session: &Session, context: &Context<'_>) -> Option<Verdict> {
    let (_, hello) = hello_unanswered(session)?;
    let end = session.closed_first(Dir::ServerToClient, true)?;
    let delay = delay(hello.last, end);
    let others = context.server.map_or(0, |server| server.reset_after_hello);
    let worked = context.server.and_then(|server| server.established);
    // Like failures of this server and no success speak for its certificate or key.
    let confidence = if others > 0 && worked.is_none() { Confidence::Likely } else { Confidence::Possible };
    let alike = match (others, context.server.is_some_and(|server| server.many_clients)) {
        (0, _) => String::new(),
        (n, true) => format!(" {n} earlier connections of several clients to this server ended alike."),
        (n, false) => format!(" {n} earlier connections of the same client to this server ended alike."),
    };
    let good = worked.map_or(String::new(), |(_, _, stamp)| {
        format!(" An earlier handshake with this server succeeded (frame {}), so its certificate and key work.", stamp.at.number())
    });
    Some(
        Verdict::failed(
            RULE.code,
            Side::Server,
            confidence,
            Evidence::seen(end, format!("server's side sent RST {delay} after the ClientHello, no alert and no ServerHello before it")),
        )
        .with(Evidence::seen(hello, "client sent the ClientHello"))
        .with(session.facts.confirm.as_ref().map(|confirm| Evidence::of(confirm, "server had agreed to TLS in the Connection Confirm")))
        .explain(format!("The server agreed to TLS, then its side ended the connection with RST {delay} after the ClientHello without saying why.{alike}{good}")),
    )
}
