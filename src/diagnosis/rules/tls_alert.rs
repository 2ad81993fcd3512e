//! Another fatal alert.

use super::*;
use crate::protocol::tls::AlertDescription;

pub(super) const RULE: Rule = Rule { code: "tls-alert", supersedes: &["tls-reset-mid-handshake"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let tls = session.facts.tls.as_deref()?;
    let alert = deciding_alert(session)?;
    let named_elsewhere = answers_hello_with_no_common_suite(session, tls, alert)
        || (alert.value.description == AlertDescription::protocol_version && tls.client_hello.is_some())
        || certificate_refusal(session).is_some();
    if named_elsewhere {
        return None;
    }
    let side = match alert.value.dir {
        Dir::ClientToServer => Side::Client,
        Dir::ServerToClient => Side::Server,
    };
    let who = alert.value.dir.sender();
    let text = alert_text(&alert.value);
    let stage = match &tls.server_hello {
        Some(_) => " after the ServerHello",
        None if session.lacks(Dir::ServerToClient) => "",
        None => " before a ServerHello",
    };
    let meaning = crate::knowledge::codes::tls_alert(alert.value.description.0)
        .map_or(String::new(), |row| format!(" It means: {}.", row.meaning));
    Some(
        Verdict::failed(RULE.code, side, Confidence::Certain, Evidence::of(alert, format!("{who} sent the fatal alert {text}")))
            .titled(format!("The {who} broke off the TLS handshake with the alert {text}"))
            .explain(format!("The {who} ended the TLS handshake{stage} with {text}.{meaning}")),
    )
}
