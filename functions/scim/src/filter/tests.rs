use super::*;
use crate::error::ScimType;
use crate::schema::{ENTERPRISE, USER};
use proptest::prelude::*;
use serde_json::json;

fn dana() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "id": "u-41",
        "externalId": "Jyoung",
        "userName": "Dana@acme.test",
        "name": {"givenName": "Dana", "familyName": "O\"Levi"},
        "active": true,
        "emails": [
            {"value": "dana@acme.test", "type": "work", "primary": true},
            {"value": "d@home.test", "type": "home"}
        ],
        "groups": [{"value": "g-17", "display": "Ops", "type": "direct"}],
        ENTERPRISE: {"employeeNumber": "701984", "manager": {"value": "u-1"}},
        "meta": {"resourceType": "User", "created": "2026-01-02T03:04:05.000Z", "lastModified": "2026-11-01T00:00:00.000Z"}
    })
}

/// What identity providers ask, and what the RFC shows.
#[test]
fn filters_hold_or_do_not() {
    let number = format!("{ENTERPRISE}:employeeNumber");
    for (text, holds) in [
        // Okta
        (r#"userName eq "dana@acme.test""#, true),
        (r#"userName eq "dana@acme.test2""#, false),
        // Entra
        (r#"externalId eq "Jyoung""#, true),
        (r#"externalId eq "jyoung""#, false),
        ("externalId eq Jyoung", true),
        ("userName eq dana@acme.test", true),
        (r#"emails[type eq "work"].value eq "DANA@acme.test""#, true),
        (r#"emails[type eq "home"].value eq "dana@acme.test""#, false),
        (r#"userName eq "dana@acme.test" and active eq true"#, true),
        (r#"active eq "False""#, false),
        // PingFederate
        ("emails eq dana@acme.test", true),
        (r#"emails co "home.test""#, true),
        // IPSIE
        (r#"emails[value eq "d@home.test"]"#, true),
        (r#"emails[type eq "work" and value eq "d@home.test"]"#, false),
        (r#"emails.type eq "work" and emails.value eq "d@home.test""#, true),
        // RFC 7644, figure 2
        (r#"name.familyName co "O\"L""#, true),
        (r#"userName sw "D""#, true),
        (&format!(r#"{USER}:userName sw "D""#), true),
        ("title pr", false),
        ("emails pr and not (title pr)", true),
        (r#"meta.lastModified gt "2011-05-13T04:42:34Z""#, true),
        (r#"meta.lastModified lt "2011-05-13T04:42:34Z""#, false),
        (r#"meta.created eq "2026-01-02T05:04:05+02:00""#, true),
        ("meta.created le 2026-01-02T03:04:05Z", true),
        (r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#, true),
        (r#"title pr or userName ew "TEST""#, true),
        (r#"userName EQ "dana@acme.test" AND NOT (emails[TYPE Eq "x"]) Or title PR"#, true),
        (r#"title eq "a" and title eq "b" or active eq true"#, true),
        (r#"title eq "a" and (title eq "b" or active eq true)"#, false),
        (&format!(r#"{number} eq "701984""#), true),
        (&format!("{number} eq 701984"), true),
        (&format!(r#"{}:MANAGER eq "u-1""#, ENTERPRISE.to_lowercase()), true),
        (r#"name[givenName eq "dana"]"#, true),
        // Unassigned
        ("title eq null", true),
        (r#"title eq """#, true),
        ("title ne null", false),
        ("userName ne null", true),
        (r#"title ne "x""#, true),
        (r#"title co "x""#, false),
        (r#"emails.value ne "dana@acme.test""#, true),
        (r#"userName ne "dana@acme.test""#, false),
        (r#"userName gt "c" and userName lt "e""#, true),
        (r#"groups.value eq "g-17""#, true),
        ("  (  userName  pr )  ", true),
    ] {
        let filter = Filter::parse(Kind::User, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(filter.matches(&dana()), holds, "{text}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let deep = |depth: usize| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    let terms = |terms: usize| format!("title pr{}", " or title pr".repeat(terms - 1));
    for good in [deep(MAX_DEPTH), terms(MAX_TERMS), format!("{}title pr", " ".repeat(MAX_LENGTH - 8))] {
        assert!(Filter::parse(Kind::User, &good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "   ",
        "userName",
        "userName eq",
        "userName eq \"a",
        "userName eq \"\\ud800\"",
        "userName eq \"\\x\"",
        "userName eq \"a\0b\"",
        "userName eq true",
        "userName gt null",
        "userName is \"a\"",
        "userName eq \"a\" userName eq \"b\"",
        "userName eq \"a\" and",
        "or userName eq \"a\"",
        "not userName eq \"a\"",
        "not (userName pr",
        "(userName pr",
        "userName pr)",
        "userName[value eq \"a\"]",
        "emails[type eq \"a\"",
        "emails[]",
        "emails[type eq \"a\"].size eq \"b\"",
        "emails[type eq \"a\"].value",
        "emails[emails[type eq \"a\"]]",
        "emails[userName eq \"a\"]",
        "shoeSize eq \"a\"",
        "password eq \"a\"",
        "name eq \"a\"",
        "active gt true",
        "active co \"t\"",
        "active eq \"yes\"",
        "x509Certificates.value gt \"a\"",
        "meta.created sw \"2026\"",
        "meta.created gt \"yesterday\"",
        "urn:x:User:userName eq \"a\"",
        "\"userName\" eq \"a\"",
        ENTERPRISE,
        &deep(MAX_DEPTH + 1),
        &deep(200_000),
        &"not (".repeat(200_000),
        &"emails[".repeat(1_000),
        &terms(MAX_TERMS + 1),
        &format!("{}title pr", " ".repeat(MAX_LENGTH)),
    ] {
        let error = Filter::parse(Kind::User, bad).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{bad}");
        assert!(!error.detail.contains("Dana"), "{error}");
    }
    let error = Filter::parse(Kind::User, "\"dana@acme.test\" eq dana@acme.test").unwrap_err();
    assert!(!error.detail.contains("dana"), "{error}");
}

#[test]
fn stores_learn_what_to_look_up() {
    let found = |kind, text: &str| {
        let lookups = Filter::parse(kind, text).unwrap().lookups();
        lookups.into_iter().map(|one| (one.field, one.value)).collect::<Vec<_>>()
    };
    let user = |text: &str| found(Kind::User, text);
    assert_eq!(user(r#"userName eq "Dana""#), [(Field::UserName, "dana".to_owned())]);
    assert_eq!(user("externalId eq Dana"), [(Field::ExternalId, "Dana".to_owned())]);
    assert_eq!(user(r#"id eq "u-1""#), [(Field::Id, "u-1".to_owned())]);
    let email = [(Field::Email, "d@acme.test".to_owned())];
    for text in [
        r#"emails.value eq "D@acme.test""#,
        r#"emails eq "D@acme.test""#,
        r#"emails[value eq "D@acme.test"]"#,
        r#"emails[type eq "work"].value eq "D@acme.test""#,
        r#"active eq true and emails[type eq "work" and value eq "D@acme.test"]"#,
    ] {
        assert_eq!(user(text), email, "{text}");
    }
    assert_eq!(user(r#"userName eq "a" and (externalId eq "b")"#).len(), 2);
    assert_eq!(user(r#"groups.value eq "g-1""#), [(Field::Group, "g-1".to_owned())]);
    for text in [
        r#"userName eq "a" or userName eq "b""#,
        r#"not (userName eq "a")"#,
        r#"userName ne "a""#,
        r#"userName co "a""#,
        "userName eq null",
        r#"emails[not (value eq "a")]"#,
        r#"title eq "a""#,
        &format!(r#"{ENTERPRISE}:manager.value eq "a""#),
    ] {
        assert_eq!(user(text), [], "{text}");
    }
    assert_eq!(found(Kind::Group, r#"displayName eq "OPS""#), [(Field::DisplayName, "ops".to_owned())]);
    for text in [r#"members.value eq "u-1""#, r#"members[value eq "u-1"]"#, r#"members eq "u-1""#] {
        assert_eq!(found(Kind::Group, text), [(Field::Member, "u-1".to_owned())], "{text}");
    }
}

/// A filter as this test understands it: it writes its own text, and asks flat facts instead of documents.
#[derive(Debug, Clone)]
enum Model {
    Test { name: &'static str, op: &'static str, value: Option<&'static str> },
    All(Box<Model>, Box<Model>),
    Any(Box<Model>, Box<Model>),
    Not(Box<Model>),
    Within(&'static str, Box<Model>),
}

const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
/// Name, and whether case counts.
const TOP: [(&str, bool); 6] = [
    ("userName", false),
    ("externalId", true),
    ("title", false),
    ("name.givenName", false),
    ("emails.value", false),
    (DEPARTMENT, false),
];
const WITHIN: [(&str, bool); 2] = [("value", false), ("type", false)];
const VALUES: [&str; 6] = ["a", "A", "ab", "AB", "ba", "é"];
const OPS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

/// Where a value stands, in which element, and the value.
type Fact = (&'static str, usize, &'static str);

impl Model {
    fn text(&self, loud: bool) -> String {
        let word = |word: &str| if loud { word.to_uppercase() } else { word.to_owned() };
        match self {
            Self::Test { name, op, value: Some(value) } => format!("{} {} \"{value}\"", word(name), word(op)),
            Self::Test { name, op, value: None } => format!("{name} {} null", word(op)),
            Self::All(a, b) => format!("({}) {} ({})", a.text(loud), word("and"), b.text(loud)),
            Self::Any(a, b) => format!("({}) {} ({})", a.text(loud), word("or"), b.text(loud)),
            Self::Not(a) => format!("{} ({})", word("not"), a.text(loud)),
            Self::Within(name, a) => format!("{}[{}]", word(name), a.text(loud)),
        }
    }

    fn holds(&self, facts: &[Fact]) -> bool {
        match self {
            Self::All(a, b) => a.holds(facts) & b.holds(facts),
            Self::Any(a, b) => a.holds(facts) | b.holds(facts),
            Self::Not(a) => !a.holds(facts),
            Self::Within(name, a) => (0..4).any(|element| {
                let of = |fact: &Fact| {
                    (fact.1 == element)
                        .then(|| fact.0.strip_prefix(name)?.strip_prefix('.').map(|sub| (sub, 0, fact.2)))?
                };
                let facts: Vec<Fact> = facts.iter().filter_map(of).collect();
                !facts.is_empty() && a.holds(&facts)
            }),
            Self::Test { name, op, value } => {
                let said: Vec<&str> =
                    facts.iter().filter(|fact| fact.0 == *name).map(|fact| fact.2).collect();
                let exact = TOP.contains(&(name, true));
                match (*op, value) {
                    ("eq", None) => said.is_empty(),
                    (_, None) => !said.is_empty(),
                    ("ne", Some(_)) if said.is_empty() => true,
                    (op, Some(value)) => said.iter().any(|is| Self::compares(op, is, value, exact)),
                }
            }
        }
    }

    fn compares(op: &str, is: &str, wanted: &str, exact: bool) -> bool {
        let (is, wanted) = if exact {
            (is.to_owned(), wanted.to_owned())
        } else {
            (is.to_lowercase(), wanted.to_lowercase())
        };
        let order = is.cmp(&wanted);
        match op {
            "eq" => order.is_eq(),
            "ne" => order.is_ne(),
            "gt" => order.is_gt(),
            "ge" => order.is_ge(),
            "lt" => order.is_lt(),
            "le" => order.is_le(),
            "co" => is.matches(&wanted).next().is_some(),
            "sw" => is.find(&wanted) == Some(0),
            "ew" => is.rfind(&wanted).is_some_and(|at| at + wanted.len() == is.len()),
            other => panic!("{other}"),
        }
    }
}

fn a_test(names: &'static [(&'static str, bool)]) -> impl Strategy<Value = Model> {
    let names = prop::sample::select(names).prop_map(|(name, _)| name);
    let with = (names.clone(), prop::sample::select(&OPS[..]), prop::sample::select(&VALUES[..]));
    prop_oneof![
        5 => with.prop_map(|(name, op, value)| Model::Test { name, op, value: Some(value) }),
        1 => (names, prop::sample::select(&OPS[..2])).prop_map(|(name, op)| Model::Test { name, op, value: None }),
    ]
}

fn joined_up(leaf: impl Strategy<Value = Model> + 'static) -> impl Strategy<Value = Model> {
    leaf.prop_recursive(4, 24, 2, |inner| {
        let two = (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            two.clone().prop_map(|(a, b)| Model::All(a, b)),
            two.prop_map(|(a, b)| Model::Any(a, b)),
            inner.prop_map(|a| Model::Not(Box::new(a))),
        ]
    })
}

fn model() -> impl Strategy<Value = Model> {
    let within = joined_up(a_test(&WITHIN)).prop_map(|inner| Model::Within("emails", Box::new(inner)));
    joined_up(prop_oneof![3 => a_test(&TOP), 1 => within])
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let value = || prop::option::of(prop::sample::select(&VALUES[..]));
    let singles = prop::collection::vec(value(), 5);
    let emails = prop::collection::vec((value(), value()), 0..3);
    (singles, emails).prop_map(|(singles, emails)| {
        let names = ["userName", "externalId", "title", "name.givenName", DEPARTMENT];
        let singles = names.into_iter().zip(singles).filter_map(|(name, value)| Some((name, 0, value?)));
        let emails = emails.into_iter().enumerate().flat_map(|(at, (value, kind))| {
            [value.map(|value| ("emails.value", at, value)), kind.map(|kind| ("emails.type", at, kind))]
        });
        singles.chain(emails.flatten()).collect()
    })
}

fn document(facts: &[Fact]) -> Value {
    let mut document = json!({});
    for (name, element, value) in facts {
        match *name {
            "name.givenName" => document["name"] = json!({"givenName": value}),
            DEPARTMENT => document[ENTERPRISE] = json!({"department": value}),
            "emails.value" | "emails.type" => {
                let list = document.as_object_mut().unwrap().entry("emails").or_insert_with(|| json!([]));
                let list = list.as_array_mut().unwrap();
                list.resize(list.len().max(element + 1), json!({}));
                list[*element][name.trim_start_matches("emails.")] = json!(value);
            }
            name => document[name] = json!(value),
        }
    }
    // An element of nothing is never kept.
    if let Some(list) = document.get_mut("emails").and_then(Value::as_array_mut) {
        list.retain(|one| *one != json!({}));
    }
    document
}

proptest! {
    #[test]
    fn filters_agree_with_a_simple_model(model in model(), facts in facts(), loud: bool) {
        let text = model.text(loud);
        let filter = Filter::parse(Kind::User, &text).unwrap();
        prop_assert_eq!(filter.matches(&document(&facts)), model.holds(&facts), "{}", text);
    }

    #[test]
    fn what_is_written_reads_back(model in model(), facts in facts()) {
        let filter = Filter::parse(Kind::User, &model.text(false)).unwrap();
        let again = Filter::parse(Kind::User, &filter.to_string()).unwrap();
        prop_assert_eq!(&again, &filter);
        prop_assert_eq!(again.matches(&document(&facts)), filter.matches(&document(&facts)));
    }

    #[test]
    fn any_text_reads_back(text in "\\PC{0,12}", op in prop::sample::select(&Op::ALL[..9])) {
        let place = match Kind::User.named("userName") {
            Some(crate::schema::Named::At(place)) => place,
            other => panic!("{other:?}"),
        };
        let value = if text.is_empty() { Literal::Null } else { Literal::Text(text) };
        prop_assume!(value != Literal::Null || matches!(op, Op::Eq | Op::Ne));
        let filter = Filter::Test(Test { at: At::Place(place), op, value });
        prop_assert_eq!(Filter::parse(Kind::User, &filter.to_string()), Ok(filter));
    }

    #[test]
    fn a_lookup_never_loses_a_match(model in model(), facts in facts()) {
        let filter = Filter::parse(Kind::User, &model.text(false)).unwrap();
        let whole = document(&facts);
        if filter.matches(&whole) {
            for Lookup { field, value } in filter.lookups() {
                let name = match field {
                    Field::UserName => "userName",
                    Field::ExternalId => "externalId",
                    Field::Email => "emails.value",
                    other => panic!("{other:?}"),
                };
                let said = |fact: &&Fact| fact.0 == name && (fact.2 == value || (name != "externalId" && fold(fact.2) == value));
                prop_assert!(facts.iter().any(|fact| said(&fact)), "{name}: {value} in {whole}");
            }
        }
    }

    #[test]
    fn nothing_panics(text in "\\PC{0,60}", words in prop::collection::vec(prop::sample::select(&["(", ")", "[", "]", "\"", "not", "and", "or", "eq", "pr", "emails", ".value", "userName", "null", "\\", "\u{0}", "é"][..]), 0..20)) {
        let _ = Filter::parse(Kind::User, &text);
        let _ = Filter::parse(Kind::Group, &words.join(" "));
        let _ = crate::path::Path::parse(Kind::User, &words.concat());
    }
}
