//! Network characteristics detection (MS-RDPBCGR, section 2.2.14): what RDP itself measured of the line.
//! Numbers are little-endian.

use std::fmt;

use nom::number::streaming::{le_u8, le_u16, le_u32};

use super::Malformed;
use super::wire::{Parsed, whole, wrong};

/// Figures of the line, as far as a message names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Characteristics {
    /// Lowest round trip seen, in milliseconds.
    pub base_rtt: Option<u32>,
    /// Average round trip, in milliseconds.
    pub average_rtt: Option<u32>,
    /// Bandwidth in kilobits a second.
    pub bandwidth: Option<u32>,
}

impl fmt::Display for Characteristics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = [
            ("base RTT", self.base_rtt, "ms"),
            ("average RTT", self.average_rtt, "ms"),
            ("bandwidth", self.bandwidth, "kbit/s"),
        ];
        let known = figures.into_iter().filter_map(|(name, value, unit)| Some((name, value?, unit)));
        for (at, (name, value, unit)) in known.enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{name} {value} {unit}")?;
        }
        Ok(())
    }
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoDetect {
    /// RTT Measure Request, S→C.
    RttRequest,
    /// RTT Measure Response, C→S.
    RttResponse,
    /// Bandwidth Measure Start, S→C.
    BandwidthStart,
    /// Bandwidth Measure Payload, S→C.
    BandwidthPayload,
    /// Bandwidth Measure Stop, S→C.
    BandwidthStop,
    /// Bandwidth Measure Results, C→S.
    BandwidthResults {
        /// Between start and stop, in milliseconds.
        time_delta: u32,
        /// Bytes received in that time.
        byte_count: u32,
    },
    /// Network Characteristics Result, S→C.
    Result(Characteristics),
    /// Network Characteristics Sync, C→S: what the client kept from the connection before.
    Sync(Characteristics),
    /// Another type: headerTypeId and type.
    Other(u8, u16),
}

/// One message with the number that ties answers to requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// sequenceNumber.
    pub sequence: u16,
    /// What it says.
    pub body: AutoDetect,
}

/// Parses what follows the security header: `headerLength u8 · headerTypeId u8 · sequenceNumber u16 · type
/// u16`, then the type's fields.
pub fn parse(body: &[u8]) -> Result<Message, Malformed> {
    whole("auto-detect message", body, |start| {
        let (i, length) = le_u8(start)?;
        if length < 6 {
            return wrong("auto-detect headerLength", start, 6, u64::from(length));
        }
        let (i, header) = le_u8(i)?;
        let (i, sequence) = le_u16(i)?;
        let (i, kind) = le_u16(i)?;
        let (i, body) = match (header, kind) {
            (0, 0x0001 | 0x1001) => (i, AutoDetect::RttRequest),
            (0, 0x0014 | 0x0114 | 0x1014) => (i, AutoDetect::BandwidthStart),
            (0, 0x0002) => (i, AutoDetect::BandwidthPayload),
            (0, 0x002B | 0x0429 | 0x0629) => (i, AutoDetect::BandwidthStop),
            (0, 0x0840) => figures(i, true, false).map(result)?,
            (0, 0x0880) => figures(i, false, true).map(result)?,
            (0, 0x08C0) => figures(i, true, true).map(result)?,
            (1, 0x0000) => (i, AutoDetect::RttResponse),
            (1, 0x0003 | 0x000B) => {
                let (i, time_delta) = le_u32(i)?;
                let (i, byte_count) = le_u32(i)?;
                (i, AutoDetect::BandwidthResults { time_delta, byte_count })
            }
            (1, 0x0018) => {
                let (i, bandwidth) = le_u32(i)?;
                let (i, rtt) = le_u32(i)?;
                let kept =
                    Characteristics { base_rtt: None, average_rtt: Some(rtt), bandwidth: Some(bandwidth) };
                (i, AutoDetect::Sync(kept))
            }
            (header, kind) => (i, AutoDetect::Other(header, kind)),
        };
        Ok((i, Message { sequence, body }))
    })
}

fn result((i, figures): (&[u8], Characteristics)) -> (&[u8], AutoDetect) {
    (i, AutoDetect::Result(figures))
}

/// `[baseRTT u32 ·] [bandwidth u32 ·] averageRTT u32`.
fn figures(mut i: &[u8], base: bool, bandwidth: bool) -> Parsed<'_, Characteristics> {
    let mut figures = Characteristics::default();
    for (there, field) in
        [(base, &mut figures.base_rtt), (bandwidth, &mut figures.bandwidth), (true, &mut figures.average_rtt)]
    {
        if there {
            let (rest, value) = le_u32(i)?;
            *field = Some(value);
            i = rest;
        }
    }
    Ok((i, figures))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    fn read(text: &str) -> Option<AutoDetect> {
        parse(&hex(text)).ok().map(|message| message.body)
    }

    #[test]
    fn reads_messages() {
        assert_eq!(parse(&hex("06 00 0500 0110")), Ok(Message { sequence: 5, body: AutoDetect::RttRequest }));
        assert_eq!(read("06 01 0500 0000"), Some(AutoDetect::RttResponse));
        assert_eq!(read("06 00 0600 1410"), Some(AutoDetect::BandwidthStart));
        assert_eq!(read("08 00 0600 0200 0200 0000"), Some(AutoDetect::BandwidthPayload));
        assert_eq!(read("08 00 0600 2b00 0000"), Some(AutoDetect::BandwidthStop));
        let results = AutoDetect::BandwidthResults { time_delta: 16, byte_count: 4096 };
        assert_eq!(read("0e 01 0600 0300 10000000 00100000"), Some(results));
        assert_eq!(read("06 00 0000 ff00"), Some(AutoDetect::Other(0, 0xFF)));
    }

    #[test]
    fn reads_figures() {
        let all = Characteristics { base_rtt: Some(1), average_rtt: Some(2), bandwidth: Some(1000) };
        assert_eq!(read("12 00 0700 c008 01000000 e8030000 02000000"), Some(AutoDetect::Result(all)));
        assert_eq!(all.to_string(), "base RTT 1 ms, average RTT 2 ms, bandwidth 1000 kbit/s");
        let rtt = Characteristics { bandwidth: None, ..all };
        assert_eq!(read("0e 00 0700 4008 01000000 02000000"), Some(AutoDetect::Result(rtt)));
        let kept = Characteristics { base_rtt: None, ..all };
        assert_eq!(read("0e 00 0700 8008 e8030000 02000000"), Some(AutoDetect::Result(kept)));
        assert_eq!(read("0e 01 0700 1800 e8030000 02000000"), Some(AutoDetect::Sync(kept)));
        assert_eq!(read("0e 00 0700 4008 01000000"), None);
        assert_eq!(parse(&hex("05 00 0000 0100")).unwrap_err().what, "auto-detect headerLength");
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..32)) {
            let _ = parse(&bytes);
        }
    }
}
