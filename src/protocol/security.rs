//! What rides on the I/O channel where it is not encrypted: the basic security header (MS-RDPBCGR, section
//! 2.2.8.1.1.2.1), licensing (2.2.1.12), share headers (2.2.8.1.1.1) and Set Error Info (2.2.5.1.1).
//! Numbers are little-endian.

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u8, le_u16, le_u32};

use super::Malformed;
use super::wire::{Parsed, whole, wrong};
use crate::base::{open_enum, open_flags};

open_flags! {
    /// What the security header says of its PDU.
    pub struct SecurityFlags(u16) {
        /// Security Exchange.
        EXCHANGE_PKT = 0x0001,
        /// Initiate Multitransport Request.
        TRANSPORT_REQ = 0x0002,
        /// Initiate Multitransport Response.
        TRANSPORT_RSP = 0x0004,
        /// The body is encrypted.
        ENCRYPT = 0x0008,
        /// The sequence number starts anew.
        RESET_SEQNO = 0x0010,
        /// The sequence number means nothing.
        IGNORE_SEQNO = 0x0020,
        /// Client Info.
        INFO_PKT = 0x0040,
        /// Licensing.
        LICENSE_PKT = 0x0080,
        /// The sender can encrypt licensing.
        LICENSE_ENCRYPT = 0x0200,
        /// Server Redirection.
        REDIRECTION_PKT = 0x0400,
        /// Salted MAC.
        SECURE_CHECKSUM = 0x0800,
        /// Auto-detect request.
        AUTODETECT_REQ = 0x1000,
        /// Auto-detect response.
        AUTODETECT_RSP = 0x2000,
        /// Heartbeat.
        HEARTBEAT = 0x4000,
        /// The upper half means something.
        FLAGSHI_VALID = 0x8000,
    }
}

/// The flags at the start of a PDU that has a security header; `None` where it is too short for one.
pub fn flags(payload: &[u8]) -> Option<SecurityFlags> {
    payload.get(..2)?.try_into().ok().map(|bytes| SecurityFlags(u16::from_le_bytes(bytes)))
}

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

/// A licensing message, as far as it tells why licensing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum License {
    /// LICENSE_ERROR_MESSAGE.
    Error {
        /// What is wrong, or [`LicenseErrorCode::STATUS_VALID_CLIENT`].
        code: LicenseErrorCode,
        /// What follows from it.
        transition: LicenseTransition,
    },
    /// Another message.
    Message(LicenseMessageType),
}

/// Parses a licensing message, which follows the security header: `bMsgType u8 · flags u8 · wMsgSize u16`,
/// an error then `dwErrorCode u32 · dwStateTransition u32`.
pub fn license(body: &[u8]) -> Result<License, Malformed> {
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
            other => Ok((i, License::Message(other))),
        }
    })
}

open_enum! {
    /// What a share PDU is (low four bits of pduType, 2.2.8.1.1.1.1).
    pub struct ShareType(u8) {
        /// Demand Active.
        PDUTYPE_DEMANDACTIVEPDU = 0x1,
        /// Confirm Active.
        PDUTYPE_CONFIRMACTIVEPDU = 0x3,
        /// Deactivate All.
        PDUTYPE_DEACTIVATEALLPDU = 0x6,
        /// Data, told apart by [`ShareDataType`].
        PDUTYPE_DATAPDU = 0x7,
        /// Server Redirection.
        PDUTYPE_SERVER_REDIR_PKT = 0xA,
    }
}

open_enum! {
    /// What a share data PDU is (pduType2, 2.2.8.1.1.1.2).
    pub struct ShareDataType(u8) {
        /// Graphics.
        PDUTYPE2_UPDATE = 0x02,
        /// Control.
        PDUTYPE2_CONTROL = 0x14,
        /// Pointer.
        PDUTYPE2_POINTER = 0x1B,
        /// Input.
        PDUTYPE2_INPUT = 0x1C,
        /// Synchronize.
        PDUTYPE2_SYNCHRONIZE = 0x1F,
        /// Refresh Rect.
        PDUTYPE2_REFRESH_RECT = 0x21,
        /// Play Sound.
        PDUTYPE2_PLAY_SOUND = 0x22,
        /// Suppress Output.
        PDUTYPE2_SUPPRESS_OUTPUT = 0x23,
        /// The client asks to end.
        PDUTYPE2_SHUTDOWN_REQUEST = 0x24,
        /// The server won't.
        PDUTYPE2_SHUTDOWN_DENIED = 0x25,
        /// Save Session Info.
        PDUTYPE2_SAVE_SESSION_INFO = 0x26,
        /// Font List.
        PDUTYPE2_FONTLIST = 0x27,
        /// Font Map.
        PDUTYPE2_FONTMAP = 0x28,
        /// Keyboard indicators.
        PDUTYPE2_SET_KEYBOARD_INDICATORS = 0x29,
        /// Persistent Key List.
        PDUTYPE2_BITMAPCACHE_PERSISTENT_LIST = 0x2B,
        /// Bitmap Cache Error.
        PDUTYPE2_BITMAPCACHE_ERROR_PDU = 0x2C,
        /// Keyboard IME status.
        PDUTYPE2_SET_KEYBOARD_IME_STATUS = 0x2D,
        /// Offscreen Cache Error.
        PDUTYPE2_OFFSCRCACHE_ERROR_PDU = 0x2E,
        /// Set Error Info.
        PDUTYPE2_SET_ERROR_INFO_PDU = 0x2F,
        /// DrawNineGrid Cache Error.
        PDUTYPE2_DRAWNINEGRID_ERROR_PDU = 0x30,
        /// GDI+ Error.
        PDUTYPE2_DRAWGDIPLUS_ERROR_PDU = 0x31,
        /// Auto-reconnect status.
        PDUTYPE2_ARC_STATUS_PDU = 0x32,
        /// Server Status Info.
        PDUTYPE2_STATUS_INFO_PDU = 0x36,
        /// Monitor Layout.
        PDUTYPE2_MONITOR_LAYOUT_PDU = 0x37,
        /// Frame Acknowledge.
        PDUTYPE2_FRAME_ACKNOWLEDGE = 0x38,
    }
}

/// A share PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Set Error Info: why the server is about to end the session; 0 says nothing.
    SetErrorInfo(u32),
    /// Another data PDU.
    Data(ShareDataType),
    /// Another PDU.
    Control(ShareType),
    /// A flow PDU, told by totalLength 0x8000.
    Flow,
}

/// compressedType: the body is compressed (MS-RDPBCGR, section 3.1.8.2.1).
const PACKET_COMPRESSED: u8 = 0x20;

/// Parses a share PDU: `totalLength u16 · pduType u16 · pduSource u16`; a data PDU then `shareId u32 ·
/// pad u8 · streamId u8 · uncompressedLength u16 · pduType2 u8 · compressedType u8 · compressedLength u16`.
/// Old servers leave pduSource out of Deactivate All.
pub fn share(body: &[u8]) -> Result<Share, Malformed> {
    whole("share PDU", body, share_pdu)
}

fn share_pdu(start: &[u8]) -> Parsed<'_, Share> {
    const FLOW: u16 = 0x8000;
    let (i, length) = le_u16(start)?;
    if length == FLOW {
        return Ok((i, Share::Flow));
    }
    if length < 4 {
        return wrong("totalLength", start, 4, u64::from(length));
    }
    let (i, kind) = le_u16(i)?;
    let kind = ShareType((kind & 0x0F) as u8);
    if kind != ShareType::PDUTYPE_DATAPDU {
        return Ok((i, Share::Control(kind)));
    }
    // pduSource, shareId, pad, streamId, uncompressedLength.
    let (i, _) = take(10_usize)(i)?;
    let (i, data) = le_u8(i)?;
    let (i, compression) = le_u8(i)?;
    let (i, _compressed_length) = le_u16(i)?;
    match ShareDataType(data) {
        ShareDataType::PDUTYPE2_SET_ERROR_INFO_PDU if compression & PACKET_COMPRESSED == 0 => {
            let (i, code) = le_u32(i)?;
            Ok((i, Share::SetErrorInfo(code)))
        }
        other => Ok((i, Share::Data(other))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    #[test]
    fn reads_flags() {
        // rdp-proprietary-encryption#32, ndpi-rdp3#25 and ndpi-rdp3#23: Security Exchange, licensing,
        // Client Info.
        assert_eq!(flags(&hex("01020000")).unwrap().names(), ["EXCHANGE_PKT", "LICENSE_ENCRYPT"]);
        let names = ["ENCRYPT", "LICENSE_PKT", "LICENSE_ENCRYPT"];
        assert_eq!(flags(&hex("88020203")).unwrap().names(), names);
        assert!(flags(&hex("48000000")).unwrap().contains(SecurityFlags::INFO_PKT));
        assert_eq!(flags(&[1]), None);
    }

    /// Bytes after the layouts of 2.2.1.12; in every capture at hand licensing is encrypted.
    #[test]
    fn reads_licensing() {
        let valid = hex("ff 03 1000 07000000 02000000 04000000");
        let code = LicenseErrorCode::STATUS_VALID_CLIENT;
        let transition = LicenseTransition::ST_NO_TRANSITION;
        assert_eq!(license(&valid), Ok(License::Error { code, transition }));
        for cut in 0..12 {
            assert!(license(&valid[..cut]).is_err(), "cut at {cut}");
        }
        let request = License::Message(LicenseMessageType::LICENSE_REQUEST);
        assert_eq!(license(&hex("01 03 9803")), Ok(request));
        assert_eq!(license(&hex("01 03 0300")).unwrap_err().offset, 2);
    }

    /// Bytes after the layouts of 2.2.8.1.1.1 and 2.2.5.1.1.
    #[test]
    fn reads_share_pdus() {
        let error = hex("1600 1700 0000 ea030100 00 01 0800 2f 00 0000 07000000");
        assert_eq!(share(&error), Ok(Share::SetErrorInfo(7)));
        for cut in 0..error.len() {
            assert!(share(&error[..cut]).is_err(), "cut at {cut}");
        }
        let font_map = hex("1a00 1700 ea03 ea030100 00 01 0800 28 00 0000");
        assert_eq!(share(&font_map), Ok(Share::Data(ShareDataType::PDUTYPE2_FONTMAP)));
        // Deactivate All without pduSource.
        assert_eq!(share(&hex("0400 1600")), Ok(Share::Control(ShareType::PDUTYPE_DEACTIVATEALLPDU)));
        assert_eq!(share(&hex("0080 0000 0000 ea03")), Ok(Share::Flow));
        assert_eq!(share(&hex("0300 1700")).unwrap_err().what, "totalLength");
        // A compressed Set Error Info can't be read.
        let packed = hex("1600 1700 0000 ea030100 00 01 0800 2f 21 0000 07000000");
        assert_eq!(share(&packed), Ok(Share::Data(ShareDataType::PDUTYPE2_SET_ERROR_INFO_PDU)));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..48)) {
            let _ = (flags(&bytes), license(&bytes), share(&bytes));
        }
    }
}
