use serde_json::{Value, json};

use super::super::testing::{connection_of, sample};
use super::*;

fn connection(changes: Value) -> Connection {
    let row = |group: &str, tenant: &str, role: &str| json!({"group": group, "grant": {"tenant": format!("ten_000000000000000{tenant}"), "role": role}});
    let mut form = sample("okta").connection;
    form["group_roles"] = json!([
        row("Ops", "1", "operator"),
        row("Ops", "2", "viewer"),
        row("Platform", "1", "admin"),
        row("Leads", "1", "operator"),
    ]);
    form.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    connection_of(&form)
}

fn listed(groups: &[&str]) -> Groups {
    Groups::Listed(groups.iter().map(|&group| group.to_owned()).collect())
}

fn identity(groups: Groups, mfa: Mfa) -> Identity {
    Identity {
        issuer: "https://acme.okta.com".to_owned(),
        subject: "00u1".to_owned(),
        external_id: "00u1".to_owned(),
        email: None,
        email_verified: false,
        name: None,
        groups,
        mfa,
        auth_time: None,
        sid: None,
        amr: Vec::new(),
    }
}

#[test]
fn groups_give_roles_letter_by_letter() {
    let connection = connection(json!({}));
    let held = |groups: Groups| {
        let granted = grants(&connection, &groups);
        let shown = granted
            .grants
            .iter()
            .map(|one| format!("{}:{}", one.tenant.as_str().chars().last().unwrap(), one.role));
        (shown.collect::<Vec<_>>(), granted.complete)
    };
    let ops = || ["1:operator".to_owned(), "2:viewer".to_owned()].to_vec();
    assert_eq!(held(listed(&["Ops"])), (ops(), true));
    assert_eq!(held(listed(&["Leads", "Ops", "Ops"])), (ops(), true));
    assert_eq!(held(listed(&["ops", "Ops ", "OPS", "Opsx", "*", ""])), (vec![], true));
    assert_eq!(held(Groups::Truncated(vec!["Ops".to_owned()])), (ops(), false));
    assert_eq!(held(Groups::Overage), (vec![], false));
    assert_eq!(held(Groups::Absent), (vec![], true));
}

#[test]
fn who_is_let_in() {
    use Jit::{Create, Existing, Refuse};
    use Person::{Absent, Active, Deprovisioned};
    let ops = || listed(&["Ops"]);
    for (jit, groups, person, decided) in [
        (true, ops(), Absent, Create),
        (true, listed(&["Others"]), Absent, Refuse(Refusal::NoRole)),
        (true, Groups::Absent, Absent, Refuse(Refusal::NoRole)),
        (true, Groups::Overage, Absent, Refuse(Refusal::GroupsUntold)),
        (true, Groups::Truncated(vec![]), Absent, Refuse(Refusal::GroupsUntold)),
        (false, ops(), Absent, Refuse(Refusal::NotProvisioned)),
        (true, ops(), Active, Existing),
        (false, Groups::Absent, Active, Existing),
        (true, ops(), Deprovisioned, Refuse(Refusal::Deprovisioned)),
        (false, ops(), Deprovisioned, Refuse(Refusal::Deprovisioned)),
    ] {
        let connection = connection(json!({"jit": jit}));
        let shown = format!("{jit} {groups:?} {person:?}");
        assert_eq!(sign_in(&connection, &identity(groups, Mfa::Yes), person), decided, "{shown}");
    }
}

#[test]
fn a_second_factor_is_wanted_of_everybody_or_nobody() {
    for (wanted, mfa, refused) in [
        (true, Mfa::Yes, None),
        (true, Mfa::No, Some(Refusal::Mfa)),
        (true, Mfa::Unknown, Some(Refusal::MfaUntold)),
        (false, Mfa::No, None),
        (false, Mfa::Unknown, None),
    ] {
        let connection = connection(json!({"require_mfa": wanted, "jit": true}));
        let decided = sign_in(&connection, &identity(listed(&["Ops"]), mfa), Person::Active);
        assert_eq!(decided, refused.map_or(Jit::Existing, Jit::Refuse), "{wanted} {mfa:?}");
        // Who was deactivated is told that, with or without.
        let gone = sign_in(&connection, &identity(listed(&["Ops"]), mfa), Person::Deprovisioned);
        assert_eq!(gone, Jit::Refuse(Refusal::Deprovisioned));
    }
}
