//! Licensing (MS-RDPELE; MS-RDPBCGR, section 2.2.1.12): what follows a security header with LICENSE_PKT.
//! Numbers are little-endian. Randoms, secrets, licenses and hardware ids are not kept.

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u8, le_u16, le_u32};

use super::Malformed;
use super::wire::{Parsed, text, utf16, whole, wrong};
use crate::base::open_enum;

open_enum! {
    /// What a licensing message is (bMsgType, 2.2.1.12.1.1).
    pub struct LicenseMessageType(u8) {
        /// The server's certificate and random.
        LICENSE_REQUEST = 0x01,
        /// The server tests the client's platform.
        PLATFORM_CHALLENGE = 0x02,
        /// A license.
        NEW_LICENSE = 0x03,
        /// A license in place of an older one.
        UPGRADE_LICENSE = 0x04,
        /// The client shows a license.
        LICENSE_INFO = 0x12,
        /// The client asks for a license.
        NEW_LICENSE_REQUEST = 0x13,
        /// Answer to the challenge.
        PLATFORM_CHALLENGE_RESPONSE = 0x15,
        /// An error, or that none is needed.
        ERROR_ALERT = 0xFF,
    }
}

open_enum! {
    /// dwErrorCode of a licensing error (2.2.1.12.1.3).
    pub struct LicenseErrorCode(u32) {
        /// C→S: the server's certificate is not valid.
        ERR_INVALID_SERVER_CERTIFICATE = 1,
        /// C→S: the client has no license.
        ERR_NO_LICENSE = 2,
        /// A checksum is wrong.
        ERR_INVALID_MAC = 3,
        /// S→C: the license is for another scope.
        ERR_INVALID_SCOPE = 4,
        /// S→C: there is no license server.
        ERR_NO_LICENSE_SERVER = 6,
        /// S→C: all is well.
        STATUS_VALID_CLIENT = 7,
        /// S→C: the client is not valid.
        ERR_INVALID_CLIENT = 8,
        /// S→C: the license is for another product.
        ERR_INVALID_PRODUCTID = 0x0B,
        /// A message has a wrong length.
        ERR_INVALID_MESSAGE_LEN = 0x0C,
    }
}

open_enum! {
    /// dwStateTransition of a licensing error (2.2.1.12.1.3).
    pub struct LicenseTransition(u32) {
        /// The connection ends.
        ST_TOTAL_ABORT = 1,
        /// The connection goes on.
        ST_NO_TRANSITION = 2,
        /// Licensing starts again.
        ST_RESET_PHASE_TO_START = 3,
        /// The last message is to be sent again.
        ST_RESEND_LAST_MESSAGE = 4,
    }
}

/// A licensing message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum License {
    /// LICENSE_ERROR_MESSAGE, either way.
    Error {
        /// What is wrong, or [`LicenseErrorCode::STATUS_VALID_CLIENT`].
        code: LicenseErrorCode,
        /// What follows from it.
        transition: LicenseTransition,
    },
    /// SERVER_LICENSE_REQUEST, S→C (MS-RDPELE, section 2.2.2.1).
    Request {
        /// The product licenses are for, as "Microsoft Corporation A02".
        product: Option<String>,
        /// Who may issue licenses.
        scopes: Vec<String>,
    },
    /// CLIENT_NEW_LICENSE_REQUEST, C→S (MS-RDPELE, section 2.2.2.2).
    NewRequest {
        /// PlatformId: operating system in the top byte, maker of the client in the next.
        platform: u32,
        /// The user.
        user: Option<String>,
        /// The client's name.
        machine: Option<String>,
    },
    /// Another message, whose content is encrypted.
    Message(LicenseMessageType),
}

impl License {
    /// What the message is.
    pub const fn kind(&self) -> LicenseMessageType {
        match self {
            License::Error { .. } => LicenseMessageType::ERROR_ALERT,
            License::Request { .. } => LicenseMessageType::LICENSE_REQUEST,
            License::NewRequest { .. } => LicenseMessageType::NEW_LICENSE_REQUEST,
            License::Message(kind) => *kind,
        }
    }
}

/// Characters of a name that are kept.
const NAME: usize = 256;
/// Scopes kept; servers name one.
const MAX_SCOPES: u32 = 8;

/// Parses a licensing message, which follows the security header: `bMsgType u8 · flags u8 · wMsgSize u16`,
/// then the message's own fields. What its end lacks is left out.
pub fn parse(body: &[u8]) -> Result<License, Malformed> {
    whole("licensing message", body, |i| {
        let (i, kind) = le_u8(i)?;
        let (at, _flags) = le_u8(i)?;
        let (i, size) = le_u16(at)?;
        if size < 4 {
            return wrong("wMsgSize", at, 4, u64::from(size));
        }
        match LicenseMessageType(kind) {
            LicenseMessageType::ERROR_ALERT => {
                let (i, code) = le_u32(i)?;
                let (i, transition) = le_u32(i)?;
                let (code, transition) = (LicenseErrorCode(code), LicenseTransition(transition));
                Ok((i, License::Error { code, transition }))
            }
            LicenseMessageType::LICENSE_REQUEST => Ok((&[][..], request(i))),
            LicenseMessageType::NEW_LICENSE_REQUEST => {
                let (i, _key_exchange) = le_u32(i)?;
                let (i, platform) = le_u32(i)?;
                let (user, machine) = names(i).map_or((None, None), |(_, names)| names);
                Ok((&[][..], License::NewRequest { platform, user, machine }))
            }
            other => Ok((i, License::Message(other))),
        }
    })
}

/// `random[32] · version u32 · company · product id · key exchange blob · certificate blob · scopes`.
fn request(i: &[u8]) -> License {
    let product = product(i).ok();
    let (left, product) = product.map_or((&[][..], None), |(left, product)| (left, Some(product)));
    let scopes = scopes(left).map_or_else(|_| Vec::new(), |(_, scopes)| scopes);
    License::Request { product, scopes }
}

fn product(i: &[u8]) -> Parsed<'_, String> {
    let (i, _random) = take(32_usize)(i)?;
    let (i, _version) = le_u32(i)?;
    let (i, company) = wide(i)?;
    let (i, id) = wide(i)?;
    Ok((i, format!("{} {}", utf16(company, NAME), utf16(id, NAME))))
}

fn scopes(i: &[u8]) -> Parsed<'_, Vec<String>> {
    let (i, _key_exchange) = blob(i)?;
    let (i, _certificate) = blob(i)?;
    let (mut i, count) = le_u32(i)?;
    let mut scopes = Vec::new();
    for _ in 0..count.min(MAX_SCOPES) {
        let (rest, scope) = blob(i)?;
        scopes.push(ansi(scope));
        i = rest;
    }
    Ok((i, scopes))
}

/// `random[32] · premaster secret blob · user blob · machine blob`.
fn names(i: &[u8]) -> Parsed<'_, (Option<String>, Option<String>)> {
    let (i, _random) = take(32_usize)(i)?;
    let (i, _secret) = blob(i)?;
    let (i, user) = blob(i)?;
    let (i, machine) = blob(i)?;
    let named = |bytes| Some(ansi(bytes)).filter(|name| !name.is_empty());
    Ok((i, (named(user), named(machine))))
}

/// `type u16 · length u16 · data`.
fn blob(i: &[u8]) -> Parsed<'_, &[u8]> {
    let (i, _kind) = le_u16(i)?;
    let (i, len) = le_u16(i)?;
    take(usize::from(len))(i)
}

/// `length u32 · UTF-16 text`.
fn wide(i: &[u8]) -> Parsed<'_, &[u8]> {
    let (i, len) = le_u32(i)?;
    take(len)(i)
}

fn ansi(bytes: &[u8]) -> String {
    text(bytes.split(|&byte| byte == 0).next().unwrap_or_default(), NAME)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    /// Bytes after the layouts of 2.2.1.12; in every capture at hand licensing is encrypted.
    #[test]
    fn reads_an_error() {
        let valid = hex("ff 03 1000 07000000 02000000 04000000");
        let code = LicenseErrorCode::STATUS_VALID_CLIENT;
        let transition = LicenseTransition::ST_NO_TRANSITION;
        assert_eq!(parse(&valid), Ok(License::Error { code, transition }));
        for cut in 0..12 {
            assert!(parse(&valid[..cut]).is_err(), "cut at {cut}");
        }
        assert_eq!(parse(&hex("01 03 0300")).unwrap_err().offset, 2);
    }

    #[test]
    fn reads_a_request() {
        let random = "00".repeat(32);
        let bytes = hex(&format!(
            "01 03 0000 {random} 00000600 06000000 4d0053000000 08000000 4100300032000000 \
             0d00 0400 01000000 0300 0200 aabb 01000000 0e00 0600 6d732e6f7267"
        ));
        let mut sized = bytes.clone();
        sized[2] = bytes.len() as u8;
        let product = Some("MS A02".to_owned());
        let want = License::Request { product, scopes: vec!["ms.org".to_owned()] };
        assert_eq!(parse(&sized), Ok(want));
        // Cut within the product, and within the scopes.
        let cut = License::Request { product: None, scopes: Vec::new() };
        assert_eq!(parse(&sized[..40]), Ok(cut.clone()));
        assert_eq!(cut.kind(), LicenseMessageType::LICENSE_REQUEST);
        let Ok(License::Request { product: Some(_), scopes }) = parse(&sized[..sized.len() - 1]) else {
            panic!("no product")
        };
        assert!(scopes.is_empty());
    }

    /// What a server of Windows sends, after the annotated message in MS-RDPELE, section 4: random and certificate
    /// chain apart, of which only the lengths matter. Its wMsgSize counts the security header, too.
    #[test]
    fn reads_a_request_of_windows() {
        let mut bytes = hex("0103 9c08");
        bytes.extend([0x84; 32]);
        bytes.extend(hex(
            "000006002c0000004d006900630072006f0073006f0066007400200043006f00720070006f0072006100740069006f00 \
             6e000000080000004100300032000000 \
             0d00 0400 01000000 0300 1208",
        ));
        bytes.extend([0x30; 0x812]);
        bytes.extend(hex("010000000e000e006d6963726f736f66742e636f6d00"));
        let product = Some("Microsoft Corporation A02".to_owned());
        assert_eq!(parse(&bytes), Ok(License::Request { product, scopes: vec!["microsoft.com".to_owned()] }));
    }

    #[test]
    fn reads_what_the_client_asks() {
        let random = "00".repeat(32);
        let bytes = hex(&format!(
            "13 03 5000 01000000 00000104 {random} 0200 0200 aabb 0f00 0600 616c69636500 1000 0300 575300"
        ));
        let want = License::NewRequest {
            platform: 0x0401_0000,
            user: Some("alice".to_owned()),
            machine: Some("WS".to_owned()),
        };
        assert_eq!(parse(&bytes), Ok(want));
        let kind = LicenseMessageType::PLATFORM_CHALLENGE_RESPONSE;
        assert_eq!(parse(&hex("15 03 0400")), Ok(License::Message(kind)));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..96), kind: u8) {
            let _ = parse(&bytes);
            for kind in [kind, 1, 0x13] {
                let _ = parse(&[&[kind, 3, 0, 1], bytes.as_slice()].concat());
            }
        }
    }
}
