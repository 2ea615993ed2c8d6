//! Names and addresses in generated texts of three languages (`tests/oracle/names.py`). A finding is right if it meets a
//! label of its type. Labels with a small letter are of sources that the lists were not made from.

use countersign_redact::{Direction, Policy};

use crate::common::everything;

/// True positives, false positives, and labels that were missed, of one type.
#[derive(Default, Debug, Clone, Copy)]
struct Counts {
    tp: usize,
    fp: usize,
    missed: usize,
    labels: usize,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.tp += other.tp;
        self.fp += other.fp;
        self.missed += other.missed;
        self.labels += other.labels;
    }

    fn precision(&self) -> f64 {
        self.tp as f64 / (self.tp + self.fp).max(1) as f64
    }

    fn recall(&self) -> f64 {
        (self.labels - self.missed) as f64 / self.labels.max(1) as f64
    }
}

impl core::fmt::Display for Counts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { tp, fp, missed, labels } = self;
        write!(
            f,
            "tp {tp}, fp {fp}, fn {missed} of {labels}: P {:.3} R {:.3}",
            self.precision(),
            self.recall()
        )
    }
}

/// Compares what is found under a label with the spans that have it; `others` are labels that count for precision alone.
fn compare(
    policy: &Policy,
    text: &str,
    kind: &str,
    labels: &[(usize, usize)],
    others: &[(usize, usize)],
) -> Counts {
    let mut found = policy.detect(text, None, Direction::Request);
    found.retain(|hit| policy.label(hit.kind) == kind);
    let spans: Vec<_> = found.iter().map(|hit| (hit.start, hit.end)).collect();
    let meets = |one: &(usize, usize), other: &(usize, usize)| one.0 < other.1 && other.0 < one.1;
    let fp = spans.iter().filter(|one| !labels.iter().chain(others).any(|label| meets(one, label))).count();
    let missed = labels.iter().filter(|label| !spans.iter().any(|one| meets(one, label))).count();
    let tp = spans.iter().filter(|one| labels.iter().any(|label| meets(one, label))).count();
    Counts { tp, fp, missed, labels: labels.len() }
}

/// Spans of a line of `tests/data/names_*.txt` with the letter of their label.
fn labelled_line(line: &str) -> (String, Vec<(usize, usize, char)>) {
    let line = line.replace("\\n", "\n");
    let (mut text, mut spans) = (String::new(), Vec::new());
    let mut parts = line.split('{');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (label, rest) = part.split_once(':').expect("a label");
        let (value, after) = rest.split_once('}').expect("an end");
        let start = text.len();
        text.push_str(value);
        spans.push((start, text.len(), label.chars().next().expect("a letter")));
        text.push_str(after);
    }
    (text, spans)
}

/// Counts for labels of the lists' own sources and of other sources.
fn generated(policy: &Policy, file: &str, kind: &str, letters: [char; 2]) -> [Counts; 2] {
    let mut counts = [Counts::default(); 2];
    for line in file.lines() {
        let (text, spans) = labelled_line(line);
        let of =
            |letter: char| spans.iter().filter(|s| s.2 == letter).map(|s| (s.0, s.1)).collect::<Vec<_>>();
        let (own, other) = (of(letters[0]), of(letters[1]));
        counts[0].add(compare(policy, &text, kind, &own, &other));
        // A wrong finding is counted once, above.
        counts[1].add(Counts { fp: 0, ..compare(policy, &text, kind, &other, &own) });
    }
    counts
}

#[test]
fn generated_texts_of_three_languages_are_found_well() {
    let policy = everything();
    // Least precision, recall, and recall of other sources: for persons, then for addresses.
    for (language, file, least) in [
        ("German", include_str!("../data/names_de.txt"), [(0.97, 0.97, 0.92), (0.98, 0.98, 0.9)]),
        ("French", include_str!("../data/names_fr.txt"), [(0.97, 0.95, 0.85), (0.98, 0.98, 0.95)]),
        ("Hebrew", include_str!("../data/names_he.txt"), [(0.96, 0.95, 0.82), (0.98, 0.96, 0.0)]),
    ] {
        for ((kind, letters), least) in
            [("PERSON", ['P', 'p']), ("ADDRESS", ['A', 'a'])].into_iter().zip(least)
        {
            let [own, other] = generated(&policy, file, kind, letters);
            let precision = (own.tp + other.tp) as f64 / (own.tp + other.tp + own.fp) as f64;
            println!("{language} {kind}: P {precision:.3}; lists' sources {own}; other sources {other}");
            assert!(
                precision >= least.0 && own.recall() >= least.1 && other.recall() >= least.2,
                "{language} {kind}"
            );
        }
    }
}
