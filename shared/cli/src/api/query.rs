//! `countersign query`: a question to a tenant's audit log, which runs for a while; its rows come in pages.

use std::time::Duration;

use domain::Timestamp;
use serde_json::{Map, Value, json};

use super::client::{Answer, Call};
use super::desk::{Desk, Done};
use super::fault::{Fault, field};
use super::show::plain;
use crate::args::api::Query;
use crate::print;

/// How long is waited before it is asked again: half as long again each time.
const FIRST_WAIT: Duration = Duration::from_millis(300);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A question that runs longer has an id to come back with.
const PATIENCE: Duration = Duration::from_secs(600);

pub async fn run(mut desk: Desk, wanted: Query) -> Done {
    let path = desk.in_tenant("/audit/queries")?;
    let begun = desk.api.send(Call::post(&path, body(&wanted, aws::now())?)).await?;
    let id = plain(field(&begun.body, "query")?);
    print::progress(&format!("asked as {id}"));
    let path = format!("{path}/{id}");
    let mut page = finished(&mut desk, &path).await?;
    let mut first = true;
    loop {
        show(&desk, &page, first)?;
        let next = page.body.get("next").and_then(Value::as_str).map(str::to_owned);
        match next {
            Some(next) if wanted.all => page = desk.api.send(Call::get(&path).with("after", next)).await?,
            Some(_) => {
                print::progress("there is more: --all shows every page");
                return Ok(());
            }
            None => return Ok(()),
        }
        first = false;
    }
}

/// The question as the API takes it: what is not said is not asked for.
fn body(wanted: &Query, now: Timestamp) -> Result<Value, Fault> {
    let to = wanted.to.unwrap_or(now);
    let back = i64::try_from(to.unix_millis().saturating_sub(wanted.since)).unwrap_or_default();
    let from = wanted.from.map_or_else(|| Timestamp::from_unix_millis(back), Ok);
    let from = from.map_err(|error| Fault::Usage(error.to_string()))?;
    if from >= to {
        return Err(Fault::Usage("--from lies before --to".to_owned()));
    }
    let said = [
        ("from", Some(json!(from))),
        ("to", Some(json!(to))),
        ("agent", wanted.agent.as_ref().map(|agent| json!(agent))),
        ("actor", wanted.actor.as_ref().map(|actor| json!(actor))),
        ("event_types", (!wanted.event.is_empty()).then(|| json!(wanted.event))),
        ("action", wanted.action.as_ref().map(|action| json!(action))),
        ("decision", wanted.decision.map(|decision| json!(decision))),
        ("action_id", wanted.action_id.as_ref().map(|id| json!(id))),
        ("limit", Some(json!(wanted.limit))),
    ];
    let said = said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Ok(Value::Object(said.collect::<Map<_, _>>()))
}

/// The first page, once there is one.
async fn finished(desk: &mut Desk, path: &str) -> Result<Answer, Fault> {
    let (mut wait, mut waited) = (FIRST_WAIT, Duration::ZERO);
    loop {
        let answer = desk.api.send(Call::get(path)).await?;
        match field(&answer.body, "state")? {
            "done" => return Ok(answer),
            "failed" => return Err(Fault::failed("the question failed: ask again, of a shorter period")),
            _ if waited >= PATIENCE => {
                return Err(Fault::failed("the question still runs: ask of a shorter period"));
            }
            _ => {}
        }
        tokio::time::sleep(wait).await;
        waited += wait;
        if waited.as_secs() > 0 {
            print::progress(&format!("it runs, for {} s so far", waited.as_secs()));
        }
        wait = longer(wait);
    }
}

fn longer(wait: Duration) -> Duration {
    (wait * 3 / 2).min(LONGEST_WAIT)
}

fn show(desk: &Desk, page: &Answer, first: bool) -> Done {
    if desk.print_json(page)? {
        return Ok(());
    }
    let (columns, rows) = cells(&page.body);
    if rows.is_empty() && first {
        print::progress("no rows");
        return Ok(());
    }
    let table: Vec<_> = std::iter::once(columns.clone()).chain(rows).collect();
    desk.cells(&table, &vec![true; columns.len()])
}

fn cells(body: &Value) -> (Vec<String>, Vec<Vec<String>>) {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text),
        other => plain(&other.to_string()),
    };
    let columns: Vec<_> = list(body.get("columns")).iter().map(text).collect();
    let row = |row: &Value| -> Vec<String> {
        let mut cells: Vec<_> = list(Some(row)).iter().map(text).collect();
        cells.resize(columns.len(), String::new());
        cells
    };
    let rows = list(body.get("rows")).iter().map(row).collect();
    (columns, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn asked(rest: &[&str]) -> Result<Value, Fault> {
        let words = [&["countersign", "query"], rest].concat();
        let program = crate::args::Program::try_parse_from(words).unwrap();
        let crate::args::Command::Api(crate::args::api::Api::Query(wanted)) = program.command else {
            panic!()
        };
        body(&wanted, "2026-11-26T09:00:00.000Z".parse().unwrap())
    }

    #[test]
    fn a_question_names_its_period_and_what_was_said() {
        assert_eq!(
            asked(&[]).ok().unwrap(),
            json!({"from": "2026-11-25T09:00:00.000Z", "to": "2026-11-26T09:00:00.000Z", "limit": 100})
        );
        let body =
            asked(&["--since", "30m", "--event", "llm.call,admin.key", "--decision", "deny", "--limit", "5"]);
        let body = body.ok().unwrap();
        assert_eq!((&body["from"], &body["decision"]), (&json!("2026-11-26T08:30:00.000Z"), &json!("deny")));
        assert_eq!((&body["event_types"], &body["limit"]), (&json!(["llm.call", "admin.key"]), &json!(5)));
        let from = "2026-11-01T00:00:00.000Z";
        assert_eq!(asked(&["--from", from]).ok().unwrap()["from"], from);
        assert!(matches!(asked(&["--from", from, "--to", from]), Err(Fault::Usage(_))));
    }

    #[test]
    fn waits_grow_and_have_an_end() {
        let waits = std::iter::successors(Some(FIRST_WAIT), |wait| Some(longer(*wait))).take(20);
        let waits: Vec<_> = waits.collect();
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]) && waits[19] == LONGEST_WAIT);
    }

    #[test]
    fn rows_have_as_many_cells_as_columns() {
        let body = json!({"columns": ["a", "b"], "rows": [["x", null], [1], ["\u{7}", true, "more"]]});
        let (columns, rows) = cells(&body);
        assert_eq!(columns, ["a", "b"]);
        assert_eq!(
            rows,
            [["x", "-"], ["1", ""], ["\u{fffd}", "true"]].map(|row| row.map(str::to_owned).to_vec())
        );
    }
}
