//! Teams, people, directories' tokens, organizations' changes and switches, and the end of a tenant, through the real functions.
#![cfg(test)]

use std::ops::Deref;

use countersign_tests::support::admin::Person;
use countersign_tests::support::shell::Shell;
use countersign_tests::support::world::{code, models, refused, text};
use countersign_tests::support::{planted, records, wait, world};
use serde_json::{Value, json};

/// An organization with two owners, and a tenant of it.
struct World {
    one: world::World,
    noa: Person,
}

impl Deref for World {
    type Target = world::World;

    fn deref(&self) -> &world::World {
        &self.one
    }
}

impl World {
    fn new() -> Option<Self> {
        let one = world::World::new()?;
        let noa = one.second();
        Some(Self { one, noa })
    }

    fn org_path(&self, rest: &str) -> String {
        format!("/v1/orgs/{}{rest}", self.org.id)
    }

    /// A gateway key of somebody's own.
    fn key(&self, by: &Person) -> String {
        let body = json!({"agent": self.agent(by), "actions": ["models.list"]});
        let made = by.send("POST", &self.path("/keys/own"), &body);
        assert_eq!(made.status, 201, "{made:?}");
        text(&made, "gateway_key")
    }
}

#[test]
fn a_team_stays_as_long_as_an_agent_is_in_it() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "admin");
    let teams = world.path("/teams");
    let one = world.path("/teams/sales");
    let wanted = json!({"id": "sales", "name": "Sales"});
    let made = dana.send("POST", &teams, &wanted);
    assert_eq!((made.status, made.header("location")), (201, Some(one.as_str())), "{made:?}");
    let again = dana.send("POST", &teams, &wanted);
    assert_eq!(
        (code(&again), again.header("location")),
        (refused(409, "already_exists"), Some(one.as_str()))
    );
    let agent = world.agent(&dana);
    let place = world.path(&format!("/agents/{agent}/team"));
    let team = |team: Value| dana.send("PUT", &place, &json!({ "team": team }));
    assert_eq!(code(&team(json!("nowhere"))), refused(400, "invalid_field"));
    assert_eq!(team(json!("sales")).status, 200);
    assert_eq!(dana.get(&one).json()["agents"], 1);
    assert_eq!(code(&dana.send("DELETE", &one, &json!({}))), refused(409, "in_use"));
    assert_eq!(text(&dana.send("PUT", &one, &json!({"name": "Field"})), "name"), "Field");
    assert_eq!(team(json!(null)).status, 200);
    assert_eq!(dana.send("DELETE", &one, &json!({})).status, 204);
    assert_eq!(code(&dana.get(&one)), refused(404, "not_found"));
    assert_eq!(dana.get(&teams).json()["items"], json!([]));
    assert_eq!(code(&team(json!("sales"))), refused(400, "invalid_field"));
    assert_eq!(dana.send("POST", &teams, &wanted).status, 201, "it can be made again");
}

/// Removing a team against moving an agent into it: one of both.
#[test]
fn no_agent_comes_into_a_team_that_is_removed() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "admin");
    let agent = world.agent(&dana);
    let mut ways = [0, 0];
    for round in 0..12 {
        let id = format!("team-{round}");
        let made = dana.send("POST", &world.path("/teams"), &json!({"id": id, "name": "a-team"}));
        assert_eq!(made.status, 201, "{made:?}");
        let one = world.path(&format!("/teams/{id}"));
        let (moved, gone) = std::thread::scope(|scope| {
            let mover = scope.spawn(|| {
                dana.send("PUT", &world.path(&format!("/agents/{agent}/team")), &json!({ "team": id })).status
            });
            let remover = scope.spawn(|| dana.send("DELETE", &one, &json!({})).status);
            (mover.join().unwrap() == 200, remover.join().unwrap() == 204)
        });
        assert!(!(moved && gone), "round {round}: the agent is in a team that is gone");
        let is_in = dana.get(&world.path(&format!("/agents/{agent}"))).json()["team"] == json!(id);
        assert_eq!(is_in, moved, "round {round}");
        let there = dana.get(&one);
        assert_eq!(there.status, if gone { 404 } else { 200 }, "round {round}");
        if !gone {
            assert_eq!(there.json()["agents"], u64::from(moved), "round {round}");
        }
        ways[usize::from(moved)] += 1;
        let out = dana.send("PUT", &world.path(&format!("/agents/{agent}/team")), &json!({"team": null}));
        assert_eq!(out.status, 200, "{out:?}");
    }
    eprintln!("removed first or neither: {}, moved first: {}", ways[0], ways[1]);
}

#[test]
fn whoever_is_deactivated_is_out_at_once_and_comes_back_by_no_other_way() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "admin");
    let key = world.key(&dana);
    assert_eq!(models(&key).status, 200);
    let person = world.org_path(&format!("/users/{}", dana.user));
    let status =
        |by: &Person, to: &str| by.send("PUT", &format!("{person}/status"), &json!({ "status": to }));
    let listed = world.owner.get(&format!("{person}/sessions")).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(code(&status(&dana, "suspended")), refused(403, "forbidden"));
    assert_eq!(status(&world.owner, "suspended").status, 200);
    assert_eq!(code(&dana.get("/v1/session")), refused(401, "user_inactive"));
    assert_ne!(models(&key).status, 200, "keys end with their owner");
    assert_eq!(world.owner.get(&person).json()["active"], false);

    // Another connection that makes people of everybody, and an invitation.
    let grant = json!({"tenant": world.tenant, "role": "viewer"});
    let other = world.org.beside(&world.owner, &world.noa, &grant);
    assert!(other.sign_in("stranger").is_ok(), "the way is open");
    for way in [&world.org, &other] {
        let out = way.sign_in("dana").expect_err("ended");
        assert_eq!(code(&out), refused(403, "deprovisioned"));
    }
    let invite = json!({"email": world.org.email("dana"), "connection": other.connection});
    let invited = world.owner.send("POST", &world.org_path("/invitations"), &invite);
    assert_eq!(code(&invited), refused(409, "person_inactive"));

    // Let in again, nothing of before lives.
    assert_eq!(status(&world.noa, "active").status, 200);
    assert_eq!(code(&dana.get("/v1/session")), refused(401, "session_ended"));
    assert_ne!(models(&key).status, 200);
    let again = world.org.sign_in("dana").expect("reactivated");
    assert_eq!(again.user, dana.user);
    assert_eq!(models(&world.key(&again)).status, 200);
}

#[test]
fn the_last_owner_stays_whoever_asks() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "owner");
    let end = |by: &Person, who: &Person| {
        by.send(
            "PUT",
            &world.org_path(&format!("/users/{}/status", who.user)),
            &json!({"status": "suspended"}),
        )
    };
    assert_eq!(code(&end(&world.noa, &dana)), refused(409, "last_owner"), "of the tenant");
    assert_eq!(code(&end(&world.noa, &world.noa)), refused(403, "on_self"));
    assert_eq!(code(&end(&world.noa, &world.owner)), refused(403, "above_own_level"), "of the platform");
    assert_eq!(end(&world.owner, &world.noa).status, 200, "one owner remains");
    assert_eq!(code(&world.noa.get("/v1/session")), refused(401, "user_inactive"));
}

#[test]
fn an_invitation_that_is_withdrawn_lets_nobody_in() {
    let Some(world) = World::new() else { return };
    let email = world.org.email("stranger");
    let body = json!({"email": email, "connection": world.org.connection});
    let path = world.org_path("/invitations");
    assert_eq!(world.owner.send("POST", &path, &body).status, 201);
    let listed = world.owner.get(&path);
    assert!(!listed.body.contains(email), "no address is shown");
    let open = listed.json()["items"].as_array().cloned().unwrap_or_default();
    assert_eq!(open.len(), 1, "{listed:?}");
    let one = format!("{path}/{}", open[0]["id"].as_str().expect("an id"));
    assert_eq!(world.noa.send("DELETE", &one, &json!({})).status, 204);
    assert_eq!(code(&world.noa.send("DELETE", &one, &json!({}))), refused(404, "not_found"));
    assert_eq!(code(&world.org.sign_in("stranger").expect_err("withdrawn")), refused(403, "not_admitted"));
}

/// Who leads a tenant sees its people, ends their sessions and invites into it, without being anybody in the organization.
#[test]
fn a_tenant_s_owner_looks_after_its_people() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "owner");
    let (users, invitations) = (world.path("/users"), world.path("/invitations"));
    let body = |name: &str, role: &str| json!({"email": world.org.email(name), "connection": world.org.connection, "role": role});
    let made = dana.send("POST", &invitations, &body("stranger", "admin"));
    assert_eq!(made.status, 201, "{made:?}");
    let listed = dana.get(&invitations);
    assert_eq!(listed.json()["items"][0]["id"], made.json()["id"]);
    assert!(!listed.body.contains(world.org.email("stranger")), "no address is shown");
    // Let in by it alone, and with that role; it is taken once, and told in the tenant's log.
    let lea = world.org.sign_in("stranger").expect("invited by the tenant");
    let people = dana.get(&users).json()["items"].as_array().cloned().unwrap_or_default();
    assert!(people.contains(&json!({"id": lea.user, "active": true, "role": "admin"})), "{people:?}");
    assert_eq!(people.len(), 2, "the organization's owners are none of the tenant's people: {people:?}");
    assert_eq!(dana.get(&invitations).json()["items"], json!([]));

    wait::until("the log of the tenant says who took which role by whose word", || {
        let of_lea = |record: &records::Record| {
            record.field("action") == "invitations.take"
                && record.field("actor_id") == lea.user
                && record.message().contains(&dana.user)
                && record.message().contains(&text(&made, "id"))
        };
        records::all(&world.tenant).iter().any(of_lea).then_some(())
    });

    // An administrator invites below themselves; what is withdrawn lets nobody in.
    assert_eq!(
        code(&lea.send("POST", &invitations, &body("weak", "owner"))),
        refused(403, "above_own_level")
    );
    let made = lea.send("POST", &invitations, &body("weak", "viewer"));
    let one = format!("{invitations}/{}", text(&made, "id"));
    assert_eq!(lea.send("DELETE", &one, &json!({})).status, 204);
    assert_eq!(code(&world.org.sign_in("weak").expect_err("withdrawn")), refused(403, "not_admitted"));
    // Void once whoever invited may not invite any more.
    assert_eq!(lea.send("POST", &invitations, &body("weak", "viewer")).status, 201);
    let role = world.path(&format!("/roles/{}", lea.user));
    assert_eq!(dana.send("PUT", &role, &json!({"role": "viewer"})).status, 200);
    assert_eq!(code(&world.org.sign_in("weak").expect_err("void")), refused(403, "not_admitted"));

    // The same by the command.
    let shell = Shell::of(&dana).in_tenant(&world.tenant);
    let of = ["--connection", world.org.connection.as_str(), "--role", "viewer"];
    shell.did(&[["people", "invite", world.org.email("weak")].as_slice(), &of].concat());
    let open = shell.json(&["people", "invitations"]);
    shell.did(&["people", "uninvite", open["items"][0]["id"].as_str().expect("one is open")]);
    assert_eq!(shell.json(&["people", "invitations"])["items"], json!([]));
    assert_eq!(shell.json(&["people", "list"])["items"].as_array().map(Vec::len), Some(2));
    shell.did(&["people", "sessions", &dana.user]);
}

#[test]
fn who_invites_themselves_into_a_tenant_has_nothing_in_it() {
    let Some(world) = World::new() else { return };
    let own = json!({"email": world.org.email("owner"), "connection": world.org.connection, "tenant": world.tenant, "role": "owner"});
    assert_eq!(world.owner.send("POST", &world.org_path("/invitations"), &own).status, 201);
    let again = world.org.sign_in("owner").expect("the owner is in");
    assert_eq!(
        code(&again.send("POST", &world.path("/agents"), &json!({"name": "x"}))),
        refused(403, "forbidden")
    );
}

/// Sessions of the tenant's people, and of nobody else; nobody is signed out from below.
#[test]
fn a_tenant_s_owner_ends_sessions_of_its_people() {
    let Some(world) = World::new() else { return };
    let (dana, lea) = (world.with_role("dana", "owner"), world.with_role("stranger", "admin"));
    let sessions = |of: &Person| world.path(&format!("/users/{}/sessions", of.user));
    let listed = dana.get(&sessions(&lea)).json()["items"].clone();
    let end = format!("{}/{}", sessions(&lea), listed[0]["id"].as_str().expect("a session"));
    let theirs = dana.session();
    let above = format!("{}/{theirs}", sessions(&dana));
    assert_eq!(code(&lea.send("DELETE", &above, &json!({}))), refused(403, "above_own_level"));
    assert_eq!(dana.send("DELETE", &end, &json!({})).status, 204);
    assert_eq!(code(&lea.get("/v1/session")), refused(401, "session_revoked"));
    assert_eq!(code(&dana.get(&sessions(&world.noa))), refused(404, "not_found"), "noa has no role here");
    let own = world.noa.session();
    let theirs = format!("{}/{own}", sessions(&world.noa));
    assert_eq!(code(&dana.send("DELETE", &theirs, &json!({}))), refused(404, "not_found"));
}

#[test]
fn a_directory_s_token_is_shown_once_and_two_live() {
    let Some(world) = World::new() else { return };
    let path = world.org_path(&format!("/connections/{}/scim-tokens", world.org.connection));
    // One owner asks, and gets none; another confirms, and is shown it.
    let asked = world.owner.send("POST", &path, &json!({}));
    assert!(asked.json()["scim_token"].is_null(), "{asked:?}");
    let confirm = world.org_path(&format!("/changes/{}/confirm", text(&asked, "id")));
    assert_eq!(code(&world.owner.send("POST", &confirm, &json!({}))), refused(403, "same_person"));
    assert_eq!(world.owner.get(&path).json()["items"].as_array().map(Vec::len), Some(0));
    let first = world.noa.confirm(&path, &asked);
    let token = text(&first, "scim_token");
    planted::note(&token);
    assert!(token.starts_with("cs_scim_eu_") && token.ends_with(&text(&first, "last_four")));
    let second = world.noa.by_two(&world.owner, &path, &json!({"expires_at": null}));
    planted::note(&text(&second, "scim_token"));
    assert_eq!(code(&world.owner.send("POST", &path, &json!({}))), refused(409, "in_use"));
    let listed = world.owner.get(&path);
    assert_eq!(listed.json()["items"].as_array().map(Vec::len), Some(2));
    assert!(!listed.body.contains(&token) && !listed.body.contains("secret"), "{listed:?}");
    let one = format!("{path}/{}", text(&first, "id"));
    assert_eq!(world.owner.send("DELETE", &one, &json!({})).status, 204);
    assert_eq!(world.owner.get(&path).json()["items"].as_array().map(Vec::len), Some(1));
    let dana = world.with_role("dana", "owner");
    assert_eq!(code(&dana.send("POST", &path, &json!({}))), refused(403, "forbidden"));
    // Four at once for one place.
    let confirms: Vec<String> = (0..4)
        .map(|_| text(&world.owner.send("POST", &path, &json!({})), "id"))
        .map(|change| world.org_path(&format!("/changes/{change}/confirm")))
        .collect();
    let made = std::thread::scope(|scope| {
        let tries: Vec<_> = confirms
            .iter()
            .map(|confirm| scope.spawn(|| world.noa.send("POST", confirm, &json!({}))))
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).filter(|answer| answer.status == 200).count()
    });
    assert_eq!(made, 1);
}

#[test]
fn an_organization_is_stopped_by_one_owner_and_recovered_by_another() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "admin");
    let key = world.key(&dana);
    assert_eq!(models(&key).status, 200);
    let path = world.org_path("/kill");
    assert_eq!(code(&dana.send("POST", &path, &json!({"reason": "incident_1"}))), refused(403, "forbidden"));
    let stopped = world.owner.send("POST", &path, &json!({"reason": "incident_1"}));
    assert_eq!(stopped.status, 200, "{stopped:?}");
    let during = models(&key);
    assert_eq!((during.status, &during.json()["error"]["code"]), (503, &json!("killed_org")));
    assert_eq!(world.noa.get(&path).json()["last"]["reason"], "incident_1");
    let recover = json!({"reason": "over", "version": stopped.json()["version"]});
    let again = format!("{path}/recover");
    assert_eq!(code(&world.owner.send("POST", &again, &recover)), refused(403, "same_person"));
    assert_eq!(world.noa.send("POST", &again, &recover).status, 200);
    assert_eq!(models(&key).status, 200);
    // The platform's is its administrators' alone; nobody stops it here, where others run.
    assert_eq!(
        code(&world.noa.send("POST", "/v1/platform/kill", &json!({"reason": "x"}))),
        refused(403, "forbidden")
    );
    assert_eq!(world.owner.get("/v1/platform/kill").status, 200);
}

#[test]
fn a_connection_lets_more_in_by_two_owners_and_less_by_one() {
    let Some(world) = World::new() else { return };
    let path = world.org_path(&format!("/connections/{}", world.org.connection));
    let shown = world.owner.get(&path).json();
    let form = |changes: &Value| {
        let mut form = json!({"idp": "custom", "issuer": shown["issuer"], "client_id": shown["client_id"]});
        form.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        form
    };
    assert_eq!(world.owner.put(&path, &form(&json!({}))).status, 200);
    let secret = "planted-client-secret";
    let both = world.owner.put(&path, &form(&json!({"jit": true, "client_secret": secret})));
    assert_eq!(
        (code(&both), text(&both, "at")),
        (refused(400, "invalid_field"), "/client_secret".to_owned())
    );
    let asked = world.owner.put(&path, &form(&json!({"jit": true})));
    assert_eq!((asked.status, text(&asked, "state")), (202, "pending".to_owned()), "{asked:?}");
    assert!(text(&asked, "confirmed_by").contains("another owner"));
    assert_ne!(world.owner.get(&path).json()["jit"], true, "nothing has changed yet");
    let change = world.org_path(&format!("/changes/{}", text(&asked, "id")));
    let listed = world.noa.get(&world.org_path("/changes"));
    assert!(listed.body.contains(&text(&asked, "id")), "{listed:?}");
    let confirm = |by: &Person| by.send("POST", &format!("{change}/confirm"), &json!({}));
    assert_eq!(code(&confirm(&world.owner)), refused(403, "same_person"));
    assert_eq!(confirm(&world.noa).status, 200);
    assert_eq!(world.owner.get(&path).json()["jit"], true);
    assert_eq!(world.owner.put(&path, &form(&json!({}))).status, 200, "less needs nobody");
    // So do sessions that last longer: whoever was suspended comes by the provider later.
    assert_eq!(world.owner.get(&path).json()["session_minutes"], 720);
    let short = world.owner.put(&path, &form(&json!({"session_minutes": 60})));
    assert_eq!((short.status, &short.json()["session_minutes"]), (200, &json!(60)), "{short:?}");
    assert_eq!(world.owner.put(&path, &form(&json!({"session_minutes": 120}))).status, 202);
    let wrong = world.owner.put(&path, &form(&json!({"session_minutes": 14})));
    assert_eq!(
        (code(&wrong), text(&wrong, "at")),
        (refused(400, "invalid_field"), "/session_minutes".to_owned())
    );
    // The floor of the organization is raised by one and lowered by two.
    let floor = world.org_path("/dlp");
    let document = |action: &str| json!({"v": 1, "types": {"card": {"action": action}}});
    let first = world.owner.request("PUT", &floor).with("content-type", "application/json");
    assert_eq!(first.with("if-none-match", "*").body(document("block").to_string()).send().status, 200);
    let lower = world.owner.put(&floor, &document("redact"));
    assert_eq!(lower.status, 202, "{lower:?}");
    let change = world.org_path(&format!("/changes/{}/confirm", text(&lower, "id")));
    assert_eq!(world.noa.send("POST", &change, &json!({})).status, 200);
    assert_eq!(world.noa.get(&floor).json()["version"], 2);
}

#[test]
fn a_tenant_ends_for_good_when_two_agree() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "admin");
    let key = world.key(&dana);
    assert_eq!(code(&dana.send("DELETE", &world.path(""), &json!({}))), refused(403, "forbidden"));
    let asked = world.owner.send("DELETE", &world.path(""), &json!({}));
    assert_eq!(asked.status, 202, "{asked:?}");
    assert_eq!(models(&key).status, 200, "nothing is done yet");
    let confirm = world.path(&format!("/changes/{}/confirm", text(&asked, "id")));
    assert_eq!(code(&world.owner.send("POST", &confirm, &json!({}))), refused(403, "same_person"));
    let done = world.noa.send("POST", &confirm, &json!({}));
    assert_eq!((done.status, text(&done, "status")), (200, "deleted".to_owned()), "{done:?}");
    assert_ne!(models(&key).status, 200);
    let back = world.owner.send("PUT", &world.path("/status"), &json!({"status": "active"}));
    assert_eq!(code(&back), refused(409, "tenant_deleted"));
    let body = json!({"agent": "agt_0123456789abcdef", "actions": ["models.list"]});
    let made = dana.send("POST", &world.path("/keys/own"), &body);
    assert_eq!(code(&made), refused(409, "tenant_deleted"));
    let made = dana.send("POST", &world.path("/agents"), &json!({"name": "late"}));
    assert_eq!(code(&made), refused(409, "tenant_deleted"), "nothing is changed any more");
}

/// Whoever answers for an agent leaves: it does nothing until it is given to somebody else.
#[test]
fn an_agent_without_its_owner_does_nothing() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "admin");
    let agent = world.agent(&dana);
    let keeper = world.with_role("stranger", "admin");
    let body = json!({"agent": agent, "actions": ["models.list"]});
    let made = keeper.send("POST", &world.path("/keys/service"), &body);
    assert_eq!(made.status, 201, "{made:?}");
    let key = text(&made, "gateway_key");
    assert_eq!(models(&key).status, 200, "{:?}", models(&key));
    let status = |to: &str| {
        let path = world.org_path(&format!("/users/{}/status", dana.user));
        world.owner.send("PUT", &path, &json!({"status": to}))
    };
    assert_eq!(status("suspended").status, 200);
    let answer = models(&key);
    // At once for want of its owner; and soon it is suspended, since nobody takes over.
    let why = answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
    assert!(
        answer.status == 403 && ["agent_owner_inactive", "agent_inactive"].contains(&why.as_str()),
        "{why}"
    );
    let place = world.path(&format!("/agents/{agent}"));
    wait::until("the agent to be suspended", || {
        (keeper.get(&place).json()["status"] == "suspended").then_some(())
    });
    let owner = |user: &str| {
        let path = world.path(&format!("/agents/{agent}/owner"));
        keeper.send("PUT", &path, &json!({"owner": user}))
    };
    assert_eq!(code(&owner(&dana.user)), refused(400, "invalid_field"));
    assert_eq!(code(&owner("usr_0123456789abcdef")), refused(400, "invalid_field"));
    let given = owner(&keeper.user);
    assert_eq!((given.status, text(&given, "owner")), (200, keeper.user.clone()), "{given:?}");
    let back = keeper.send("PUT", &format!("{place}/status"), &json!({"status": "active"}));
    assert_eq!(back.status, 200, "{back:?}");
    assert_eq!(models(&key).status, 200, "{:?}", models(&key));
}

/// Owners make others owners and take it from others, never from themselves.
#[test]
fn offices_are_given_and_taken_and_never_one_s_own() {
    let Some(world) = World::new() else { return };
    let dana = world.org.join(&world.owner, "dana", &json!({}));
    let owner = |user: &str| world.org_path(&format!("/owners/{user}"));
    let send = |by: &Person, method: &'static str, path: &str| by.send(method, path, &json!({}));
    assert_eq!(code(&send(&dana, "PUT", &owner(&dana.user))), refused(403, "forbidden"));
    assert_eq!(send(&world.owner, "PUT", &owner(&dana.user)).status, 200);
    assert_eq!(dana.get(&world.org_path("/owners")).json()["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(code(&send(&dana, "DELETE", &owner(&dana.user))), refused(403, "on_self"));
    assert_eq!(send(&dana, "DELETE", &owner(&world.noa.user)).status, 200);
    assert_eq!(
        code(&world.noa.get(&world.org_path("/owners"))),
        refused(403, "forbidden"),
        "at the next request"
    );
}

/// What the public page says, for whoever may see the tenant's providers; and for nobody else.
#[test]
fn a_tenant_sees_how_the_platform_is_and_how_its_providers_endpoints_are() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "admin");
    let stand_in = countersign_tests::support::stack().text("/provider_url");
    let provider = |name: &str, channel: &str| {
        planted::note("upstream-of-a-status");
        let body = json!({"name": name, "kind": "openai", "base_url": format!("{stand_in}/{channel}/v1"), "region": "eu",
            "region_source": "this machine", "models": [{"name": "gpt-4o-mini", "max_output_tokens": 16}],
            "credential": "upstream-of-a-status"});
        let made = dana.send("POST", &world.path("/providers"), &body);
        assert!([201, 202].contains(&made.status), "{made:?}");
    };
    provider("probed", "canary");
    provider("unknown-to-the-platform", "of-a-status");
    let told = wait::until("a run of health", || {
        let answer = dana.get(&world.path("/status"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let told = answer.json();
        (told["checks"][0]["status"] != "unknown").then_some(told)
    });
    assert_eq!(told["checks"].as_array().map(Vec::len), Some(7), "{told}");
    let of = |name: &str| {
        let all = told["providers"].as_array().expect("providers").clone();
        all.iter().find(|one| one["name"] == name).map(|one| one["status"].clone())
    };
    assert!(of("probed").is_some_and(|status| status == "up" || status == "down"), "{told}");
    assert_eq!(of("unknown-to-the-platform"), Some(json!("not_probed")));
    let stranger = countersign_tests::support::admin::bare("GET", &world.path("/status")).send();
    assert_eq!(stranger.status, 401, "{stranger:?}");
}
