//! The tenant's own Cedar: what it is told, what it decides, and what of it is refused.

use super::*;

fn with(cedar: &str) -> Value {
    let mut document = document(&[]);
    document["allow"] = json!(["open.*"]);
    document["cedar"] = cedar.into();
    document
}

fn forbid(when: &str) -> Gate {
    parsed(&with(&format!("@id(\"own\") forbid (principal, action, resource) when {{ {when} }};")))
}

/// Arguments as Cedar sees them. What is compared with another type is unequal, so that each line shows the type too.
#[test]
fn arguments_come_in_cedars_own_types() {
    for (arguments, when) in [
        (json!({"a": 5}), "context.arguments.a == 5"),
        (json!({"a": 5.0}), "context.arguments.a == 5"),
        (json!({"a": -0.0}), "context.arguments.a == 0"),
        (json!({"a": -5}), "context.arguments.a < 0"),
        (json!({"a": 1.5}), "context.arguments.a == decimal(\"1.5\")"),
        (json!({"a": -1.5}), "context.arguments.a.lessThan(decimal(\"0.0\"))"),
        (json!({"a": 0.0001}), "context.arguments.a == decimal(\"0.0001\")"),
        (json!({"a": "5"}), "context.arguments.a == \"5\""),
        (json!({"a": true}), "context.arguments.a"),
        (json!({"a": null}), "!(context.arguments has a)"),
        (json!({"a": {"b": 1}}), "context has arguments.a.b"),
        (json!({"a": ["x", "y", "x"]}), "context.arguments.a == [\"y\", \"x\"]"),
        (json!({"a": {"b": {"c": [1]}}}), "context.arguments.a.b.c.contains(1)"),
        (json!({"__extn": {"fn": "decimal", "arg": "1.0"}}), "context.arguments has __extn"),
        (json!({"__entity": {"type": "Agent", "id": "x"}}), "context.arguments[\"__entity\"].id == \"x\""),
        (json!(7), "context.arguments == 7"),
    ] {
        let verdict = decide(&forbid(when), "open.x", &arguments, None, noon());
        assert_eq!(verdict, Verdict::Forbid { gates: names(&["own"]) }, "{arguments} {when}");
    }
}

/// What has no form in Cedar is refused by every policy that there is, whatever they look at.
#[test]
fn arguments_without_a_form_fail() {
    for arguments in [
        json!({"a": 0.00001}),
        json!({"a": 1e300}),
        json!({"a": u64::MAX}),
        json!({"a": [null]}),
        json!(null),
        json!({"a": 1e15 + 0.5}),
    ] {
        let verdict = decide(&forbid("false"), "open.x", &arguments, None, noon());
        assert_eq!(verdict, Verdict::Failed { gates: names(&["own"]) }, "{arguments}");
    }
    // Without policies nobody asks for a form.
    for cedar in ["", "// nothing yet"] {
        let verdict = decide(&parsed(&with(cedar)), "open.x", &json!([null]), None, noon());
        assert_eq!(verdict, Verdict::Permit, "{cedar}");
    }
}

#[test]
fn everything_else_that_is_known_is_told() {
    let agent = AgentId::from_random([3; 10]);
    for (when, target, stops) in [
        (format!("principal == Agent::\"{agent}\""), None, true),
        ("principal in Team::\"sales\"".to_owned(), None, true),
        ("principal in Team::\"ops\"".to_owned(), None, false),
        ("action == Action::\"call\"".to_owned(), None, true),
        ("resource == Tool::\"open.x\"".to_owned(), None, true),
        ("resource == Tool::\"open.y\"".to_owned(), None, false),
        ("context has target".to_owned(), None, false),
        ("context.target like \"prod/*\"".to_owned(), Some("prod/x"), true),
        (
            "context.hour == 11 && context.weekday == \"mon\" && context.now == 1795431600".to_owned(),
            None,
            true,
        ),
    ] {
        let verdict = decide(&forbid(&when), "open.x", &json!({}), target, noon());
        let wanted = if stops { Verdict::Forbid { gates: names(&["own"]) } } else { Verdict::Permit };
        assert_eq!(verdict, wanted, "{when}");
    }
}

#[test]
fn a_policy_permits_holds_refuses_or_fails() {
    let permit = "@id(\"p\") permit (principal, action, resource == Tool::\"shut.x\");";
    let hold = "@id(\"h\") @approval(\"ops\") forbid (principal, action, resource);";
    let refuse = "@id(\"r\") forbid (principal, action, resource);";
    let fails = "@id(\"f\") forbid (principal, action, resource) when { context.arguments.none };";
    let failing_permit = "@id(\"g\") permit (principal, action, resource) when { context.arguments.none };";
    let of = |all: &[&str], tool: &str| decide(&parsed(&with(&all.concat())), tool, &json!({}), None, noon());
    let (forbid, failed) = (
        |all: &[&str]| Verdict::Forbid { gates: names(all) },
        |all: &[&str]| Verdict::Failed { gates: names(all) },
    );
    assert_eq!(of(&[], "open.x"), Verdict::Permit);
    assert_eq!(of(&[], "shut.x"), Verdict::Unmatched);
    assert_eq!(of(&[permit], "shut.x"), Verdict::Permit);
    assert_eq!(of(&[permit], "shut.y"), Verdict::Unmatched);
    assert_eq!(held(&of(&[permit, hold], "shut.x")), ["ops"]);
    assert_eq!(of(&[hold], "shut.y"), Verdict::Unmatched);
    assert_eq!(of(&[permit, hold, refuse], "shut.x"), forbid(&["r"]));
    assert_eq!(of(&[permit, hold, fails], "shut.x"), failed(&["f"]));
    assert_eq!(of(&[refuse, fails], "open.x"), forbid(&["r"]));
    assert_eq!(of(&[failing_permit], "open.x"), failed(&["g"]));
    assert_eq!(of(&[permit, failing_permit, fails], "shut.x"), failed(&["f", "g"]));
}

fn refused_cedar(cedar: &str, hint: &str) {
    let mut document = document(&[json!({"id": "gate", "template": "any", "tools": ["x"], "forbid": true})]);
    document["cedar"] = cedar.into();
    let found = refused(&document.to_string());
    assert_eq!((found.len(), found[0].0.as_str()), (1, "/cedar"), "{cedar}: {found:?}");
    assert!(found[0].1.starts_with(hint), "{cedar}: {found:?}");
}

#[test]
fn policies_of_another_form_are_refused() {
    let anything = "(principal, action, resource)";
    for (cedar, hint) in [
        ("permit".to_owned(), "this is no Cedar"),
        (format!("forbid {anything};"), "policy `?`: give it an id"),
        (format!("@id(\"a b\") forbid {anything};"), "policy `?`: an @id is"),
        (
            format!("@id(\"a\") @why(\"x\") forbid {anything};"),
            "policy `a`: @why is not known: use @id and @approval",
        ),
        (format!("@id(\"a\") @approval(\"none\") forbid {anything};"), "policy `a`: @approval names `none`"),
        (format!("@id(\"a\") @approval forbid {anything};"), "policy `a`: @approval names `?`"),
        (format!("@id(\"a\") @approval(\"ops\") permit {anything};"), "policy `a`: only what forbids"),
        ("@id(\"a\") forbid (principal == ?principal, action, resource);".to_owned(), "`?principal` and"),
        (
            format!("@id(\"a\") forbid {anything}; @id(\"a\") permit {anything};"),
            "policy `a`: its @id is that of",
        ),
        (format!("@id(\"gate\") forbid {anything};"), "policy `gate`: its @id is that of"),
        (format!("// {}", "x".repeat(16 << 10)), "the text may have 16384 bytes"),
    ] {
        refused_cedar(&cedar, hint);
    }
}

/// Cedar takes any word, and a mistyped one would be the name of nothing.
#[test]
fn policies_with_unknown_words_are_refused() {
    let anything = "(principal, action, resource)";
    for (cedar, hint) in [
        (
            format!("@id(\"a\") forbid {anything} when {{ context.argument.x }};"),
            "policy `a`: there is no context.argument:",
        ),
        (
            format!("@id(\"a\") forbid {anything} when {{ context has arg }};"),
            "policy `a`: there is no context.arg:",
        ),
        (
            format!("@id(\"a\") forbid {anything} when {{ context has argument.a }};"),
            "policy `a`: there is no context.argument:",
        ),
        (
            format!("@id(\"a\") forbid {anything} when {{ context[\"Dana Levi\"] }};"),
            "policy `a`: there is no context.?:",
        ),
        (
            format!("@id(\"a\") forbid {anything} when {{ principal.team == 1 }};"),
            "policy `a`: there is no principal.team",
        ),
        (
            format!("@id(\"a\") forbid {anything} when {{ resource has owner }};"),
            "policy `a`: there is no resource.owner",
        ),
        (
            "@id(\"a\") forbid (principal is User, action, resource);".to_owned(),
            "policy `a`: there is no `User`",
        ),
        (
            "@id(\"a\") forbid (principal == Agent::\"bob\", action, resource);".to_owned(),
            "policy `a`: Agent `bob` cannot be",
        ),
        (
            "@id(\"a\") forbid (principal in Team::\"S a\", action, resource);".to_owned(),
            "policy `a`: Team `?` cannot be",
        ),
        (
            "@id(\"a\") forbid (principal, action == Action::\"pay\", resource);".to_owned(),
            "policy `a`: Action `pay` cannot",
        ),
        (
            "@id(\"a\") forbid (principal, action in [Action::\"x\"], resource);".to_owned(),
            "policy `a`: Action `x` cannot",
        ),
        (
            "@id(\"a\") forbid (principal, action, resource == Tool::\"\");".to_owned(),
            "policy `a`: Tool `?` cannot be",
        ),
        (
            format!("@id(\"a\") forbid {anything} when {{ principal is Robot }};"),
            "policy `a`: there is no `Robot`",
        ),
        (
            format!("@id(\"a\") forbid {anything} when {{ [User::\"x\"].contains(principal) }};"),
            "policy `a`: there is no `User`",
        ),
    ] {
        refused_cedar(&cedar, hint);
    }
}
