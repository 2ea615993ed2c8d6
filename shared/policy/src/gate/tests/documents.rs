//! Documents that are refused, each with its place and what to do.

use super::*;

fn gate(more: &str) -> String {
    format!(r#"{{"id":"a","template":"any","tools":["x"]{more}}}"#)
}

fn with(gates: &str) -> String {
    format!(r#"{{"v":1,"gates":[{gates}],"approvals":{{"ops":{}}}}}"#, rule())
}

#[test]
fn the_example_of_the_readme_reads() {
    let readme = include_str!("../../../../../README.md");
    let section = readme.split("\n### Approval gates: which actions need whom\n").nth(1).unwrap();
    let example = section.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let gate = Gate::parse(example).unwrap_or_else(|faults| panic!("{faults}"));
    let pay = |amount: &str| decide(&gate, "payments.send", &json!({"amount": amount}), None, noon());
    assert_eq!(pay("10.00"), Verdict::Permit);
    assert_eq!(held(&pay("82000")), ["finance"]);
    for template in Template::ALL {
        assert!(section.contains(&format!("| `{}` |", template.as_str())), "{}", template.as_str());
    }
}

#[test]
fn a_gate_that_does_not_read_is_told_where_and_why() {
    for (gates, at, hint) in [
        (gate(""), "/gates/0", "say either whose `approval` it needs or `\"forbid\": true`"),
        (gate(r#","forbid":false"#), "/gates/0", "say either"),
        (gate(r#","forbid":true,"approval":"ops""#), "/gates/0", "say either"),
        (gate(r#","forbid":1"#), "/gates/0/forbid", "invalid type: expected a boolean"),
        (gate(r#","approval":"nobody""#), "/gates/0/approval", "`nobody` is not in `approvals`"),
        (gate(r#","approval":"Dana Levi""#), "/gates/0/approval", "`?` is not in `approvals`"),
        (gate(r#","forbid":true,"over":1"#), "/gates/0/over", "nothing more is known here"),
        (format!("{0},{0}", gate(r#","forbid":true"#)), "/gates/1/id", "another gate has this id"),
        (r#"{"template":"any","tools":["x"],"forbid":true}"#.into(), "/gates/0/id", "give it an id"),
        (r#"{"id":"ä","template":"any","tools":["x"],"forbid":true}"#.into(), "/gates/0/id", "not a name"),
        (r#"{"id":"a","tools":["x"],"forbid":true}"#.into(), "/gates/0/template", "say which risk"),
        (
            r#"{"id":"a","template":"payment","tools":["x"],"forbid":true}"#.into(),
            "/gates/0/template",
            "there is no template `payment`: use payments, deletion, external_email, production, data_export, outside_hours, any",
        ),
        (r#"{"id":"a","template":"any","forbid":true}"#.into(), "/gates/0/tools", "name the tools"),
        (
            r#"{"id":"a","template":"any","tools":[],"forbid":true}"#.into(),
            "/gates/0/tools",
            "name the tools",
        ),
        (
            r#"{"id":"a","template":"any","tools":["a b"],"forbid":true}"#.into(),
            "/gates/0/tools/0",
            "not a pattern",
        ),
        (r#"{"id":"a","template":"any","tools":"x","forbid":true}"#.into(), "/gates/0/tools", "invalid type"),
    ] {
        let found = refused(&with(&gates));
        assert_eq!(found.len(), 1, "{gates}: {found:?}");
        assert_eq!(found[0].0, at, "{gates}");
        assert!(found[0].1.starts_with(hint), "{gates}: {}", found[0].1);
    }
}

#[test]
fn parameters_that_do_not_read_are_told_where_and_why() {
    for (template, params, at, hint) in [
        ("payments", r#""over":1"#, "", "missing field `amount`"),
        (
            "payments",
            r#""amount":"/a","over":1,"max":2"#,
            "/max",
            "`max` is not known here: use one of `amount`, `over`",
        ),
        ("payments", r#""amount":"/a","over":-1"#, "/over", "use a number of at most four places"),
        ("payments", r#""amount":"/a","over":"1.00001""#, "/over", "use a number"),
        ("payments", r#""amount":"a","over":1"#, "/amount", "use a JSON pointer"),
        ("payments", r#""amount":"/a~2","over":1"#, "/amount", "use a JSON pointer"),
        ("payments", r#""amount":"","over":1"#, "/amount", "use a JSON pointer"),
        (
            "payments",
            r#""amount":"/a","over":1,"currency":"/c""#,
            "/currencies",
            "say where the currency stands",
        ),
        ("payments", r#""amount":"/a","over":1,"currencies":["EUR"]"#, "/currencies", "say where"),
        ("payments", r#""amount":"/a","over":1,"currency":"/c","currencies":[]"#, "/currencies", "say where"),
        (
            "payments",
            r#""amount":"/a","over":1,"currency":"/c","currencies":["eur"]"#,
            "/currencies/0",
            "use a code",
        ),
        ("deletion", r#""targets":[]"#, "/targets", "name 1 to 64 targets"),
        ("deletion", r#""targets":["a/../b"]"#, "/targets/0", "use a plain path"),
        ("production", r#""targets":["prod/*"],"paths":["p"]"#, "/paths/0", "use a JSON pointer"),
        (
            "external_email",
            r#""recipients":[],"domains":["acme.com"]"#,
            "/recipients",
            "say where recipients stand",
        ),
        ("external_email", r#""recipients":["/to"],"domains":["*.com."]"#, "/domains/0", "use a domain"),
        ("external_email", r#""recipients":["/to"],"domains":["*@acme.com"]"#, "/domains/0", "use a domain"),
        ("data_export", r#""rows":"/n","over":1.5"#, "/over", "use a whole number"),
        (
            "outside_hours",
            r#""zone":"Mars","hours":["08:00","18:00"],"days":["mon"]"#,
            "/zone",
            "use an IANA time zone",
        ),
        (
            "outside_hours",
            r#""zone":"UTC","hours":["18:00","08:00"],"days":["mon"]"#,
            "/hours",
            "begin before the end",
        ),
        (
            "outside_hours",
            r#""zone":"UTC","hours":["8:00","18:00"],"days":["mon"]"#,
            "/hours/0",
            "use a time of day",
        ),
        (
            "outside_hours",
            r#""zone":"UTC","hours":["08:00","24:01"],"days":["mon"]"#,
            "/hours/1",
            "use a time of day",
        ),
        ("outside_hours", r#""zone":"UTC","hours":["08:00"],"days":["mon"]"#, "/hours", "invalid length"),
        (
            "outside_hours",
            r#""zone":"UTC","hours":["08:00","18:00"],"days":["monday"]"#,
            "/days/0",
            "unknown word: use",
        ),
        ("outside_hours", r#""zone":"UTC","hours":["08:00","18:00"],"days":[]"#, "/days", "name days"),
    ] {
        let gate = format!(r#"{{"id":"a","template":"{template}","tools":["x"],"forbid":true,{params}}}"#);
        let found = refused(&with(&gate));
        assert_eq!(found.len(), 1, "{params}: {found:?}");
        assert_eq!(found[0].0, format!("/gates/0{at}"), "{params}: {}", found[0].1);
        assert!(found[0].1.starts_with(hint), "{params}: {}", found[0].1);
    }
}

#[test]
fn a_rule_that_nobody_can_satisfy_is_refused() {
    let users = |all: &[u8]| -> Value {
        let all: Vec<_> = all.iter().map(|n| domain::UserId::from_random([*n; 10]).to_string()).collect();
        json!({"users": all})
    };
    let roles = json!({"roles": ["owner"]});
    for (change, at) in [
        (json!({"quorum": []}), "quorum"),
        (json!({"quorum": [{"of": {}, "need": 1}]}), "quorum/0/of"),
        (json!({"quorum": [{"of": roles, "need": 0}]}), "quorum/0/need"),
        (json!({"quorum": [{"of": roles, "need": 9}, {"of": roles, "need": 8}]}), "quorum"),
        (json!({"quorum": [{"of": users(&[1]), "need": 2}]}), "quorum"),
        (json!({"quorum": [{"of": users(&[1]), "need": 1}, {"of": users(&[1]), "need": 1}]}), "quorum"),
        (json!({"quorum": [{"of": {"roles": ["king"]}, "need": 1}]}), "quorum/0/of/roles/0"),
        (json!({"deny": 0}), "deny"),
        (json!({"expires_minutes": 0}), "expires_minutes"),
        (json!({"expires_minutes": 43_201}), "expires_minutes"),
        (json!({"remind_minutes": 60}), "remind_minutes"),
        (json!({"remind_minutes": 0}), "remind_minutes"),
        (json!({"escalate": {"after_minutes": 60, "to": roles}}), "escalate/after_minutes"),
        (json!({"escalate": {"after_minutes": 1, "to": {}}}), "escalate/to"),
        (json!({"risk": " "}), "risk"),
        (json!({"risk": "a\u{7}b"}), "risk"),
        (json!({"id": "other"}), "id"),
        (json!({"quorums": 1}), "quorums"),
        (json!({"high": null}), "high"),
    ] {
        let mut rule = rule();
        rule.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let found = refused(&json!({"v": 1, "approvals": {"ops": rule}}).to_string());
        let wanted = format!("/approvals/ops/{at}");
        assert_eq!(
            (found.len(), found[0].0.as_str()),
            (1, wanted.trim_end_matches('/')),
            "{change}: {found:?}"
        );
    }
    let mut enough = rule();
    enough["quorum"] = json!([{"of": users(&[1, 2]), "need": 1}, {"of": users(&[1]), "need": 1}]);
    parsed(&json!({"v": 1, "approvals": {"ops": enough}}));
    enough["quorum"] = json!([{"of": users(&[1]), "need": 2}]);
    enough["escalate"] = json!({"after_minutes": 1, "to": {"roles": ["owner"]}});
    parsed(&json!({"v": 1, "approvals": {"ops": enough}}));
}

/// A rule that is wrong itself does not make the gates wrong that name it; everything else is told at once.
#[test]
fn several_faults_are_told_at_once() {
    let mut document = document(&[
        json!({"id": "a", "template": "any", "tools": ["x"], "approval": "finance"}),
        json!({"id": "b", "template": "payments", "tools": ["x"], "forbid": true}),
        json!({"id": "c", "template": "none", "tools": [""]}),
    ]);
    document["approvals"]["finance"]["deny"] = "one".into();
    document["approvals"]["Fin ance"] = rule();
    document["allow"] = json!(["ok", "not ok", 5]);
    document["cedar"] = "permit (principal, action, resource);".into();
    let at: Vec<_> = refused(&document.to_string()).into_iter().map(|(at, _)| at).collect();
    let wanted = [
        "/allow/1",
        "/allow/2",
        "/approvals/?",
        "/approvals/finance/deny",
        "/gates/1",
        "/gates/2/template",
        "/gates/2/tools/0",
        "/gates/2",
        "/cedar",
    ];
    assert_eq!(at, wanted);
}
