//! Reset or closed by the server's side during the exchange, with no sign of refused credentials.

use super::*;

pub(super) const RULE: Rule = Rule { code: "nla-reset", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    if !session.in_nla() || session.lacks_any() || refused_credentials(session).is_some() {
        return None;
    }
    let tls = session.facts.tls.as_deref()?;
    let Closing { stamp: end, reset, .. } = session.server_end()?;
    let last = tls.opening.iter().rfind(|record| record.span.last.before(&end))?;
    let how = if reset { "RST" } else { "FIN" };
    let legs = tls.flights().iter().filter(|flight| flight.dir == Dir::ClientToServer).count();
    let text = format!("server's side ended the connection by {how}, {} after the last message", delay(last.span.last, end));
    let verdict = Verdict::failed(RULE.code, Side::Server, Confidence::Possible, Evidence::seen(end, text))
        .with(Evidence::seen(last.span, format!("last message of the {}", last.dir.sender())))
        .explain(format!(
            "The logon exchange was under way ({}) when the server's side ended it by {how}, \
             without the pause or the goodbye that refused credentials mostly show.",
            if legs == 1 { "one message of the client".to_owned() } else { format!("{legs} messages of the client") }
        ))
        // The first message only offers.
        .knowing(Fact::Password, legs >= 2);
    Some(crate::diagnosis::injection::with_rival(session, verdict))
}
