//! Settings blocks of the GCC Conference Create Request and Response (T.124; MS-RDPBCGR, sections 2.2.1.3
//! and 2.2.1.4). Block fields are little-endian.

use nom::bytes::streaming::take;
use nom::number::streaming::le_u16;

use super::Malformed;
use super::mcs::per_length;
use super::negotiation::Protocols;
use super::wire::{Parsed, text, utf16, whole, wrong};
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

/// What a client says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientData {
    /// CS_CORE version, major in the high half.
    pub version: Option<u32>,
    /// Desktop width in pixels.
    pub desktop_width: Option<u16>,
    /// Desktop height in pixels.
    pub desktop_height: Option<u16>,
    /// Input locale identifier.
    pub keyboard_layout: Option<u32>,
    /// Build of the client.
    pub client_build: Option<u32>,
    /// Computer name, at most 15 characters.
    pub client_name: Option<String>,
    /// Encryption methods offered.
    pub encryption_methods: Option<EncryptionMethods>,
    /// CS_CORE earlyCapabilityFlags; old clients send none.
    pub early_capabilities: Option<EarlyCapabilities>,
    /// The protocol that the client saw the server select in the negotiation; old clients send none.
    pub server_selected_protocol: Option<Protocols>,
    /// Static virtual channels by name, at most 31.
    pub channels: Vec<String>,
    /// CS_CLUSTER flags.
    pub cluster: Option<ClusterFlags>,
    /// The session asked for, which counts where [`ClusterFlags::REDIRECTED_SESSIONID_FIELD_VALID`].
    pub redirected_session: Option<u32>,
}

/// What a server says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerData {
    /// SC_CORE version, major in the high half.
    pub version: Option<u32>,
    /// The protocols that the server saw the client request in the negotiation; old servers send none.
    pub client_requested_protocols: Option<Protocols>,
    /// Encryption method chosen.
    pub encryption_method: Option<EncryptionMethods>,
    /// Encryption level.
    pub encryption_level: Option<EncryptionLevel>,
}

const CS_CORE: u16 = 0xC001;
const CS_SECURITY: u16 = 0xC002;
const CS_NET: u16 = 0xC003;
const CS_CLUSTER: u16 = 0xC004;
const SC_CORE: u16 = 0x0C01;
const SC_SECURITY: u16 = 0x0C02;

/// MS-RDPBCGR, section 2.2.1.3.4.
const MAX_CHANNELS: usize = 31;

/// Reads the user data of a Connect-Initial. A block that is cut gives the fields that are there.
pub fn client_data(user_data: &[u8]) -> Result<ClientData, Malformed> {
    let mut data = ClientData::default();
    for (kind, body) in blocks(user_data, *b"Duca")? {
        match kind {
            CS_CORE => {
                data.version = u32_at(body, 0);
                data.desktop_width = u16_at(body, 4);
                data.desktop_height = u16_at(body, 6);
                data.keyboard_layout = u32_at(body, 12);
                data.client_build = u32_at(body, 16);
                data.client_name = body.get(20..52).map(|name| utf16(name, 16));
                data.early_capabilities = u16_at(body, 140).map(EarlyCapabilities);
                data.server_selected_protocol = u32_at(body, 208).map(Protocols);
            }
            CS_SECURITY => data.encryption_methods = u32_at(body, 0).map(EncryptionMethods),
            CS_NET => {
                let count = u32_at(body, 0).unwrap_or(0) as usize;
                let entries = body.get(4..).unwrap_or_default().chunks_exact(12);
                data.channels = entries.take(count.min(MAX_CHANNELS)).map(channel_name).collect();
            }
            CS_CLUSTER => {
                data.cluster = u32_at(body, 0).map(ClusterFlags);
                data.redirected_session = u32_at(body, 4);
            }
            _ => {}
        }
    }
    Ok(data)
}

/// Reads the user data of a Connect-Response.
pub fn server_data(user_data: &[u8]) -> Result<ServerData, Malformed> {
    let mut data = ServerData::default();
    for (kind, body) in blocks(user_data, *b"McDn")? {
        match kind {
            SC_CORE => {
                data.version = u32_at(body, 0);
                data.client_requested_protocols = u32_at(body, 4).map(Protocols);
            }
            SC_SECURITY => {
                data.encryption_method = u32_at(body, 0).map(EncryptionMethods);
                data.encryption_level = u32_at(body, 4).map(EncryptionLevel);
            }
            _ => {}
        }
    }
    Ok(data)
}

fn channel_name(entry: &[u8]) -> String {
    let name = entry.get(..8).unwrap_or_default();
    text(name.split(|&byte| byte == 0).next().unwrap_or_default(), 8)
}

fn u16_at(body: &[u8], at: usize) -> Option<u16> {
    let end = at.checked_add(2)?;
    body.get(at..end)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(body: &[u8], at: usize) -> Option<u32> {
    let end = at.checked_add(4)?;
    body.get(at..end)?.try_into().ok().map(u32::from_le_bytes)
}

/// The settings blocks behind the T.124 wrapper: found by the H.221 key in it, since the lengths before it
/// are wrong in some servers' answers. A last block that is cut is given as far as it goes.
fn blocks(user_data: &[u8], key: [u8; 4]) -> Result<Vec<(u16, &[u8])>, Malformed> {
    /// The wrapper is some 20 bytes long.
    const WRAPPER: usize = 64;
    let start = user_data
        .get(..user_data.len().min(WRAPPER))
        .unwrap_or_default()
        .windows(key.len())
        .position(|window| *window == key);
    let Some(start) = start.and_then(|start| start.checked_add(key.len())) else {
        return Err(Malformed { what: "H.221 key", offset: 0, need: 1, have: 0 });
    };
    whole("GCC settings", user_data.get(start..).unwrap_or_default(), |i| {
        let (mut i, _) = per_length(i)?;
        let mut blocks = Vec::new();
        // Each block has at least its header, so this ends.
        while i.len() >= 4 {
            let (rest, (kind, body)) = block(i)?;
            blocks.push((kind, body));
            i = rest;
        }
        Ok((i, blocks))
    })
}

/// `type u16 · length u16`, header included; then the fields.
fn block(i: &[u8]) -> Parsed<'_, (u16, &[u8])> {
    let (at, kind) = le_u16(i)?;
    let (rest, len) = le_u16(at)?;
    let Some(len) = usize::from(len).checked_sub(4) else {
        return wrong("settings block length", at, 4, u64::from(len));
    };
    let (rest, body) = take(len.min(rest.len()))(rest)?;
    Ok((rest, (kind, body)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    /// ndpi-rdp3#6, the user data of an old client.
    const OLD_CLIENT: &str = "000500147c00018126000800100001c00044756361811801c0d400040008000005000401ca03aa090400 \
        00280a000053004500500054005500000000000000000000000000000000000000000000000400000000 \
        0000000c0000000000000000000000000000000000000000000000000000000000000000000000000000 \
        000000000000000000000000000000000000000000000000000000000001ca0100000000001000070001 \
        00370036003400380037002d004f0045004d002d0030003000310031003900300033002d003000300031 \
        0030003200000000000000000000000000000000000000000004c00c00090000000000000002c00c000b \
        0000000000000003c02c0003000000726470647200000000008080636c6970726472000000a0c0726470 \
        736e640000000000c0";
    /// ndpi-rdp3#7, the start of the user data: all but random and certificate.
    const OLD_SERVER: &str = "000500147c00012a14760a01010001c0004d63446e8108010c0c000400080000000000030c1000eb0303 \
        00ec03ed03ee030000020cec0002000000020000002000";
    /// rdp-unknown-keyboard#11, the user data of a client of RDP 8.
    const CLIENT: &str = "000500147c00018148000800100001c00044756361813a01c0ea00040008008007380401ca03aa1e0404 \
        00802500004a004f0048004e002d00500043002d004c004100500054004f005000000000000400000000 \
        0000000c0000000000000000000000000000000000000000000000000000000000000000000000000000 \
        000000000000000000000000000000000000000000000000000000000001ca01000000000010000f00ad \
        07330063003500370031006500640030002d0033003400310035002d0034003700340062002d00610065 \
        00390034002d003700340065003100350031006200000007000000000000000000000000000000000000 \
        000000000004c00c00150000000000000002c00c001b0000000000000003c03800040000007264706472 \
        00000000008080726470736e640000000000c0636c6970726472000000a0c0647264796e766300000080 \
        c0";

    #[test]
    fn reads_client_data() {
        let old = client_data(&hex(OLD_CLIENT)).unwrap();
        assert_eq!((old.version, old.client_build), (Some(0x0008_0004), Some(2600)));
        assert_eq!((old.desktop_width, old.desktop_height), (Some(1280), Some(1024)));
        assert_eq!((old.keyboard_layout, old.client_name.as_deref()), (Some(0x409), Some("SEPTU")));
        assert_eq!(old.channels, ["rdpdr", "cliprdr", "rdpsnd"]);
        assert_eq!(old.early_capabilities, Some(EarlyCapabilities::SUPPORT_ERRINFO_PDU));
        assert_eq!(old.server_selected_protocol, None);

        let data = client_data(&hex(CLIENT)).unwrap();
        assert_eq!(data.client_name.as_deref(), Some("JOHN-PC-LAPTOP"));
        assert_eq!((data.keyboard_layout, data.client_build), (Some(0x0004_041E), Some(9600)));
        assert_eq!(data.server_selected_protocol, Some(Protocols::RDP));
        assert_eq!(data.early_capabilities.unwrap().0, 0x07AD);
        assert_eq!(data.encryption_methods.unwrap().0, 0x1B);
        assert_eq!(data.channels, ["rdpdr", "rdpsnd", "cliprdr", "drdynvc"]);
        assert!(data.cluster.unwrap().contains(ClusterFlags::REDIRECTION_SUPPORTED));
        assert_eq!(data.redirected_session, Some(0));
    }

    #[test]
    fn reads_server_data() {
        let data = server_data(&hex(OLD_SERVER)).unwrap();
        assert_eq!(
            (data.version, data.client_requested_protocols),
            (Some(0x0008_0004), Some(Protocols::RDP))
        );
        assert_eq!(data.encryption_method, Some(EncryptionMethods::ENCRYPTION_FLAG_128BIT));
        assert_eq!(data.encryption_level, Some(EncryptionLevel::ENCRYPTION_LEVEL_CLIENT_COMPATIBLE));
    }

    #[test]
    fn every_cut_gives_what_is_there() {
        let bytes = hex(CLIENT);
        let mut fields = 0;
        for cut in 0..=bytes.len() {
            if let Ok(data) = client_data(&bytes[..cut]) {
                let seen = usize::from(data.version.is_some())
                    + usize::from(data.client_name.is_some())
                    + usize::from(data.cluster.is_some())
                    + data.channels.len();
                assert!(seen >= fields, "cut {cut}");
                fields = seen;
            }
        }
        assert_eq!(fields, 7);
        assert_eq!(client_data(&bytes[..10]).unwrap_err().what, "H.221 key");
    }

    #[test]
    fn refuses_a_block_without_end() {
        let wrong = client_data(b"Duca\x08\x01\xc0\x03\x00").unwrap_err();
        assert_eq!((wrong.what, wrong.offset, wrong.have), ("settings block length", 3, 3));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..128), at in 0_usize..300, to: u8) {
            for key in [b"Duca", b"McDn"] {
                let all = [key.as_slice(), &bytes].concat();
                let _ = (client_data(&all), server_data(&all), client_data(&bytes));
            }
            let mut real = hex(CLIENT);
            real[at] = to;
            let _ = client_data(&real);
        }
    }
}
