//! What the clock sends, and what the queue does.

use super::*;

fn sample(name: &str) -> Event {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/lifecycle");
    let text = std::fs::read_to_string(format!("{root}/{name}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_sample_events_are_what_the_clock_sends() {
    for (name, wanted) in [
        ("compact", Clock::Compact {}),
        ("deliver_checkpoint", Clock::DeliverCheckpoint {}),
        ("sweep_holds", Clock::SweepHolds {}),
        ("sweep_offboardings", Clock::SweepOffboardings {}),
    ] {
        assert!(matches!(sample(name), Event::Clock(clock) if clock == wanted), "{name}");
    }
}

#[test]
fn the_sample_messages_are_of_people_who_have_left_and_of_none() {
    let read = |name: &str| {
        let Event::Messages(batch) = sample(name) else { panic!("{name} is no batch") };
        let read = |message: &aws::Message| domain::Offboarding::from_text(&message.body).is_ok();
        batch.records.iter().map(read).collect::<Vec<_>>()
    };
    assert_eq!(read("offboarded"), [true]);
    assert_eq!(read("poison"), [false, true, false]);
}

#[test]
fn the_clocks_events_are_read_and_nothing_else() {
    let read = |text: &str| match serde_json::from_str::<Event>(text) {
        Ok(Event::Clock(clock)) => Some(clock),
        _ => None,
    };
    assert_eq!(read(r#"{"deliver_checkpoint":{}}"#), Some(Clock::DeliverCheckpoint {}));
    assert_eq!(read(r#"{"compact":{}}"#), Some(Clock::Compact {}));
    for bad in
        ["{}", r#"{"compact":{"all":true}}"#, r#"{"erase":{}}"#, r#"{"compact":{},"x":1}"#, "\"compact\""]
    {
        assert_eq!(read(bad), None, "{bad}");
    }
}

#[test]
fn a_batch_is_answered_in_the_form_that_lambda_reads() {
    let failure = aws::Failure { item_identifier: "m1".to_owned() };
    let answer = Answer::Messages(BatchResponse { batch_item_failures: vec![failure] });
    assert_eq!(serde_json::to_string(&answer).unwrap(), r#"{"batchItemFailures":[{"itemIdentifier":"m1"}]}"#);
}
