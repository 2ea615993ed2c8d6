//! The edge, over the events of `events/gateway/` and over single changes of them.

use super::*;
use crate::form::Ask;
use base64::Engine as _;
use caller::MAX_BODY_BYTES;
use domain::{KeyKind, Region};
use serde_json::{Value, json};

macro_rules! fixture {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../events/gateway/", $name, ".json")))
    };
}

/// What the route of an event came to, in a form that compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Health,
    Models,
    Chat,
    Stream,
    Faulty(Reason),
    Stray(Reason),
}

fn came(route: &Route) -> Came {
    match route {
        Route::Health => Came::Health,
        Route::Models => Came::Models,
        Route::Call(_, Err(fault)) => Came::Faulty(fault.reason),
        Route::Call(dialect, Ok(sent)) => match Ask::read(*dialect, &sent.body) {
            Ok(ask) if !ask.needs().is_empty() => Came::Faulty(Reason::Uninspectable),
            Ok(ask) if ask.stream() => Came::Stream,
            Ok(_) => Came::Chat,
            Err(fault) => Came::Faulty(fault.reason),
        },
        Route::Stray(_, reason) => Came::Stray(*reason),
    }
}

const CHAT: &str = include_str!("../../../../events/gateway/chat.json");
const REST_CHAT: &str = include_str!("../../../../events/gateway/rest_chat.json");

/// The example chat event with one change.
fn changed(event: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut event: Value = serde_json::from_str(event).unwrap();
    change(&mut event);
    event.to_string()
}

fn parsed(change: impl FnOnce(&mut Value)) -> Request {
    parse(&changed(CHAT, change)).unwrap()
}

fn with_body(body: &str) -> Came {
    came(&parsed(|event| event["body"] = body.into()).route)
}

fn with_header(name: &str, value: &str) -> Came {
    came(&parsed(|event| event["headers"][name] = value.into()).route)
}

/// A function URL takes older versions too, and says which it was.
#[test]
fn only_tls_1_3_is_taken() {
    let by = |version: Value| parsed(|event| event["headers"]["x-amzn-tls-version"] = version).tls;
    assert_eq!(by("TLSv1.3".into()), Ok(()));
    for older in ["TLSv1.2", "", "TLSv1.3, TLSv1.2"] {
        assert_eq!(by(older.into()), Err(Reason::TlsVersion), "{older}");
    }
    assert_eq!(by(Value::Null), Err(Reason::TlsVersion));
    assert_eq!(parse(REST_CHAT).unwrap().tls, Ok(()), "the security policy of its domain says what is taken");
}

/// What a client says about sending a call again.
#[test]
fn an_idempotency_key_and_a_count_of_tries_are_read() {
    let again = |name: &str, value: &str| {
        let request = parsed(|event| event["headers"][name] = value.into());
        let Route::Call(_, sent) = request.route else { panic!("no call") };
        sent.map(|sent| (sent.again.key, sent.again.tries_before))
            .map_err(|fault| (fault.reason, fault.param))
    };
    assert_eq!(again("idempotency-key", "order-1"), Ok((Some("order-1".to_owned()), None)));
    assert_eq!(again("x-stainless-retry-count", "2"), Ok((None, Some(2))));
    assert_eq!(again("x-stainless-retry-count", "many"), Ok((None, None)));
    for bad in [String::new(), "k".repeat(257)] {
        let fault = again("idempotency-key", &bad);
        assert_eq!(fault, Err((Reason::InvalidField, Some("idempotency-key".to_owned()))));
    }
}

fn with_key(authorization: &str) -> Result<GatewayKey, Reason> {
    parsed(|event| event["headers"]["authorization"] = authorization.into()).key
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn with_bytes(bytes: &[u8]) -> Result<Came, Reason> {
    let event = changed(CHAT, |event| {
        event["body"] = base64(bytes).into();
        event["isBase64Encoded"] = true.into();
    });
    parse(&event).map(|request| came(&request.route))
}

#[test]
fn the_example_events_are_what_their_names_say() {
    let good = None;
    for ((name, event), expected, key) in [
        (fixture!("chat"), Came::Chat, good),
        (fixture!("base64_chat"), Came::Chat, good),
        (fixture!("rest_chat"), Came::Chat, good),
        (fixture!("forged_source"), Came::Chat, good),
        (fixture!("rest_forged_source"), Came::Chat, good),
        (fixture!("models"), Came::Models, good),
        (fixture!("rest_models"), Came::Models, good),
        (fixture!("health"), Came::Health, Some(Reason::KeyMissing)),
        (fixture!("no_key"), Came::Chat, Some(Reason::KeyMissing)),
        (fixture!("foreign_key"), Came::Chat, Some(Reason::KeyMalformed)),
        (fixture!("mistyped_key"), Came::Chat, Some(Reason::KeyChecksum)),
        (fixture!("unknown_path"), Came::Stray(Reason::UnknownPath), good),
        (fixture!("wrong_method"), Came::Stray(Reason::MethodNotAllowed), good),
        (fixture!("form_encoded"), Came::Faulty(Reason::ContentType), good),
        (fixture!("invalid_utf8"), Came::Faulty(Reason::InvalidUtf8), good),
        (fixture!("duplicate_key"), Came::Faulty(Reason::DuplicateKey), good),
        (fixture!("stream"), Came::Stream, good),
        (fixture!("image"), Came::Faulty(Reason::Uninspectable), good),
        (fixture!("asserted"), Came::Chat, good),
        (fixture!("responses"), Came::Stream, good),
        (fixture!("messages"), Came::Stream, good),
        (fixture!("count_tokens"), Came::Chat, good),
        (fixture!("embeddings"), Came::Chat, good),
        (fixture!("batches"), Came::Stray(Reason::RouteUninspectable), good),
    ] {
        let request = parse(event).unwrap();
        assert_eq!(came(&request.route), expected, "{name}");
        assert_eq!(request.key.as_ref().err().copied(), key, "{name}");
        assert_eq!(request.source_ip, Some("203.0.113.7".parse().unwrap()), "{name}");
        assert!(request.request_id.is_some(), "{name}");
        let Ok(key) = request.key else { continue };
        assert_eq!((key.kind(), key.region()), (KeyKind::Service, Region::Eu), "{name}");
        assert_eq!(key.id().as_str(), "EXAMPLEKEYNOBODY", "{name}");
    }
}

#[test]
fn both_ingresses_bring_the_same_call() {
    let chat = |event| match parse(event).unwrap().route {
        Route::Call(dialect, Ok(sent)) => Box::new(Ask::read(dialect, &sent.body).unwrap()),
        other => panic!("{other:?}"),
    };
    assert_eq!(chat(CHAT), chat(REST_CHAT));
    assert_eq!(chat(CHAT), chat(fixture!("base64_chat").1));
}

/// Only the platform says where a call came from.
#[test]
fn headers_and_bodies_cannot_forge_the_source() {
    for name in
        ["x-forwarded-for", "X-Forwarded-For", "forwarded", "x-real-ip", "cf-connecting-ip", "sourceIp"]
    {
        for event in [CHAT, REST_CHAT] {
            let forged = changed(event, |event| {
                event["headers"][name] = "198.51.100.99".into();
                event["sourceIp"] = "198.51.100.99".into();
            });
            assert_eq!(parse(&forged).unwrap().source_ip, Some("203.0.113.7".parse().unwrap()), "{name}");
        }
    }
    let silent = parsed(|event| {
        event["requestContext"]["http"].as_object_mut().unwrap().remove("sourceIp");
    });
    assert_eq!(silent.source_ip, None, "no header stands in for the platform");
    let garbled =
        parsed(|event| event["requestContext"]["http"]["sourceIp"] = "203.0.113.7, 10.0.0.1".into());
    assert_eq!(garbled.source_ip, None);
    let v6 = parsed(|event| event["requestContext"]["http"]["sourceIp"] = "2001:db8::7".into());
    assert_eq!(v6.source_ip, Some("2001:db8::7".parse().unwrap()));
}

#[test]
fn keys_are_read_whatever_the_case_around_them() {
    let key = parse(CHAT).unwrap().key.unwrap().reveal();
    for good in [
        format!("Bearer {key}"),
        format!("bearer {key}"),
        format!("BEARER {key}"),
        format!(" Bearer   {key} "),
    ] {
        assert_eq!(with_key(&good).unwrap().reveal(), key, "{good}");
    }
    for name in ["Authorization", "AUTHORIZATION", "aUtHoRiZaTiOn"] {
        let request = parsed(|event| {
            event["headers"].as_object_mut().unwrap().remove("authorization");
            event["headers"][name] = format!("Bearer {key}").into();
        });
        assert_eq!(request.key.unwrap().reveal(), key, "{name}");
    }
}

#[test]
fn a_key_that_is_none_has_its_reason() {
    let key = parse(CHAT).unwrap().key.unwrap().reveal();
    let cut: String = key.chars().take(key.len() - 1).collect();
    for (authorization, reason) in [
        (String::new(), Reason::KeyMissing),
        ("Bearer".to_owned(), Reason::KeyMissing),
        ("Bearer ".to_owned(), Reason::KeyMissing),
        (key.clone(), Reason::KeyMissing),
        (format!("Basic {key}"), Reason::KeyMissing),
        (format!("Bearer {key} {key}"), Reason::KeyMalformed),
        ("Bearer sk-proj-1234".to_owned(), Reason::KeyMalformed),
        (format!("Bearer {cut}"), Reason::KeyMalformed),
        (format!("Bearer {}", key.replace("_eu_", "_mars_")), Reason::KeyMalformed),
        (format!("Bearer {}", key.replace("_eu_", "_us_")), Reason::KeyChecksum),
        (format!("Bearer {}", key.replace("NOBODY", "ANYONE")), Reason::KeyChecksum),
    ] {
        assert_eq!(with_key(&authorization).unwrap_err(), reason, "{authorization}");
    }
    let not_text = parsed(|event| event["headers"]["authorization"] = json!([format!("Bearer {key}")]));
    assert_eq!(not_text.key.unwrap_err(), Reason::KeyMissing);
}

#[test]
fn only_plain_json_is_read() {
    let (fine, not_json) = (Came::Chat, Came::Faulty(Reason::ContentType));
    for (value, expected) in [
        ("application/json", fine),
        ("Application/JSON", fine),
        ("application/json; charset=utf-8", fine),
        (" application/json ;charset=\"utf-8\"", fine),
        ("", not_json),
        ("text/plain", not_json),
        ("application/jsonp", not_json),
        ("application/x-ndjson", not_json),
        ("multipart/form-data; boundary=application/json", not_json),
        ("text/plain, application/json", not_json),
    ] {
        assert_eq!(with_header("content-type", value), expected, "{value}");
    }
    let missing = parsed(|event| drop(event["headers"].as_object_mut().unwrap().remove("content-type")));
    assert_eq!(came(&missing.route), not_json);
    for (value, expected) in [
        ("identity", fine),
        ("Identity", fine),
        ("gzip", Came::Faulty(Reason::ContentEncoding)),
        ("br", Came::Faulty(Reason::ContentEncoding)),
        ("identity, gzip", Came::Faulty(Reason::ContentEncoding)),
    ] {
        assert_eq!(with_header("content-encoding", value), expected, "{value}");
    }
}

#[test]
fn bodies_and_their_faults() {
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    for (body, reason) in [
        ("", Reason::InvalidJson),
        ("{", Reason::InvalidJson),
        ("{} {}", Reason::InvalidJson),
        ("[]", Reason::InvalidField),
        ("{}", Reason::InvalidField),
        (r#"{"model":"a","model":"b"}"#, Reason::DuplicateKey),
        (&deep, Reason::NestedTooDeep),
        (r#"{"model":"a","messages":[{"role":"user","content":"hi"}],"stream":true}"#, Reason::Allowed),
    ] {
        let expected = if reason == Reason::Allowed { Came::Stream } else { Came::Faulty(reason) };
        assert_eq!(with_body(body), expected, "{body}");
    }
    let absent = parsed(|event| drop(event.as_object_mut().unwrap().remove("body")));
    assert_eq!(came(&absent.route), Came::Faulty(Reason::InvalidJson));
    let null = parsed(|event| event["body"] = Value::Null);
    assert_eq!(came(&null.route), Came::Faulty(Reason::InvalidJson));
}

#[test]
fn base64_is_undone_and_what_is_neither_base64_nor_text_is_refused() {
    let good = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"שלום, café"}]}"#;
    assert_eq!(with_bytes(good.as_bytes()), Ok(Came::Chat));
    for bytes in [b"\xff\xfe{}".as_slice(), b"{\"a\":\"\xc0\xaf\"}", b"{\"a\":\"\xed\xa0\x80\"}", b"\xe9"] {
        assert_eq!(with_bytes(bytes), Ok(Came::Faulty(Reason::InvalidUtf8)), "{bytes:?}");
    }
    let bad = parsed(|event| {
        event["body"] = "not base64!".into();
        event["isBase64Encoded"] = true.into();
    });
    assert!(matches!(bad.route, Route::Call(_, Err(_))));
}

/// A body of exactly `length` bytes that is a valid call.
fn of_length(length: usize) -> String {
    let frame =
        |text: &str| format!(r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":"{text}"}}]}}"#);
    let body = frame(&"a".repeat(length - frame("").len()));
    assert_eq!(body.len(), length);
    body
}

#[test]
fn the_limit_of_a_body_is_exact() {
    let plain = |length| {
        let event = changed(CHAT, |event| event["body"] = of_length(length).into());
        parse(&event).map(|request| came(&request.route))
    };
    assert_eq!(plain(MAX_BODY_BYTES), Ok(Came::Chat));
    assert_eq!(plain(MAX_BODY_BYTES + 1), Err(Reason::BodyTooLarge));
    assert_eq!(with_bytes(of_length(MAX_BODY_BYTES).as_bytes()), Ok(Came::Chat));
    assert_eq!(with_bytes(of_length(MAX_BODY_BYTES + 1).as_bytes()), Err(Reason::BodyTooLarge));
}

#[test]
fn paths_and_methods_are_matched_whole() {
    for (method, path, expected) in [
        ("GET", "/healthz", Came::Health),
        ("GET", "/v1/models", Came::Models),
        ("POST", "/v1/chat/completions", Came::Chat),
        ("POST", "/healthz", Came::Stray(Reason::MethodNotAllowed)),
        ("POST", "/v1/models", Came::Stray(Reason::MethodNotAllowed)),
        ("GET", "/v1/chat/completions", Came::Stray(Reason::MethodNotAllowed)),
        ("post", "/v1/chat/completions", Came::Stray(Reason::MethodNotAllowed)),
        ("GET", "/", Came::Stray(Reason::UnknownPath)),
        ("GET", "", Came::Stray(Reason::UnknownPath)),
        ("GET", "/v1/models/", Came::Stray(Reason::UnknownPath)),
        ("GET", "/v1/models/gpt-4o", Came::Stray(Reason::UnknownPath)),
        ("POST", "//v1/chat/completions", Came::Stray(Reason::UnknownPath)),
        ("POST", "/v1/chat/completions/../models", Came::Stray(Reason::RouteUninspectable)),
        ("POST", "/V1/chat/completions", Came::Stray(Reason::UnknownPath)),
        ("GET", "/v1/responses", Came::Stray(Reason::MethodNotAllowed)),
        ("POST", "/v1/messages/", Came::Stray(Reason::UnknownPath)),
        ("POST", "/v1/messages/batches", Came::Stray(Reason::RouteUninspectable)),
        ("POST", "/v1/batches", Came::Stray(Reason::RouteUninspectable)),
        ("POST", "/v1/files", Came::Stray(Reason::RouteUninspectable)),
        ("GET", "/v1/responses/resp_1", Came::Stray(Reason::RouteUninspectable)),
        ("POST", "/v1/filesystem", Came::Stray(Reason::UnknownPath)),
    ] {
        let url = changed(CHAT, |event| {
            event["rawPath"] = path.into();
            event["requestContext"]["http"]["method"] = method.into();
        });
        let rest = changed(REST_CHAT, |event| {
            event["path"] = path.into();
            event["httpMethod"] = method.into();
        });
        for event in [url, rest] {
            assert_eq!(came(&parse(&event).unwrap().route), expected, "{method} {path}");
        }
    }
}

/// Whatever else may invoke the function, it gets no further than a caller without a key.
#[test]
fn an_event_of_no_known_shape_is_an_unknown_path() {
    for event in ["", "null", "[]", "7", r#"{"rawPath":7}"#, r#"{"requestContext":{"http":{}}}"#] {
        assert_eq!(parse(event).unwrap_err(), Reason::UnknownPath, "{event}");
    }
    for event in ["{}", r#"{"Records":[]}"#, r#"{"source":"aws.events","detail":{}}"#] {
        let request = parse(event).unwrap();
        assert_eq!(came(&request.route), Came::Stray(Reason::UnknownPath), "{event}");
        assert_eq!((request.key.unwrap_err(), request.source_ip), (Reason::KeyMissing, None), "{event}");
    }
}

#[test]
fn a_request_id_that_is_none_is_left_out() {
    let request = parsed(|event| event["requestContext"]["requestId"] = "planted text\n".into());
    assert_eq!(request.request_id, None);
}

/// The clients of Anthropic and of Azure OpenAI send keys in headers of their own.
#[test]
fn a_key_is_read_from_each_vendors_header() {
    let key = parse(CHAT).unwrap().key.unwrap().reveal();
    for name in ["x-api-key", "X-Api-Key", "api-key"] {
        let request = parsed(|event| {
            event["headers"].as_object_mut().unwrap().remove("authorization");
            event["headers"][name] = key.clone().into();
        });
        assert_eq!(request.key.unwrap().reveal(), key, "{name}");
    }
}

#[test]
fn only_reviewed_betas_pass() {
    let betas = |value: &str| match parsed(|event| event["headers"]["anthropic-beta"] = value.into()).route {
        Route::Call(_, Ok(sent)) => Ok(sent.betas),
        Route::Call(_, Err(fault)) => Err(fault.param.unwrap()),
        other => panic!("{other:?}"),
    };
    let known = "interleaved-thinking-2025-05-14";
    assert_eq!(betas(&format!("{known}, context-1m-2025-08-07")).unwrap(), [known, "context-1m-2025-08-07"]);
    assert_eq!(betas("").unwrap(), [""; 0]);
    assert_eq!(betas("mcp-client-2025-04-04").unwrap_err(), "anthropic-beta");
    assert_eq!(betas(&format!("{known},dana@example.com")).unwrap_err(), "anthropic-beta");
}

/// A REST event without headers or body says `null`.
#[test]
fn null_headers_are_none() {
    let request = parse(&changed(REST_CHAT, |event| event["headers"] = Value::Null)).unwrap();
    assert_eq!(came(&request.route), Came::Faulty(Reason::ContentType));
    assert_eq!(request.key.unwrap_err(), Reason::KeyMissing);
    assert!(parse(&changed(REST_CHAT, |event| event["requestContext"] = Value::Null)).is_ok());
}

#[test]
fn a_debug_form_shows_no_caller_and_no_text() {
    let shown = format!("{:?}", parse(CHAT).unwrap());
    assert!(!shown.contains("203.0.113.7") && !shown.contains("messages"), "{shown}");
}
