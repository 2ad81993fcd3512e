//! Flags and numbers of the settings blocks.

use crate::base::{open_enum, open_flags};

open_flags! {
    /// Encryption methods of Standard RDP Security (MS-RDPBCGR, section 2.2.1.3.3).
    pub struct EncryptionMethods(u32) {
        /// 40-bit RC4.
        ENCRYPTION_FLAG_40BIT = 0x01,
        /// 128-bit RC4.
        ENCRYPTION_FLAG_128BIT = 0x02,
        /// 56-bit RC4.
        ENCRYPTION_FLAG_56BIT = 0x08,
        /// FIPS 140-1: 3DES and SHA-1.
        ENCRYPTION_FLAG_FIPS = 0x10,
    }
}

open_enum! {
    /// Encryption level of Standard RDP Security (MS-RDPBCGR, section 2.2.1.4.3).
    pub struct EncryptionLevel(u32) {
        /// Nothing is encrypted.
        ENCRYPTION_LEVEL_NONE = 0,
        /// Only the client's data.
        ENCRYPTION_LEVEL_LOW = 1,
        /// As strong as the client can.
        ENCRYPTION_LEVEL_CLIENT_COMPATIBLE = 2,
        /// As strong as the server can.
        ENCRYPTION_LEVEL_HIGH = 3,
        /// FIPS methods only.
        ENCRYPTION_LEVEL_FIPS = 4,
    }
}

open_flags! {
    /// earlyCapabilityFlags of a client (MS-RDPBCGR, section 2.2.1.3.2), prefix RNS_UD_CS_ dropped.
    pub struct EarlyCapabilities(u16) {
        /// Takes Set Error Info; without this the server sends none.
        SUPPORT_ERRINFO_PDU = 0x0001,
        /// Wants 32 bits a pixel.
        WANT_32BPP_SESSION = 0x0002,
        /// Takes Server Status Info.
        SUPPORT_STATUSINFO_PDU = 0x0004,
        /// Takes asymmetric keys above 512 bits.
        STRONG_ASYMMETRIC_KEYS = 0x0008,
        /// Takes relative mouse input.
        RELATIVE_MOUSE_INPUT = 0x0010,
        /// connectionType means something.
        VALID_CONNECTION_TYPE = 0x0020,
        /// Takes Monitor Layout.
        SUPPORT_MONITOR_LAYOUT_PDU = 0x0040,
        /// Takes network characteristics detection.
        SUPPORT_NETCHAR_AUTODETECT = 0x0080,
        /// Takes the graphics pipeline.
        SUPPORT_DYNVC_GFX_PROTOCOL = 0x0100,
        /// Sends dynamic time zones.
        SUPPORT_DYNAMIC_TIME_ZONE = 0x0200,
        /// Takes Heartbeat.
        SUPPORT_HEARTBEAT_PDU = 0x0400,
        /// Can skip the channel joins.
        SUPPORT_SKIP_CHANNELJOIN = 0x0800,
    }
}

open_flags! {
    /// Flags of CS_CLUSTER (MS-RDPBCGR, section 2.2.1.3.5); bits 2 to 5 hold a version.
    pub struct ClusterFlags(u32) {
        /// The client takes redirections.
        REDIRECTION_SUPPORTED = 0x01,
        /// RedirectedSessionID means something: the client was redirected.
        REDIRECTED_SESSIONID_FIELD_VALID = 0x02,
        /// Logon with a smart card.
        REDIRECTED_SMARTCARD = 0x40,
    }
}

open_enum! {
    /// keyboardType of CS_CORE (MS-RDPBCGR, section 2.2.1.3.2).
    pub struct KeyboardType(u32) {
        /// IBM PC/XT or compatible, 83 keys.
        IBM_PC_XT_83 = 1,
        /// Olivetti ICO, 102 keys.
        OLIVETTI_ICO_102 = 2,
        /// IBM PC/AT, 84 keys.
        IBM_PC_AT_84 = 3,
        /// IBM enhanced, 101 or 102 keys.
        IBM_ENHANCED_101_102 = 4,
        /// Nokia 1050.
        NOKIA_1050 = 5,
        /// Nokia 9140.
        NOKIA_9140 = 6,
        /// Japanese.
        JAPANESE = 7,
    }
}

open_enum! {
    /// connectionType of CS_CORE (MS-RDPBCGR, section 2.2.1.3.2).
    pub struct ConnectionType(u8) {
        /// Modem, 56 kbit/s.
        CONNECTION_TYPE_MODEM = 1,
        /// Low-speed broadband, 256 kbit/s to 2 Mbit/s.
        CONNECTION_TYPE_BROADBAND_LOW = 2,
        /// Satellite, 2 to 16 Mbit/s with high latency.
        CONNECTION_TYPE_SATELLITE = 3,
        /// High-speed broadband, 2 to 10 Mbit/s.
        CONNECTION_TYPE_BROADBAND_HIGH = 4,
        /// WAN, 10 Mbit/s or more with high latency.
        CONNECTION_TYPE_WAN = 5,
        /// LAN, 10 Mbit/s or more.
        CONNECTION_TYPE_LAN = 6,
        /// The server shall find out.
        CONNECTION_TYPE_AUTODETECT = 7,
    }
}

open_flags! {
    /// Flags of CS_MULTITRANSPORT and SC_MULTITRANSPORT (MS-RDPBCGR, sections 2.2.1.3.8 and 2.2.1.4.6).
    pub struct MultitransportFlags(u32) {
        /// Reliable UDP.
        TRANSPORTTYPE_UDPFECR = 0x001,
        /// Lossy UDP.
        TRANSPORTTYPE_UDPFECL = 0x004,
        /// UDP is wanted.
        TRANSPORTTYPE_UDP_PREFERRED = 0x100,
        /// Channels can move from TCP to UDP.
        SOFTSYNC_TCP_TO_UDP = 0x200,
    }
}

open_flags! {
    /// earlyCapabilityFlags of a server (MS-RDPBCGR, section 2.2.1.4.2), prefix RNS_UD_SC_ dropped.
    pub struct ServerCapabilities(u32) {
        /// Edge actions, revision 1.
        EDGE_ACTIONS_SUPPORTED_V1 = 0x1,
        /// Takes dynamic time zones.
        DYNAMIC_DST_SUPPORTED = 0x2,
        /// Edge actions, revision 2.
        EDGE_ACTIONS_SUPPORTED_V2 = 0x4,
        /// The channel joins can be skipped.
        SKIP_CHANNELJOIN_SUPPORTED = 0x8,
    }
}

open_enum! {
    /// Result of a Conference Create Response (T.124, section 8.7).
    pub struct GccResult(u8) {
        /// Done.
        SUCCESS = 0,
        /// The user refused.
        USER_REJECTED = 1,
        /// Resources lack.
        RESOURCES_NOT_AVAILABLE = 2,
        /// Refused because of a symmetry that nobody wants.
        REJECTED_FOR_SYMMETRY_BREAKING = 3,
        /// Locked conferences are not supported.
        LOCKED_CONFERENCE_NOT_SUPPORTED = 4,
    }
}

open_enum! {
    /// Kind of a server's certificate in SC_SECURITY (MS-RDPBCGR, section 2.2.1.4.3.1).
    pub struct CertificateVersion(u32) {
        /// RSA key, signed by a key that everybody knows.
        CERT_CHAIN_VERSION_1 = 1,
        /// X.509 chain.
        CERT_CHAIN_VERSION_2 = 2,
    }
}
