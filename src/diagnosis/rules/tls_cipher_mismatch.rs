//! handshake_failure or insufficient_security in answer to the ClientHello.

use super::*;
use crate::protocol::tls::AlertDescription;

pub(super) const RULE: Rule = Rule { code: "tls-cipher-mismatch", supersedes: &[], check };

fn check(session: &Session, context: &Context<'_>) -> Option<Verdict> {
    let tls = session.facts.tls.as_deref()?;
    let (alert, hello) = (deciding_alert(session)?, tls.client_hello.as_ref()?);
    if !answers_hello_with_no_common_suite(session, tls, alert) {
        return None;
    }
    // insufficient_security says that the suites were too weak; handshake_failure has other causes too.
    let confidence =
        if alert.value.description == AlertDescription::insufficient_security { Confidence::Certain } else { Confidence::Likely };
    let accepted = context.server.and_then(crate::diagnosis::ServerHistory::accepted);
    let known = accepted.map_or(
        "Nothing else in this capture shows what the server accepts.".to_owned(),
        |accepted| format!("Another session shows that this server accepts {accepted}."),
    );
    Some(
        Verdict::failed(
            RULE.code,
            Side::Server,
            confidence,
            Evidence::of(alert, format!("server answered the ClientHello with the fatal alert {}", alert_text(&alert.value))),
        )
        .with(Evidence::of(hello, format!("client offered {}", offer_text(&hello.value))))
        .explain(format!("The server found nothing acceptable in the client's offer: {}. {known}", offer_text(&hello.value))),
    )
}
