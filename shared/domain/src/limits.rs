//! Limits of use: how much, of what, for whom, and in which window of time. What was used is measured in the gates.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::{NotInCatalogue, catalogue};
use crate::id::text_serde;
use crate::{Name, Timestamp};

catalogue! {
    /// Whose use is limited. The order is that of a hold's bits, see `tables`.
    Level {
        Tenant = "tenant",
        /// The tenant's allowance of its organization's budget.
        Org = "org",
        Team = "team",
        Agent = "agent",
        Key = "key",
    }
}

catalogue! {
    /// What is counted.
    Unit {
        Tokens = "tokens",
        /// Millionths of a US dollar.
        UsdMicros = "usd_micros",
    }
}

catalogue! {
    /// How long a limit lasts before it begins again.
    Window {
        Day = "day",
        Month = "month",
        Total = "total",
    }
}

/// A time zone of the IANA database that is compiled in: the same day in every process.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A day of a calendar, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

const FIRST: Date = Date::constant(1970, 1, 1);

impl Day {
    /// # Errors
    /// After the year 9999.
    pub fn from_days(days: u32) -> Result<Self, LimitsError> {
        Self(days).date().map(|_| Self(days)).ok_or(LimitsError::Day)
    }

    pub const fn days(self) -> u32 {
        self.0
    }

    /// The day so many days before this one; the first day at the earliest.
    #[must_use]
    pub const fn before(self, days: u32) -> Self {
        Self(self.0.saturating_sub(days))
    }

    fn date(self) -> Option<Date> {
        FIRST.checked_add(jiff::SignedDuration::from_hours(i64::from(self.0) * 24)).ok()
    }

    /// `2026-11`.
    pub fn month(self) -> String {
        self.to_string().chars().take(7).collect()
    }
}

impl fmt::Display for Day {
    /// `2026-11-26`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date().ok_or(fmt::Error)?)
    }
}

impl Zone {
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    fn local(&self, now: Timestamp) -> Option<Date> {
        let millis = i64::try_from(now.unix_millis()).ok()?;
        let at = jiff::Timestamp::from_millisecond(millis).ok()?;
        Some(at.to_zoned(self.0.clone()).date())
    }

    /// The day that it is here.
    pub fn day(&self, now: Timestamp) -> Day {
        let days = self.local(now).map(|date| date.duration_since(FIRST).as_hours() / 24);
        Day(days.and_then(|days| u32::try_from(days).ok()).unwrap_or_default())
    }

    /// When the window that `now` lies in ends; never for a total.
    pub fn ends(&self, window: Window, now: Timestamp) -> Option<Timestamp> {
        let today = self.local(now)?;
        let next = match window {
            Window::Day => today.tomorrow().ok()?,
            Window::Month => today.last_of_month().tomorrow().ok()?,
            Window::Total => return None,
        };
        let at = next.to_zoned(self.0.clone()).ok()?;
        Timestamp::from_unix_millis(at.timestamp().as_millisecond()).ok()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({self})")
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl FromStr for Zone {
    type Err = LimitsError;

    fn from_str(text: &str) -> Result<Self, LimitsError> {
        TimeZone::get(text).map(Self).map_err(|_| LimitsError::Zone)
    }
}

text_serde!(Zone);

/// What a limit is on. Text forms: `tenant:tokens:day`, `agent/agt_...:usd_micros:month`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub level: Level,
    /// Which key, agent or team; none for the tenant and its organization.
    pub id: Option<Name>,
    pub unit: Unit,
    pub window: Window,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.as_ref().map(|id| format!("/{id}")).unwrap_or_default();
        write!(f, "{}{id}:{}:{}", self.level, self.unit, self.window)
    }
}

impl FromStr for Place {
    type Err = LimitsError;

    /// `usd` is short for `usd_micros`.
    fn from_str(text: &str) -> Result<Self, LimitsError> {
        let mut parts = text.rsplitn(3, ':');
        let (window, unit, whose) = (parts.next(), parts.next(), parts.next());
        let whose = whose.ok_or(LimitsError::Place)?;
        let (level, id) = whose.split_once('/').map_or((whose, None), |(level, id)| (level, Some(id)));
        let unit = unit.map(|unit| if unit == "usd" { Unit::UsdMicros.as_str() } else { unit });
        let place = (|| {
            Some(Self {
                level: level.parse().ok()?,
                id: id.map(str::parse).transpose().ok()?,
                unit: unit?.parse().ok()?,
                window: window?.parse().ok()?,
            })
        })();
        place.filter(Self::fits).ok_or(LimitsError::Place)
    }
}

text_serde!(Place);

impl Place {
    const fn fits(&self) -> bool {
        matches!(self.level, Level::Tenant | Level::Org) == self.id.is_none()
    }
}

/// The most that may be used there. Zero is zero, never unlimited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    pub place: Place,
    pub most: u64,
}

/// Limits that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    #[error("not a time zone of the IANA database, such as Asia/Jerusalem")]
    Zone,
    #[error(
        "not a place of a limit: level[/id]:tokens|usd:day|month|total, with an id for key, agent and team alone"
    )]
    Place,
    #[error("a place has one limit, and there is a second")]
    Twice,
    #[error("a limit is at most {MOST}")]
    Most,
    #[error("there are between 1 and {SHARDS} shards")]
    Shards,
    #[error("there are at most {LIMITS} limits")]
    Many,
    #[error("a tenant has at least one limit of its own: without any it has no budget")]
    NoTenant,
    #[error("no day between 1970 and 9999")]
    Day,
}

/// What canonical JSON can hold.
pub const MOST: u64 = 9_007_199_254_740_991;
/// The most shards of a tenant's meters: all of them and the limits are changed in one transaction, which DynamoDB gives a hundred
/// items (API reference, TransactWriteItems).
pub const SHARDS: u8 = 96;
/// So that the row stays small beside the other facts.
const LIMITS: usize = 200;

/// All limits of a tenant, as one version: they are read whole, with the facts of each call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsRow {
    version: u64,
    zone: Zone,
    shards: u8,
    limits: Vec<Limit>,
}

impl LimitsRow {
    /// # Errors
    /// A place twice or one that cannot be, too many, or none of the tenant itself.
    pub fn new(version: u64, zone: Zone, shards: u8, mut limits: Vec<Limit>) -> Result<Self, LimitsError> {
        limits.sort_by(|one, other| one.place.cmp(&other.place));
        let twice = limits.iter().zip(limits.iter().skip(1)).any(|(one, other)| one.place == other.place);
        let fault = match () {
            () if !(1..=SHARDS).contains(&shards) => Some(LimitsError::Shards),
            () if limits.len() > LIMITS => Some(LimitsError::Many),
            () if !limits.iter().all(|limit| limit.place.fits()) => Some(LimitsError::Place),
            () if limits.iter().any(|limit| limit.most > MOST) => Some(LimitsError::Most),
            () if twice => Some(LimitsError::Twice),
            () if !limits.iter().any(|limit| limit.place.level == Level::Tenant) => {
                Some(LimitsError::NoTenant)
            }
            () => None,
        };
        fault.map_or(Ok(Self { version, zone, shards, limits }), Err)
    }

    /// A tenant that may use so many tokens in all: what a seed writes.
    pub fn of_tokens(most: u64) -> Self {
        let place = Place { level: Level::Tenant, id: None, unit: Unit::Tokens, window: Window::Total };
        let limits = vec![Limit { place, most: most.min(MOST) }];
        Self { version: 1, zone: Zone::utc(), shards: 1, limits }
    }

    pub const fn version(&self) -> u64 {
        self.version
    }

    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    pub const fn shards(&self) -> u8 {
        self.shards
    }

    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    pub fn find(&self, place: &Place) -> Option<u64> {
        self.limits.iter().find(|limit| limit.place == *place).map(|limit| limit.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_that_of_its_zone() {
        let zone: Zone = "Asia/Jerusalem".parse().unwrap();
        let late = at("2026-11-30T22:30:00.000Z");
        assert_eq!(
            (zone.day(late).to_string(), Zone::utc().day(late).to_string()),
            ("2026-12-01".into(), "2026-11-30".into())
        );
        assert_eq!(zone.day(late).month(), "2026-12");
        assert_eq!(zone.ends(Window::Day, late), Some(at("2026-12-01T22:00:00.000Z")));
        assert_eq!(zone.ends(Window::Month, late), Some(at("2026-12-31T22:00:00.000Z")));
        assert_eq!(zone.ends(Window::Total, late), None);
        assert_eq!(zone.to_string().parse(), Ok(zone));
        assert!("Mars/Olympus".parse::<Zone>().is_err());
    }

    /// Clocks go forward in Jerusalem on 2026-03-27: that day has 23 hours.
    #[test]
    fn a_short_day_ends_when_it_ends() {
        let zone: Zone = "Asia/Jerusalem".parse().unwrap();
        assert_eq!(
            zone.ends(Window::Day, at("2026-03-26T22:30:00.000Z")),
            Some(at("2026-03-27T21:00:00.000Z"))
        );
    }

    #[test]
    fn places_read_back() {
        for text in
            ["tenant:tokens:day", "org:usd_micros:total", "team/sales:tokens:month", "key/0aZ:tokens:total"]
        {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        assert_eq!("tenant:usd:day".parse::<Place>().unwrap().unit, Unit::UsdMicros);
        for bad in [
            "",
            "tenant",
            "tenant/x:tokens:day",
            "agent:tokens:day",
            "tenant:tokens:week",
            "agent/ :tokens:day",
        ] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_tenant_without_a_limit_of_its_own_has_no_budget() {
        let limit = |text: &str, most| Limit { place: text.parse().unwrap(), most };
        let row = |limits| LimitsRow::new(1, Zone::utc(), 1, limits);
        assert_eq!(row(vec![limit("agent/a:tokens:day", 1)]), Err(LimitsError::NoTenant));
        assert_eq!(
            row(vec![limit("tenant:tokens:day", 1), limit("tenant:tokens:day", 2)]),
            Err(LimitsError::Twice)
        );
        assert_eq!(row(vec![limit("tenant:tokens:day", MOST + 1)]), Err(LimitsError::Most));
        assert!(row(vec![limit("tenant:tokens:day", 0)]).is_ok());
        assert_eq!(
            LimitsRow::new(1, Zone::utc(), 0, vec![limit("tenant:tokens:day", 1)]),
            Err(LimitsError::Shards)
        );
        assert_eq!(LimitsRow::of_tokens(5).find(&"tenant:tokens:total".parse().unwrap()), Some(5));
    }
}
