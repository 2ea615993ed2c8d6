//! Numbers that a state gives to a person.

use super::{digits, luhn, number};

/// Area, group and serial that the SSA can have issued (randomised since 2011, so 8xx is valid).
pub(super) fn is_us_ssn(text: &str) -> bool {
    let digits = digits(text);
    let part = |from: usize, to: usize| digits.get(from..to).map_or(0, number);
    let (area, group, serial) = (part(0, 3), part(3, 5), part(5, 9));
    digits.len() == 9 && (1..900).contains(&area) && area != 666 && group != 0 && serial != 0
}

/// Nine digits with a Luhn sum, not all zero.
pub(super) fn is_il_id(text: &str) -> bool {
    let digits = digits(text);
    digits.len() == 9 && digits.iter().any(|digit| *digit != 0) && luhn(&digits)
}
