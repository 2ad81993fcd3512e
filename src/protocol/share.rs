//! Share PDUs (MS-RDPBCGR, section 2.2.8.1.1.1): capabilities, finalization, and what the server says of the
//! session's state and end. Numbers are little-endian.

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u8, le_u16, le_u32};

use super::capabilities::{self, Capabilities};
use super::redirection::{self, Redirection};
use super::session_info::{self, SessionInfo};
use super::wire::{Parsed, inside, wrong};
use super::{Malformed, wire};
use crate::base::open_enum;

open_enum! {
    /// What a share PDU is (low four bits of pduType, 2.2.8.1.1.1.1).
    pub struct ShareType(u8) {
        /// Demand Active.
        PDUTYPE_DEMANDACTIVEPDU = 0x1,
        /// Confirm Active.
        PDUTYPE_CONFIRMACTIVEPDU = 0x3,
        /// Deactivate All.
        PDUTYPE_DEACTIVATEALLPDU = 0x6,
        /// Data, told apart by [`ShareDataType`].
        PDUTYPE_DATAPDU = 0x7,
        /// Server Redirection.
        PDUTYPE_SERVER_REDIR_PKT = 0xA,
    }
}

open_enum! {
    /// What a share data PDU is (pduType2, 2.2.8.1.1.1.2).
    pub struct ShareDataType(u8) {
        /// Graphics.
        PDUTYPE2_UPDATE = 0x02,
        /// Control.
        PDUTYPE2_CONTROL = 0x14,
        /// Pointer.
        PDUTYPE2_POINTER = 0x1B,
        /// Input.
        PDUTYPE2_INPUT = 0x1C,
        /// Synchronize.
        PDUTYPE2_SYNCHRONIZE = 0x1F,
        /// Refresh Rect.
        PDUTYPE2_REFRESH_RECT = 0x21,
        /// Play Sound.
        PDUTYPE2_PLAY_SOUND = 0x22,
        /// Suppress Output.
        PDUTYPE2_SUPPRESS_OUTPUT = 0x23,
        /// The client asks to end.
        PDUTYPE2_SHUTDOWN_REQUEST = 0x24,
        /// The server won't.
        PDUTYPE2_SHUTDOWN_DENIED = 0x25,
        /// Save Session Info.
        PDUTYPE2_SAVE_SESSION_INFO = 0x26,
        /// Font List.
        PDUTYPE2_FONTLIST = 0x27,
        /// Font Map.
        PDUTYPE2_FONTMAP = 0x28,
        /// Keyboard indicators.
        PDUTYPE2_SET_KEYBOARD_INDICATORS = 0x29,
        /// Persistent Key List.
        PDUTYPE2_BITMAPCACHE_PERSISTENT_LIST = 0x2B,
        /// Bitmap Cache Error.
        PDUTYPE2_BITMAPCACHE_ERROR_PDU = 0x2C,
        /// Keyboard IME status.
        PDUTYPE2_SET_KEYBOARD_IME_STATUS = 0x2D,
        /// Offscreen Cache Error.
        PDUTYPE2_OFFSCRCACHE_ERROR_PDU = 0x2E,
        /// Set Error Info.
        PDUTYPE2_SET_ERROR_INFO_PDU = 0x2F,
        /// DrawNineGrid Cache Error.
        PDUTYPE2_DRAWNINEGRID_ERROR_PDU = 0x30,
        /// GDI+ Error.
        PDUTYPE2_DRAWGDIPLUS_ERROR_PDU = 0x31,
        /// Auto-reconnect status.
        PDUTYPE2_ARC_STATUS_PDU = 0x32,
        /// Server Status Info.
        PDUTYPE2_STATUS_INFO_PDU = 0x36,
        /// Monitor Layout.
        PDUTYPE2_MONITOR_LAYOUT_PDU = 0x37,
        /// Frame Acknowledge.
        PDUTYPE2_FRAME_ACKNOWLEDGE = 0x38,
    }
}

open_enum! {
    /// action of a Control PDU (2.2.1.15.1).
    pub struct ControlAction(u16) {
        /// The client asks for control.
        CTRLACTION_REQUEST_CONTROL = 1,
        /// The server grants it.
        CTRLACTION_GRANTED_CONTROL = 2,
        /// Detach.
        CTRLACTION_DETACH = 3,
        /// Cooperate.
        CTRLACTION_COOPERATE = 4,
    }
}

open_enum! {
    /// statusCode of Server Status Info (2.2.5.2): what the client waits for.
    pub struct StatusCode(u32) {
        /// A broker looks for the destination.
        TS_STATUS_FINDING_DESTINATION = 0x401,
        /// The destination is loaded.
        TS_STATUS_LOADING_DESTINATION = 0x402,
        /// The session is brought up.
        TS_STATUS_BRINGING_SESSION_ONLINE = 0x403,
        /// The client is about to be redirected.
        TS_STATUS_REDIRECTING_TO_DESTINATION = 0x404,
        /// A virtual machine is loaded.
        TS_STATUS_VM_LOADING = 0x501,
        /// A virtual machine wakes up.
        TS_STATUS_VM_WAKING = 0x502,
        /// A virtual machine starts.
        TS_STATUS_VM_STARTING = 0x503,
        /// A virtual machine starts, and is watched.
        TS_STATUS_VM_STARTING_MONITORING = 0x504,
        /// Watching it is tried again.
        TS_STATUS_VM_RETRYING_MONITORING = 0x505,
    }
}

/// A share PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// Demand Active, S→C.
    DemandActive(Capabilities),
    /// Confirm Active, C→S.
    ConfirmActive(Capabilities),
    /// Deactivate All, S→C.
    DeactivateAll,
    /// Server Redirection, S→C.
    Redirection(Redirection),
    /// A data PDU.
    Data(Data),
    /// A flow PDU, told by totalLength 0x8000.
    Flow,
    /// Another PDU.
    Other(ShareType),
}

/// A share data PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Synchronize.
    Synchronize,
    /// Control.
    Control(ControlAction),
    /// Font List, C→S.
    FontList,
    /// Font Map, S→C: the session is active.
    FontMap,
    /// Set Error Info, S→C: why the server is about to end the session; 0 says nothing.
    SetErrorInfo(u32),
    /// Save Session Info, S→C.
    SessionInfo(SessionInfo),
    /// Server Status Info, S→C.
    Status(StatusCode),
    /// Monitor Layout, S→C: how many monitors.
    MonitorLayout(u32),
    /// One that is told by its type alone, or is compressed.
    Other(ShareDataType),
}

impl Share {
    /// Parses the share PDU at the start of `body`, and says how many bytes it has: several may follow each
    /// other. `totalLength u16 · pduType u16 · pduSource u16`, which old servers leave out of Deactivate All.
    pub fn parse(body: &[u8]) -> Result<(Share, usize), Malformed> {
        wire::whole("share PDU", body, |start| {
            /// A flow PDU is eight bytes long.
            const FLOW: (u16, usize) = (0x8000, 8);
            let (i, total) = le_u16(start)?;
            if total == FLOW.0 {
                return Ok((i, (Share::Flow, FLOW.1.min(body.len()))));
            }
            if total < 4 {
                return wrong("totalLength", start, 4, u64::from(total));
            }
            let (i, kind) = le_u16(i)?;
            let len = usize::from(total).min(body.len());
            let (after, left) =
                i.split_at_checked(len.saturating_sub(4)).map_or((&[][..], i), |(a, b)| (b, a));
            let share = inside("share PDU", left, after, |i| pdu(ShareType((kind & 0x0F) as u8), i))?;
            Ok((after, (share, len)))
        })
    }

    /// Whether a PDU on the I/O channel may begin with a share header: version 1 and a type that exists. A
    /// security header has other bytes there.
    pub fn begins(body: &[u8]) -> bool {
        let kind = wire::u16_at(body, 2).unwrap_or(0);
        kind & 0xFFF0 == 0x10 && ShareType((kind & 0x0F) as u8).name().is_some()
    }
}

/// What follows pduType.
fn pdu(kind: ShareType, i: &[u8]) -> Parsed<'_, Share> {
    if kind == ShareType::PDUTYPE_DEACTIVATEALLPDU {
        return Ok((&[], Share::DeactivateAll));
    }
    let (i, _source) = le_u16(i)?;
    match kind {
        ShareType::PDUTYPE_DEMANDACTIVEPDU => {
            let (i, _share_id) = le_u32(i)?;
            capabilities::parse(i).map(|(i, all)| (i, Share::DemandActive(all)))
        }
        ShareType::PDUTYPE_CONFIRMACTIVEPDU => {
            let (i, _share_id) = le_u32(i)?;
            let (i, _originator) = le_u16(i)?;
            capabilities::parse(i).map(|(i, all)| (i, Share::ConfirmActive(all)))
        }
        ShareType::PDUTYPE_SERVER_REDIR_PKT => {
            let (i, _pad) = le_u16(i)?;
            let redirection = redirection::parse(i).map_err(nom::Err::Error)?;
            Ok((&[], Share::Redirection(redirection)))
        }
        ShareType::PDUTYPE_DATAPDU => data(i).map(|(i, data)| (i, Share::Data(data))),
        other => Ok((i, Share::Other(other))),
    }
}

/// `shareId u32 · pad u8 · streamId u8 · uncompressedLength u16 · pduType2 u8 · compressedType u8 ·
/// compressedLength u16`, then the type's fields.
fn data(i: &[u8]) -> Parsed<'_, Data> {
    /// compressedType: the body is compressed (3.1.8.2.1).
    const PACKET_COMPRESSED: u8 = 0x20;
    let (i, _) = take(8_usize)(i)?;
    let (i, kind) = le_u8(i)?;
    let (i, compression) = le_u8(i)?;
    let (i, _compressed_length) = le_u16(i)?;
    let kind = ShareDataType(kind);
    Ok(match kind {
        _ if compression & PACKET_COMPRESSED != 0 => (i, Data::Other(kind)),
        ShareDataType::PDUTYPE2_SYNCHRONIZE => (i, Data::Synchronize),
        ShareDataType::PDUTYPE2_CONTROL => {
            let (i, action) = le_u16(i)?;
            (i, Data::Control(ControlAction(action)))
        }
        ShareDataType::PDUTYPE2_FONTLIST => (i, Data::FontList),
        ShareDataType::PDUTYPE2_FONTMAP => (i, Data::FontMap),
        ShareDataType::PDUTYPE2_SET_ERROR_INFO_PDU => {
            let (i, code) = le_u32(i)?;
            (i, Data::SetErrorInfo(code))
        }
        ShareDataType::PDUTYPE2_SAVE_SESSION_INFO => {
            let (i, info) = session_info::parse(i)?;
            (i, Data::SessionInfo(info))
        }
        ShareDataType::PDUTYPE2_STATUS_INFO_PDU => {
            let (i, code) = le_u32(i)?;
            (i, Data::Status(StatusCode(code)))
        }
        ShareDataType::PDUTYPE2_MONITOR_LAYOUT_PDU => {
            let (i, monitors) = le_u32(i)?;
            (i, Data::MonitorLayout(monitors))
        }
        other => (i, Data::Other(other)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    /// Bytes after the layouts of 2.2.8.1.1.1 and 2.2.5.1.1.
    const ERROR: &str = "1600 1700 0000 ea030100 00 01 0800 2f 00 0000 07000000";

    fn read(text: &str) -> Share {
        let bytes = hex(text);
        let (share, len) = Share::parse(&bytes).unwrap();
        assert_eq!(len, bytes.len(), "{text}");
        assert!(Share::begins(&bytes) || share == Share::Flow, "{text}");
        share
    }

    #[test]
    fn reads_data_pdus() {
        assert_eq!(read(ERROR), Share::Data(Data::SetErrorInfo(7)));
        let error = hex(ERROR);
        for cut in 0..error.len() {
            assert!(Share::parse(&error[..cut]).is_err(), "cut at {cut}");
        }
        let data = |kind: &str, body: &str, len: &str| {
            read(&format!("{len}00 1700 ea03 ea030100 00 01 0800 {kind} 00 0000 {body}"))
        };
        assert_eq!(data("28", "0000 0000 0300 0400", "1a"), Share::Data(Data::FontMap));
        assert_eq!(data("27", "0000 0000 0300 3200", "1a"), Share::Data(Data::FontList));
        assert_eq!(data("1f", "0100 ea03", "16"), Share::Data(Data::Synchronize));
        let granted = ControlAction::CTRLACTION_GRANTED_CONTROL;
        assert_eq!(data("14", "0200 ef03 ea030000", "1a"), Share::Data(Data::Control(granted)));
        let plain = SessionInfo::PlainNotify;
        assert_eq!(data("26", "02000000", "16"), Share::Data(Data::SessionInfo(plain)));
        let waking = StatusCode::TS_STATUS_VM_WAKING;
        assert_eq!(data("36", "02050000", "16"), Share::Data(Data::Status(waking)));
        assert_eq!(data("37", "01000000", "16"), Share::Data(Data::MonitorLayout(1)));
        let input = ShareDataType::PDUTYPE2_INPUT;
        assert_eq!(data("1c", "", "12"), Share::Data(Data::Other(input)));
        // A compressed Set Error Info can't be read.
        let packed = hex("1600 1700 0000 ea030100 00 01 0800 2f 21 0000 07000000");
        let kind = ShareDataType::PDUTYPE2_SET_ERROR_INFO_PDU;
        assert_eq!(Share::parse(&packed).unwrap().0, Share::Data(Data::Other(kind)));
    }

    #[test]
    fn reads_the_others() {
        // Without pduSource.
        assert_eq!(read("0400 1600"), Share::DeactivateAll);
        assert_eq!(read("0a00 1600 ea03 ea030100"), Share::DeactivateAll);
        assert_eq!(read("0080 0000 0000 ea03"), Share::Flow);
        assert_eq!(Share::parse(&hex("0300 1700")).unwrap_err().what, "totalLength");
        let Share::DemandActive(all) =
            read("1e00 1100 ea03 ea030100 0400 0800 52445000 0100 0000 0900 0800 ea030100")
        else {
            panic!()
        };
        assert_eq!((all.source.as_str(), all.sets.len()), ("RDP", 1));
        let Share::ConfirmActive(all) =
            read("1a00 1300 f003 ea030100 ea03 0200 0400 4d00 0100 0000 0d00 0400")
        else {
            panic!()
        };
        assert_eq!((all.source.as_str(), all.sets.len()), ("M", 1));
        let Share::Redirection(to) = read("1800 1a00 ea03 0000 0004 1000 07000000 00000000 0000 0000") else {
            panic!()
        };
        assert_eq!(to.session_id, 7);
    }

    #[test]
    fn several_follow_each_other() {
        let mut bytes = hex(ERROR);
        bytes.extend(hex("0400 1600"));
        let (first, len) = Share::parse(&bytes).unwrap();
        assert_eq!((first, len), (Share::Data(Data::SetErrorInfo(7)), 22));
        assert_eq!(Share::parse(&bytes[len..]).unwrap(), (Share::DeactivateAll, 4));
        // Licensing's security header is no share header.
        assert!(!Share::begins(&hex("8000 0000 ff03 1000")));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64), kind in 0_u8..16, data: u8) {
            let _ = Share::parse(&bytes);
            if let Ok((_, len)) = Share::parse(&[&[48, 0, 0x10 | kind, 0], bytes.as_slice()].concat()) {
                prop_assert!(len > 0);
            }
            let head = [48, 0, 0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, data, 0, 0, 0];
            let _ = Share::parse(&[&head, bytes.as_slice()].concat());
        }
    }
}
