//! The last suite: searches everything that the run left behind for what must be nowhere. The name keeps it last.
#![cfg(test)]

use std::path::Path;

use countersign_tests::support::{Tenant, aws, planted, stack};
use serde_json::{Value, json};

/// Places and what lies there, as text.
type Found = Vec<(String, String)>;

/// A few calls of this suite's own, so that it finds something to search when it runs alone.
fn make_calls() {
    let tenant = Tenant::new();
    assert_eq!(tenant.say(&planted::prompt()).status, 200);
    tenant.channel.tell(&json!({"status": 400, "body": planted::prompt()}));
    assert_eq!(tenant.say(&planted::prompt()).status, 400);
    assert_eq!(tenant.post(&planted::prompt()).send().status, 400);
    assert_eq!(tenant.records(5).len(), 5);
}

fn function_logs() -> Found {
    let groups = stack().at("/log_groups").clone();
    let names: Vec<String> = match groups {
        Value::Object(map) => map.values().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        list => list
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
    };
    assert!(!names.is_empty(), "there are logs to search");
    let log = |name: String| {
        let tokens = ("events", "nextToken", "nextToken");
        let events = aws::pages("root", "logs", "filter_log_events", json!({"logGroupName": name}), tokens);
        assert!(!events.is_empty(), "{name} has lines to search");
        (name, events.iter().map(|event| event["message"].to_string()).collect())
    };
    names.into_iter().map(log).collect()
}

fn files_below(directory: &Path, wanted: impl Fn(&str) -> bool + Copy) -> Found {
    let mut found = Found::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            found.extend(files_below(&path, wanted));
        } else if wanted(&name) {
            let bytes = std::fs::read(&path).unwrap_or_default();
            found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found
}

fn tables() -> Found {
    let tables = stack().at("/tables").as_object().unwrap().clone();
    let table = |name: &Value| {
        let tokens = ("Items", "LastEvaluatedKey", "ExclusiveStartKey");
        let items = aws::pages("root", "dynamodb", "scan", json!({"TableName": name}), tokens);
        assert!(!items.is_empty(), "{name} has rows to search");
        (name.to_string(), Value::Array(items).to_string())
    };
    tables.values().map(table).collect()
}

fn buckets() -> Found {
    let mut found = Found::new();
    for pointer in ["/buckets/locked", "/buckets/derived"] {
        let bucket = stack().text(pointer);
        for name in aws::object_names("root", bucket, "") {
            found.push((format!("{bucket}/{name}"), name.clone() + &aws::object("root", bucket, &name)));
        }
    }
    assert!(found.len() > 4, "there are objects to search");
    found
}

fn environments() -> Found {
    let functions = stack().at("/functions").as_object().unwrap().clone();
    let environment = |name: &Value| {
        let told = aws::must("root", "lambda", "get_function_configuration", &json!({"FunctionName": name}));
        (name.to_string(), told["Environment"].to_string())
    };
    functions.values().map(environment).collect()
}

#[test]
fn nothing_planted_and_no_secret_is_left_anywhere() {
    make_calls();
    let home = stack().home();
    let states = files_below(home, |name| name.contains(".tfstate"));
    assert!(!states.is_empty(), "there is a Terraform state to search");
    let logs = files_below(&home.join("logs"), |_| true);
    assert!(!logs.is_empty(), "there are logs to search");
    let secrets = planted::noted();
    assert!(!secrets.is_empty(), "something was planted");
    let places = [function_logs(), logs, states, tables(), buckets(), environments()].concat();
    println!(
        "searched {} places for {} secrets and {} values",
        places.len(),
        secrets.len(),
        planted::PERSONAL.len()
    );
    for (place, text) in &places {
        for (name, value) in planted::PERSONAL {
            assert!(!text.contains(value), "{place} holds the planted {name}");
        }
        assert!(
            !secrets.iter().any(|secret| text.contains(secret.as_str())),
            "{place} holds a secret of this run"
        );
    }
}
