//! Work in steps, counted so that tests can show that it is linear in a text's length, whatever the text is. A step is a
//! byte, a word, a candidate or a finding that a stage looks at; what a stage looks at twice counts twice.
//!
//! Counted in the tests of this crate alone: elsewhere [`count`] is empty, and nothing is left of a call to it.

/// Where work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The normalised view, and the way back from it.
    View,
    /// Escapes, base64 and hexadecimal digits.
    Layers,
    /// The sweep: from event to event, and the runs read there.
    Sweep,
    /// Candidates of masks and literals that are compared.
    Candidates,
    /// Windows in which regular expressions are tried.
    Patterns,
    /// Check digits and the like.
    Checks,
    /// Words beside candidates.
    Context,
    Names,
    /// Findings sorted, joined and taken back to the original.
    Merging,
    /// Findings replaced, and looked at for what they may have hidden.
    Settling,
}

/// Steps of a search by halves.
#[inline]
pub(crate) const fn halvings(length: usize) -> usize {
    (usize::BITS - length.leading_zeros()) as usize
}

#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn count(_: Stage, _: usize) {}

#[cfg(test)]
pub(crate) use counted::{count, of};

#[cfg(test)]
mod counted {
    use super::Stage;
    use core::cell::Cell;

    const STAGES: usize = Stage::Settling as usize + 1;

    thread_local! {
        static STEPS: Cell<[usize; STAGES]> = const { Cell::new([0; STAGES]) };
    }

    pub(crate) fn count(stage: Stage, steps: usize) {
        STEPS.with(|all| {
            let mut counts = all.get();
            counts[stage as usize] += steps;
            all.set(counts);
        });
    }

    /// The steps that some work takes on this thread: all of them, and the stage that took most.
    pub(crate) fn of(work: impl FnOnce()) -> (usize, (Stage, usize)) {
        const ALL: [Stage; STAGES] = [
            Stage::View,
            Stage::Layers,
            Stage::Sweep,
            Stage::Candidates,
            Stage::Patterns,
            Stage::Checks,
            Stage::Context,
            Stage::Names,
            Stage::Merging,
            Stage::Settling,
        ];
        STEPS.with(|all| all.set([0; STAGES]));
        work();
        let counts = STEPS.with(Cell::get);
        let most = ALL.into_iter().zip(counts).max_by_key(|(_, count)| *count).expect("stages");
        (counts.iter().sum(), most)
    }
}
