//! `countersign budgets`: limits of use, written over those that were read.

use domain::{Limit, Place, Unit, Zone};
use serde_json::{Value, json};

use super::client::Call;
use super::desk::{Desk, Done};
use super::fault::Fault;
use super::show;
use crate::args::api::Budgets;
use crate::limits::Set;

pub async fn run(mut desk: Desk, wanted: Budgets) -> Done {
    let path = desk.in_tenant("/limits")?;
    let answer = desk.api.send(Call::get(&path)).await?;
    match wanted {
        Budgets::Get => {
            if desk.print_json(&answer)? {
                return Ok(());
            }
            show::print_line(&heading(&answer.body))?;
            desk.cells(&rows(&answer.body), &[true, false])
        }
        Budgets::Set { limits, remove, time_zone } => {
            let body = changed(&answer.body, limits, &remove, time_zone)?;
            let call = Call::put(path, body).over(answer.seen()?);
            desk.change(call, "the limits hold from the next call on").await
        }
    }
}

fn heading(body: &Value) -> String {
    let zone = body.get("time_zone").and_then(Value::as_str).unwrap_or("UTC");
    format!("days and months begin by {}", show::plain(zone))
}

/// Places and limits, dollars as people write them.
fn rows(body: &Value) -> Vec<Vec<String>> {
    let head = ["place", "limit"].map(str::to_owned).to_vec();
    let row = |limit: &Limit| vec![limit.place.to_string(), amount(limit)];
    std::iter::once(head).chain(limits(body).iter().map(row)).collect()
}

/// A limit as people read it: `$50.00`, or a number of tokens.
pub fn amount(limit: &Limit) -> String {
    match limit.place.unit {
        Unit::Tokens => limit.most.to_string(),
        Unit::UsdMicros => crate::limits::amount(Unit::UsdMicros, limit.most),
    }
}

/// The limits that an answer names. One that does not read is none of ours.
pub fn limits(body: &Value) -> Vec<Limit> {
    let read = |one: &Value| {
        let place: Place = one.get("place")?.as_str()?.parse().ok()?;
        Some(Limit { place, most: one.get("limit")?.as_u64()? })
    };
    body.get("limits")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(read).collect())
        .unwrap_or_default()
}

/// The whole list that is asked for, from the one that is there.
fn changed(body: &Value, set: Vec<Set>, remove: &[Place], zone: Option<Zone>) -> Result<Value, Fault> {
    let mut list = limits(body);
    for place in remove {
        let at = list.iter().position(|limit| limit.place == *place);
        let at =
            at.ok_or_else(|| Fault::failed(format!("there is no limit {place}: countersign budgets get")))?;
        list.remove(at);
    }
    for Set(limit) in set {
        match list.iter_mut().find(|one| one.place == limit.place) {
            Some(one) => *one = limit,
            None => list.push(limit),
        }
    }
    let zone = zone.map_or_else(|| body.get("time_zone").cloned().unwrap_or_default(), |zone| json!(zone));
    Ok(wanted(&zone, body.get("shards").unwrap_or(&json!(1)), &list))
}

/// The body that sets limits.
pub fn wanted(zone: &Value, shards: &Value, limits: &[Limit]) -> Value {
    let limits: Vec<_> =
        limits.iter().map(|limit| json!({"place": limit.place, "limit": limit.most})).collect();
    json!({"time_zone": zone, "shards": shards, "limits": limits})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Value {
        json!({"version": 3, "time_zone": "Asia/Jerusalem", "shards": 4, "limits": [
            {"place": "tenant:tokens:total", "limit": 1_000},
            {"place": "team/sales:usd_micros:month", "limit": 50_000_000},
        ]})
    }

    #[test]
    fn what_is_not_named_stays() {
        let set = ["tenant:tokens:total=2000", "org:usd:day=1.5"].map(|text| text.parse().unwrap());
        assert_eq!(
            changed(&now(), set.into(), &["team/sales:usd:month".parse().unwrap()], None).ok().unwrap(),
            json!({"time_zone": "Asia/Jerusalem", "shards": 4, "limits": [
                {"place": "tenant:tokens:total", "limit": 2_000},
                {"place": "org:usd_micros:day", "limit": 1_500_000},
            ]})
        );
        let zone = changed(&now(), vec![], &[], Some("UTC".parse().unwrap())).ok().unwrap();
        assert_eq!((&zone["time_zone"], zone["limits"].as_array().unwrap().len()), (&json!("UTC"), 2));
        let absent = changed(&now(), vec![], &["org:usd:day".parse().unwrap()], None).err().unwrap();
        assert!(absent.to_string().contains("no limit org:usd_micros:day"));
    }

    #[test]
    fn limits_are_shown_as_people_write_them() {
        assert_eq!(
            rows(&now())[1..],
            [["tenant:tokens:total", "1000"], ["team/sales:usd_micros:month", "$50.000000"]]
                .map(|row| row.map(str::to_owned).to_vec())
        );
    }
}
