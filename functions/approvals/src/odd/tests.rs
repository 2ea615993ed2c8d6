use super::*;
use proptest::prelude::*;

fn shown(text: &str) -> String {
    let one = |piece: Piece| match piece {
        Piece::Plain(text) => text,
        Piece::Odd(c) => format!("⟨{}⟩", number(c)),
        Piece::Alike(c) => format!("[{c}]"),
        Piece::Break => "⏎".to_owned(),
        Piece::Hidden { .. } => "hidden".to_owned(),
    };
    pieces(text).into_iter().map(one).collect()
}

#[test]
fn what_deceives_is_seen() {
    for (text, seen) in [
        ("", ""),
        ("Pay ACME 10,000.00", "Pay ACME 10,000.00"),
        ("שלום עולם", "שלום עולם"),
        ("café Größe naïve", "café Größe naïve"),
        ("Привет", "Привет"),
        ("日本語の文", "日本語の文"),
        ("invoice\u{202e}gpj.exe", "invoice⟨U+202E⟩gpj.exe"),
        ("zero\u{200b}width\u{feff}", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("a\0b\u{7f}c\tt", "a⟨U+0000⟩b⟨U+007F⟩c⟨U+0009⟩t"),
        ("two\nlines\r\n", "two⏎lines⟨U+000D⟩⏎"),
        ("\u{e0041}tag", "⟨U+E0041⟩tag"),
        // Latin with a Cyrillic letter in it, and a word of Cyrillic letters that reads as Latin.
        ("p\u{430}ypal", "p[\u{430}]ypal"),
        ("\u{440}\u{430}\u{443}", "[\u{440}][\u{430}][\u{443}]"),
        ("soft\u{ad}hyphen\u{a0}x", "soft⟨U+00AD⟩hyphen⟨U+00A0⟩x"),
        ("\u{301}alone", "⟨U+0301⟩alone"),
        ("z\u{301}\u{302}\u{303}\u{304}", "z\u{301}\u{302}⟨U+0303⟩⟨U+0304⟩"),
        ("\u{3164}\u{2800}", "⟨U+3164⟩⟨U+2800⟩"),
    ] {
        assert_eq!(shown(text), seen, "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing is left out, and nothing that is odd is shown as it is.
    #[test]
    fn every_character_is_there(text in "\\PC{0,40}|[\\x00-\\x{2fff}]{0,40}") {
        let back: String = pieces(&text).into_iter().map(|piece| match piece {
            Piece::Plain(text) => { assert!(!text.chars().any(is_odd)); text }
            Piece::Odd(c) | Piece::Alike(c) => c.to_string(),
            Piece::Break => "\n".to_owned(),
            Piece::Hidden { .. } => String::new(),
        }).collect();
        prop_assert_eq!(back, text);
    }
}
