//! NTLM messages (MS-NLMP, section 2.2.1): who wants to log on from where to what. Challenges, responses and
//! keys are not read. Numbers are little-endian.

use super::Malformed;
use super::wire::{text, u16_at, u32_at, utf16};
use crate::base::open_flags;

open_flags! {
    /// NegotiateFlags (2.2.2.5), prefix NTLMSSP_ dropped.
    pub struct NegotiateFlags(u32) {
        /// Text is UTF-16.
        NEGOTIATE_UNICODE = 0x0000_0001,
        /// Text is in an OEM character set.
        NEGOTIATE_OEM = 0x0000_0002,
        /// The server shall name itself.
        REQUEST_TARGET = 0x0000_0004,
        /// Messages are signed.
        NEGOTIATE_SIGN = 0x0000_0010,
        /// Messages are encrypted.
        NEGOTIATE_SEAL = 0x0000_0020,
        /// Connectionless.
        NEGOTIATE_DATAGRAM = 0x0000_0040,
        /// LAN Manager session key.
        NEGOTIATE_LM_KEY = 0x0000_0080,
        /// NTLM v1 session security.
        NEGOTIATE_NTLM = 0x0000_0200,
        /// Anonymous logon.
        ANONYMOUS = 0x0000_0800,
        /// The domain's name is there.
        NEGOTIATE_OEM_DOMAIN_SUPPLIED = 0x0000_1000,
        /// The workstation's name is there.
        NEGOTIATE_OEM_WORKSTATION_SUPPLIED = 0x0000_2000,
        /// Signed with a dummy at least.
        NEGOTIATE_ALWAYS_SIGN = 0x0000_8000,
        /// The target is a domain.
        TARGET_TYPE_DOMAIN = 0x0001_0000,
        /// The target is a server.
        TARGET_TYPE_SERVER = 0x0002_0000,
        /// Extended session security.
        NEGOTIATE_EXTENDED_SESSIONSECURITY = 0x0008_0000,
        /// An identify-level token is wanted.
        NEGOTIATE_IDENTIFY = 0x0010_0000,
        /// The LM session key is wanted.
        REQUEST_NON_NT_SESSION_KEY = 0x0040_0000,
        /// The target's names are there.
        NEGOTIATE_TARGET_INFO = 0x0080_0000,
        /// The version is there.
        NEGOTIATE_VERSION = 0x0200_0000,
        /// 128-bit keys.
        NEGOTIATE_128 = 0x2000_0000,
        /// Keys are exchanged.
        NEGOTIATE_KEY_EXCH = 0x4000_0000,
        /// 56-bit keys.
        NEGOTIATE_56 = 0x8000_0000,
    }
}

/// VERSION (2.2.2.10): of the sender's operating system; clients that are not Windows make one up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Major version.
    pub major: u8,
    /// Minor version.
    pub minor: u8,
    /// Build.
    pub build: u16,
}

/// The server's names (AV_PAIRs, 2.2.2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetInfo {
    /// MsvAvNbComputerName.
    pub netbios_computer: Option<String>,
    /// MsvAvNbDomainName.
    pub netbios_domain: Option<String>,
    /// MsvAvDnsComputerName.
    pub dns_computer: Option<String>,
    /// MsvAvDnsDomainName.
    pub dns_domain: Option<String>,
    /// MsvAvDnsTreeName.
    pub dns_forest: Option<String>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// NEGOTIATE_MESSAGE, C→S.
    Negotiate {
        /// What the client offers.
        flags: NegotiateFlags,
        /// The client's domain, where it is told.
        domain: Option<String>,
        /// The client's name, where it is told.
        workstation: Option<String>,
        /// Where it is told.
        version: Option<Version>,
    },
    /// CHALLENGE_MESSAGE, S→C.
    Challenge {
        /// What the server chose.
        flags: NegotiateFlags,
        /// The server's, or its domain's, name.
        target: Option<String>,
        /// The server's names in full.
        info: TargetInfo,
        /// Where it is told.
        version: Option<Version>,
    },
    /// AUTHENTICATE_MESSAGE, C→S.
    Authenticate {
        /// What was agreed on.
        flags: NegotiateFlags,
        /// Domain of the user.
        domain: Option<String>,
        /// The user.
        user: Option<String>,
        /// The client's name.
        workstation: Option<String>,
        /// Where it is told.
        version: Option<Version>,
        /// Whether the response is one of NTLM v2, by its length.
        ntlm_v2: bool,
    },
}

const SIGNATURE: &[u8] = b"NTLMSSP\0";

/// Bytes of a name that are kept.
const NAME: usize = 512;

/// Parses a message: `signature[8] · type u32 · fields`, of which those that hold text are `length u16 ·
/// maximum u16 · offset u32`. Names whose bytes are missing are left out.
pub fn parse(bytes: &[u8]) -> Result<Message, Malformed> {
    if !bytes.starts_with(SIGNATURE) {
        return Err(malformed("NTLM signature", 0, 1, 0));
    }
    let kind = u32_at(bytes, 8).ok_or(malformed("NTLM type", 8, 12, bytes.len() as u64))?;
    let flags_at = match kind {
        1 => 12,
        2 => 20,
        3 => 60,
        other => return Err(malformed("NTLM type", 8, 3, u64::from(other))),
    };
    let flags = u32_at(bytes, flags_at).map(NegotiateFlags);
    let flags = flags.ok_or(malformed("NTLM flags", flags_at, 4, bytes.len() as u64))?;
    let name = |at| name(bytes, at, flags.contains(NegotiateFlags::NEGOTIATE_UNICODE));
    let version = |at| version(bytes, at).filter(|_| flags.contains(NegotiateFlags::NEGOTIATE_VERSION));
    Ok(match kind {
        1 => Message::Negotiate {
            flags,
            domain: self::name(bytes, 16, false),
            workstation: self::name(bytes, 24, false),
            version: version(32),
        },
        2 => Message::Challenge {
            flags,
            target: name(12),
            info: target_info(field(bytes, 40).unwrap_or_default()),
            version: version(48),
        },
        _ => Message::Authenticate {
            flags,
            domain: name(28),
            user: name(36),
            workstation: name(44),
            version: version(64),
            // The response of NTLM v1 is 24 bytes (2.2.2.6).
            ntlm_v2: u16_at(bytes, 20).is_some_and(|len| len > 24),
        },
    })
}

const fn malformed(what: &'static str, offset: usize, need: u64, have: u64) -> Malformed {
    Malformed { what, offset, need, have }
}

/// The bytes that the field at `at` points at.
fn field(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let len = usize::from(u16_at(bytes, at)?);
    let start = u32_at(bytes, at.checked_add(4)?)? as usize;
    bytes.get(start..start.checked_add(len)?)
}

fn name(bytes: &[u8], at: usize, unicode: bool) -> Option<String> {
    let value = field(bytes, at)?;
    let name = if unicode { utf16(value, NAME) } else { text(value, NAME) };
    (!name.is_empty()).then_some(name)
}

fn version(bytes: &[u8], at: usize) -> Option<Version> {
    let [major, minor, low, high] = u32_at(bytes, at)?.to_le_bytes();
    Some(Version { major, minor, build: u16::from_le_bytes([low, high]) })
}

fn target_info(mut left: &[u8]) -> TargetInfo {
    let mut info = TargetInfo::default();
    // Each pair has at least its header, so this ends.
    while let (Some(id), Some(len)) = (u16_at(left, 0), u16_at(left, 2)) {
        let end = usize::from(len).saturating_add(4);
        let Some(value) = left.get(4..end) else { break };
        let name = match id {
            1 => &mut info.netbios_computer,
            2 => &mut info.netbios_domain,
            3 => &mut info.dns_computer,
            4 => &mut info.dns_domain,
            5 => &mut info.dns_forest,
            0 => break,
            _ => &mut None,
        };
        *name = Some(utf16(value, NAME)).filter(|name| !name.is_empty());
        left = left.get(end..).unwrap_or_default();
    }
    info
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    /// MS-NLMP, section 4.2.4.3: CHALLENGE_MESSAGE of the NTLM v2 example.
    const CHALLENGE: &str = "4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000 \
         2400240044000000 0600 7017 0000000f 530065007200760065007200 \
         02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000";
    /// MS-NLMP, section 4.2.4.3: AUTHENTICATE_MESSAGE, its responses and key made zero.
    fn authenticate() -> Vec<u8> {
        let head = "4e544c4d53535000 03000000 18001800 6c000000 54005400 84000000 0c000c00 48000000 \
             08000800 54000000 10001000 5c000000 10001000 d8000000 358288e2 0501 280a 0000000f \
             44006f006d00610069006e00 5500730065007200 43004f004d0050005500540045005200";
        [hex(head), vec![0; 0x18 + 0x54 + 0x10]].concat()
    }

    #[test]
    fn reads_a_challenge() {
        let Ok(Message::Challenge { flags, target, info, version }) = parse(&hex(CHALLENGE)) else {
            panic!("no challenge")
        };
        assert_eq!(target.as_deref(), Some("Server"));
        assert_eq!(info.netbios_domain.as_deref(), Some("Domain"));
        assert_eq!(info.netbios_computer.as_deref(), Some("Server"));
        assert_eq!(info.dns_computer, None);
        assert_eq!(version, Some(Version { major: 6, minor: 0, build: 6000 }));
        assert!(flags.contains(NegotiateFlags::NEGOTIATE_TARGET_INFO));
        assert!(flags.names().contains(&"TARGET_TYPE_SERVER"));
    }

    #[test]
    fn reads_an_authenticate() {
        let bytes = authenticate();
        let Ok(Message::Authenticate { domain, user, workstation, version, ntlm_v2, .. }) = parse(&bytes)
        else {
            panic!("no authenticate")
        };
        assert_eq!((domain.as_deref(), user.as_deref()), (Some("Domain"), Some("User")));
        assert_eq!(workstation.as_deref(), Some("COMPUTER"));
        assert_eq!(version, Some(Version { major: 5, minor: 1, build: 2600 }));
        assert!(ntlm_v2);
        // A cut message keeps the names that are there.
        let Ok(Message::Authenticate { user, workstation, .. }) = parse(&bytes[..0x5C]) else { panic!() };
        assert_eq!((user.as_deref(), workstation), (Some("User"), None));
    }

    #[test]
    fn reads_a_negotiate() {
        let bytes =
            hex("4e544c4d53535000 01000000 b78208e2 0000000000000000 0000000000000000 0a00 654a 0000000f");
        let want = Message::Negotiate {
            flags: NegotiateFlags(0xE208_82B7),
            domain: None,
            workstation: None,
            version: Some(Version { major: 10, minor: 0, build: 19045 }),
        };
        assert_eq!(parse(&bytes), Ok(want));
        assert!(matches!(parse(&bytes[..16]), Ok(Message::Negotiate { version: None, .. })));
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(parse(b"NTLMSSQ\0").unwrap_err().what, "NTLM signature");
        assert_eq!(parse(&hex("4e544c4d53535000 04000000")).unwrap_err().have, 4);
        assert_eq!(parse(&hex("4e544c4d53535000 02000000 0000")).unwrap_err().what, "NTLM flags");
    }

    /// Whatever a response is, nothing that is kept depends on it.
    #[test]
    fn keeps_nothing_of_responses() {
        let zero = parse(&authenticate());
        let mut other = authenticate();
        for byte in &mut other[0x6C..] {
            *byte = 0x5A;
        }
        assert_eq!(parse(&other), zero);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..96), kind in 0_u8..5) {
            let _ = parse(&bytes);
            let _ = parse(&[SIGNATURE, &[kind, 0, 0, 0], &bytes].concat());
        }
    }
}
