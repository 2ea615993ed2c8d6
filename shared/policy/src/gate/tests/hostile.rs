//! Documents and actions made to harm: none is accepted by mistake, none ends the process, none is quoted.

use super::*;
use proptest::prelude::*;

#[test]
fn a_text_of_another_form_is_refused() {
    for (text, at, hint) in [
        ("", "", "EOF while parsing a value (line 1, column 0)"),
        ("{}", "", "missing field `v`"),
        ("[]", "", "invalid"),
        ("null", "", "invalid type"),
        (r#"{"v":2}"#, "/v", "this version reads documents of `\"v\": 1`"),
        (r#"{"v":"1"}"#, "/v", "invalid type: expected u64"),
        (r#"{"v":1} x"#, "", "trailing characters"),
        (r#"{"v":1,"v":1}"#, "", "`v` stands twice"),
        (r#"{"v":1,"gates":[{"id":"a","id":"b"}]}"#, "/gates/0", "`id` stands twice"),
        (r#"{"v":1,"approvals":{"a":{},"a":{}}}"#, "/approvals", "`a` stands twice"),
        (r#"{"v":1,"gate":[]}"#, "/gate", "`gate` is not known here: use one of `v`, `allow`"),
        (r#"{"v":1,"the secret word":1}"#, "/?", "`?` is not known here"),
        (
            r#"{"v":1,"answers":"secret word"}"#,
            "/answers",
            "unknown word: use one of `leave`, `mark`, `withhold`",
        ),
        (r#"{"v":1,"gates":{}}"#, "/gates", "invalid type: expected a sequence"),
        (r#"{"v":1,"gates":["x"]}"#, "/gates/0", "invalid type: expected a map"),
        (r#"{"v":1,"cedar":7}"#, "/cedar", "invalid type: expected a string"),
        ("{\"v\":1,\"cedar\":\"\u{1}\"}", "/cedar", "control character"),
    ] {
        let found = refused(text);
        assert_eq!((found.len(), found[0].0.as_str()), (1, at), "{text}: {found:?}");
        assert!(found[0].1.contains(hint), "{text}: {found:?}");
        assert!(!found[0].1.contains("secret"), "{text}: {found:?}");
    }
}

#[test]
fn too_much_of_anything_is_refused() {
    let many = |count: usize, one: &dyn Fn(usize) -> Value| -> Value { (0..count).map(one).collect() };
    let gate = |n: usize| json!({"id": format!("g{n}"), "template": "any", "tools": ["x"], "forbid": true});
    let tool = |n: usize| json!(format!("t{n}"));
    let rules = |count: usize| -> Value {
        (0..count).map(|n| (format!("r{n}"), rule())).collect::<serde_json::Map<_, _>>().into()
    };
    let policies = |count: usize| -> Value {
        (0..count)
            .map(|n| format!("@id(\"p{n}\") forbid (principal, action, resource);"))
            .collect::<String>()
            .into()
    };
    let small = |key: &str, value: Value| {
        let mut document = json!({"v": 1});
        document[key] = value;
        document
    };
    for (key, most, more, at) in [
        ("allow", many(64, &tool), many(65, &tool), "/allow"),
        ("gates", many(64, &gate), many(65, &gate), "/gates"),
        ("approvals", rules(32), rules(33), "/approvals"),
        ("cedar", policies(64), policies(65), "/cedar"),
    ] {
        parsed(&small(key, most));
        let found = refused(&small(key, more).to_string());
        assert_eq!((found.len(), found[0].0.as_str()), (1, at), "{found:?}");
    }
    let mut wide = gate(0);
    wide["tools"] = many(65, &tool);
    assert_eq!(refused(&document(&[wide]).to_string())[0].0, "/gates/0/tools");
    let long = format!("{}{}", r#"{"v":1}"#, " ".repeat(64 << 10));
    assert_eq!(refused(&long)[0].1, "the document may have 65536 bytes and has 65543");
}

/// Cedar that would take its reader very deep: refused, or read, on a stack of two MiB.
#[test]
fn deep_cedar_ends_no_process() {
    let deep = |before: &str, inner: &str, after: &str, times: usize| {
        let body = format!("{}{inner}{}", before.repeat(times), after.repeat(times));
        format!("@id(\"p\") forbid (principal, action, resource) when {{ {body} }};")
    };
    let kinds = [
        ("(", "true", ")"),
        ("[", "", "]"),
        ("{a:", "1", "}"),
        ("!", "true", ""),
        ("-", "1", ""),
        ("", "context.arguments", ".a"),
        ("", "context.arguments", "[\"a\"]"),
        ("", "context.arguments", ".contains(1)"),
        ("", "context.arguments has a", ".a"),
        ("true && ", "true", ""),
        ("true || ", "true", ""),
        ("1 + ", "1 == 1", ""),
        ("1 * ", "1 == 1", ""),
        ("if true then ", "true", " else true"),
        ("if true then true else ", "true", ""),
        ("if ", "true", " then true else true"),
    ];
    // As deep as the text goes, and as deep as it is read.
    let texts = kinds.iter().flat_map(|(before, inner, after)| {
        [14, 30, 55, 110, 8000].map(|times| deep(before, inner, after, times))
    });
    let (mut read, mut refused) = (0, 0);
    for text in texts {
        let decided = move || {
            let document = json!({"v": 1, "allow": ["*"], "cedar": text});
            Gate::parse(&document.to_string()).is_ok_and(|gate| {
                decide(&gate, "x", &json!({}), None, noon());
                true
            })
        };
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(decided).unwrap();
        *(if thread.join().unwrap() { &mut read } else { &mut refused }) += 1;
    }
    assert!(read > kinds.len() && refused > 2 * kinds.len(), "{read} {refused}");
}

/// What counts as depth is counted where Cedar sees it, and nowhere else.
#[test]
fn texts_and_comments_are_no_depth() {
    let points = ".".repeat(200);
    let cedar = |before: &str, inner: &str| {
        let text = format!("{before}\n@id(\"p\") forbid (principal, action, resource) when {{ {inner} }};");
        Gate::parse(&json!({"v": 1, "cedar": text}).to_string()).is_ok()
    };
    assert!(cedar(&format!("// {points}"), "true"));
    assert!(cedar("", &format!("context.target == \"{points}\\\"{points}\"")));
    let chain = ".a".repeat(100);
    assert!(cedar("", &format!("context.arguments{chain}")));
    // A semicolon in a text or a comment begins no policy, and the end of a text is its end.
    for hidden in ["[\";\"]", "// ;\n", "[\"\\\";\"]", "[\"//;\"]"] {
        assert!(!cedar("", &format!("context.arguments{chain}{hidden}{chain}")), "{hidden}");
    }
}

pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[a-z0-9.@/%]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop_oneof![Just("a".to_owned()), Just("to".to_owned()), "\\PC{0,4}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn everything() -> Gate {
    let mut document = document(&[
        json!({"id": "a", "template": "payments", "tools": ["*"], "amount": "/a", "over": 1, "approval": "ops"}),
        json!({"id": "b", "template": "deletion", "tools": ["*"], "targets": ["a*"], "paths": ["/a"], "approval": "ops"}),
        json!({"id": "c", "template": "external_email", "tools": ["*"], "recipients": ["/to", "/a"], "domains": [],
            "approval": "ops"}),
        json!({"id": "d", "template": "production", "tools": ["*"], "targets": ["a*"], "approval": "ops"}),
        json!({"id": "e", "template": "data_export", "tools": ["*"], "rows": "/a", "over": 1, "approval": "ops"}),
        json!({"id": "f", "template": "outside_hours", "tools": ["*"], "zone": "Asia/Jerusalem",
            "hours": ["00:00", "24:00"], "days": ["sun"], "approval": "ops"}),
    ]);
    document["cedar"] = "@id(\"own\") @approval(\"finance\") forbid (principal, action, resource)
        when { context.arguments has a && context.arguments.a == 1 };"
        .into();
    parsed(&document)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,64}", json in any_json()) {
        let _ = Gate::parse(&text);
        let _ = Gate::parse(&json.to_string());
        let _ = Gate::parse(&json!({"v": 1, "gates": [json], "cedar": text}).to_string());
    }

    /// What one digest stands for is decided in one way: numbers have one value, however they are written.
    #[test]
    fn one_canonical_form_is_decided_in_one_way(arguments in any_json()) {
        let (tenant, agent, tool) = (domain::TenantId::from_random([2; 10]), AgentId::from_random([3; 10]), name("x"));
        let form = domain::ActionForm::new(&tenant, &agent, &tool, &arguments, None);
        if let Ok(canonical) = form.canonical() {
            let again: Value = serde_json::from_str(&canonical).unwrap();
            let of = |arguments: &Value| decide(&everything(), "x", arguments, None, noon());
            prop_assert_eq!(of(&arguments), of(&again["arguments"]));
        }
    }

    /// With no currency and no mail that is internal, nothing of this passes: whatever is sent, somebody is asked.
    #[test]
    fn any_arguments_are_decided(arguments in any_json(), target in prop::option::of("\\PC{0,12}"), at in 0_i64..253_402_300_799_999) {
        let now = Timestamp::from_unix_millis(at).unwrap();
        let verdict = decide(&everything(), "x", &arguments, target.as_deref(), now);
        prop_assert!(matches!(verdict, Verdict::Hold { .. } | Verdict::Failed { .. }), "{verdict:?}");
    }
}

#[test]
fn arguments_of_any_depth_are_decided() {
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!({"a": [deep]});
    }
    let own = names(&["own"]);
    assert_eq!(decide(&everything(), "x", &deep, None, noon()), Verdict::Failed { gates: own });
}
