//! How sure a finding is: Bayes' rule over three facts that a row of data states.
//!
//! ```text
//! odds = prior / (1 - prior)        how often a text of this form is one: elsewhere, or in a tenant of its country
//!      / pass                       how many random texts of this form pass the check
//!      × 500 with a context word    beside it, or in the name of its JSON field
//! ```

/// How much likelier a text is to be what a word beside it names.
const CONTEXT: f32 = 500.0;

/// A form of digits alone.
const BARE: (f32, f32) = (0.003, 0.1);
/// A form with separators or letters.
const SHAPED: (f32, f32) = (0.02, 0.3);
/// A form that is evidence by itself.
const STRONG: (f32, f32) = (0.6, 0.8);

/// What the form of a candidate is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Bare,
    Shaped,
    Strong,
}

/// The odds of one form of one detector, its check passed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Odds {
    elsewhere: f32,
    home: f32,
    /// What follows from them elsewhere and at home, so that it is not worked out for every candidate.
    facts: [Facts; 2],
}

#[derive(Debug, Clone, Copy, Default)]
struct Facts {
    needs_context: bool,
    is_silent: bool,
    is_lost: bool,
}

impl Odds {
    /// `prior` and `home` override what the shape is worth, unless it is a strong one.
    pub(crate) fn new(shape: Shape, prior: Option<f32>, home: Option<f32>, pass: Option<f32>) -> Self {
        let (default, at_home) = match shape {
            Shape::Bare => BARE,
            Shape::Shaped => SHAPED,
            Shape::Strong => STRONG,
        };
        let own = |own: Option<f32>, default: f32| {
            if shape == Shape::Strong { default } else { own.unwrap_or(default) }
        };
        let prior = own(prior, default);
        let home = own(home, at_home.max(prior));
        let pass = pass.unwrap_or(1.0).max(1e-9);
        let odds = |prior: f32| prior / (1.0 - prior).max(1e-6) / pass;
        let odds = Self { elsewhere: odds(prior), home: odds(home), facts: Default::default() };
        Self { facts: [odds.derived(false), odds.derived(true)], ..odds }
    }

    /// The probability of what has this prior and no check; the same as a bare form's, without what else follows from it.
    pub(crate) fn posterior(prior: f32, has_context: bool) -> f32 {
        let odds = prior / (1.0 - prior).max(1e-6);
        Self { elsewhere: odds, home: odds, facts: Default::default() }.score(false, has_context)
    }

    fn derived(self, is_home: bool) -> Facts {
        let odds = if is_home { self.home } else { self.elsewhere };
        Facts {
            needs_context: self.score(is_home, false) < SURE,
            is_silent: odds < LEAST_ODDS,
            is_lost: self.score(is_home, true) < LEAST,
        }
    }

    fn facts(self, is_home: bool) -> Facts {
        let [elsewhere, home] = self.facts;
        if is_home { home } else { elsewhere }
    }

    /// The probability, between 0 and 1.
    pub(crate) fn score(self, is_home: bool, has_context: bool) -> f32 {
        let odds = if is_home { self.home } else { self.elsewhere };
        let odds = if has_context { odds * CONTEXT } else { odds };
        odds / (1.0 + odds)
    }

    /// Whether a context word can change anything: not if it is sure without, nor if it is lost with one.
    pub(crate) fn needs_context(self, is_home: bool) -> bool {
        self.facts(is_home).needs_context
    }

    /// Whether it is no finding without a context word.
    pub(crate) fn is_silent(self, is_home: bool) -> bool {
        self.facts(is_home).is_silent
    }

    /// Whether no context can lift it over the lowest threshold.
    pub(crate) fn is_lost(self, is_home: bool) -> bool {
        self.facts(is_home).is_lost
    }
}

/// The lowest threshold that a policy may set; what scores less is no finding.
pub(crate) const LEAST: f32 = 0.05;
/// The odds of that.
const LEAST_ODDS: f32 = LEAST / (1.0 - LEAST);
/// The highest threshold that a policy may set is below this.
const SURE: f32 = 0.995;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ten_percent_check_needs_context_or_home() {
        let odds = Odds::new(Shape::Bare, None, None, Some(0.0997));
        assert!(odds.score(false, false) < 0.05);
        assert!(odds.score(false, true) > 0.9);
        assert!(odds.score(true, false) > 0.5);
    }

    #[test]
    fn a_form_without_a_check_needs_context_everywhere() {
        let odds = Odds::new(Shape::Bare, None, None, None);
        assert!(odds.score(true, false) < 0.5);
        assert!(odds.score(false, true) > 0.5);
        assert!(Odds::new(Shape::Strong, None, None, None).score(false, false) > 0.5);
    }
}
