//! Work on texts that are made to cost more than their length, in steps, not in time: per byte it stays below a stated
//! bound, and does not grow while the text doubles from 8 KB to 1 MB.

use domain::{ActionId, Timestamp};
use serde_json::{Value, json};

use crate::steps;
use crate::{Document, Draw, Exempt, Nonce, Policy, redact_json};

/// Bytes of the texts of a family.
const SIZES: [usize; 4] = [8 << 10, 16 << 10, 128 << 10, 1 << 20];
/// Where one candidate may be read for 16 KiB, a text of 8 has not seen it all.
const LONG_SIZES: [usize; 3] = [128 << 10, 256 << 10, 1 << 20];
/// Steps for each byte of any text: what a regular expression may read counts whole, also where it stops at once. A
/// pattern may read 512 bytes, and capitals and digits are beginnings of two at most; each round looks again.
const MOST: f64 = 1_200.0;
/// The beginning of a private key every few bytes: each may read 16 KiB.
const MOST_OF_KEYS: f64 = 6_500.0;
/// Searches by halves and sorting grow with the logarithm: by as much from 8 KB to 1 MB.
const GROWTH: f64 = 1.6;

fn everything() -> Policy {
    let document = r#"{"v":1,"countries":["IL","DE","US"],"types":{"*":{"action":"redact","direction":"both"}},
        "terms":[{"id":"a","words":["heron","herons"],"action":"redact"}],
        "patterns":[{"id":"n","pattern":"EMP[0-9]{40}","action":"redact","examples":["EMP!"]}]}"#;
    let document = document.replace('!', &"1234".repeat(10));
    let document = Document::parse(&document).expect("a good document");
    Policy::compile(None, Some(&document), None).expect("compiles")
}

/// Steps of redacting a body, settled or refused.
fn steps_of(policy: &Policy, body: &Value) -> (usize, String) {
    let now = Timestamp::from_unix_millis(1_790_000_000_123).expect("in range");
    let draw = Draw { nonce: Nonce::from_bytes([1; 5]), tokens: [1; 32] };
    let (steps, most) = steps::of(|| {
        let keyed = |_: &str| String::new();
        let done =
            redact_json(policy, ActionId::new(now, [7; 10]), draw, &keyed, body.clone(), &Exempt::default());
        drop(done);
    });
    (steps, format!("most in {most:?}"))
}

/// A family of bodies by their size, and the size that one really has.
fn assert_linear(name: &str, body: impl Fn(usize) -> (Value, usize)) {
    assert_bounded(name, &SIZES, MOST, body);
}

fn assert_bounded(name: &str, sizes: &[usize], most_steps: f64, body: impl Fn(usize) -> (Value, usize)) {
    let policy = everything();
    let mut shortest = None;
    for size in sizes {
        let (body, size) = body(*size);
        let (steps, most) = steps_of(&policy, &body);
        let per_byte = steps as f64 / size as f64;
        let least = *shortest.get_or_insert(per_byte);
        println!("{name:?}: {size} bytes, {per_byte:.1} steps a byte, {most}");
        assert!(per_byte <= most_steps, "{name:?}: {size} bytes, {per_byte} steps a byte, {most}");
        assert!(per_byte <= GROWTH * least + 1.0, "{name:?}: {least} steps a byte, then {per_byte}, {most}");
    }
}

fn repeated(unit: &str, size: usize) -> (Value, usize) {
    let text = unit.repeat(size / unit.len());
    let length = text.len();
    (Value::String(text), length)
}

fn assert_all_linear(units: &[&str]) {
    for unit in units {
        assert_linear(unit, |size| repeated(unit, size));
    }
}

#[test]
fn repeated_pieces_of_every_candidate_cost_their_length() {
    assert_all_linear(&[
        "a@",
        "a.a@b.",
        "@a.1",
        "1 ",
        "1.",
        "1.1.1.1.",
        "a:",
        "::",
        "1:",
        "ab:",
        "eyJ",
        "eyJaaaaaaaaaa.",
        "-eyJ",
        "sk-",
        "-sk-",
        "_glpat-",
        "xoxb-",
        "AKIA",
        "4111-",
        "GB82 ",
        "GB82",
        "123-45-",
        "4 ",
        "41111111111111111",
        "de891",
        "+1 ",
        "(1",
        "00",
        "1a",
        "a1b2",
        "](",
        "<a ",
        "[EMAIL_1_",
        "[",
        "א@",
        "é",
        "Bearer ",
        "key=",
        "key:",
        "password=",
    ]);
}

#[test]
fn long_runs_cost_their_length() {
    assert_all_linear(&[
        "1",
        "a",
        "A",
        "=",
        "-",
        " ",
        ".",
        "/",
        "_",
        "\n",
        "%",
        "&",
        "\\",
        "[",
        "(",
        "+",
        "Zm9v",
        "deadbeef",
        "0123456789-",
        "\t ",
        "’",
        "ש",
        "ǅ",
        "ﬁ",
        "0.",
        ",",
    ]);
}

#[test]
fn private_keys_begun_and_never_ended_cost_a_bounded_window() {
    for unit in ["-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----a\n", "-----BEGIN "] {
        assert_bounded(unit, &LONG_SIZES, MOST_OF_KEYS, |size| repeated(unit, size));
    }
}

/// Findings of a tenant's pattern with nothing between them.
#[test]
fn findings_that_touch_cost_their_length() {
    let unit = format!("EMP{}", "4711".repeat(10));
    assert_linear("touching", |size| repeated(&unit, size));
}

#[test]
fn words_beside_candidates_cost_their_length() {
    assert_all_linear(&[
        "ssn ",
        "ssn 078-05-1120 ",
        "passport card iban ",
        "iban iban 123456789 ",
        "ת.ז 123456782 ",
        "id 1 ",
        "tax id: ",
        "steuer id 12345678901, ",
        "social security number ",
        "nationalIdPassportNumber",
        "phone 030 1234567 ",
    ]);
}

#[test]
fn findings_beside_and_over_one_another_cost_their_length() {
    assert_all_linear(&[
        "dana@example.com",
        "dana@example.com ",
        "dana@example.com,",
        "4111111111111111 ",
        "4111111111111111",
        "heron",
        "herons ",
        "1.2.3.4 ",
        "a@b.co/c@d.co:",
        "https://u:p@a.co/",
        "heron@heron.com heron",
        "[CARD_1_k3f9a2x7]",
        "[EMAIL_1_k3f9a2x7]4111111111111111",
        "John Smith, ",
        "12 Main Street, ",
        "dana@example.com\u{200b}",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl ",
    ]);
}

#[test]
fn disguises_cost_their_length() {
    assert_all_linear(&[
        "\u{200b}",
        "1\u{200b}",
        "\u{202e}1",
        "\u{ad}a",
        "\u{301}",
        "٤",
        "４",
        "𝐚",
        "\u{fdfa}",
        "а",
        "%34",
        "&#52;",
        "\\u0034",
        "&amp;",
        "%2525",
        "4 1 1 1 ",
        "a b c d ",
        "\\\\",
        "&lt",
        "\u{2066}\u{2069}",
        "⁴",
        "ａ@ｂ.ｃ",
    ]);
}

#[test]
fn names_cost_their_length() {
    assert_all_linear(&[
        "A ",
        "Aa ",
        "1 A ",
        "de ",
        "De ",
        "John ",
        "John, ",
        "Mr. ",
        "Via ",
        "van der ",
        "A-",
        "O'",
        "É ",
        "ש ",
        "דוד ",
        "ד\"",
        "א\u{5b0}",
        "PSC 1 ",
        "1 John Street 1 ",
        "75002 Paris\n",
        "Apt. 5 ",
        "my name is ",
        "“",
        "??? ",
        "anna ",
        "Wahrnehmung von ",
        "Donaudampfschifffahrt ",
    ]);
}

/// Base64 of base64 of …: layers are searched as far as their bound, and no further.
#[test]
fn nested_encodings_cost_their_length() {
    use base64::Engine as _;
    let encode = |text: &[u8]| base64::engine::general_purpose::STANDARD.encode(text);
    for depth in 1..=5 {
        for inner in ["4111 1111 1111 1111 ", "Zm9v YmFy ", "a@b.co ", "%34%31"] {
            assert_linear(&format!("{inner} {depth} deep"), |size| {
                let mut text = inner.repeat(30);
                (0..depth).for_each(|_| text = encode(text.as_bytes()));
                let text = format!("{text} ").repeat(size / text.len() + 1);
                let length = text.len();
                (Value::String(text), length)
            });
        }
    }
    for (head, once) in [("%", "25"), ("&", "amp;")] {
        assert_linear(&format!("{head}{once} of itself"), |size| {
            let text = format!("{head}{}", once.repeat(size / once.len()));
            let length = text.len();
            (Value::String(text), length)
        });
    }
}

/// One token of the whole length, and many tokens of one length.
#[test]
fn huge_tokens_cost_their_length() {
    for (name, letters) in
        [("word", "abcdefghij"), ("mixed", "aB3xZ9"), ("digits", "31415926"), ("hex", "0f")]
    {
        for token in [1 << 10, 60 << 10, 70 << 10, usize::MAX] {
            assert_linear(&format!("{name} in tokens of {token}"), |size| {
                let mut text = letters.repeat(size / letters.len());
                let mut at = token;
                while at < text.len() {
                    text.replace_range(at..=at, " ");
                    at = at.saturating_add(token);
                }
                let length = text.len();
                (Value::String(text), length)
            });
        }
    }
}

#[test]
fn json_costs_its_length() {
    let value = |at: usize| format!("dana{at}@example.com");
    let sized = |body: Value| {
        let size = body.to_string().len();
        (body, size)
    };
    assert_linear("values", |size| sized((0..size / 22).map(|at| json!(value(at))).collect()));
    assert_linear("numbers", |size| {
        sized(json!({"a": (0..size / 17).map(|_| 4_111_111_111_111_111_u64).collect::<Vec<_>>()}))
    });
    assert_linear("keys", |size| {
        sized(Value::Object((0..size / 30).map(|at| (value(at), Value::Null)).collect()))
    });
    assert_linear("fields with words", |size| {
        sized((0..size / 60).map(|at| json!({"passport_id_card_iban": at, "ssn": "078-05-1120"})).collect())
    });
    assert_linear("deep", |size| {
        let one = (0..50).fold(json!("John Smith, 4111111111111111"), |inner, _| json!({"name": inner}));
        sized((0..size / 500 + 1).map(|_| one.clone()).collect())
    });
    assert_linear("one field with a list", |size| {
        sized(json!({"ssn": (0..size / 12).map(|at| format!("{at:09}")).collect::<Vec<_>>()}))
    });
}

/// What the families are made of, to be mixed.
const PIECES: &[&str] = &[
    "a@b.co",
    "@",
    "1",
    "1.",
    "4111-",
    "078-05-1120 ",
    "ssn ",
    "GB82",
    "eyJ",
    "sk-",
    "xoxb-",
    "AKIA",
    "Zm9vYmFy",
    "%34",
    "&#52;",
    "\\u0034",
    "\u{200b}",
    "\u{202e}",
    "４",
    "ת.ז ",
    "דוד ",
    "John ",
    "Mr. ",
    "van der ",
    "12 Main Street, ",
    " ",
    "\n",
    ",",
    ":",
    "=",
    "[CARD_1_k3f9a2x7]",
    "heron",
    "A",
    "a1b2",
    "((",
    "+1 212 555 0187",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn mixtures_cost_their_length(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 1..12)) {
        let unit = pieces.concat();
        assert_bounded(&unit, &[16 << 10, 32 << 10, 256 << 10], MOST, |size| repeated(&unit, size));
    }
}
