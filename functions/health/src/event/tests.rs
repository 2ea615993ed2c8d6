//! What the clock sends, and what people and programs do.

use super::*;

fn sample(name: &str) -> Asked {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/health");
    parse(&std::fs::read_to_string(format!("{root}/{name}.json")).unwrap())
}

#[test]
fn the_sample_events_are_what_they_are_called() {
    for (name, asked) in [
        ("probe", Asked::Clock(Clock::Probe {})),
        ("page", Asked::Page),
        ("document", Asked::Document),
        ("health", Asked::Live),
        ("unknown_path", Asked::Refused(404)),
        ("wrong_method", Asked::Refused(405)),
        ("rest_page", Asked::Page),
        ("old_tls", Asked::Refused(421)),
    ] {
        assert_eq!(sample(name), asked, "{name}");
    }
}

#[test]
fn nobody_but_the_clock_starts_a_run() {
    for event in [r#"{"probe":{},"rawPath":"/"}"#, r#"{"probe":{"deep":1}}"#, "{}", "[]", "null"] {
        assert!(!matches!(parse(event), Asked::Clock(_)), "{event}");
    }
}
