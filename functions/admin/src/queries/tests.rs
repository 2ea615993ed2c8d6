//! Every ending of a question, over what runs SQL as a script says.

use std::sync::Mutex;

use super::*;
use domain::TenantId;

/// Answers once each, and remembers what it was asked.
struct Script {
    start: Result<&'static str, QueryFault>,
    state: Result<State, QueryFault>,
    page: Result<Page, QueryFault>,
    seen: Mutex<Vec<String>>,
}

impl Script {
    fn of(state: Result<State, QueryFault>, page: Result<Page, QueryFault>) -> Self {
        Self { start: Ok("5f3c0a52-4f0e"), state, page, seen: Mutex::default() }
    }

    fn note(&self, text: String) {
        self.seen.lock().unwrap().push(text);
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Queries for Script {
    async fn start(&self, sql: &str, token: &str) -> Result<Opaque, QueryFault> {
        self.note(format!("start {sql} {token}"));
        self.start.map(|id| id.parse().unwrap())
    }

    async fn state(&self, execution: &Opaque) -> Result<State, QueryFault> {
        self.note(format!("state {execution}"));
        self.state
    }

    async fn page(&self, execution: &Opaque, token: Option<&str>) -> Result<Page, QueryFault> {
        self.note(format!("page {execution} {token:?}"));
        self.page.clone()
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

fn query() -> NewQuery {
    let id = QueryId::from_random([1; 10]);
    NewQuery {
        key: Key::query(&TenantId::from_random([2; 10]), &id),
        id,
        by: UserId::from_random([3; 10]),
        own: false,
        question: Opaque::from_digest(&[4; 32]),
        sql: "SELECT 1".to_owned(),
        expires_at: at(1_000),
    }
}

fn row() -> QueryRow {
    QueryRow::from_item(&query().row("5f3c0a52-4f0e".parse().unwrap()).new).unwrap()
}

fn names() -> Vec<Option<String>> {
    timeline::report_columns().into_iter().map(|name| Some(name.to_owned())).collect()
}

/// A row that says its own number, and when.
fn line(n: usize) -> Vec<Option<String>> {
    let cell = |name: &str| match name {
        "seq" => Some(n.to_string()),
        "created_at" => Some("2026-11-23 10:42:10.12".to_owned()),
        "event_type" => Some("admin.agent".to_owned()),
        _ => None,
    };
    timeline::report_columns().into_iter().map(cell).collect()
}

const DONE: Result<State, QueryFault> = Ok(State::Done { scanned_bytes: 77 });

#[tokio::test]
async fn a_question_is_started_under_a_token_of_its_own() {
    let script = Script::of(DONE, Ok(Page::default()));
    assert_eq!(started(&script, &query()).await, "5f3c0a52-4f0e".parse().map_err(|_| Why::NotFound));
    let asked = script.seen().remove(0);
    let token = asked.strip_prefix("start SELECT 1 ").unwrap();
    assert_eq!(token, query().token());
    assert!((32..=128).contains(&token.len()), "as Athena wants it");
    let other = NewQuery { question: Opaque::from_digest(&[5; 32]), ..query() };
    assert_ne!(other.token(), query().token(), "another question is another execution");
    for fault in [QueryFault::Refused, QueryFault::Unavailable] {
        let script = Script { start: Err(fault), ..Script::of(DONE, Ok(Page::default())) };
        assert_eq!(started(&script, &query()).await, Err(Why::QueryUnavailable));
    }
}

#[test]
fn only_the_same_question_of_the_same_person_is_a_repetition() {
    let (query, row) = (query(), row());
    assert_eq!(query.repeats(&row, at(999)), Ok(()));
    assert_eq!(query.repeats(&row, at(1_000)), Err(Why::AlreadyExists), "its answer is gone");
    for other in [
        QueryRow { question: Opaque::from_digest(&[5; 32]), ..row.clone() },
        QueryRow { by: UserId::from_random([9; 10]), ..row.clone() },
        QueryRow { own: true, ..row.clone() },
    ] {
        assert_eq!(query.repeats(&other, at(0)), Err(Why::AlreadyExists));
    }
    assert_eq!(query.row(row.execution.clone()).new["expires"], tables::Attr::number(1_u64));
}

#[tokio::test]
async fn an_answer_runs_and_is_done() {
    let running = Script::of(Ok(State::Running), Err(QueryFault::Refused));
    let told = answer(&running, &row(), None).await.unwrap();
    assert_eq!((&told["state"], &told["rows"], &told["next"]), (&json!("running"), &json!([]), &Value::Null));
    assert_eq!(running.seen(), ["state 5f3c0a52-4f0e"], "no page is read before there is one");

    let done = Script::of(DONE, Ok(Page { rows: vec![names(), line(1), line(0)], next: None }));
    let told = answer(&done, &row(), None).await.unwrap();
    assert_eq!((&told["query"], &told["state"]), (&json!(row().id), &json!("done")));
    assert_eq!((&told["scanned_bytes"], &told["next"]), (&json!(77), &Value::Null));
    assert_eq!(told["columns"], json!(timeline::report_columns()));
    let rows = told["rows"].as_array().unwrap();
    let first = rows[0].as_array().unwrap();
    assert_eq!((rows.len(), first.len()), (2, timeline::report_columns().len()), "the names are no row");
    assert_eq!((&first[0], &first[5]), (&json!("admin.agent"), &json!("2026-11-23T10:42:10.120Z")));
    assert_eq!((&first[6], first.last().unwrap()), (&Value::Null, &json!("1")));
}

#[tokio::test]
async fn pages_follow_by_a_cursor_of_their_own_question() {
    let first = Script::of(DONE, Ok(Page { rows: vec![names(), line(2)], next: Some("a+b/c=".to_owned()) }));
    let told = answer(&first, &row(), None).await.unwrap();
    let cursor = told["next"].as_str().unwrap();
    assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "{cursor}");
    let second = Script::of(DONE, Ok(Page { rows: vec![line(1), line(0)], next: None }));
    let told = answer(&second, &row(), Some(cursor)).await.unwrap();
    assert_eq!(second.seen()[1], "page 5f3c0a52-4f0e Some(\"a+b/c=\")");
    assert_eq!((told["rows"].as_array().map(Vec::len), &told["next"]), (Some(2), &Value::Null));

    let other = QueryId::from_random([9; 10]);
    for foreign in [
        cursor.replace(row().id.as_str(), other.as_str()),
        "a+b/c=".to_owned(),
        format!("{}.", row().id),
        format!("{}.a+b/c=", row().id),
    ] {
        let script = Script::of(DONE, Ok(Page { rows: vec![line(0)], next: None }));
        assert_eq!(answer(&script, &row(), Some(&foreign)).await, Err(Why::NotFound), "{foreign}");
        assert!(script.seen().is_empty(), "nothing is asked for it");
    }
    let refused = Script::of(DONE, Err(QueryFault::Refused));
    assert_eq!(answer(&refused, &row(), Some(cursor)).await, Err(Why::NotFound), "a place that is none");
}

#[tokio::test]
async fn what_failed_says_so_in_words_of_ours_alone() {
    let mut short = line(0);
    short.pop();
    for (state, page) in [
        (Ok(State::Failed), Ok(Page::default())),
        (Err(QueryFault::Refused), Ok(Page::default())),
        (DONE, Err(QueryFault::Refused)),
        (DONE, Ok(Page { rows: vec![short], next: None })),
    ] {
        let told = answer(&Script::of(state, page), &row(), None).await.unwrap();
        assert_eq!((&told["state"], &told["reason"]), (&json!("failed"), &json!("query_failed")));
        assert_eq!((&told["rows"], &told["next"]), (&json!([]), &Value::Null));
    }
}

#[tokio::test]
async fn whoever_does_not_answer_is_asked_again_later() {
    let unavailable = QueryFault::Unavailable;
    for (state, page) in [(Err(unavailable), Ok(Page::default())), (DONE, Err(unavailable))] {
        let told = answer(&Script::of(state, page), &row(), None).await;
        assert_eq!(told, Err(Why::QueryUnavailable));
    }
}
