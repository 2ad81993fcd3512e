//! Heartbeat (MS-RDPBCGR, section 2.2.16.1): the server is alive though it has nothing to say.

use nom::bytes::streaming::take;
use nom::number::streaming::le_u8;

use super::Malformed;
use super::wire::whole;

/// One heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Seconds between heartbeats.
    pub period: u8,
    /// So many missed: the client warns.
    pub count1: u8,
    /// So many missed: the client reconnects.
    pub count2: u8,
}

/// Parses what follows the security header: `reserved u8 · period u8 · count1 u8 · count2 u8`.
pub fn parse(body: &[u8]) -> Result<Heartbeat, Malformed> {
    whole("Heartbeat", body, |i| {
        let (i, _reserved) = take(1_usize)(i)?;
        let (i, period) = le_u8(i)?;
        let (i, count1) = le_u8(i)?;
        let (i, count2) = le_u8(i)?;
        Ok((i, Heartbeat { period, count1, count2 }))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::hex;
    use super::*;

    #[test]
    fn reads_one() {
        let bytes = hex("00 05 03 0a");
        assert_eq!(parse(&bytes), Ok(Heartbeat { period: 5, count1: 3, count2: 10 }));
        for cut in 0..4 {
            assert!(parse(&bytes[..cut]).is_err());
        }
    }
}
