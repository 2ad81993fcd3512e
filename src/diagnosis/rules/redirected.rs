//! The server sent the client on to another server: seen, or told by how the client came back (MS-RDPBCGR,
//! section 1.3.8).

use super::*;
use crate::session::Return;

pub(super) const RULE: Rule =
    Rule { code: "redirected", supersedes: &phase_codes!["server-error-info"], check };

/// No user chooses another server as fast.
const AT_ONCE: i64 = 2 * Timestamp::SECOND;

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    if let Some(redirection) = session.facts.inside.as_ref().and_then(|inside| inside.redirection.as_ref()) {
        let target = redirection.value.as_ref().and_then(|packet| packet.target());
        let target = target.map_or(String::new(), |target| format!(" to {target}"));
        let evidence = Evidence::of(redirection, format!("server sent a Server Redirection{target}"));
        let verdict = Verdict::new(RULE.code, Outcome::Healthy, Side::Unknown, Confidence::Certain, evidence);
        return Some(verdict.explain(format!("The server told the client to connect elsewhere{target}; this connection had no other purpose.")));
    }
    let back = session.returned.as_ref()?;
    let left = session.left().filter(|_| session.stall().is_none() && hidden_ultimatum(session).is_none())?.stamp;
    let Return { server, token, rdstls, same_cookie } = back.value;
    let at_once = back.span.first.time.since(left.time) <= AT_ONCE;
    let confidence = if token || rdstls || same_cookie || at_once { Confidence::Likely } else { Confidence::Possible };
    let with = match (token, rdstls) {
        (true, _) => ", with a routing token that it did not have before",
        (false, true) => ", with RDSTLS, the logon of redirected clients",
        (false, false) => "",
    };
    let place = if server == session.tcp.server { "the same address".to_owned() } else { format!("{} port {}", server.ip(), server.port()) };
    let pause = delay(left, back.span.first);
    let came = format!("the client came back {pause} later, to {place}{with}");
    Some(
        Verdict::new(RULE.code, Outcome::Healthy, Side::Unknown, confidence, Evidence::seen(left, "client left by itself after its client info"))
            .with(Evidence::of(back, came.clone()))
            .explain(format!(
                "The client had logged on, left by itself before a desktop was shown, and {}. A server that sends its client elsewhere looks like that; its message is encrypted.",
                came.trim_start_matches("the client ")
            )),
    )
}
