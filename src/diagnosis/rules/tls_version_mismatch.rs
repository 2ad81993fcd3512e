//! No common TLS version.

use super::*;
use crate::protocol::tls::AlertDescription;

pub(super) const RULE: Rule = Rule { code: "tls-version-mismatch", supersedes: &["tls-reset-mid-handshake", "tls-certificate-rejected"], check };

fn check(session: &Session, context: &Context<'_>) -> Option<Verdict> {
    let tls = session.facts.tls.as_deref()?;
    let hello = tls.client_hello.as_ref()?;
    let offered = versions_text(&hello.value);
    // Every server in use has TLS 1.2.
    let owner = if hello.value.versions().contains(&Version::TLS1_2) { "server" } else { "client" };
    let accepted = context
        .server
        .and_then(crate::diagnosis::ServerHistory::accepted)
        .map_or(String::new(), |accepted| format!(" Another session shows that this server accepts {accepted}."));
    if let Some(alert) = deciding_alert(session).filter(|alert| alert.value.description == AlertDescription::protocol_version) {
        let (side, who) = match alert.value.dir {
            Dir::ClientToServer => (Side::Client, "client"),
            Dir::ServerToClient => (Side::Server, "server"),
        };
        return Some(
            Verdict::failed(
                RULE.code,
                side,
                Confidence::Certain,
                Evidence::of(alert, format!("{who} sent the fatal alert {}", alert_text(&alert.value))),
            )
            .with(Evidence::of(hello, format!("client offered {offered}")))
            .owned_by(owner)
            .explain(format!("The client offered {offered}; the {who} refused with protocol_version: the two have no TLS version in common.{accepted}")),
        );
    }
    let chosen = tls.server_hello.as_ref()?;
    if offers(&hello.value, chosen.value.version) || tls.established.is_some() {
        return None;
    }
    let end = session.tcp.closing?;
    let side = if end.dir == Dir::ClientToServer { Side::Client } else { Side::Server };
    Some(
        Verdict::failed(
            RULE.code,
            side,
            Confidence::Likely,
            Evidence::of(chosen, format!("server chose {}, which the client had not offered", chosen.value.version)),
        )
        .with(Evidence::of(hello, format!("client offered {offered}")))
        .with(Evidence::seen(end.stamp, format!("{} ended the connection", end.dir.sender())))
        .explain(format!("The client offered {offered}; the server chose {}.", chosen.value.version)),
    )
}
