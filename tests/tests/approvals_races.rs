//! Approvals under pressure, through the real functions: many people who speak at once, many tools with one permit, and words that
//! meet a kill switch, somebody's leaving and the end of their time. Of each there is one outcome.
#![cfg(test)]

use std::thread;
use std::time::Duration;

use countersign_tests::support::admin::{Org, Person};
use countersign_tests::support::approvals::{Agent, Desk, Form, Permit, consumer, gate};
use countersign_tests::support::http::send_all;
use countersign_tests::support::records;
use countersign_tests::support::stack::unique;
use countersign_tests::support::world::{World, code, refused};
use countersign_tests::support::{aws, bench, planted, stack, wait};
use serde_json::{Value, json};

/// People who speak about one request, and tools that try to take one permit, at once.
const AT_ONCE: usize = 50;
/// How often a call is sent again that a full machine had no place for.
const TRIES: u32 = 40;
/// Of whom so many must approve.
const NEED: u8 = 3;

/// A tenant whose payments wait. The agent is noa's.
struct Shop {
    world: World,
    dana: Person,
    noa: Person,
    agent: Agent,
}

impl Shop {
    fn open(need: u8) -> Option<Self> {
        let world = World::new()?;
        let noa = world.org.join(
            &world.owner,
            "noa",
            &json!({"owner": true, "tenant": world.tenant, "role": "admin"}),
        );
        // Somebody else is the last owner, who cannot leave.
        world.with_role("stranger", "owner");
        let dana = world.with_role("dana", "admin");
        world.put_gate(&dana, &noa, &gate(need, false));
        let agent = Agent::new(&world, &noa);
        Some(Self { world, dana, noa, agent })
    }

    /// People of another connection, whose groups make them administrators: each at the page.
    fn many(&self) -> Vec<Desk> {
        let grant = json!({"tenant": self.world.tenant, "role": "admin"});
        let org = self.world.org.beside(&self.world.owner, &self.noa, &grant);
        let names: Vec<String> = (0..AT_ONCE).map(|n| format!("p{n}")).collect();
        for name in &names {
            let email = format!("{}@acme.test", unique::<8>());
            planted::note(&email);
            let claims = json!({"name": "A Person", "email": email, "email_verified": true, "groups": ["Ops"], "amr": ["pwd", "mfa"]});
            org.idp.user(name, Some(&claims));
        }
        let some = names.chunks(AT_ONCE.div_ceil(4));
        thread::scope(|scope| {
            let signing: Vec<_> = some.map(|names| scope.spawn(|| desks(&org, names))).collect();
            signing.into_iter().flat_map(|desks| desks.join().expect("they are let in")).collect()
        })
    }

    fn told(&self, event: &str) -> Vec<records::Record> {
        let all = records::all(&self.world.tenant).into_iter();
        all.filter(|record| record.field("event_type") == event).collect()
    }

    /// How a request stands, as it is written: whoever could ask may be gone.
    fn written(&self, approval: &str) -> String {
        let params = json!({
            "TableName": stack().at("/tables/votes"), "ConsistentRead": true,
            "Key": {"pk": {"S": format!("T#{}", self.world.tenant)}, "sk": {"S": format!("APPROVAL#{approval}")}},
        });
        let row = aws::must("root", "dynamodb", "get_item", &params);
        row["Item"]["state"]["S"].as_str().expect("a state").to_owned()
    }

    /// The end of a request's time, in so many milliseconds.
    fn ends_in(&self, approval: &str, millis: u64) {
        let at = ::aws::now().plus_millis(millis).unix_millis();
        let params = json!({
            "TableName": stack().at("/tables/votes"),
            "Key": {"pk": {"S": format!("T#{}", self.world.tenant)}, "sk": {"S": format!("APPROVAL#{approval}")}},
            "UpdateExpression": "SET expires_ms = :at", "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeValues": {":at": {"N": at.to_string()}},
        });
        aws::must("root", "dynamodb", "update_item", &params);
    }
}

fn desks(org: &Org, names: &[String]) -> Vec<Desk> {
    names.iter().map(|name| Desk::of(org, name)).collect()
}

fn payment() -> Value {
    json!({"amount": 5_000})
}

#[test]
fn of_fifty_people_and_fifty_tools_one_decision_and_one_run_remain() {
    let Some(shop) = Shop::open(NEED) else { return };
    let approval = shop.agent.waits_for(&payment(), "one");
    let mut desks = shop.many();
    let forms: Vec<Form> = desks.iter_mut().map(|desk| desk.form(&approval)).collect();
    let clicks = desks.iter().zip(&forms).map(|(desk, form)| desk.click(form, "approve").trying(TRIES));
    let answers = send_all(clicks.collect());
    let taken = answers.iter().filter(|answer| answer.status == 303).count();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert!(statuses.iter().all(|status| [303, 409].contains(status)), "{statuses:?}");
    assert_eq!((taken, shop.agent.stands(&approval, 0)), (usize::from(NEED), "approved".to_owned()));

    let permit = Permit::of(&shop.agent.asks("payments.send", &payment(), "one"));
    let tools: Vec<String> = (0..AT_ONCE).map(|_| consumer()).collect();
    let answers = send_all(tools.iter().map(|tool| permit.consume(tool).trying(TRIES)).collect());
    let winners: Vec<_> =
        tools.iter().zip(&answers).filter(|(_, answer)| answer.status == 200).map(|(tool, _)| tool).collect();
    let lost: Vec<_> = answers.iter().filter(|answer| answer.status != 200).map(code).collect();
    let figures = [
        ("winners", winners.len()),
        ("racing_consumers", AT_ONCE),
        ("racing_approvers", AT_ONCE),
        ("words_counted", taken),
    ];
    bench::keep("approvals", &figures.map(|(name, figure)| (name, figure as u64)));
    assert_eq!(winners.len(), 1, "{lost:?}");
    assert!(lost.iter().all(|one| *one == refused(409, "permit_consumed")), "{lost:?}");
    assert_eq!(permit.tell(winners[0], "executed").status, 200);
    assert_eq!(shop.agent.stands(&approval, 0), "executed");

    // The log says the same: so many words, one decision, one run.
    let done = |event: &str| {
        let good = |record: &&records::Record| {
            record.field("phase") != "attempt" && record.field("reason") == "completed"
        };
        shop.told(event).iter().filter(good).count()
    };
    let wanted = [
        ("approval.voted", usize::from(NEED)),
        ("approval.decided", 1),
        ("action.consumed", 1),
        ("action.ended", 1),
    ];
    wait::until("the records", || wanted.iter().all(|(event, count)| done(event) >= *count).then_some(()));
    assert_eq!(wanted.map(|(event, _)| done(event)), wanted.map(|(_, count)| count));
}

/// What ends a request while somebody approves it and a tool waits to run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// A switch of the tenant.
    Kill,
    /// Whoever approves leaves.
    Approver,
    /// Whoever answers for the agent leaves.
    Owner,
    /// Its time is over.
    Late,
}

/// An approval, the run that rests on it, and its end, begun at the same time and a little apart.
fn meets(shop: &Shop, end: End, round: u64, dana: &mut Desk) {
    let key = format!("{end:?}-{round}");
    let approval = shop.agent.waits_for(&payment(), &key);
    let form = dana.form(&approval);
    let click = dana.click(&form, "approve");
    let ran = thread::scope(|scope| {
        let running = scope.spawn(|| {
            let said = click.trying(TRIES).send().status;
            let asked = shop.agent.asks("payments.send", &payment(), &key);
            let permit = (asked.status == 200).then(|| Permit::of(&asked));
            let ran = permit.as_ref().map(|permit| permit.consume(&consumer()).trying(TRIES).send().status);
            (said, permit, ran)
        });
        thread::sleep(Duration::from_millis(round * 60));
        ends(shop, end, &approval);
        running.join().expect("it ends")
    });
    let (said, permit, ran) = ran;
    // After its end nothing begins any more: not by the permit that was given out, and not by another.
    if let Some(permit) = &permit {
        assert_ne!(permit.consume(&consumer()).send().status, 200, "{key}: {said} {ran:?}");
    }
    let again = shop.agent.asks("payments.send", &payment(), &key);
    // A request whose only word is gone, or was never said, waits for others.
    let waits = again.status == 202 && end == End::Approver && ran.is_none();
    assert!(again.status >= 400 || waits, "{key}: {again:?}");
    restored(shop, end);
    let swept = aws::invoke("root", "approvals", &json!({"sweep": true})).expect("the clock may");
    let state = if end == End::Owner { shop.written(&approval) } else { shop.agent.stands(&approval, 0) };
    let one_of: &[&str] = match (ran, end) {
        (Some(200), End::Owner) => &["approved", "cancelled"],
        (Some(200), _) => &["consumed"],
        (_, End::Late) => &["expired", "cancelled"],
        (_, End::Approver) => &["pending", "cancelled"],
        _ => &["cancelled"],
    };
    assert!(one_of.contains(&state.as_str()), "{key}: {state}, {said} {ran:?} {swept}");
}

fn ends(shop: &Shop, end: End, approval: &str) {
    match end {
        End::Kill => {
            let done =
                shop.dana.send("POST", &shop.world.path("/kill"), &json!({"reason": "race", "scope": "all"}));
            assert_eq!(done.status, 200, "{done:?}");
        }
        End::Approver => status(shop, &shop.dana, "suspended"),
        End::Owner => status(shop, &shop.noa, "suspended"),
        End::Late => {
            shop.ends_in(approval, 200);
            thread::sleep(Duration::from_millis(250));
        }
    }
}

/// Brings back what the next round needs, so far as anybody can: what was ended stays so.
fn restored(shop: &Shop, end: End) {
    match end {
        End::Kill => {
            let version = shop.noa.get(&shop.world.path("/kill")).json()["version"].clone();
            let body = json!({"reason": "over", "version": version});
            let done = shop.noa.send("POST", &shop.world.path("/kill/recover"), &body);
            assert_eq!(done.status, 200, "{done:?}");
        }
        End::Approver => status(shop, &shop.dana, "active"),
        End::Owner => status(shop, &shop.noa, "active"),
        End::Late => {}
    }
}

fn status(shop: &Shop, of: &Person, to: &str) {
    let path = format!("/v1/orgs/{}/users/{}/status", shop.world.org.id, of.user);
    let done = shop.world.owner.send("PUT", &path, &json!({ "status": to }));
    assert_eq!(done.status, 200, "{done:?}");
}

#[test]
fn an_approval_and_a_kill_switch_have_one_outcome() {
    let Some(shop) = Shop::open(1) else { return };
    let mut dana = Desk::of(&shop.world.org, "dana");
    for round in 0..4 {
        meets(&shop, End::Kill, round, &mut dana);
    }
}

#[test]
fn an_approval_and_the_end_of_its_time_have_one_outcome() {
    let Some(shop) = Shop::open(1) else { return };
    let mut dana = Desk::of(&shop.world.org, "dana");
    for round in 0..4 {
        meets(&shop, End::Late, round, &mut dana);
    }
}

#[test]
fn an_approval_and_somebodys_leaving_have_one_outcome() {
    for end in [End::Approver, End::Owner] {
        for round in 0..2 {
            let Some(shop) = Shop::open(1) else { return };
            let mut dana = Desk::of(&shop.world.org, "dana");
            meets(&shop, end, round, &mut dana);
        }
    }
}
