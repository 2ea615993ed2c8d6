//! Random changes against a simple model: single values in a map, e-mails as a list of tuples.

use std::collections::BTreeMap;

use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq, Default)]
struct Email {
    value: Option<&'static str>,
    kind: Option<&'static str>,
    primary: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct State {
    single: BTreeMap<&'static str, &'static str>,
    emails: Vec<Email>,
}

#[derive(Debug, Clone)]
enum Change {
    Set(&'static str, &'static str),
    Clear(&'static str),
    Add(Vec<Email>),
    Replace(Vec<Email>),
    RemoveAll,
    RemoveListed(Vec<Email>),
    RemoveOf(&'static str),
    /// The address of e-mails of one type; whether by `add`.
    Address(&'static str, &'static str, bool),
    Primary(&'static str),
}

const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
const SINGLE: [&str; 4] = ["title", "name.givenName", "name.familyName", DEPARTMENT];
const TEXTS: [&str; 3] = ["a", "b", "c"];
const KINDS: [&str; 3] = ["work", "Work", "home"];

impl Email {
    fn json(&self) -> Value {
        let mut email = json!({});
        let parts = [
            ("value", self.value.map(Value::from)),
            ("type", self.kind.map(Value::from)),
            ("primary", self.primary.map(Value::from)),
        ];
        for (name, part) in parts {
            if let Some(part) = part {
                email[name] = part;
            }
        }
        email
    }

    fn is_of(&self, kind: &str) -> bool {
        self.kind.is_some_and(|is| is.eq_ignore_ascii_case(kind))
    }
}

/// Once each, none empty; nothing when two are primary.
fn sent(emails: &[Email]) -> Option<Vec<Email>> {
    let mut once: Vec<Email> = Vec::new();
    for email in emails {
        if *email != Email::default() && !once.contains(email) {
            once.push(email.clone());
        }
    }
    (once.iter().filter(|one| one.primary == Some(true)).count() <= 1).then_some(once)
}

/// After a change, with which e-mails it wrote.
fn settle(emails: Vec<(Email, bool)>) -> Option<Vec<Email>> {
    let mut once: Vec<(Email, bool)> = Vec::new();
    for (email, new) in emails {
        if email != Email::default() && !once.iter().any(|(other, _)| *other == email) {
            once.push((email, new));
        }
    }
    let new = once.iter().filter(|(email, new)| *new && email.primary == Some(true)).count();
    let demote = |(mut email, is_new): (Email, bool)| {
        if new == 1 && !is_new && email.primary == Some(true) {
            email.primary = Some(false);
        }
        email
    };
    let demoted: Vec<Email> = once.into_iter().map(demote).collect();
    let mut list: Vec<Email> = Vec::new();
    for email in demoted {
        if !list.contains(&email) {
            list.push(email);
        }
    }
    (new <= 1).then_some(list)
}

impl State {
    fn after(&self, change: &Change) -> Option<Self> {
        let mut next = self.clone();
        match change {
            Change::Set(name, text) => {
                next.single.insert(name, text);
            }
            Change::Clear(name) => {
                next.single.remove(name);
            }
            Change::Replace(emails) => next.emails = sent(emails)?,
            Change::RemoveAll => next.emails = Vec::new(),
            Change::RemoveOf(kind) => next.emails.retain(|one| !one.is_of(kind)),
            Change::RemoveListed(listed) => {
                let listed = sent(listed)?;
                next.emails.retain(|is| !listed.iter().any(|said| told(said, is)));
            }
            Change::Add(emails) => next.emails = self.joined(&sent(emails)?)?,
            Change::Address(kind, address, _) => next.emails = self.addressed(kind, address)?,
            Change::Primary(address) => {
                let hit = |one: &Email| one.value == Some(address);
                self.emails.iter().find(|one| hit(one))?;
                let set = |one: &Email| {
                    if hit(one) {
                        (Email { primary: Some(true), ..one.clone() }, true)
                    } else {
                        (one.clone(), false)
                    }
                };
                next.emails = settle(self.emails.iter().map(set).collect())?;
            }
        }
        Some(next)
    }

    fn joined(&self, new: &[Email]) -> Option<Vec<Email>> {
        let mut list: Vec<(Email, bool)> = self.emails.iter().map(|one| (one.clone(), false)).collect();
        for email in new {
            let alike = |(old, _): &(Email, bool)| {
                email.value.is_some() && (old.value, old.kind) == (email.value, email.kind)
            };
            let same = match list.iter().position(|(old, _)| old == email) {
                None => list.iter().position(alike),
                same => same,
            };
            match same.and_then(|at| list.get_mut(at)) {
                Some((old, is_new)) => {
                    old.primary = email.primary.or(old.primary);
                    *is_new = true;
                }
                None => list.push((email.clone(), true)),
            }
        }
        settle(list)
    }

    fn addressed(&self, kind: &'static str, address: &'static str) -> Option<Vec<Email>> {
        let hit = |one: &Email| one.is_of(kind);
        let set = |one: &Email| {
            if hit(one) {
                (Email { value: Some(address), ..one.clone() }, true)
            } else {
                (one.clone(), false)
            }
        };
        let mut list: Vec<_> = self.emails.iter().map(set).collect();
        if !self.emails.iter().any(hit) {
            list.push((Email { value: Some(address), kind: Some(kind), primary: None }, true));
        }
        settle(list)
    }

    fn document(&self) -> Value {
        let mut document = json!({"userName": "u"});
        for (name, text) in &self.single {
            let (outer, inner) = match name.rsplit_once(':') {
                Some(split) => split,
                None => name.split_once('.').unwrap_or((name, "")),
            };
            if inner.is_empty() {
                document[outer] = json!(text);
            } else {
                document[outer][inner] = json!(text);
            }
        }
        if !self.emails.is_empty() {
            document["emails"] = self.emails.iter().map(Email::json).collect();
        }
        document
    }
}

fn told(said: &Email, is: &Email) -> bool {
    let text = |said: Option<&str>, is: Option<&str>| {
        said.is_none_or(|said| is.is_some_and(|is| is.eq_ignore_ascii_case(said)))
    };
    text(said.value, is.value)
        && text(said.kind, is.kind)
        && said.primary.is_none_or(|said| is.primary == Some(said))
}

impl Change {
    /// As a client would write it, in one of the forms that mean the same.
    fn operation(&self, form: u8) -> Value {
        let verb = |word: &str| match (word, form & 1) {
            ("add", 1) => "Add".to_owned(),
            ("remove", 1) => "Remove".to_owned(),
            ("replace", 1) => "Replace".to_owned(),
            (word, _) => word.to_owned(),
        };
        let list = |emails: &[Email]| emails.iter().map(Email::json).collect::<Value>();
        let write = |word: &str, path: &str, value: Value| {
            if form & 2 == 2 {
                json!({"op": verb(word), "value": {path: value}})
            } else {
                json!({"op": verb(word), "path": path, "value": value})
            }
        };
        let either = if form & 4 == 4 { "add" } else { "replace" };
        match self {
            Self::Set(name, text) => write(either, name, json!(text)),
            Self::Clear(name) if form & 8 == 8 => write(either, name, json!("")),
            Self::Clear(name) => json!({"op": verb("remove"), "path": name}),
            Self::Add(emails) => write("add", "emails", list(emails)),
            Self::Replace(emails) => write("replace", "emails", list(emails)),
            Self::RemoveAll => json!({"op": verb("remove"), "path": "EMAILS"}),
            Self::RemoveListed(emails) => {
                json!({"op": verb("remove"), "path": "emails", "value": list(emails)})
            }
            Self::RemoveOf(kind) => {
                json!({"op": verb("remove"), "path": format!("emails[type eq \"{kind}\"]")})
            }
            Self::Address(kind, address, add) => write(
                if *add { "add" } else { "replace" },
                &format!("emails[type eq \"{kind}\"].value"),
                json!(address),
            ),
            Self::Primary(address) => {
                let flag = if form & 8 == 8 { json!("True") } else { json!(true) };
                write("replace", &format!("emails[value eq \"{address}\"].primary"), flag)
            }
        }
    }
}

fn email() -> impl Strategy<Value = Email> {
    let text = |of: &'static [&'static str]| prop::option::weighted(0.8, prop::sample::select(of));
    (text(&TEXTS), text(&KINDS), prop::option::weighted(0.4, any::<bool>()))
        .prop_map(|(value, kind, primary)| Email { value, kind, primary })
}

fn change() -> impl Strategy<Value = Change> {
    let emails = || prop::collection::vec(email(), 0..3);
    let name = || prop::sample::select(&SINGLE[..]);
    let text = || prop::sample::select(&TEXTS[..]);
    let kind = || prop::sample::select(&KINDS[..]);
    prop_oneof![
        (name(), text()).prop_map(|(name, text)| Change::Set(name, text)),
        name().prop_map(Change::Clear),
        emails().prop_map(Change::Add),
        emails().prop_map(Change::Add),
        emails().prop_map(Change::Replace),
        Just(Change::RemoveAll),
        emails().prop_map(Change::RemoveListed),
        kind().prop_map(Change::RemoveOf),
        (kind(), text(), any::<bool>()).prop_map(|(kind, text, add)| Change::Address(kind, text, add)),
        text().prop_map(Change::Primary),
    ]
}

proptest! {
    #[test]
    fn changes_agree_with_a_simple_model(changes in prop::collection::vec((change(), any::<u8>()), 1..8)) {
        let mut state = State::default();
        for (change, form) in &changes {
            let before = state.document();
            let operation = change.operation(*form);
            let done = patched(&before, &json!([operation]));
            match state.after(change) {
                Some(next) => {
                    let (document, changed) = done.unwrap();
                    prop_assert_eq!(&document, &next.document(), "{} on {}", operation, before);
                    prop_assert_eq!(changed == Changed::No, next.document() == before);
                    state = next;
                }
                None => prop_assert!(done.is_err(), "{operation} on {before}"),
            }
        }
        // All at once is the same as one after the other, or nothing.
        let operations: Value = changes.iter().map(|(change, form)| change.operation(*form)).collect();
        let all = changes.iter().try_fold(State::default(), |state, (change, _)| state.after(change));
        match (all, patched(&json!({"userName": "u"}), &operations)) {
            (Some(state), done) => prop_assert_eq!(done.unwrap().0, state.document()),
            (None, done) => prop_assert!(done.is_err()),
        }
    }

    /// Whatever was changed, each member is in or out as if the steps had been taken one after the other.
    #[test]
    fn members_agree_with_a_simple_model(
        before in prop::collection::btree_set(0_u8..5, 0..5),
        steps in prop::collection::vec((0_u8..5, prop::collection::vec(0_u8..5, 0..3), any::<bool>()), 0..8),
    ) {
        let ids = |list: &[u8]| list.iter().map(|n| json!({"value": format!("u-{n}"), "$ref": null})).collect::<Value>();
        let mut expected = before.clone();
        let mut operations = vec![json!({"op": "replace", "path": "displayName", "value": "Ops"})];
        for (verb, list, filter) in &steps {
            match verb {
                0 => { expected.extend(list); operations.push(json!({"op": "Add", "path": "members", "value": ids(list)})); }
                1 if *filter && !list.is_empty() => {
                    expected.retain(|one| !list.contains(one));
                    let choice = list.iter().map(|n| format!("value eq \"u-{n}\"")).collect::<Vec<_>>().join(" or ");
                    operations.push(json!({"op": "remove", "path": format!("members[{choice}]")}));
                }
                1 => { expected.retain(|one| !list.contains(one)); operations.push(json!({"op": "Remove", "path": "members", "value": ids(list)})); }
                2 => { expected = list.iter().copied().collect(); operations.push(json!({"op": "replace", "value": {"members": ids(list)}})); }
                3 => { expected.clear(); operations.push(json!({"op": "remove", "path": "members"})); }
                _ => {
                    expected.retain(|one| *one != 0);
                    operations.push(json!({"op": "remove", "path": "members[value ew \"-0\"]"}));
                }
            }
        }
        let change = of_group(&Value::Array(operations)).unwrap();
        let mut is: std::collections::BTreeSet<String> = before.iter().map(|n| format!("u-{n}")).collect();
        for op in &change.members {
            match op {
                MemberOp::Replace(list) => is = list.iter().map(|one| one.as_str().to_owned()).collect(),
                MemberOp::Remove(list) => is.retain(|id| !list.iter().any(|one| one.as_str() == id)),
                MemberOp::RemoveMatching(filter) => is.retain(|id| !filter.matches(&json!({"value": id, "type": "User"}))),
                MemberOp::Add(list) => is.extend(list.iter().map(|one| one.as_str().to_owned())),
            }
        }
        prop_assert_eq!(is, expected.iter().map(|n| format!("u-{n}")).collect());
    }
}
