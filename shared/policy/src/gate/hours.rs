//! Hours at which somebody is there, by the clock of a place.

use std::collections::BTreeSet;

use domain::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::risk::long;
use super::template::{Terms, text, texts};

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }

    const fn of(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// Minutes since midnight, written `08:00`; `24:00` is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Minute(i64);

impl TryFrom<String> for Minute {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let two = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten();
        let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
        let parts = text.split_once(':').filter(|_| digits);
        let read = parts.and_then(|(hour, minute)| Some((two(hour)?, two(minute)?)));
        match read {
            Some((hour, minute)) if minute < 60 && (hour < 24 || (hour == 24 && minute == 0)) => {
                Ok(Self(i64::from(hour) * 60 + i64::from(minute)))
            }
            _ => Err("use a time of day, 00:00 to 24:00"),
        }
    }
}

/// A time zone of the IANA database that is compiled in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Zone {
    name: String,
    zone: TimeZone,
}

impl TryFrom<String> for Zone {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let zone = TimeZone::get(&name).map_err(|_| "use an IANA time zone, such as Europe/Berlin")?;
        Ok(Self { name, zone })
    }
}

impl Zone {
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// The minute and the day that it is here.
    pub fn local(&self, now: Timestamp) -> Option<(i64, Day)> {
        let at = jiff::Timestamp::from_millisecond(i64::try_from(now.unix_millis()).ok()?).ok()?;
        let at = at.to_zoned(self.zone.clone());
        Some((i64::from(at.hour()) * 60 + i64::from(at.minute()), Day::of(at.weekday())))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hours {
    pub zone: Zone,
    pub hours: [Minute; 2],
    pub days: BTreeSet<Day>,
}

impl Hours {
    pub fn terms(&self, now: Timestamp) -> Terms {
        let local = self.zone.local(now);
        let fact = local.map(|(minute, day)| [("minute", long(minute)), ("day", text(day.as_str()))]);
        let [Minute(from), Minute(until)] = self.hours;
        let days = texts(self.days.iter().map(|day| day.as_str()));
        let limit = vec![("from", long(from)), ("until", long(until)), ("days", days)];
        Terms { fact: fact.into_iter().flatten().collect(), limit }
    }
}
