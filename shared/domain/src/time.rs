//! Time as a value. Nothing here reads a clock.

use std::fmt;
use std::str::FromStr;

use crate::id::text_serde;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since the Unix epoch, between 1970 and the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// A text or number that is not a time between 1970 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time in RFC 3339 UTC between 1970 and 9999")]
pub struct TimestampError;

/// 9999-12-31T23:59:59.999Z
const MAX_UNIX_MILLIS: u64 = 253_402_300_799_999;
const EPOCH: jiff::civil::DateTime = jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Timestamp {
    /// 9999-12-31T23:59:59.999Z: the end of time, at which everything that can expire has expired.
    pub const MAX: Self = Self(MAX_UNIX_MILLIS);

    /// # Errors
    /// Outside 1970 to 9999.
    pub fn from_unix_millis(millis: i64) -> Result<Self, TimestampError> {
        u64::try_from(millis).ok().filter(|millis| *millis <= MAX_UNIX_MILLIS).map(Self).ok_or(TimestampError)
    }

    /// Any form of RFC 3339, with any offset, as people and programs write it. What is finer than a millisecond is cut off.
    ///
    /// # Errors
    /// Another text, or a time outside 1970 to 9999.
    pub fn from_rfc3339(text: &str) -> Result<Self, TimestampError> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"-+:.TtZz".contains(&byte));
        let at: jiff::Timestamp = text.parse().ok().filter(|_| plain).ok_or(TimestampError)?;
        Self::from_unix_millis(at.as_millisecond())
    }

    pub const fn unix_millis(self) -> u64 {
        self.0
    }

    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis).min(MAX_UNIX_MILLIS))
    }

    /// Milliseconds from `earlier` to this, zero when `earlier` is later.
    pub fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `2026-11-23`, in UTC: the partition that a record belongs to.
    pub fn date(self) -> String {
        self.to_string().chars().take(10).collect()
    }

    /// `2026-11-23 10:42:10.123`, in UTC: what Athena reads as a `timestamp`.
    pub fn sql(self) -> String {
        self.to_string().trim_end_matches('Z').replace('T', " ")
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 UTC with exactly three decimals: `2026-11-23T10:42:10.123Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not `jiff::Timestamp`: it ends 26 hours before the year 9999 does, so that every offset has room.
        let millis = i64::try_from(self.0).map_err(|_| fmt::Error)?;
        let since = jiff::SignedDuration::from_millis(millis);
        let at = EPOCH.checked_add(since).map_err(|_| fmt::Error)?;
        write!(f, "{at:.3}Z")
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Only the form that `Display` writes, so that a time has one text form.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let at: jiff::civil::DateTime =
            text.strip_suffix('Z').and_then(|text| text.parse().ok()).ok_or(TimestampError)?;
        let millis = i64::try_from(at.duration_since(EPOCH).as_millis()).map_err(|_| TimestampError)?;
        let parsed = Self::from_unix_millis(millis)?;
        if parsed.to_string() == text { Ok(parsed) } else { Err(TimestampError) }
    }
}

text_serde!(Timestamp);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms() {
        let at = Timestamp::from_unix_millis(1_795_430_530_120).unwrap();
        assert_eq!(at.to_string(), "2026-11-23T10:42:10.120Z");
        assert_eq!(at.sql(), "2026-11-23 10:42:10.120");
        assert_eq!(at.date(), "2026-11-23");
        assert_eq!(at.to_string().parse(), Ok(at));
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::MAX.to_string().parse(), Ok(Timestamp::MAX));
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in [
            "2026-11-23T10:42:10Z",
            "2026-11-23T10:42:10.1201Z",
            "2026-11-23T12:42:10.120+02:00",
            "",
            "1969-12-31T23:59:59.999Z",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
        assert!(Timestamp::from_unix_millis(-1).is_err());
        assert!(Timestamp::from_unix_millis(253_402_300_800_000).is_err());
    }

    #[test]
    fn any_form_of_rfc_3339_is_the_same_time() {
        let at: Timestamp = "2026-11-23T10:42:10.000Z".parse().unwrap();
        for same in [
            "2026-11-23T10:42:10.000Z",
            "2026-11-23T10:42:10Z",
            "2026-11-23t10:42:10z",
            "2026-11-23T12:42:10+02:00",
            "2026-11-23T10:42:10.0009Z",
        ] {
            assert_eq!(Timestamp::from_rfc3339(same), Ok(at), "{same}");
        }
        for bad in [
            "",
            "2026-11-23",
            "2026-11-23T10:42:10",
            "2026-11-23 10:42:10Z",
            "1969-12-31T23:59:59Z",
            "2026-11-23T10:42:10Z[UTC]",
        ] {
            assert!(Timestamp::from_rfc3339(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_time_reads_back(millis in 0_i64..=253_402_300_799_999) {
            let at = Timestamp::from_unix_millis(millis).unwrap();
            proptest::prop_assert_eq!(at.to_string().parse(), Ok(at));
        }
    }
}
