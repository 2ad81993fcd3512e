//! What the rules conclude from the shape of records that nobody can read.

use super::*;

/// How the server refused the client's credentials.
pub(super) struct Refused {
    pub(super) confidence: Confidence,
    pub(super) evidence: Evidence,
    pub(super) asked: Span,
    pub(super) explanation: String,
}

/// The server ended NLA right after, or about a second after, the client's authenticate message or its
/// credentials: by a goodbye, or by a message too small to be anything but an error.
pub(super) fn refused_credentials(session: &Session) -> Option<Refused> {
    /// Windows answers wrong credentials after 1.0 s.
    const PAUSE: i64 = 2500 * Timestamp::MILLISECOND;
    /// A TSRequest with nothing but an error code has 15 to 45 bytes; one with a key binding 59 and more.
    const ERROR_REQUEST: usize = 50;
    if !session.in_nla() || session.lacks_any() {
        return None;
    }
    let tls = session.facts.tls.as_deref()?;
    let end = session.server_end();
    // What the client sent after the server's end is no credential that was refused.
    let mut flights = tls.flights();
    flights.retain(|flight| end.is_none_or(|end| !end.stamp.before(&flight.span.first)));
    let legs = flights.iter().filter(|flight| flight.dir == Dir::ClientToServer).count();
    // The first message only offers; the second proves the password.
    let asked = flights.iter().rfind(|flight| flight.dir == Dir::ClientToServer).filter(|_| legs >= 2)?;
    let answer = flights.last().filter(|flight| flight.dir == Dir::ServerToClient);
    let error =
        answer.filter(|answer| answer.records == 1 && tls.hides_at_most(answer.first_len) < ERROR_REQUEST);
    let closed = session.tcp.closing.is_some();
    if let Some(answer) = error.filter(|_| closed) {
        let text = format!(
            "server answered with one small encrypted record ({} bytes), and the connection ended",
            answer.bytes
        );
        return Some(Refused {
            confidence: Confidence::Likely,
            evidence: Evidence::seen(answer.span, text),
            asked: asked.span,
            explanation: "The server answered the client's credentials with a message as small as an error code, and the connection ended.".to_owned(),
        });
    }
    let Closing { stamp: end, reset, .. } = end?;
    let waited = end.time.since(asked.span.last.time);
    if reset || waited > PAUSE {
        return None;
    }
    let pause = delay(asked.span.last, end);
    Some(Refused {
        confidence: Confidence::Likely,
        evidence: Evidence::seen(
            end,
            format!(
                "server ended the connection {pause} after the client's credentials, with a goodbye and no reset"
            ),
        ),
        asked: asked.span,
        explanation: format!(
            "The server ended the logon exchange {pause} after the client had sent its credentials."
        ),
    })
}

/// Plaintext bytes of a Disconnect Provider Ultimatum.
pub(super) const ULTIMATUM: usize = 9;

/// The server's last record has the length of a Disconnect Provider Ultimatum, and nothing of the client's
/// but its goodbye came after. Only exact lengths count before the client info: under CBC it looks like an
/// Attach User Confirm.
pub(super) fn hidden_ultimatum(session: &Session) -> Option<Span> {
    let tls = session.facts.tls.as_deref().filter(|tls| !tls.decrypted)?;
    session.tcp.closing?;
    let last = tls.recent.iter().rfind(|record| {
        record.content_type == ContentType::application_data && !tls.may_hide(record.length, 2)
    })?;
    let exact = tls.hides_at_most(last.length) == ULTIMATUM;
    let late = session.shape.when(crate::session::Phase::ClientInfo).is_some();
    (last.dir == Dir::ServerToClient && tls.may_be_ultimatum(last) && (exact || late)).then_some(last.span)
}

/// Who sent the last message, TLS goodbyes apart, and its last packet.
pub(super) fn last_words(session: &Session) -> Option<(Dir, Stamp)> {
    if let Some(tls) = session.facts.tls.as_deref() {
        let said = |record: &&Record| {
            record.content_type == ContentType::application_data
                && !(tls.is_13() && tls.may_hide(record.length, 2))
        };
        return tls.recent.iter().rfind(said).map(|record| (record.dir, record.span.last));
    }
    let last = |dir: Dir| session.tcp.dir[dir].last_data.map(|stamp| (dir, stamp));
    Dir::BOTH.into_iter().filter_map(last).max_by_key(|(_, stamp)| stamp.order)
}
