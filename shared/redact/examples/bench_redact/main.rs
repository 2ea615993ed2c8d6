//! Speed of redaction, on one thread, every detector on, names and addresses too: prints JSON. `make bench FILE=redact`.
//!
//! What is timed is [`redact_json`] over whole requests as the gateway has them, parsed: search, placeholders, vault and
//! the new body. Megabytes are those of the messages' text. `_search` is [`Policy::detect`] alone, and `_ids` redaction
//! without names and addresses, as where no policy asks for them. With a folder as its argument, the texts are left there for
//! others to be measured on.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measurement for whoever runs it"
)]
#![expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "of small numbers")]

mod texts;
#[expect(dead_code, reason = "sentences and names of types are for the tests")]
#[path = "../../tests/redact/evasion/values.rs"]
mod values;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use countersign_redact::{Direction, Document, Draw, Exempt, Nonce, Policy, redact_json};
use domain::{ActionId, Timestamp};
use serde_json::{Value, json};

const ROUNDS: usize = 15;
/// Text of one request.
const REQUEST: usize = 64 << 10;
const CHAT: usize = 4 << 20;
const DENSE: usize = 2 << 20;
const MESSAGE: usize = 2_000;
const MESSAGES: usize = 1_000;

struct Bench {
    policy: Policy,
    action: ActionId,
}

impl Bench {
    fn new(document: &str) -> Self {
        let document = Document::parse(document).unwrap();
        let policy = Policy::compile(None, Some(&document), None).unwrap();
        let now = Timestamp::from_unix_millis(1_790_000_000_123).unwrap();
        Self { policy, action: ActionId::new(now, [7; 10]) }
    }

    /// Seconds for all bodies, and how many values left them.
    fn round(&self, bodies: Vec<Value>) -> (f64, u64) {
        let mut found = 0;
        let began = Instant::now();
        for body in bodies {
            let draw = Draw { nonce: Nonce::from_bytes([1; 5]), tokens: [1; 32] };
            let redaction =
                redact_json(&self.policy, self.action, draw, &|_| String::new(), body, &Exempt::default());
            let redaction = black_box(redaction).expect("it redacts");
            found += redaction.findings.iter().map(|(_, count)| count).sum::<u64>();
        }
        (began.elapsed().as_secs_f64(), found)
    }

    /// Seconds of the fastest search through all messages.
    fn search(&self, messages: &[String]) -> f64 {
        let round = |_| {
            let began = Instant::now();
            for message in messages {
                black_box(self.policy.detect(message, None, Direction::Request));
            }
            began.elapsed().as_secs_f64()
        };
        (0..ROUNDS).map(round).fold(f64::MAX, f64::min)
    }

    /// Seconds of each round, fastest first, and what one round found.
    fn rounds(&self, bodies: &[Value]) -> (Vec<f64>, u64) {
        let rounds = (0..ROUNDS).map(|_| self.round(bodies.to_vec())).collect::<Vec<_>>();
        let mut seconds = rounds.iter().map(|(seconds, _)| *seconds).collect::<Vec<_>>();
        seconds.sort_by(f64::total_cmp);
        (seconds, rounds[0].1)
    }
}

/// Requests of so many messages that each has about [`REQUEST`] bytes of text.
fn requests(messages: &[String]) -> Vec<Value> {
    let mut requests = Vec::new();
    let (mut open, mut length) = (Vec::new(), 0);
    for message in messages {
        length += message.len();
        open.push(json!({"role": "user", "content": message}));
        if length >= REQUEST {
            requests.push(json!({"model": "gpt-4o-mini", "messages": std::mem::take(&mut open)}));
            length = 0;
        }
    }
    requests.push(json!({"model": "gpt-4o-mini", "messages": open}));
    requests
}

fn total(messages: &[String]) -> f64 {
    messages.iter().map(String::len).sum::<usize>() as f64
}

fn main() {
    let bench = Bench::new(r#"{"v":1,"types":{"*":{"action":"redact","direction":"both"}}}"#);
    let without_names = Bench::new(r#"{"v":1}"#);
    let (chat, dense) = (texts::chat(CHAT), texts::dense(DENSE));
    if let Some(folder) = std::env::args().nth(1).map(PathBuf::from) {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("chat.json"), serde_json::to_vec(&chat).unwrap()).unwrap();
        std::fs::write(folder.join("dense.json"), serde_json::to_vec(&dense).unwrap()).unwrap();
    }
    let mut numbers = serde_json::Map::new();
    for (name, messages) in [("chat", &chat), ("dense", &dense)] {
        let (seconds, found) = bench.rounds(&requests(messages));
        let rate = |seconds: f64| total(messages) / seconds / 1e6;
        numbers.insert(format!("{name}_mb_per_s"), json!(rate(seconds[0])));
        numbers.insert(format!("{name}_median_mb_per_s"), json!(rate(seconds[ROUNDS / 2])));
        numbers.insert(format!("{name}_search_mb_per_s"), json!(rate(bench.search(messages))));
        let (seconds, _) = without_names.rounds(&requests(messages));
        numbers.insert(format!("{name}_ids_mb_per_s"), json!(rate(seconds[0])));
        numbers.insert(format!("{name}_found_per_kb"), json!(found as f64 / total(messages) * 1e3));
    }
    let short = texts::of_length(MESSAGE, MESSAGES);
    let bodies = short.iter().map(|one| requests(std::slice::from_ref(one)).remove(0)).collect::<Vec<_>>();
    let (seconds, _) = bench.rounds(&bodies);
    numbers.insert("message_2kb_us".to_owned(), json!(seconds[0] / MESSAGES as f64 * 1e6));
    numbers.insert("message_2kb_median_us".to_owned(), json!(seconds[ROUNDS / 2] / MESSAGES as f64 * 1e6));
    println!("{}", Value::Object(numbers));
}
