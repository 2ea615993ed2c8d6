//! The files: valid, complete, and what becomes of files that are not.

use super::*;
use crate::admin::authorize::FILES;
use cedar_policy::{ActionConstraint, Effect, EntityUid, PolicySet, Schema, ValidationMode, Validator};
use std::collections::{BTreeMap, BTreeSet};

const SCHEMA: &str = include_str!("../../../cedar/schema.cedarschema");

fn name(uid: &EntityUid) -> String {
    assert_eq!(uid.type_name().to_string(), "Action");
    uid.id().unescaped().to_owned()
}

fn names() -> BTreeSet<String> {
    Action::ALL.iter().map(|action| action.as_str().to_owned()).collect()
}

#[test]
fn the_policies_are_valid_by_the_strict_rules() {
    let policies = Policies::builtin().unwrap();
    let (schema, set) = policies.parts();
    let found = Validator::new(schema.clone()).validate(set, ValidationMode::Strict);
    let errors: Vec<_> = found.validation_errors().map(ToString::to_string).collect();
    let warnings: Vec<_> = found.validation_warnings().map(ToString::to_string).collect();
    assert!(found.validation_passed_without_warnings(), "{errors:?} {warnings:?}");
    assert!(Schema::from_cedarschema_str(SCHEMA).unwrap().1.next().is_none(), "the schema has warnings");
}

#[test]
fn the_schema_has_the_table_of_actions() {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).unwrap();
    let entities = schema.action_entities().unwrap();
    let mut levels: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for env in schema.request_envs() {
        levels.entry(name(env.action())).or_default().insert(env.resource().to_string());
    }
    assert_eq!(levels.keys().cloned().collect::<BTreeSet<_>>(), names());
    for action in Action::ALL {
        let wanted: BTreeSet<_> = action.levels().iter().map(|level| format!("{level:?}")).collect();
        assert_eq!(levels[action.as_str()], wanted, "{action}");
        let uid = EntityUid::from_type_name_and_id(
            "Action".parse().unwrap(),
            cedar_policy::EntityId::new(action.as_str()),
        );
        let groups: BTreeSet<_> = entities.ancestors(&uid).unwrap().map(name).collect();
        let mfa = action.needs_mfa().then_some("mfa");
        let wanted = [action.class().as_str()].into_iter().chain(mfa).map(str::to_owned).collect();
        assert_eq!(groups, wanted, "{action}");
        assert_eq!(action.as_str().parse(), Ok(*action));
        assert!(action.as_str().parse::<Code>().is_ok(), "{action}");
    }
    assert_eq!("mfa".parse::<Action>(), Err(UnknownAction));
}

/// What weakens or takes away needs a second factor, but for ending a session of one's own.
#[test]
fn whatever_changes_something_needs_a_second_factor() {
    for action in Action::ALL {
        let wanted = action.class() != Class::Read && *action != Action::SessionOwn;
        assert_eq!(action.needs_mfa(), wanted, "{action}");
    }
}

/// An action that nobody may do is a mistake, and so is a policy for one that does not exist.
#[test]
fn every_action_has_a_policy_and_every_policy_actions() {
    let policies = Policies::builtin().unwrap();
    let mut permitted = BTreeSet::new();
    for policy in policies.parts().1.policies() {
        let actions = match policy.action_constraint() {
            ActionConstraint::Any => panic!("{}: name the actions", policy.id()),
            ActionConstraint::In(actions) => actions,
            ActionConstraint::Eq(action) => vec![action],
        };
        let actions: BTreeSet<_> = actions.iter().map(name).collect();
        match policy.effect() {
            Effect::Permit => permitted.extend(actions),
            Effect::Forbid => assert_eq!(actions, ["mfa".to_owned()].into(), "{}", policy.id()),
        }
    }
    assert_eq!(permitted, names());
    for action in Action::ALL {
        for level in action.levels() {
            let somebody = resources().iter().filter(|(_, one)| one.level() == *level).any(|(_, one)| {
                holders().iter().any(|(_, who)| policies.authorize(action_id(), who, *action, one).is_ok())
            });
            assert!(somebody, "nobody may {action} at {level:?}");
        }
    }
}

/// A comment above each policy says why it is so.
#[test]
fn every_policy_is_explained() {
    for (file, text) in FILES {
        let policies = text.matches("\n@id(").count();
        assert!(policies >= 4, "{file}");
        // What stands before each, but not what follows the last.
        for before in text.split("\n@id(").take(policies) {
            let above = before.lines().last().unwrap();
            assert!(above.starts_with("// "), "{file}: {above}");
        }
        let read: PolicySet = text.parse().unwrap();
        assert_eq!(read.num_of_policies(), policies, "{file}: one policy for each @id");
    }
}

#[test]
fn files_that_cannot_be_used_are_refused() {
    let permit = "permit (principal, action, resource);";
    for (schema, files, wanted) in [
        ("entity", vec![], PolicyError::Schema),
        (SCHEMA, vec!["permit".to_owned()], PolicyError::Syntax),
        (SCHEMA, vec![format!("@capacity(\"role\") {permit}")], PolicyError::Annotation),
        (SCHEMA, vec![format!("@id(\"Not a code\") @capacity(\"role\") {permit}")], PolicyError::Annotation),
        (SCHEMA, vec![format!("@id(\"one\") {permit}")], PolicyError::Annotation),
        (SCHEMA, vec![format!("@id(\"one\") @capacity(\"king\") {permit}")], PolicyError::Annotation),
        (
            SCHEMA,
            vec!["@id(\"one\") @capacity(\"role\") forbid (principal, action, resource);".to_owned()],
            PolicyError::Annotation,
        ),
        (
            SCHEMA,
            vec![
                "@id(\"one\") @capacity(\"role\") permit (principal == ?principal, action, resource);"
                    .to_owned(),
            ],
            PolicyError::Syntax,
        ),
        (SCHEMA, vec![format!("@id(\"one\") @capacity(\"role\") {permit}"); 2], PolicyError::Annotation),
    ] {
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        assert_eq!(Policies::parse(schema, &files).err(), Some(wanted), "{files:?}");
    }
}

const ALL: &str = "@id(\"all\") @capacity(\"platform\") permit (principal, action, resource);";

fn org_list(schema: &str, files: &[&str], who: &Principal) -> Result<(), Denial> {
    let policies = Policies::parse(schema, files).unwrap();
    policies.authorize(action_id(), who, Action::OrgList, &Resource::Platform).map(|_| ())
}

/// Cedar passes over what fails. Here it denies, also where something else permits.
#[test]
fn an_error_in_any_policy_denies() {
    let who = Principal { platform: true, mfa: true, ..Principal::nobody(person(1)) };
    assert_eq!(org_list(SCHEMA, &[ALL], &who), Ok(()));
    assert_eq!(org_list(SCHEMA, &[], &who), Err(Denial::Forbidden));
    for broken in [
        "@id(\"b\") forbid (principal, action, resource) when { resource.no_such };",
        "@id(\"b\") forbid (principal, action, resource) when { context.mfa + 1 > 2 };",
        "@id(\"b\") forbid (principal, action, resource) when { Tenant::\"gone\".org == Org::\"o\" };",
        "@id(\"b\") @capacity(\"role\") permit (principal, action, resource) when { resource.no_such };",
        "@id(\"b\") @capacity(\"role\") permit (principal, action, resource) when { 9223372036854775807 + 1 > 0 };",
    ] {
        assert_eq!(org_list(SCHEMA, &[ALL, broken], &who), Err(Denial::Fault), "{broken}");
        assert_eq!(org_list(SCHEMA, &[broken], &who), Err(Denial::Fault), "{broken}");
    }
}

/// Facts that do not have the schema's form are no facts.
#[test]
fn an_entity_or_request_that_does_not_fit_the_schema_denies() {
    let who = Principal { platform: true, mfa: true, ..Principal::nobody(person(1)) };
    for (from, to) in [
        ("entity User in [Group];", "entity User;"),
        ("entity Platform;", "entity Platform = { region: String };"),
        ("mfa: Bool,", "mfa: Bool, country: String,"),
        ("action \"org.list\" in", "action \"org.lists\" in"),
        ("resource: [Platform], context", "resource: [Org], context"),
    ] {
        assert!(SCHEMA.contains(from), "{from}");
        assert_eq!(org_list(&SCHEMA.replace(from, to), &[ALL], &who), Err(Denial::Fault), "{from}");
    }
}
