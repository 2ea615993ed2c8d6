//! Pages as browsers get them: what they say to the letter, and that nothing in them is anybody else's doing.

use domain::Role;
use serde_json::{Value, json};

use crate::Response;
use crate::tests::world::*;

/// A page is as it was looked at and found good. What differs is left beside, to be looked at.
fn golden(name: &str, page: &str) {
    let known = match name {
        "request" => include_str!("golden/request.html"),
        "hostile" => include_str!("golden/hostile.html"),
        "list" => include_str!("golden/list.html"),
        "away" => include_str!("golden/away.html"),
        _ => include_str!("golden/nothing.html"),
    };
    if page.trim_end() != known.trim_end() {
        let place = std::env::temp_dir().join(format!("approvals-{name}.html"));
        std::fs::write(&place, page).unwrap();
        panic!("{name} is another page: see {}", place.display());
    }
}

/// What holds for every page.
fn sound(response: &Response) {
    let page = response.body();
    let policy = response.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "style-src 'sha256-",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">") && page.ends_with("</html>"));
    for once in ["<title>", "<h1>", "<main ", "<header>", "<footer>", "name=\"viewport\""] {
        assert_eq!(page.matches(once).count(), 1, "{once}");
    }
    // A `<` of anybody's is escaped, so that these are all tags that there are.
    let tags: Vec<&str> = page.split('<').skip(1).filter_map(|rest| rest.split('>').next()).collect();
    for never in ["script", "img", "iframe", "link", "object", "base"] {
        assert!(!tags.iter().any(|tag| tag.split(' ').next() == Some(never)), "{never}");
    }
    for never in [" style=", " onclick", " onload", " onerror", "javascript:", " src=", "href=\"http"] {
        assert!(!tags.iter().any(|tag| tag.contains(never)), "{never}: {tags:?}");
    }
    // Every field has a label, every label a field, and every id is there once.
    let values = |name: &str| -> Vec<String> {
        page.split(&format!(" {name}=\""))
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .map(str::to_owned)
            .collect()
    };
    let ids = values("id");
    let mut once = ids.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "{ids:?}");
    for named in values("for").into_iter().chain(values("aria-labelledby")) {
        assert!(ids.contains(&named), "{named}");
    }
    let fields = page
        .split("<input ")
        .skip(1)
        .chain(page.split("<textarea ").skip(1))
        .map(|rest| rest.split('>').next().unwrap());
    for field in
        fields.filter(|field| !field.contains("type=\"hidden\"") && !field.contains("type=\"checkbox\""))
    {
        let id = field.split("id=\"").nth(1).and_then(|rest| rest.split('"').next());
        assert!(id.is_some_and(|id| page.contains(&format!("<label for=\"{id}\">"))), "{field}");
    }
}

async fn page_of(arguments: &Value, target: Option<&str>, high: bool) -> (World, Response) {
    let world = World::new();
    world.person(1, Some(Role::Owner));
    world.ask(&request(1, arguments, target, vec![rule(1, high)]));
    *world.memory.now.lock().unwrap() = at(60_000);
    let page = world.get("/a/apr_01010101010101010101010101010101", 1).await;
    sound(&page);
    (world, page)
}

#[test]
fn a_request_is_shown_as_it_is() {
    run(async {
        let arguments = json!({"to": "ACME", "iban": "DE89370400440532013000", "amount": "900.00", "lines": [{"text": "Invoice 7", "net": 1}]});
        let (_, page) = page_of(&arguments, Some("prod/ledger"), true).await;
        golden("request", page.body());
    });
}

#[test]
fn hostile_text_stays_text() {
    run(async {
        let arguments = json!({
            "</pre><script>alert(1)</script>": "<img src=x onerror=alert(1)>",
            "file": "invoice\u{202e}gpj.exe", "zero": "a\u{200b}b\u{feff}", "nul": "a\0b",
            "host": "p\u{430}ypal.com", "quote": "\" onclick=\"x", "lines": "one\ntwo\r\nthree", "he": "שלום \u{2067}x\u{2069}",
        });
        let (_, page) = page_of(&arguments, Some("javascript:alert(1)<b>"), false).await;
        let body = page.body().to_owned();
        assert!(body.contains("&lt;script&gt;") && body.contains("⟨U+202E⟩") && body.contains("⟨U+200B⟩"));
        assert!(body.contains("⟨U+0000⟩") && body.contains("а⟨U+0430⟩") && body.contains("⟨U+2067⟩"));
        assert!(!body.contains('\u{202e}') && !body.contains('\0') && !body.contains('\u{200b}'));
        golden("hostile", &body);
    });
}

#[test]
fn a_megabyte_can_be_denied_and_not_approved() {
    run(async {
        let (world, page) = page_of(&json!({"text": "x y".repeat(350_000)}), None, false).await;
        assert!(
            page.body().contains("can only be denied") && page.body().len() < 60_000,
            "{}",
            page.body().len()
        );
        assert!(!page.body().contains("value=\"approve\""));
        let id = domain::ApprovalId::from_bytes([1; 16]);
        assert_eq!(world.send(&id, 1, &form(page.body(), "approve", "")).await.status(), 409);
        assert_eq!(world.send(&id, 1, &form(page.body(), "deny", "too long")).await.status(), 303);
    });
}

#[test]
fn personal_data_is_one_recorded_click_away_for_whoever_decides() {
    run(async {
        let (world, page) = page_of(&json!({"email": "dana@acme.example"}), None, true).await;
        world.person(2, Some(Role::Developer));
        let id = domain::ApprovalId::from_bytes([1; 16]);
        let path = format!("/a/{id}");
        assert!(!page.body().contains("dana@") && page.body().contains("?reveal=1"));
        assert!(!page.body().contains("value=\"approve\""));
        let other = world.get(&format!("{path}?reveal=1"), 2).await;
        assert!(!other.body().contains("dana@"));
        let revealed = world.get(&format!("{path}?reveal=1"), 1).await;
        sound(&revealed);
        assert!(
            revealed.body().contains("dana@acme.example") && revealed.body().contains("value=\"approve\"")
        );
        let flags: Vec<bool> = world
            .memory
            .log
            .lock()
            .unwrap()
            .iter()
            .map(|record| record.to_canonical().unwrap().contains("\\\"personal_data_shown\\\":true"))
            .collect();
        assert_eq!(flags, [false, false, true]);
        // What was hidden on the one page is not what was seen on the other.
        let crossed = form(page.body(), "approve", "").replace("reveal=0", "reveal=1");
        assert_eq!(world.send(&id, 1, &crossed).await.status(), 409);
        assert_eq!(world.send(&id, 1, &form(revealed.body(), "approve", "")).await.status(), 303);
    });
}

#[test]
fn the_next_of_its_kind_is_compared_with_what_was_approved() {
    run(async {
        let (world, page) = page_of(&json!({"amount": "82.00", "to": "ACME"}), Some("prod"), false).await;
        assert!(page.body().contains("Nothing of this tool and target was approved before."));
        let id = domain::ApprovalId::from_bytes([1; 16]);
        assert_eq!(world.send(&id, 1, &form(page.body(), "approve", "")).await.status(), 303);
        let next =
            request(2, &json!({"amount": "82000.00", "to": "ACME"}), Some("prod"), vec![rule(1, false)]);
        let other = request(3, &json!({"amount": "1.00"}), Some("test"), vec![rule(1, false)]);
        [&next, &other].into_iter().for_each(|row| world.ask(row));
        let page = world.get(&format!("/a/{}", next.id), 1).await;
        sound(&page);
        let difference = page.body().split("id=\"difference\"").nth(1).unwrap();
        assert!(
            difference.contains("/arguments/amount") && difference.contains("<del><bdi>82.00</bdi></del>")
        );
        assert!(
            difference.contains("<ins><bdi>82000.00</bdi></ins>") && !difference.contains("/arguments/to")
        );
        let page = world.get(&format!("/a/{}", other.id), 1).await;
        assert!(page.body().contains("Nothing of this tool and target was approved before."));
    });
}

/// A page that was opened before another of its kind was approved shows another difference: it is read again.
#[test]
fn a_page_that_is_not_of_now_decides_nothing() {
    run(async {
        let (world, first) = page_of(&json!({"amount": "1.00"}), Some("prod"), false).await;
        let next = request(2, &json!({"amount": "2.00"}), Some("prod"), vec![rule(1, false)]);
        world.ask(&next);
        let early = world.get(&format!("/a/{}", next.id), 1).await;
        let id = domain::ApprovalId::from_bytes([1; 16]);
        assert_eq!(world.send(&id, 1, &form(first.body(), "approve", "")).await.status(), 303);
        let stale = world.send(&next.id, 1, &form(early.body(), "approve", "")).await;
        assert_eq!(stale.status(), 409);
        sound(&stale);
        assert!(stale.body().contains("has changed since you opened the page"));
        assert_eq!(world.send(&next.id, 1, &form(stale.body(), "approve", "")).await.status(), 303);
    });
}

/// A row that somebody has put another action into is not what its digest is of.
#[test]
fn another_action_under_the_same_digest_is_not_approved() {
    run(async {
        let world = World::new();
        world.person(1, Some(Role::Owner));
        let (mut row, other) = (
            request(1, &json!({"amount": "1.00"}), None, vec![rule(1, false)]),
            request(1, &json!({"amount": "9000.00"}), None, vec![rule(1, false)]),
        );
        row.asked.sealed = other.asked.sealed;
        world.ask(&row);
        let page = world.get(&format!("/a/{}", row.id), 1).await;
        sound(&page);
        assert!(page.body().contains("nobody can approve it") && !page.body().contains("value=\"approve\""));
        assert_eq!(world.send(&row.id, 1, &form(page.body(), "approve", "")).await.status(), 409);
        assert_eq!(world.row(&row.id), row);
    });
}

#[test]
fn lists_absences_and_nothing_are_pages_too() {
    run(async {
        let world = World::new();
        world.person(1, Some(Role::Owner));
        world.person(2, Some(Role::Operator));
        for (n, high) in [(1, false), (2, false), (3, true)] {
            world.ask(&request(n, &json!({"amount": "1.00"}), None, vec![rule(1, high)]));
        }
        let mut own = request(4, &json!({}), None, vec![rule(1, false)]);
        own.from.owner = Some(domain::InEpoch::new(user(1), 1));
        world.ask(&own);
        *world.memory.now.lock().unwrap() = at(90_000);
        let list = world.get("/", 1).await;
        sound(&list);
        golden("list", list.body());
        let away = world.get(&format!("/away?tenant={}", tenant()), 1).await;
        sound(&away);
        golden("away", away.body());
        let nothing = world.get("/a/apr_ffffffffffffffffffffffffffffffff", 1).await;
        sound(&nothing);
        golden("nothing", nothing.body());
        let others = world.get("/", 2).await;
        assert!(
            others.body().contains("Nothing waits for your decision.")
                && others.body().contains("Waiting for others")
        );
        for (method, path, status) in [("GET", "/x", 404), ("PUT", "/", 405), ("GET", "/away", 404)] {
            let page = world.http(method, path, Some(1), None).await;
            sound(&page);
            assert_eq!(page.status(), status);
        }
        world.memory.down.lock().unwrap().insert("tables");
        for path in ["/", "/a/apr_01010101010101010101010101010101"] {
            let page = world.get(path, 1).await;
            sound(&page);
            assert_eq!(page.status(), 503);
        }
    });
}

/// Old TLS, and a session that nobody can judge.
#[test]
fn nobody_is_let_in_by_a_service_that_does_not_answer() {
    run(async {
        let (world, _) = page_of(&json!({}), None, false).await;
        let mut old = event("GET", "/", Some(1), None, OWN);
        old["headers"]["x-amzn-tls-version"] = json!("TLSv1.2");
        assert_eq!(world.event(&old).await.status(), 403);
        world.memory.down.lock().unwrap().insert("session");
        assert_eq!(world.get("/a/apr_01010101010101010101010101010101", 1).await.status(), 503);
        let health = world.http("GET", "/healthz", None, None).await;
        assert_eq!((health.status(), health.body()), (200, "ok"));
    });
}
