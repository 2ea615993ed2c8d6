//! How somebody decides: told to them, so that they notice when they only click. Pure.

use domain::{Say, VotedRow};

/// So many of their last words count.
pub const LAST: usize = 50;
/// Faster than that, at the median, nobody reads what they approve.
const HASTY_MS: u64 = 10_000;
/// Fewer say nothing.
const LEAST: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    pub count: usize,
    /// From the first look to the word.
    pub median_ms: u64,
    /// Of a hundred.
    pub approved: usize,
}

impl Figures {
    pub fn of(rows: &[VotedRow]) -> Self {
        let mut took: Vec<u64> = rows.iter().map(|row| row.took_ms).collect();
        took.sort_unstable();
        let approved = rows.iter().filter(|row| row.say == Say::Approve).count();
        Self {
            count: rows.len(),
            median_ms: took.get(took.len() / 2).copied().unwrap_or_default(),
            approved: approved.saturating_mul(100).checked_div(rows.len()).unwrap_or_default(),
        }
    }

    /// Whether they should be told to take their time.
    pub const fn is_hasty(&self) -> bool {
        self.count >= LEAST && self.median_ms < HASTY_MS && self.approved >= 90
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ApprovalId, TenantId, Timestamp};

    fn rows(words: &[(Say, u64)]) -> Vec<VotedRow> {
        let row = |(say, took_ms): &(Say, u64)| VotedRow {
            tenant: TenantId::from_random([2; 10]),
            approval: ApprovalId::from_bytes([1; 16]),
            say: *say,
            at: Timestamp::MAX,
            took_ms: *took_ms,
        };
        words.iter().map(row).collect()
    }

    #[test]
    fn figures_are_of_what_was_said() {
        use Say::{Approve, Deny};
        for (words, expected, hasty) in [
            (vec![], Figures::default(), false),
            (vec![(Approve, 4_000)], Figures { count: 1, median_ms: 4_000, approved: 100 }, false),
            (
                vec![(Approve, 9), (Deny, 7), (Approve, 8)],
                Figures { count: 3, median_ms: 8, approved: 66 },
                false,
            ),
            (vec![(Approve, 3_000); 5], Figures { count: 5, median_ms: 3_000, approved: 100 }, true),
            (vec![(Approve, 30_000); 5], Figures { count: 5, median_ms: 30_000, approved: 100 }, false),
            (vec![(Deny, 3_000); 9], Figures { count: 9, median_ms: 3_000, approved: 0 }, false),
        ] {
            let figures = Figures::of(&rows(&words));
            assert_eq!((figures, figures.is_hasty()), (expected, hasty));
        }
    }
}
