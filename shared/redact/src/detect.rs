//! All that is found in one text: in its normalised view, and in what is written there in another way.

use crate::context::Words;
use crate::detector::{Country, Detectors};
use crate::find::{Raw, RunKind, Sweep};
use crate::layers::{closed_up, decoded, unescaped};
use crate::names::EntityModel;
use crate::placeholder::stand_ins;
use crate::steps::{Stage, count, halvings};
use crate::view::{View, normalised};

/// How many ways of writing may lie in one another (base64 of percent-encoded text is two).
const MAX_LAYERS: usize = 3;
/// Layers of one text hold at most this many times its bytes, and some more: a bound on work that hostile text costs.
const LAYER_FACTOR: usize = 4;
const LAYER_BYTES: usize = 4_096;

/// What a text is searched with.
pub(crate) struct Search<'s> {
    pub(crate) set: &'static Detectors,
    pub(crate) countries: &'s [Country],
    /// Whether names and addresses are looked for.
    pub(crate) names: bool,
    /// A model that finds names beside the rules.
    pub(crate) model: Option<&'s dyn EntityModel>,
    /// What the name of the text's JSON field says.
    pub(crate) field: &'s [&'static [u16]],
    /// What is also run over each reading of the text.
    pub(crate) also: &'s dyn Fn(&str, &mut Vec<Raw>),
}

/// What a field's name says about its value.
pub(crate) fn of_field(words: &'static Words, name: Option<&str>) -> Vec<&'static [u16]> {
    name.map(|name| words.of_field(name)).unwrap_or_default()
}

/// The other writings that one text holds, as far as they are searched.
struct Others {
    /// Bytes that may still be searched.
    left: usize,
    /// Whether there was any.
    any: bool,
}

impl Others {
    fn take(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.left;
        (self.left, self.any) = (self.left.saturating_sub(bytes), true);
        fits
    }
}

impl Search<'_> {
    /// Everything found in `text`, in bytes of it, in no order and with overlaps; and whether it was all written plainly.
    pub(crate) fn all(&self, text: &str) -> (Vec<Raw>, bool) {
        let left = text.len().saturating_mul(LAYER_FACTOR).saturating_add(LAYER_BYTES);
        let mut others = Others { left, any: false };
        let hits = self.layer(text, 0, &mut others);
        (hits, !others.any)
    }

    /// Names and addresses alone, of a text that holds no other writing.
    pub(crate) fn only_names(&self, text: &str) -> Vec<Raw> {
        let names = |text: &str| {
            let mut hits = Vec::new();
            crate::names_joint::find(self.set, self.model, text, &mut hits);
            let stand_ins = if hits.is_empty() { Vec::new() } else { stand_ins(text) };
            without(&stand_ins, &mut hits);
            hits
        };
        match normalised(text) {
            None => names(text),
            Some(view) => back(&view, names(&view.text)),
        }
    }

    fn layer(&self, text: &str, depth: usize, others: &mut Others) -> Vec<Raw> {
        match normalised(text) {
            None => self.plain(text, depth, others),
            Some(view) => {
                let hits = self.plain(&view.text, depth, others);
                back(&view, hits)
            }
        }
    }

    fn plain(&self, text: &str, depth: usize, others: &mut Others) -> Vec<Raw> {
        let mut sweep = Sweep::new(self.set, text, self.field, self.countries);
        sweep.run();
        let Sweep { mut hits, layers, mut nearby, .. } = sweep;
        if self.names {
            crate::names_joint::find(self.set, self.model, text, &mut hits);
        }
        (self.also)(text, &mut hits);
        without(&layers.stand_ins, &mut hits);
        if depth == MAX_LAYERS {
            return hits;
        }
        if layers.escapes {
            self.view(unescaped(text), depth, others, &mut hits);
        }
        if layers.runs.iter().any(|run| run.kind == RunKind::Spaced) {
            self.view(closed_up(text, &layers.runs), depth, others, &mut hits);
        }
        for run in layers.runs {
            let written = text.get(run.start..run.end).unwrap_or_default();
            let Some(said) = decoded(written, run.kind).filter(|said| others.take(said.len())) else {
                continue;
            };
            // What stands in the middle of a run cannot be taken out of it: the run goes as a whole.
            let near = nearby.lists(run.start, run.end);
            let inner = Search { field: &near, ..*self }.layer(&said, depth.saturating_add(1), others);
            hits.extend(inner.into_iter().map(|hit| Raw { start: run.start, end: run.end, ..hit }));
        }
        hits
    }

    fn view(&self, view: Option<View>, depth: usize, others: &mut Others, hits: &mut Vec<Raw>) {
        let Some(view) = view.filter(|view| others.take(view.text.len())) else { return };
        let inner = self.layer(&view.text, depth.saturating_add(1), others);
        hits.extend(back(&view, inner));
    }
}

/// Takes out what lies in something that stands in for a value, or reaches into it.
fn without(stand_ins: &[(usize, usize)], hits: &mut Vec<Raw>) {
    if stand_ins.is_empty() {
        return;
    }
    // They lie in order and apart, so one look tells.
    count(Stage::Merging, hits.len().saturating_mul(halvings(stand_ins.len())));
    hits.retain(|hit| {
        let at = stand_ins.partition_point(|(_, end)| *end <= hit.start);
        stand_ins
            .get(at)
            .is_none_or(|(start, end)| hit.end <= *start || (hit.start < *start && *end < hit.end))
    });
}

fn back(view: &View, hits: Vec<Raw>) -> Vec<Raw> {
    let original = |hit: Raw| {
        let (start, end) = view.original(hit.start, hit.end);
        Raw { start, end, ..hit }
    };
    hits.into_iter().map(original).collect()
}
