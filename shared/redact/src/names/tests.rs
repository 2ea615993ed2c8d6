//! Properties: whatever the text, spans are well formed and work is linear.

use super::gazetteer::{Gazetteer, Key};
use super::*;

fn assert_well_formed(text: &str) {
    let mut end = 0;
    let mut all = Vec::new();
    find(text, &mut all);
    for found in all {
        assert!(found.start >= end && found.start < found.end, "order in {text:?}");
        assert!(text.get(found.start..found.end).is_some(), "boundaries in {text:?}");
        assert!((0.5..=1.0).contains(&found.score), "score in {text:?}");
        end = found.end;
    }
}

proptest::proptest! {
    #[test]
    fn any_text_gives_spans_in_order(text in "\\PC{0,200}") {
        assert_well_formed(&text);
    }

    #[test]
    fn texts_made_of_telling_pieces_give_spans_in_order(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40),
        glue in proptest::sample::select(&[" ", "", "\n", ", ", "-"][..]),
    ) {
        assert_well_formed(&pieces.join(glue));
    }
}

const PIECES: &[&str] = &[
    "John",
    "Smith",
    "MARY",
    "Mr.",
    "Dr",
    "van",
    "de",
    "my name is",
    "Dear",
    "12",
    "Main",
    "Street",
    "rue",
    "Paris",
    "75002",
    "é",
    "É",
    "Straße",
    "Hauptstraße",
    "Apt.",
    "5",
    "\u{301}",
    "\u{202e}",
    "שמי",
    "דוד",
    "כהן",
    "ד\"ר",
    "רחוב",
    "PSC",
    "Box",
    "APO AE 09876",
    "P.O. Box",
    "ul.",
    "U+0000\0",
    "’s",
    "O'",
    "Anne-",
    "Γιώργος",
    "😀",
    "ǅ",
    "ﬁ",
    "İ",
    "\u{a0}",
    "Inc",
    "and",
    "NY",
    "10118",
    ",",
    ":",
    "\"",
    "ת.ד.",
];

/// Seconds of processor time of this thread.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds: f64 = stat.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    nanoseconds / 1e9
}

/// Sentences as people write to assistants, in an order that does not repeat soon; eight megabytes.
fn chat() -> String {
    let sentences: Vec<_> = CHAT.split(". ").collect();
    let (mut text, mut state) = (String::new(), 1_u64);
    while text.len() < 8_000_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(sentences[(state >> 33) as usize % sentences.len()]);
        text.push_str(if state >> 60 == 0 { ".\n" } else { ". " });
    }
    text
}

const CHAT: &str = "Hi, I was wondering whether you could help me with the report that we talked about last week. The numbers in \
the third table do not add up, and I think that somebody changed the formula after the review. Could you look at it before \
the meeting? If it is easier, we can also go through it together. Sure, no problem. I will have a look this afternoon. In the \
meantime, please send me the latest version of the file, because the one in the shared folder seems to be two weeks old. What \
exactly did you expect to see in the last column? The totals should match what the finance team sent us. They said that \
everything was checked twice, but it looks as if one of the rates was applied to the wrong year. It isn't urgent, but I'd like \
to understand how that could happen, so that we can prevent it next time. Okay. Here is what I found: the import drops every \
row whose date is missing, which is why the sum is too low. You can fix that by setting a default, or by rejecting the file. I \
would prefer the second option, since silent defaults have bitten us before. Let me know what you think and I'll write a \
patch. Great, thanks a lot for the quick answer! Rejecting sounds right to me. Please also add a test, and mention the change \
in the notes for the next release. By the way, the build was green yesterday but is slow again today; do we know why? Write a \
function that takes a list of numbers and returns the median. It should handle empty lists by returning nothing, and it must \
not change its input. Explain your reasoning step by step, and add 3 examples that show how it behaves at the edges. Our \
customer in Paris called on Monday and asked for the invoice of March. Ask Anna Berg in the sales team, she knows the details";

#[test]
#[ignore = "a measurement of processor time: run in release, alone"]
fn speed() {
    let before = cpu_seconds();
    let table = Gazetteer::load();
    let load = cpu_seconds() - before;
    assert_ne!(table.flags(Key::of(b"anna")), 0);
    let text = chat();
    let mut out = Vec::new();
    find(&text, &mut out);
    let before = cpu_seconds();
    for _ in 0..20 {
        out.clear();
        find(&text, &mut out);
    }
    let rate = 20.0 * text.len() as f64 / 1e6 / (cpu_seconds() - before);
    println!("{rate:.0} MB/s of chat with {} names; lists loaded in {:.2} ms", out.len(), load * 1e3);
    assert!(cfg!(debug_assertions) || (rate > 500.0 && load < 0.01));
}
