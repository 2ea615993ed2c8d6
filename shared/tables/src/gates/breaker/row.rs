//! How a breaker is written and read.

use domain::Timestamp;

use super::{BreakerRow, Lease, State};
use crate::codec::Row;
use crate::item::item;
use crate::{Attr, CodecError, Item, Reader};

/// A row that nobody changed for so long after its last moment says nothing any more, and DynamoDB may forget it.
const KEPT_MS: u64 = 24 * 3_600_000;

/// The fields of a row, and what an expression calls their values. All are always there.
pub(super) const FIELDS: [(&str, &str); 10] = [
    ("revision", ":revision"),
    ("writer", ":writer"),
    ("phase", ":phase"),
    ("since_ms", ":since_ms"),
    ("failures", ":failures"),
    ("until_ms", ":until_ms"),
    ("openings", ":openings"),
    ("successes", ":successes"),
    ("holder", ":holder"),
    ("expires", ":expires"),
];

const COUNTING: &str = "counting";
const OPEN: &str = "open";
const HALF_OPEN: &str = "half_open";
const PROBED: &str = "probed";

impl BreakerRow {
    /// In the order of [`FIELDS`].
    pub(super) fn values(&self) -> [Attr; 10] {
        let zero = Timestamp::from_unix_millis(0).unwrap_or(Timestamp::MAX);
        let (phase, since, failures, until, openings, successes, holder) = match &self.state {
            State::Counting { since, failures } => (COUNTING, *since, *failures, zero, 0, 0, None),
            State::Open { until, openings } => (OPEN, zero, 0, *until, *openings, 0, None),
            State::HalfOpen { openings, successes, lease: None } => {
                (HALF_OPEN, zero, 0, zero, *openings, *successes, None)
            }
            State::HalfOpen { openings, successes, lease: Some(lease) } => {
                (PROBED, zero, 0, lease.until, *openings, *successes, Some(lease.holder))
            }
        };
        // Half open without a lease has no moment of its own: its last writer's has to do.
        let written = self.writer.created_at().unwrap_or(zero);
        let last = since.max(until).max(written);
        [
            Attr::number(self.revision),
            Attr::text(self.writer),
            Attr::text(phase),
            Attr::number(since.unix_millis()),
            Attr::number(failures),
            Attr::number(until.unix_millis()),
            Attr::number(openings),
            Attr::number(successes),
            holder.map_or_else(|| Attr::text("-"), Attr::text),
            Attr::number(last.plus_millis(KEPT_MS).unix_millis() / 1_000),
        ]
    }
}

impl Row for BreakerRow {
    fn to_item(&self) -> Item {
        let fields = FIELDS.iter().zip(self.values()).map(|((name, _), value)| ((*name).to_owned(), value));
        item([]).into_iter().chain(fields).collect()
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        let time = |field| {
            let millis = i64::try_from(row.number(field)?).map_err(|_| CodecError::Form(field))?;
            Timestamp::from_unix_millis(millis).map_err(|_| CodecError::Form(field))
        };
        let (openings, successes) = (row.number("openings")?, row.number("successes")?);
        let state = match row.str("phase")? {
            COUNTING => State::Counting { since: time("since_ms")?, failures: row.number("failures")? },
            OPEN => State::Open { until: time("until_ms")?, openings },
            HALF_OPEN => State::HalfOpen { openings, successes, lease: None },
            PROBED => {
                let lease = Lease { holder: row.parse("holder")?, until: time("until_ms")? };
                State::HalfOpen { openings, successes, lease: Some(lease) }
            }
            _ => return Err(CodecError::Form("phase")),
        };
        let revision = row.number("revision")?;
        // An update over revision 0 means a row that is not there.
        if revision == 0 {
            return Err(CodecError::Form("revision"));
        }
        Ok(Self { revision, writer: row.parse("writer")?, state })
    }
}
