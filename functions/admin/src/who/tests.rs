//! What somebody may be, from rows in memory: people through their connection, programs through their row.

use domain::{InEpoch, SessionClient};
use serde_json::json;

use super::*;
use crate::sso::testing::sample;
use tables::Attr;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

fn session(through: Through) -> SessionRow {
    SessionRow {
        id: domain::SessionId::from_random([1; 10]),
        org: OrgId::from_random([2; 10]),
        user: UserId::from_random([3; 10]),
        epoch: 4,
        through,
        client: SessionClient::Browser,
        created_at: at(0),
        seen_at: at(0),
        expires_at: at(9_000_000),
        mfa: true,
        revoked_at: None,
        root: None,
        handed: BTreeSet::new(),
        sid: None,
    }
}

/// The rows of a tenant and of everything above it.
fn above(session: &SessionRow, tenant: &TenantId) -> Rows {
    let org = Org { id: session.org.clone(), status: Lifecycle::Active, networks: None };
    let row = Tenant {
        id: tenant.clone(),
        org: session.org.clone(),
        region: domain::Region::Eu,
        status: Lifecycle::Active,
        networks: None,
    };
    [(Key::org(&session.org), org.to_item()), (Key::tenant(tenant), row.to_item())].into()
}

fn within(tenant: &TenantId) -> Params {
    Params { tenant: Some(tenant.clone()), ..Params::default() }
}

/// A role that came by a group counts as long as the connection gives that very role.
#[test]
fn a_group_s_role_counts_as_long_as_it_is_given() {
    let tenant = TenantId::from_random([5; 10]);
    let mut form = sample("okta").connection;
    let id: ConnectionId = form["id"].as_str().unwrap().parse().unwrap();
    let session = session(Through::Connection(id.clone()));
    let mut rows = above(&session, &tenant);
    let user = User { id: session.user.clone(), active: true, epoch: 4 };
    rows.insert(Key::user(&session.org, &session.user), user.to_item());
    let mut role = Role::Admin.to_item();
    role.insert("via".to_owned(), Attr::text(&id));
    rows.insert(Key::binding(&tenant, &session.user), role);
    for (given, counts) in [(Some("admin"), true), (Some("viewer"), false), (None, false)] {
        let given: Vec<_> = given
            .iter()
            .map(|role| json!({"group": "Ops", "grant": {"tenant": tenant, "role": role}}))
            .collect();
        form["group_roles"] = given.into();
        let row = ConnectionRow {
            id: id.clone(),
            org: session.org.clone(),
            status: Lifecycle::Active,
            document: form.to_string(),
            secret: None,
        };
        rows.insert(Key::connection(&id), row.to_item());
        let who = standing(&session, &rows, &within(&tenant), at(1)).unwrap();
        assert_eq!(who.principal.roles.contains_key(&tenant), counts, "{form}");
    }
}

/// A program has the role of its row, in the tenant of its row, while the row is as it was when it signed in.
#[test]
fn a_program_is_what_its_row_says_and_nothing_else() {
    let (tenant, other) = (TenantId::from_random([5; 10]), TenantId::from_random([6; 10]));
    let id = WorkloadId::from_random([7; 10]);
    let session = session(Through::Workload(id.clone()));
    let row = WorkloadRow {
        id: id.clone(),
        org: session.org.clone(),
        tenant: tenant.clone(),
        user: session.user.clone(),
        role: Role::Operator,
        status: Lifecycle::Active,
        epoch: 4,
        federation: String::new(),
        owner: Some(InEpoch::new(UserId::from_random([8; 10]), 1)),
        set_by: None,
    };
    let standing_of = |row: Option<WorkloadRow>, at_tenant: &TenantId| {
        let mut rows = above(&session, at_tenant);
        // Offices of a person of that id are none of a program's.
        rows.insert(Key::platform_admin(&session.user), tables::Marker::item());
        rows.insert(Key::org_owner(&session.org, &session.user), tables::Marker::item());
        let answers = User { id: UserId::from_random([8; 10]), active: true, epoch: 1 };
        rows.insert(Key::user(&session.org, &answers.id), answers.to_item());
        let ended = User { id: UserId::from_random([9; 10]), active: false, epoch: 1 };
        rows.insert(Key::user(&session.org, &ended.id), ended.to_item());
        rows.extend(row.map(|row| (Key::workload(&id), row.to_item())));
        standing(&session, &rows, &within(at_tenant), at(1)).map(|who| who.principal)
    };
    let principal = standing_of(Some(row.clone()), &tenant).unwrap();
    assert_eq!(principal.roles, [(tenant.clone(), Role::Operator)].into());
    assert!(!principal.platform && principal.org_owner.is_none() && principal.org_member.is_none());
    assert!(matches!(principal.id, PrincipalId::Workload(_)));
    assert!(standing_of(Some(row.clone()), &other).unwrap().roles.is_empty(), "elsewhere it is nobody");
    for (changed, why) in [
        (None, Why::WorkloadInactive),
        (Some(WorkloadRow { status: Lifecycle::Suspended, ..row.clone() }), Why::WorkloadInactive),
        (Some(WorkloadRow { org: OrgId::from_random([9; 10]), ..row.clone() }), Why::WorkloadInactive),
        (Some(WorkloadRow { user: UserId::from_random([9; 10]), ..row.clone() }), Why::WorkloadInactive),
        (Some(WorkloadRow { epoch: 5, ..row.clone() }), Why::SessionEpoch),
        // Nobody answers for it: who did was ended, is none of the organization's, or was never named.
        (
            Some(WorkloadRow { owner: Some(InEpoch::new(UserId::from_random([9; 10]), 1)), ..row.clone() }),
            Why::WorkloadInactive,
        ),
        (
            Some(WorkloadRow { owner: Some(InEpoch::new(UserId::from_random([7; 10]), 1)), ..row.clone() }),
            Why::WorkloadInactive,
        ),
        // Let in again after they were ended, or of a row that does not say when: it is taken over anew.
        (
            Some(WorkloadRow { owner: Some(InEpoch::new(UserId::from_random([8; 10]), 2)), ..row.clone() }),
            Why::WorkloadInactive,
        ),
        (
            Some(WorkloadRow {
                owner: Some(InEpoch { user: UserId::from_random([8; 10]), epoch: None }),
                ..row.clone()
            }),
            Why::WorkloadInactive,
        ),
        (Some(WorkloadRow { owner: None, ..row }), Why::WorkloadInactive),
    ] {
        assert_eq!(standing_of(changed, &tenant).unwrap_err(), why);
    }
}

/// Whoever's command goes on is refused at its very next request, once the browser's session that it came from has ended.
#[test]
fn what_was_handed_over_is_refused_as_soon_as_the_first_has_ended() {
    let (id, tenant) = (ConnectionId::from_random([5; 10]), TenantId::from_random([6; 10]));
    let first = session(Through::Connection(id.clone()));
    let child = SessionRow {
        id: domain::SessionId::from_random([9; 10]),
        root: Some(first.id.clone()),
        client: SessionClient::Command,
        ..first.clone()
    };
    let came = |root: Option<&SessionRow>| {
        let mut rows = above(&child, &tenant);
        let row = ConnectionRow {
            id: id.clone(),
            org: child.org.clone(),
            status: Lifecycle::Active,
            document: sample("okta").connection.to_string(),
            secret: None,
        };
        let user = User { id: child.user.clone(), active: true, epoch: 4 };
        rows.insert(Key::connection(&id), row.to_item());
        rows.insert(Key::user(&child.org, &child.user), user.to_item());
        rows.extend(root.map(|root| (Key::session(&first.id), root.to_item())));
        standing(&child, &rows, &Params::default(), at(1)).map(|who| who.session.client)
    };
    assert!(
        keys(&child, &Params::default()).contains(&Key::session(&first.id)),
        "it is read with every request"
    );
    let ended = SessionRow { revoked_at: Some(at(0)), ..first.clone() };
    let expired = SessionRow { expires_at: at(1), ..first.clone() };
    for (root, expected) in [
        (Some(&first), Ok(SessionClient::Command)),
        (Some(&ended), Err(Why::SessionRevoked)),
        (Some(&expired), Err(Why::SessionExpired)),
        (Some(&SessionRow { epoch: 5, ..first.clone() }), Err(Why::SessionRevoked)),
        (None, Err(Why::SessionRevoked)),
    ] {
        assert_eq!(came(root), expected, "{root:?}");
    }
}

/// Whoever was suspended at a provider that says nothing comes by it again when the time is over that the connection gives.
#[test]
fn a_session_lasts_as_long_as_its_connection_says_now_and_so_does_what_was_handed_over() {
    let tenant = TenantId::from_random([5; 10]);
    let mut form = sample("okta").connection;
    let id: ConnectionId = form["id"].as_str().unwrap().parse().unwrap();
    let minutes = |count: i64| at(count * 60_000);
    // It began when twelve hours were given, and is in use.
    let root = SessionRow {
        seen_at: minutes(100),
        expires_at: minutes(720),
        ..session(Through::Connection(id.clone()))
    };
    let handed = SessionRow {
        id: domain::SessionId::from_random([2; 10]),
        client: SessionClient::Command,
        created_at: minutes(50),
        root: Some(root.id.clone()),
        ..root.clone()
    };
    let mut rows = above(&root, &tenant);
    rows.insert(
        Key::user(&root.org, &root.user),
        User { id: root.user.clone(), active: true, epoch: 4 }.to_item(),
    );
    rows.insert(Key::session(&root.id), root.to_item());
    for (given, now, stands) in [
        (json!(720), 100, Ok(())),
        (json!(101), 100, Ok(())),
        (json!(100), 100, Err(Why::SessionExpired)),
        (json!(15), 100, Err(Why::SessionExpired)),
        (json!(14), 100, Err(Why::FactsUnavailable)),
    ] {
        form["session_minutes"] = given.clone();
        let row = ConnectionRow {
            id: id.clone(),
            org: root.org.clone(),
            status: Lifecycle::Active,
            document: form.to_string(),
            secret: None,
        };
        rows.insert(Key::connection(&id), row.to_item());
        for one in [&root, &handed] {
            let told = standing(one, &rows, &within(&tenant), minutes(now)).map(|_| ());
            assert_eq!(told, stands, "{given} of {:?}", one.client);
        }
    }
}
