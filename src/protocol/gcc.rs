//! Settings blocks of the GCC Conference Create Request and Response (T.124; MS-RDPBCGR, sections 2.2.1.3
//! and 2.2.1.4). Block fields are little-endian.

use nom::bytes::streaming::take;
use nom::number::streaming::le_u16;

use super::Malformed;
use super::mcs::per_length;
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
    /// Static virtual channels by name, at most 31.
    pub channels: Vec<String>,
}

/// What a server says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerData {
    /// SC_CORE version, major in the high half.
    pub version: Option<u32>,
    /// Encryption method chosen.
    pub encryption_method: Option<EncryptionMethods>,
    /// Encryption level.
    pub encryption_level: Option<EncryptionLevel>,
}

const CS_CORE: u16 = 0xC001;
const CS_SECURITY: u16 = 0xC002;
const CS_NET: u16 = 0xC003;
const SC_CORE: u16 = 0x0C01;
const SC_SECURITY: u16 = 0x0C02;

/// MS-RDPBCGR, section 2.2.1.3.4.
const MAX_CHANNELS: usize = 31;

/// Reads the user data of a Connect-Initial. A block that is cut gives the fields that are there.
pub fn client_data(user_data: &[u8]) -> Result<ClientData, Malformed> {
    let mut data = ClientData::default();
    for (kind, body) in blocks(user_data, b"Duca")? {
        match kind {
            CS_CORE => {
                data.version = u32_at(body, 0);
                data.desktop_width = u16_at(body, 4);
                data.desktop_height = u16_at(body, 6);
                data.keyboard_layout = u32_at(body, 12);
                data.client_build = u32_at(body, 16);
                data.client_name = body.get(20..52).map(|name| utf16(name, 16));
            }
            CS_SECURITY => data.encryption_methods = u32_at(body, 0).map(EncryptionMethods),
            CS_NET => {
                let count = u32_at(body, 0).unwrap_or(0) as usize;
                let entries = body.get(4..).unwrap_or_default().chunks_exact(12);
                data.channels = entries.take(count.min(MAX_CHANNELS)).map(channel_name).collect();
            }
            _ => {}
        }
    }
    Ok(data)
}

/// Reads the user data of a Connect-Response.
pub fn server_data(user_data: &[u8]) -> Result<ServerData, Malformed> {
    let mut data = ServerData::default();
    for (kind, body) in blocks(user_data, b"McDn")? {
        match kind {
            SC_CORE => data.version = u32_at(body, 0),
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
fn blocks<'a>(user_data: &'a [u8], key: &[u8; 4]) -> Result<Vec<(u16, &'a [u8])>, Malformed> {
    /// The wrapper is some 20 bytes long.
    const WRAPPER: usize = 64;
    let start = user_data
        .get(..user_data.len().min(WRAPPER))
        .unwrap_or_default()
        .windows(key.len())
        .position(|window| window == key);
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
