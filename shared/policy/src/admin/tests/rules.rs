//! What holds of the policies, whatever somebody holds.

use super::*;
use proptest::prelude::*;
use std::sync::LazyLock;

static POLICIES: LazyLock<Policies> = LazyLock::new(|| Policies::builtin().unwrap());

fn authorize(who: &Principal, action: Action, resource: &Resource) -> Result<AdminPermit, Denial> {
    POLICIES.authorize(action_id(), who, action, resource)
}

fn may(who: &Principal, action: Action, resource: &Resource) -> bool {
    authorize(who, action, resource).is_ok()
}

/// Every action with everything of its levels.
fn questions() -> Vec<(Action, Resource)> {
    let all = resources();
    let of = |action: &Action| {
        let (action, levels) = (*action, action.levels());
        all.iter().filter(|(_, one)| levels.contains(&one.level())).map(move |(_, one)| (action, one.clone()))
    };
    Action::ALL.iter().flat_map(of).collect()
}

fn a_question() -> impl Strategy<Value = (Action, Resource)> {
    prop::sample::select(questions())
}

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(Role::ALL)
}

/// Person 1, with whatever rows could say of them.
fn somebody() -> impl Strategy<Value = Principal> {
    let an_org = || prop::option::of((1_u8..=2).prop_map(org));
    let roles = prop::collection::btree_map((1_u8..=3).prop_map(tenant), role(), 0..3);
    let open = prop::collection::btree_set((1_u8..=3).prop_map(tenant), 0..3);
    (any::<bool>(), an_org(), an_org(), roles, open, any::<bool>()).prop_map(
        |(platform, org_owner, org_member, roles, break_glass, mfa)| Principal {
            platform,
            org_owner,
            org_member,
            roles,
            break_glass,
            mfa,
            ..Principal::nobody(person(1))
        },
    )
}

/// What of it has to do with the resource.
fn only_here(who: &Principal, resource: &Resource) -> Principal {
    let (org, tenant) = match resource {
        Resource::Platform => (None, None),
        Resource::Org(org) => (Some(org), None),
        Resource::Tenant { org, tenant } | Resource::Owned { org, tenant, .. } => (Some(org), Some(tenant)),
    };
    let mut here = who.clone();
    here.org_owner = here.org_owner.filter(|one| Some(one) == org);
    here.org_member = here.org_member.filter(|one| Some(one) == org);
    here.roles.retain(|one, _| Some(one) == tenant);
    here.break_glass.retain(|one| Some(one) == tenant);
    here
}

/// Each principal that holds one thing less.
fn with_less(who: &Principal) -> Vec<Principal> {
    let mut all = vec![
        Principal { platform: false, ..who.clone() },
        Principal { org_owner: None, ..who.clone() },
        Principal { org_member: None, ..who.clone() },
        Principal { break_glass: [].into(), ..who.clone() },
    ];
    for tenant in who.roles.keys() {
        let mut less = who.clone();
        less.roles.remove(tenant);
        all.push(less);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_factor_takes_nothing_away(who in somebody(), (action, resource) in a_question()) {
        let with = authorize(&Principal { mfa: true, ..who.clone() }, action, &resource).map(|_| ());
        match authorize(&Principal { mfa: false, ..who }, action, &resource).map(|_| ()) {
            Ok(()) | Err(Denial::MfaRequired) => prop_assert_eq!(with, Ok(())),
            other => prop_assert_eq!(with, other),
        }
    }

    /// Nothing that somebody is in one tenant or organization reaches another, neither to permit nor to forbid.
    #[test]
    fn what_is_held_elsewhere_does_not_matter(who in somebody(), (action, resource) in a_question()) {
        let told = |who: &Principal| {
            let permit = authorize(who, action, &resource);
            permit.map(|permit| (permit.authority().clone(), permit.decided_by().clone()))
        };
        prop_assert_eq!(told(&who), told(&only_here(&who, &resource)));
    }

    #[test]
    fn whoever_holds_less_may_do_no_more(who in somebody(), (action, resource) in a_question()) {
        let who = Principal { mfa: true, ..who };
        for less in with_less(&who) {
            prop_assert!(!may(&less, action, &resource) || may(&who, action, &resource), "{less:?}");
        }
    }

    #[test]
    fn nothing_is_decided_by_a_fault(who in somebody(), (action, resource) in a_question()) {
        prop_assert_ne!(authorize(&who, action, &resource).err(), Some(Denial::Fault));
    }

    /// Of somebody else's the owner's rights are worth nothing, whatever one holds.
    #[test]
    fn what_is_another_persons_is_theirs(who in somebody(), action in prop::sample::select(Action::ALL)) {
        let resource = Resource::Owned { org: org(1), tenant: tenant(1), owner: person(2) };
        prop_assert!(!may(&who, action, &resource));
    }

    /// The tenant's data is closed to the platform until break-glass is open for that very tenant.
    #[test]
    fn the_platform_sees_no_more_than_names_and_states(elsewhere in prop::bool::ANY, action in prop::sample::select(Action::ALL)) {
        let break_glass = if elsewhere { [tenant(2)].into() } else { [].into() };
        let who = Principal { platform: true, mfa: true, break_glass, ..Principal::nobody(person(1)) };
        let resource = Resource::Tenant { org: org(1), tenant: tenant(1) };
        let outside = [Action::TenantRead, Action::BreakGlassOpen, Action::BreakGlassConfirm];
        prop_assert_eq!(may(&who, action, &resource), outside.contains(&action));
    }
}

/// Not even to sign out of a session that nobody's role explains; a second factor alone is no right.
#[test]
fn without_any_role_nothing_is_allowed() {
    for id in [person(1), program()] {
        let who = Principal { mfa: true, ..Principal::nobody(id) };
        for (action, resource) in questions() {
            assert!(!may(&who, action, &resource), "{action} {resource:?}");
        }
        // An open break-glass is none for whoever is no admin of the platform any more.
        let who = Principal { break_glass: [tenant(1)].into(), ..Principal::nobody(person(1)) };
        assert!(questions().iter().all(|(action, resource)| !may(&who, *action, resource)));
    }
}

#[test]
fn rights_of_a_lower_role_are_among_those_of_a_higher() {
    let holders: std::collections::BTreeMap<_, _> = holders().into_iter().collect();
    for (lower, higher) in [
        ("viewer", "oper"),
        ("viewer", "admin"),
        ("member", "devel"),
        ("member", "oper"),
        ("devel", "admin"),
        ("oper", "admin"),
        ("admin", "owner"),
        ("org", "org+"),
        ("plat", "glass"),
        ("c:admi", "admin"),
        ("c:deve", "devel"),
        ("c:oper", "oper"),
        ("c:memb", "member"),
        ("c:view", "viewer"),
        ("c:view", "c:oper"),
        ("c:memb", "c:deve"),
        ("c:deve", "c:admi"),
        ("c:oper", "c:admi"),
    ] {
        for (action, resource) in questions() {
            let fine = !may(&holders[lower], action, &resource) || may(&holders[higher], action, &resource);
            assert!(fine, "{lower} may {action} {resource:?}, {higher} may not");
        }
    }
}

/// Power over people, and what has to be decided by a person, is no program's, whatever role it has.
#[test]
fn programs_do_not_decide_for_people() {
    use Action::*;
    let people_alone = [
        GrantMember,
        GrantAdmin,
        GrantOwner,
        GrantOrgOwner,
        GrantPlatform,
        UserInvite,
        WorkloadManage,
        ChangeConfirm,
        BreakGlassOpen,
        BreakGlassConfirm,
        KillRecover,
        SessionReadAny,
        SessionRevokeAny,
        SessionOwn,
        KeyManageOwn,
        TenantDelete,
        TenantSuspend,
        SsoEdit,
        ScimTokenManage,
    ];
    for (action, resource) in questions().into_iter().filter(|(action, _)| people_alone.contains(action)) {
        for role in Role::ALL.iter().filter(|role| **role != Role::Owner) {
            let who =
                Principal { roles: [(tenant(1), *role)].into(), mfa: true, ..Principal::nobody(program()) };
            assert!(!may(&who, action, &resource), "{action} {role}");
        }
    }
}

/// Its own session is all that a program has of its own, wherever it has a role; another's is another's.
#[test]
fn a_program_sees_and_ends_its_own_session_alone() {
    let owned = |owner| Resource::Owned { org: org(1), tenant: tenant(3), owner };
    let other = PrincipalId::Workload(Code::literal("other"));
    let who = Principal::nobody(program());
    for action in Action::ALL {
        assert_eq!(may(&who, *action, &owned(program())), *action == Action::SessionOwn, "{action}");
        for whose in [&other, &person(1)] {
            assert!(!may(&who, *action, &owned(whose.clone())), "{action} {whose}");
        }
        let of_person = Principal { org_member: Some(org(1)), mfa: true, ..Principal::nobody(person(1)) };
        assert!(!may(&of_person, *action, &owned(program())), "{action}");
    }
}

/// Rows that say so are broken, and what else they say is not believed.
#[test]
fn a_program_with_an_office_may_do_nothing() {
    let viewer =
        Principal { roles: [(tenant(2), Role::Viewer)].into(), mfa: true, ..Principal::nobody(program()) };
    let here = Resource::Tenant { org: org(1), tenant: tenant(2) };
    assert!(may(&viewer, Action::AgentRead, &here));
    for broken in [
        Principal { platform: true, ..viewer.clone() },
        Principal { org_owner: Some(org(1)), ..viewer.clone() },
        Principal { break_glass: [tenant(1)].into(), ..viewer.clone() },
        Principal { roles: [(tenant(1), Role::Owner), (tenant(2), Role::Viewer)].into(), ..viewer.clone() },
    ] {
        assert_eq!(authorize(&broken, Action::AgentRead, &here).err(), Some(Denial::Fault), "{broken:?}");
    }
}

/// An action on what it cannot be done to is a fault of the caller.
#[test]
fn an_action_has_its_levels() {
    for (_, who) in holders() {
        for action in Action::ALL {
            for (_, resource) in resources().iter().filter(|(_, one)| !action.levels().contains(&one.level()))
            {
                let told = authorize(&who, *action, resource).err();
                let right = matches!(told, Some(Denial::Fault | Denial::Forbidden | Denial::NotFound));
                assert!(right, "{action} {resource:?}");
            }
        }
    }
}

/// The least that suffices is what is recorded: an admin of the platform who is a viewer here looks as a viewer.
#[test]
fn the_permit_names_the_policy_and_the_capacity() {
    let here = Resource::Tenant { org: org(1), tenant: tenant(1) };
    let own = Resource::Owned { org: org(1), tenant: tenant(1), owner: person(1) };
    let all = Principal {
        platform: true,
        org_owner: Some(org(1)),
        org_member: Some(org(1)),
        roles: [(tenant(1), Role::Operator)].into(),
        break_glass: [tenant(1)].into(),
        mfa: true,
        ..Principal::nobody(person(1))
    };
    for (action, resource, policy, capacity) in [
        (Action::AgentRead, &here, "tenant.look", "operator"),
        (Action::KillActivate, &here, "tenant.respond", "operator"),
        (Action::SessionReadAny, &here, "org.inspect", "org-owner"),
        (Action::BreakGlassConfirm, &here, "org.tenants", "org-owner"),
        (Action::BreakGlassOpen, &here, "platform.tenants", "platform"),
        (Action::OrgRead, &Resource::Org(org(1)), "org.look", "org-member"),
        (Action::OrgRead, &Resource::Org(org(2)), "platform.orgs", "platform"),
        (Action::SessionOwn, &own, "own.session", "self"),
        (Action::KeyManageOwn, &own, "own.keys", "operator"),
    ] {
        let permit = authorize(&all, action, resource).unwrap();
        let (decided, role) =
            (permit.decided_by().as_str(), permit.authority().role.as_ref().unwrap().as_str());
        assert_eq!((decided, role), (policy, capacity), "{action}");
        assert_eq!((permit.action(), permit.resource(), permit.action_id()), (action, resource, action_id()));
        assert_eq!((&permit.authority().key_id, permit.authority().policy_version), (&None, None));
    }
    let open = Principal { org_owner: None, org_member: None, roles: [].into(), ..all };
    let permit = authorize(&open, Action::AuditRead, &here).unwrap();
    assert_eq!(permit.decided_by().as_str(), "platform.break_glass");
    assert_eq!(permit.authority().role.as_ref().unwrap().as_str(), "break-glass");
}
