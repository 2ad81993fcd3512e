//! The session became active and ended, or was still running, without a fault.

use super::*;
use crate::knowledge::codes;
use crate::session::Ended;

pub(super) const RULE: Rule = Rule { code: "healthy", supersedes: &["client-left-after-tls"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let active = session.active_since()?;
    let error = session.facts.inside.as_ref().and_then(|inside| inside.error_info);
    if error.is_some_and(|error| !Session::ORDINARY_ENDS.contains(&error.value)) {
        return None;
    }
    if session.abrupt_reset().is_some() || session.lost().is_some() || session.is_lossy() {
        return None;
    }
    let clear = session.facts.inside.as_ref().filter(|inside| inside.active.is_some());
    let (confidence, shown) = if let Some(inside) = clear {
        if inside.active_inferred {
            (Confidence::Likely, "server had sent as much as only graphics needs".to_owned())
        } else {
            (Confidence::Certain, "server sent the Font Map or graphics, which end the setup".to_owned())
        }
    } else {
        let data = session.facts.tls.as_ref().map(|tls| tls.data[Dir::ServerToClient]).unwrap_or_default();
        (Confidence::Likely, format!("server sent {} records with {} bytes after the TLS handshake", data.records, data.bytes))
    };
    let ending = match session.tcp.closing {
        None if session.tcp.ended == Ended::CaptureEnded => "It was still running when the capture ended.".to_owned(),
        None if session.tcp.ended == Ended::Evicted => "It was still running when the room to follow it was needed.".to_owned(),
        None => "Its end is not in the capture.".to_owned(),
        Some(closing) => format!("It ended in order; the {} closed it.", closing.dir.sender()),
    };
    // 0 says nothing; the others are the user's own disconnect and logoff.
    let meaning = error.filter(|error| error.value != 0).and_then(|error| codes::errinfo(error.value));
    let ending = meaning.map_or(ending.clone(), |row| format!("{ending} The server named the reason: {}.", row.meaning));
    let begin = if session.facts.midstream {
        "The capture begins in the middle of this session, so its negotiation is not in it; data went both ways and nothing broke. "
    } else {
        "The session became active. "
    };
    Some(
        Verdict::new(RULE.code, Outcome::Healthy, Side::Unknown, confidence, Evidence::seen(active, shown))
            .with(error.map(|error| Evidence::of(&error, format!("server sent Set Error Info {:#x}", error.value))))
            .with(session.tcp.closing.map(|closing| Evidence::seen(closing.stamp, format!("{} closed the connection", closing.dir.sender()))))
            .explain(format!("{begin}{ending}")),
    )
}
