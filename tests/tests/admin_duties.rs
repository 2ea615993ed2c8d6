//! What no single person does alone, through the real function: switches, broken glass, and what waits.
#![cfg(test)]

use countersign_tests::support::admin::Person;
use countersign_tests::support::records;
use countersign_tests::support::wait;
use countersign_tests::support::world::{World, code, refused, text};
use serde_json::{Value, json};

/// However often others stop after them, whoever has stopped does not recover.
#[test]
fn a_switch_is_recovered_by_somebody_who_has_not_stopped_it() {
    let Some(world) = World::new() else { return };
    let (dana, noa) = (world.with_role("dana", "owner"), world.with_role("noa", "admin"));
    let stop = |by: &Person, scope: &str| {
        let stopped = by.send("POST", &world.path("/kill"), &json!({"reason": "incident", "scope": scope}));
        assert_eq!(stopped.status, 200, "{stopped:?}");
        stopped.json()
    };
    let recover = |by: &Person| {
        let version = by.get(&world.path("/kill")).json()["version"].clone();
        by.send("POST", &world.path("/kill/recover"), &json!({"reason": "resolved", "version": version}))
    };
    stop(&noa, "llm");
    let seen = stop(&dana, "all");
    assert_eq!(seen["stopped_by"].as_array().map(Vec::len), Some(2), "{seen}");
    for by in [&noa, &dana] {
        assert_eq!(code(&recover(by)), refused(403, "same_person"));
    }
    let done = recover(&world.owner);
    assert_eq!((done.status, &done.json()["stopped_by"]), (200, &json!([])), "{done:?}");
    // From then on it is another matter.
    stop(&world.owner, "all");
    assert_eq!(recover(&noa).status, 200);

    // The same of an organization.
    let second = world.org.join(&world.owner, "stranger", &json!({"owner": true}));
    let path = format!("/v1/orgs/{}/kill", world.org.id);
    let stop = |by: &Person| by.send("POST", &path, &json!({"reason": "incident"})).json()["version"].clone();
    let recover = |by: &Person, version: &Value| {
        let body = json!({"reason": "resolved", "version": version});
        by.send("POST", &format!("{path}/recover"), &body)
    };
    stop(&world.owner);
    let version = stop(&second);
    assert_eq!(code(&recover(&world.owner, &version)), refused(403, "same_person"), "stopped before");
    assert_eq!(code(&recover(&second, &version)), refused(403, "same_person"));
    let third = world.org.join(&world.owner, "dana", &json!({"owner": true}));
    assert_eq!(recover(&third, &version).status, 200);
}

#[test]
fn what_is_looked_at_through_broken_glass_is_told_and_it_is_closed_early() {
    let Some(platform) = World::new() else { return };
    let Some(customer) = World::new() else { return };
    let (dana, noa) = (customer.with_role("dana", "owner"), customer.with_role("noa", "admin"));
    let admin = &platform.owner;
    let body = json!({"reason": "case_4711", "minutes": 30});
    let asked = admin.send("POST", &customer.path("/break-glass"), &body);
    assert_eq!(asked.status, 202, "{asked:?}");
    let one = customer.path(&format!("/break-glass/{}", text(&asked, "id")));
    assert_eq!(code(&dana.send("DELETE", &one, &json!({}))), refused(404, "not_found"), "it is not open");
    assert_eq!(dana.send("POST", &format!("{one}/confirm"), &json!({})).status, 200);
    assert_eq!(admin.get(&customer.path("/agents")).status, 200);
    let open = dana.get(&customer.path("/break-glass")).json();
    assert_eq!(
        (&open["items"][0]["id"], &open["items"][0]["user"]),
        (&asked.json()["id"], &json!(admin.user))
    );

    // An owner is given, and nothing else.
    let role = |of: &Person| customer.path(&format!("/roles/{}", of.user));
    let given = |of: &Person, to: &str| admin.send("PUT", &role(of), &json!({ "role": to }));
    assert_eq!(given(&noa, "owner").status, 200);
    assert_eq!(code(&given(&dana, "viewer")), refused(403, "forbidden"));

    let viewer =
        customer.org.join(&customer.owner, "stranger", &json!({"tenant": customer.tenant, "role": "viewer"}));
    assert_eq!(code(&viewer.send("DELETE", &one, &json!({}))), refused(403, "forbidden"));
    assert_eq!(dana.send("DELETE", &one, &json!({})).status, 204);
    assert_eq!(
        code(&admin.get(&customer.path("/agents"))),
        refused(403, "forbidden"),
        "from the next request on"
    );
    assert_eq!(code(&dana.send("DELETE", &one, &json!({}))), refused(404, "not_found"));

    let told = wait::until("the tenant's log has it", || {
        let all = records::all(&customer.tenant);
        let of = |action: &str, event: &str| {
            // An outcome says how it ended and nothing else; which comes first in the log is chance.
            let before = all.iter().filter(|one| one.field("phase") != "outcome");
            let found = before
                .into_iter()
                .find(|one| (one.field("action"), one.field("event_type")) == (action, event))?;
            Some((found.field("actor_id").to_owned(), found.metadata("break_glass").clone()))
        };
        let looked = of("agents.list", "admin.read")?;
        let gave = of("roles.grant", "admin.binding")?;
        let closed = of("break_glass.close", "admin.break_glass")?;
        Some([looked, gave, closed])
    });
    let [looked, gave, closed] = told;
    assert_eq!((looked.0, &looked.1), (admin.user.clone(), &asked.json()["id"]));
    assert_eq!((gave.0, &gave.1), (admin.user.clone(), &asked.json()["id"]));
    assert_eq!(closed.0, dana.user);
}

/// A connection that is asked for again under the same key waits once.
#[test]
fn what_waits_is_asked_for_once() {
    let Some(world) = World::new() else { return };
    let path = format!("/v1/orgs/{}/connections", world.org.id);
    let form = |client: &str| json!({"idp": "okta", "issuer": "https://acme.okta.com", "client_id": client});
    let ask = |key: &str, client: &str| {
        let request = world.owner.request("POST", &path).with("content-type", "application/json");
        request.with("idempotency-key", key).body(form(client).to_string()).send()
    };
    let first = ask("one", "a");
    assert_eq!(first.status, 202, "{first:?}");
    let again = ask("one", "a");
    assert_eq!((again.status, text(&again, "id")), (202, text(&first, "id")));
    assert_eq!(code(&ask("one", "b")), refused(409, "conflict"));
    let other = ask("two", "a");
    assert!(other.status == 202 && text(&other, "id") != text(&first, "id"), "{other:?}");
    let waiting = world.owner.get(&format!("/v1/orgs/{}/changes", world.org.id)).json();
    assert_eq!(waiting["items"].as_array().map(Vec::len), Some(2), "{waiting}");
}

/// Whoever was invited a moment ago finds where they are needed, without being told an id.
#[test]
fn people_find_their_tenants() {
    let Some(world) = World::new() else { return };
    let path = format!("/v1/orgs/{}/tenants", world.org.id);
    let body = json!({"name": "another", "region": "eu", "budget_tokens": 1_000});
    assert_eq!(world.owner.send("POST", &path, &body).status, 201);
    let noa = world.org.join(&world.owner, "noa", &json!({"owner": true}));
    let dana = world.with_role("dana", "viewer");
    let mine = |of: &Person| {
        let listed = of.get("/v1/session/tenants");
        assert_eq!(listed.status, 200, "{listed:?}");
        let listed = listed.json();
        let one = |one: &Value| (one["id"].as_str().unwrap().to_owned(), one["role"].clone());
        listed["items"].as_array().unwrap().iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(mine(&dana), [(world.tenant.clone(), json!("viewer"))]);
    assert_eq!(mine(&noa).len(), 2, "an owner of the organization finds all");
    let grant = json!({"tenant": world.tenant, "role": "operator"});
    let other = world.org.beside(&world.owner, &noa, &grant);
    let stranger = other.sign_in("stranger").expect("by a group");
    assert_eq!(mine(&stranger), [(world.tenant.clone(), json!("operator"))]);
    let role = world.path(&format!("/roles/{}", dana.user));
    assert_eq!(world.owner.send("DELETE", &role, &json!({})).status, 204);
    assert_eq!(mine(&dana), []);
}

/// What somebody set going is over when they are: invitations, and changes that wait.
#[test]
fn nothing_is_left_of_whoever_lost_their_office() {
    let Some(world) = World::new() else { return };
    let noa = world.org.join(&world.owner, "noa", &json!({"owner": true}));
    let org = |rest: &str| format!("/v1/orgs/{}{rest}", world.org.id);
    let invite = json!({"email": world.org.email("stranger"), "connection": world.org.connection});
    assert_eq!(noa.send("POST", &org("/invitations"), &invite).status, 201);
    let form = json!({"idp": "okta", "issuer": "https://acme.okta.com", "client_id": "a"});
    let asked = noa.send("POST", &org("/connections"), &form);
    assert_eq!(asked.status, 202, "{asked:?}");
    assert_eq!(world.owner.send("DELETE", &org(&format!("/owners/{}", noa.user)), &json!({})).status, 200);
    assert_eq!(code(&world.org.sign_in("stranger").expect_err("void")), refused(403, "not_admitted"));
    let confirm = org(&format!("/changes/{}/confirm", text(&asked, "id")));
    assert_eq!(code(&world.owner.send("POST", &confirm, &json!({}))), refused(409, "requester_gone"));
}
