//! Capability sets of Demand Active and Confirm Active (MS-RDPBCGR, sections 2.2.1.13 and 2.2.7). Numbers are
//! little-endian.

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u16, le_u32};

use super::wire::{Parsed, text, u16_at};
use crate::base::open_enum;

open_enum! {
    /// capabilitySetType (2.2.1.13.1.1.1).
    pub struct CapabilitySetType(u16) {
        /// Operating system, protocol version, general features.
        CAPSTYPE_GENERAL = 0x01,
        /// Desktop size and color depth.
        CAPSTYPE_BITMAP = 0x02,
        /// Drawing orders.
        CAPSTYPE_ORDER = 0x03,
        /// Bitmap cache, revision 1.
        CAPSTYPE_BITMAPCACHE = 0x04,
        /// Control.
        CAPSTYPE_CONTROL = 0x05,
        /// Window activation.
        CAPSTYPE_ACTIVATION = 0x07,
        /// Pointer.
        CAPSTYPE_POINTER = 0x08,
        /// Share.
        CAPSTYPE_SHARE = 0x09,
        /// Color tables.
        CAPSTYPE_COLORCACHE = 0x0A,
        /// Beeps.
        CAPSTYPE_SOUND = 0x0C,
        /// Input.
        CAPSTYPE_INPUT = 0x0D,
        /// Fonts.
        CAPSTYPE_FONT = 0x0E,
        /// Brushes.
        CAPSTYPE_BRUSH = 0x0F,
        /// Glyph cache.
        CAPSTYPE_GLYPHCACHE = 0x10,
        /// Offscreen bitmaps.
        CAPSTYPE_OFFSCREENCACHE = 0x11,
        /// The server has a persistent bitmap cache.
        CAPSTYPE_BITMAPCACHE_HOSTSUPPORT = 0x12,
        /// Bitmap cache, revision 2.
        CAPSTYPE_BITMAPCACHE_REV2 = 0x13,
        /// Virtual channels.
        CAPSTYPE_VIRTUALCHANNEL = 0x14,
        /// NineGrid bitmaps.
        CAPSTYPE_DRAWNINEGRIDCACHE = 0x15,
        /// GDI+.
        CAPSTYPE_DRAWGDIPLUS = 0x16,
        /// RemoteApp.
        CAPSTYPE_RAIL = 0x17,
        /// RemoteApp windows.
        CAPSTYPE_WINDOW = 0x18,
        /// Desktop composition.
        CAPSETTYPE_COMPDESK = 0x19,
        /// Updates in several fragments.
        CAPSETTYPE_MULTIFRAGMENTUPDATE = 0x1A,
        /// Large pointers.
        CAPSETTYPE_LARGE_POINTER = 0x1B,
        /// Surface commands.
        CAPSETTYPE_SURFACE_COMMANDS = 0x1C,
        /// Bitmap codecs.
        CAPSETTYPE_BITMAP_CODECS = 0x1D,
        /// Frame acknowledgement.
        CAPSSETTYPE_FRAME_ACKNOWLEDGE = 0x1E,
    }
}

open_enum! {
    /// osMajorType of the general capability set (2.2.7.1.1).
    pub struct OsMajorType(u16) {
        /// Not told.
        OSMAJORTYPE_UNSPECIFIED = 0,
        /// Windows.
        OSMAJORTYPE_WINDOWS = 1,
        /// OS/2.
        OSMAJORTYPE_OS2 = 2,
        /// Macintosh.
        OSMAJORTYPE_MACINTOSH = 3,
        /// UNIX.
        OSMAJORTYPE_UNIX = 4,
        /// iOS.
        OSMAJORTYPE_IOS = 5,
        /// OS X.
        OSMAJORTYPE_OSX = 6,
        /// Android.
        OSMAJORTYPE_ANDROID = 7,
        /// Chrome OS.
        OSMAJORTYPE_CHROME_OS = 8,
    }
}

/// What one end offers or takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// sourceDescriptor: "RDP" of Windows, "MSTSC" of its client.
    pub source: String,
    /// The sets that are there, in order.
    pub sets: Vec<CapabilitySetType>,
    /// Operating system of the sender.
    pub os: Option<OsMajorType>,
    /// Desktop size in pixels and bits a pixel: width, height, depth.
    pub desktop: Option<(u16, u16, u16)>,
}

/// Sets kept; 30 types are known.
const MAX_SETS: usize = 40;

/// The list in both PDUs, after shareId (and originatorId): `lengthSourceDescriptor u16 ·
/// lengthCombinedCapabilities u16 · source · number u16 · pad u16 · sets`, each set `type u16 · length u16`,
/// its header included. A list that is cut gives the sets that are there.
pub(super) fn parse(i: &[u8]) -> Parsed<'_, Capabilities> {
    let (i, source) = le_u16(i)?;
    let (i, _combined) = le_u16(i)?;
    let (i, source) = take(usize::from(source))(i)?;
    let (mut left, count) = le_u32(i)?;
    let source = text(source.split(|&byte| byte == 0).next().unwrap_or_default(), 64);
    let mut all = Capabilities { source, ..Capabilities::default() };
    // Each set has at least its header, so this ends.
    while all.sets.len() < MAX_SETS.min((count & 0xFFFF) as usize)
        && let (Some(kind), Some(len)) = (u16_at(left, 0), u16_at(left, 2))
        && let Some(body) = left.get(4..usize::from(len))
    {
        let kind = CapabilitySetType(kind);
        match kind {
            CapabilitySetType::CAPSTYPE_GENERAL => all.os = u16_at(body, 0).map(OsMajorType),
            CapabilitySetType::CAPSTYPE_BITMAP => {
                let fields = (u16_at(body, 8), u16_at(body, 10), u16_at(body, 0));
                if let (Some(width), Some(height), Some(depth)) = fields {
                    all.desktop = Some((width, height, depth));
                }
            }
            _ => {}
        }
        all.sets.push(kind);
        left = left.get(usize::from(len)..).unwrap_or_default();
    }
    Ok((left, all))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    #[test]
    fn reads_sets() {
        let bytes = hex("0600 2a00 4d5354534300 0300 0000 \
             0100 0c00 0400 0700 00020000 0200 1200 2000 0100 0100 0100 0004 0003 0000 \
             1e00 0800 02000000");
        let (rest, all) = parse(&bytes).unwrap();
        assert!(rest.is_empty());
        assert_eq!((all.source.as_str(), all.os), ("MSTSC", Some(OsMajorType::OSMAJORTYPE_UNIX)));
        assert_eq!(all.desktop, Some((1024, 768, 32)));
        let names: Vec<_> = all.sets.iter().filter_map(|set| set.name()).collect();
        assert_eq!(names, ["CAPSTYPE_GENERAL", "CAPSTYPE_BITMAP", "CAPSSETTYPE_FRAME_ACKNOWLEDGE"]);
        // A cut list, and a set that is shorter than its header.
        assert_eq!(parse(&bytes[..30]).unwrap().1.sets.len(), 1);
        assert_eq!(parse(&hex("0000 0800 0100 0000 0100 0300")).unwrap().1.sets, []);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..96)) {
            let _ = parse(&bytes);
            let _ = parse(&[&[0, 0, 0, 0, 9, 0, 0, 0], bytes.as_slice()].concat());
        }
    }
}
