//! The report as tables, or as JSON.

use std::error::Error;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::{Value, json};

use super::clean::Clean;
use super::labelled::{Counts, Labelled, Row};
use crate::print;

type Shown = Result<(), Box<dyn Error>>;

pub(super) fn labelled(score: &Labelled) -> Shown {
    let spans = score.total(false).labelled;
    print::line(&format!("{} texts, {spans} labels", score.texts))?;
    let head = ["type", "found as", "labelled", "found", "exact", "precision", "recall"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    table.extend(score.rows.iter().map(|(name, row)| cells(name, row.label.as_deref().unwrap_or("-"), row)));
    for (name, detected_only) in [("all that have a detector", true), ("all", false)] {
        table.push(cells(name, "", &Row { label: Some(String::new()), counts: score.total(detected_only) }));
    }
    print::table(&table)?;
    if !score.unlabelled_types.is_empty() {
        let types = score.unlabelled_types.iter().map(|(id, count)| format!("{id} {count}"));
        print::line(&format!(
            "Not in the table, found as types without a label here: {}",
            types.collect::<Vec<_>>().join(", ")
        ))?;
    }
    Ok(())
}

fn cells(name: &str, label: &str, row: &Row) -> Vec<String> {
    let Counts { labelled, found, exact, .. } = &row.counts;
    let counted = |count: &usize| if row.label.is_some() { count.to_string() } else { "-".to_owned() };
    let share = |share: Option<f64>| {
        share.filter(|_| row.label.is_some()).map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"))
    };
    let shares = [share(row.counts.precision()), share(row.counts.recall())];
    let [precision, recall] = shares;
    vec![
        name.to_owned(),
        label.to_owned(),
        labelled.to_string(),
        counted(found),
        counted(exact),
        precision,
        recall,
    ]
}

pub(super) fn clean(clean: &Clean) -> Shown {
    let (files, bytes, findings) = (clean.files, clean.bytes, clean.findings());
    let rate = clean.per_mb(findings);
    print::line(&format!("{files} clean files, {bytes} bytes: {findings} findings, {rate:.1} per MB"))?;
    if clean.skipped > 0 {
        print::line(&format!("{} files are no UTF-8 text and were left out", clean.skipped))?;
    }
    let mut table = vec![["detector", "findings", "per MB"].map(str::to_owned).to_vec()];
    let row = |(id, count): (&String, &usize)| {
        vec![id.clone(), count.to_string(), format!("{:.1}", clean.per_mb(*count))]
    };
    table.extend(clean.by.iter().map(row));
    print::table(&table)
}

/// What there is of both, for scripts. A share that nothing was counted for is `null`.
pub(super) struct Json<'r> {
    pub(super) labelled: Option<&'r Labelled>,
    pub(super) clean: Option<&'r Clean>,
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("report", 2)?;
        object.serialize_field("labelled", &self.labelled.map(of_labelled))?;
        object.serialize_field("clean", &self.clean.map(of_clean))?;
        object.end()
    }
}

fn of_labelled(score: &Labelled) -> Value {
    let rows = score.rows.iter().map(|(name, row)| {
        let mut value = of_counts(&row.counts);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("type".to_owned(), json!(name));
            fields.insert("found_as".to_owned(), json!(row.label));
        }
        value
    });
    json!({
        "texts": score.texts,
        "types": rows.collect::<Vec<_>>(),
        "detected": of_counts(&score.total(true)),
        "all": of_counts(&score.total(false)),
        "unlabelled_types": score.unlabelled_types,
    })
}

fn of_counts(counts: &Counts) -> Value {
    json!({
        "labelled": counts.labelled, "met": counts.met, "found": counts.found, "right": counts.right,
        "exact": counts.exact, "precision": counts.precision(), "recall": counts.recall(),
    })
}

fn of_clean(clean: &Clean) -> Value {
    json!({
        "files": clean.files, "skipped": clean.skipped, "bytes": clean.bytes, "findings": clean.findings(),
        "per_mb": clean.per_mb(clean.findings()), "by_detector": clean.by,
    })
}
