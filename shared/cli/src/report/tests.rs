//! Counting, on a labelled file and a folder of the tests' own.

use std::path::PathBuf;

use super::labelled::Counts;
use super::{ReportError, clean, labelled, policy};
use crate::args::Report;

const FILE: &str = r#"[
    {"full_text": "שלום dana@example.com", "spans": [{"entity_type": "EMAIL_ADDRESS", "start_position": 5, "end_position": 21}]},
    {"full_text": "noa@example.com, Köln", "spans": [{"entity_type": "GPE", "start_position": 17, "end_position": 21}]},
    {"full_text": "card 4111 1111 1111 1112", "spans": [{"entity_type": "CREDIT_CARD", "start_position": 5, "end_position": 24}]},
    {"full_text": "host 106.31.73.20", "spans": []}
]"#;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("countersign-report-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn wanted() -> Report {
    Report { labelled: None, clean: None, policy: None, country: Vec::new(), json: false }
}

#[test]
fn labels_and_findings_are_counted_by_type() {
    let folder = Folder::new("labelled");
    let file = folder.write("labelled.json", FILE);
    let score = labelled::measure(&policy(&wanted()).unwrap(), &file).unwrap();
    assert_eq!(score.texts, 4);
    let counts = |name: &str| &score.rows[name].counts;
    assert_eq!(*counts("EMAIL_ADDRESS"), Counts { labelled: 1, met: 1, found: 2, right: 1, exact: 1 });
    assert_eq!(*counts("CREDIT_CARD"), Counts { labelled: 1, ..Counts::default() });
    assert_eq!((counts("EMAIL_ADDRESS").precision(), counts("CREDIT_CARD").precision()), (Some(0.5), None));
    assert_eq!(score.rows["GPE"].label, None, "nothing detects it, and it is listed all the same");
    assert_eq!((score.total(true).labelled, score.total(false).labelled), (2, 3));
    assert_eq!(score.unlabelled_types.iter().collect::<Vec<_>>(), [(&"ipv4".to_owned(), &1)]);
}

#[test]
fn a_file_may_name_our_own_types() {
    let folder = Folder::new("own");
    let text = FILE.replace("EMAIL_ADDRESS", "email").replace("CREDIT_CARD", "CARD");
    let file = folder.write("labelled.json", text);
    let score = labelled::measure(&policy(&wanted()).unwrap(), &file).unwrap();
    assert_eq!(score.rows["email"].counts.met, 1);
    assert_eq!(score.rows["CARD"].label.as_deref(), Some("CARD"));
}

#[test]
fn false_positives_are_counted_in_every_folder() {
    let folder = Folder::new("clean");
    folder.write("a.txt", "nothing here");
    folder.write("deep/b.txt", "write to dana@example.com or noa@example.com");
    folder.write("picture.bin", [0xff, 0xfe, 0x00]);
    let clean = clean::measure(&policy(&wanted()).unwrap(), &folder.0).unwrap();
    assert_eq!((clean.files, clean.skipped, clean.findings()), (2, 1, 2));
    assert_eq!(clean.by.iter().collect::<Vec<_>>(), [(&"email".to_owned(), &2)]);
    let rate = clean.per_mb(clean.findings());
    assert!((rate - 2.0 / (clean.bytes as f64 / 1e6)).abs() < 1e-9);
}

#[test]
fn what_cannot_be_measured_says_why() {
    let folder = Folder::new("faults");
    let policy = policy(&wanted()).unwrap();
    let file = folder.write("labelled.json", FILE.replace("21}]}", "99}]}"));
    assert!(matches!(labelled::measure(&policy, &file), Err(ReportError::Span { sample: 0, .. })));
    let file = folder.write("labelled.json", "{}");
    assert!(matches!(labelled::measure(&policy, &file), Err(ReportError::Format { .. })));
    assert!(matches!(labelled::measure(&policy, &folder.0.join("none")), Err(ReportError::File { .. })));
    let empty = Folder::new("empty");
    assert!(matches!(clean::measure(&policy, &empty.0), Err(ReportError::Empty(_))));
}

#[test]
fn a_policy_file_decides_what_is_looked_for() {
    let folder = Folder::new("policy");
    folder.write("a.txt", "dana@example.com, 106.31.73.20");
    let file = folder.write("policy/p.json", r#"{"v": 1, "types": {"email": {"action": "allow"}}}"#);
    let own = policy(&Report { policy: Some(file), ..wanted() }).unwrap();
    let clean = clean::measure(&own, &folder.0).unwrap();
    assert_eq!(clean.by.keys().collect::<Vec<_>>(), ["ipv4"]);
    let file = folder.write("policy/p.json", r#"{"v": 7}"#);
    assert!(matches!(policy(&Report { policy: Some(file), ..wanted() }), Err(ReportError::Refused(_))));
}
