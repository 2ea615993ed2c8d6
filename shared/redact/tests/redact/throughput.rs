//! Work on hostile text, and speed. Both are about time, so they run on request, built for release:
//! `cargo test --release -p countersign-redact -- --ignored --nocapture`

use crate::common::{action, nonce, set};
use countersign_redact::{Exempt, redact_json};
use serde_json::Value;
use std::time::{Duration, Instant};

const CHAT: &str = "Thanks for the quick answer yesterday! I looked at chapter 3 again, and I still do not see why \
    the second request, sent at 10:42, was counted twice: the invoice of 12 March says 1,299.00 EUR. Could you \
    explain it to me step by step, please? שלום, אשמח לעזרה. Viele Grüße aus Köln, bis später.\n";

const DENSE: &str = "dana@example.com, 4111 1111 1111 1111, DE89 3704 0044 0532 0130 00, 460-89-9847, 123456782, \
    10.1.2.3, 2001:db8::7, AKIAIOSFODNN7EXAMPLE; ";

/// Best of several runs, so that a busy neighbour does not count.
fn best(text: &str, runs: usize, work: impl Fn(&str)) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work(text);
        start.elapsed()
    };
    let best = (0..runs).map(time).min().unwrap_or(Duration::MAX);
    text.len() as f64 / best.as_secs_f64() / 1e6
}

/// A refusal is an answer too: text made to yield finding after finding gets one.
fn redact(text: &str) {
    drop(redact_json(set(), action(), nonce(), Value::String(text.to_owned()), &Exempt::default()));
}

#[test]
#[ignore = "measures time"]
fn speed() {
    let detect = |text: &str| drop(set().detect(text));
    for (name, text) in [("chat", CHAT.repeat(4000)), ("dense", DENSE.repeat(2000)), ("2 KB", CHAT.repeat(7))]
    {
        println!(
            "{name}: detect {:.0} MB/s, redact {:.0} MB/s",
            best(&text, 9, detect),
            best(&text, 9, redact)
        );
    }
}

#[test]
#[ignore = "measures time"]
fn hostile_text_costs_its_length() {
    let pieces = [
        "a@",
        "a.a@b.",
        "1 ",
        "1.",
        "1.1.1.1.",
        "a:",
        "::",
        "1:",
        "eyJ",
        "eyJaaaaaaaaaa.",
        "-eyJ",
        ".eyJ",
        "sk-",
        "-sk-",
        "xoxb-",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----a\n",
        "4111-",
        "GB82 ",
        "GB82",
        "123-45-",
        "א@",
        "é",
        "_glpat-",
        "[EMAIL_1_",
        "](",
        "<a ",
        "AKIA",
        "4 ",
        "41111111111111111",
        "de891",
    ];
    for piece in pieces {
        let rate = |length: usize| best(&piece.repeat(length / piece.len()), 3, redact);
        let (short, long) = (rate(20_000), rate(1_000_000));
        println!("{piece:?}: {short:.1} MB/s at 20 KB, {long:.1} MB/s at 1 MB");
        assert!(long > 0.3 && long * 4.0 > short, "{piece:?} costs more than its length");
    }
}
