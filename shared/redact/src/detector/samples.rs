//! Examples of detectors, read when somebody asks for them: a process that only searches never does, and they are half of
//! what the files hold.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::spec::{Sample, SampleFile};

/// Examples and negative examples.
type Both = (Vec<String>, Vec<String>);

/// Those of one file.
#[derive(Debug, Default)]
pub(super) struct Samples {
    file: String,
    read: OnceLock<HashMap<String, Both>>,
}

impl Samples {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), read: OnceLock::new() }
    }

    /// Those of one detector: examples, negative examples.
    pub(super) fn of(&self, id: &str) -> (&[String], &[String]) {
        let (examples, negatives) = self
            .read
            .get_or_init(|| read(&self.file))
            .get(id)
            .map_or_else(Default::default, |(examples, negatives)| {
                (examples.as_slice(), negatives.as_slice())
            });
        (examples, negatives)
    }
}

fn read(file: &str) -> HashMap<String, Both> {
    let rows =
        toml::from_str::<SampleFile>(file).map(|file| file.rows().collect()).unwrap_or_else(|_| Vec::new());
    let joined = |samples: Vec<Sample>| samples.into_iter().map(Sample::join).collect();
    rows.into_iter().map(|row| (row.id, (joined(row.examples), joined(row.negatives)))).collect()
}
