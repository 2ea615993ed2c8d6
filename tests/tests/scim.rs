//! Directories that push people and groups, through the real functions: what they say holds at the next request.
#![cfg(test)]

use countersign_tests::support::admin::Person;
use countersign_tests::support::directory::{Directory, user};
use countersign_tests::support::http::Answer;
use countersign_tests::support::pushed::Pushed;
use countersign_tests::support::world::{World, code, models, refused, text};
use countersign_tests::support::{planted, stack::unique};
use serde_json::{Value, json};

fn fresh_mail() -> String {
    let mail = format!("{}@acme.test", unique::<8>());
    planted::note(&mail);
    mail
}

fn scim_type(answer: &Answer) -> (u16, Value) {
    let body = answer.json();
    assert_eq!(body["status"], json!(answer.status.to_string()), "{answer:?}");
    (answer.status, body["scimType"].clone())
}

fn resources(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["Resources"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_person_is_made_found_changed_and_taken_away() {
    let Some(world) = World::new() else { return };
    let directory = Directory::of(&world, &world.org.connection);
    let mail = fresh_mail();
    let body = json!({"userName": mail, "externalId": "x-1", "displayName": "Dana", "password": "dropped",
        "emails": [{"value": mail, "type": "work"}], "groups": [], "meta": {"resourceType": "User"}});
    let made = directory.send("POST", "/Users", &user(&body));
    assert_eq!((made.status, made.header("content-type")), (201, Some("application/scim+json")), "{made:?}");
    let id = text(&made, "id");
    let place = format!("/Users/{id}");
    assert!(made.header("location").is_some_and(|location| location.ends_with(&place)));
    assert!(id.starts_with("usr_") && made.json()["password"].is_null());
    let twice = directory.send("POST", "/Users", &user(&json!({"userName": mail.to_uppercase()})));
    assert_eq!(scim_type(&twice), (409, json!("uniqueness")));
    for filter in [
        format!("userName eq \"{}\"", mail.to_uppercase()),
        "externalId eq \"x-1\"".to_owned(),
        format!("emails[type eq \"work\"].value eq \"{mail}\""),
        format!("id eq \"{id}\""),
        format!("displayName sw \"da\" and userName eq \"{mail}\""),
    ] {
        let found = resources(&directory.get(&format!("/Users?filter={}", urlencoded(&filter))));
        assert_eq!(found.len(), 1, "{filter}");
        assert_eq!(found[0]["id"], json!(id));
    }
    let none = directory.get("/Users?filter=userName%20eq%20%22nobody%22");
    assert_eq!(none.json()["totalResults"], 0);
    let seen = directory.get(&place);
    let tag = seen.header("etag").expect("a version").to_owned();
    // Groups change without their people: who asks for them is answered.
    let without = format!("{place}?excludedAttributes=groups");
    let same = |path: &str| directory.request("GET", path).with("if-none-match", tag.clone()).send().status;
    assert_eq!((same(&without), same(&place)), (304, 200));
    let patched = directory.patch(&place, &json!([{"op": "Replace", "path": "active", "value": "False"}]));
    assert_eq!((patched.status, &patched.json()["active"]), (200, &json!(false)), "{patched:?}");
    let stale = directory
        .request("PUT", &place)
        .with("content-type", "application/scim+json")
        .with("if-match", tag)
        .body(user(&json!({"userName": mail})).to_string())
        .send();
    assert_eq!(stale.status, 412, "{stale:?}");
    // Whoever does not say does not let anybody in again.
    let put = directory.send(
        "PUT",
        &place,
        &json!({"schemas": [countersign_tests::support::directory::USER], "userName": mail}),
    );
    assert_eq!((put.status, &put.json()["active"]), (200, &json!(false)), "{put:?}");
    assert_eq!(put.json()["displayName"], Value::Null);
    let quiet = directory.get(&place);
    let again = directory.active(&id, false);
    assert_eq!(again.json()["meta"], quiet.json()["meta"], "nothing changed, and nothing moved");
    assert_eq!(directory.send("DELETE", &place, &json!({})).status, 204);
    assert_eq!(directory.get(&place).status, 404);
    assert_eq!(directory.send("DELETE", &place, &json!({})).status, 404);
    let anew = directory.send("POST", "/Users", &user(&json!({"userName": mail, "externalId": "x-1"})));
    assert_eq!(anew.status, 201, "{anew:?}");
    assert_ne!(text(&anew, "id"), id, "an id is nobody else's");
}

fn urlencoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[test]
fn somebody_who_is_pushed_signs_in_as_that_one_and_is_out_at_once() {
    let Some(pushed) = Pushed::new() else { return };
    let id = pushed.push("dana");
    let team = pushed.directory.group("Ops", &[&id]);
    let dana = pushed.org.sign_in("dana").expect("the directory lets her in");
    assert_eq!(dana.user, id, "one person, one row");
    let agent = pushed.world.agent(&dana);
    let made = dana.send(
        "POST",
        &pushed.world.path("/keys/own"),
        &json!({"agent": agent, "actions": ["models.list"]}),
    );
    assert_eq!(made.status, 201, "{made:?}");
    let key = text(&made, "gateway_key");
    assert_eq!(models(&key).status, 200);
    assert_eq!(pushed.directory.active(&id, false).status, 200);
    assert_eq!(code(&dana.get("/v1/session")), refused(401, "user_inactive"));
    assert_ne!(models(&key).status, 200, "keys end with their owner");
    let again = pushed.org.sign_in("dana").unwrap_err();
    assert_eq!(again.status, 403, "{again:?}");
    // Neither an invitation nor the organization's other provider brings her back.
    let invite = json!({"email": pushed.org.email("dana"), "connection": pushed.world.org.connection});
    let path = format!("/v1/orgs/{}/invitations", pushed.world.org.id);
    let invited = pushed.world.owner.send("POST", &path, &invite);
    assert_ne!(invited.status, 500, "{invited:?}");
    assert!(pushed.world.org.sign_in("dana").is_err());
    // The directory does, and nothing of before comes along.
    assert_eq!(pushed.directory.active(&id, true).status, 200);
    assert_ne!(models(&key).status, 200);
    assert_eq!(code(&dana.get("/v1/session")), refused(401, "session_ended"));
    let back = pushed.org.sign_in("dana").expect("she is back");
    assert_eq!(back.user, id);
    assert_eq!(back.get(&pushed.world.path("/agents")).status, 200, "groups were kept, and so were roles");
    // Out of the group, out of the tenant.
    let out = pushed.directory.patch(
        &format!("/Groups/{team}"),
        &json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": id}]}]),
    );
    assert_eq!(out.status, 204, "{out:?}");
    assert_eq!(code(&back.get(&pushed.world.path("/agents"))), refused(401, "session_ended"));
    let last = pushed.org.sign_in("dana").expect("she is in, without a role");
    assert_eq!(code(&last.get(&pushed.world.path("/agents"))), refused(404, "not_found"));
}

#[test]
fn somebody_who_came_before_the_directory_is_the_one_that_it_pushes() {
    let Some(pushed) = Pushed::new() else { return };
    let dana = pushed.org.join(
        &pushed.world.owner,
        "dana",
        &json!({"tenant": pushed.world.tenant, "role": "viewer"}),
    );
    assert_eq!(pushed.push("dana"), dana.user);
    let owner = pushed.world.owner.get("/v1/session");
    assert_eq!(owner.status, 200);
    assert_eq!(pushed.directory.send("DELETE", &format!("/Users/{}", dana.user), &json!({})).status, 204);
    assert_eq!(code(&dana.get("/v1/session")), refused(401, "user_inactive"));
}

#[test]
fn roles_follow_groups_at_the_next_request() {
    let Some(pushed) = Pushed::new() else { return };
    let id = pushed.push("dana");
    let dana = || pushed.org.sign_in("dana").expect("the directory lets her in");
    let agents = |person: &Person| person.get(&pushed.world.path("/agents")).status;
    let mut person = dana();
    assert_eq!(agents(&person), 404);
    let team = pushed.directory.group("Ops", &[]);
    let place = format!("/Groups/{team}");
    let member = json!([{"value": id}]);
    for round in 0..3 {
        let joined =
            pushed.directory.patch(&place, &json!([{"op": "Add", "path": "members", "value": member}]));
        assert_eq!(joined.status, 204, "{joined:?}");
        assert_eq!(agents(&person), 200, "round {round}: the role is there at the next request");
        let path = format!("members[value eq \"{id}\"]");
        let left = pushed.directory.patch(&place, &json!([{"op": "remove", "path": path}]));
        assert_eq!(left.status, 204, "{left:?}");
        // The last group that gave anything: what she began is over, sessions as well as keys.
        assert_eq!(agents(&person), 401, "round {round}");
        person = dana();
        assert_eq!(agents(&person), 404, "round {round}");
    }
    // A name gives roles, and another takes them away again.
    pushed.directory.patch(&place, &json!([{"op": "Add", "path": "members", "value": member}]));
    let named = |name: &str| {
        let value = json!({"id": team, "displayName": name});
        pushed.directory.patch(&place, &json!([{"op": "replace", "value": value}])).status
    };
    assert_eq!((named("Others"), agents(&person)), (204, 401));
    person = dana();
    assert_eq!((named("Ops"), agents(&person)), (204, 200));
    let shown = pushed.directory.get(&format!("/Users/{id}"));
    assert_eq!(shown.json()["groups"][0]["display"], "Ops", "{shown:?}");
    assert_eq!(pushed.directory.send("DELETE", &place, &json!({})).status, 204);
    assert_eq!(agents(&person), 401);
    assert_eq!(pushed.directory.get(&format!("/Users/{id}")).json()["groups"], Value::Null);
}

/// Nobody stays in a group because somebody else is named who is nobody any more.
#[test]
fn a_removal_is_made_beside_a_member_who_is_nobody() {
    let Some(world) = World::new() else { return };
    let directory = Directory::of(&world, &world.org.connection);
    let person = || directory.user(&json!({"userName": fresh_mail()}));
    let (stays, goes) = (person(), person());
    let place = format!("/Groups/{}", directory.group("Ops", &[&stays, &goes]));
    let nobody = json!([{"value": "usr_0000000000000000"}]);
    let answer = directory.patch(
        &place,
        &json!([{"op": "remove", "path": format!("members[value eq \"{goes}\"]")}, {"op": "add", "path": "members", "value": nobody}]),
    );
    assert_eq!(scim_type(&answer), (400, json!("invalidValue")));
    let members = directory.get(&place).json()["members"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(1), "{members}");
    assert_eq!(members[0]["value"], json!(stays));
}

#[test]
fn a_token_is_one_connections_and_its_people_are() {
    let Some(pushed) = Pushed::new() else { return };
    let other = Directory::of(&pushed.world, &pushed.world.org.connection);
    let id = pushed.push("dana");
    assert_eq!(other.get(&format!("/Users/{id}")).status, 404);
    let strange = Directory { base: pushed.directory.base.clone(), ..other.clone() };
    assert_eq!(strange.get("/Users").status, 401);
    let foreign = other.send(
        "POST",
        "/Groups",
        &json!({"schemas": [countersign_tests::support::directory::GROUP], "displayName": "x", "members": [{"value": id}]}),
    );
    assert_eq!(scim_type(&foreign), (400, json!("invalidValue")));
    for bad in ["", "Bearer", "Bearer x", "Basic eDp5"] {
        let answer = other.request("GET", "/Users").with("authorization", bad).send();
        assert_eq!((answer.status, answer.json()["status"].clone()), (401, json!("401")), "{bad}");
    }
    // The admin API takes no token of a directory, and SCIM no session.
    let as_person = Person { user: String::new(), key: other.token.clone() };
    assert_eq!(as_person.get("/v1/session").status, 401);
    let as_directory = Directory { token: pushed.world.owner.key.clone(), ..other.clone() };
    assert_eq!(as_directory.get("/Users").status, 401);
    let revoke = format!(
        "/v1/orgs/{}/connections/{}/scim-tokens/{}",
        pushed.world.org.id, pushed.world.org.connection, other.id
    );
    assert_eq!(pushed.world.owner.send("DELETE", &revoke, &json!({})).status, 204);
    assert_eq!(other.get("/Users").status, 401, "the very next push is refused");
}

#[test]
fn client_credentials_are_good_for_an_hour_and_end_with_their_token() {
    let Some(world) = World::new() else { return };
    let directory = Directory::of(&world, &world.org.connection);
    let ask = |id: &str, secret: &str| {
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        directory
            .request("POST", "/oauth/token")
            .without("authorization")
            .with("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
    };
    let given = ask(&directory.id, &directory.token);
    assert_eq!((given.status, &given.json()["expires_in"]), (200, &json!(3_600)), "{given:?}");
    let access = Directory { token: text(&given, "access_token"), ..directory.clone() };
    planted::note(&access.token);
    assert_eq!(access.get("/Users").status, 200);
    assert_eq!(ask(&directory.id, "wrong").json()["error"], "invalid_client");
    assert_eq!(ask("sct_0000000000000000", &directory.token).json()["error"], "invalid_client");
    // An access token is no client's secret.
    assert_eq!(ask(&directory.id, &access.token).status, 401);
    let revoke = format!(
        "/v1/orgs/{}/connections/{}/scim-tokens/{}",
        world.org.id, world.org.connection, directory.id
    );
    assert_eq!(world.owner.send("DELETE", &revoke, &json!({})).status, 204);
    assert_eq!(access.get("/Users").status, 401);
}

#[test]
fn pages_by_number_and_by_cursor_hold_everybody_once() {
    let Some(world) = World::new() else { return };
    let directory = Directory::of(&world, &world.org.connection);
    let mut made: Vec<String> =
        (0..23).map(|n| directory.user(&json!({"userName": format!("u{n:02}-{}", unique::<6>())}))).collect();
    made.sort();
    let id = |one: &Value| one["id"].as_str().unwrap_or_default().to_owned();
    for count in [1, 5, 7, 23, 100] {
        let mut seen = Vec::new();
        let mut start = 1;
        while start <= made.len() {
            let page = directory.get(&format!("/Users?startIndex={start}&count={count}"));
            assert_eq!(page.json()["totalResults"], 23, "{page:?}");
            assert_eq!(page.json()["startIndex"], json!(start));
            let some = resources(&page);
            seen.extend(some.iter().map(id));
            start += some.len();
            assert!(!some.is_empty(), "{page:?}");
        }
        assert_eq!(seen, made, "by number, {count} at a time");
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = directory.get(&format!("/Users?cursor={cursor}&count={count}"));
            seen.extend(resources(&page).iter().map(id));
            match page.json()["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, made, "by cursor, {count} at a time");
    }
    let sorted = directory.get("/Users?sortBy=userName&sortOrder=descending&count=3");
    let names: Vec<String> = resources(&sorted)
        .iter()
        .map(|one| one["userName"].as_str().unwrap_or_default().chars().take(3).collect())
        .collect();
    assert_eq!(names, ["u22", "u21", "u20"]);
    assert_eq!(resources(&directory.get("/Users?filter=userName%20sw%20%22u1%22")).len(), 10);
    assert_eq!(directory.get("/Users?startIndex=99").json()["totalResults"], 23);
    assert_eq!(resources(&directory.get("/Users?count=0")), Vec::<Value>::new());
    assert_eq!(scim_type(&directory.get("/Users?cursor=none")), (400, json!("invalidCursor")));
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "userName sw \"u0\"", "attributes": ["userName"]});
    let found = directory.send("POST", "/Users/.search", &search);
    let found = resources(&found);
    assert_eq!((found.len(), found[0].get("meta")), (10, None));
}

#[test]
fn a_bulk_makes_people_and_the_group_that_they_are_in() {
    let Some(world) = World::new() else { return };
    let directory = Directory::of(&world, &world.org.connection);
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {
                "schemas": [countersign_tests::support::directory::GROUP], "displayName": "All",
                "members": [{"value": "bulkId:u"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": user(&json!({"userName": unique::<8>()}))},
            {"method": "POST", "path": "/Users", "bulkId": "bad", "data": {"schemas": []}},
        ],
    });
    let done = directory.send("POST", "/Bulk", &body);
    assert_eq!(done.status, 200, "{done:?}");
    let statuses: Vec<Value> =
        done.json()["Operations"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [json!("201"), json!("201"), json!("400")], "{done:?}");
    let group = &resources(&directory.get("/Groups"))[0];
    assert_eq!(group["members"].as_array().map(Vec::len), Some(1), "{group}");
}
