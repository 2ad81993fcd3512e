//! Save Session Info (MS-RDPBCGR, section 2.2.10.1): who is logged on, and what went wrong with the logon.
//! Numbers are little-endian. Of an auto-reconnect cookie only its presence is kept.

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u16, le_u32};

use super::wire::{Parsed, u32_at, utf16};
use crate::base::open_enum;

open_enum! {
    /// ErrorNotificationType of a logon error (2.2.10.1.1.4.1.1).
    pub struct LogonErrorType(u32) {
        /// The session is busy; the user may wait or force it.
        LOGON_MSG_SESSION_BUSY_OPTIONS = 0xFFFF_FFF8,
        /// The session's user refused to be disconnected.
        LOGON_MSG_DISCONNECT_REFUSED = 0xFFFF_FFF9,
        /// The user has no permission.
        LOGON_MSG_NO_PERMISSION = 0xFFFF_FFFA,
        /// The user may end another's session.
        LOGON_MSG_BUMP_OPTIONS = 0xFFFF_FFFB,
        /// The user may choose a session to take up.
        LOGON_MSG_RECONNECT_OPTIONS = 0xFFFF_FFFC,
        /// The session is ending.
        LOGON_MSG_SESSION_TERMINATE = 0xFFFF_FFFD,
        /// The logon goes on.
        LOGON_MSG_SESSION_CONTINUE = 0xFFFF_FFFE,
        /// Access denied.
        ERROR_CODE_ACCESS_DENIED = 0xFFFF_FFFF,
    }
}

open_enum! {
    /// ErrorNotificationData of a logon error; a larger number is a session id or an NTSTATUS.
    pub struct LogonErrorData(u32) {
        /// Wrong user name or password.
        LOGON_FAILED_BAD_PASSWORD = 0,
        /// The password must be changed.
        LOGON_FAILED_UPDATE_PASSWORD = 1,
        /// Another reason.
        LOGON_FAILED_OTHER = 2,
        /// A warning.
        LOGON_WARNING = 3,
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionInfo {
    /// The user logged on (INFOTYPE_LOGON and INFOTYPE_LOGON_LONG).
    Logon {
        /// The user's domain.
        domain: String,
        /// The user.
        user: String,
        /// The session.
        session: u32,
    },
    /// The user logged on; nothing more is told.
    PlainNotify,
    /// INFOTYPE_LOGON_EXTENDED_INFO.
    Extended {
        /// Whether an auto-reconnect cookie came.
        auto_reconnect: bool,
        /// A logon error: type and data.
        error: Option<(LogonErrorType, LogonErrorData)>,
    },
    /// Another infoType.
    Other(u32),
}

/// Characters of a name that are kept.
const NAME: usize = 256;

/// What follows the share data header: `infoType u32`, then the type's fields.
pub(super) fn parse(i: &[u8]) -> Parsed<'_, SessionInfo> {
    let (i, kind) = le_u32(i)?;
    match kind {
        0 => {
            let (i, domain) = padded(i, 52)?;
            let (i, user) = padded(i, 512)?;
            let (i, session) = le_u32(i)?;
            Ok((i, SessionInfo::Logon { domain, user, session }))
        }
        1 => {
            const PAD: usize = 558;
            // Version, Size.
            let (i, _) = take(6_usize)(i)?;
            let (i, session) = le_u32(i)?;
            let (i, domain) = le_u32(i)?;
            let (i, user) = le_u32(i)?;
            let (i, _) = take(PAD)(i)?;
            let (i, domain) = take(domain)(i)?;
            let (i, user) = take(user)(i)?;
            let (domain, user) = (utf16(domain, NAME), utf16(user, NAME));
            Ok((i, SessionInfo::Logon { domain, user, session }))
        }
        2 => Ok((i, SessionInfo::PlainNotify)),
        3 => extended(i),
        other => Ok((i, SessionInfo::Other(other))),
    }
}

/// `length u32 · name[size]`.
fn padded(i: &[u8], size: usize) -> Parsed<'_, String> {
    let (i, len) = le_u32(i)?;
    let (i, name) = take(size)(i)?;
    let name = name.get(..len as usize).unwrap_or(name);
    Ok((i, utf16(name, NAME)))
}

/// `Length u16 · FieldsPresent u32`, then each field as `length u32 · data`.
fn extended(i: &[u8]) -> Parsed<'_, SessionInfo> {
    const AUTO_RECONNECT: u32 = 1;
    const ERRORS: u32 = 2;
    let (i, _length) = le_u16(i)?;
    let (mut i, present) = le_u32(i)?;
    let auto_reconnect = present & AUTO_RECONNECT != 0;
    if auto_reconnect {
        (i, _) = field(i)?;
    }
    let mut error = None;
    if present & ERRORS != 0 {
        let (rest, data) = field(i)?;
        let codes = u32_at(data, 0).zip(u32_at(data, 4));
        error = codes.map(|(kind, data)| (LogonErrorType(kind), LogonErrorData(data)));
        i = rest;
    }
    Ok((i, SessionInfo::Extended { auto_reconnect, error }))
}

fn field(i: &[u8]) -> Parsed<'_, &[u8]> {
    let (i, len) = le_u32(i)?;
    take(len)(i)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    fn read(text: &str) -> Option<SessionInfo> {
        parse(&hex(text)).ok().map(|(_, info)| info)
    }

    #[test]
    fn reads_who_logged_on() {
        let want = SessionInfo::Logon { domain: "D".to_owned(), user: "al".to_owned(), session: 2 };
        let pad = "00".repeat(558);
        let long = format!("01000000 0100 12000000 02000000 04000000 06000000 {pad} 44000000 61006c000000");
        assert_eq!(read(&long), Some(want.clone()));
        let (domain, user) = ("00".repeat(48), "00".repeat(506));
        let short = format!("00000000 04000000 44000000 {domain} 06000000 61006c000000 {user} 02000000");
        assert_eq!(read(&short), Some(want));
        assert_eq!(read("02000000"), Some(SessionInfo::PlainNotify));
        assert_eq!(read("09000000"), Some(SessionInfo::Other(9)));
    }

    #[test]
    fn reads_errors_and_the_cookies_presence() {
        let cookie = "1c000000 1c000000 01000000 02000000 000102030405060708090a0b0c0d0e0f";
        let errors = "08000000 feffffff 02000000";
        let want = SessionInfo::Extended {
            auto_reconnect: true,
            error: Some((LogonErrorType::LOGON_MSG_SESSION_CONTINUE, LogonErrorData::LOGON_FAILED_OTHER)),
        };
        assert_eq!(read(&format!("03000000 3200 03000000 {cookie} {errors}")), Some(want));
        let want = SessionInfo::Extended { auto_reconnect: true, error: None };
        assert_eq!(read(&format!("03000000 2600 01000000 {cookie}")), Some(want));
        assert_eq!(read("03000000 2600 01000000 1c000000 0000"), None);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64), kind in 0_u8..5) {
            let _ = parse(&[&[kind, 0, 0, 0], bytes.as_slice()].concat());
        }
    }
}
