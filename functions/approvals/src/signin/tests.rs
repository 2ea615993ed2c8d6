use super::*;
use crate::tests::world::{OWN, World, connection, event, org, request, rule, run};
use domain::Lifecycle;
use serde_json::json;
use tables::codec::Row as _;

fn cookie<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let of = |line: &'a String| line.strip_prefix(&format!("{name}="));
    let line = response.cookies().iter().find_map(of)?;
    assert!(line.ends_with("; Secure; HttpOnly; SameSite=Lax") && line.contains("; Path=/; "), "{line}");
    line.split(';').next()
}

async fn begun_at(world: &World, path: &str) -> (String, String, String) {
    let response = world.http("GET", path, None, None).await;
    assert_eq!(response.status(), 303);
    let flow = cookie(&response, FLOW_COOKIE).unwrap().to_owned();
    let place = response.header("location").unwrap().to_owned();
    let state = place.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    (flow, place, state)
}

async fn back(world: &World, flow: &str, code: &str, state: &str) -> Response {
    let mut event = event("GET", &format!("/signed-in?code={code}&state={state}"), None, None, "");
    event["cookies"] = json!([format!("{FLOW_COOKIE}={flow}")]);
    world.event(&event).await
}

#[test]
fn a_link_leads_through_admin_and_back_to_what_was_asked_for() {
    run(async {
        let world = World::new();
        let row = request(1, &json!({}), None, vec![rule(1, false)]);
        world.ask(&row);
        let path = format!("/a/{}", row.id);
        let (flow, place, state) = begun_at(&world, &path).await;
        let verifier = flow.split('.').next().unwrap();
        let challenge = encoded(&Sha256::digest(verifier));
        let to = form::encode(&format!("{OWN}/signed-in"));
        let expected = format!(
            "https://admin.example.com/v1/handoff?to={to}&challenge={challenge}&state={state}&connection={}",
            connection()
        );
        assert_eq!(place, expected);
        let response = back(&world, &flow, "good", &state).await;
        assert_eq!((response.status(), response.header("location")), (303, Some(path.as_str())));
        assert_eq!(cookie(&response, COOKIE), Some("h.p.s"));
        assert_eq!(cookie(&response, FLOW_COOKIE), Some(""));
        assert_eq!(cookie(&response, VIA_COOKIE), Some(connection().as_str()));
        assert!(world.events().is_empty());
    });
}

#[test]
fn a_code_counts_in_the_browser_that_began_alone() {
    run(async {
        let world = World::new();
        let (flow, _, state) = begun_at(&world, "/").await;
        let (other, _, other_state) = begun_at(&world, "/").await;
        assert_ne!((&flow, &state), (&other, &other_state));
        for (flow, code, state) in [
            (other.as_str(), "good", state.as_str()),
            ("", "good", &state),
            ("a.b.c", "good", "b"),
            (&flow, "bad", &state),
            (&flow, "", &state),
            (&flow, "good", ""),
            (&format!("{flow}.x"), "good", &state),
        ] {
            let response = back(&world, flow, code, state).await;
            assert_eq!((response.status(), cookie(&response, COOKIE)), (400, None), "{flow} {code} {state}");
        }
        world.memory.down.lock().unwrap().insert("session");
        assert_eq!(back(&world, &flow, "good", &state).await.status(), 503);
    });
}

#[test]
fn a_cookie_leads_to_no_page_of_anothers() {
    for (text, path) in [
        ("/", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/a/../x", "/"),
        ("/a/apr_1", "/"),
        ("/?tenant=x", "/"),
        ("/?tenant=ten_081040g2081040g2", "/?tenant=ten_081040g2081040g2"),
        ("/away?tenant=ten_081040g2081040g2", "/away?tenant=ten_081040g2081040g2"),
    ] {
        assert_eq!(Back::read(text).path(), path, "{text}");
    }
}

#[test]
fn of_several_connections_somebody_chooses() {
    run(async {
        let world = World::new();
        let row = request(1, &json!({}), None, vec![rule(1, false)]);
        world.ask(&row);
        let other = ConnectionId::from_random([5; 10]);
        let document = json!({"issuer": "https://login.acme.example/x"}).to_string();
        let status = Lifecycle::Active;
        let of = ConnectionRow { id: other.clone(), org: org(), status, document, secret: None };
        world.memory.put(Key::connection(&other), of.to_item());
        world.memory.put(Key::connection_of(&org(), &other), tables::Marker::item());
        let path = format!("/a/{}", row.id);
        let page = world.http("GET", &path, None, None).await;
        assert_eq!(page.status(), 200);
        assert!(page.body().contains("acme.okta.com") && page.body().contains("login.acme.example"));
        let (_, place, _) = begun_at(&world, &format!("{path}?connection={other}")).await;
        assert!(place.ends_with(&format!("connection={other}")));
        // Whoever asks for nothing of anybody's is told of no connection.
        let (_, place, _) = begun_at(&world, "/").await;
        assert!(!place.contains("connection="), "{place}");
    });
}

#[test]
fn whoever_signs_out_does_so_by_their_own_hand() {
    run(async {
        let world = World::new();
        let foreign = world.event(&event("POST", "/signed-out", Some(1), None, "https://evil.example")).await;
        assert_eq!((foreign.status(), foreign.cookies().len()), (403, 0));
        let out = world.http("POST", "/signed-out", Some(1), None).await;
        assert_eq!((out.status(), cookie(&out, COOKIE)), (200, Some("")));
    });
}
