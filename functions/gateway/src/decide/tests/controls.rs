//! Kill switches, budgets and breakers together: requests that run beside one another in every order of their steps, over a
//! store that fails, while switches are turned, limits change, providers fall ill and processes die. What each may do is told by
//! [`truth`], which adds up what was written and nothing else.
//!
//! A step of a request is one call of the store, as it is in DynamoDB: between two of them anything may happen.

mod answers;
mod calls;
mod store;
mod truth;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Waker};

use domain::{KillWrite, Limit, LimitsRow, Zone};
use proptest::test_runner::TestRunner;
use tables::codec::Row as _;
use tables::gates::breaker::CAP_MS;
use tables::{Key, KillOp, Switch};

use self::answers::Answer;
use self::calls::{Asked, OUTPUTS, request, sweep};
use self::store::{Fault, Store, Turn, fault};
use self::truth::PLACES;
use super::*;

const AGENTS: usize = 3;

/// The key of an agent, and its row.
fn who(agent: usize) -> (GatewayKey, KeyRow) {
    let n = agent as u8 + 1;
    let id = format!("{n:0>16}").parse().unwrap();
    let key = GatewayKey::mint_as(id, KeyKind::User, Region::Eu, &[n; 59]).unwrap();
    let row = KeyRow {
        id: key.id().clone(),
        secret: key.secret_hash(),
        agent: AgentId::from_random([n; 10]),
        ..key_row()
    };
    (key, row)
}

fn switches() -> Vec<Switch> {
    let agent = |agent| Switch::Agent(key_row().tenant, who(agent).1.agent);
    let above = [Switch::Platform, Switch::Org(key_row().org), Switch::Tenant(key_row().tenant)];
    above.into_iter().chain((0..AGENTS).map(agent)).collect()
}

/// Two of the model, each at an endpoint of its own.
fn providers() -> Providers {
    static BOTH: std::sync::LazyLock<Providers> = std::sync::LazyLock::new(|| {
        Providers(vec![provider(1, Region::Eu, &["gpt-4o"]), provider(2, Region::Eu, &["gpt-4o"])])
    });
    BOTH.clone()
}

static PLACED: std::sync::LazyLock<[String; PLACES]> = std::sync::LazyLock::new(|| {
    let (agent, key) = (who(0).1.agent, who(1).1.id);
    [
        "tenant".to_owned(),
        "org".to_owned(),
        "team/sales".to_owned(),
        format!("agent/{agent}"),
        format!("key/{key}"),
    ]
    .map(|place| format!("{place}:tokens:total"))
});

static METERS: std::sync::LazyLock<[String; PLACES]> = std::sync::LazyLock::new(|| {
    let (agent, key) = (who(0).1.agent, who(1).1.id);
    ["t".to_owned(), "o".to_owned(), "g:sales".to_owned(), format!("a:{agent}"), format!("k:{key}")]
        .map(|meter| format!("{meter}:tok:all"))
});

/// A call needs one or two thousand tokens.
const LIMITS: [[u64; PLACES]; 4] = [
    [60_000, 60_000, 60_000, 60_000, 60_000],
    [9_000, 60_000, 5_000, 2_500, 6_000],
    [5_000, 3_000, 60_000, 60_000, 1_500],
    [20_000, 9_000, 12_000, 4_000, 60_000],
];
const ENOUGH: [u64; PLACES] = [1 << 40; PLACES];

#[derive(Debug, Clone)]
enum Step {
    Call(Asked),
    /// One of those that run goes on, by so many steps.
    Go(usize, usize),
    /// Its process dies.
    Die(usize),
    Stop(usize, KillScope),
    /// By somebody who has seen the switch as it is, or as it was one write before.
    Recover(usize, bool),
    Limits(usize),
    Wait(u64),
    Sweep,
}

/// `None`: as most providers answer in this run.
fn answer() -> impl Strategy<Value = Option<Answer>> {
    prop_oneof![3 => Just(None), 2 => Answer::any().prop_map(Some)]
}

fn step() -> impl Strategy<Value = Step> {
    let short = prop::sample::select(vec![1_u64, 900, 2_000, 5_000, 9_100]);
    let long = prop::sample::select(vec![15_000_u64, 30_000, 60_000, 960_000, 1_260_000]);
    let asked = (0..AGENTS, 0..OUTPUTS.len(), answer(), answer());
    prop_oneof![
        24 => asked.prop_map(|(agent, size, one, two)| Step::Call(Asked { agent, size, answers: [one, two] })),
        60 => (any::<usize>(), 1_usize..5).prop_map(|(which, steps)| Step::Go(which, steps)),
        24 => (any::<usize>(), 5_usize..24).prop_map(|(which, steps)| Step::Go(which, steps)),
        3 => any::<usize>().prop_map(Step::Die),
        1 => (0..4_usize, prop::sample::select(KillScope::ALL)).prop_map(|(level, scope)| Step::Stop(level, scope)),
        4 => (0..4_usize, any::<bool>()).prop_map(|(level, stale)| Step::Recover(level, stale)),
        2 => (0..LIMITS.len()).prop_map(Step::Limits),
        4 => short.prop_map(Step::Wait),
        3 => long.prop_map(Step::Wait),
        2 => Just(Step::Sweep),
    ]
}

/// What runs beside the others.
struct Task<'a> {
    turn: Turn,
    began: Timestamp,
    rest: Pin<Box<dyn Future<Output = ()> + 'a>>,
}

/// A function lives so long and no longer (Lambda quotas).
const LIFE_MS: u64 = 15 * 60_000;

struct World<'a> {
    store: &'a Store,
    shards: u8,
    mood: Answer,
    tasks: Vec<Task<'a>>,
    begun: u64,
    limits: u64,
}

impl<'a> World<'a> {
    fn new(store: &'a Store, shards: u8, which: usize, mood: Answer) -> Self {
        let mut world = Self { store, shards, mood, tasks: Vec::new(), begun: 0, limits: 0 };
        world.limit(LIMITS[which]);
        world
    }

    fn step(&mut self, step: Step) {
        self.turn(Turn::Admin);
        match step {
            Step::Call(asked) => self.begin(Turn::Call, Box::pin(request(self.store, asked, self.mood))),
            Step::Sweep => {
                for shard in 0..self.shards {
                    self.begin(Turn::Sweep, Box::pin(sweep(self.store, shard)));
                }
            }
            Step::Go(which, steps) => self.go(which, steps),
            Step::Die(_) if self.tasks.is_empty() => {}
            Step::Die(which) => drop(self.tasks.swap_remove(which % self.tasks.len())),
            Step::Stop(level, scope) => self.stop(level, scope),
            Step::Recover(level, stale) => self.recover(level, stale),
            Step::Limits(which) => self.limit(LIMITS[which]),
            Step::Wait(millis) => self.wait(millis),
        }
    }

    fn turn(&self, turn: Turn) {
        self.store.lock().turn = turn;
    }

    fn begin(&mut self, turn: fn(u64) -> Turn, rest: Pin<Box<dyn Future<Output = ()> + 'a>>) {
        self.begun += 1;
        self.tasks.push(Task { turn: turn(self.begun), began: self.store.now(), rest });
    }

    fn go(&mut self, which: usize, steps: usize) {
        if self.tasks.is_empty() {
            return;
        }
        let which = which % self.tasks.len();
        for _ in 0..steps {
            self.turn(self.tasks[which].turn);
            let done =
                self.tasks[which].rest.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
            self.store.check();
            if done {
                drop(self.tasks.swap_remove(which));
                return;
            }
        }
    }

    fn wait(&mut self, millis: u64) {
        let now = self.store.now().plus_millis(millis);
        self.store.lock().now = now;
        self.tasks.retain(|task| now.millis_since(task.began) < LIFE_MS);
    }

    fn limit(&mut self, limits: [u64; PLACES]) {
        self.limits += 1;
        let limit = |(place, most): (&String, u64)| Limit { place: place.parse().unwrap(), most };
        let all = PLACED.iter().zip(limits).map(limit).collect();
        let row = LimitsRow::new(self.limits, Zone::utc(), self.shards, all).unwrap();
        let mut it = self.store.lock();
        it.rows.insert(Key::limits(&key_row().tenant), row.to_item());
        it.truth.limits = limits;
    }

    fn written(&self) -> KillWrite {
        KillWrite { by: Code::literal("usr_a"), reason: Code::literal("incident"), at: self.store.now() }
    }

    fn stop(&self, level: usize, scope: KillScope) {
        let switch = &switches()[level];
        let writes = KillOp::stop(scope, None, [Code::literal("usr_a")]).to_writes(switch, &self.written());
        let _ = self.store.change(&writes, |it| it.truth.stopped.extend([(level, scope)]));
    }

    fn recover(&self, level: usize, stale: bool) {
        let switch = &switches()[level];
        let mut row = KillRow::from_item(&self.store.lock().rows[&switch.keys()[0]]).unwrap();
        row.version -= u64::from(stale);
        let writes = KillOp::recover(&row).to_writes(switch, &self.written());
        // What was stopped since somebody looked stays stopped.
        let told = |it: &mut store::Inside| {
            if !stale {
                it.truth.stopped.retain(|(at, _)| *at != level)
            }
        };
        let _ = self.store.change(&writes, told);
    }

    /// All run to their end, and the store answers.
    fn finish(&mut self) {
        self.store.lock().faults.clear();
        while !self.tasks.is_empty() {
            self.go(0, usize::MAX);
        }
    }

    /// In the end nothing is held, all of it is counted, and whoever calls is let through.
    fn end(&mut self) {
        self.finish();
        self.wait(1_260_000);
        self.step(Step::Sweep);
        self.finish();
        let held = |it: &store::Inside| it.truth.calls.values().any(|one| one.budget == truth::Budget::Held);
        assert!(!held(&self.store.lock()), "something is held for ever");
        (0..4).for_each(|level| self.recover(level, false));
        self.limit(ENOUGH);
        self.wait(CAP_MS);
        // Two probes close a breaker.
        for _ in 0..3 {
            let calls = self.store.lock().truth.seen.get("a call").copied();
            self.step(Step::Call(Asked { agent: 0, size: 0, answers: [Some(Answer::Good(9)); 2] }));
            self.finish();
            assert_ne!(self.store.lock().truth.seen.get("a call").copied(), calls, "nobody is let through");
        }
        let first = &providers().0[0];
        let it = self.store.lock();
        for key in [failover::endpoint(first), failover::own(first)] {
            assert!(
                it.truth.doors.get(&key).is_none_or(|door| door.is_closed()),
                "it is well and stays shut"
            );
        }
    }
}

/// What a good search comes upon.
const REACHED: [&str; 14] = [
    "a call",
    "a cut",
    "a fallback",
    "a probe",
    "an orphan",
    "breaker_open",
    "budget_exceeded",
    "closed",
    "killed_agent",
    "killed_platform",
    "late",
    "opened",
    "opened again",
    "turned away after the decision",
];

type Run = (u8, usize, Answer, Vec<Step>, Vec<Option<Fault>>);

fn run((shards, limits, mood, steps, faults): Run) -> BTreeMap<&'static str, u64> {
    let store = Store::new(shards, faults);
    let mut world = World::new(&store, shards, limits, mood);
    for step in steps {
        world.step(step);
        store.check();
    }
    world.end();
    drop(world);
    let it = store.lock();
    it.truth.seen.clone()
}

/// Whatever happens in whatever order: no more is spent and held than a call's limits allow, at any level; whoever reads a
/// switch that is on never calls; nobody passes an open breaker, and a half-open one lets one probe pass for each lease; only
/// what a breaker hears of opens it; whoever is turned away is told what is so; and in the end nothing is held, everything is
/// counted once, and calls go through.
#[test]
fn kill_switches_budgets_and_breakers_agree() {
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    let steps = prop::collection::vec(step(), 1..200);
    let faults = prop_oneof![Just(Vec::new()), prop::collection::vec(fault(), 0..600)];
    let all = (prop::sample::select(vec![1_u8, 3]), 0..LIMITS.len(), Answer::any(), steps, faults);
    let reached = Mutex::new(BTreeMap::<&str, u64>::new());
    let searched = TestRunner::new(config).run(&all, |one| {
        let seen = run(one);
        let mut reached = reached.lock().unwrap();
        seen.into_iter().for_each(|(what, count)| *reached.entry(what).or_default() += count);
        Ok(())
    });
    searched.unwrap_or_else(|error| panic!("{error}"));
    let reached = reached.into_inner().unwrap();
    println!("{reached:#?}");
    for what in REACHED {
        assert!(reached.contains_key(what), "the search never came upon: {what}");
    }
}
