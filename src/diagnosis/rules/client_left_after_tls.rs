//! The client ended it after the TLS handshake and before MCS.

use super::*;
use crate::session::Phase;

pub(super) const RULE: Rule = Rule { code: "client-left-after-tls", supersedes: &[], check };

/// Client's runs of records before the one that carries the credentials: negotiate and authenticate
/// (MS-CSSP, section 3.1.5).
const BEFORE_CREDENTIALS: usize = 2;

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let tls = session.facts.tls.as_deref()?;
    let end = session.left().filter(|left| left.dir == Dir::ClientToServer && session.tcp.closing.is_some())?;
    let over = tls.established.or(tls.finished[Dir::ClientToServer].filter(|_| tls.is_13()))?;
    let server_spoke_last_word = session.facts.clear_ultimatum.is_some_and(|u| u.value == Dir::ServerToClient && u.span.first.before(&end.stamp))
        || deciding_alert(session).is_some();
    let lacks = session.lacks_any() || Dir::BOTH.into_iter().any(|dir| session.holes(dir));
    if server_spoke_last_word || session.facts.midstream || lacks {
        return None;
    }
    let all = tls.flights();
    let flights = all.iter().filter(|flight| flight.dir == Dir::ClientToServer).count();
    if session.shape.when(Phase::McsConnect).is_some() || session.is_active() {
        return None;
    }
    let how = how(session, &end);
    let waited = delay(last_record_before(tls, end.stamp).unwrap_or(over.last), end.stamp);
    let stage = match flights {
        0 => "right after the TLS handshake, without a further message",
        1..=BEFORE_CREDENTIALS => "during NLA, before it sent credentials",
        _ => "during NLA, after it sent credentials",
    };
    // Where the client has proved the password, it has nothing to ask its user.
    let turned_away = flights == BEFORE_CREDENTIALS
        && !session.facts.is_decrypted()
        && all.last().is_some_and(|answer| answer.dir == Dir::ServerToClient && answer.records == 1);
    let verdict = Verdict::new(
        RULE.code,
        Outcome::Aborted,
        Side::Client,
        if turned_away { Confidence::Possible } else { Confidence::Likely },
        Evidence::seen(end.stamp, format!("client left with {how} {stage}, {waited} after the last TLS record")),
    )
    .with(Evidence::seen(over, "the TLS handshake was over"))
    .explain(format!("TLS was up and the server had sent no error when the client ended the connection {stage}."));
    let verdict = if turned_away {
        verdict.rival(
            "the server refused the credentials, in a message as long as a good answer",
            "the server's log; a key log of the connection shows the answer",
        )
    } else {
        verdict
    };
    let expired = tls.certificate_outside_validity(end.stamp.time) == Some(true);
    Some(if expired {
        verdict.rival("the client refused the server's certificate, which is outside its validity", "the certificate's dates in this report; look for a certificate warning on the client")
    } else {
        verdict
    })
}
