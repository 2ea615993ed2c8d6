//! The SQL is pinned, and its meaning is tried on rows in memory by reading the SQL itself.

use std::collections::BTreeSet;

use domain::UserId;
use proptest::prelude::*;

use super::*;
use crate::sample::{agent, at, tenant};

const COLUMNS: &str = "v, event_id, created_at, region, org_id, event_type, phase, actor_type, actor_id, action, \
     decision, reason, description, metadata, agent_id, action_id, request_id, trace_id, conversation_id, session_id, \
     auth_method, mfa, resource, authority, on_behalf_of, on_behalf_of_ref, identity_verified, subject_refs, purpose, \
     lawful_basis, consent_ref, data_classes, retention_class, approval_id, source_ip, model, provider, \
     provider_region, input_tokens, output_tokens, cost_usd_micros, dlp, request_commitment, response_commitment, \
     seq, agent_seq, agent_prev, logged_at, producer, n, prev, code_sha256, producer_sig, producer_cert";

fn question() -> Question {
    Question {
        agent: None,
        from: at(0),
        to: at(86_400_000),
        event_types: Vec::new(),
        decision: None,
        actor: None,
        action: None,
        attempted: None,
        limit: 50,
        after: None,
    }
}

fn asked(question: &Question) -> String {
    sql(Region::Eu, &tenant(1), question).unwrap()
}

#[test]
fn the_least_question_is_pinned() {
    let wanted = format!(
        "SELECT DISTINCT {COLUMNS}\nFROM ds_agents_eu.task_timeline\n\
         WHERE tenant_id = 'ten_040g2081040g2081'\n  \
         AND dt BETWEEN '2026-11-23' AND '2026-11-24'\n  \
         AND created_at BETWEEN timestamp '2026-11-23 10:42:10.120' AND timestamp '2026-11-24 10:42:10.120'\n\
         ORDER BY created_at DESC, seq DESC\nLIMIT 51"
    );
    assert_eq!(asked(&question()), wanted);
}

#[test]
fn a_question_with_everything_is_pinned() {
    let everything = Question {
        agent: Some(agent(2)),
        event_types: vec![EventType::PolicyViolation, EventType::LlmCall, EventType::PolicyViolation],
        decision: Some(Decided::Deny),
        actor: Some(Actor::operator()),
        action: Some(ActionId::new(at(0), [7; 10])),
        attempted: Some(Code::literal("limits.put")),
        limit: 1_000,
        after: Some("1795430530120.17".parse().unwrap()),
        ..question()
    };
    let text = sql(Region::Il, &tenant(1), &everything).unwrap();
    let (_, conditions) = text.split_once("\nFROM ").unwrap();
    let wanted = "ds_agents_il.task_timeline\n\
         WHERE tenant_id = 'ten_040g2081040g2081'\n  \
         AND dt BETWEEN '2026-11-23' AND '2026-11-23'\n  \
         AND created_at BETWEEN timestamp '2026-11-23 10:42:10.120' AND timestamp '2026-11-24 10:42:10.120'\n  \
         AND agent_id = 'agt_081040g2081040g2'\n  \
         AND event_type IN ('llm.call', 'policy.violation')\n  \
         AND decision = 'deny'\n  \
         AND actor_id = 'operator'\n  \
         AND action_id = '01a207ff-bc48-7707-8707-070707070707'\n  \
         AND action = 'limits.put'\n  \
         AND (created_at < timestamp '2026-11-23 10:42:10.120' \
         OR (created_at = timestamp '2026-11-23 10:42:10.120' AND seq < 17))\n\
         ORDER BY created_at DESC, seq DESC\nLIMIT 1001";
    assert_eq!(conditions, wanted);
}

const REPORTED: &str = "event_type, actor_type, actor_id, description, metadata, created_at, decision, reason, \
     authority, action, action_id, agent_id, resource, event_id, region, org_id, phase, request_id, trace_id, \
     conversation_id, session_id, auth_method, mfa, on_behalf_of_ref, identity_verified, subject_refs, purpose, \
     lawful_basis, consent_ref, data_classes, retention_class, approval_id, model, provider, provider_region, \
     input_tokens, output_tokens, cost_usd_micros, dlp, seq";

#[test]
fn a_report_is_pinned_and_shows_nothing_that_is_sealed() {
    let wanted = |conditions: &str| {
        format!(
            "SELECT DISTINCT {REPORTED}\nFROM ds_agents_eu.task_timeline\nWHERE {conditions}\n  \
             AND dt BETWEEN '2026-11-23' AND '2026-11-24'\n  \
             AND created_at BETWEEN timestamp '2026-11-23 10:42:10.120' AND timestamp '2026-11-24 10:42:10.120'\n\
             ORDER BY created_at DESC, seq DESC\nLIMIT 50"
        )
    };
    let reported = |log: &Log| report(Region::Eu, log, &question()).unwrap();
    assert_eq!(reported(&Log::Tenant(tenant(1))), wanted("tenant_id = 'ten_040g2081040g2081'"));
    let org = OrgId::from_random([2; 10]);
    let of_org = format!("tenant_id = 'ten_0000000000000000'\n  AND org_id = '{org}'");
    assert_eq!(reported(&Log::Org(org)), wanted(&of_org));
    let shown = report_columns();
    for (name, class) in AuditRecord::FIELDS {
        let hidden =
            matches!(class, DataClass::Personal | DataClass::Commitment) || ["v", "tenant_id"].contains(name);
        assert_eq!(shown.contains(name), !hidden, "{name}");
    }
    assert_eq!(shown.iter().collect::<BTreeSet<_>>().len(), shown.len(), "none comes twice");
}

#[test]
fn a_question_that_cannot_be_asked_is_refused() {
    let refused = |question: &Question| sql(Region::Eu, &tenant(1), question).unwrap_err();
    for limit in [0, 1_001, u16::MAX] {
        assert_eq!(refused(&Question { limit, ..question() }), Refused::Limit);
    }
    let backwards = Question { from: at(2), to: at(1), ..question() };
    assert_eq!(refused(&backwards), Refused::Backwards);
    for place in [at(0).unix_millis() - 1, at(86_400_001).unix_millis()] {
        let after = format!("{place}.3").parse().ok();
        assert_eq!(refused(&Question { after, ..question() }), Refused::Cursor);
    }
    let ends = [at(0), at(86_400_000)].map(|at| Some(Cursor { at, seq: 0 }));
    assert!(
        ends.iter()
            .all(|after| sql(Region::Eu, &tenant(1), &Question { after: *after, ..question() }).is_ok())
    );
}

const HOSTILE: [&str; 14] = [
    "'",
    "' OR '1'='1",
    "ten_040g2081040g2081' OR tenant_id <> '",
    "agt_081040g2081040g2'--",
    "agt_081040g2081040g2\\",
    "agt_081040g2081040g\u{2019}",
    "operator'; DROP TABLE task_timeline",
    "operator\n",
    "llm.call') OR (1=1",
    "deny\0",
    "01a207ff-bc48-7707-8707-070707070707 ",
    "1795430530120.17 OR 1=1",
    "1795430530120.17))--",
    "/**/",
];

/// A value that would change the SQL cannot be made, from any text that comes from outside.
#[test]
fn hostile_values_cannot_be_made() {
    for text in HOSTILE {
        assert!(text.parse::<TenantId>().is_err(), "{text:?}");
        assert!(text.parse::<AgentId>().is_err(), "{text:?}");
        assert!(text.parse::<UserId>().is_err(), "{text:?}");
        assert!(text.parse::<Actor>().is_err(), "{text:?}");
        assert!(text.parse::<ActionId>().is_err(), "{text:?}");
        assert!(text.parse::<EventType>().is_err(), "{text:?}");
        assert!(text.parse::<Decided>().is_err(), "{text:?}");
        assert!(text.parse::<Region>().is_err(), "{text:?}");
        assert!(text.parse::<Timestamp>().is_err(), "{text:?}");
        assert!(text.parse::<Cursor>().is_err(), "{text:?}");
    }
}

#[test]
fn a_quote_lets_no_other_character_through() {
    for code in 0..=0x2fff {
        let Some(c) = char::from_u32(code) else { continue };
        let fine = c.is_ascii_alphanumeric() || "_.:- ".contains(c);
        assert_eq!(quoted(&format!("a{c}")).is_ok(), fine, "{c:?}");
    }
    assert_eq!(quoted("llm.call"), Ok("'llm.call'".to_owned()));
}

#[test]
fn a_cursor_has_one_form() {
    let cursor: Cursor = "1795430530120.17".parse().unwrap();
    assert_eq!(cursor, Cursor { at: at(0), seq: 17 });
    for bad in [
        "",
        ".",
        "1795430530120",
        "1795430530120.",
        ".17",
        "1795430530120.17.2",
        "1795430530120.+17",
        "+1795430530120.17",
        "01795430530120.17",
        "1795430530120.017",
        "1795430530120.-1",
        " 1795430530120.17",
        "1795430530120.17 ",
        "1795430530120.9223372036854775808",
        "253402300800000.0",
        "18446744073709551616.0",
        "１.２",
    ] {
        let error = bad.parse::<Cursor>().unwrap_err();
        assert!(error.to_string().starts_with("not a cursor: use the one"), "{bad}");
    }
}

#[test]
fn a_rows_texts_are_read_as_athena_writes_them() {
    for same in ["2026-11-23 10:42:10.120", "2026-11-23 10:42:10.12", "2026-11-23 10:42:10.120000"] {
        assert_eq!(Cursor::of_row(same, "17"), Ok(Cursor { at: at(0), seq: 17 }), "{same}");
    }
    assert_eq!(read_time("2026-11-23 10:42:10"), "2026-11-23T10:42:10.000Z".parse().ok());
    for (created_at, seq) in [
        ("2026-11-23 10:42:10.1201", "17"),
        ("2026-11-23 10:42:10.12'", "17"),
        ("2026-11-23 10:42:10.12é", "17"),
        ("2026-11-23", "17"),
        ("", ""),
        ("2026-11-23 10:42:10.120 UTC", "17"),
        ("2026-11-23 10:42:10.120", "17 OR 1=1"),
        ("2026-11-23 10:42:10.120", "1.7E1"),
    ] {
        assert_eq!(Cursor::of_row(created_at, seq), Err(NotACursor), "{created_at} {seq}");
    }
}

#[test]
fn the_row_beyond_the_page_tells_of_the_next() {
    let rows = [
        ("2026-11-23 10:42:10.122", "5"),
        ("2026-11-23 10:42:10.121", "9"),
        ("2026-11-23 10:42:10.120", "2"),
    ];
    let next = |limit: u16, rows: &[(&str, &str)]| Question { limit, ..question() }.next(rows);
    assert_eq!(next(3, &rows), Ok(None));
    assert_eq!(next(4, &rows), Ok(None));
    assert_eq!(next(2, &rows), Ok(Some(Cursor { at: at(1), seq: 9 })));
    assert_eq!(next(1, &[]), Ok(None));
    assert_eq!(next(1, &[("now", "5"), ("then", "4")]), Err(NotACursor));
}

fn any_question() -> impl Strategy<Value = Question> {
    let id = || proptest::option::of(any::<[u8; 10]>());
    let time = 0_u64..=253_402_300_799_999;
    let name = proptest::option::of("[a-z0-9._-]{1,64}");
    let filters = (id(), id(), id(), proptest::option::of(0..2_usize), name);
    let types = proptest::collection::vec(0..EventType::ALL.len(), 0..4);
    let place = proptest::option::of((time.clone(), any::<u64>()));
    (filters, types, (time.clone(), time), 1..=MAX_ROWS, place).prop_map(
        |((agent, who, action, decision, name), types, (one, other), limit, place)| {
            let time = |millis: u64| Timestamp::from_unix_millis(i64::try_from(millis).unwrap()).unwrap();
            let (from, to) = (time(one.min(other)), time(one.max(other)));
            Question {
                agent: agent.map(AgentId::from_random),
                from,
                to,
                event_types: types.into_iter().map(|n| EventType::ALL[n]).collect(),
                decision: decision.map(|n| Decided::ALL[n]),
                actor: who.map(actor),
                action: action.map(|random| ActionId::new(from, random)),
                attempted: name.map(|name| name.parse().unwrap()),
                limit,
                after: place.map(|(millis, seq)| Cursor { at: time(millis).clamp(from, to), seq: seq >> 1 }),
            }
        },
    )
}

proptest! {
    #[test]
    fn the_sql_is_one_statement_with_every_quote_closed(question in any_question(), of in any::<u8>()) {
        let text = sql(Region::Us, &tenant(of), &question).unwrap();
        prop_assert_eq!(text.matches('\'').count() % 2, 0);
        let outside = text.split('\'').step_by(2).collect::<Vec<_>>().join("?");
        for word in [";", "--", "/*", "\\", "\"", "UNION", "''"] {
            prop_assert!(!outside.contains(word), "{} in {}", word, text);
        }
        let mut inside = text.split('\'').skip(1).step_by(2);
        prop_assert!(inside.all(|value| !value.is_empty() && quoted(value).is_ok()));
        prop_assert_eq!(text.matches("tenant_id").count(), 1);
        let named = format!("\nWHERE tenant_id = '{}'\n  AND dt BETWEEN '", tenant(of));
        prop_assert!(text.contains(&named));
        // Nothing widens the conditions but the one alternative of the cursor.
        prop_assert_eq!(text.matches(" OR ").count(), usize::from(question.after.is_some()));
    }

    /// The organizations share a partition: whatever is asked, the organization is a condition of its own.
    #[test]
    fn a_report_of_an_organization_is_of_that_one_alone(question in any_question(), of in any::<[u8; 10]>()) {
        let org = OrgId::from_random(of);
        let text = report(Region::Us, &Log::Org(org.clone()), &question).unwrap();
        prop_assert_eq!(text.matches('\'').count() % 2, 0);
        let named = format!(
            "\nWHERE tenant_id = '{}'\n  AND org_id = '{org}'\n  AND dt BETWEEN '", TenantId::platform()
        );
        prop_assert!(text.contains(&named));
        let inner = question.after.is_some();
        prop_assert_eq!(text.matches(" OR ").count(), usize::from(inner));
        // The one alternative stands in brackets of its own.
        prop_assert_eq!(text.matches("\n  AND (created_at < ").count(), usize::from(inner));
    }

    #[test]
    fn a_cursor_reads_back(millis in 0_i64..=253_402_300_799_999, seq in 0..=u64::MAX >> 1) {
        let at = Timestamp::from_unix_millis(millis).unwrap();
        let cursor = Cursor { at, seq };
        prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        prop_assert_eq!(Cursor::of_row(&at.sql(), &seq.to_string()), Ok(cursor));
    }

    #[test]
    fn pages_together_are_the_whole_timeline(
        times in proptest::collection::vec((0_u64..8, any::<bool>()), 0..40),
        twice in proptest::collection::vec(any::<bool>(), 40),
        (first, last) in (0_u64..8, 0_u64..8),
        limit in 1_u16..6,
    ) {
        // Eight times of four days: many rows share one, and none of a tenant's shares a number.
        let time = |step: u64| at(step / 2 * 86_400_000 + step % 2);
        let rows: Vec<_> = times.iter().zip(0..).map(|((step, ours), seq)| Row {
            tenant: tenant(u8::from(*ours)),
            created_at: time(*step).sql(),
            day: time(*step).date(),
            seq,
        }).collect();
        let merging = rows.iter().zip(&twice).filter(|(_, twice)| **twice).map(|(row, _)| row.clone());
        let table: Vec<_> = rows.iter().cloned().chain(merging).collect();
        let (from, to) = (time(first.min(last)), time(first.max(last)));
        let mut wanted: Vec<_> = rows.into_iter()
            .filter(|row| row.tenant == tenant(1) && (from.sql()..=to.sql()).contains(&row.created_at))
            .collect();
        wanted.sort_by(|a, b| (&b.created_at, b.seq).cmp(&(&a.created_at, a.seq)));

        let mut question = Question { from, to, limit, ..question() };
        let (mut found, mut pages) = (Vec::new(), 0);
        loop {
            let came = run(&asked(&question), &table);
            let texts: Vec<_> = came.iter().map(|row| (row.created_at.clone(), row.seq.to_string())).collect();
            let texts: Vec<_> = texts.iter().map(|(at, seq)| (at.as_str(), seq.as_str())).collect();
            let next = question.next(&texts).unwrap();
            found.extend(came.into_iter().take(usize::from(limit)));
            pages += 1;
            match next {
                // The cursor travels as text.
                Some(cursor) => question.after = Some(cursor.to_string().parse().unwrap()),
                None => break,
            }
        }
        prop_assert_eq!(pages, wanted.len().div_ceil(usize::from(limit)).max(1), "no page is empty but a first");
        prop_assert_eq!(found, wanted);
    }
}

/// Agents, users and the operator.
fn actor(random: [u8; 10]) -> Actor {
    match random[0] % 3 {
        0 => Actor::operator(),
        1 => Actor::from(&AgentId::from_random(random)),
        _ => UserId::from_random(random).as_str().parse().unwrap(),
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    tenant: TenantId,
    created_at: String,
    day: String,
    seq: u64,
}

/// What a text of this SQL means, read from the text: times compare as their texts do.
fn run(sql: &str, table: &[Row]) -> Vec<Row> {
    let after = |start: &str| sql.split_once(start).map(|(_, rest)| rest);
    let literal = |start: &str| after(start).map(|rest| rest.split('\'').next().unwrap().to_owned());
    let number = |start: &str| {
        after(start)
            .map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<u64>().unwrap())
    };
    let two = |start: &str, between: &str| {
        let mut parts = after(start).unwrap().splitn(3, between);
        let first = parts.next().unwrap().to_owned();
        (first, parts.next().unwrap().split('\'').next().unwrap().to_owned())
    };
    let tenant = literal("tenant_id = '").unwrap();
    let (first_day, last_day) = two("dt BETWEEN '", "' AND '");
    let (from, to) = two("created_at BETWEEN timestamp '", "' AND timestamp '");
    let cursor = literal("(created_at < timestamp '");
    assert_eq!(cursor, literal("OR (created_at = timestamp '"));
    let seq = number("AND seq < ");
    let mut found: Vec<_> = table
        .iter()
        .filter(|row| row.tenant.as_str() == tenant)
        .filter(|row| (first_day.clone()..=last_day.clone()).contains(&row.day))
        .filter(|row| (from.clone()..=to.clone()).contains(&row.created_at))
        .filter(|row| {
            cursor
                .as_ref()
                .is_none_or(|at| row.created_at < *at || (row.created_at == *at && row.seq < seq.unwrap()))
        })
        .cloned()
        .collect();
    if sql.starts_with("SELECT DISTINCT ") {
        found = found.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    }
    assert!(sql.contains("\nORDER BY created_at DESC, seq DESC\n"));
    found.sort_by(|a, b| (&b.created_at, b.seq).cmp(&(&a.created_at, a.seq)));
    found.truncate(usize::try_from(number("LIMIT ").unwrap()).unwrap());
    found
}
