//! Values that must not turn up where they do not belong, and the list of all that a run planted.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use super::stack::stack;

/// Published test numbers and made-up people. Each passes its check digits, so each would be taken for real.
/// The key is put together here, so that no scanner takes this file for a leak.
pub const PERSONAL: [(&str, &str); 7] = [
    ("Israeli ID", "123456782"),
    ("card", "4111 1111 1111 1111"),
    ("IBAN", "DE89 3704 0044 0532 0130 00"),
    ("SSN", "536-22-8741"),
    ("e-mail", "noa.golan+planted@example.co.il"),
    ("IP address", "106.31.73.20"),
    ("OpenAI key", concat!("sk-", "gN9Gu8zTEly6PuVAgrEA", "T3BlbkFJ", "LQCMK5kN1LZTSj1OLXdI")),
];

/// A prompt that holds every planted value.
pub fn prompt() -> String {
    PERSONAL
        .iter()
        .fold("Please repeat exactly:".to_owned(), |text, (name, value)| text + &format!(" {name} {value};"))
}

/// A sentence for clients, with an e-mail address and a card number.
pub fn note_text() -> String {
    let [_, (_, card), _, _, (_, email), ..] = PERSONAL;
    format!("Write to {email} about {card}.")
}

/// Names of the planted values in `text`, written as given or without blanks and dashes.
pub fn leaked(text: &str) -> Vec<&'static str> {
    let bare = bare(text);
    let found = |value: &str| text.contains(value) || bare.contains(&self::bare(value));
    PERSONAL.iter().filter(|(_, value)| found(value)).map(|(name, _)| *name).collect()
}

fn bare(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '-')).collect()
}

fn directory() -> PathBuf {
    stack().home().join("planted")
}

/// Notes a secret of this run, for the search through every log at its end.
pub fn note(secret: &str) {
    let directory = directory();
    std::fs::create_dir_all(&directory).expect("the stack's directory can be written");
    let file = directory.join(format!("{}.txt", std::process::id()));
    let mut file =
        OpenOptions::new().create(true).append(true).open(file).expect("a list of what was planted");
    // One write a line: tests of one binary run side by side.
    file.write_all(format!("{secret}\n").as_bytes()).expect("the list can be written");
}

/// All secrets that the tests of this stack have noted so far.
pub fn noted() -> Vec<String> {
    let files = std::fs::read_dir(directory()).expect("tests have planted something");
    let texts = files.map(|file| std::fs::read_to_string(file.expect("an entry").path()).expect("a list"));
    let mut all: Vec<String> =
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    all.sort();
    all.dedup();
    all
}
