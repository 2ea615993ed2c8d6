//! Numbers and short codes by their masks.

use super::Sweep;
use crate::mask::{MAX_LETTERS, Match};
use crate::steps::{Stage, count};

impl Sweep<'_, '_> {
    /// Tries every mask that can begin at this run of digits, or at the letters right before it.
    pub(super) fn numbers(&mut self, run: usize, digits: usize) {
        let before = self.bytes.get(..run).unwrap_or_default().iter().rev();
        let letters =
            before.take(MAX_LETTERS.saturating_add(1)).take_while(|byte| byte.is_ascii_alphabetic()).count();
        if letters > MAX_LETTERS {
            return;
        }
        let set = self.set;
        set.masks
            .each(self.bytes, run.saturating_sub(letters), letters, digits, |found| self.owned(run, found));
    }

    /// Words are looked for once per mask: most numbers have none beside them, and most rows need one.
    fn owned(&mut self, run: usize, found: Match<'_>) {
        let Match { owners, compact, start, end } = found;
        let letters = self.bytes.get(start..run).unwrap_or_default();
        let is_prose = letters.iter().any(|byte| !byte.is_ascii_alphanumeric())
            && letters.iter().any(u8::is_ascii_lowercase);
        let spoken = self.nearby.speaks(start, end);
        for owner in owners {
            count(Stage::Candidates, 1);
            let is_home = self.is_home(owner.detector);
            if (!spoken && owner.odds.is_silent(is_home)) || (is_prose && !owner.is_checked) {
                continue;
            }
            let check = self.set.list.get(owner.detector).and_then(|detector| detector.check);
            count(Stage::Checks, compact.len());
            if check.is_none_or(|check| check(compact)) {
                self.weigh(start, end, owner.detector, owner.odds);
            }
        }
    }
}
