//! Client Info (MS-RDPBCGR, section 2.2.1.11.1): who logs on, how, and from where. Numbers are little-endian.
//!
//! Of the password and the auto-reconnect cookie only their presence is kept.

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u16, le_u32};

use super::Malformed;
use super::wire::{Parsed, text, u16_at, u32_at, utf16, whole};
use crate::base::open_flags;

open_flags! {
    /// Flags of the Info Packet (2.2.1.11.1.1); bits 9 to 12 hold the compression type.
    pub struct InfoFlags(u32) {
        /// The client has a mouse.
        INFO_MOUSE = 0x0000_0001,
        /// CTRL+ALT+DEL is not needed.
        INFO_DISABLECTRLALTDEL = 0x0000_0002,
        /// Log on with what is here.
        INFO_AUTOLOGON = 0x0000_0008,
        /// Text is UTF-16.
        INFO_UNICODE = 0x0000_0010,
        /// The alternate shell is maximized.
        INFO_MAXIMIZESHELL = 0x0000_0020,
        /// The client wants to know of the logon.
        INFO_LOGONNOTIFY = 0x0000_0040,
        /// The server may compress.
        INFO_COMPRESSION = 0x0000_0080,
        /// The client sends the Windows key.
        INFO_ENABLEWINDOWSKEY = 0x0000_0100,
        /// Sound plays at the server.
        INFO_REMOTECONSOLEAUDIO = 0x0000_2000,
        /// The client encrypts always.
        INFO_FORCE_ENCRYPTED_CS_PDU = 0x0000_4000,
        /// RemoteApp.
        INFO_RAIL = 0x0000_8000,
        /// The client takes logon errors.
        INFO_LOGONERRORS = 0x0001_0000,
        /// The mouse has a wheel.
        INFO_MOUSE_HAS_WHEEL = 0x0002_0000,
        /// The password is a smart card's PIN.
        INFO_PASSWORD_IS_SC_PIN = 0x0004_0000,
        /// No sound.
        INFO_NOAUDIOPLAYBACK = 0x0008_0000,
        /// The credentials were saved.
        INFO_USING_SAVED_CREDS = 0x0010_0000,
        /// The client records sound.
        INFO_AUDIOCAPTURE = 0x0020_0000,
        /// No video redirection.
        INFO_VIDEO_DISABLE = 0x0040_0000,
        /// RemoteApp with window reordering.
        INFO_HIDEF_RAIL_SUPPORTED = 0x0200_0000,
    }
}

open_flags! {
    /// performanceFlags (2.2.1.11.1.1.1), prefix PERF_ dropped.
    pub struct PerformanceFlags(u32) {
        /// No wallpaper.
        DISABLE_WALLPAPER = 0x0000_0001,
        /// No window content while dragging.
        DISABLE_FULLWINDOWDRAG = 0x0000_0002,
        /// No menu animations.
        DISABLE_MENUANIMATIONS = 0x0000_0004,
        /// No themes.
        DISABLE_THEMING = 0x0000_0008,
        /// No pointer shadow.
        DISABLE_CURSOR_SHADOW = 0x0000_0020,
        /// No pointer blinking.
        DISABLE_CURSORSETTINGS = 0x0000_0040,
        /// Font smoothing.
        ENABLE_FONT_SMOOTHING = 0x0000_0080,
        /// Desktop composition.
        ENABLE_DESKTOP_COMPOSITION = 0x0000_0100,
    }
}

/// What the client says at logon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// Flags.
    pub flags: InfoFlags,
    /// Domain; empty where none.
    pub domain: String,
    /// User; empty where none.
    pub user: String,
    /// Whether a password (or PIN, or a token of a broker) is there.
    pub password: bool,
    /// Program to start in place of the desktop; empty where none.
    pub alternate_shell: String,
    /// Its working directory; empty where none.
    pub working_dir: String,
    /// What follows since RDP 5.
    pub extended: Option<Extended>,
}

/// The extended part (2.2.1.11.1.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extended {
    /// The client's address, as it sees itself.
    pub address: String,
    /// Folder of the client's program.
    pub dir: String,
    /// The client's time zone.
    pub time_zone: Option<TimeZone>,
    /// Session id; 0 where it means nothing.
    pub session_id: Option<u32>,
    /// What is left out or put in for the line's sake.
    pub performance_flags: Option<PerformanceFlags>,
    /// Whether an auto-reconnect cookie is there.
    pub auto_reconnect: bool,
    /// Name of the time zone in the registry.
    pub time_zone_key: Option<String>,
}

/// TS_TIME_ZONE_INFORMATION, as far as it names the zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone {
    /// Minutes to be added to local time to get UTC.
    pub bias: i32,
    /// Name of the standard time.
    pub name: String,
}

/// Characters of a text that are kept.
const TEXT: usize = 512;

/// Parses what follows the security header: `CodePage u32 · flags u32 · five lengths u16 · five texts`, each
/// followed by a NUL that its length leaves out; then the extended part, where it is there.
pub fn parse(body: &[u8]) -> Result<ClientInfo, Malformed> {
    whole("Client Info", body, |i| {
        let (i, _code_page) = le_u32(i)?;
        let (i, flags) = le_u32(i)?;
        let flags = InfoFlags(flags);
        let (i, domain) = le_u16(i)?;
        let (i, user) = le_u16(i)?;
        let (i, password) = le_u16(i)?;
        let (i, shell) = le_u16(i)?;
        let (i, dir) = le_u16(i)?;
        let unicode = flags.contains(InfoFlags::INFO_UNICODE);
        let (i, domain) = terminated(i, domain, unicode)?;
        let (i, user) = terminated(i, user, unicode)?;
        let (i, _) = terminated(i, password, unicode)?;
        let (i, alternate_shell) = terminated(i, shell, unicode)?;
        let (i, working_dir) = terminated(i, dir, unicode)?;
        let decode = |bytes| if unicode { utf16(bytes, TEXT) } else { text(bytes, TEXT) };
        let info = ClientInfo {
            flags,
            domain: decode(domain),
            user: decode(user),
            password: password > 0,
            alternate_shell: decode(alternate_shell),
            working_dir: decode(working_dir),
            extended: extended(i),
        };
        Ok((&[][..], info))
    })
}

fn terminated(i: &[u8], len: u16, unicode: bool) -> Parsed<'_, &[u8]> {
    let (i, value) = take(usize::from(len))(i)?;
    let (i, _nul) = take(if unicode { 2_usize } else { 1 })(i)?;
    Ok((i, value))
}

/// `family u16 · length u16 · address · length u16 · directory`; later fields may be missing from the end.
/// Texts are UTF-16 whatever the flags say.
fn extended(i: &[u8]) -> Option<Extended> {
    let (i, _family) = le_u16::<_, Malformed>(i).ok()?;
    let (i, address) = counted(i)?;
    let (i, dir) = counted(i)?;
    let mut extended =
        Extended { address: utf16(address, TEXT), dir: utf16(dir, TEXT), ..Extended::default() };
    extended.rest(i);
    Some(extended)
}

impl Extended {
    /// `time zone[172] · session u32 · performance u32 · length u16 · cookie · reserved u16 u16 · length u16 ·
    /// time zone key`.
    fn rest(&mut self, i: &[u8]) {
        const TIME_ZONE: usize = 172;
        const STANDARD_NAME: std::ops::Range<usize> = 4..68;
        let Some((zone, i)) = i.split_at_checked(TIME_ZONE) else { return };
        let name = utf16(zone.get(STANDARD_NAME).unwrap_or_default(), TEXT);
        self.time_zone = u32_at(zone, 0).map(|bias| TimeZone { bias: bias as i32, name });
        self.session_id = u32_at(i, 0);
        self.performance_flags = u32_at(i, 4).map(PerformanceFlags);
        let Some((i, cookie)) = counted(i.get(8..).unwrap_or_default()) else { return };
        self.auto_reconnect = !cookie.is_empty();
        let key = counted(i.get(4..).unwrap_or_default()).map(|(_, key)| utf16(key, TEXT));
        self.time_zone_key = key.filter(|key| !key.is_empty());
    }
}

/// `length u16 · bytes`; the rest and the bytes.
fn counted(i: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = usize::from(u16_at(i, 0)?);
    let (value, rest) = i.get(2..)?.split_at_checked(len)?;
    Some((rest, value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    fn utf16_bytes(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    /// Client Info after the layout of 2.2.1.11.1.1, with the password "secret".
    fn packet() -> Vec<u8> {
        let mut bytes = hex("09040000 bb470100");
        let texts = ["CORP", "alice", "secret", "", r"C:\"].map(utf16_bytes);
        for text in &texts {
            bytes.extend((text.len() as u16).to_le_bytes());
        }
        for text in &texts {
            bytes.extend_from_slice(text);
            bytes.extend([0, 0]);
        }
        bytes.extend([2, 0]);
        for text in ["10.0.0.2\0", "C:\\mstscax.dll\0"].map(utf16_bytes) {
            bytes.extend((text.len() as u16).to_le_bytes());
            bytes.extend(text);
        }
        let mut zone = vec![0; 172];
        zone[..4].copy_from_slice(&(-60_i32).to_le_bytes());
        zone[4..10].copy_from_slice(&utf16_bytes("CET"));
        bytes.extend(zone);
        bytes.extend(hex("00000000 a1010000 1c00"));
        bytes.extend([0xAA; 28]);
        bytes.extend(hex("0000 0000 0600"));
        bytes.extend(utf16_bytes("CET"));
        bytes
    }

    #[test]
    fn reads_all_but_the_password() {
        let info = parse(&packet()).unwrap();
        assert_eq!((info.domain.as_str(), info.user.as_str(), info.password), ("CORP", "alice", true));
        assert_eq!((info.alternate_shell.as_str(), info.working_dir.as_str()), ("", "C:\\"));
        assert!(info.flags.names().contains(&"INFO_LOGONERRORS"));
        assert!(!format!("{info:?}").contains("secret"));
        let more = info.extended.unwrap();
        assert_eq!((more.address.as_str(), more.dir.as_str()), ("10.0.0.2", "C:\\mstscax.dll"));
        assert_eq!(more.time_zone, Some(TimeZone { bias: -60, name: "CET".to_owned() }));
        assert_eq!((more.session_id, more.auto_reconnect), (Some(0), true));
        let flags = more.performance_flags.unwrap().names();
        let want = [
            "DISABLE_WALLPAPER",
            "DISABLE_CURSOR_SHADOW",
            "ENABLE_FONT_SMOOTHING",
            "ENABLE_DESKTOP_COMPOSITION",
        ];
        assert_eq!(flags, want);
        assert_eq!(more.time_zone_key.as_deref(), Some("CET"));
    }

    /// MS-RDPBCGR, section 4.1.10, decrypted there: what a client of Windows sent.
    const WINDOWS: &str = "09040904b34300000a000c000000000000004e005400440045005600000065006c0074006f006e007300000000000000 \
         000002001e003100350037002e00350039002e003200340032002e003100350036000000840043003a005c0064006500 \
         70006f00740073005c00770032006b0033005f0031005c007400650072006d007300720076005c006e00650077006300 \
         6c00690065006e0074005c006c00690062005c00770069006e00330032005c006f0062006a005c006900330038003600 \
         5c006d007300740073006300610078002e0064006c006c000000e0010000500061006300690066006900630020005300 \
         740061006e0064006100720064002000540069006d006500000000000000000000000000000000000000000000000000 \
         0a0000000500020000000000000000000000500061006300690066006900630020004400610079006c00690067006800 \
         74002000540069006d006500000000000000000000000000000000000000000000000000040000000100020000000000 \
         0000c4ffffff0000000001000000";

    #[test]
    fn reads_what_windows_sent() {
        let info = parse(&hex(WINDOWS)).unwrap();
        assert_eq!((info.domain.as_str(), info.user.as_str(), info.password), ("NTDEV", "eltons", false));
        let more = info.extended.unwrap();
        assert_eq!(more.address, "157.59.242.156");
        assert_eq!(more.dir, r"C:\depots\w2k3_1\termsrv\newclient\lib\win32\obj\i386\mstscax.dll");
        assert_eq!(more.time_zone, Some(TimeZone { bias: 480, name: "Pacific Standard Time".to_owned() }));
        assert_eq!((more.session_id, more.auto_reconnect), (Some(0), false));
        assert_eq!(more.performance_flags.unwrap().names(), ["DISABLE_WALLPAPER"]);
    }

    #[test]
    fn reads_what_old_clients_send() {
        // Not Unicode, and no extended part.
        let info = parse(&hex("00000000 08000000 0100 0100 0000 0000 0000 4400 6100 00 00 00")).unwrap();
        assert_eq!((info.domain.as_str(), info.user.as_str(), info.password), ("D", "a", false));
        assert_eq!(info.extended, None);
        let bytes = packet();
        for cut in 0..54 {
            assert!(parse(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64), cut in 0_usize..400) {
            let _ = parse(&bytes);
            let packet = packet();
            let _ = parse(packet.get(..cut).unwrap_or(&packet));
        }
    }
}
