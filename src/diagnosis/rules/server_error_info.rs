//! A Set Error Info that ended the session (MS-RDPBCGR, section 2.2.5.1.1): in clear, or by its length.

use super::*;
use crate::knowledge::codes;

pub(super) const RULE: Rule = Rule {
    code: "server-error-info",
    supersedes: &["server-disconnected", "setup-reset", "setup-silent", "session-reset", "licensing-failed"],
    check,
};

/// A rule of its own.
const DENIED: u32 = 7;
/// Somebody's decision, no fault: idle and time limits, another connection, an administrator.
const DECISIONS: std::ops::RangeInclusive<u32> = 1..=5;
/// Plaintext lengths of a Set Error Info PDU.
const LENGTHS: [usize; 2] = [36, 37];

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    if let Some(error) = session.facts.inside.as_ref().and_then(|inside| inside.error_info) {
        let code = error.value;
        if code == DENIED || Session::ORDINARY_ENDS.contains(&code) {
            return None;
        }
        let row = codes::errinfo(code);
        let name = row.and_then(|row| row.name).map_or_else(|| format!("{code:#x}"), |name| format!("{name} ({code:#x})"));
        let meaning = row.map_or("no published meaning", |row| row.meaning);
        let how = if DECISIONS.contains(&code) { "That is somebody's decision, no fault of the connection" } else { "The server named the reason" };
        let mut verdict =
            Verdict::failed(RULE.code, Side::Server, Confidence::Certain, Evidence::of(&error, format!("server sent Set Error Info {name}")))
                .titled(format!("The server ended the session and said why: {meaning}"))
                .explain(format!("{how}: {name}, {meaning}."));
        verdict.value = Some(code);
        return Some(verdict);
    }
    let tls = session.facts.tls.as_deref()?;
    let ultimatum = hidden_ultimatum(session)?;
    // Both may be in one packet.
    let is_ultimatum = |record: &&Record| record.span == ultimatum && tls.may_be_ultimatum(record);
    let mut said = tls.recent.iter().rev().skip_while(|record| !is_ultimatum(record)).skip(1);
    let before = said.find(|record| record.dir == Dir::ServerToClient)?;
    let fits = LENGTHS.iter().any(|&plain| tls.may_hide(before.length, plain));
    // The server's Synchronize has the same length, and comes during the finalization.
    if !fits || session.phase() == crate::session::Phase::Capabilities {
        return None;
    }
    Some(
        Verdict::failed(
            RULE.code,
            Side::Server,
            Confidence::Likely,
            Evidence::seen(before.span, "encrypted record with the length of a Set Error Info"),
        )
        .with(Evidence::seen(ultimatum, "encrypted record with the length of a disconnect, right before the end"))
        .explain("Before it ended the connection the server sent two records that have the lengths of an error code and of a disconnect. The code itself is encrypted; the client's dialog shows it as the extended error."),
    )
}
