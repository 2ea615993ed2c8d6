//! What the clock sends.

use super::*;

#[test]
fn the_sample_events_are_what_the_clock_sends() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/lifecycle");
    for (name, wanted) in [
        ("compact", Event::Compact {}),
        ("deliver_checkpoint", Event::DeliverCheckpoint {}),
        ("sweep_holds", Event::SweepHolds {}),
    ] {
        let text = std::fs::read_to_string(format!("{root}/{name}.json")).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), wanted);
    }
}

#[test]
fn the_clocks_events_are_read_and_nothing_else() {
    let read = |text: &str| serde_json::from_str::<Event>(text).ok();
    assert_eq!(read(r#"{"deliver_checkpoint":{}}"#), Some(Event::DeliverCheckpoint {}));
    assert_eq!(read(r#"{"compact":{}}"#), Some(Event::Compact {}));
    for bad in
        ["{}", r#"{"compact":{"all":true}}"#, r#"{"erase":{}}"#, r#"{"compact":{},"x":1}"#, "\"compact\""]
    {
        assert_eq!(read(bad), None, "{bad}");
    }
}
