//! What holds, for people.

use redact::Explained;

use super::{Around, DlpError, Shown, Stored, Target};
use crate::ops::Bench;
use crate::print;

/// A line per kind: type, group, action, direction, threshold, and whose word it is.
pub(crate) fn rows(lines: &[Explained]) -> Vec<Vec<String>> {
    let heading = ["type", "group", "action", "direction", "threshold", "from"].map(str::to_owned).to_vec();
    let row = |line: &Explained| {
        let off = line.rule.action == redact::Action::Allow;
        let threshold = if off { "-".to_owned() } else { line.rule.threshold.to_string() };
        vec![
            line.id.clone(),
            line.group.clone(),
            line.rule.action.as_str().to_owned(),
            line.rule.directions().to_owned(),
            threshold,
            line.origin.clone(),
        ]
    };
    [heading].into_iter().chain(lines.iter().map(row)).collect()
}

/// Version, digest and counts, then what holds. The document itself only on request: it names people.
pub(crate) async fn show(bench: &Bench, target: &Target, around: &Around, whole: bool) -> Shown {
    let stored = Stored::read(&bench.store, &target.key(bench)).await?;
    if whole {
        let stored = stored.ok_or(DlpError::Nothing)?;
        return print::line(&stored.text);
    }
    let document = match stored {
        None => {
            print::line(&format!("{}: none is written", target.as_str()))?;
            None
        }
        Some(stored) => {
            let digest = ledger::Hash::of(stored.text.as_bytes());
            print::line(&format!("{}: version {}, SHA-256 {digest}", target.as_str(), stored.version))?;
            let refused =
                |source| DlpError::Refused { whose: "the document that is written".to_owned(), source };
            let document = stored.document.map_err(refused)?;
            print::line(&counts(&document))?;
            Some(document)
        }
    };
    if matches!(target, Target::Floor) {
        print::line("what it guarantees, whatever tenants write:")?;
    }
    print::table(&rows(&around.lines(target, document.as_ref())?))
}

/// Such as `types: 3, terms: 1`; what there is none of is left out.
pub(crate) fn counts(document: &redact::Document) -> String {
    let some = document.counts().into_iter().filter(|(_, count)| *count > 0);
    let some: Vec<_> = some.map(|(key, count)| format!("{}: {count}", key.replace('_', " "))).collect();
    if some.is_empty() { "nothing but defaults".to_owned() } else { some.join(", ") }
}
