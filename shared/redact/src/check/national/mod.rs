//! Numbers of states, businesses, health services and travel documents: one pure function per public rule.
//!
//! Each takes the candidate in its compact writing (separators out, letters upper case, ASCII) and says whether it
//! obeys the rule. A rule is written from the public sources that the data files name.

mod common;
mod dates;
mod de;
mod eu_east;
mod eu_north;
mod eu_south;
mod eu_west;
mod fr;
mod il;
mod travel;
mod uk_ch_no;
mod us;
mod vat;

#[cfg(test)]
mod tests;

/// A check: the compact candidate → is it one.
pub(crate) type Check = fn(&[u8]) -> bool;

/// Checks under the names that data files use.
type Table = &'static [(&'static str, Check)];

const TABLES: &[Table] = &[
    il::CHECKS,
    de::CHECKS,
    fr::CHECKS,
    eu_west::CHECKS,
    eu_north::CHECKS,
    eu_south::CHECKS,
    eu_east::CHECKS,
    uk_ch_no::CHECKS,
    us::CHECKS,
    vat::CHECKS,
    travel::CHECKS,
    dates::CHECKS,
];

/// The check called `name`.
pub(crate) fn by_name(name: &str) -> Option<Check> {
    TABLES.iter().copied().flatten().find(|(known, _)| *known == name).map(|(_, check)| *check)
}
