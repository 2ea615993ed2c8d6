//! `countersign keys`. A new secret is printed once, alone on standard output, so that a script can take it from there.

use serde_json::{Value, json};

use super::client::{Answer, Call};
use super::desk::{Desk, Done, key};
use super::fault::field;
use super::show::{self, Column, Kind, object};
use crate::args::api::{Keys, NewKey};
use crate::print;

const COLUMNS: [Column; 7] = [
    Column("id", "/id", Kind::Whole),
    Column("kind", "/kind", Kind::Whole),
    Column("state", "/state", Kind::Whole),
    Column("agent", "/agent", Kind::Whole),
    Column("for", "/actions", Kind::Text),
    Column("ends", "/expires_at", Kind::When),
    Column("rotate by", "/rotate_by", Kind::When),
];

pub async fn run(mut desk: Desk, wanted: Keys) -> Done {
    match wanted {
        Keys::List => {
            let path = desk.in_tenant("/keys")?;
            desk.list(&path, &COLUMNS).await
        }
        Keys::Get { key } => {
            let path = desk.in_tenant(&format!("/keys/{key}"))?;
            desk.get(&path).await
        }
        Keys::Create(wanted) => {
            let path = desk.in_tenant(if wanted.service { "/keys/service" } else { "/keys/own" })?;
            reveal(&mut desk, Call::post(path, body(&wanted)).once(key()?)).await
        }
        Keys::Rotate { key: id, overlap } => {
            let path = desk.in_tenant(&format!("/keys/{id}/rotate"))?;
            reveal(&mut desk, Call::post(path, json!({"overlap_seconds": overlap}))).await
        }
        Keys::Revoke { key, own } => {
            let path = desk.in_tenant(&format!("/keys/{}{key}", if own { "own/" } else { "" }))?;
            desk.change(Call::delete(path), "the key is revoked: its next call is refused").await
        }
    }
}

/// What is not said is not limited.
fn body(wanted: &NewKey) -> Value {
    let mut body = serde_json::Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("agent", Some(json!(wanted.agent)));
    put("actions", Some(json!(wanted.actions)));
    put("models", (!wanted.models.is_empty()).then(|| json!(wanted.models)));
    put("providers", (!wanted.providers.is_empty()).then(|| json!(wanted.providers)));
    put("networks", (!wanted.networks.is_empty()).then(|| json!(wanted.networks)));
    put("requests_per_minute", wanted.per_minute.map(Value::from));
    put("expires_at", wanted.expires.map(|time| json!(time)));
    Value::Object(body)
}

async fn reveal(desk: &mut Desk, call: Call) -> Done {
    let answer = desk.api.send(call).await?;
    if answer.waits() {
        print::progress(&super::desk::waiting(&answer.body, &format!(" --tenant {}", desk.tenant()?)));
        return desk.print_json(&answer).map(drop);
    }
    if desk.is_json() {
        print::progress(ONCE);
        return desk.print(&answer);
    }
    let secret = field(&answer.body, SECRET)?;
    for line in object(&without_secret(&answer), aws::now()) {
        print::progress(&line);
    }
    print::progress(ONCE);
    show::print_line(secret)
}

const SECRET: &str = "gateway_key";
const ONCE: &str = "This key is shown this once and never again: put it where secrets are kept.";

fn without_secret(answer: &Answer) -> Value {
    let Value::Object(fields) = &answer.body else { return Value::Null };
    Value::Object(
        fields.iter().filter(|(name, _)| *name != SECRET).map(|(a, b)| (a.clone(), b.clone())).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::api::{Api, Nouns};
    use clap::Parser as _;

    fn asked(rest: &[&str]) -> Value {
        let agent = domain::AgentId::from_random([1; 10]).to_string();
        let words = [&["countersign", "keys", "create", "--agent", &agent], rest].concat();
        let program = crate::args::Program::try_parse_from(words).unwrap();
        let crate::args::Command::Api(Api::Of(Nouns::Keys(noun))) = program.command else { panic!() };
        let Keys::Create(wanted) = noun.command else { panic!() };
        body(&wanted)
    }

    #[test]
    fn what_is_not_said_is_not_sent() {
        let body = asked(&[]);
        assert_eq!(
            body.as_object().map(|body| body.keys().cloned().collect::<Vec<_>>()).unwrap(),
            ["agent", "actions"]
        );
        assert_eq!(body["actions"], json!(["llm.call", "models.list"]));
        let body = asked(&[
            "--actions=dlp.detect",
            "--models",
            "gpt-4o,gpt-5",
            "--networks=10.0.0.0/8",
            "--per-minute=60",
            "--expires",
            "2026-12-31T00:00:00.000Z",
        ]);
        assert_eq!(body["models"], json!(["gpt-4o", "gpt-5"]));
        assert_eq!((&body["networks"][0], &body["requests_per_minute"]), (&json!("10.0.0.0/8"), &json!(60)));
        assert_eq!(body["expires_at"], "2026-12-31T00:00:00.000Z");
    }

    #[test]
    fn the_secret_is_left_out_of_what_is_told() {
        let body = json!({"id": "x", "gateway_key": "cs_secret"});
        let answer = Answer { status: 201, tag: None, text: String::new(), body };
        assert_eq!(without_secret(&answer), json!({"id": "x"}));
    }
}
