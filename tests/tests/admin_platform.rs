//! Who administers the platform, through the real function. One test alone in its binary: meanwhile nobody else becomes one.
#![cfg(test)]

use countersign_tests::support::admin::Person;
use countersign_tests::support::records::{self, Record};
use countersign_tests::support::wait;
use countersign_tests::support::world::{World, code, refused, text};
use serde_json::{Value, json};

const PLATFORM: (&str, &str) = ("org_0000000000000000", "ten_0000000000000000");

/// Asked for by one and confirmed by another.
fn by_two(first: &Person, second: &Person, method: &'static str, path: &str, body: &Value) {
    let asked = first.send(method, path, body);
    assert_eq!((asked.status, text(&asked, "state")), (202, "pending".to_owned()), "{asked:?}");
    let listed = second.get("/v1/platform/changes").json();
    assert!(
        listed["items"].as_array().unwrap().iter().any(|one| one["id"] == asked.json()["id"]),
        "{listed}"
    );
    let confirm = format!("/v1/platform/changes/{}/confirm", text(&asked, "id"));
    assert_eq!(code(&first.send("POST", &confirm, &json!({}))), refused(403, "same_person"));
    let done = second.send("POST", &confirm, &json!({}));
    assert_eq!(done.status, 200, "{done:?}");
}

/// All of them, page by page: every organization that a test made has one.
fn admins(by: &Person) -> Vec<String> {
    let (mut all, mut path) = (Vec::new(), "/v1/platform/admins".to_owned());
    loop {
        let told = by.get(&path).json();
        let items = told["items"].as_array().expect("a list").iter();
        all.extend(items.map(|one| one["user"].as_str().expect("an id").to_owned()));
        let Some(after) = told["next"].as_str() else { return all };
        path = format!("/v1/platform/admins?after={after}");
    }
}

#[test]
fn administrators_of_the_platform_are_made_and_unmade_by_two_and_its_log_tells_it() {
    let Some(one) = World::new() else { return };
    let Some(other) = World::new() else { return };
    let dana = one.with_role("dana", "viewer");
    assert_eq!(code(&dana.get("/v1/orgs")), refused(403, "forbidden"));
    let path = format!("/v1/platform/admins/{}", dana.user);
    let of = json!({"org": one.org.id});
    assert_eq!(code(&dana.send("PUT", &path, &of)), refused(403, "forbidden"));
    let elsewhere = one.owner.send("PUT", &path, &json!({"org": other.org.id}));
    assert_eq!(code(&elsewhere), refused(404, "not_found"), "there is nobody of that name there");
    by_two(&one.owner, &other.owner, "PUT", &path, &of);
    assert_eq!(dana.get("/v1/orgs").status, 200);
    let all = admins(&other.owner);
    assert!(all.contains(&dana.user) && all.contains(&one.owner.user), "{all:?}");

    // What is done to organizations is told twice: in theirs, and in the platform's.
    let status = |to: &str| {
        let path = format!("/v1/orgs/{}/status", other.org.id);
        dana.send("PUT", &path, &json!({ "status": to }))
    };
    let suspended = status("suspended");
    assert_eq!(suspended.status, 200, "{suspended:?}");
    assert_eq!(status("active").status, 200);

    by_two(&other.owner, &one.owner, "DELETE", &path, &json!({}));
    assert_eq!(code(&dana.get("/v1/orgs")), refused(403, "forbidden"), "from the next request on");
    assert!(!admins(&one.owner).contains(&dana.user));

    let (action, request) =
        (suspended.action(), suspended.header("x-amzn-requestid").expect("a name").to_owned());
    let told = wait::until("both logs have it", || {
        let all: Vec<Record> = records::all(PLATFORM.1);
        let of_status = all.iter().filter(|one| one.field("request_id") == request);
        let orgs: Vec<_> =
            of_status.map(|one| (one.field("org_id").to_owned(), one.field("action_id") == action)).collect();
        let gone = all.iter().any(|one| {
            one.field("action") == "platform_changes.confirm"
                && one.metadata("office") == "admin_taken"
                && one.field("resource").starts_with("change:")
        });
        (orgs.len() == 4 && gone).then_some(orgs)
    });
    // Both lie under one tenant, where an action has one attempt and one outcome: the platform's is an action of its own.
    for (org, same) in [(PLATFORM.0, false), (other.org.id.as_str(), true)] {
        let of = told.iter().filter(|one| (one.0.as_str(), one.1) == (org, same));
        assert_eq!(of.count(), 2, "attempt and outcome: {told:?}");
    }
}
