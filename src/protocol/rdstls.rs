//! RDSTLS (MS-RDPBCGR, section 2.2.17): authentication of a redirected client. Numbers are little-endian.
//!
//! Of passwords and cookies only their presence is kept.

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u16, le_u32};

use super::Step;
use super::wire::{Parsed, run, utf16, wrong};
use crate::base::open_enum;

open_enum! {
    /// resultCode of an Authentication Response (2.2.17.4).
    pub struct ResultCode(u32) {
        /// The credentials are right.
        RDSTLS_RESULT_SUCCESS = 0,
        /// The user may not log on.
        RDSTLS_RESULT_ACCESS_DENIED = 5,
        /// Wrong user name or password.
        RDSTLS_RESULT_LOGON_FAILURE = 0x52E,
        /// Outside the hours in which the user may log on.
        RDSTLS_RESULT_INVALID_LOGON_HOURS = 0x530,
        /// The password has expired.
        RDSTLS_RESULT_PASSWORD_EXPIRED = 0x532,
        /// The account is disabled.
        RDSTLS_RESULT_ACCOUNT_DISABLED = 0x533,
        /// The password must be changed.
        RDSTLS_RESULT_PASSWORD_MUST_CHANGE = 0x773,
        /// The account is locked.
        RDSTLS_RESULT_ACCOUNT_LOCKED_OUT = 0x775,
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rdstls {
    /// Capabilities, S→C.
    Capabilities {
        /// Versions that the server speaks, one bit each.
        versions: u16,
    },
    /// Authentication Request with a password, C→S.
    Password {
        /// The user.
        user: String,
        /// The user's domain.
        domain: String,
    },
    /// Authentication Request with an auto-reconnect cookie, C→S.
    AutoReconnect {
        /// The session to be taken up again.
        session: u32,
    },
    /// Authentication Response, S→C.
    Response {
        /// What the server says.
        result: ResultCode,
    },
    /// A message of another type: PduType and DataType.
    Other(u16, u16),
}

/// The only version there is.
const VERSION: u16 = 1;

/// Characters of a name that are kept.
const NAME: usize = 256;

/// Parses the message at the start of `input`: `Version u16 · PduType u16 · DataType u16`, then fields.
pub fn parse(input: &[u8]) -> Step<Rdstls> {
    run(input, |start| {
        let (i, version) = le_u16(start)?;
        if version != VERSION {
            return wrong("RDSTLS version", start, u64::from(VERSION), u64::from(version));
        }
        let (i, pdu) = le_u16(i)?;
        let (i, data) = le_u16(i)?;
        match (pdu, data) {
            (1, 1) => le_u16(i).map(|(i, versions)| (i, Rdstls::Capabilities { versions })),
            (2, 1) => {
                let (i, _redirection_guid) = block(i)?;
                let (i, user) = block(i)?;
                let (i, domain) = block(i)?;
                let (i, _password) = block(i)?;
                Ok((i, Rdstls::Password { user: utf16(user, NAME), domain: utf16(domain, NAME) }))
            }
            (2, 2) => {
                let (i, session) = le_u32(i)?;
                let (i, _cookie) = block(i)?;
                Ok((i, Rdstls::AutoReconnect { session }))
            }
            (4, 1) => le_u32(i).map(|(i, code)| (i, Rdstls::Response { result: ResultCode(code) })),
            (pdu, data) => Ok((i, Rdstls::Other(pdu, data))),
        }
    })
}

/// `length u16 · bytes`.
fn block(i: &[u8]) -> Parsed<'_, &[u8]> {
    let (i, len) = le_u16(i)?;
    take(usize::from(len))(i)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{grows, hex};
    use super::*;

    #[test]
    fn reads_messages() {
        let capabilities = hex("0100 0100 0100 0100");
        grows(&capabilities, parse);
        assert_eq!(parse(&capabilities).done(), Some(Rdstls::Capabilities { versions: 1 }));
        let response = hex("0100 0400 0100 2e050000");
        grows(&response, parse);
        let result = ResultCode::RDSTLS_RESULT_LOGON_FAILURE;
        assert_eq!(parse(&response).done(), Some(Rdstls::Response { result }));
        let request = hex("0100 0200 0100 0200 aaaa 0400 61000000 0400 44000000 0600 700077000000");
        grows(&request, parse);
        let want = Rdstls::Password { user: "a".to_owned(), domain: "D".to_owned() };
        assert_eq!(parse(&request).done(), Some(want));
        let again = hex("0100 0200 0200 03000000 0200 aaaa");
        grows(&again, parse);
        assert_eq!(parse(&again).done(), Some(Rdstls::AutoReconnect { session: 3 }));
        assert_eq!(parse(&hex("0100 0700 0100")).done(), Some(Rdstls::Other(7, 1)));
        assert!(matches!(parse(&hex("0300 0000")), Step::Broken(why) if why.have == 3));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..48)) {
            let _ = parse(&bytes);
            let _ = parse(&[&[1, 0, 2, 0, 1, 0], bytes.as_slice()].concat());
        }
    }
}
