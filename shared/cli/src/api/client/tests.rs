//! Against a small server on loopback.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::super::store::tests::folder;
use super::*;

/// Answers the requests one after the other, the last answer for ever; keeps what it was asked.
async fn server(answers: Vec<String>) -> (u16, Arc<Mutex<Vec<String>>>) {
    serve(move |n, _| answers.get(n).or(answers.last()).unwrap().clone()).await
}

/// Answers the n-th request as `answer` says; keeps what it was asked.
pub async fn serve(
    answer: impl Fn(usize, &str) -> String + Send + 'static,
) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&asked);
    tokio::spawn(async move {
        for n in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4_096];
            loop {
                let read = stream.read(&mut buffer).await.unwrap();
                request.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                    body.len() >= length.map_or(0, |length| length.parse().unwrap())
                });
                if whole || read == 0 {
                    break;
                }
            }
            let request = String::from_utf8(request).unwrap();
            let answer = answer(n, &request);
            kept.lock().unwrap().push(request);
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    (port, asked)
}

pub fn answered(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}

/// The variables of a command at a local stage.
fn variables(port: u16, more: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + Sync + use<> {
    let mut known = vec![
        ("CS_STAGE".to_owned(), "local".to_owned()),
        ("CS_ADMIN_URL".to_owned(), format!("http://127.0.0.1:{port}/base")),
    ];
    known.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    move |name: &str| known.iter().find(|(one, _)| one == name).map(|(_, value)| value.clone())
}

pub fn api(port: u16, more: &[(&str, &str)]) -> Api {
    let get = variables(port, more);
    Api::open(&get, None).unwrap_or_else(|fault| panic!("{fault}"))
}

pub const SESSION: (&str, &str) = ("CS_SESSION", "cs_ses_eu_planted");

#[tokio::test]
async fn a_call_carries_session_state_and_key_below_the_base() {
    let (port, asked) = server(vec![answered("200 OK", "etag: \"t2\"\r\n", r#"{"a":1}"#)]).await;
    let call = Call::put("v1/x", json!({"b": 2})).over(Over::Seen("\"t1\"".to_owned())).once("k");
    let answer = api(port, &[SESSION]).send(call).await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((answer.status, answer.tag.as_deref(), &answer.body), (200, Some("\"t2\""), &json!({"a": 1})));
    let request = asked.lock().unwrap().remove(0);
    for line in [
        "PUT /base/v1/x HTTP/1.1",
        "authorization: Bearer cs_ses_eu_planted",
        "if-match: \"t1\"",
        "idempotency-key: k",
        "content-type: application/json",
    ] {
        assert!(request.contains(line), "{request}");
    }
    assert!(request.ends_with(r#"{"b":2}"#), "{request}");
}

#[tokio::test]
async fn a_refusal_is_told_and_shows_no_session() {
    let body = r#"{"detail":"your roles do not include this","code":"forbidden"}"#;
    let (port, _) = server(vec![answered("403 No", "", body), answered("502 Bad", "", "<html>cs_ses")]).await;
    let mut api = api(port, &[SESSION]);
    let refused = api.send(Call::get("v1/x")).await.err().unwrap();
    assert!(refused.is("forbidden") && !refused.to_string().contains("planted"), "{refused}");
    let strange = api.send(Call::get("v1/x")).await.err().unwrap();
    assert!(matches!(strange, Fault::NotOurs(502)) && !strange.to_string().contains("html"), "{strange}");
}

#[tokio::test]
async fn pages_are_read_to_the_end() {
    let page =
        |items: &str, next: &str| answered("200 OK", "", &format!(r#"{{"items":[{items}],"next":{next}}}"#));
    let (port, asked) = server(vec![page("1,2", "\"a&b\""), page("3", "null")]).await;
    let items = api(port, &[SESSION]).items("v1/x").await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(items, [json!(1), json!(2), json!(3)]);
    let asked = asked.lock().unwrap().clone();
    assert!(
        asked[0].starts_with("GET /base/v1/x HTTP")
            && asked[1].starts_with("GET /base/v1/x?after=a%26b HTTP")
    );
    // One that names itself as the next would never end.
    let (port, asked) = server(vec![page("1", "\"a\"")]).await;
    api(port, &[SESSION]).items("v1/x").await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_session_that_was_replaced_is_the_one_from_now_on() {
    let headers = "x-cs-session: cs_ses_new\r\n";
    let (port, asked) = server(vec![answered("200 OK", headers, "{}"), answered("200 OK", "", "{}")]).await;
    let folder = folder();
    let home = ("XDG_CONFIG_HOME", folder.to_str().unwrap());
    let mut first = api(port, &[home]);
    let nobody = first.send(Call::get("v1/x")).await.err().unwrap().to_string();
    assert!(nobody.contains("not signed in") && nobody.contains("countersign login"), "{nobody}");
    let mut kept = Kept::default();
    kept.session = Some("cs_ses_old".to_owned());
    kept.connection = Some(domain::ConnectionId::from_random([1; 10]));
    first.keep(kept).unwrap_or_else(|fault| panic!("{fault}"));
    for _ in 0..2 {
        api(port, &[home]).send(Call::get("v1/x")).await.unwrap_or_else(|fault| panic!("{fault}"));
    }
    let asked = asked.lock().unwrap();
    assert!(asked[0].contains("Bearer cs_ses_old\r\n") && asked[1].contains("Bearer cs_ses_new\r\n"));
    assert!(api(port, &[home]).kept().ok().unwrap().connection.is_some(), "the rest of it stays");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_address_is_https_or_of_the_local_stage() {
    let open = |stage: &'static str, admin: &'static str| {
        let get = move |name: &str| match name {
            "CS_STAGE" => Some(stage.to_owned()).filter(|stage| !stage.is_empty()),
            "CS_SESSION" => Some("cs_ses".to_owned()),
            _ => None,
        };
        Api::open(&get, Some(admin)).map(|api| api.address().to_owned())
    };
    assert_eq!(open("", "https://admin.example").ok().as_deref(), Some("https://admin.example/"));
    assert!(open("local", "http://127.0.0.1:4566/x").is_ok());
    for (stage, admin) in [
        ("", "http://127.0.0.1:4566"),
        ("prod", "http://admin.example"),
        ("local", "http://admin.example"),
        ("", "x"),
    ] {
        let refused = open(stage, admin).err().unwrap();
        assert!(matches!(refused, Fault::Address { .. }), "{refused}");
    }
    let unsaid = Api::open(&|_| None, None).err().unwrap();
    assert_eq!(unsaid.exit(), 2);
}
