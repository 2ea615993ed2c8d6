use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::{JoinHandle, spawn};

use super::*;
use crate::google::testing::{account, now};

const LIMIT: usize = 64 * 1_024;

/// Answers these, one connection after the other, and says what was asked.
fn listening(answers: Vec<(&'static str, String)>) -> (Google, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let asked = spawn(move || {
        let answered = answers.into_iter().map(|(status, body)| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 16_384];
            let mut asked = String::new();
            // A form may come after its head.
            while !asked.contains("\r\n\r\n") || (asked.starts_with("POST") && !asked.contains("assertion="))
            {
                let read = stream.read(&mut buffer).unwrap();
                assert!(read > 0, "it ended early: {asked}");
                asked.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            }
            let head = "content-type: application/json\r\nconnection: close";
            let answer =
                format!("HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes());
            asked
        });
        answered.collect()
    });
    let client = Client::new(&egress::Config {
        reach: Reach::Loopback,
        roots: egress::Roots::System,
        connect_timeout: Duration::from_secs(5),
        max_response_bytes: LIMIT,
    });
    let places = Places::new(Reach::Loopback, Some(&origin)).unwrap();
    (Google { client: client.unwrap(), places }, asked)
}

fn page(ids: &[&str], next: &str) -> (&'static str, String) {
    let users: Vec<String> = ids
        .iter()
        .map(|id| format!(r#"{{"id": "{id}", "primaryEmail": "p{id}@acme.test", "suspended": false}}"#))
        .collect();
    let (users, next) = (users.join(","), format!(r#""nextPageToken": "{next}""#));
    ("200 OK", format!(r#"{{"kind": "admin#directory#users", "users": [{users}], {next}}}"#))
}

#[tokio::test]
async fn a_token_is_asked_for_by_a_signed_form_and_everybody_by_pages() {
    let token = ("200 OK", r#"{"access_token": "ya29.t", "token_type": "Bearer"}"#.to_owned());
    let (google, asked) = listening(vec![token, page(&["1", "2"], "a b&c"), page(&["3"], "")]);
    let token = google.token(&account(), now()).await.unwrap();
    let people = google.people(&token).await.unwrap();
    assert_eq!(people.keys().collect::<Vec<_>>(), ["1", "2", "3"]);
    let asked = asked.join().unwrap();
    assert!(asked[0].starts_with("POST /token HTTP/1.1\r\n"), "{asked:?}");
    assert!(asked[0].contains("content-type: application/x-www-form-urlencoded"), "{asked:?}");
    assert!(asked[1].starts_with("GET /admin/directory/v1/users?customer=my_customer&"), "{asked:?}");
    assert!(
        asked[1].contains("authorization: Bearer ya29.t\r\n") && !asked[1].contains("pageToken"),
        "{asked:?}"
    );
    assert!(asked[2].contains("&pageToken=a+b%26c HTTP/1.1"), "{asked:?}");
}

#[tokio::test]
async fn a_listing_that_is_not_whole_is_none() {
    let large = format!(r#"{{"kind": "{}"}}"#, "x".repeat(LIMIT));
    let page_fault = |last| vec![page(&["1"], "two"), last];
    for (answers, fault) in [
        (vec![page(&[], "")], Fault::Nobody),
        (page_fault(("503 Service Unavailable", "{}".to_owned())), Fault::Answer),
        (page_fault(("403 Forbidden", r#"{"error": {}}"#.to_owned())), Fault::Answer),
        (page_fault(("404 Not Found", "{}".to_owned())), Fault::Answer),
        (page_fault(("302 Found", String::new())), Fault::Answer),
        (page_fault(("200 OK", "{".to_owned())), Fault::Answer),
        (page_fault(("200 OK", large)), Fault::Answer),
    ] {
        let (google, asked) = listening(answers);
        assert_eq!(google.people("t").await.unwrap_err(), fault);
        drop(asked.join().unwrap());
    }
}

#[tokio::test]
async fn a_group_that_is_gone_has_nobody_and_one_that_cannot_be_read_is_not_known() {
    let members =
        |ids: &str| ("200 OK", format!(r#"{{"kind": "admin#directory#members", "members": [{ids}]}}"#));
    let one = r#"{"id": "1", "type": "USER"}"#;
    for (answer, expected) in [
        (members(one), Ok(BTreeSet::from(["1".to_owned()]))),
        (members(""), Ok(BTreeSet::new())),
        (("404 Not Found", r#"{"error": {}}"#.to_owned()), Ok(BTreeSet::new())),
        (("403 Forbidden", r#"{"error": {}}"#.to_owned()), Err(Fault::Answer)),
        (("500 Internal Server Error", "{}".to_owned()), Err(Fault::Answer)),
    ] {
        let (google, asked) = listening(vec![answer]);
        assert_eq!(google.members("t", "ops@acme.test").await, expected);
        let asked = asked.join().unwrap();
        assert!(
            asked[0].contains("/groups/ops@acme.test/members?includeDerivedMembership=true&"),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn no_token_is_told_apart_from_no_answer() {
    for (status, body, fault) in [
        ("401 Unauthorized", r#"{"error": "unauthorized_client"}"#, Fault::Refused),
        ("400 Bad Request", r#"{"error": "invalid_grant"}"#, Fault::Refused),
        ("500 Internal Server Error", "{}", Fault::Answer),
        ("200 OK", "{}", Fault::Answer),
    ] {
        let (google, asked) = listening(vec![(status, body.to_owned())]);
        assert_eq!(google.token(&account(), now()).await.unwrap_err(), fault, "{status}");
        drop(asked.join().unwrap());
    }
}

/// A stand-in is for the local stage alone.
#[test]
fn elsewhere_google_is_google() {
    let places = Places::new(Reach::Public, Some("http://127.0.0.1:9")).unwrap();
    assert_eq!(
        (places.tokens.as_str(), places.api.host().as_str()),
        (google::TOKENS, "admin.googleapis.com")
    );
    assert!(Places::new(Reach::Loopback, Some("http://10.0.0.1")).is_err());
}
