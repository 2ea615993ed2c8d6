//! Nothing unguarded: a value planted in every string, and every free key, of the vendors' documented shapes, one at a
//! time. What becomes of it is `coverage.txt`, which a reviewer judges by its diff. `CS_BLESS=1` rewrites it.
//!
//! The shapes lie in `shapes/`: `{source, cases: [{name, body | events, keys}]}`, made from the vendors' SDK types. `keys`
//! are pointers to objects whose keys are the caller's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::*;
use crate::answer::render::Render;
use crate::sse::Event;
use crate::stream::Step;

const MARK: &str = "leaf@planted.example.org";
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/coverage.txt");

macro_rules! shape {
    ($name:literal) => {
        include_str!(concat!("../../../shapes/", $name, ".json"))
    };
}

const REQUESTS: [(Dialect, &str); 5] = [
    (Dialect::Chat, shape!("chat.request")),
    (Dialect::Responses, shape!("responses.request")),
    (Dialect::Embeddings, shape!("embeddings.request")),
    (Dialect::Messages, shape!("messages.request")),
    (Dialect::CountTokens, shape!("count_tokens.request")),
];
const ANSWERS: [(Dialect, &str); 5] = [
    (Dialect::Chat, shape!("chat.answer")),
    (Dialect::Responses, shape!("responses.answer")),
    (Dialect::Embeddings, shape!("embeddings.answer")),
    (Dialect::Messages, shape!("messages.answer")),
    (Dialect::CountTokens, shape!("count_tokens.answer")),
];
const STREAMS: [(Dialect, &str); 3] = [
    (Dialect::Chat, shape!("chat.stream")),
    (Dialect::Responses, shape!("responses.stream")),
    (Dialect::Messages, shape!("messages.stream")),
];

/// One place to plant in: how the table calls it, where it is, and whether it is a key.
#[derive(Debug, Clone)]
struct Leaf {
    label: Vec<String>,
    pointer: String,
    key: bool,
}

struct Shape {
    body: Value,
    leaves: Vec<Leaf>,
}

fn shapes(file: &str, content: &str) -> Vec<Shape> {
    let file: Value = serde_json::from_str(file).unwrap();
    let shape = |case: &Value| {
        let body = unwrapped(case[content].clone());
        let keys = case["keys"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let keys: Vec<_> = keys.map(|key| key.replacen("/*/data/", "/*/", 1)).collect();
        let mut leaves = Vec::new();
        walk(&body, &mut Vec::new(), String::new(), String::new(), &keys, &mut leaves);
        Shape { body, leaves }
    };
    file["cases"].as_array().unwrap().iter().map(shape).collect()
}

/// Anthropic's events are written with their names, which its data repeat.
fn unwrapped(body: Value) -> Value {
    let data = |event: Value| match event {
        Value::Object(mut fields) if fields.contains_key("event") => fields.remove("data").unwrap(),
        other => other,
    };
    match body {
        Value::Array(events) => events.into_iter().map(data).collect(),
        other => other,
    }
}

/// `generic` is the pointer with every index as `*`, as the shapes write it.
fn walk(
    value: &Value,
    label: &mut Vec<String>,
    pointer: String,
    generic: String,
    keys: &[String],
    out: &mut Vec<Leaf>,
) {
    match value {
        Value::String(_) => out.push(Leaf { label: label.clone(), pointer, key: false }),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                label.push(tagged("*", item));
                walk(item, label, format!("{pointer}/{n}"), format!("{generic}/*"), keys, out);
                label.pop();
            }
        }
        Value::Object(fields) => {
            if keys.contains(&generic) {
                let label = [label.as_slice(), &["(key)".to_owned()]].concat();
                out.push(Leaf { label, pointer: pointer.clone(), key: true });
            }
            for (name, field) in fields {
                label.push(tagged(name, field));
                let escaped = name.replace('~', "~0").replace('/', "~1");
                walk(field, label, format!("{pointer}/{escaped}"), format!("{generic}/{escaped}"), keys, out);
                label.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What an object is stands in its type or role.
fn tagged(name: &str, value: &Value) -> String {
    let kind = value.get("type").or_else(|| value.get("role")).and_then(Value::as_str);
    kind.map_or_else(|| name.to_owned(), |kind| format!("{name}<{kind}>"))
}

fn planted(shape: &Shape, leaf: &Leaf, text: &str) -> Value {
    let mut body = shape.body.clone();
    let at = body.pointer_mut(&leaf.pointer).unwrap();
    if leaf.key {
        at.as_object_mut().unwrap().insert(text.to_owned(), json!("x"));
    } else {
        *at = Value::from(text);
    }
    body
}

fn case_of(dialect: Dialect, body: &Value) -> Case {
    Case::with(|case| {
        let provider = &mut case.providers.as_mut().unwrap().0[0];
        if dialect.vendor() == Vendor::Anthropic {
            provider.kind = domain::ProviderKind::Anthropic;
        }
        case.route = sent(dialect, body);
    })
}

/// The model that every case asks for, unless the mark is planted there.
fn asking(mut body: Value, leaf: &Leaf) -> Value {
    if leaf.pointer != "/model" {
        body["model"] = json!("gpt-4o");
    }
    body
}

const ALL_PERMITS: [domain::Uninspectable; 6] = [
    domain::Uninspectable::Images,
    domain::Uninspectable::Audio,
    domain::Uninspectable::Files,
    domain::Uninspectable::RemoteUrls,
    domain::Uninspectable::HostedTools,
    domain::Uninspectable::Stored,
];

/// What becomes of a mark in a request. That it leaves is no outcome: it fails the test.
fn requested(dialect: Dialect, body: &Value, permits: &[domain::Uninspectable], at: &str) -> String {
    let mut case = case_of(dialect, body);
    case.policy.as_mut().unwrap().permits = permits.iter().copied().collect();
    match case.decide() {
        Decision::Refuse { refused, record, .. } => {
            assert!(!format!("{record:?}").contains(MARK), "{at}: recorded");
            let told = format!("{:?}{:?}", refused.param, refused.hint);
            assert!(!told.contains(MARK), "{at}: repeated in the error");
            format!("refused {}", refused.reason)
        }
        Decision::Forward(plan) => {
            let text = sent_text(&plan);
            assert!(!text.contains(MARK), "{at}: sent to the provider: {text}");
            let attempt = format!("{:?}", plan.call.attempt);
            assert!(!attempt.contains(MARK), "{at}: recorded");
            if text.contains("[EMAIL_") { "redacted" } else { "replaced" }.to_owned()
        }
        Decision::Models(_) => panic!("a call lists no models"),
    }
}

/// A row: its cells by the leaf's labels.
type Rows = BTreeMap<Vec<String>, BTreeSet<Vec<String>>>;

fn request_rows(dialect: Dialect, file: &str) -> Rows {
    let mut rows = Rows::new();
    for shape in shapes(file, "body") {
        for leaf in &shape.leaves {
            if rows.contains_key(&leaf.label) {
                continue;
            }
            let body = asking(planted(&shape, leaf, MARK), leaf);
            let at = format!("{dialect:?} {}", leaf.pointer);
            let strict = requested(dialect, &body, &[], &at);
            let permitted = if strict == "refused uninspectable" {
                requested(dialect, &body, &ALL_PERMITS, &at)
            } else {
                String::new()
            };
            rows.entry(leaf.label.clone()).or_default().insert(vec![strict, permitted]);
        }
    }
    rows
}

/// The rules of an answer to a call whose prompt held the mark, and the placeholder that stands for it.
fn rendering(dialect: Dialect, restore: &[RestoreField], redact_answers: bool) -> (Call, String) {
    let said = json!([{"role": "user", "content": MARK}]);
    let body = match dialect {
        Dialect::Responses => json!({"model": "gpt-4o", "store": false, "input": MARK, "stream": true}),
        Dialect::Embeddings => json!({"model": "gpt-4o", "input": MARK}),
        Dialect::CountTokens => json!({"model": "gpt-4o", "messages": said}),
        Dialect::Messages => json!({"model": "gpt-4o", "max_tokens": 9, "messages": said, "stream": true}),
        Dialect::Chat => json!({"model": "gpt-4o", "messages": said, "stream": true}),
    };
    let mut case = case_of(dialect, &body);
    let policy = case.policy.as_mut().unwrap();
    policy.restore = restore.iter().copied().collect();
    policy.redact_answers = redact_answers;
    let plan = case.forwarded();
    let text = sent_text(&plan);
    let (_, rest) = text.split_once("[EMAIL_1_").unwrap();
    let (nonce, _) = rest.split_once(']').unwrap();
    (plan.call, format!("[EMAIL_1_{nonce}]"))
}

fn answered(dialect: Dialect, render: &Render, body: Value) -> String {
    let mut body = body;
    render.answer(dialect, &mut body);
    body.to_string()
}

fn streamed(call: &Call, events: &Value) -> String {
    let mut listener = call.listener();
    let mut out = String::new();
    for event in events.as_array().unwrap() {
        match listener.event(&Event { name: None, data: event.to_string() }) {
            Ok(Step::On(events) | Step::Whole(events)) => {
                events.iter().for_each(|event| writeln!(out, "{}", event.data).unwrap());
            }
            Err(_) => return out,
        }
    }
    if let Ok(Step::On(events) | Step::Whole(events)) = listener.end() {
        events.iter().for_each(|event| writeln!(out, "{}", event.data).unwrap());
    }
    out
}

const DEFAULT: [RestoreField; 2] = [RestoreField::Text, RestoreField::Reasoning];
const EVERYWHERE: [RestoreField; 4] =
    [RestoreField::Text, RestoreField::Reasoning, RestoreField::ToolArguments, RestoreField::Links];

/// Spaces, so that what stands beside it in a stream is no part of it.
fn spaced(text: &str) -> String {
    format!(" {text} ")
}

fn answer_rows(dialect: Dialect, file: &str, content: &str) -> Rows {
    let (by_default, placeholder) = rendering(dialect, &DEFAULT, false);
    let (everywhere, same) = rendering(dialect, &EVERYWHERE, false);
    let (searched, _) = rendering(dialect, &[], true);
    assert_eq!(placeholder, same);
    let put = |call: &Call, body: Value| match content {
        "events" => streamed(call, &body),
        _ => answered(dialect, &call.render, body),
    };
    let restored = |text: &str| if text.contains(MARK) { "value" } else { "-" }.to_owned();
    let mut rows = Rows::new();
    for shape in shapes(file, content) {
        for leaf in &shape.leaves {
            if rows.contains_key(&leaf.label) {
                continue;
            }
            let ours = planted(&shape, leaf, &spaced(&placeholder));
            let made_up = put(&searched, planted(&shape, leaf, &spaced(MARK)));
            let passes = if made_up.contains(MARK) { "passes" } else { "-" };
            let cells = vec![
                restored(&put(&by_default, ours.clone())),
                restored(&put(&everywhere, ours)),
                passes.to_owned(),
            ];
            may_be(dialect, leaf, &cells);
            // What may pass is named in the table's head, not in a line each.
            if cells != ["-", "-", "passes"] {
                rows.entry(leaf.label.clone()).or_default().insert(cells);
            }
        }
    }
    rows
}

/// Strings that a redactor of answers leaves: a changed byte would break what they are for. No dialect puts words there.
const OPAQUE: [&str; 9] = [
    "call_id",
    "data",
    "encrypted_content",
    "encrypted_index",
    "id",
    "item_id",
    "signature",
    "tool_use_id",
    "type",
];

/// Where a value may come back by default, and where a made-up one may pass.
const WORDS: [&str; 13] = [
    "content",
    "delta",
    "instructions",
    "output_text",
    "reasoning",
    "reasoning_content",
    "refusal",
    // The caller's own, repeated to it.
    "stop_sequence",
    "summary",
    "text",
    "thinking",
    "transcript",
    "*",
];

fn may_be(dialect: Dialect, leaf: &Leaf, cells: &[String]) {
    let last = leaf.pointer.rsplit('/').next().unwrap();
    let name = if last.bytes().all(|byte| byte.is_ascii_digit()) { "*" } else { last };
    let at = format!("{dialect:?} {}", leaf.label.join("."));
    assert!(cells[0] != "value" || WORDS.contains(&name), "{at}: a value comes back there by default");
    assert!(cells[2] != "passes" || OPAQUE.contains(&name), "{at}: what a model makes up passes there");
}

/// A part of the table. What lies below one place and fares alike is one line, with the number of its leaves.
fn table(out: &mut String, title: &str, columns: &str, rows: &Rows) {
    writeln!(out, "\n## {title}\n# {columns}").unwrap();
    let mut folded = Vec::new();
    fold(&[], rows, &mut folded);
    for (label, count, cells) in folded {
        let more = if count > 1 { format!(".** ({count})") } else { String::new() };
        let cells: Vec<_> = cells.iter().map(|cells| cells.join(" | ")).collect();
        writeln!(out, "{}{more}  {}", label.join("."), cells.join(" ; ").trim_end_matches(" | ")).unwrap();
    }
}

type Folded = (Vec<String>, usize, BTreeSet<Vec<String>>);

fn fold(prefix: &[String], rows: &Rows, out: &mut Vec<Folded>) {
    let below: Vec<_> = rows.iter().filter(|(label, _)| label.starts_with(prefix)).collect();
    let Some((first, cells)) = below.first() else { return };
    if !prefix.is_empty() && below.iter().all(|(_, other)| other == cells) {
        let label = if below.len() == 1 { (*first).clone() } else { prefix.to_vec() };
        return out.push((label, below.len(), (*cells).clone()));
    }
    let next: BTreeSet<_> = below.iter().filter_map(|(label, _)| label.get(prefix.len()).cloned()).collect();
    for name in next {
        fold(&[prefix, &[name]].concat(), rows, out);
    }
}

#[test]
fn every_string_of_the_documented_shapes_is_guarded() {
    let mut out =
        "# What becomes of a value planted in one string of a documented shape. Written by its test.\n# Of answers, \
         what a changed byte would break passes as the provider wrote it, and has no line: "
            .to_owned();
    writeln!(out, "{}.", OPAQUE.join(", ")).unwrap();
    for (dialect, file) in REQUESTS {
        let title = format!("{dialect:?}: request, towards the provider");
        table(&mut out, &title, "field  without permits | with every permit", &request_rows(dialect, file));
    }
    let columns =
        "field  the caller's value by default | restored wherever policy can | made up, answers redacted";
    for (dialect, file) in ANSWERS {
        table(
            &mut out,
            &format!("{dialect:?}: whole answer, towards the caller"),
            columns,
            &answer_rows(dialect, file, "body"),
        );
    }
    for (dialect, file) in STREAMS {
        table(
            &mut out,
            &format!("{dialect:?}: streamed answer, towards the caller"),
            columns,
            &answer_rows(dialect, file, "events"),
        );
    }
    let bless = std::env::var_os("CS_BLESS").is_some();
    if bless {
        std::fs::write(FILE, &out).unwrap();
    }
    let reviewed = std::fs::read_to_string(FILE).unwrap_or_default();
    let differs = reviewed.lines().zip(out.lines()).find(|(old, new)| old != new);
    assert!(
        reviewed == out,
        "coverage.txt differs, first at {differs:?}: review it with CS_BLESS=1 and git diff"
    );
}

/// What the vendors document and no permit lets pass, by how the case's name begins. Reviewed: each has its reason.
const REFUSED_ALL_THE_SAME: [(&str, &str); 5] = [
    ("field moderation", "asks the provider to send the text to another of its models"),
    ("field access_programs", "asks the provider to treat the content by rules of its own"),
    ("input[](additional_tools)", "declares tools inside the history, past the check of what is declared"),
    ("input[](configuration_update)", "changes fields of the request inside its history, past their checks"),
    ("input ", "token ids: text that nobody here can read"),
];

/// A shape that every caller may send must not be refused for being new.
#[test]
fn the_plain_shapes_are_allowed() {
    let mut refused_here = Vec::new();
    for (dialect, file) in REQUESTS {
        let file: Value = serde_json::from_str(file).unwrap();
        for case in file["cases"].as_array().unwrap().iter().filter(|case| case["needs"].is_null()) {
            let mut body = case["body"].clone();
            body["model"] = json!("gpt-4o");
            if let Decision::Refuse { refused, .. } = case_of(dialect, &body).decide() {
                let name = case["name"].as_str().unwrap();
                if !REFUSED_ALL_THE_SAME.iter().any(|(start, _)| name.starts_with(start)) {
                    refused_here
                        .push(format!("{dialect:?} {name}: {:?} {:?}", refused.reason, refused.param));
                }
            }
        }
    }
    assert!(refused_here.is_empty(), "{refused_here:#?}");
}
