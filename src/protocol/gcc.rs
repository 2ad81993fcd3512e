//! Settings blocks of the GCC Conference Create Request and Response (T.124; MS-RDPBCGR, sections 2.2.1.3
//! and 2.2.1.4). Block fields are little-endian.

use nom::bytes::streaming::take;
use nom::number::streaming::le_u16;

use super::Malformed;
use super::mcs::per_length;
use super::negotiation::Protocols;
use super::wire::{Parsed, text, u16_at, u32_at, utf16, whole, wrong};

mod fields;

pub use fields::*;

/// What a client says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientData {
    /// CS_CORE version, major in the high half.
    pub version: Option<u32>,
    /// Desktop width in pixels.
    pub desktop_width: Option<u16>,
    /// Desktop height in pixels.
    pub desktop_height: Option<u16>,
    /// Bits a pixel wanted.
    pub color_depth: Option<u16>,
    /// Input locale identifier.
    pub keyboard_layout: Option<u32>,
    /// Kind of keyboard.
    pub keyboard_type: Option<KeyboardType>,
    /// Kind of line, which counts where [`EarlyCapabilities::VALID_CONNECTION_TYPE`].
    pub connection_type: Option<ConnectionType>,
    /// Scale of the desktop in percent.
    pub desktop_scale_factor: Option<u32>,
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
    /// CS_MONITOR: the client's monitors, at most 16.
    pub monitors: Vec<Monitor>,
    /// CS_MCS_MSGCHANNEL is there: the client takes the message channel.
    pub message_channel: bool,
    /// CS_MULTITRANSPORT flags.
    pub multitransport: Option<MultitransportFlags>,
}

/// One monitor, in pixels from the primary one's upper left corner; the edges belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// Left edge.
    pub left: i32,
    /// Upper edge.
    pub top: i32,
    /// Right edge.
    pub right: i32,
    /// Lower edge.
    pub bottom: i32,
    /// Whether it is the primary one.
    pub primary: bool,
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
    /// SC_CORE earlyCapabilityFlags; old servers send none.
    pub early_capabilities: Option<ServerCapabilities>,
    /// Whether the Conference Create Response took the conference.
    pub result: Option<GccResult>,
    /// The certificate of Standard RDP Security.
    pub certificate: Option<ServerCertificate>,
    /// The server's random of Standard RDP Security.
    pub random: Option<[u8; 32]>,
    /// MCS channel of share PDUs.
    pub io_channel: Option<u16>,
    /// MCS channels of the client's static virtual channels, in their order; 0 for a channel that the
    /// server does not open.
    pub channel_ids: Vec<u16>,
    /// MCS channel of auto-detect, multitransport and heartbeat.
    pub message_channel: Option<u16>,
    /// SC_MULTITRANSPORT flags.
    pub multitransport: Option<MultitransportFlags>,
}

/// The certificate of Standard RDP Security, which is none of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerCertificate {
    /// Kind.
    pub version: CertificateVersion,
    /// Bits of the key, where it is no X.509 certificate.
    pub key_bits: Option<u32>,
}

const CS_CORE: u16 = 0xC001;
const CS_SECURITY: u16 = 0xC002;
const CS_NET: u16 = 0xC003;
const CS_CLUSTER: u16 = 0xC004;
const CS_MONITOR: u16 = 0xC005;
const CS_MCS_MSGCHANNEL: u16 = 0xC006;
const CS_MULTITRANSPORT: u16 = 0xC00A;
const SC_CORE: u16 = 0x0C01;
const SC_SECURITY: u16 = 0x0C02;
const SC_NET: u16 = 0x0C03;
const SC_MCS_MSGCHANNEL: u16 = 0x0C04;
const SC_MULTITRANSPORT: u16 = 0x0C08;

/// MS-RDPBCGR, section 2.2.1.3.4.
const MAX_CHANNELS: usize = 31;
/// MS-RDPBCGR, section 2.2.1.3.6.
const MAX_MONITORS: usize = 16;

/// Reads the user data of a Connect-Initial. A block that is cut gives the fields that are there.
pub fn client_data(user_data: &[u8]) -> Result<ClientData, Malformed> {
    let mut data = ClientData::default();
    for (kind, body) in blocks(user_data, CLIENT_KEY)? {
        match kind {
            CS_CORE => data.core(body),
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
            CS_MONITOR => {
                let count = u32_at(body, 4).unwrap_or(0) as usize;
                let entries = body.get(8..).unwrap_or_default().chunks_exact(20);
                data.monitors = entries.take(count.min(MAX_MONITORS)).filter_map(monitor).collect();
            }
            CS_MCS_MSGCHANNEL => data.message_channel = true,
            CS_MULTITRANSPORT => data.multitransport = u32_at(body, 0).map(MultitransportFlags),
            _ => {}
        }
    }
    Ok(data)
}

impl ClientData {
    /// CS_CORE, of which everything from byte 128 on may be missing (MS-RDPBCGR, section 2.2.1.3.2).
    fn core(&mut self, body: &[u8]) {
        self.version = u32_at(body, 0);
        self.desktop_width = u16_at(body, 4);
        self.desktop_height = u16_at(body, 6);
        self.keyboard_layout = u32_at(body, 12);
        self.client_build = u32_at(body, 16);
        self.client_name = body.get(20..52).map(|name| utf16(name, 16));
        self.keyboard_type = u32_at(body, 52).map(KeyboardType);
        self.early_capabilities = u16_at(body, 140).map(EarlyCapabilities);
        self.connection_type = body.get(206).copied().map(ConnectionType);
        self.server_selected_protocol = u32_at(body, 208).map(Protocols);
        self.desktop_scale_factor = u32_at(body, 222).filter(|percent| *percent > 0);
        let wants_32 = self
            .early_capabilities
            .is_some_and(|early| early.contains(EarlyCapabilities::WANT_32BPP_SESSION));
        self.color_depth = if wants_32 { Some(32) } else { u16_at(body, 136).or_else(|| color_depth(body)) };
    }
}

/// What old clients say: postBeta2ColorDepth, or colorDepth where that is missing.
fn color_depth(body: &[u8]) -> Option<u16> {
    match u16_at(body, 128).or_else(|| u16_at(body, 8))? {
        0xCA00 => Some(4),
        0xCA01 => Some(8),
        0xCA02 => Some(15),
        0xCA03 => Some(16),
        0xCA04 => Some(24),
        _ => None,
    }
}

fn monitor(entry: &[u8]) -> Option<Monitor> {
    let edge = |at| u32_at(entry, at).map(|edge| edge as i32);
    Some(Monitor {
        left: edge(0)?,
        top: edge(4)?,
        right: edge(8)?,
        bottom: edge(12)?,
        primary: u32_at(entry, 16)? & 1 != 0,
    })
}

/// Reads the user data of a Connect-Response.
pub fn server_data(user_data: &[u8]) -> Result<ServerData, Malformed> {
    let mut data = ServerData { result: response_result(user_data), ..ServerData::default() };
    for (kind, body) in blocks(user_data, SERVER_KEY)? {
        match kind {
            SC_CORE => {
                data.version = u32_at(body, 0);
                data.client_requested_protocols = u32_at(body, 4).map(Protocols);
                data.early_capabilities = u32_at(body, 8).map(ServerCapabilities);
            }
            SC_SECURITY => {
                data.encryption_method = u32_at(body, 0).map(EncryptionMethods);
                data.encryption_level = u32_at(body, 4).map(EncryptionLevel);
                data.certificate = certificate(body);
                data.random = body.get(16..).and_then(<[u8]>::first_chunk).copied();
            }
            SC_NET => {
                data.io_channel = u16_at(body, 0);
                let count = usize::from(u16_at(body, 2).unwrap_or(0));
                let ids = body.get(4..).unwrap_or_default().chunks_exact(2);
                data.channel_ids = ids.take(count.min(MAX_CHANNELS)).filter_map(|id| u16_at(id, 0)).collect();
            }
            SC_MCS_MSGCHANNEL => data.message_channel = u16_at(body, 0),
            SC_MULTITRANSPORT => data.multitransport = u32_at(body, 0).map(MultitransportFlags),
            _ => {}
        }
    }
    Ok(data)
}

/// H.221 keys of the two ends.
const CLIENT_KEY: [u8; 4] = *b"Duca";
const SERVER_KEY: [u8; 4] = *b"McDn";

/// The result, which stands four bytes before the key.
fn response_result(user_data: &[u8]) -> Option<GccResult> {
    let at = key_at(user_data, SERVER_KEY)?.checked_sub(4)?;
    user_data.get(at).copied().map(GccResult)
}

/// `method u32 · level u32 · random length u32 · certificate length u32 · random · certificate`.
fn certificate(body: &[u8]) -> Option<ServerCertificate> {
    /// Top bit of dwVersion: a temporary certificate.
    const TEMPORARY: u32 = 0x8000_0000;
    let random = u32_at(body, 8)? as usize;
    let certificate = body.get(random.checked_add(16)?..)?;
    let version = CertificateVersion(u32_at(certificate, 0)? & !TEMPORARY);
    // dwVersion, dwSigAlgId, dwKeyAlgId, wPublicKeyBlobType, wPublicKeyBlobLen, magic, keylen, bitlen.
    let key_bits = u32_at(certificate, 24).filter(|_| version == CertificateVersion::CERT_CHAIN_VERSION_1);
    Some(ServerCertificate { version, key_bits })
}

fn channel_name(entry: &[u8]) -> String {
    let name = entry.get(..8).unwrap_or_default();
    text(name.split(|&byte| byte == 0).next().unwrap_or_default(), 8)
}

/// The settings blocks behind the T.124 wrapper: found by the H.221 key in it, since the lengths before it
/// are wrong in some servers' answers. A last block that is cut is given as far as it goes.
fn blocks(user_data: &[u8], key: [u8; 4]) -> Result<Vec<(u16, &[u8])>, Malformed> {
    let start = key_at(user_data, key);
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

/// Where the H.221 key is.
fn key_at(user_data: &[u8], key: [u8; 4]) -> Option<usize> {
    /// The wrapper is some 20 bytes long.
    const WRAPPER: usize = 64;
    let wrapper = user_data.get(..WRAPPER).unwrap_or(user_data);
    wrapper.windows(key.len()).position(|window| *window == key)
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
        assert_eq!(old.keyboard_type, Some(KeyboardType::IBM_ENHANCED_101_102));
        assert_eq!((old.color_depth, old.message_channel), (Some(16), false));

        let data = client_data(&hex(CLIENT)).unwrap();
        assert_eq!(data.client_name.as_deref(), Some("JOHN-PC-LAPTOP"));
        assert_eq!((data.keyboard_layout, data.client_build), (Some(0x0004_041E), Some(9600)));
        assert_eq!(data.server_selected_protocol, Some(Protocols::RDP));
        assert_eq!(data.early_capabilities.unwrap().0, 0x07AD);
        assert_eq!(data.encryption_methods.unwrap().0, 0x1B);
        assert_eq!(data.channels, ["rdpdr", "rdpsnd", "cliprdr", "drdynvc"]);
        assert!(data.cluster.unwrap().contains(ClusterFlags::REDIRECTION_SUPPORTED));
        assert_eq!(data.redirected_session, Some(0));
        assert_eq!(data.connection_type, Some(ConnectionType::CONNECTION_TYPE_AUTODETECT));
        assert_eq!((data.color_depth, data.desktop_scale_factor), (Some(16), None));
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
        assert_eq!((data.result, data.certificate), (Some(GccResult::SUCCESS), None));
        assert_eq!((data.io_channel, data.channel_ids), (Some(1003), vec![1004, 1005, 1006]));
        assert_eq!((data.early_capabilities, data.message_channel), (None, None));
    }

    /// Blocks after the layouts of 2.2.1.3.6 to 2.2.1.3.8 and 2.2.1.4.4 to 2.2.1.4.6.
    #[test]
    fn reads_the_blocks_that_old_peers_lack() {
        let client = [
            b"Duca".as_slice(),
            &hex("30 05c02000 00000000 01000000 00000000 00000000 7f070000 37040000 01000000"),
            &hex("06c00800 00000000 0ac00800 05030000"),
        ];
        let client = client_data(&client.concat()).unwrap();
        let monitor = Monitor { left: 0, top: 0, right: 1919, bottom: 1079, primary: true };
        assert_eq!((client.monitors, client.message_channel), (vec![monitor], true));
        let names = [
            "TRANSPORTTYPE_UDPFECR",
            "TRANSPORTTYPE_UDPFECL",
            "TRANSPORTTYPE_UDP_PREFERRED",
            "SOFTSYNC_TCP_TO_UDP",
        ];
        assert_eq!(client.multitransport.unwrap().names(), names);
        let server = [
            hex("000500147c00012a14760a0101 02 01c0004d63446e"),
            hex("28 010c1000 04000800 0b000000 08000000 030c1000 eb03 0300 ec03 0000 ee03 0000"),
            hex("040c0600 ef03 080c0800 01000000"),
        ];
        let server = server_data(&server.concat()).unwrap();
        assert_eq!(server.result, Some(GccResult::RESOURCES_NOT_AVAILABLE));
        assert_eq!(server.early_capabilities, Some(ServerCapabilities::SKIP_CHANNELJOIN_SUPPORTED));
        assert_eq!((server.io_channel, server.message_channel), (Some(1003), Some(1007)));
        assert_eq!(server.channel_ids, [1004, 0, 1006]);
        assert_eq!(server.multitransport, Some(MultitransportFlags::TRANSPORTTYPE_UDPFECR));
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
