//! All that is found in one text: in its normalised view, and in what is written there in another way.

use crate::context::Words;
use crate::detector::{Country, Detectors};
use crate::find::{Raw, RunKind, Sweep};
use crate::layers::{closed_up, decoded, unescaped};
use crate::names::EntityModel;
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

impl Search<'_> {
    /// Everything found in `text`, in bytes of it, in no order and with overlaps.
    pub(crate) fn all(&self, text: &str) -> Vec<Raw> {
        let mut left = text.len().saturating_mul(LAYER_FACTOR).saturating_add(LAYER_BYTES);
        self.layer(text, 0, &mut left)
    }

    fn layer(&self, text: &str, depth: usize, left: &mut usize) -> Vec<Raw> {
        match normalised(text) {
            None => self.plain(text, depth, left),
            Some(view) => {
                let hits = self.plain(&view.text, depth, left);
                back(&view, hits)
            }
        }
    }

    fn plain(&self, text: &str, depth: usize, left: &mut usize) -> Vec<Raw> {
        let mut sweep = Sweep::new(self.set, text, self.field, self.countries);
        sweep.run();
        let Sweep { mut hits, layers, mut nearby, .. } = sweep;
        if self.names {
            crate::names_joint::find(self.set, self.model, text, &mut hits);
        }
        (self.also)(text, &mut hits);
        if !layers.stand_ins.is_empty() {
            // They lie in order and apart, so one look tells.
            count(Stage::Merging, hits.len().saturating_mul(halvings(layers.stand_ins.len())));
            hits.retain(|hit| {
                let at = layers.stand_ins.partition_point(|(_, end)| *end <= hit.start);
                layers
                    .stand_ins
                    .get(at)
                    .is_none_or(|(start, end)| hit.end <= *start || (hit.start < *start && *end < hit.end))
            });
        }
        if depth == MAX_LAYERS {
            return hits;
        }
        if layers.escapes {
            self.view(unescaped(text), depth, left, &mut hits);
        }
        if layers.runs.iter().any(|run| run.kind == RunKind::Spaced) {
            self.view(closed_up(text, &layers.runs), depth, left, &mut hits);
        }
        for run in layers.runs {
            let written = text.get(run.start..run.end).unwrap_or_default();
            let Some(said) = decoded(written, run.kind).filter(|said| take(left, said.len())) else {
                continue;
            };
            // What stands in the middle of a run cannot be taken out of it: the run goes as a whole.
            let near = nearby.lists(run.start, run.end);
            let inner = Search { field: &near, ..*self }.layer(&said, depth.saturating_add(1), left);
            hits.extend(inner.into_iter().map(|hit| Raw { start: run.start, end: run.end, ..hit }));
        }
        hits
    }

    fn view(&self, view: Option<View>, depth: usize, left: &mut usize, hits: &mut Vec<Raw>) {
        let Some(view) = view.filter(|view| take(left, view.text.len())) else { return };
        let inner = self.layer(&view.text, depth.saturating_add(1), left);
        hits.extend(back(&view, inner));
    }
}

fn take(left: &mut usize, bytes: usize) -> bool {
    let fits = bytes <= *left;
    *left = left.saturating_sub(bytes);
    fits
}

fn back(view: &View, hits: Vec<Raw>) -> Vec<Raw> {
    let original = |hit: Raw| {
        let (start, end) = view.original(hit.start, hit.end);
        Raw { start, end, ..hit }
    };
    hits.into_iter().map(original).collect()
}
