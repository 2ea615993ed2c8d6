//! Finds persons and street addresses by lists, closed classes of words and context. No model, no regular expression:
//! one pass over the text, work linear in its length.
//!
//! ```text
//! scan ──▶ capital ─▶ person ─▶ weigh          gathers a run of words, adds up evidence
//! (starts) digit   ─▶ address ─▶ before│after│post ─▶ tail      street around a number, then unit, place, postcode
//!          Hebrew  ─▶ hebrew
//!          no capital in the whole text ─▶ lower
//!                      all read words through text and cues, and what a word may be from gazetteer (data/names)
//! ```
//!
//! # Known losses
//! Persons in lower case among words with capitals; single names that no list has, without context; names with a particle
//! whose given name no list has (`Xandra van de Kamp`); names in scripts other than Latin, Hebrew, Greek and Cyrillic;
//! streets without house number. Companies and products called after people, and capitalised headings of listed names,
//! are taken for persons.

mod address;
mod after;
mod before;
mod cues;
mod fold;
mod gazetteer;
mod hebrew;
mod lower;
mod model;
mod person;
mod post;
mod scan;
#[cfg(test)]
mod table_tests;
mod tail;
#[cfg(test)]
mod tests;
mod text;
mod weigh;

pub(crate) use model::checked;
pub use model::{Entity, EntityModel};

use crate::fold::{is_letter, is_upper};
use crate::steps::{Stage, count};
use scan::Starts;
use text::Text;

/// What a named entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// A name of a person, without title.
    Person,
    /// A postal address or the part of one that names a street or a box, with what follows of unit, place and postcode.
    Address,
}

/// Appends the persons and addresses of `text` to `out`, in order, none overlapping another.
pub(crate) fn find(text: &str, out: &mut Vec<Entity>) {
    find_in(&Text::new(text), out);
}

fn find_in(text: &Text, out: &mut Vec<Entity>) {
    count(Stage::Names, text.text.len());
    let kept = out.len();
    let mut starts = Starts::new(text.text.as_bytes());
    let (mut from, mut has_capitals) = (0, false);
    while let Some(start) = starts.next_from(from) {
        count(Stage::Names, 1);
        from = match text.byte(start) {
            b'0'..=b'9' => {
                address::end_if_plain(text, start).unwrap_or_else(|| number(text, start, kept, out))
            }
            0x80.. => beyond_ascii(text, start, out),
            _ => {
                has_capitals = true;
                text.end_if_plain(start).unwrap_or_else(|| person::at(text, start, out))
            }
        };
    }
    if !has_capitals {
        lower::find(text, kept, out);
    }
}

/// The address around a number; returns where to go on.
fn number(text: &Text, start: usize, kept: usize, out: &mut Vec<Entity>) -> usize {
    let floor = if out.len() > kept { last_address_end(out) } else { 0 };
    match address::at(text, start, floor) {
        Ok(found) => {
            push_address(out, kept, found);
            found.end
        }
        Err(next) => next,
    }
}

/// Where the last address ends; no other may begin before.
fn last_address_end(out: &[Entity]) -> usize {
    out.iter().rev().take(4).find(|found| found.kind == NameKind::Address).map_or(0, |found| found.end)
}

/// An address takes the place of the persons that its street is called after.
fn push_address(out: &mut Vec<Entity>, kept: usize, found: Entity) {
    while out.len() > kept && out.last().is_some_and(|last| last.end > found.start) {
        out.pop();
    }
    out.push(found);
}

/// A run of bytes above ASCII: passes over marks such as quotes, then looks at the word.
fn beyond_ascii(text: &Text, start: usize, out: &mut Vec<Entity>) -> usize {
    let mut at = start;
    for c in text.text.get(start..).unwrap_or_default().chars().take(8) {
        match c {
            'א'..='ת' => {
                return hebrew::end_if_plain(text, at).unwrap_or_else(|| hebrew::at(text, at, out));
            }
            c if is_upper(c) => return person::at(text, at, out),
            c if c.is_ascii() || is_letter(c) => break,
            c => at += c.len_utf8(),
        }
    }
    at.max(start + 1)
}
