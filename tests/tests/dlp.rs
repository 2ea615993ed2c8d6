//! DLP over HTTP through the real function: what is found, taken out and given back, and to whom it is not.
#![cfg(test)]

use countersign_tests::support::http::send_all;
use countersign_tests::support::sealed::{self, Place};
use countersign_tests::support::{Answer, Request, Tenant, aws, planted, stack};
use serde_json::{Value, json};

const EMAIL: &str = "noa.golan+planted@example.co.il";
const IBAN: &str = "DE89 3704 0044 0532 0130 00";
const CARD: &str = "4111 1111 1111 1111";

fn told(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// A tenant whose e-mail addresses become tokens.
fn tokenizing() -> Tenant {
    let tenant = Tenant::without_policy();
    tenant.policy(&json!({"v": 1, "types": {"email": {"action": "tokenize"}}}));
    tenant
}

/// A token for the address, made in a call with these headers.
fn token(tenant: &Tenant, headers: &[(&'static str, &str)]) -> String {
    let answer = with(tenant.dlp("/v1/redact", &json!({"text": EMAIL})), headers).send();
    let token = answer.json()["text"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    assert!(token.starts_with("[EMAIL_T_") && token.len() == "[EMAIL_T_]".len() + 26, "{token}");
    token
}

fn with(request: Request, headers: &[(&'static str, &str)]) -> Request {
    headers.iter().fold(request, |request, (name, value)| request.with(name, *value))
}

fn restored(tenant: &Tenant, text: &str, headers: &[(&'static str, &str)]) -> (String, u64, u64) {
    let answer = with(tenant.dlp("/v1/restore", &json!({"text": text})), headers).send();
    let json = answer.json();
    let number = |name: &str| json[name].as_u64().unwrap_or_else(|| panic!("{answer:?}"));
    (json["text"].as_str().unwrap().to_owned(), number("restored"), number("left"))
}

const CONVERSATION: [(&str, &str); 1] = [("x-cs-conversation", "ticket-4711")];

#[test]
fn what_is_planted_is_found_taken_out_and_recorded_without_a_value() {
    let tenant = Tenant::without_policy();
    let text = planted::prompt();
    let found = tenant.dlp("/v1/detect", &json!({"text": text})).send();
    assert_eq!(found.status, 200, "{found:?}");
    assert_eq!(planted::leaked(&found.all_text()), [""; 0]);
    let findings = found.json()["findings"].as_array().unwrap().clone();
    let points: Vec<char> = text.chars().collect();
    let cut = |finding: &Value| {
        let at = |name: &str| usize::try_from(finding[name].as_u64().unwrap()).unwrap();
        points[at("start")..at("end")].iter().collect::<String>()
    };
    let values: Vec<String> = findings.iter().map(cut).collect();
    for (name, value) in planted::PERSONAL {
        assert!(values.iter().any(|found| found == value), "{name} is among {findings:?}");
    }

    let body = json!({"items": [{"id": "a", "text": text}, {"json": {"deep": [{"card": CARD}], EMAIL: 1}}]});
    let done = tenant.dlp("/v1/redact", &body).send();
    assert_eq!((done.status, planted::leaked(&done.all_text())), (200, vec![]), "{done:?}");
    let json = done.json();
    assert_eq!(json["items"][0]["id"], "a");
    assert_eq!(json["actions"]["email"], json!({"redact": 2}), "{json}");
    // One value has one placeholder throughout the request, and nothing brings it back later.
    let placeholder = json["items"][1]["json"].as_object().unwrap().keys().nth(1).unwrap().clone();
    assert!(json["items"][0]["text"].as_str().unwrap().contains(&placeholder), "{json}");
    assert_eq!(restored(&tenant, &placeholder, &[]), (placeholder.clone(), 0, 0));

    let records = tenant.records(3);
    let events: Vec<_> = records.iter().map(|record| (record.field("event_type"), record.says())).collect();
    let single = ["single", "allow", "completed"];
    assert_eq!(events, [("dlp.detect", single), ("dlp.redact", single), ("dlp.restore", single)]);
    assert_eq!(records[0].at("dlp")["email"], 1);
    assert_eq!(records[1].at("dlp")["email"], 2);
    for record in &records {
        assert_eq!(planted::leaked(&record.text), [""; 0]);
        assert!(record.field("source_ip").starts_with("Q1NFM"), "sealed");
        assert_eq!(record.field("action_id").len(), 36);
    }
    assert_eq!(records[0].field("action_id"), found.action());
}

#[test]
fn a_token_is_given_back_in_its_own_conversation_to_its_own_agent_and_to_nobody_else() {
    let (tenant, other) = (tokenizing(), tokenizing());
    let made = token(&tenant, &CONVERSATION);
    let text = format!("Write to {made}, {made}.");
    let plain = format!("Write to {EMAIL}, {EMAIL}.");
    assert_eq!(restored(&tenant, &text, &CONVERSATION), (plain, 2, 0));
    // Once more: a token is no ticket that is used up.
    assert_eq!(restored(&tenant, &made, &CONVERSATION), (EMAIL.to_owned(), 1, 0));

    let unknown = format!("[EMAIL_T_{}]", "0".repeat(26));
    let alike = (unknown.clone(), 0, 1);
    assert_eq!(restored(&tenant, &unknown, &CONVERSATION), alike);
    let same = |got: (String, u64, u64)| (got.0.replace(&made, &unknown), got.1, got.2);
    assert_eq!(same(restored(&tenant, &made, &[])), alike, "no conversation");
    assert_eq!(same(restored(&tenant, &made, &[("x-cs-conversation", "ticket-4712")])), alike);
    assert_eq!(same(restored(&other, &made, &CONVERSATION)), alike, "another tenant");
    // Another agent of the same tenant, with the same key.
    let row =
        sealed::row("control", &format!("T#{}", tenant.tenant_id()), &agent_sk(tenant.agent_id())).unwrap();
    let stranger = "agt_0000000000000001";
    let mut agent = row;
    agent["agent_id"] = json!({"S": stranger});
    agent["sk"] = json!({"S": agent_sk(stranger)});
    let params = json!({"TableName": stack().at("/tables/control"), "Item": agent});
    aws::must("operator", "dynamodb", "put_item", &params);
    let switch_of = |agent: &str| format!("KILL#{agent}");
    let mut switch =
        sealed::row("kill", &format!("T#{}", tenant.tenant_id()), &switch_of(tenant.agent_id())).unwrap();
    switch["sk"] = json!({"S": switch_of(stranger)});
    let params = json!({"TableName": stack().at("/tables/kill"), "Item": switch});
    aws::must("operator", "dynamodb", "put_item", &params);
    tenant.set("control", "KEY", "agent_id", &json!({"S": stranger}));
    assert_eq!(same(restored(&tenant, &made, &CONVERSATION)), alike, "another agent");
    tenant.set("control", "KEY", "agent_id", &json!({"S": tenant.agent_id()}));
    assert_eq!(restored(&tenant, &made, &CONVERSATION), (EMAIL.to_owned(), 1, 0));
}

fn agent_sk(agent: &str) -> String {
    format!("AGENT#{agent}")
}

#[test]
fn a_token_made_without_a_conversation_belongs_to_none() {
    let tenant = tokenizing();
    let made = token(&tenant, &[]);
    assert_eq!(restored(&tenant, &made, &[]), (EMAIL.to_owned(), 1, 0));
    assert_eq!(restored(&tenant, &made, &CONVERSATION), (made.clone(), 0, 1));
}

#[test]
fn values_come_back_in_json_and_names_and_in_every_item() {
    let tenant = tokenizing();
    let body = json!({"items": [
        {"id": "a", "json": {"to": [EMAIL], EMAIL: {"n": 1}}}, {"id": "b", "text": format!("x {EMAIL}")},
    ]});
    let redacted = tenant.dlp("/v1/redact", &body).send().json();
    assert_eq!(redacted["actions"], json!({"email": {"tokenize": 3}}), "{redacted}");
    let mut again = redacted.clone();
    for extra in ["detected_types", "actions", "note"] {
        again.as_object_mut().unwrap().remove(extra);
    }
    assert!(!again.to_string().contains("example.co.il"));
    let answer = tenant.dlp("/v1/restore", &again).send().json();
    assert_eq!(
        (&answer["items"], &answer["restored"], &answer["left"]),
        (&body["items"], &json!(3), &json!(0))
    );

    let records = tenant.records(4);
    let said: Vec<_> =
        records.iter().map(|record| (record.field("event_type"), record.field("phase"))).collect();
    assert_eq!(
        said,
        [
            ("dlp.redact", "attempt"),
            ("dlp.redact", "outcome"),
            ("dlp.restore", "attempt"),
            ("dlp.restore", "outcome")
        ]
    );
    assert_eq!(records[1].metadata("tokens_kept"), 1, "one value, one token");
    assert_eq!((records[3].metadata("restored"), records[3].metadata("left")), (json!(3), json!(0)));
    assert_eq!(records[3].at("dlp"), &json!({"email": 1}));
    // Not `_T_` alone: sealed values are base64url, in which those three letters come by chance.
    assert!(
        records
            .iter()
            .all(|record| !record.text.contains("example.co.il") && !record.text.contains("EMAIL_T_"))
    );
}

/// Where a token's row lies, found as whoever reads the table would: there is one.
fn token_row(tenant: &Tenant) -> Value {
    let params = json!({
        "TableName": stack().at("/tables/tokens"),
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": format!("T#{}", tenant.tenant_id())}},
    });
    let rows = aws::must("root", "dynamodb", "query", &params)["Items"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows[0].clone()
}

fn set_token(row: &Value, field: &str, value: &Value) {
    let params = json!({
        "TableName": stack().at("/tables/tokens"), "Key": {"pk": row["pk"], "sk": row["sk"]},
        "UpdateExpression": "SET #field = :value", "ExpressionAttributeNames": {"#field": field},
        "ExpressionAttributeValues": {":value": value},
    });
    aws::must("root", "dynamodb", "update_item", &params);
}

fn place_of_token(tenant: &Tenant, row: &Value, purpose: &'static str) -> Place {
    let text = |name: &str| row[name]["S"].clone();
    let aad = json!({"field": "sealed", "pk": text("pk"), "sk": text("sk"), "table": "tokens",
        "tenant": tenant.tenant_id(), "v": 1});
    Place { purpose, aad }
}

#[test]
fn an_expired_token_and_one_whose_row_was_changed_are_like_any_unknown_one() {
    let tenant = tokenizing();
    let made = token(&tenant, &CONVERSATION);
    let row = token_row(&tenant);
    assert!(!row["sk"]["S"].as_str().unwrap().contains(made.get(9..35).unwrap()), "a digest, not the token");
    // Sealed under the tenant's root for tokens, bound to its row: another implementation opens it.
    let place = place_of_token(&tenant, &row, "token");
    assert_eq!(
        sealed::open(&tenant, &place, &aws::bytes(&row["sealed"]["B"])).as_deref(),
        Ok(EMAIL.as_bytes())
    );
    let expires = row["expires_at"].clone();
    set_token(&row, "expires_at", &json!({"N": "1"}));
    assert_eq!(restored(&tenant, &made, &CONVERSATION), (made.clone(), 0, 1));
    set_token(&row, "expires_at", &expires);
    assert_eq!(restored(&tenant, &made, &CONVERSATION), (EMAIL.to_owned(), 1, 0));
    // Another token's sealed value in its place does not open.
    let other = tokenizing();
    token(&other, &CONVERSATION);
    set_token(&row, "sealed", &token_row(&other)["sealed"]);
    assert_eq!(restored(&tenant, &made, &CONVERSATION), (made.clone(), 0, 1));
}

#[test]
fn an_erased_persons_tokens_are_gone_with_their_key() {
    let tenant = tokenizing();
    let dana = [("x-cs-conversation", "ticket-4711"), ("x-cs-on-behalf-of", "Dana")];
    let made = token(&tenant, &dana);
    let row = token_row(&tenant);
    let subject = row["subject"]["S"].as_str().unwrap().to_owned();
    let place = place_of_token(&tenant, &row, "audit");
    let sealed = aws::bytes(&row["sealed"]["B"]);
    assert_eq!(sealed::open_of_person(&tenant, &subject, &place, &sealed).as_deref(), Ok(EMAIL.as_bytes()));
    assert_eq!(restored(&tenant, &made, &CONVERSATION), (EMAIL.to_owned(), 1, 0));

    let shred = ["shred", "--reason", "erasure_request", "--confirm", tenant.tenant_id()];
    let (done, said) = tenant.ops(&shred, &[("CS_SUBJECT", "Dana")]);
    assert!(done, "{said}");
    assert_eq!(
        restored(&tenant, &made, &CONVERSATION),
        (made.clone(), 0, 1),
        "a warm instance opens nothing"
    );
    let refusal = with(tenant.dlp("/v1/restore", &json!({"text": made})), &dana).send();
    assert_eq!(told(&refusal), refused(403, "subject_erased"));
    assert_eq!(sealed::open_of_person(&tenant, &subject, &place, &sealed), Err("no key".to_owned()));
}

#[test]
fn each_route_wants_its_own_scope_and_everybody_behind_the_key() {
    let tenant = Tenant::without_policy();
    let body = json!({"text": EMAIL});
    let routes = [("/v1/detect", "dlp.detect"), ("/v1/redact", "dlp.redact"), ("/v1/restore", "dlp.restore")];
    for (_, scope) in routes {
        tenant.set("control", "KEY", "actions", &json!({"L": [{"S": scope}]}));
        for (path, wanted) in routes {
            let answer = tenant.dlp(path, &body).send();
            let expected = if wanted == scope { 200 } else { 403 };
            assert_eq!(answer.status, expected, "{path} with {scope}: {answer:?}");
        }
    }
    tenant.set("control", "AGENT", "status", &json!({"S": "suspended"}));
    assert_eq!(told(&tenant.dlp("/v1/restore", &body).send()), refused(403, "agent_inactive"));
    tenant.set("control", "KEY", "expires_at", &json!({"S": "2026-01-01T00:00:00.000Z"}));
    assert_eq!(told(&tenant.dlp("/v1/restore", &body).send()), refused(401, "invalid_api_key"));
    let records = tenant.records(11);
    let reasons: Vec<_> =
        records.iter().filter(|one| one.field("decision") == "deny").map(|one| one.field("reason")).collect();
    assert_eq!(reasons, [["scope_missing"; 6].as_slice(), &["agent_inactive", "key_expired"]].concat());
}

#[test]
fn bad_input_is_named_recorded_and_never_repeated() {
    let tenant = Tenant::without_policy();
    let key = format!("Bearer {}", tenant.key());
    let post = |path: &str, body: String| {
        Request::new("POST", stack().dlp(path))
            .with("content-type", "application/json")
            .with("authorization", key.clone())
            .body(body)
    };
    let deep = format!("{{\"json\":{}{}}}", "[".repeat(70), "]".repeat(70));
    let many = json!({"items": vec![json!({"text": "x"}); 101]}).to_string();
    let twice =
        json!({"items": [{"id": "noa.golan", "text": "x"}, {"id": "noa.golan", "text": "y"}]}).to_string();
    let cases = [
        (post("/v1/detect", "{".to_owned()), 400, "invalid_json", None),
        (post("/v1/detect", "{\"text\":\"a\",\"text\":\"b\"}".to_owned()), 400, "duplicate_key", None),
        (post("/v1/redact", format!("{{\"{EMAIL}\":1}}")), 400, "invalid_field", None),
        (post("/v1/redact", "{\"text\":7}".to_owned()), 400, "invalid_field", None),
        (post("/v1/redact", deep), 400, "nested_too_deep", None),
        (post("/v1/redact", many), 400, "invalid_field", Some("items")),
        (post("/v1/restore", twice), 400, "invalid_field", Some("items[1].id")),
        (post("/v1/detect", "{}".to_owned()).with("content-type", "text/plain"), 415, "content_type", None),
        (post("/v1/detect", "{}".to_owned()).with("content-encoding", "gzip"), 415, "content_encoding", None),
        (
            post("/v1/detect", "{\"text\":\"a\"}".to_owned()).with("x-cs-purpose", "Free Text"),
            400,
            "invalid_field",
            Some("x-cs-purpose"),
        ),
        (post("/v1/erase", "{}".to_owned()), 404, "unknown_path", None),
        (
            Request::new("GET", stack().dlp("/v1/detect")).with("authorization", key.clone()),
            405,
            "method_not_allowed",
            None,
        ),
    ];
    let count = cases.len();
    for (request, status, code, param) in cases {
        let answer = request.send();
        assert_eq!(told(&answer), refused(status, code), "{answer:?}");
        assert_eq!(answer.json()["param"].as_str(), param, "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(!answer.all_text().contains("noa.golan"), "{answer:?}");
    }
    let records = tenant.records(count);
    assert!(records.iter().all(|record| record.says()[..2] == ["single", "deny"]));
    assert!(records.iter().all(|record| !record.text.contains("noa.golan")));
}

#[test]
fn a_body_beyond_the_limit_is_refused_before_it_is_read_and_one_within_it_is_done() {
    let tenant = Tenant::without_policy();
    let huge = tenant.dlp("/v1/redact", &json!({"text": "a".repeat(4 * 1024 * 1024)})).send();
    assert_eq!(told(&huge), refused(413, "body_too_large"));
    tenant.records(0);
    let text = format!("{EMAIL} {}", "lorem ipsum ".repeat(80_000));
    let large = tenant.dlp("/v1/redact", &json!({"text": text})).send();
    assert_eq!(large.status, 200);
    assert!(!large.body.contains(EMAIL) && large.body.len() > 900_000);
}

#[test]
fn strangers_are_told_all_the_same_and_recorded_nowhere() {
    let tenant = Tenant::without_policy();
    let body = json!({"text": "x"});
    let key = tenant.key().to_owned();
    let mut answers = Vec::new();
    let foreign = key.replace(tenant.key_id(), "0000000000000000");
    for authorization in [None, Some("Bearer nonsense".to_owned()), Some(format!("Bearer {foreign}"))] {
        let request = tenant.dlp("/v1/restore", &body).without("authorization");
        let request =
            authorization.into_iter().fold(request, |request, text| request.with("authorization", text));
        let answer = request.send();
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        answers.push((answer.status, answer.body));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]) && answers[0].0 == 401, "{answers:?}");
    tenant.records(0);
    assert_eq!(Request::new("GET", stack().dlp("/healthz")).send().status, 200);
    let document = Request::new("GET", stack().dlp("/v1/openapi.json")).send().json();
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn a_policy_blocks_masks_hashes_and_alerts_and_one_that_does_not_read_stops_everything() {
    let tenant = Tenant::without_policy();
    tenant.policy(&json!({"v": 1, "types": {
        "card": {"action": "mask"}, "email": {"action": "hash"}, "ipv4": {"action": "alert"}, "iban": {"action": "block"}
    }}));
    let answer = tenant.dlp("/v1/redact", &json!({"text": format!("{CARD} {EMAIL} 106.31.73.20")})).send();
    let json = answer.json();
    let text = json["text"].as_str().unwrap_or_else(|| panic!("{answer:?}"));
    assert!(text.starts_with("**** **** **** 1111 [EMAIL_H_") && text.ends_with("] 106.31.73.20"), "{text}");
    assert_eq!(json["actions"]["card"], json!({"mask": 1}));
    let again = tenant.dlp("/v1/redact", &json!({"text": EMAIL})).send().json();
    assert!(text.contains(again["text"].as_str().unwrap()), "a keyed digest is the same tomorrow");

    let blocked = tenant.dlp("/v1/redact", &json!({"text": IBAN})).send();
    assert_eq!(told(&blocked), refused(422, "content_blocked"));
    assert_eq!(blocked.json()["types"], json!(["iban"]));
    assert!(!blocked.body.contains("3704 0044"));
    let found = tenant.dlp("/v1/detect", &json!({"text": IBAN})).send().json();
    assert_eq!(found["findings"][0]["action"], "block");

    let row = json!({"pk": {"S": format!("T#{}", tenant.tenant_id())}, "sk": {"S": "DLP#tenant"}, "v": {"N": "1"},
        "version": {"N": "2"}, "document": {"S": "{\"v\":1,\"types\":{\"nonsense\":{}}}"}});
    aws::must(
        "operator",
        "dynamodb",
        "put_item",
        &json!({"TableName": stack().at("/tables/control"), "Item": row}),
    );
    for path in ["/v1/detect", "/v1/redact", "/v1/restore"] {
        assert_eq!(
            told(&tenant.dlp(path, &json!({"text": "x"})).send()),
            refused(503, "policy_unreadable"),
            "{path}"
        );
    }
    let records = tenant.records(7);
    assert_eq!(records[2].says(), ["single", "deny", "content_blocked"]);
}

/// Enough seconds of the running minute to ask everything within it.
fn early_in_a_minute() {
    loop {
        let seconds = ::aws::now().unix_millis() / 1_000 % 60;
        if seconds < 5 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}

#[test]
fn exactly_as_many_tokens_as_a_minute_has_are_asked_for_whoever_races() {
    let tenant = Tenant::without_policy();
    tenant.policy(&json!({"v": 1, "tokens": {"restores_per_minute": 20}}));
    let asking = |n: usize| {
        let tokens: Vec<_> = (0..4).map(|m| format!("[EMAIL_T_{n:013}{m:013}]")).collect();
        tenant.dlp("/v1/restore", &json!({"text": tokens.join(" ")}))
    };
    assert_eq!(asking(99).send().status, 200, "an instance is warm");
    early_in_a_minute();
    let answers = send_all((0..16).map(asking).collect());
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    // The first call may lie in the same minute.
    assert!(count(200) == 5 || count(200) == 4, "{} of 16", count(200));
    assert_eq!(count(200) + count(429), 16, "{answers:?}");
    for full in answers.iter().filter(|answer| answer.status == 429) {
        assert_eq!(told(full), refused(429, "rate_exceeded"));
        let wait: u64 = full.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{full:?}");
    }
    let params = json!({
        "TableName": stack().at("/tables/gates"), "KeyConditionExpression": "pk = :pk AND begins_with(sk, :what)",
        "ExpressionAttributeValues": {
            ":pk": {"S": format!("T#{}#R", tenant.tenant_id())}, ":what": {"S": "RATE#dlp.restore#"},
        },
    });
    let windows = aws::must("operator", "dynamodb", "query", &params)["Items"].as_array().unwrap().clone();
    let taken: Vec<u64> =
        windows.iter().map(|window| window["taken"]["N"].as_str().unwrap().parse().unwrap()).collect();
    assert!(taken.iter().all(|taken| *taken <= 20), "{taken:?}");
    assert_eq!(taken.iter().sum::<u64>(), 4 * (count(200) as u64 + 1), "{taken:?}");
    let more = tenant.dlp(
        "/v1/restore",
        &json!({"text": (0..21).map(|n| format!("[EMAIL_T_{n:026}]")).collect::<String>()}),
    );
    let never = more.send();
    assert_eq!(
        (told(&never), never.header("x-should-retry")),
        (refused(429, "rate_exceeded"), Some("false"))
    );

    let records = tenant.records(2 * 17 + 1);
    let full = records.iter().filter(|record| record.says() == ["outcome", "deny", "rate_exceeded"]).count();
    assert_eq!(full, count(429), "every refusal is recorded");
}
