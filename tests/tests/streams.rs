//! Answers that arrive piece by piece, through the gateway's real binary with true streaming: when each piece leaves,
//! what a stream that goes wrong ends with, and that every one is settled and recorded.
#![cfg(test)]

use std::sync::OnceLock;

use countersign_tests::support::records::Record;
use countersign_tests::support::tenant::Budget;
use countersign_tests::support::{Function, Request, Tenant, planted};
use serde_json::{Value, json};

/// Short enough for a test to wait for, long enough for a starved machine to answer within.
const DEADLINE_MS: &str = "6000";

fn gateway() -> &'static Function {
    static GATEWAY: OnceLock<Function> = OnceLock::new();
    GATEWAY.get_or_init(|| Function::gateway("gateway", 3, &[("CS_PROVIDER_TIMEOUT_MS", DEADLINE_MS)]))
}

/// Where a stream is looked at from elsewhere while it is open, for as long as that takes.
fn patient() -> &'static Function {
    static PATIENT: OnceLock<Function> = OnceLock::new();
    PATIENT.get_or_init(|| Function::gateway("gateway", 3, &[("CS_PROVIDER_TIMEOUT_MS", "50000")]))
}

/// A dialect, the kind of its own provider, and a streamed call of it.
struct Spoken {
    kind: &'static str,
    path: &'static str,
    body: fn(&str) -> Value,
    /// The text of an event, if it brings any.
    text: fn(&Value) -> Option<&str>,
    /// How many events the stand-in sends up to the first words.
    to_first_words: usize,
    /// What stands in a stream that ended well, and in no other.
    end: &'static str,
}

const CHAT: Spoken = Spoken {
    kind: "openai",
    path: "/v1/chat/completions",
    body: |said| json!({"model": "gpt-4o-mini", "stream": true, "messages": [{"role": "user", "content": said}]}),
    text: |event| event["choices"][0]["delta"]["content"].as_str(),
    to_first_words: 2,
    end: "data: [DONE]",
};
const RESPONSES: Spoken = Spoken {
    kind: "openai",
    path: "/v1/responses",
    body: |said| json!({"model": "gpt-4o-mini", "stream": true, "store": false, "input": said}),
    text: |event| (event["type"] == "response.output_text.delta").then(|| event["delta"].as_str())?,
    to_first_words: 5,
    end: "event: response.completed",
};
const MESSAGES: Spoken = Spoken {
    kind: "anthropic",
    path: "/v1/messages",
    body: |said| {
        json!({"model": "gpt-4o-mini", "stream": true, "max_tokens": 500,
            "messages": [{"role": "user", "content": said}]})
    },
    text: |event| event["delta"]["text"].as_str(),
    to_first_words: 4,
    end: "event: message_stop",
};
const ALL: [Spoken; 3] = [CHAT, RESPONSES, MESSAGES];

impl Spoken {
    fn tenant(&self) -> Tenant {
        Tenant::of_kind(self.kind, &[])
    }

    fn ask(&self, tenant: &Tenant, said: &str) -> Request {
        tenant.ask(gateway().url(self.path), &(self.body)(said))
    }

    fn said(&self, events: &[Value]) -> String {
        events.iter().filter_map(self.text).collect()
    }
}

/// Each dialect side by side.
fn in_every_dialect(check: impl Fn(&Spoken) + Sync) {
    std::thread::scope(|scope| {
        for spoken in &ALL {
            scope.spawn(|| check(spoken));
        }
    });
}

fn outcome(tenant: &Tenant, count: usize) -> (Record, Record) {
    let records = tenant.records(count);
    let of = |phase: &str| records.iter().find(|record| record.field("phase") == phase).unwrap().clone();
    (of("attempt"), of("outcome"))
}

/// The provider sends an event only when it is told to: what the caller has seen by then cannot have waited for more.
#[test]
fn tokens_leave_before_the_next_ones_arrive() {
    in_every_dialect(|spoken| {
        let tenant = spoken.tenant();
        let long: String = (0..40).map(|n| format!("word{n} ")).collect();
        tenant.channel.tell(&json!({"stepped": true, "chunk_chars": 200, "content": long}));
        let call = tenant.ask(patient().url(spoken.path), &(spoken.body)("hello"));
        let mut live = call.open();
        assert_eq!(live.answer.status, 200);
        tenant.channel.step(spoken.to_first_words);
        live.until(|body| body.contains("word0 "));
        assert!(!live.answer.body.contains(spoken.end), "{}", live.answer.body);
        assert_eq!(tenant.budget().open_holds, 1, "it is not over");
        assert_eq!(tenant.records(1)[0].says(), ["attempt", "allow", "allowed"]);
        tenant.channel.step(100);
        let answer = live.rest();
        assert!(answer.body.contains(spoken.end), "{}", answer.body);
        assert_eq!(spoken.said(&answer.events()), long);
        // Settled and recorded before its end: nothing is waited for here.
        assert_eq!(tenant.budget().open_holds, 0);
        assert_eq!(outcome(&tenant, 2).1.says(), ["outcome", "allow", "completed"]);
    });
}

/// Characters one by one, in every way to write events: values come back whole, and the provider saw none.
#[test]
fn redaction_and_restoring_survive_every_cut_and_framing() {
    in_every_dialect(|spoken| {
        let tenant = spoken.tenant();
        let framings = ["plain", "crlf", "cr", "tight", "noisy", "multiline"];
        for framing in framings {
            tenant.channel.tell(&json!({"chunk_chars": 1, "write_bytes": 7, "framing": framing}));
            let answer = spoken.ask(&tenant, &planted::note_text()).send();
            let said = spoken.said(&answer.events());
            assert_eq!(said, format!("You said: {}", planted::note_text()), "{framing}");
            assert!(answer.body.contains(spoken.end), "{framing}: {}", answer.body);
        }
        tenant.channel.tell(&json!({"chunk_chars": 1, "sse": "split_utf8", "content": "שלום, ça va? 👋"}));
        let answer = spoken.ask(&tenant, "hello").send();
        assert_eq!(spoken.said(&answer.events()), "שלום, ça va? 👋");
        let received = json!(tenant.channel.received()).to_string();
        assert_eq!(planted::leaked(&received), [""; 0]);
        let records = tenant.records(2 * (framings.len() + 1));
        let completed = records.iter().filter(|record| record.says() == ["outcome", "allow", "completed"]);
        assert_eq!(completed.count(), framings.len() + 1);
    });
}

/// A stream's fault and the reason that is recorded.
const FAULTS: [(&str, &str); 9] = [
    ("malformed", "provider_malformed"),
    ("bad_utf8", "provider_malformed"),
    ("long_event", "provider_malformed"),
    // To a reader it is one event that never ended.
    ("unseparated", "provider_broken"),
    ("truncate", "provider_broken"),
    ("no_end", "provider_broken"),
    ("error_event", "provider_error"),
    ("flat_error_event", "provider_error"),
    ("stall", "provider_timeout"),
];

fn ends_with_an_error(spoken: &Spoken, fault: &str, reason: &str) {
    let name = format!("{} {fault}", spoken.path);
    let tenant = spoken.tenant();
    tenant.channel.tell(&json!({"sse": fault, "chunk_chars": 8}));
    let answer = spoken.ask(&tenant, &planted::prompt()).send();
    let (attempt, outcome) = outcome(&tenant, 2);
    assert_eq!(outcome.says(), ["outcome", "allow", reason], "{name}: {}", answer.body);
    // A status of 200 has left long before, so the last event tells it, in the dialect's own shape.
    assert_eq!(answer.status, 200, "{name}");
    assert!(!answer.body.contains(spoken.end), "{name}: {}", answer.body);
    let events = answer.events();
    let last = events.last().unwrap_or_else(|| panic!("{name}: {answer:?}"));
    assert_eq!(last["error"]["code"], reason, "{name}: {last}");
    assert_eq!(answer.body.matches(reason).count(), last.to_string().matches(reason).count(), "{name}");
    // What had been held back is not let go.
    assert_eq!(planted::leaked(&last.to_string()), [""; 0], "{name}");
    let held = attempt.metadata("held_tokens");
    assert_eq!(outcome.metadata("settled_tokens"), held, "{name}: it may have cost anything");
    let Budget { limit, avail, spent, open_holds, .. } = tenant.budget();
    assert_eq!((open_holds, avail + spent, Some(spent)), (0, limit, held.as_u64()), "{name}");
    for record in [attempt, outcome] {
        assert_eq!(planted::leaked(&record.text), [""; 0], "{name}");
    }
    tenant.channel.closed();
}

#[test]
fn a_stream_that_goes_wrong_ends_with_the_dialects_error_and_is_settled() {
    in_every_dialect(|spoken| {
        for (fault, reason) in FAULTS {
            // Anthropic's error says that it is overloaded.
            let overloaded = spoken.path == MESSAGES.path && fault.ends_with("error_event");
            ends_with_an_error(spoken, fault, if overloaded { "provider_unavailable" } else { reason });
        }
    });
}

#[test]
fn a_stream_that_fails_in_the_dialects_own_way_is_an_error() {
    ends_with_an_error(&RESPONSES, "failed", "provider_error");
}

#[test]
fn a_refusal_before_the_stream_is_a_whole_answer() {
    in_every_dialect(|spoken| {
        let tenant = spoken.tenant();
        tenant.channel.tell(&json!({"status": 429, "headers": {"retry-after": "7"}}));
        let answer = spoken.ask(&tenant, "hello").send();
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(outcome(&tenant, 2).1.says(), ["outcome", "allow", "provider_throttled"]);
        assert_eq!((tenant.budget().open_holds, tenant.budget().spent), (0, 0));
    });
}

/// Lambda tells a function nothing of a caller that left: the answer is read to its end and paid for.
#[test]
fn a_caller_that_leaves_changes_nothing_of_the_settling() {
    in_every_dialect(|spoken| {
        let tenant = spoken.tenant();
        let behaviour = json!({"event_delay_ms": 60, "chunk_chars": 10, "content": "word ".repeat(60),
            "usage": {"prompt_tokens": 11, "completion_tokens": 22}});
        tenant.channel.tell(&behaviour);
        let mut live = spoken.ask(&tenant, "hello").open();
        live.until(|body| body.contains("word"));
        live.leave();
        let (_, outcome) = outcome(&tenant, 2);
        assert_eq!(outcome.says(), ["outcome", "allow", "completed"]);
        assert_eq!(outcome.metadata("settled_tokens"), 33);
        assert_eq!((tenant.budget().open_holds, tenant.budget().spent), (0, 33));
        tenant.channel.closed();
    });
}

/// Usage that is absent, negative, no number or beyond all bounds costs the hold and never more.
#[test]
fn a_usage_that_lies_costs_the_hold() {
    in_every_dialect(|spoken| {
        for usage in [
            json!({ "usage": null }),
            json!({"usage_raw": {"prompt_tokens": -5, "input_tokens": -5, "output_tokens": -1}}),
            json!({"usage_raw": "many"}),
            json!({"usage": {"prompt_tokens": 1_u64 << 62, "completion_tokens": 1_u64 << 62}}),
        ] {
            let tenant = spoken.tenant();
            tenant.channel.tell(&usage);
            let answer = spoken.ask(&tenant, "hello").send();
            assert!(answer.body.contains(spoken.end), "{usage}: {}", answer.body);
            let (attempt, outcome) = outcome(&tenant, 2);
            assert_eq!(outcome.says(), ["outcome", "allow", "completed"], "{usage}");
            assert_eq!(outcome.metadata("settled_tokens"), attempt.metadata("held_tokens"), "{usage}");
            assert_eq!(tenant.budget().open_holds, 0);
        }
    });
}
