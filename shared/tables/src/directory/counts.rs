//! How many people and groups a directory holds, so that a page by number is found without reading what lies before it.

use std::collections::HashMap;

use domain::ConnectionId;

use super::{Kind, own};
use crate::gates::{Write, write_builder};
use crate::{Attr, CodecError, Item, Key, Reader};

/// The characters of ids, in the order of sort keys.
const DIGITS: &str = "0123456789abcdefghjkmnpqrstvwxyz";

/// The rows that count one kind: 32 of them, so that two who are made at once seldom meet.
pub fn count_keys(connection: &ConnectionId, kind: Kind) -> Vec<Key> {
    DIGITS.chars().map(|first| count_key(connection, kind, first)).collect()
}

pub(super) fn count_key(connection: &ConnectionId, kind: Kind, first: char) -> Key {
    own(connection, format!("SCIMCOUNT#{}#{first}", kind.letter()))
}

/// Counts one more, or one fewer.
pub fn counted(connection: &ConnectionId, kind: Kind, id: &str, more: bool) -> Write {
    let mut random = id.trim_start_matches(kind.prefix()).chars();
    let (first, second) = (random.next().unwrap_or('0'), random.next().unwrap_or('0'));
    let mut write = write_builder(&count_key(connection, kind, first));
    let (place, one) = (write.name(&format!("n_{second}")), 1);
    write.versioned();
    if more {
        write.add(&place, one);
    } else {
        let one = write.number(one);
        write.set(format!("{place} = {place} - {one}"));
        write.when(format!("{place} >= {one}"));
    }
    write.build()
}

/// How many of one kind there are, by the first two characters of their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts(Vec<(String, u64)>);

impl Counts {
    /// # Errors
    /// A row does not read.
    pub fn read(
        connection: &ConnectionId,
        kind: Kind,
        rows: &HashMap<Key, Item>,
    ) -> Result<Self, CodecError> {
        let mut counts = Vec::new();
        for first in DIGITS.chars() {
            let Some(row) = rows.get(&count_key(connection, kind, first)) else { continue };
            Reader::new(row)?;
            for second in DIGITS.chars() {
                let count = match row.get(&format!("n_{second}")) {
                    Some(Attr::N(text)) => text.parse().map_err(|_| CodecError::Form("count"))?,
                    Some(_) => return Err(CodecError::Form("count")),
                    None => 0,
                };
                if count > 0 {
                    counts.push((format!("{first}{second}"), count));
                }
            }
        }
        Ok(Self(counts))
    }

    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// Where the row of a number lies, counted from 0: the characters that its id begins with, and how many with the same lie
    /// before it. `None` behind the last.
    pub fn place(&self, number: u64) -> Option<(&str, u64)> {
        let mut before = 0_u64;
        for (start, count) in &self.0 {
            if number < before.saturating_add(*count) {
                return Some((start, number - before));
            }
            before = before.saturating_add(*count);
        }
        None
    }
}
