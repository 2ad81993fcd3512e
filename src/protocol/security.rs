//! The security header (MS-RDPBCGR, section 2.2.8.1.1.2): what it says is in clear whatever the encryption.
//! Numbers are little-endian.

use super::wire::u16_at;
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

/// Bytes of the basic security header: `flags u16 · flagsHi u16`.
pub const HEADER_LEN: usize = 4;

/// The flags at the start of a PDU that has a security header; `None` where it is too short for one.
pub fn flags(payload: &[u8]) -> Option<SecurityFlags> {
    u16_at(payload, 0).map(SecurityFlags)
}

#[cfg(test)]
mod tests {
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
}
