//! False positives on text in which there is nothing to find (`tests/oracle/clean_text.py`): source code, logs, orders,
//! tables, prose.

use std::collections::BTreeMap;
use std::path::PathBuf;

use countersign_redact::{Direction, Policy};

use crate::common::{everything, found, of};

/// One in 100 KB.
const MOST_PER_MB: f64 = 10.0;
const SAMPLES: usize = 6;
const NAMES: [&str; 2] = ["person", "address"];

/// The class of text (`code`, `logs`, ...) and each text of it.
fn texts() -> Vec<(String, String)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/clean");
    let mut files = std::fs::read_dir(directory)
        .expect("the texts")
        .map(|one| one.expect("a file").path())
        .collect::<Vec<_>>();
    files.sort();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "txt"));
    let class = |file: &PathBuf| {
        file.file_stem().expect("a name").to_string_lossy().split('_').next().map(str::to_owned)
    };
    files
        .iter()
        .map(|file| (class(file).expect("a class"), std::fs::read_to_string(file).expect("UTF-8")))
        .collect()
}

#[derive(Default)]
struct Tally {
    bytes: usize,
    /// Findings by detector, with the text around some of them.
    by: BTreeMap<String, (u32, Vec<String>)>,
}

impl Tally {
    fn add(&mut self, policy: &Policy, text: &str, wanted: impl Fn(&str) -> bool) {
        self.bytes += text.len();
        for hit in policy.detect(text, None, Direction::Request) {
            let id = policy.id(hit.kind);
            if !wanted(id) {
                continue;
            }
            let (count, samples) = self.by.entry(id.to_owned()).or_default();
            *count += 1;
            let before = text
                .get(..hit.start)
                .unwrap_or_default()
                .chars()
                .rev()
                .take(28)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect::<String>();
            if samples.len() < SAMPLES {
                samples.push(format!("{before:?} {:?} {:.2}", found(text, &hit), hit.score));
            }
        }
    }

    fn count(&self) -> u32 {
        self.by.values().map(|(count, _)| count).sum()
    }

    fn per_mb(&self) -> f64 {
        f64::from(self.count()) / (self.bytes as f64 / 1e6)
    }

    fn print(&self, class: &str) {
        println!(
            "{class:10} {:8} bytes, {:4} findings, {:7.1} per MB",
            self.bytes,
            self.count(),
            self.per_mb()
        );
        for (id, (count, samples)) in &self.by {
            println!("    {id:22} {count:4}  {}", samples.join("\n                                "));
        }
    }
}

fn measured(policy: &Policy, texts: Vec<(String, String)>, wanted: impl Fn(&str) -> bool + Copy) -> Tally {
    let mut classes = BTreeMap::<String, Tally>::new();
    let mut all = Tally::default();
    for (class, text) in texts {
        classes.entry(class).or_default().add(policy, &text, wanted);
        all.add(policy, &text, wanted);
    }
    classes.iter().for_each(|(class, tally)| tally.print(class));
    println!("{:10} {:8} bytes, {:4} findings, {:7.1} per MB", "all", all.bytes, all.count(), all.per_mb());
    all
}

#[test]
fn clean_text_has_few_false_positives() {
    let all = measured(&of(r#"{"v":1}"#), texts(), |id| !NAMES.contains(&id));
    assert!(all.bytes > 500_000, "{}", all.bytes);
    assert!(all.per_mb() <= MOST_PER_MB, "{:.1} per MB", all.per_mb());
}

/// With names and addresses, which are off unless a policy says otherwise. The people of the novel are people; whoever
/// holds the rights in a piece of code is one too, and counts here all the same.
#[test]
fn clean_text_has_few_false_positives_with_names_on() {
    let without_novel = texts().into_iter().filter(|(class, _)| class != "novel").collect();
    let all = measured(&everything(), without_novel, |_| true);
    assert!(all.bytes > 500_000, "{}", all.bytes);
    assert!(all.per_mb() <= MOST_PER_MB, "{:.1} per MB", all.per_mb());
}
