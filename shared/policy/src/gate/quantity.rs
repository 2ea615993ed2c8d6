//! Amounts and counts: how much, exactly, or nothing.

use std::fmt;

use serde::Deserialize;
use serde_json::{Number, Value};

/// A decimal of at most four places, zero or more: what Cedar's `decimal` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "Value")]
pub(super) struct Amount {
    /// Ten-thousandths.
    units: i64,
}

const PLACES: usize = 4;
const ONE: i64 = 10_000;

impl Amount {
    /// A number or a text of digits with at most four after one point. Nothing else is beyond doubt: no sign, no exponent,
    /// no separators.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Self::read(&plain(number)?),
            Value::String(text) => Self::read(text),
            _ => None,
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let part = part.unwrap_or("0");
        // A leading zero is octal to some.
        let octal = whole.len() > 1 && whole.starts_with('0');
        if !digits(whole) || !digits(part) || octal || part.len() > PLACES {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let units: i64 = format!("{part:0<PLACES$}").parse().ok()?;
        Some(Self { units: whole.checked_mul(ONE)?.checked_add(units)? })
    }

    /// How many, if it is a whole number.
    pub const fn whole(self) -> Option<i64> {
        if self.units % ONE == 0 { Some(self.units / ONE) } else { None }
    }
}

/// A JSON number in digits, as RFC 8785 has it for the digest: `1.0` is `1`, and so is what a double makes of it.
pub(super) fn plain(number: &Number) -> Option<String> {
    match number.as_f64().filter(|_| number.is_f64()) {
        // Without the sign of a negative zero, which the canonical form has not either.
        Some(double) if double.is_finite() => Some((double + 0.0).to_string()),
        Some(_) => None,
        None => Some(number.to_string()),
    }
}

impl TryFrom<Value> for Amount {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        Self::of(&value).ok_or("use a number of at most four places, such as \"1000.00\"")
    }
}

impl fmt::Display for Amount {
    /// As Cedar reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:04}", self.units / ONE, self.units % ONE)
    }
}

/// A whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "Value")]
pub(super) struct Count(i64);

impl Count {
    pub fn of(value: &Value) -> Option<Self> {
        Amount::of(value)?.whole().map(Self)
    }

    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<Value> for Count {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        Self::of(&value).ok_or("use a whole number, such as 1000")
    }
}
