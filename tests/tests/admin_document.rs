//! The API document of the management API against the real function: whatever it says may be sent is answered as it says, and
//! nothing that is sent ends in a fault of the server. Asked by schemathesis.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use countersign_tests::support::admin::{Person, url};
use countersign_tests::support::document::Run;
use countersign_tests::support::world::{World, text};
use serde_json::json;

/// What would end the session that asks, the tenant or the organization, or stop the whole stack under the tests that follow:
/// these are told apart by tests of their own.
const LEFT_OUT: [&str; 7] = [
    "session.end",
    "sessions.revoke",
    "orgs.status",
    "tenants.status",
    "connections.status",
    "users.status",
    "kill.stop_platform",
];

/// Asks as somebody, whose session lives to the end.
fn asks(person: &Person, run: Run<'_>) -> BTreeMap<String, BTreeSet<u64>> {
    let left_out = LEFT_OUT.into_iter().chain(run.left_out.iter().copied()).collect();
    let told = Run { left_out, ..run }.asks();
    assert!(person.get("/v1/session").status == 200, "its answers were real ones");
    told
}

#[test]
fn the_function_answers_an_owner_of_the_organization_as_its_document_says() {
    let Some(world) = World::new() else { return };
    let ids = [
        ("org", world.org.id.as_str()),
        ("tenant", world.tenant.as_str()),
        ("connection", world.org.connection.as_str()),
        ("user", world.owner.user.as_str()),
    ];
    let (base, key) = (url(""), &world.owner.key);
    let (name, only, left_out, more) = ("organization", None, Vec::new(), &[][..]);
    asks(&world.owner, Run { name, base: &base, key, ids: &ids, only, left_out, more, least: 115 });
}

/// A tenant's owner may do nearly all that is done to a tenant: no operation ends at its door.
#[test]
fn the_function_answers_an_owner_of_a_tenant_as_its_document_says() {
    let Some(world) = World::new() else { return };
    let (dana, noa) = (world.with_role("dana", "owner"), world.with_role("noa", "admin"));
    let limits = json!({"time_zone": "UTC", "shards": 1, "limits": [{"place": "tenant:tokens:total", "limit": 2_000_000}]});
    let more = noa.put(&world.path("/limits"), &limits);
    assert_eq!(more.status, 202, "{more:?}");
    let mut things = world.filled(&dana);
    things.extend([
        ("change", text(&more, "id")),
        ("session", noa.session()),
        ("user", noa.user.clone()),
        ("tenant", world.tenant.clone()),
    ]);
    let policy = json!({"v": 1, "types": {"card": {"action": "block"}}});
    for (path, policy) in [
        ("/dlp".to_owned(), policy.clone()),
        (format!("/agents/{}/dlp", things["agent"]), policy),
        ("/gate".to_owned(), json!({"v": 1})),
        ("/channels".to_owned(), json!({})),
    ] {
        let first = dana.request("PUT", &world.path(&path)).with("content-type", "application/json");
        let made = first.with("if-none-match", "*").body(policy.to_string()).send();
        assert_eq!(made.status, 200, "{made:?}");
    }
    let ids: Vec<_> = things.iter().map(|(name, id)| (*name, id.as_str())).collect();
    let run = Run {
        name: "tenant",
        base: &url(""),
        key: &dana.key,
        ids: &ids,
        only: Some("^/v1/tenants/"),
        left_out: vec!["roles.withdraw"],
        more: &[],
        least: 55,
    };
    let told = asks(&dana, run);
    let closed: Vec<_> = told
        .iter()
        .filter(|(_, statuses)| statuses.iter().all(|one| [401, 403, 404].contains(one)))
        .collect();
    let names: Vec<_> = closed.iter().map(|(name, _)| name.as_str()).collect();
    // The platform's administrators alone ask for a way into a tenant, and none has; a change is withdrawn by whoever asked for it;
    // the key that there is belongs to the tenant.
    let theirs = [
        "break_glass.close",
        "break_glass.confirm",
        "break_glass.open",
        "changes.withdraw",
        "keys.revoke_own",
    ];
    assert!(names.iter().all(|name| theirs.contains(name)), "{names:?}: {told:?}");
}
