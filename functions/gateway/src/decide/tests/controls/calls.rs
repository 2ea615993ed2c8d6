//! One request on its way through the controls, in the order of [`crate::effects`]: read, decide, hold beside the record and
//! the leases, call, settle beside the breakers. Every step of it waits for its turn, and none of it need ever be taken.

use std::sync::LazyLock;

use tables::gates::breaker::{NotLeased, Report};
use tables::gates::{HoldRefused, NotSettled, hold, settle};
use tables::{Held, KillKeys};

use super::answers::Answer;
use super::failover::{endpoint, own};
use super::store::Store;
use super::truth::{Budget as Known, Door, Known as Action, PLACES, Truth};
use super::*;
use crate::breaker::{Failed, health, leases, next, told};
use crate::effects::{may_be_held, stopped};
use crate::outcome::{Ended, Spent, settlement};
use crate::plan::Call;

/// What an agent asks for: so much output, of providers that answer so.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub agent: usize,
    pub size: usize,
    pub answers: [Option<Answer>; 2],
}

static RULES: LazyLock<Rules> = LazyLock::new(rules);
pub const OUTPUTS: [u64; 2] = [1, LIMIT];

/// What a call of either size may need, as a gateway says at which nobody is.
static NEEDS: LazyLock<[u64; 2]> = LazyLock::new(|| {
    OUTPUTS.map(|output| Case::with(|case| case.route = asking(output)).forwarded().call.worst_case)
});

fn asking(output: u64) -> Route {
    chat(json!({ "max_tokens": output }))
}

/// What was read, and what must follow from it: the provider that is called, or why none is.
struct Read {
    facts: Facts,
    due: Result<ProviderId, Reason>,
    stopped: Option<Reason>,
    limits: [u64; PLACES],
    doors: Vec<(ProviderId, [(Key, Door); 2])>,
}

/// Tries one provider after the other, as the gateway does.
pub async fn request(store: &Store, asked: Asked, mood: Answer) {
    let mut tried = Tried::default();
    let mut answers = asked.answers.map(|answer| answer.unwrap_or(mood)).into_iter().cycle();
    while let Some(failed) = one_try(store, &asked, answers.next().unwrap(), tried.clone()).await {
        store.lock().truth.note("a fallback");
        tried.0.push(failed);
    }
}

async fn one_try(store: &Store, asked: &Asked, answer: Answer, tried: Tried) -> Option<Failed> {
    let moment = begins(store);
    // Nothing is read: refused, and nothing is done.
    let read = read(store, asked, moment.now, tried).await.ok()?;
    let (key, _) = who(asked.agent);
    let request = Request {
        route: asking(OUTPUTS[asked.size]),
        asserted: Ok(Asserted::default()),
        key: Ok(key),
        source_ip: Some(SOURCE.parse::<IpAddr>().unwrap()),
        request_id: None,
        tls: Ok(()),
    };
    let (due, stopped, limits) = (read.due, read.stopped, read.limits);
    let call = match decide(&RULES, &request, read.facts, &moment) {
        Decision::Refuse { refused, .. } => {
            assert_eq!(Err(refused.reason), due);
            store.lock().truth.note(refused.reason.as_str());
            return None;
        }
        Decision::Forward(plan) => plan.call,
        Decision::Models(_) => panic!("nobody asked for them"),
    };
    assert_eq!(Ok(&call.provider.id), due.as_ref());
    let doors = read.doors.into_iter().find(|(id, _)| *id == call.provider.id).unwrap().1;
    let (agent, need) = (asked.agent, NEEDS[asked.size]);
    assert_eq!(call.worst_case, need);
    let known = Action {
        agent,
        need,
        limits,
        stopped,
        doors,
        budget: Known::Free,
        started: false,
        ended: None,
        closed: false,
    };
    store.lock().truth.calls.insert(call.action_id, known);
    let ended = forward(store, &call, asked.agent, answer).await;
    let next = next(&call, &ended);
    let goes_on = store.lock().truth.calls[&call.action_id].ended.is_none_or(Answer::goes_on);
    assert!(next.is_none() || goes_on, "{ended:?}");
    next
}

fn begins(store: &Store) -> Moment {
    let mut it = store.lock();
    it.actions += 1;
    let [.., a, b, c] = it.actions.to_be_bytes();
    let random = Random { action: [0, 0, 0, 0, 0, 0, 0, a, b, c], ..moment().random };
    Moment { now: it.now, random, ..moment() }
}

/// Three reads, each of its own moment: a batch is no snapshot.
async fn read(store: &Store, asked: &Asked, now: Timestamp, tried: Tried) -> Result<Read, tables::GateFault> {
    let (Case { mut standing, policy, dlp, keys, .. }, (key, row)) = (good(), who(asked.agent));
    let tenant = row.tenant.clone();
    let above = KillKeys::above(&row.org, &tenant, &row.agent, asked.agent as u8);
    let switches = store.read(&above.all()).await?;
    let stopped = store.truth(|truth| truth.kill(asked.agent));
    let mut switches = switches.into_iter().map(|item| KillRow::from_item(&item.unwrap()).ok());
    let [platform, org, of_tenant, agent] = [(); 4].map(|()| switches.next().unwrap());
    standing.kills = Kills { platform, org, tenant: of_tenant, agent };
    let team = standing.agent.as_mut().unwrap();
    team.id = row.agent.clone();
    team.team = (asked.agent < 2).then(|| Code::literal("sales"));

    let budget = [Key::limits(&tenant), Key::budget(&tenant, 0)];
    let [limits, shard] = store.read(&budget).await?.try_into().unwrap();
    let budget = Budget { limits: LimitsRow::from_item(&limits.unwrap()).unwrap(), shard };
    let (limits, used) = store.truth(|truth| (truth.limits, truth.used()));
    // With several shards only what can never fit is told before the hold.
    let used = if budget.limits.shards() > 1 { [0; PLACES] } else { used };
    let over = Truth::is_over(asked.agent, NEEDS[asked.size], &limits, &used);

    let places = breaker::keys(&tenant, &providers(), Region::Eu);
    let mut breakers = Breakers::default();
    for (key, item) in places.iter().zip(store.read(&places).await?) {
        breakers.put(key.clone(), Ok(item.map(|item| BreakerRow::from_item(&item).unwrap())));
    }
    let known = store.truth(|truth| truth.doors.clone());
    let door = |key: Key| (key.clone(), known.get(&key).copied().unwrap_or_default());
    let doors =
        providers().0.into_iter().map(|one| (one.id.clone(), [door(endpoint(&one)), door(own(&one))]));
    let doors: Vec<_> = doors.collect();
    let passes = |(id, doors): &&(ProviderId, [(Key, Door); 2])| {
        !tried.has(id) && doors.iter().all(|(_, door)| door.until(now).is_none())
    };
    let chosen = doors.iter().find(passes).map(|(id, _)| id.clone()).ok_or(Reason::BreakerOpen);
    let due = stopped.map_or(chosen, Err);
    let due = due.and_then(|id| if over { Err(Reason::BudgetExceeded) } else { Ok(id) });
    let facts = Facts {
        caller: policy::authenticate(&key, row).unwrap(),
        standing,
        policy,
        providers: Some(providers()),
        budget: Some(budget),
        dlp,
        gate: Ok(None),
        keys,
        breakers,
        tried,
        person: None,
        consent: Consent::NotRequired,
    };
    Ok(Read { facts, due, stopped, limits, doors })
}

async fn forward(store: &Store, call: &Call, agent: usize, answer: Answer) -> Ended {
    let began = store.now();
    let ask = call.bill.ask();
    let held = async {
        let held = hold(store, &ask).await;
        let it = store.lock();
        if let Err(HoldRefused::OverBudget(_)) = held {
            let known = &it.truth.calls[&call.action_id];
            let used = it.used.get(&it.turn).copied().unwrap_or_default();
            assert!(Truth::is_over(agent, known.need, &known.limits, &used), "{held:?} with {used:?}");
        }
        held
    };
    let (held, recorded, passed) = futures_util::join!(
        store.in_time(held, HoldRefused::Unavailable),
        store.in_time(store.record(), tables::GateFault::Unknown),
        store.in_time(leases(store, call, began), NotLeased),
    );
    let receipt = ask.receipt();
    let (Ok(_), Ok(()), Ok(())) = (&held, &recorded, &passed) else {
        let other = passed.err().map(|NotLeased| Reason::BreakerOpen.into());
        let refused = stopped(call, &held, recorded.is_ok(), other);
        rightly(store, call, refused.reason, &held);
        let ended = Ended::without_answer(refused.reason, Spent::Nothing);
        close(store, call, &ended, may_be_held(&held).then_some(&receipt)).await;
        return ended;
    };
    assert!(held.is_ok_and(|held: Held| held.action_id() == call.action_id));
    let now = store.now();
    store.lock().truth.started(call.action_id, now);
    store.yields().await;
    let cut = store.truth(|truth| truth.kill(agent));
    let answer = cut.map_or(answer, Answer::Cut);
    let ended = answer.ended(call);
    let now = store.now();
    store.lock().truth.ended(call.action_id, answer, now);
    if cut.is_some() {
        store.lock().truth.note("a cut");
    }
    close(store, call, &ended, Some(&receipt)).await;
    ended
}

/// Whoever was let through is turned away by what has become of the rows since, or because a write was not confirmed.
fn rightly(store: &Store, call: &Call, reason: Reason, held: &Result<Held, HoldRefused>) {
    let mut it = store.lock();
    let troubled = it.troubled.contains(&it.turn);
    let Action { doors, .. } = &it.truth.calls[&call.action_id];
    let moved = doors.iter().any(|(key, read)| it.truth.doors.get(key).is_some_and(|now| now != read));
    let right = match reason {
        // Judged where it was refused.
        Reason::BudgetExceeded => matches!(held, Err(HoldRefused::OverBudget(_))),
        // Of shards that have limits together others may be faster every time.
        Reason::BudgetUnavailable => troubled || call.bill.limits.shards() > 1,
        Reason::AuditUnavailable => troubled,
        Reason::BreakerOpen => troubled || moved,
        _ => false,
    };
    assert!(right, "{reason} for nothing");
    it.truth.note("turned away after the decision");
}

async fn close(store: &Store, call: &Call, ended: &Ended, receipt: Option<&tables::HoldReceipt>) {
    let now = store.now();
    let settle = async {
        if let Some(receipt) = receipt {
            let (spent, admitted_on) = settlement(call, ended, now);
            let settle = settle(store, receipt, spent, admitted_on);
            store.in_time(settle, NotSettled).await?;
        }
        store.lock().truth.closed(call.action_id);
        Ok::<_, NotSettled>(())
    };
    let [endpoint, own] = health(ended);
    let report = |door: &breaker::Door, health| Report {
        action: call.action_id,
        probed: door.probes,
        health,
        now,
        jitter: now.unix_millis(),
    };
    let (at_endpoint, at_own) = (report(&call.passage.endpoint, endpoint), report(&call.passage.own, own));
    let late = tables::gates::breaker::NotReported;
    let (_, endpoint, own) = futures_util::join!(
        settle,
        store.in_time(told(store, &call.passage.endpoint, &at_endpoint), late),
        store.in_time(told(store, &call.passage.own, &at_own), late),
    );
    for (door, told) in [(&call.passage.endpoint, endpoint), (&call.passage.own, own)] {
        let probing = store.truth(|truth| truth.is_probing(&door.key, call.action_id));
        assert!(told.is_err() || !probing, "a probe that is over keeps its lease");
    }
}

/// The sweep of one shard, as `lifecycle` does it.
pub async fn sweep(store: &Store, shard: u8) {
    let (tenant, now) = (key_row().tenant, store.now());
    let key = Key::budget(&tenant, shard);
    let Ok(items) = store.read(std::slice::from_ref(&key)).await else { return };
    let before = at(i64::try_from(now.unix_millis()).unwrap() - 1_200_000);
    let today = Zone::utc().day(now);
    let item = items.into_iter().flatten().next().unwrap();
    tables::gates::sweep(store, &tenant, &key, &item, before, today).await.unwrap();
}
