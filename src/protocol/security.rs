//! The basic security header (MS-RDPBCGR, section 2.2.8.1.1.2.1), little-endian.

use crate::base::open_flags;

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
        /// Client Info.
        INFO_PKT = 0x0040,
        /// Licensing.
        LICENSE_PKT = 0x0080,
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
