//! Checkpoints (C2SP tlog-checkpoint v1.0.0): a log's name, how many leaves it has, and the root over them.

use std::fmt;

use crate::{Hash, Note, NoteError, VerifierKey};

/// What a log says of itself at one time. Written without extension lines, which the specification advises against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

/// Why a checkpoint is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("the signed text is no checkpoint: expected three lines, of origin, size and root")]
    Form,
    #[error("the checkpoint is of another log")]
    Origin,
}

impl Checkpoint {
    /// Reads a signed checkpoint of the log `origin`, if `key` signed it.
    ///
    /// # Errors
    /// Not signed by it, not a checkpoint, or another log's.
    pub fn open(note: &str, key: &VerifierKey, origin: &str) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        let found = Self::read(note.verify(key)?).ok_or(CheckpointError::Form)?;
        if found.origin == origin { Ok(found) } else { Err(CheckpointError::Origin) }
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        // Extension lines of others are let be; an empty one would end the text.
        if origin.is_empty() || lines.any(str::is_empty) {
            return None;
        }
        let number: u64 = size.parse().ok()?;
        let canonical = number.to_string() == size;
        canonical.then_some(Self { origin: origin.to_owned(), size: number, root: Hash::from_base64(root)? })
    }
}

/// The text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root.to_base64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf_hash;
    use crate::note::tests::{signed, signer};
    use proptest::prelude::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "example.com/log".to_owned(), size: 20_852_163, root: leaf_hash(b"x") }
    }

    /// Pinned: what is signed today must be readable in years.
    #[test]
    fn the_text_is_pinned() {
        let root = "cbpZfAmeXt5qMLHq6RuwxlGCPr3Oh8C5w7/QWJn+tU0=";
        assert_eq!(Hash::from_base64(root).map(|hash| hash.to_base64()), Some(root.to_owned()));
        let text = checkpoint().to_string();
        assert_eq!(text, format!("example.com/log\n20852163\n{}\n", leaf_hash(b"x").to_base64()));
    }

    #[test]
    fn a_checkpoint_opens_for_its_log_and_key_alone() {
        let note = signed(&checkpoint().to_string(), 1).to_string();
        let (_, key) = signer(1);
        assert_eq!(Checkpoint::open(&note, &key, "example.com/log"), Ok(checkpoint()));
        assert_eq!(Checkpoint::open(&note, &key, "example.com/other"), Err(CheckpointError::Origin));
        let (_, other) = signer(2);
        assert!(matches!(Checkpoint::open(&note, &other, "example.com/log"), Err(CheckpointError::Note(_))));
        let larger = note.replace("20852163", "20852164");
        assert!(matches!(
            Checkpoint::open(&larger, &key, "example.com/log"),
            Err(CheckpointError::Note(NoteError::Signature { .. }))
        ));
    }

    #[test]
    fn signed_text_of_another_form_is_no_checkpoint() {
        let root = leaf_hash(b"x").to_base64();
        let (_, key) = signer(1);
        for text in [
            "example.com/log\n".to_owned(),
            format!("example.com/log\n-1\n{root}\n"),
            format!("example.com/log\n01\n{root}\n"),
            format!("example.com/log\n+1\n{root}\n"),
            format!("example.com/log\n1\n{}\n", root.trim_end_matches('=')),
            "example.com/log\n1\nAAAA\n".to_owned(),
            format!("\n1\n{root}\n"),
        ] {
            let note = signed(&text, 1).to_string();
            let opened = Checkpoint::open(&note, &key, "example.com/log");
            assert!(opened.is_err(), "{text:?}: {opened:?}");
        }
        let extended = signed(&format!("{}more\n", checkpoint()), 1).to_string();
        assert_eq!(Checkpoint::open(&extended, &key, "example.com/log"), Ok(checkpoint()));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(size: u64, root: [u8; 32]) {
            let one = Checkpoint { origin: "a.example/b".to_owned(), size, root: Hash::from_bytes(root) };
            prop_assert_eq!(Checkpoint::read(&one.to_string()), Some(one));
        }
    }
}
