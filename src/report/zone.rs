//! Times for people: UTC unless asked otherwise, and back from what people type.

use std::fmt;
use std::str::FromStr;

use jiff::civil;
use jiff::tz::{Offset, TimeZone};

use super::model::Time;
use crate::base::Timestamp;

/// The zone in which people are shown times.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// `--tz` is none of "UTC", "local", "+HH:MM".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time zone is UTC, local or an offset such as +02:00")]
pub struct BadZone;

/// A time that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a time is 2026-11-20T09:00:00Z, \"2026-11-20 09:00\" (in --tz) or 09:00[:00] (on the capture's day)"
)]
pub struct BadTime;

/// A point in time as people type it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// With its offset from UTC.
    Instant(Timestamp),
    /// Date and time of day, in the zone that is asked for.
    Civil(civil::DateTime),
    /// Time of day.
    OfDay(civil::Time),
}

impl Zone {
    /// Coordinated Universal Time.
    pub fn utc() -> Self {
        Zone { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// "2026-11-20".
    pub fn date(&self, time: Time) -> String {
        self.format(time, "%Y-%m-%d")
    }

    /// "09:00:00", with the date before it where asked for.
    pub fn second(&self, time: Time, date: bool) -> String {
        self.format(time, if date { "%Y-%m-%d %H:%M:%S" } else { "%H:%M:%S" })
    }

    /// "2026-11-20 09:00:00.000".
    pub fn full(&self, time: Time) -> String {
        self.format(time, "%Y-%m-%d %H:%M:%S.%3f")
    }

    fn zoned(&self, time: Timestamp) -> Option<jiff::Zoned> {
        let time = jiff::Timestamp::from_nanosecond(i128::from(time.0)).ok()?;
        Some(time.to_zoned(self.zone.clone()))
    }

    fn format(&self, time: Time, format: &str) -> String {
        self.zoned(time.0).map_or_else(|| time.to_string(), |zoned| zoned.strftime(format).to_string())
    }

    /// The point in time that was meant, in captures that last from `first` to `last`: a time of day is on
    /// the first day, or on the next where it had already passed when the captures began.
    pub fn resolve(&self, typed: Typed, first: Timestamp, last: Timestamp) -> Option<Timestamp> {
        let at = |date_time: civil::DateTime| {
            let zoned = date_time.to_zoned(self.zone.clone()).ok()?;
            i64::try_from(zoned.timestamp().as_nanosecond()).ok().map(Timestamp)
        };
        match typed {
            Typed::Instant(time) => Some(time),
            Typed::Civil(date_time) => at(date_time),
            Typed::OfDay(time) => {
                let day = self.zoned(first)?.date();
                let same = at(day.to_datetime(time))?;
                let next = day.tomorrow().ok().and_then(|day| at(day.to_datetime(time)));
                Some(next.filter(|next| same < first && *next <= last).unwrap_or(same))
            }
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Zone {
    type Err = BadZone;

    fn from_str(text: &str) -> Result<Self, BadZone> {
        match text {
            "UTC" | "utc" | "Z" => return Ok(Self::utc()),
            "local" => {
                let zone = TimeZone::system();
                let name = zone.iana_name().unwrap_or("local time").to_owned();
                return Ok(Zone { name, zone });
            }
            _ => {}
        }
        let (sign, rest) = match text.split_at_checked(1) {
            Some(("+", rest)) => (1, rest),
            Some(("-", rest)) => (-1, rest),
            _ => return Err(BadZone),
        };
        let (hours, minutes) = rest.split_once(':').ok_or(BadZone)?;
        let two = |digits: &str, most: i32| {
            let valid = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse::<i32>().ok().filter(|n| valid && *n <= most).ok_or(BadZone)
        };
        let seconds = sign * (two(hours, 23)? * 3600 + two(minutes, 59)? * 60);
        let offset = Offset::from_seconds(seconds).map_err(|_| BadZone)?;
        Ok(Zone { name: format!("UTC{text}"), zone: offset.to_time_zone() })
    }
}

impl FromStr for Typed {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let text = text.trim();
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return i64::try_from(time.as_nanosecond())
                .map(|n| Typed::Instant(Timestamp(n)))
                .map_err(|_| BadTime);
        }
        // A date alone would be midnight; nobody means that, so a time of day has to be there.
        if !text.contains(':') {
            return Err(BadTime);
        }
        if let Ok(date_time) = text.parse::<civil::DateTime>() {
            return Ok(Typed::Civil(date_time));
        }
        text.parse::<civil::Time>().map(Typed::OfDay).map_err(|_| BadTime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T09:00:00Z.
    const NINE: i64 = 1_795_165_200 * Timestamp::SECOND;
    const HOUR: i64 = 3600 * Timestamp::SECOND;

    fn zone(text: &str) -> Zone {
        text.parse().unwrap()
    }

    #[test]
    fn shows_times_in_the_zone() {
        let time = Time(Timestamp(NINE + 94_500_000));
        assert_eq!(Zone::utc().full(time), "2026-11-20 09:00:00.094");
        assert_eq!(zone("+05:30").full(time), "2026-11-20 14:30:00.094");
        assert_eq!(zone("-10:00").date(time), "2026-11-19");
        assert_eq!(zone("-00:30").second(time, false), "08:30:00");
        assert_eq!(zone("-00:30").second(time, true), "2026-11-20 08:30:00");
        assert_eq!(zone("+05:30").to_string(), "UTC+05:30");
        assert_eq!(zone("UTC").to_string(), "UTC");
        assert!(!zone("local").full(time).is_empty());
    }

    #[test]
    fn refuses_other_zones() {
        for bad in ["", "+", "+2", "02:00", "+24:00", "+02:60", "+2:00", "+0a:00", "Europe/Berlin", "+-1:00"]
        {
            assert_eq!(bad.parse::<Zone>(), Err(BadZone), "{bad:?}");
        }
    }

    #[test]
    fn reads_typed_times() {
        let resolve = |text: &str, zone: &Zone| {
            zone.resolve(text.parse().unwrap(), Timestamp(NINE), Timestamp(NINE + 20 * HOUR)).unwrap().0
        };
        let utc = Zone::utc();
        assert_eq!(resolve("2026-11-20T09:00:00Z", &zone("+01:00")), NINE);
        assert_eq!(resolve("2026-11-20T09:00:00+01:00", &utc), NINE - HOUR);
        assert_eq!(resolve("2026-11-20 09:00", &utc), NINE);
        assert_eq!(resolve("2026-11-20T10:00:00.5", &zone("+01:00")), NINE + 500_000_000);
        assert_eq!(resolve("09:00", &utc), NINE);
        assert_eq!(resolve("23:59", &utc), NINE + 15 * HOUR - 60 * Timestamp::SECOND);
        assert_eq!(resolve("04:00", &utc), NINE + 19 * HOUR, "the night after");
        assert_eq!(resolve("08:00", &utc), NINE - HOUR, "not in the captures at all");
        assert_eq!(resolve("10:00", &zone("+01:00")), NINE);
        for bad in ["", "now", "2026-11-20", "25:00", "09:61", "9"] {
            assert_eq!(bad.parse::<Typed>(), Err(BadTime), "{bad:?}");
        }
    }
}
