//! Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and signatures over the text.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// A note larger than this is nobody's checkpoint.
const MAX_BYTES: usize = 64 * 1024;
const MAX_SIGNATURES: usize = 100;
/// Signature type Ed25519.
const ED25519: u8 = 0x01;
/// Signature type Ed25519 cosignature, with a time.
const COSIGNATURE: u8 = 0x04;

/// Why a note is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("not a signed note: expected a text, an empty line, and lines that begin with an em dash")]
    Form,
    #[error("not a verifier key: expected <name>+<key id>+<base64>")]
    Key,
    #[error("the key's id is not that of its name and bytes")]
    KeyId,
    #[error("nothing in the note is signed by the key `{name}`")]
    Unsigned { name: String },
    #[error("the signature of `{name}` does not match the text")]
    Signature { name: String },
}

impl NoteError {
    fn unsigned(key: &VerifierKey) -> Self {
        Self::Unsigned { name: key.name.clone() }
    }
}

fn key_id(name: &str, kind: u8, public: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new().chain_update(name).chain_update([b'\n', kind]).chain_update(public);
    let [a, b, c, d, ..]: [u8; 32] = digest.finalize().into();
    [a, b, c, d]
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('+') && !name.chars().any(char::is_whitespace)
}

/// Whose signatures are believed: a name and an Ed25519 public key, written `<name>+<key id>+<base64>`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl VerifierKey {
    /// # Errors
    /// A name with spaces or `+`, or bytes that are no point of the curve.
    pub fn new(name: &str, public: &[u8; 32]) -> Result<Self, NoteError> {
        let key = VerifyingKey::from_bytes(public).map_err(|_| NoteError::Key)?;
        if !is_name(name) || key.is_weak() {
            return Err(NoteError::Key);
        }
        Ok(Self { name: name.to_owned(), id: key_id(name, ED25519, public), key })
    }

    /// Reads the written form.
    ///
    /// # Errors
    /// Another form, or a key id that is not the key's.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        Self::parse_kind(text, ED25519)
    }

    /// Reads a witness's key, which is written with the type of a cosignature (C2SP tlog-cosignature).
    ///
    /// # Errors
    /// Another form, or a key id that is not the key's.
    pub fn parse_witness(text: &str) -> Result<Self, NoteError> {
        Self::parse_kind(text, COSIGNATURE)
    }

    fn parse_kind(text: &str, wanted: u8) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::Key)?;
        let (kind, public) = bytes.split_first().ok_or(NoteError::Key)?;
        if *kind != wanted {
            return Err(NoteError::Key);
        }
        let found = Self::new(name, public.try_into().map_err(|_| NoteError::Key)?)?;
        if found.text_as(wanted).1 == id { Ok(found) } else { Err(NoteError::KeyId) }
    }

    /// The written form of a witness's key.
    pub fn as_witness(&self) -> String {
        self.text_as(COSIGNATURE).0
    }

    /// The written form, and the id in it.
    fn text_as(&self, kind: u8) -> (String, String) {
        let id: String =
            key_id(&self.name, kind, self.public()).iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = [[kind].as_slice(), self.key.as_bytes()].concat();
        (format!("{}+{id}+{}", self.name, STANDARD.encode(bytes)), id)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn public(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether this key signed exactly `message`.
    pub fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }

    /// The key's id as a witness.
    fn cosignature_id(&self) -> [u8; 4] {
        key_id(&self.name, COSIGNATURE, self.public())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text_as(ED25519).0)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl NoteSignature {
    /// A cosignature that the witness `key` made at `at`.
    pub fn cosignature(key: &VerifierKey, at: u64, signature: &[u8; 64]) -> Self {
        let bytes = [at.to_be_bytes().as_slice(), signature].concat();
        Self { name: key.name.clone(), id: key.cosignature_id(), bytes }
    }

    /// A signature that `key`'s owner made over a note's text.
    pub fn new(key: &VerifierKey, signature: &[u8; 64]) -> Self {
        Self { name: key.name.clone(), id: key.id, bytes: signature.to_vec() }
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let all = STANDARD.decode(encoded).ok()?;
        let (id, bytes) = all.split_first_chunk::<4>()?;
        let one = Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() };
        (is_name(name) && !bytes.is_empty()).then_some(one)
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [self.id.as_slice(), &self.bytes].concat();
        write!(f, "\u{2014} {} {}", self.name, STANDARD.encode(all))
    }
}

/// A text with its signatures. What is read here is only believed after [`Note::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// A text, which ends with a newline, and the signatures over it.
    ///
    /// # Errors
    /// A text that ends otherwise, or no signature.
    pub fn new(text: String, signatures: Vec<NoteSignature>) -> Result<Self, NoteError> {
        let fits = text.ends_with('\n') && !text.contains(is_forbidden) && !signatures.is_empty();
        if fits { Ok(Self { text, signatures }) } else { Err(NoteError::Form) }
    }

    /// # Errors
    /// Not the form of a signed note.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_BYTES {
            return Err(NoteError::Form);
        }
        // The last empty line: the text may hold some of its own.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Form)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Form)?;
        let signatures: Option<Vec<_>> = lines.split('\n').map(NoteSignature::parse).collect();
        let signatures = signatures.filter(|all| all.len() <= MAX_SIGNATURES).ok_or(NoteError::Form)?;
        Self::new(format!("{text}\n"), signatures)
    }

    /// When the witness `key` cosigned the note (C2SP tlog-cosignature, `cosignature/v1`), in Unix seconds.
    pub fn cosigned(&self, key: &VerifierKey) -> Option<u64> {
        let one =
            self.signatures.iter().find(|one| one.name == key.name && one.id == key.cosignature_id())?;
        let (at, signature) = one.bytes.split_first_chunk::<8>()?;
        let at = u64::from_be_bytes(*at);
        let message = format!("cosignature/v1\ntime {at}\n{}", self.text);
        key.signed(message.as_bytes(), signature.try_into().ok()?).then_some(at)
    }

    /// The text, if `key` signed it. Signatures of others are no concern of this key's.
    ///
    /// # Errors
    /// Not signed by it, or a signature in its name that does not match.
    pub fn verify(&self, key: &VerifierKey) -> Result<&str, NoteError> {
        let mut mine = self.signatures.iter().filter(|one| one.name == key.name && one.id == key.id);
        let (Some(one), None) = (mine.next(), mine.next()) else { return Err(NoteError::unsigned(key)) };
        let wrong = || NoteError::Signature { name: key.name.clone() };
        let signature = Signature::from_slice(&one.bytes).map_err(|_| wrong())?;
        key.key.verify_strict(self.text.as_bytes(), &signature).map_err(|_| wrong())?;
        Ok(&self.text)
    }
}

/// No control characters but the newline.
fn is_forbidden(c: char) -> bool {
    c.is_ascii_control() && c != '\n'
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|one| writeln!(f, "{one}"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;

    /// The example of Go's own implementation (golang.org/x/mod/sumdb/note, package documentation).
    const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    pub(crate) fn signer(seed: u8) -> (SigningKey, VerifierKey) {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let public = VerifierKey::new("example.com/log", key.verifying_key().as_bytes()).unwrap();
        (key, public)
    }

    pub(crate) fn signed(text: &str, seed: u8) -> Note {
        let (key, public) = signer(seed);
        let signature = NoteSignature::new(&public, &key.sign(text.as_bytes()).to_bytes());
        Note::new(text.to_owned(), vec![signature]).unwrap()
    }

    #[test]
    fn the_example_of_another_implementation_verifies() {
        let key = VerifierKey::parse(GO_KEY).unwrap();
        assert_eq!((key.name(), key.to_string().as_str()), ("PeterNeumann", GO_KEY));
        let note = Note::parse(GO_NOTE).unwrap();
        assert!(note.verify(&key).unwrap().starts_with("If you think cryptography"));
        assert_eq!(note.to_string(), GO_NOTE);
        let changed = Note::parse(&GO_NOTE.replace("answer", "question")).unwrap();
        assert_eq!(changed.verify(&key), Err(NoteError::Signature { name: "PeterNeumann".to_owned() }));
        let other = VerifierKey::parse(&GO_KEY.replace("c74f20a3", "c74f20a4"));
        assert_eq!(other, Err(NoteError::KeyId));
    }

    #[test]
    fn only_the_keys_own_signature_counts() {
        let (ours, theirs) = (signed("text\n", 1), signed("text\n", 2));
        let (_, key) = signer(1);
        assert_eq!(ours.verify(&key), Ok("text\n"));
        assert_eq!(theirs.verify(&key), Err(NoteError::unsigned(&key)));
        // Another's signature under our key's id.
        let mut forged = theirs.clone();
        forged.signatures[0].id = key.id;
        assert!(matches!(forged.verify(&key), Err(NoteError::Signature { .. })));
        let both = Note::new("text\n".to_owned(), [theirs.signatures, ours.signatures].concat()).unwrap();
        assert_eq!(both.verify(&key), Ok("text\n"));
        assert_eq!(Note::parse(&both.to_string()), Ok(both));
    }

    #[test]
    fn what_is_no_note_is_not_read() {
        let good = signed("text\n", 1).to_string();
        for bad in [
            String::new(),
            "text\n".to_owned(),
            good.trim_end().to_owned(),
            good.replace('\u{2014}', "-"),
            good.replace("\n\n", "\n"),
            format!("{good}\n"),
            format!("\u{7}{good}"),
            good.replace("example.com/log", "a+b"),
            format!("{}{good}", "x".repeat(MAX_BYTES)),
        ] {
            assert_eq!(Note::parse(&bad), Err(NoteError::Form), "{bad:?}");
        }
        for bad in ["", "a+b", "a+00000000+AQ==", "a b+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
        {
            assert_eq!(VerifierKey::parse(bad), Err(NoteError::Key), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_reads_writes_back(text in "\\PC{0,80}", lines in "(\u{2014} [a-z]{1,5} [A-Za-z0-9+/=]{0,20}\n){0,3}") {
            let note = format!("{text}\n\n{lines}");
            if let Ok(read) = Note::parse(&note) {
                prop_assert_eq!(read.to_string(), note);
            }
        }
    }
}
