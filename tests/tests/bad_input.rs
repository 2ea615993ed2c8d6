//! What bad input gets: the right status in the dialect's shape, and a record where the caller is known.
#![cfg(test)]

use base64::Engine as _;
use countersign_tests::support::records::Record;
use countersign_tests::support::stack::unique;
use countersign_tests::support::tenant::{MODEL, chat_body};
use countersign_tests::support::{Answer, Request, Tenant, aws, planted, stack};
use domain::{GatewayKey, KeyKind, Region, TenantId};
use serde_json::{Value, json};

/// A request, the status that it gets, and the reason. The reason is also the error's code, but for 401.
type Case = (&'static str, Request, u16, &'static str);

fn code(status: u16, reason: &str) -> &str {
    if status == 401 { "invalid_api_key" } else { reason }
}

/// An error as OpenAI's SDKs read it, which repeats nothing that the caller sent.
fn refused_in_shape(name: &str, answer: &Answer, status: u16, reason: &str) {
    assert_eq!(answer.status, status, "{name}: {answer:?}");
    let body = answer.json();
    let error = body["error"].as_object().unwrap_or_else(|| panic!("{name}: {body}"));
    let mut fields: Vec<_> = error.keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["code", "message", "param", "type"], "{name}");
    assert_eq!(error["code"], code(status, reason), "{name}: {body}");
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{name}: {body}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{name}");
    assert_eq!(planted::leaked(&answer.all_text()), [""; 0], "{name}");
}

/// Every case is refused, nothing reaches the provider, and each is recorded once under its action.
fn all_are_refused_and_recorded(tenant: &Tenant, cases: Vec<Case>) {
    let count = cases.len();
    let refused = cases.into_iter().map(|(name, request, status, reason)| {
        let answer = request.send();
        refused_in_shape(name, &answer, status, reason);
        (name, reason, status, answer.action())
    });
    let refused: Vec<_> = refused.collect();
    let records = tenant.records(count);
    for (name, reason, status, action) in refused {
        let mine: Vec<&Record> =
            records.iter().filter(|record| record.field("action_id") == action).collect();
        assert_eq!(mine.len(), 1, "{name}: one record");
        assert_eq!(mine[0].says(), ["single", "deny", reason], "{name}");
        assert_eq!(mine[0].metadata("status"), status, "{name}");
        assert_eq!(planted::leaked(&mine[0].text), [""; 0], "{name}");
    }
    assert!(tenant.channel.received().is_empty(), "something was sent");
    assert_eq!((tenant.budget().spent, tenant.budget().open_holds), (0, 0));
}

/// A chat body with one field changed.
fn with(field: &str, value: Value) -> String {
    let mut body = chat_body(&planted::prompt());
    body[field] = value;
    body.to_string()
}

fn user_part(part: Value) -> Value {
    json!([{"role": "user", "content": [{"type": "text", "text": planted::prompt()}, part]}])
}

#[test]
fn malformed_bodies_are_refused_and_recorded() {
    let tenant = Tenant::new();
    let secret = planted::prompt();
    let post = |body: &str| tenant.post(body);
    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    let twice =
        format!(r#"{{"model":"{MODEL}","messages":[{{"role":"user","content":"a","content":"{secret}"}}]}}"#);
    let cases = vec![
        ("not JSON", post(&secret), 400, "invalid_json"),
        ("cut short", post(with("a", json!(1)).split_at(60).0), 400, "invalid_json"),
        ("empty", post(""), 400, "invalid_json"),
        ("two values", post(&(with("a", json!(1)) + "{}")), 400, "invalid_json"),
        ("a duplicate key", post(&twice), 400, "duplicate_key"),
        ("65 levels deep", post(&with("x", serde_json::from_str(&deep).unwrap())), 400, "nested_too_deep"),
        ("100,000 levels deep", post(&"[".repeat(100_000)), 400, "nested_too_deep"),
        ("not an object", post(&json!([secret]).to_string()), 400, "invalid_field"),
        ("no model", post(&with("model", Value::Null)), 400, "invalid_field"),
        ("no messages", post(&with("messages", json!([]))), 400, "invalid_field"),
        (
            "a message without role",
            post(&with("messages", json!([{"content": secret}]))),
            400,
            "invalid_field",
        ),
        (
            "a number as content",
            post(&with("messages", json!([{"role": "user", "content": 5}]))),
            400,
            "invalid_field",
        ),
        ("a negative limit", post(&with("max_tokens", json!(-1))), 400, "invalid_field"),
        ("17 choices", post(&with("n", json!(17))), 400, "invalid_field"),
    ];
    all_are_refused_and_recorded(&tenant, cases);
}

#[test]
fn what_cannot_be_inspected_is_refused_and_recorded() {
    let tenant = Tenant::new();
    let post = |field: &str, value: Value| tenant.post(&with(field, value));
    let image = user_part(json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}));
    let file = user_part(json!({"type": "file", "file": {"file_id": "file-1"}}));
    let cases = vec![
        ("an image", post("messages", image), 403, "uninspectable"),
        ("a file", post("messages", file), 403, "uninspectable"),
        ("store", post("store", json!(true)), 403, "uninspectable"),
        ("a hosted tool", post("tools", json!([{"type": "web_search"}])), 403, "uninspectable"),
        ("a web search", post("web_search_options", json!({})), 403, "uninspectable"),
        ("sound", post("modalities", json!(["text", "audio"])), 403, "uninspectable"),
    ];
    all_are_refused_and_recorded(&tenant, cases);
}

#[test]
fn wrong_types_paths_and_methods_are_refused_and_recorded() {
    let tenant = Tenant::new();
    let right = || tenant.chat(&planted::prompt());
    let at = |method, path: &str| {
        let request = Request::new(method, stack().gateway(path)).with("content-type", "application/json");
        request.with("authorization", format!("Bearer {}", tenant.key())).body(planted::prompt())
    };
    let cases = vec![
        ("text/plain", right().with("content-type", "text/plain"), 415, "content_type"),
        ("a form", right().with("content-type", "application/x-www-form-urlencoded"), 415, "content_type"),
        ("no type", right().without("content-type"), 415, "content_type"),
        ("gzip", right().with("content-encoding", "gzip"), 415, "content_encoding"),
        ("an unknown path", at("POST", "/v1/nowhere"), 404, "unknown_path"),
        ("a path with a query", at("POST", "/v1/nothing?purpose=x"), 404, "unknown_path"),
        ("files kept at the vendor", at("POST", "/v1/files?purpose=x"), 403, "route_uninspectable"),
        ("batches", at("POST", "/v1/batches"), 403, "route_uninspectable"),
        ("the root", at("POST", "/"), 404, "unknown_path"),
        ("PUT of a chat", at("PUT", "/v1/chat/completions"), 405, "method_not_allowed"),
        ("GET of a chat", at("GET", "/v1/chat/completions"), 405, "method_not_allowed"),
        ("DELETE of the models", at("DELETE", "/v1/models"), 405, "method_not_allowed"),
    ];
    all_are_refused_and_recorded(&tenant, cases);
}

#[test]
fn models_and_tenants_that_are_not_the_keys_are_refused_and_recorded() {
    let tenant = Tenant::with(&["--key-models", MODEL]);
    let other = Tenant::new();
    let nobody = TenantId::from_random([7; 10]);
    let post = |field: &str, value: Value| tenant.post(&with(field, value));
    let cases = vec![
        ("an unknown model", post("model", json!(planted::PERSONAL[4].1)), 404, "model_unknown"),
        ("a model outside the scopes", post("model", json!("gpt-4o")), 403, "model_not_allowed"),
        ("another tenant", post("tenant_id", json!(other.tenant_id())), 403, "foreign_identifier"),
        ("another org", post("metadata", json!({"org": other.org_id()})), 403, "foreign_identifier"),
        ("no tenant at all", post("tenant", json!(nobody.as_str())), 403, "foreign_identifier"),
    ];
    all_are_refused_and_recorded(&tenant, cases);
    assert!(other.records(0).is_empty(), "nothing of it is in the other tenant's ledger");
}

#[test]
fn a_body_that_is_not_utf8_is_refused_and_recorded() {
    let tenant = Tenant::new();
    let bytes =
        [&b"{\"model\":\"gpt-4o\",\"x\":\"\xff\xfe "[..], planted::prompt().as_bytes(), b"\"}"].concat();
    // The emulator's URL replaces such bytes in JSON before we see them, so the event is handed over directly.
    let event = json!({
        "version": "2.0",
        "rawPath": "/v1/chat/completions",
        "headers": {"authorization": format!("Bearer {}", tenant.key()), "content-type": "application/json",
            "x-amzn-tls-version": "TLSv1.3"},
        "requestContext": {"http": {"method": "POST", "sourceIp": "198.51.100.9"}},
        "body": base64::engine::general_purpose::STANDARD.encode(bytes),
        "isBase64Encoded": true,
    });
    let answer = aws::invoke("deployer", "gateway", &event).unwrap();
    assert_eq!(answer["statusCode"], 400, "{answer}");
    let error: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "invalid_utf8");
    assert_eq!(planted::leaked(&answer.to_string()), [""; 0]);
    assert_eq!(tenant.records(1)[0].says(), ["single", "deny", "invalid_utf8"]);
}

#[test]
fn expired_and_revoked_keys_are_refused_and_recorded() {
    let expired = Tenant::with(&["--key-days", "0"]);
    let cases = vec![("an expired key", expired.chat("hello"), 401, "key_expired")];
    all_are_refused_and_recorded(&expired, cases);

    let revoked = Tenant::new();
    assert_eq!(revoked.say("hello").status, 200);
    revoked.set("control", "KEY", "revoked_at", &json!({"S": "2026-01-01T00:00:00.000Z"}));
    let answer = revoked.say("hello");
    refused_in_shape("a revoked key", &answer, 401, "key_revoked");
    let records = revoked.records(3);
    let mine = records.iter().find(|record| record.field("action_id") == answer.action()).unwrap();
    assert_eq!(mine.says(), ["single", "deny", "key_revoked"]);
    assert_eq!(revoked.channel.received().len(), 1);
}

/// A key of the right form: the tenant's own id unless another is given, and a secret that nobody has.
fn minted(region: Region, id: Option<&str>) -> String {
    let random: [u8; 59] = std::array::from_fn(|_| u8::from_str_radix(&unique::<1>(), 16).unwrap());
    let key = GatewayKey::mint(KeyKind::User, region, &random).unwrap().reveal();
    let Some(id) = id else { return key };
    // The checksum follows the text, so every character is tried until the whole parses: 62^2 tries at the most.
    let (body, _) = key.split_at(key.len() - 6);
    let body = body.replace(body.split('_').nth(3).unwrap(), id);
    body.clone() + &checksum(&body)
}

/// CRC-32 (IEEE) in base62, as the domain crate documents it: keys are checked by others too.
fn checksum(body: &str) -> String {
    const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut crc = !0_u32;
    for byte in body.bytes() {
        crc ^= u32::from(byte);
        (0..8).for_each(|_| crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()));
    }
    let digit = |place| char::from(BASE62[(!crc / 62_u32.pow(place) % 62) as usize]);
    [5, 4, 3, 2, 1, 0].map(digit).iter().collect()
}

#[test]
fn strangers_get_one_uniform_refusal_and_no_record() {
    let tenant = Tenant::new();
    let other_secret = minted(Region::Eu, Some(tenant.key_id()));
    assert!(other_secret.parse::<GatewayKey>().is_ok() && other_secret.contains(tenant.key_id()));
    let mangled = tenant.key().split_at(tenant.key().len() - 1).0.to_owned() + "~";
    let swapped = tenant.key().replace(tenant.key_id(), "0000000000000000");
    let chat = || tenant.chat(&planted::prompt());
    let cases = vec![
        ("no key", chat().without("authorization")),
        ("another scheme", chat().with("authorization", "Basic Y3M6Y3M=")),
        ("no scheme", chat().with("authorization", tenant.key())),
        ("a mangled key", chat().with("authorization", format!("Bearer {mangled}"))),
        ("a bad checksum", chat().with("authorization", format!("Bearer {swapped}"))),
        ("an unknown id", chat().with("authorization", format!("Bearer {}", minted(Region::Eu, None)))),
        ("another secret", chat().with("authorization", format!("Bearer {other_secret}"))),
        ("an OpenAI key", chat().with("authorization", format!("Bearer {}", planted::PERSONAL[6].1))),
    ];
    let answers = cases.into_iter().map(|(name, request)| {
        let answer = request.send();
        refused_in_shape(name, &answer, 401, "invalid_api_key");
        assert_eq!(answer.header("x-cs-action-id"), None, "{name}: no action, nobody acted");
        answer.body
    });
    let mut bodies: Vec<_> = answers.collect();
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "whoever guesses keys learns nothing: {bodies:?}");
    only_the_last_call_is_recorded(&tenant);
}

#[test]
fn a_key_of_another_region_is_sent_there_and_not_recorded() {
    let tenant = Tenant::new();
    let key = minted(Region::Us, Some(tenant.key_id()));
    let answer = tenant.chat(&planted::prompt()).with("authorization", format!("Bearer {key}")).send();
    refused_in_shape("another region", &answer, 421, "key_other_region");
    assert!(answer.body.contains("the key's region is us"), "{}", answer.body);
    only_the_last_call_is_recorded(&tenant);
}

#[test]
fn an_oversize_body_is_refused_with_its_limit_and_not_recorded() {
    let tenant = Tenant::new();
    let answer = tenant.chat(&"x".repeat(4 * 1024 * 1024)).send();
    refused_in_shape("oversize", &answer, 413, "body_too_large");
    assert!(answer.body.contains("4194304"), "the limit is named: {}", answer.body);
    only_the_last_call_is_recorded(&tenant);
}

#[test]
fn the_largest_body_below_the_limit_passes() {
    let tenant = Tenant::with(&["--budget-tokens", "10000000"]);
    // Its echo would be larger than an answer may be.
    tenant.channel.tell(&json!({"content": "a short answer"}));
    let frame = chat_body("").to_string().len();
    let answer = tenant.chat(&"x".repeat(4 * 1024 * 1024 - frame)).send();
    assert_eq!(answer.status, 200, "{:?}", answer.headers);
}

#[test]
fn a_call_beyond_the_budget_is_refused_and_recorded() {
    let tenant = Tenant::with(&["--budget-tokens", "100"]);
    let cases = vec![("over budget", tenant.chat("hello"), 429, "budget_exceeded")];
    all_are_refused_and_recorded(&tenant, cases);
}

/// Records arrive in about the order of their calls: when a later call's are there, an earlier one's would be too.
fn only_the_last_call_is_recorded(tenant: &Tenant) {
    assert!(tenant.channel.received().is_empty());
    let last = tenant.say("the last call").action();
    assert!(tenant.records(2).iter().all(|record| record.field("action_id") == last));
}
