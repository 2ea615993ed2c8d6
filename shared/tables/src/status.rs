//! Rows of the platform's own status: the document that is shown, a row of each day with what its pieces were, the last drill
//! of each kind; and, in the canary's partition of `control`, what the canary needs.

use std::collections::BTreeMap;

use domain::{CanaryRow, DrillKind, DrillRow, Name, StatusDocument, Timestamp, Verdict};

use crate::codec::{Row, sealed};
use crate::gates::Update;
use crate::item::{VERSION, VERSION_FIELD, item};
use crate::{Attr, CodecError, Item, Key, Reader, Swap, Table};

/// A day is kept in pieces of so long.
pub const SLOT_MS: u64 = 300_000;
/// So many pieces make a day.
pub const SLOTS: usize = 288;
const DAY_MS: u64 = 86_400_000;
/// Days are kept for longer than an audit looks back.
const KEPT_MS: u64 = 400 * DAY_MS;

const UP: char = 'u';
const DOWN: char = 'd';
const NONE: char = '.';

/// What a check found in each piece of a day, if it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots([Option<Verdict>; SLOTS]);

impl Default for Slots {
    fn default() -> Self {
        Self([None; SLOTS])
    }
}

impl Slots {
    pub fn at(&self, slot: usize) -> Option<Verdict> {
        self.0.get(slot).copied().flatten()
    }

    /// A piece in which a check was down once was down.
    pub fn note(&mut self, slot: usize, verdict: Verdict) {
        if let Some(place) = self.0.get_mut(slot) {
            *place = Some(place.map_or(verdict, |before| before.max(verdict)));
        }
    }

    fn to_text(&self) -> String {
        let piece = |verdict: &Option<Verdict>| match verdict {
            None => NONE,
            Some(Verdict::Up) => UP,
            Some(Verdict::Down) => DOWN,
        };
        self.0.iter().map(piece).collect()
    }

    fn from_text(text: &str) -> Option<Self> {
        let piece = |char| match char {
            NONE => Some(None),
            UP => Some(Some(Verdict::Up)),
            DOWN => Some(Some(Verdict::Down)),
            _ => None,
        };
        let pieces: Option<Vec<_>> = text.chars().map(piece).collect();
        pieces?.try_into().ok().map(Self)
    }
}

/// The day of a moment, counted from 1970, and its piece there.
pub fn slot_of(at: Timestamp) -> (u64, usize) {
    let millis = at.unix_millis();
    let slot = (millis % DAY_MS) / SLOT_MS;
    (millis / DAY_MS, usize::try_from(slot).unwrap_or_default())
}

/// The first moment of a day.
pub fn begin_of(day: u64) -> Timestamp {
    let millis = i64::try_from(day.saturating_mul(DAY_MS)).unwrap_or(i64::MAX);
    Timestamp::from_unix_millis(millis).unwrap_or(Timestamp::MAX)
}

/// A day, by check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DayRow(pub BTreeMap<Name, Slots>);

impl DayRow {
    #[must_use]
    pub fn noted<'a>(mut self, slot: usize, found: impl IntoIterator<Item = (&'a Name, Verdict)>) -> Self {
        for (name, verdict) in found {
            self.0.entry(name.clone()).or_default().note(slot, verdict);
        }
        self
    }
}

const CHECKS: &str = "checks";

impl Row for DayRow {
    fn to_item(&self) -> Item {
        let checks = self.0.iter().map(|(name, slots)| (name.to_string(), Attr::S(slots.to_text())));
        item([(CHECKS, Attr::M(checks.collect()))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let bad = || CodecError::Form(CHECKS);
        let entry = |(name, slots): (&String, &Attr)| match slots {
            Attr::S(text) => Ok((name.parse().map_err(|_| bad())?, Slots::from_text(text).ok_or_else(bad)?)),
            _ => Err(bad()),
        };
        Reader::new(item)?.map(CHECKS)?.iter().map(entry).collect::<Result<_, _>>().map(Self)
    }
}

/// A day with one more run in it, over the row that was read.
pub fn day_swap(day: u64, old: Option<Item>, row: &DayRow) -> Swap {
    let swap = Swap { key: Key::status_day(begin_of(day)), old, new: row.to_item() };
    swap.expiring(begin_of(day).plus_millis(KEPT_MS))
}

const DOCUMENT: &str = "document";

impl Row for StatusDocument {
    fn to_item(&self) -> Item {
        item([(BEGAN, Attr::number(self.began_at.unix_millis())), (DOCUMENT, Attr::S(self.to_text()))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        let _began = row.number(BEGAN)?;
        Self::from_text(row.str(DOCUMENT)?).ok_or(CodecError::Form(DOCUMENT))
    }
}

const BEGAN: &str = "began_ms";

/// Puts the document in the place of an earlier run's: a slow run never has the last word over one that began after it.
pub fn publish(document: &StatusDocument) -> Update {
    let written = document.to_item();
    let value = |name: &str| written.get(name).cloned().unwrap_or(Attr::Bool(false));
    Update {
        key: Key::status(),
        update: "SET began_ms = :began, document = :document, #v = :v",
        condition: Some("attribute_not_exists(pk) OR began_ms < :began"),
        names: vec![("#v", VERSION_FIELD.to_owned())],
        values: vec![(":began", value(BEGAN)), (":document", value(DOCUMENT)), (":v", Attr::number(VERSION))],
    }
}

impl Row for DrillRow {
    fn to_item(&self) -> Item {
        item([
            ("kind", Attr::text(self.kind)),
            ("at", Attr::text(self.at)),
            ("passed", Attr::Bool(self.passed)),
            ("millis", Attr::number(self.millis)),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            kind: row.parse("kind")?,
            at: row.parse("at")?,
            passed: row.flag("passed")?,
            millis: row.number("millis")?,
        })
    }
}

/// The last drill of a kind, whatever was there before: each is in the audit trail.
pub fn drilled(row: &DrillRow) -> Update {
    Update {
        key: Key::drill(row.kind),
        update: "SET #kind = :kind, #at = :at, passed = :passed, millis = :millis, #v = :v",
        condition: None,
        names: vec![("#kind", "kind".to_owned()), ("#at", "at".to_owned()), ("#v", VERSION_FIELD.to_owned())],
        values: vec![
            (":kind", Attr::text(row.kind)),
            (":at", Attr::text(row.at)),
            (":passed", Attr::Bool(row.passed)),
            (":millis", Attr::number(row.millis)),
            (":v", Attr::number(VERSION)),
        ],
    }
}

impl Row for CanaryRow {
    fn to_item(&self) -> Item {
        let mut row =
            item([("key", Attr::B(self.key.as_bytes().to_vec())), ("model", Attr::text(&self.model))]);
        row.extend(self.expires_at.map(|at| ("expires_at".to_owned(), Attr::text(at))));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            key: sealed(&row, "key")?,
            model: row.parse("model")?,
            expires_at: row.optional("expires_at")?,
        })
    }
}

impl Key {
    /// The status of the region, as it is shown.
    pub fn status() -> Self {
        Self::new(Table::Status, "STATUS".to_owned(), "DOCUMENT")
    }

    /// A day of the region's history.
    pub fn status_day(at: Timestamp) -> Self {
        Self::new(Table::Status, Self::HISTORY.to_owned(), format!("DAY#{}", at.date()))
    }

    /// Where all days lie.
    pub const HISTORY: &str = "HISTORY";

    /// The last drill of a kind.
    pub fn drill(kind: DrillKind) -> Self {
        Self::new(Table::Status, Self::DRILLS.to_owned(), format!("DRILL#{kind}"))
    }

    /// Where all drills lie.
    pub const DRILLS: &str = "DRILLS";

    /// What the canary needs.
    pub fn canary() -> Self {
        let tenant = domain::TenantId::canary();
        Self::new(Table::Control, format!("T#{tenant}"), "CANARY")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EXPIRES;
    use crate::expression::evaluate;
    use crate::testing::reads_back;
    use domain::{Code, Region, STATUS_VERSION, SealedBytes, Share};
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn document(began: &str) -> StatusDocument {
        StatusDocument {
            v: STATUS_VERSION,
            region: Region::Eu,
            began_at: at(began),
            at: at("2026-11-26T12:00:09.000Z"),
            checks: vec![domain::CheckStatus {
                name: name("endpoint/openai"),
                verdict: Verdict::Down,
                reason: Code::literal("unreachable"),
                since: at("2026-11-26T11:55:00.000Z"),
                at: at("2026-11-26T12:00:00.000Z"),
                expires_at: at("2026-11-26T12:11:00.000Z"),
                millis: 12,
                availability: vec![domain::Availability {
                    days: 1,
                    share: Share { up: 3, down: 2, unknown: 1 },
                }],
                days: vec![Share { up: 3, down: 2, unknown: 1 }],
            }],
        }
    }

    /// Pinned: days that were written are read for a year.
    #[test]
    fn a_day_is_written_so() {
        let (day, slot) = slot_of(at("2026-11-26T00:12:00.000Z"));
        assert_eq!((slot, begin_of(day)), (2, at("2026-11-26T00:00:00.000Z")));
        let row = DayRow::default()
            .noted(0, [(&name("gateway"), Verdict::Up)])
            .noted(slot, [(&name("gateway"), Verdict::Down)]);
        let swap = day_swap(day, None, &row);
        assert_eq!((swap.key.pk.as_str(), swap.key.sk.as_str()), ("HISTORY", "DAY#2026-11-26"));
        let Some(Attr::M(checks)) = swap.new.get("checks") else { panic!() };
        assert_eq!(checks["gateway"], Attr::S(format!("u.d{}", ".".repeat(285))));
        let seconds = begin_of(day).unix_millis() / 1_000 + 400 * 86_400;
        assert_eq!(swap.new[EXPIRES], Attr::number(seconds));
        reads_back(row, &[]);
    }

    #[test]
    fn what_was_down_once_in_a_piece_was_down() {
        let mut slots = Slots::default();
        for verdict in [Verdict::Up, Verdict::Down, Verdict::Up] {
            slots.note(7, verdict);
        }
        slots.note(SLOTS, Verdict::Up);
        assert_eq!((slots.at(7), slots.at(6), slots.at(SLOTS)), (Some(Verdict::Down), None, None));
        for bad in ["", "u", &"u".repeat(287), &"x".repeat(288), &"u".repeat(289)] {
            assert_eq!(Slots::from_text(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_slow_run_does_not_write_over_a_newer_one() {
        let (first, second) = (document("2026-11-26T12:00:00.000Z"), document("2026-11-26T12:05:00.000Z"));
        let written = evaluate(&publish(&second).into(), None).unwrap();
        assert_eq!(StatusDocument::from_item(&written).as_ref(), Ok(&second));
        assert!(evaluate(&publish(&first).into(), Some(&written)).is_err());
        assert!(evaluate(&publish(&second).into(), Some(&written)).is_err());
        let before = evaluate(&publish(&first).into(), None).unwrap();
        assert_eq!(evaluate(&publish(&second).into(), Some(&before)), Ok(written));
        reads_back(first, &[]);
    }

    #[test]
    fn drills_and_the_canary_are_read_back() {
        let row =
            DrillRow { kind: DrillKind::Writer, at: at("2026-11-26T12:00:00.000Z"), passed: true, millis: 9 };
        assert_eq!(evaluate(&drilled(&row).into(), None), Ok(row.to_item()));
        reads_back(row, &[]);
        let key = SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 100]].concat()).unwrap();
        let canary = CanaryRow { key, model: name("gpt-4o-mini"), expires_at: Some(begin_of(20_000)) };
        reads_back(canary, &["expires_at"]);
        assert_eq!(Key::canary().pk, "T#ten_0000000000000001");
    }

    proptest! {
        #[test]
        fn slots_read_back(pieces in proptest::collection::vec(0_u8..3, SLOTS)) {
            let mut slots = Slots::default();
            for (slot, piece) in pieces.iter().enumerate() {
                match piece { 0 => {}, 1 => slots.note(slot, Verdict::Up), _ => slots.note(slot, Verdict::Down) }
            }
            prop_assert_eq!(Slots::from_text(&slots.to_text()), Some(slots));
        }
    }
}
