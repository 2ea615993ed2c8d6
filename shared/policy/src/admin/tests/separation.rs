//! Separation of duties.

use super::*;
use domain::{Limit, LimitsRow, Place, Zone};
use proptest::prelude::*;

fn everything() -> Vec<Granted> {
    let roles = Role::ALL.iter().map(|role| Granted::Role(*role));
    roles.chain([Granted::OrgOwner, Granted::Platform]).collect()
}

fn give(to: PrincipalId, granted: Granted) -> Grant {
    Grant { to, granted }
}

/// The table here and the policies were written apart; each is the other's check.
#[test]
fn whoever_may_give_it_is_who_the_policies_permit_to() {
    let policies = Policies::builtin().unwrap();
    for (name, who) in holders() {
        for (place, resource) in resources() {
            for granted in everything() {
                let told = may_grant(&who, &resource, give(person(2), granted));
                let action = granted.action();
                if action.levels().contains(&resource.level()) {
                    let wanted = policies.authorize(action_id(), &who, action, &resource).map(|_| ());
                    assert_eq!(told, wanted, "{name} {granted:?} {place}");
                } else {
                    assert!(told.is_err(), "{name} {granted:?} {place}");
                }
            }
        }
    }
}

/// How high each stands in a tenant.
fn height(role: Role) -> u8 {
    match role {
        Role::Owner => 3,
        Role::Admin => 2,
        Role::Developer | Role::Operator | Role::Member | Role::Viewer => 1,
    }
}

#[test]
fn nobody_gives_above_their_own_level() {
    let here = Resource::Tenant { org: org(1), tenant: tenant(1) };
    for own in Role::ALL {
        let who = Principal { roles: [(tenant(1), *own)].into(), ..Principal::nobody(person(1)) };
        for given in Role::ALL {
            let told = may_grant(&who, &here, give(person(2), Granted::Role(*given)));
            let wanted = match height(*own) {
                3 => true,
                2 => height(*given) < 2,
                _ => false,
            };
            assert_eq!(told.is_ok(), wanted, "{own} gives {given}");
        }
        assert!(may_grant(&who, &Resource::Org(org(1)), give(person(2), Granted::OrgOwner)).is_err());
        assert!(may_grant(&who, &Resource::Platform, give(person(2), Granted::Platform)).is_err());
    }
}

#[test]
fn nobody_gives_to_themselves_and_a_program_holds_no_office() {
    for (name, who) in holders() {
        for (_, resource) in resources() {
            for granted in everything() {
                assert!(
                    may_grant(&who, &resource, give(who.id.clone(), granted)).is_err(),
                    "{name} {granted:?}"
                );
                let office = !matches!(granted, Granted::Role(role) if role != Role::Owner);
                let other = PrincipalId::Workload(Code::literal("other"));
                let told = may_grant(&who, &resource, give(other, granted));
                assert!(!office || told.is_err(), "{name} {granted:?}");
                assert!(told.is_err() || may_grant(&who, &resource, give(person(2), granted)).is_ok());
            }
        }
    }
    let owner = Principal { roles: [(tenant(1), Role::Owner)].into(), ..Principal::nobody(person(1)) };
    let here = Resource::Tenant { org: org(1), tenant: tenant(1) };
    assert_eq!(may_grant(&owner, &here, give(program(), Granted::Role(Role::Admin))), Ok(()));
    assert_eq!(may_grant(&owner, &here, give(program(), Granted::Role(Role::Owner))), Err(Denial::Forbidden));
}

#[test]
fn nobody_takes_down_whom_they_could_not_have_raised() {
    let here = Resource::Tenant { org: org(1), tenant: tenant(1) };
    let elsewhere = Resource::Tenant { org: org(1), tenant: tenant(2) };
    let who = |role| Principal { roles: [(tenant(1), role)].into(), ..Principal::nobody(person(1)) };
    let (admin, owner) = (who(Role::Admin), who(Role::Owner));
    let role = |role| Some(Granted::Role(role));
    let glass = Principal { platform: true, break_glass: [tenant(1)].into(), ..Principal::nobody(person(1)) };
    for (before, after, may) in [
        (None, role(Role::Owner), true),
        (role(Role::Admin), role(Role::Owner), true),
        (role(Role::Owner), role(Role::Admin), false),
        (role(Role::Owner), None, false),
        (None, role(Role::Viewer), false),
    ] {
        let told = may_change(&glass, &here, &person(2), before, after);
        assert_eq!(told.is_ok(), may, "through broken glass: {before:?} {after:?}");
    }
    for (who, whose, before, after, wanted) in [
        (&admin, 2, None, role(Role::Developer), Ok(())),
        (&admin, 2, role(Role::Viewer), role(Role::Operator), Ok(())),
        (&admin, 2, role(Role::Member), None, Ok(())),
        (&admin, 2, role(Role::Owner), role(Role::Member), Err(Denial::Forbidden)),
        (&admin, 2, role(Role::Admin), None, Err(Denial::Forbidden)),
        (&admin, 2, role(Role::Member), role(Role::Admin), Err(Denial::Forbidden)),
        (&admin, 1, role(Role::Admin), role(Role::Owner), Err(Denial::Forbidden)),
        (&owner, 2, role(Role::Owner), role(Role::Viewer), Ok(())),
        (&owner, 1, role(Role::Owner), None, Ok(())),
        (&owner, 1, role(Role::Owner), role(Role::Viewer), Err(Denial::Forbidden)),
    ] {
        let told = may_change(who, &here, &person(whose), before, after);
        assert_eq!(told, wanted, "{before:?} {after:?}");
        if before.is_some() || after.is_some() {
            assert_eq!(may_change(who, &elsewhere, &person(whose), before, after), Err(Denial::NotFound));
        }
    }
}

#[test]
fn the_last_owner_stays() {
    assert_eq!([0, 1, 2].map(last_owner), [Err(LastOwner), Ok(()), Ok(())]);
}

#[test]
fn a_second_person_confirms() {
    let other = PrincipalId::Workload(Code::literal("other"));
    for (requested_by, confirmer, wanted) in [
        (person(1), person(2), Ok(())),
        (person(1), person(1), Err(ConfirmRefused::SamePerson)),
        (person(1), program(), Err(ConfirmRefused::Workload)),
        (program(), program(), Err(ConfirmRefused::Workload)),
        (program(), other, Err(ConfirmRefused::Workload)),
        (program(), person(1), Ok(())),
    ] {
        assert_eq!(may_confirm(&requested_by, &confirmer), wanted);
    }
}

fn row(zone: &str, limits: &[(&str, u64)]) -> LimitsRow {
    let limit = |(place, most): &(&str, u64)| Limit { place: place.parse().unwrap(), most: *most };
    LimitsRow::new(1, zone.parse().unwrap(), 1, limits.iter().map(limit).collect()).unwrap()
}

#[test]
fn limits_get_weaker_when_one_is_raised_or_gone_or_its_day_moves() {
    let day = "tenant:tokens:day";
    let agent = "agent/agt_1:usd:month";
    let before = row("UTC", &[(day, 100), (agent, 5)]);
    for (name, after, wanted) in [
        ("the same", row("UTC", &[(day, 100), (agent, 5)]), false),
        ("less", row("UTC", &[(day, 99), (agent, 0)]), false),
        ("one more place", row("UTC", &[(day, 100), (agent, 5), ("tenant:usd:day", 1)]), false),
        ("raised", row("UTC", &[(day, 101), (agent, 5)]), true),
        ("raised, another lowered", row("UTC", &[(day, 1), (agent, 6)]), true),
        ("gone", row("UTC", &[(day, 100)]), true),
        ("in another window", row("UTC", &[(day, 100), ("agent/agt_1:usd:day", 5)]), true),
        ("of another agent", row("UTC", &[(day, 100), ("agent/agt_2:usd:month", 5)]), true),
        ("another day", row("Asia/Jerusalem", &[(day, 100), (agent, 5)]), true),
    ] {
        assert_eq!(limits_weakened(&before, &after), wanted, "{name}");
        let change = Change::Limits { before: Some(&before), after: &after };
        assert_eq!(change.needs_second_person(), wanted.then_some(Weakening::Limit), "{name}");
    }
    let first = Change::Limits { before: None, after: &before };
    assert_eq!(first.needs_second_person(), None);
}

#[test]
fn what_the_organization_allows_is_its_own_to_change() {
    let (day, org) = ("tenant:tokens:day", "org:usd:month");
    let before = row("UTC", &[(day, 100), (org, 5)]);
    assert!(!allowance_changed(Some(&before), &row("UTC", &[(day, 1), (org, 5)])));
    assert!(allowance_changed(Some(&before), &row("UTC", &[(day, 100), (org, 4)])));
    assert!(allowance_changed(Some(&before), &row("UTC", &[(day, 100)])));
    assert!(allowance_changed(None, &before));
    assert!(!allowance_changed(None, &row("UTC", &[(day, 100)])));
}

#[test]
fn what_waits_for_a_second_person() {
    for (change, wanted) in [
        (Change::Dlp { weaker: true }, Some(Weakening::Dlp)),
        (Change::Dlp { weaker: false }, None),
        (Change::Approval { weaker: true }, Some(Weakening::Approval)),
        (Change::Approval { weaker: false }, None),
        (Change::KillRecovery, Some(Weakening::KillRecovery)),
        (Change::BreakGlass, Some(Weakening::BreakGlass)),
    ] {
        assert_eq!(change.needs_second_person(), wanted, "{change:?}");
    }
    let names: std::collections::BTreeSet<_> = Weakening::ALL.map(Weakening::as_str).into();
    assert_eq!(names.len(), Weakening::ALL.len());
    assert_eq!(CHANGE_TTL.as_secs(), 86_400);
}

fn limits() -> impl Strategy<Value = LimitsRow> {
    let places: [&str; 5] =
        ["tenant:usd:day", "tenant:tokens:month", "org:usd:total", "agent/a:tokens:day", "team/t:usd:month"];
    let others = prop::collection::btree_map(prop::sample::select(places.to_vec()), 0_u64..4, 0..5);
    (0_u64..4, others).prop_map(|(most, others)| {
        let limit = |(place, most): (&str, u64)| Limit { place: place.parse::<Place>().unwrap(), most };
        let all = others.into_iter().chain([("tenant:tokens:total", most)]).map(limit);
        LimitsRow::new(1, Zone::utc(), 1, all.collect()).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// In small steps nobody gets where one step would have needed a second person.
    #[test]
    fn steps_that_do_not_weaken_do_not_weaken_together(a in limits(), b in limits(), c in limits()) {
        prop_assert!(!limits_weakened(&a, &a));
        if !limits_weakened(&a, &b) && !limits_weakened(&b, &c) {
            prop_assert!(!limits_weakened(&a, &c));
        }
    }

    /// Unless it is weaker, whatever was refused by the limits before is refused after.
    #[test]
    fn unless_weaker_no_more_can_be_used(a in limits(), b in limits(), use_of in 0_u64..5) {
        let refuses = |row: &LimitsRow, place: &Place| row.find(place).is_some_and(|most| use_of > most);
        let more = a.limits().iter().any(|one| refuses(&a, &one.place) && !refuses(&b, &one.place));
        prop_assert!(!more || limits_weakened(&a, &b));
    }
}
