//! Which sessions fit the error that the user saw (`--saw 0x904/0x7`), which don't, and why.
//!
//! A diagnosis' page lists the errors that mstsc shows for it. An error that is not listed is `unlikely`;
//! it is `excluded` only where it truly cannot come from the session.

use std::collections::HashMap;

use super::build::ERROR_INFO;
use super::model::Direction;
use super::model::{Outcome, Phase, Saw, SawFit, Session, Transport};
use super::source::Source;
use super::text::count;
use crate::knowledge::lookup::ClientCode;
use crate::knowledge::{self, ClientError};

/// Shown where TCP cannot connect.
const CONNECT_FAILED: u32 = 0x204;
/// Shown where a name cannot be resolved, before anything is sent to a server.
const NAMES: [u32; 4] = [0x104, 0x208, 0x508, 0x604];
/// Shown where an established connection is closed under the client, or fails to carry data.
const SOCKET: [u32; 3] = [0x304, 0x404, 0x904];
/// Low byte of the errors of authentication: they come from the security layer, so after TCP connected.
const AUTHENTICATION: u32 = 0x07;
const CLASS: u32 = 0xff;

/// Judges one session.
pub(super) fn judge(error: ClientCode, session: &Session) -> Saw {
    let (fit, why) = reason(error, session);
    Saw {
        code: format!("0x{:X}", error.code),
        extended: error.extended.map(|extended| format!("0x{extended:X}")),
        fit,
        why,
    }
}

fn reason(error: ClientCode, session: &Session) -> (SawFit, String) {
    let ClientCode { code, .. } = error;
    if let Some(told) = told(error, session) {
        return told;
    }
    // Of the page's, those that go with the code on the wire.
    let here = &session.diagnosis.client_error;
    let listed: Vec<ClientError> = listed(session.diagnosis.code)
        .iter()
        .filter(|listed| {
            here.iter().any(|here| here.code == listed.code && here.extended.as_deref() == listed.extended)
        })
        .copied()
        .collect();
    match best(error, &listed) {
        Some("expected") => {
            return (SawFit::Expected, "mstsc usually shows it for this".to_owned());
        }
        Some(_) => {
            let others = error.patterns().len().saturating_sub(1) as u64;
            let others = match others {
                0 => String::new(),
                1 => ", as it may for one other diagnosis".to_owned(),
                others => format!(", as it may for {others} other diagnoses"),
            };
            return (SawFit::Consistent, format!("mstsc may show it here{others}"));
        }
        None => {}
    }
    if let Some(other) =
        session.other_diagnoses.iter().find(|other| best(error, self::listed(other.code)).is_some())
    {
        return (SawFit::Consistent, format!("mstsc may show it for what also fits, {}", other.code));
    }
    let (reached, outcome) = (session.phase, session.outcome);
    if session.transport == Transport::Udp {
        return (
            SawFit::Unlikely,
            "an error ends the TCP connection; this is only its UDP helper".to_owned(),
        );
    }
    if reached > Phase::TcpConnect && code == CONNECT_FAILED {
        return (SawFit::Excluded, "this one did connect; 0x204 comes where TCP cannot".to_owned());
    }
    if NAMES.contains(&code) {
        return (SawFit::Unlikely, "it comes where a name is not resolved, before any connection".to_owned());
    }
    let after_connect = SOCKET.contains(&code) || code & CLASS == AUTHENTICATION;
    match outcome {
        Outcome::Failed if reached == Phase::TcpConnect && after_connect => {
            (SawFit::Excluded, "it never connected, and mstsc shows 0x204 then".to_owned())
        }
        Outcome::Healthy if SOCKET.contains(&code) && closed_by_client(session) => {
            (SawFit::Excluded, "the session worked, and the client itself ended it".to_owned())
        }
        Outcome::Healthy => (SawFit::Unlikely, "the session worked".to_owned()),
        Outcome::Probe => (SawFit::Unlikely, "no Remote Desktop client spoke here".to_owned()),
        Outcome::Inconclusive => {
            (SawFit::Unknown, "the capture does not show how this session ended".to_owned())
        }
        Outcome::Aborted if SOCKET.contains(&code) && closed_by_client(session) => (
            SawFit::Unlikely,
            format!("the client itself ended this one, and 0x{code:X} says that it was closed from outside"),
        ),
        _ => not_listed(error, &listed),
    }
}

/// What the server's own reason says, where it was read: mstsc shows a Set Error Info as the extended code
/// (MS-RDPBCGR, section 2.2.5.1.1).
fn told(error: ClientCode, session: &Session) -> Option<(SawFit, String)> {
    let extended = error.extended?;
    let coded = session.rdp.get(ERROR_INFO)?;
    let told = coded["value"].as_u64().filter(|&told| told > 0)?;
    let name = coded["name"].as_str().map_or_else(String::new, |name| format!(" ({name})"));
    Some(if told == u64::from(extended) {
        (SawFit::Expected, format!("the server named that very reason, 0x{told:X}{name}"))
    } else {
        (
            SawFit::Excluded,
            format!("the server named another reason, 0x{told:X}{name}, which would be the extended code"),
        )
    })
}

/// What the page says instead.
fn not_listed(error: ClientCode, listed: &[ClientError]) -> (SawFit, String) {
    let without = ClientCode { extended: None, ..error };
    let text = |error: &ClientError| {
        let extended = error.extended.map_or_else(String::new, |extended| format!("/{extended}"));
        format!("{}{extended}", error.code)
    };
    if let Some(near) = listed.iter().find(|error| without.fit(error).is_some()) {
        return (SawFit::Unlikely, format!("mstsc shows {} here, with that other extended code", text(near)));
    }
    match listed {
        [] => (SawFit::Unknown, "which error mstsc shows for this is not known".to_owned()),
        [first, ..] => {
            (SawFit::Unlikely, format!("it is not known for this; mstsc would rather show {}", text(first)))
        }
    }
}

fn listed(code: &str) -> &'static [ClientError] {
    knowledge::page(code).map_or(&[], |page| &page.client_errors)
}

/// "expected" or "consistent", the better of what the page's errors are.
fn best(error: ClientCode, listed: &[ClientError]) -> Option<&'static str> {
    listed.iter().filter_map(|listed| error.fit(listed)).min_by_key(|fit| *fit != "expected")
}

fn closed_by_client(session: &Session) -> bool {
    session.tcp.closed_by.is_some_and(|closed| closed.direction == Direction::ClientToServer)
}

impl SawFit {
    /// In the table, before the diagnosis.
    pub(super) const fn mark(self) -> &'static str {
        match self {
            SawFit::Expected => "[fits well]",
            SawFit::Consistent => "[fits]",
            SawFit::Unknown => "[not shown]",
            SawFit::Unlikely => "[unlikely]",
            SawFit::Excluded => "[does not fit]",
        }
    }

    /// At the start of a line.
    const fn verdict(self) -> &'static str {
        match self {
            SawFit::Expected => "Fits",
            SawFit::Consistent => "Fits",
            SawFit::Unknown => "May fit",
            SawFit::Unlikely => "Unlikely to fit",
            SawFit::Excluded => "Does not fit",
        }
    }
}

/// "Fits 0x904/0x7: mstsc may show it here.", for a story.
pub(super) fn line(saw: &Saw) -> String {
    format!("{} {}: {}.", saw.fit.verdict(), error(saw), saw.why)
}

fn error(saw: &Saw) -> String {
    let extended = saw.extended.as_ref().map_or_else(String::new, |extended| format!("/{extended}"));
    format!("{}{extended}", saw.code)
}

/// "0x904/0x7, which the user saw (...): 1 session fits, 2 sessions do not fit." over the sessions that are listed.
pub(super) fn summary(source: &impl Source) -> Option<String> {
    source.session(0)?.saw?;
    let mut counts: HashMap<SawFit, u64> = HashMap::new();
    let mut error = None;
    for saw in source.sessions().filter_map(|session| session.saw) {
        *counts.entry(saw.fit).or_default() += 1;
        error.get_or_insert_with(|| self::error(&saw));
    }
    let counted = |fits: &[SawFit], one: &str, many: &str| {
        let n: u64 = fits.iter().filter_map(|fit| counts.get(fit)).sum();
        (n > 0).then(|| format!("{} {}", count(n, "session"), if n == 1 { one } else { many }))
    };
    let parts = [
        counted(&[SawFit::Expected, SawFit::Consistent], "fits", "fit"),
        counted(&[SawFit::Unknown], "may fit", "may fit"),
        counted(&[SawFit::Unlikely], "is unlikely to fit", "are unlikely to fit"),
        counted(&[SawFit::Excluded], "does not fit", "do not fit"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let error = error?;
    let none = !counts.keys().any(|fit| *fit <= SawFit::Unknown);
    let none = if none { " It may have come of a connection that is not shown here." } else { "" };
    let known = error.parse::<ClientCode>().ok().and_then(ClientCode::reason);
    let known = match known {
        Some(_) => format!("rdpwhy explain {error} tells what it means."),
        None => "It is no error code that is known of mstsc.".to_owned(),
    };
    Some(format!("The user saw {error}: {}.{none} {known}", parts.join(", ")))
}

/// Moves the rows whose attempt fits best to the front; the sessions of one attempt stay together.
pub(super) fn arrange(source: &impl Source, shown: &mut Vec<usize>) {
    let saw = |index: usize| {
        let session = source.session(index)?;
        Some((session.attempt, session.saw?.fit))
    };
    let Some(true) = shown.first().map(|&first| saw(first).is_some()) else { return };
    let mut best: HashMap<u64, SawFit> = HashMap::new();
    let mut rows: Vec<(u64, usize)> = Vec::with_capacity(shown.len());
    for &index in shown.iter() {
        let Some((attempt, fit)) = saw(index) else { continue };
        let known = best.entry(attempt).or_insert(fit);
        *known = fit.min(*known);
        rows.push((attempt, index));
    }
    rows.sort_by_key(|(attempt, _)| best.get(attempt).copied());
    *shown = rows.into_iter().map(|(_, index)| index).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> ClientCode {
        text.parse().unwrap()
    }

    #[test]
    fn the_better_of_a_page_counts() {
        let listed = listed("tcp-syn-unanswered");
        assert_eq!(best(error("0x204"), listed), Some("expected"));
        assert_eq!(best(error("0x204/0x0"), listed), Some("expected"));
        assert_eq!(best(error("0x108"), listed), Some("consistent"));
        assert_eq!(best(error("0x904"), listed), None);
    }

    #[test]
    fn what_is_not_listed_is_unlikely_or_unknown() {
        let (fit, why) = not_listed(error("0x904/0x3"), listed("tls-alert"));
        assert_eq!(fit, SawFit::Unlikely);
        assert!(why.contains("0x904/0x7"), "{why}");
        let (fit, why) = not_listed(error("0x807"), listed("negotiation-nla-required"));
        assert_eq!(fit, SawFit::Unlikely);
        assert!(why.ends_with("rather show 0xB09"), "{why}");
        assert_eq!(not_listed(error("0x807"), &[]).0, SawFit::Unknown);
    }
}
