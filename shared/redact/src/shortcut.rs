//! Shortcuts past what most of a text shows at once not to be, such as an ordinary word that is no name. The tests of this
//! crate run without them, too: what is found must not depend on them.

#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn taken() -> bool {
    true
}

#[cfg(test)]
pub(crate) use switched::{taken, without};

#[cfg(test)]
mod switched {
    use core::cell::Cell;

    thread_local! {
        static TAKEN: Cell<bool> = const { Cell::new(true) };
    }

    pub(crate) fn taken() -> bool {
        TAKEN.with(Cell::get)
    }

    /// What some work yields on this thread if every place is looked at in full.
    pub(crate) fn without<T>(work: impl FnOnce() -> T) -> T {
        TAKEN.with(|taken| taken.set(false));
        let done = work();
        TAKEN.with(|taken| taken.set(true));
        done
    }
}
