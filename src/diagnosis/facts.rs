//! What a page may ask of any session, whichever rule spoke. Rules note the rest.

use super::injection;
use super::rules::quiet_before;
use super::{Confidence, Side, Verdict};
use crate::base::Dir;
use crate::knowledge::{Fact, Facts};
use crate::protocol::negotiation::{Protocols, RequestFlags};
use crate::protocol::tls::Version;
use crate::session::{Phase, Session};

/// What a verdict alone tells.
pub(super) fn of_verdict(verdict: &Verdict) -> Facts {
    Facts::default()
        .with(Fact::Certain, verdict.confidence == Confidence::Certain)
        .with(Fact::Possible, verdict.confidence == Confidence::Possible)
        .with(Fact::Certificate, verdict.owner == Some("certificate"))
        .with(Fact::ByClient, verdict.side == Side::Client)
        .with(Fact::ByServer, verdict.side == Side::Server)
}

/// What the session adds.
pub(super) fn of_session(session: &Session, verdict: &Verdict) -> Facts {
    /// Windows begins at 128, and everything else that serves RDP at 64 or 255.
    const WINDOWS: std::ops::RangeInclusive<u8> = 65..=128;
    /// Restricted Admin and Remote Credential Guard.
    const KEEPS_CREDENTIALS: u8 = RequestFlags::RESTRICTED_ADMIN_MODE_REQUIRED.0
        | RequestFlags::REDIRECTED_AUTHENTICATION_MODE_REQUIRED.0;
    let closing = session.tcp.closing;
    let broke = verdict.evidence.first().map(|evidence| evidence.span.first);
    let reset = closing.filter(|closing| closing.reset);
    let genuine = reset.is_some_and(|closing| session.at(closing.dir) || injection::looks_genuine(session));
    let request = session.facts.request.as_ref().and_then(|request| request.value.negotiation);
    let old = session.selected().is_some_and(|chosen| chosen.value == Protocols::RDP);
    let hello = session.facts.tls.as_deref().and_then(|tls| tls.client_hello.as_ref());
    let offered = hello.map_or_else(Vec::new, |hello| hello.value.versions());
    let phase = session.phase();
    let alerts = session.facts.tls.as_deref().map_or(&[][..], |tls| &tls.alerts);
    let alert = alerts.iter().find(|alert| alert.value.is_fatal()).map(|alert| alert.value.description.0);
    let says = |of: &[u8]| alert.is_some_and(|alert| of.contains(&alert));
    of_verdict(verdict)
        // RFC 8446, section 6.2.
        .with(Fact::AlertInternal, says(&[80]))
        .with(Fact::AlertDamaged, says(&[10, 20, 50, 51]))
        .with(Fact::AlertAccess, says(&[49, 116]))
        .with(Fact::AlertName, says(&[112]))
        .with(Fact::AtServer, session.at(Dir::ServerToClient))
        .with(Fact::CaptureEnded, closing.is_none())
        .with(Fact::OneWay, session.missing_direction().is_some())
        .with(Fact::Gaps, session.lacks_any())
        .with(Fact::Idle, broke.is_some_and(|broke| quiet_before(session, broke).is_some()))
        .with(Fact::Reset, reset.is_some())
        .with(Fact::Genuine, genuine)
        .with(Fact::Nla, session.uses_nla() && !old)
        .with(Fact::Logon, (Phase::ClientInfo..=Phase::Capabilities).contains(&phase))
        .with(Fact::Licensing, phase == Phase::Licensing)
        .with(Fact::Capabilities, phase == Phase::Capabilities)
        .with(Fact::OldSecurity, old)
        .with(Fact::OfferedTls, request.is_some_and(|asked| asked.protocols.contains(Protocols::SSL)))
        .with(Fact::OfferedTls12, offered.contains(&Version::TLS1_2))
        .with(Fact::OnlyTls13, offered == [Version::TLS1_3])
        .with(Fact::RestrictedAdmin, request.is_some_and(|asked| asked.flags.0 & KEEPS_CREDENTIALS != 0))
        .with(
            Fact::Windows,
            session.tcp.dir[Dir::ServerToClient].ttl.is_some_and(|ttl| WINDOWS.contains(&ttl)),
        )
}
