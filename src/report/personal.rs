//! What a report holds of people, hosts and networks, said in one sentence.

use super::model::{Session, Tls};
use super::source::Source;

type Finds = fn(&Session) -> bool;

/// What is named, and how it is found.
const HELD: [(&str, Finds); 6] = [
    ("IP addresses", |_| true),
    ("user names (cookies or routing tokens)", |session| {
        let fact = |of: &str, name: &str| session.rdp.get(of).is_some_and(|of| !of[name].is_null());
        session.negotiation.cookie.is_some()
            || session.negotiation.routing_token.is_some()
            || session.rdp.contains_key("user_name")
            || ["nla", "licensing", "logon_info", "redirection"].into_iter().any(|of| fact(of, "user_name"))
    }),
    ("host names", |session| {
        let named = |name: &Option<String>| name.is_some();
        named(&session.client.hostname)
            || named(&session.server.hostname)
            || session.rdp.values().any(serde_json::Value::is_string)
            || session.gateway.as_ref().is_some_and(|gateway| gateway.target.is_some())
            || all_tls(session).any(|tls| named(&tls.sni))
    }),
    ("names and hashes of certificates", |session| all_tls(session).any(|tls| tls.certificate.is_some())),
    ("correlation ids", |session| {
        session.negotiation.correlation_id.is_some()
            || session.udp.iter().any(|flow| flow.metrics.correlation_id.is_some())
            || session.metrics.as_ref().is_some_and(|metrics| metrics.correlation_id.is_some())
    }),
    ("names of files", |_| true),
];

/// "holds IP addresses, user names and names of files", or that it does not.
pub fn holds(source: &impl Source) -> String {
    if let Some(kinds) = source.redacted() {
        return format!(
            "has substitutes in place of {kinds} (--redact); times, ports, versions and texts of the protocol are as they were"
        );
    }
    let mut held = [false; HELD.len()];
    for session in source.sessions() {
        for (found, (_, is)) in held.iter_mut().zip(HELD) {
            *found = *found || is(&session);
        }
        if held.iter().all(|found| *found) {
            break;
        }
    }
    let mut named: Vec<&str> =
        HELD.iter().zip(held).filter(|(_, found)| *found).map(|((what, _), _)| *what).collect();
    match named.pop() {
        None => "holds names of files".to_owned(),
        Some(last) if named.is_empty() => format!("holds {last}"),
        Some(last) => format!("holds {} and {last}; --redact takes them out", named.join(", ")),
    }
}

pub(super) fn all_tls(session: &Session) -> impl Iterator<Item = &Tls> {
    let gateway = session.gateway.as_ref().map(|gateway| &gateway.tls);
    std::iter::once(&session.tls).chain(gateway).chain(session.udp.iter().map(|flow| &flow.tls))
}
