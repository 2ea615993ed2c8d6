//! Disguises: whatever way a value is written in that a reader, a browser or a program undoes, it is found, as what it is.
//!
//! Sixty valid values of each type in each disguise. Found is a value of which a finding of its type covers three fifths.

mod disguise;
mod values;

use countersign_redact::{Direction, Policy};

use crate::common::of;
use disguise::DISGUISES;
use values::{Draw, TYPES, Type};

const COUNT: usize = 60;
const LEAST: f64 = 0.95;

/// Where a disguise makes no sense for a type, and why.
const SENSELESS: &[(&str, &str, &str)] = &[];

/// Of sixty, how many are found, and some that are not. `None` where the disguise changes nothing.
fn cell(
    policy: &Policy,
    one: &Type,
    values: &[String],
    disguise: fn(&str) -> String,
) -> Option<(usize, Vec<String>)> {
    let mut missed = Vec::new();
    let mut changed = false;
    for value in values {
        let written = disguise(value);
        changed |= written != *value;
        let text = one.sentence(&written);
        // Where the value itself still stands there, what is glued to it does not count.
        let hidden = if written.contains(value.as_str()) { value } else { &written };
        let start = text.find(hidden.as_str()).expect("it stands there");
        let end = start + hidden.len();
        let covered: usize = policy
            .detect(&text, None, Direction::Request)
            .iter()
            .filter(|hit| policy.label(hit.kind) == one.label)
            .map(|hit| hit.end.min(end).saturating_sub(hit.start.max(start)))
            .sum();
        if covered * 5 < hidden.len() * 3 {
            missed.push(text);
        }
    }
    changed.then(|| (values.len() - missed.len(), missed))
}

fn of_type(one: &Type) -> Vec<String> {
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    (0..COUNT).map(|_| one.value(&mut draw)).collect()
}

#[test]
fn no_disguise_hides_a_value() {
    let policy = of(r#"{"v":1}"#);
    let values = TYPES.iter().map(of_type).collect::<Vec<_>>();
    let mut failed = Vec::new();
    let head = TYPES.iter().map(|one| format!("{:>9}", one.name)).collect::<String>();
    println!("{:24}{head}", "disguise");
    for (name, disguise) in DISGUISES {
        let mut line = format!("{name:24}");
        for (one, values) in TYPES.iter().zip(&values) {
            let Some((found, missed)) = cell(&policy, one, values, *disguise) else {
                line += "        =";
                continue;
            };
            let recall = found as f64 / COUNT as f64;
            line += &format!("{recall:9.3}");
            let is_senseless =
                SENSELESS.iter().any(|(disguise, kind, _)| disguise == name && *kind == one.name);
            if recall < LEAST && !is_senseless {
                failed.push(format!(
                    "{name} x {}: {recall:.3}, such as {:?}",
                    one.name,
                    &missed[..missed.len().min(2)]
                ));
            }
        }
        println!("{line}");
    }
    SENSELESS.iter().for_each(|(disguise, kind, why)| println!("left out: {disguise} x {kind}: {why}"));
    assert!(failed.is_empty(), "{} cells:\n{}", failed.len(), failed.join("\n"));
}
