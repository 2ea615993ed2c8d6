//! The timeline in pages: the SQL that `ledger` builds, run over rows that real calls left.
#![cfg(test)]

use countersign_tests::support::records::{self, Record};
use countersign_tests::support::{Tenant, aws, stack, wait};
use domain::{Decided, EventType, Region, Timestamp};
use ledger::timeline::{Cursor, Question, database, sql};

/// Of a row, what it is told apart and put in order by, and its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    created_at: String,
    event_id: String,
    seq: String,
    decision: String,
}

/// All that there is.
fn everything(limit: u16) -> Question {
    Question {
        agent: None,
        from: id("1970-01-01T00:00:00.000Z"),
        to: id("2099-12-31T23:59:59.999Z"),
        event_types: Vec::new(),
        decision: None,
        actor: None,
        action: None,
        attempted: None,
        limit,
        after: None,
    }
}

fn id<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("not such an id: {text}"))
}

/// The rows of one page, and where the next begins.
fn page(tenant: &Tenant, question: &Question) -> (Vec<Row>, Option<Cursor>) {
    let text = sql(Region::Eu, &id(tenant.tenant_id()), question).unwrap();
    let columns: Vec<_> = ledger::row::columns().collect();
    let place = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let row = |cells: Vec<String>| {
        assert_eq!(cells.len(), columns.len());
        let [created_at, event_id, seq, decision] =
            ["created_at", "event_id", "seq", "decision"].map(|name| cells[place(name)].clone());
        Row { created_at, event_id, seq, decision }
    };
    let mut rows: Vec<_> = aws::sql(&text).into_iter().map(row).collect();
    let places: Vec<_> = rows.iter().map(|row| (row.created_at.as_str(), row.seq.as_str())).collect();
    let next = question.next(&places).expect("places are read as they come");
    rows.truncate(usize::from(question.limit));
    (rows, next)
}

/// Pages until there is no further one. The cursor travels as its text, as it does over an API.
fn pages(tenant: &Tenant, mut question: Question) -> Vec<Vec<Row>> {
    let mut all = Vec::new();
    loop {
        let (rows, next) = page(tenant, &question);
        all.push(rows);
        match next {
            Some(cursor) => question.after = Some(id(&cursor.to_string())),
            None => return all,
        }
    }
}

/// A tenant that made some calls: its records newest first, once their rows are there.
fn called(times: usize) -> (Tenant, Vec<Record>) {
    let tenant = Tenant::new();
    for _ in 0..times {
        assert_eq!(tenant.say("hello").status, 200);
    }
    tenant.records(2 * times);
    let mut records = records::all(tenant.tenant_id());
    records.sort_by_key(|record| (record.field("created_at").to_owned(), record.at("seq").as_u64()));
    records.reverse();
    // A bundle lies in the locked bucket a moment before its rows do in the other.
    wait::until("rows of every record", || {
        let (rows, _) = page(&tenant, &everything(1_000));
        (rows.len() == records.len()).then_some(())
    });
    (tenant, records)
}

fn told<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<[String; 2]> {
    records.into_iter().map(|one| [one.field("event_id").to_owned(), one.at("seq").to_string()]).collect()
}

fn found<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<[String; 2]> {
    rows.into_iter().map(|row| [row.event_id.clone(), row.seq.clone()]).collect()
}

#[test]
fn pages_together_are_the_ledgers_records_newest_first_and_nobody_elses() {
    assert_eq!(database(Region::Eu), stack().text("/glue_database"));
    let (other, others) = called(1);
    let (tenant, records) = called(4);
    assert_eq!(records.len(), 10, "an attempt and an outcome of each call, and two of the seed");
    let pages = pages(&tenant, everything(3));
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 1]);
    assert_eq!(found(pages.iter().flatten()), told(&records));
    // The other asks the same, with the other's place: it finds its own.
    let (rows, _) = page(&other, &everything(1_000));
    assert_eq!(found(&rows), told(&others));
    let at: Timestamp = records[0].field("created_at").parse().unwrap();
    let place = id(&format!("{}.{}", at.unix_millis(), records[0].at("seq")));
    let (rows, _) = page(&other, &Question { after: Some(place), ..everything(1_000) });
    assert_eq!(found(&rows), told(&others), "all of the other's are older");
}

#[test]
fn every_part_of_a_question_narrows_it() {
    let tenant = Tenant::new();
    assert_eq!(tenant.say("hello").status, 200);
    let refused =
        tenant.post(r#"{"model":"gpt-unknown","messages":[{"role":"user","content":"hi"}]}"#).send();
    assert_eq!(refused.status, 404, "{refused:?}");
    let records = tenant.records(3);
    let pages_of = |question: Question| pages(&tenant, question).concat();
    wait::until("rows of every record", || (pages_of(everything(1_000)).len() == 5).then_some(()));
    let only = |change: &dyn Fn(&mut Question)| {
        let mut question = everything(2);
        change(&mut question);
        pages_of(question)
    };
    let deny = |record: &&Record| record.field("decision") == "deny";
    let denied: Vec<_> = records.iter().filter(deny).collect();
    let rows = only(&|question| question.decision = Some(Decided::Deny));
    assert_eq!(found(&rows), told(denied));
    assert!(rows.iter().all(|row| row.decision == "deny"));

    let newest = |mut records: Vec<&Record>| {
        records.reverse();
        told(records)
    };
    let action = records[0].field("action_id");
    let of_action: Vec<_> = records.iter().filter(|record| record.field("action_id") == action).collect();
    assert_eq!(found(&only(&|question| question.action = Some(id(action)))), newest(of_action));
    let agents = records.len();
    assert_eq!(only(&|question| question.actor = Some(id(tenant.agent_id()))).len(), agents);
    assert_eq!(only(&|question| question.actor = Some(id("operator"))).len(), 2);
    let seeds = only(&|question| question.event_types = vec![EventType::AdminSeed, EventType::KeyShred]);
    assert_eq!(seeds.len(), 2);

    let at: Timestamp = records[0].field("created_at").parse().unwrap();
    let at_once: Vec<_> = records
        .iter()
        .filter(|record| record.field("created_at") == records[0].field("created_at"))
        .collect();
    let rows = only(&|question| {
        (question.from, question.to) = (at, at);
        question.agent = Some(id(tenant.agent_id()));
    });
    assert_eq!(rows.len(), at_once.len(), "both ends belong to the time");
}
