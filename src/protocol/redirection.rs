//! Server Redirection (MS-RDPBCGR, section 2.2.13.1): where the client shall go instead. Numbers are
//! little-endian. Of the password only its presence is kept.

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u16, le_u32};

use super::Malformed;
use super::wire::{Parsed, text, u32_at, utf16, whole};
use crate::base::open_flags;

open_flags! {
    /// RedirFlags.
    pub struct RedirectionFlags(u32) {
        /// TargetNetAddress is there.
        LB_TARGET_NET_ADDRESS = 0x0000_0001,
        /// LoadBalanceInfo is there.
        LB_LOAD_BALANCE_INFO = 0x0000_0002,
        /// UserName is there.
        LB_USERNAME = 0x0000_0004,
        /// Domain is there.
        LB_DOMAIN = 0x0000_0008,
        /// Password is there.
        LB_PASSWORD = 0x0000_0010,
        /// The client shall not store the user's name.
        LB_DONTSTOREUSERNAME = 0x0000_0020,
        /// Logon with a smart card.
        LB_SMARTCARD_LOGON = 0x0000_0040,
        /// Informational: the client stays.
        LB_NOREDIRECT = 0x0000_0080,
        /// TargetFQDN is there.
        LB_TARGET_FQDN = 0x0000_0100,
        /// TargetNetBiosName is there.
        LB_TARGET_NETBIOS_NAME = 0x0000_0200,
        /// TargetNetAddresses is there.
        LB_TARGET_NET_ADDRESSES = 0x0000_0800,
        /// TsvUrl is there.
        LB_CLIENT_TSV_URL = 0x0000_1000,
        /// The server knows TsvUrl.
        LB_SERVER_TSV_CAPABLE = 0x0000_2000,
        /// The password is encrypted with the target's key.
        LB_PASSWORD_IS_PK_ENCRYPTED = 0x0000_4000,
        /// RedirectionGuid is there.
        LB_REDIRECTION_GUID = 0x0000_8000,
        /// TargetCertificate is there.
        LB_TARGET_CERTIFICATE = 0x0001_0000,
    }
}

/// One redirection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirection {
    /// Session to take up at the target.
    pub session_id: u32,
    /// What is there, and how it is meant.
    pub flags: RedirectionFlags,
    /// Address of the target.
    pub target_net_address: Option<String>,
    /// What the client sends as routing token to the same address.
    pub load_balance_info: Option<String>,
    /// User to log on.
    pub user: Option<String>,
    /// The user's domain.
    pub domain: Option<String>,
    /// Whether a password is there.
    pub password: bool,
    /// Name of the target.
    pub target_fqdn: Option<String>,
    /// NetBIOS name of the target.
    pub target_netbios_name: Option<String>,
    /// Every address of the target, at most 16.
    pub target_net_addresses: Vec<String>,
}

/// SEC_REDIRECTION_PKT: the first field of the packet.
const FLAGS: u16 = 0x0400;
/// Characters of a text that are kept.
const TEXT: usize = 512;
const MAX_ADDRESSES: usize = 16;

/// Parses a packet: `Flags u16 = 0x0400 · Length u16 · SessionID u32 · RedirFlags u32`, then each field that
/// is there as `length u32 · data`. What its end lacks is left out.
pub fn parse(body: &[u8]) -> Result<Redirection, Malformed> {
    whole("Server Redirection", body, |start| {
        let (i, marker) = le_u16(start)?;
        if marker != FLAGS {
            return super::wire::wrong(
                "Server Redirection flags",
                start,
                u64::from(FLAGS),
                u64::from(marker),
            );
        }
        let (i, _length) = le_u16(i)?;
        let mut redirection = Redirection {
            session_id: u32_at(i, 0).unwrap_or(0),
            flags: RedirectionFlags(u32_at(i, 4).unwrap_or(0)),
            ..Redirection::default()
        };
        redirection.fields(i.get(8..).unwrap_or_default());
        Ok((&[][..], redirection))
    })
}

impl Redirection {
    /// The best name that it has for the target.
    pub fn target(&self) -> Option<&str> {
        let names = [&self.target_fqdn, &self.target_netbios_name, &self.target_net_address];
        names
            .into_iter()
            .find_map(|name| name.as_deref())
            .or(self.target_net_addresses.first().map(String::as_str))
    }

    fn fields(&mut self, mut left: &[u8]) {
        use RedirectionFlags as F;
        /// The fields' order in the packet.
        const ORDER: [RedirectionFlags; 11] = [
            F::LB_TARGET_NET_ADDRESS,
            F::LB_LOAD_BALANCE_INFO,
            F::LB_USERNAME,
            F::LB_DOMAIN,
            F::LB_PASSWORD,
            F::LB_TARGET_FQDN,
            F::LB_TARGET_NETBIOS_NAME,
            F::LB_CLIENT_TSV_URL,
            F::LB_REDIRECTION_GUID,
            F::LB_TARGET_CERTIFICATE,
            F::LB_TARGET_NET_ADDRESSES,
        ];
        for field in ORDER {
            if !self.flags.contains(field) {
                continue;
            }
            let Ok((rest, data)) = counted(left) else { return };
            left = rest;
            let name = || Some(utf16(data, TEXT));
            match field {
                F::LB_TARGET_NET_ADDRESS => self.target_net_address = name(),
                F::LB_LOAD_BALANCE_INFO => {
                    self.load_balance_info =
                        Some(text(data, TEXT).trim_end_matches(['\r', '\n', '\0']).to_owned());
                }
                F::LB_USERNAME => self.user = name(),
                F::LB_DOMAIN => self.domain = name(),
                F::LB_PASSWORD => self.password = true,
                F::LB_TARGET_FQDN => self.target_fqdn = name(),
                F::LB_TARGET_NETBIOS_NAME => self.target_netbios_name = name(),
                F::LB_TARGET_NET_ADDRESSES => self.target_net_addresses = addresses(data),
                _ => {}
            }
        }
    }
}

/// `length u32 · data`.
fn counted(i: &[u8]) -> Parsed<'_, &[u8]> {
    let (i, len) = le_u32(i)?;
    take(len)(i)
}

/// `count u32`, then each as `length u32 · UTF-16 text`.
fn addresses(data: &[u8]) -> Vec<String> {
    let count = u32_at(data, 0).unwrap_or(0) as usize;
    let mut left = data.get(4..).unwrap_or_default();
    std::iter::from_fn(|| {
        let (rest, address) = counted(left).ok()?;
        left = rest;
        Some(utf16(address, TEXT))
    })
    .take(count.min(MAX_ADDRESSES))
    .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    /// Load balance info, user, a password, target name, two addresses.
    const PACKET: &str = "0004 6d00 07000000 16090000 \
         0b000000 6d7374733d616263 780d0a 06000000 610062000000 04000000 7a007a00 \
         06000000 770073000000 20000000 02000000 0a000000 31002e0031000000 0000 \
         0a000000 32002e0032000000 0000";

    #[test]
    fn reads_where_to_go() {
        let redirection = parse(&hex(PACKET)).unwrap();
        assert_eq!(redirection.session_id, 7);
        assert_eq!(redirection.load_balance_info.as_deref(), Some("msts=abcx"));
        assert_eq!((redirection.user.as_deref(), redirection.password), (Some("ab"), true));
        assert_eq!((redirection.target(), redirection.domain.as_deref()), (Some("ws"), None));
        assert_eq!(redirection.target_net_addresses, ["1.1", "2.2"]);
        assert!(!format!("{redirection:?}").contains("zz"), "{redirection:?}");
    }

    #[test]
    fn keeps_what_a_cut_leaves() {
        let bytes = hex(PACKET);
        for cut in 0..4 {
            assert!(parse(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let cut = parse(&bytes[..40]).unwrap();
        assert_eq!((cut.user.as_deref(), cut.password, cut.target()), (Some("ab"), false, None));
        assert_eq!(parse(&hex("0300 0000")).unwrap_err().what, "Server Redirection flags");
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..96), flags: u32) {
            let _ = parse(&bytes);
            let head = [&[0, 4, 0, 0, 0, 0, 0, 0][..], &flags.to_le_bytes()].concat();
            let _ = parse(&[head, bytes].concat());
        }
    }
}
