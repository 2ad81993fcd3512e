//! What a capture says of an interface: as it was read, and as it can be written again.

use super::bytes::Order;
use super::options::Options;
use crate::base::{LinkType, Timestamp};

/// Where packets were captured: an Interface Description Block (draft-ietf-opsawg-pcapng, section 4.2), or
/// the header of a pcap file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// How its packets start.
    pub link: LinkType,
    /// The most bytes of a packet that were kept; 0 means no limit.
    pub snaplen: u32,
    /// Unit of its stamps.
    pub resolution: Resolution,
    /// Seconds that are added to its stamps.
    pub offset: i64,
    /// "eth0".
    pub name: Option<String>,
    /// Its name for people.
    pub description: Option<String>,
    /// The filter that packets had to pass, as it was typed.
    pub filter: Option<String>,
}

/// Codes of options (section 4.2).
pub(super) mod code {
    pub(in super::super) const NAME: u16 = 2;
    pub(in super::super) const DESCRIPTION: u16 = 3;
    pub(in super::super) const RESOLUTION: u16 = 9;
    pub(in super::super) const FILTER: u16 = 11;
    pub(in super::super) const OFFSET: u16 = 14;
}

impl Interface {
    /// An interface of `link` without more.
    pub fn new(link: LinkType, resolution: Resolution) -> Self {
        Interface { link, snaplen: 0, resolution, offset: 0, name: None, description: None, filter: None }
    }

    /// Reads the body of an Interface Description Block, at least eight bytes.
    pub(super) fn parse(body: &[u8], order: Order) -> Self {
        let mut this = Interface::new(LinkType(u32::from(order.u16(body, 0))), Resolution::MICROSECONDS);
        this.snaplen = order.u32(body, 4);
        for (code, value) in Options::new(body.get(8..).unwrap_or_default(), order) {
            match (code, value) {
                (code::NAME, value) => this.name = Some(text(value)),
                (code::DESCRIPTION, value) => this.description = Some(text(value)),
                (code::RESOLUTION, &[resolution]) => this.resolution = Resolution(resolution),
                // 0: a string; 1: a program.
                (code::FILTER, [0, value @ ..]) => this.filter = Some(text(value)),
                (code::OFFSET, value) if value.len() == 8 => this.offset = order.u64(value, 0) as i64,
                _ => {}
            }
        }
        this
    }

    /// The time of a stamp.
    #[inline]
    pub(super) fn clock(&self) -> Clock {
        Clock { scale: self.resolution.scale(), offset: self.offset.saturating_mul(Timestamp::SECOND) }
    }

    /// The stamp of a time, in units; 0 for what was before the first.
    pub(super) fn units(&self, time: Timestamp) -> u64 {
        let since = time.0.saturating_sub(self.offset.saturating_mul(Timestamp::SECOND));
        let nanoseconds = u64::try_from(since).unwrap_or(0);
        match self.resolution.scale() {
            Scale::Multiply(factor) => nanoseconds / factor,
            Scale::Divide(divisor) => nanoseconds.saturating_mul(divisor),
            // Rounded up, since reading rounds down.
            Scale::PowerOfTwo(power) => {
                let units = (u128::from(nanoseconds) << power).div_ceil(1_000_000_000);
                u64::try_from(units).unwrap_or(u64::MAX)
            }
        }
    }
}

/// Text of an option, as much as is worth keeping.
fn text(value: &[u8]) -> String {
    const KEPT: usize = 1024;
    String::from_utf8_lossy(value.get(..KEPT).unwrap_or(value)).trim_end_matches('\0').to_owned()
}

/// Unit of stamps as if_tsresol tells it: a negative power of 10 seconds, or of 2 if the highest bit is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolution(pub u8);

impl Resolution {
    /// 10^-6 s.
    pub const MICROSECONDS: Resolution = Resolution(6);
    /// 10^-9 s.
    pub const NANOSECONDS: Resolution = Resolution(9);

    /// The same where it can be written from nanoseconds and 64 bits reach the present time, else
    /// nanoseconds.
    pub(super) fn writable(self) -> Self {
        let power = self.0 & 0x7f;
        let fits = if self.0 & 0x80 == 0 { power <= 9 } else { power <= 32 };
        if fits { self } else { Resolution::NANOSECONDS }
    }

    fn scale(self) -> Scale {
        let power = u32::from(self.0 & 0x7f);
        if self.0 & 0x80 != 0 {
            Scale::PowerOfTwo(power)
        } else if power <= 9 {
            Scale::Multiply(10_u64.pow(9 - power))
        } else {
            Scale::Divide(10_u64.checked_pow(power - 9).unwrap_or(u64::MAX))
        }
    }
}

/// How a timestamp's units become nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    scale: Scale,
    /// Nanoseconds to add.
    offset: i64,
}

#[derive(Clone, Copy, Debug)]
enum Scale {
    Multiply(u64),
    Divide(u64),
    /// Units of 2^-n seconds.
    PowerOfTwo(u32),
}

impl Clock {
    #[inline(always)]
    pub(super) fn time(&self, units: u64) -> Timestamp {
        let nanoseconds = match self.scale {
            Scale::Multiply(factor) => units.saturating_mul(factor),
            Scale::Divide(divisor) => units / divisor,
            Scale::PowerOfTwo(power) => {
                let wide = u128::from(units) * 1_000_000_000;
                u64::try_from(wide >> power).unwrap_or(u64::MAX)
            }
        };
        Timestamp(i64::try_from(nanoseconds).unwrap_or(i64::MAX).saturating_add(self.offset))
    }
}
