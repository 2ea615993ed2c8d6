//! The joint for a model that recognises named entities: the rules of this module find what lists and context show, a
//! model may find the rest. None is part of this crate; a policy may carry one, and its entities are merged.

use super::NameKind;

/// A named entity in a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entity {
    /// First byte, on a character boundary.
    pub start: usize,
    /// One past the last byte, on a character boundary.
    pub end: usize,
    /// What it is.
    pub kind: NameKind,
    /// Probability that it is one, 0 to 1; taken from 0.5.
    pub score: f32,
}

/// Recognises named entities. Implementations must be pure in the text and may be slow: callers bound what they pass.
///
/// Spans that do not lie in the text, on character boundaries, are dropped by [`checked`], never trusted.
pub trait EntityModel: Send + Sync {
    /// The entities of `text`, in any order.
    fn entities(&self, text: &str) -> Vec<Entity>;
}

/// The entities of a model that are usable: in the text, not empty, at least as probable as not, in order, and each
/// beginning after the one before has ended.
pub(crate) fn checked(model: &dyn EntityModel, text: &str) -> Vec<Entity> {
    let mut entities = model.entities(text);
    entities.retain(|e| {
        e.start < e.end && text.get(e.start..e.end).is_some() && e.score >= 0.5 && e.score <= 1.0
    });
    entities.sort_by_key(|e| (e.start, core::cmp::Reverse(e.end)));
    let mut end = 0;
    entities.retain(|e| {
        e.start >= end && {
            end = e.end;
            true
        }
    });
    entities
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knows some words by heart.
    struct Memory(Vec<(&'static str, NameKind, f32)>);

    impl EntityModel for Memory {
        fn entities(&self, text: &str) -> Vec<Entity> {
            let spans = |(word, kind, score): &(&'static str, NameKind, f32)| {
                let (kind, score) = (*kind, *score);
                text.match_indices(word)
                    .map(move |(start, word)| Entity { start, end: start + word.len(), kind, score })
                    .collect::<Vec<_>>()
            };
            self.0.iter().flat_map(spans).collect()
        }
    }

    #[test]
    fn a_model_finds_what_it_knows() {
        let model = Memory(vec![("Zorblax", NameKind::Person, 0.9), ("Elm", NameKind::Address, 0.4)]);
        let entities = checked(&model, "Elm: ask Zorblax or Zorblax");
        assert_eq!(entities.iter().map(|e| (e.start, e.end)).collect::<Vec<_>>(), [(9, 16), (20, 27)]);
    }

    #[test]
    fn what_a_model_makes_up_is_dropped() {
        struct Wrong;
        impl EntityModel for Wrong {
            fn entities(&self, _: &str) -> Vec<Entity> {
                let at = |start, end, score| Entity { start, end, kind: NameKind::Person, score };
                vec![
                    at(1, 3, 0.9),
                    at(0, 99, 0.9),
                    at(3, 3, 0.9),
                    at(4, 6, f32::NAN),
                    at(3, 5, 0.8),
                    at(0, 2, 0.7),
                    at(4, 6, 0.9),
                ]
            }
        }
        let spans: Vec<_> = checked(&Wrong, "éabcdef").iter().map(|e| (e.start, e.end)).collect();
        assert_eq!(
            spans,
            [(0, 2), (3, 5)],
            "inside a character, beyond the end, empty, NaN and overlapping spans"
        );
    }
}
