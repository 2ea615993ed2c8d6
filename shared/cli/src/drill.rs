//! `countersign ops drill`: turns a tenant's kill switch on and off while calls run, and measures how fast it is.
//!
//! One call runs when the switch is turned; others are begun one after the other. What is measured: commit → first refusal →
//! last byte of the call that ran → recovery. The switch is recovered whatever happens, and the figures are recorded.

use std::cell::Cell;
use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use domain::{Code, DrillKind, EventType, KillScope, KillWrite, Metadata, Name, Timestamp};
use egress::{Answer, Client, Headers, Target};
use policy::OPERATOR;
use serde::Serialize;
use tables::{KillOp, Switch};
use zeroize::Zeroizing;

use crate::args;
use crate::drilled;
use crate::keys::KeysError;
use crate::kill::{KillError, read, turn};
use crate::ops::{Bench, Told};
use crate::print;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Why a drill did not come to its end. The switch is off again unless the error says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    #[error("repeat the tenant whose calls are to be cut: --confirm {0}")]
    NotConfirmed(String),
    #[error("CS_GATEWAY_KEY is not set: put a gateway key of the tenant into it")]
    NoKey,
    #[error("--gateway: {0}")]
    Url(#[from] egress::TargetError),
    #[error("the gateway cannot be called from here")]
    NoClient,
    #[error(
        "a call before the drill was not served (status {0}): is the key the tenant's, and the model its provider's?"
    )]
    NotServed(u16),
    #[error("the switch is on already: recover it first, or find out why it is")]
    AlreadyOn,
    #[error("a call that began after the switch was committed was let in")]
    LetIn,
    #[error("no call was refused within {0} s of the switch")]
    NeverRefused(u64),
    #[error("no call was served within {0} s of the recovery")]
    NeverRecovered(u64),
    #[error("the switch could NOT be turned off again: run ops kill --recover")]
    StillOn,
    #[error(transparent)]
    Kill(#[from] KillError),
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// What was measured, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Figures {
    /// From the command to DynamoDB's word that the switch is on.
    commit_ms: u64,
    /// From there to the first refusal that a caller had in hand.
    first_refusal_ms: u64,
    /// From the commit to the last byte of the call that ran; none if it ended by itself before.
    cut_ms: Option<u64>,
    /// From the command that recovers to the first call that was served again.
    recovery_ms: u64,
    /// Calls that were begun after the commit and let in. Always 0: any other number is a failed drill.
    let_in: u64,
    refused: u64,
}

/// How long is waited for a first refusal, and for a first call that is served again.
const PATIENCE: Duration = Duration::from_secs(30);
/// The call that runs is given this long to be on its way.
const HEAD_START: Duration = Duration::from_millis(1_500);
const CALL_LIMIT: Duration = Duration::from_secs(120);

pub async fn run(get: Get<'_>, wanted: args::Drill) -> Result<(), Box<dyn Error>> {
    if wanted.confirm != wanted.tenant {
        return Err(DrillError::NotConfirmed(wanted.tenant.to_string()).into());
    }
    let key = get("CS_GATEWAY_KEY").filter(|key| !key.is_empty()).ok_or(DrillError::NoKey)?;
    let bench = Bench::open(get, &wanted.tenant).await?;
    let caller = Caller::new(&bench, &wanted, key.into())?;
    let switch = Switch::Tenant(wanted.tenant.clone());
    if read(&bench.store, &switch).await?.is_some_and(|row| !row.stopped.is_empty()) {
        return Err(DrillError::AlreadyOn.into());
    }
    caller.served().await?;
    let told = Told {
        event: EventType::DrillKill,
        action: "drill.kill",
        description: "An operator turns a tenant's kill switch on and off, to see that it works and how fast.",
        resource: format!("kill:{}", wanted.tenant),
        subject: None,
        metadata: Metadata::default(),
    };
    let began = aws::now();
    let held = bench.recorded(told, drill(&bench, &caller, &switch), recorded).await;
    drilled::keep(&bench.store, DrillKind::Kill, held.is_ok(), aws::now().millis_since(began)).await?;
    let figures = held?;
    if wanted.json { print::json(&figures) } else { print::table(&rows(&figures)) }
}

fn recorded(metadata: Metadata, figures: &Figures) -> Metadata {
    let metadata = metadata
        .count("commit_ms", figures.commit_ms)
        .count("first_refusal_ms", figures.first_refusal_ms)
        .count("recovery_ms", figures.recovery_ms)
        .count("let_in", figures.let_in)
        .count("refused", figures.refused);
    match figures.cut_ms {
        Some(cut) => metadata.count("cut_ms", cut),
        None => metadata.flag("call_ended_by_itself", true),
    }
}

fn rows(figures: &Figures) -> Vec<Vec<String>> {
    let ms = |count: u64| format!("{count} ms");
    let cut = figures.cut_ms.map_or_else(|| "the call ended by itself before".to_owned(), ms);
    [
        ("step", "took".to_owned()),
        ("switch written and confirmed", ms(figures.commit_ms)),
        ("from there to the first refusal", ms(figures.first_refusal_ms)),
        ("from there to the last byte of the call that ran", cut),
        ("calls begun after the commit and let in", figures.let_in.to_string()),
        ("calls refused meanwhile", figures.refused.to_string()),
        ("from the recovery to the first call served", ms(figures.recovery_ms)),
    ]
    .map(|(step, took)| vec![step.to_owned(), took])
    .to_vec()
}

/// The call that runs, and beside it the drill.
async fn drill(bench: &Bench, caller: &Caller, switch: &Switch) -> Result<Figures, DrillError> {
    let over = Cell::new(false);
    let running = async {
        let answer = caller.call(true).await;
        over.set(true);
        (aws::now(), answer)
    };
    let ((ended, answer), turned) = tokio::join!(running, turned(bench, caller, switch, &over));
    let turned = turned?;
    let cut = killed(answer.as_ref()) && ended >= turned.committed;
    Ok(Figures {
        commit_ms: turned.committed.millis_since(turned.ordered),
        first_refusal_ms: turned.refused_at.millis_since(turned.committed),
        cut_ms: cut.then(|| ended.millis_since(turned.committed)),
        recovery_ms: turned.served_at.millis_since(turned.recovering),
        let_in: 0,
        refused: turned.refused,
    })
}

struct Turned {
    ordered: Timestamp,
    committed: Timestamp,
    refused_at: Timestamp,
    refused: u64,
    recovering: Timestamp,
    served_at: Timestamp,
}

async fn turned(
    bench: &Bench,
    caller: &Caller,
    switch: &Switch,
    over: &Cell<bool>,
) -> Result<Turned, DrillError> {
    tokio::time::sleep(HEAD_START).await;
    let written = |at| KillWrite { by: Code::literal(OPERATOR), reason: Code::literal("drill"), at };
    let ordered = aws::now();
    let stop = KillOp::stop(KillScope::Llm, None, [Code::literal(OPERATOR)]);
    turn(&bench.store, switch, &stop, &written(ordered)).await?;
    let committed = aws::now();
    let refusal = caller.first_refusal().await;
    // The call that runs is cut within a second: off again before that, the switch would not be seen.
    while !over.get() && aws::now().millis_since(committed) < millis(PATIENCE) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Whatever was seen, the switch goes off again.
    let recovering = aws::now();
    let row = read(&bench.store, switch).await?.ok_or(DrillError::StillOn)?;
    let off = turn(&bench.store, switch, &KillOp::recover(&row), &written(recovering)).await;
    off.map_err(|_| DrillError::StillOn)?;
    let (refused_at, refused) = refusal?;
    let served_at = caller.served_again().await?;
    Ok(Turned { ordered, committed, refused_at, refused, recovering, served_at })
}

/// Calls of the tenant's gateway.
struct Caller {
    client: Client,
    target: Target,
    key: Zeroizing<String>,
    model: Name,
    long_answer: u32,
}

impl Caller {
    fn new(bench: &Bench, wanted: &args::Drill, key: Zeroizing<String>) -> Result<Self, DrillError> {
        let reach = bench.ring.reach;
        let client = Client::new(&egress::Config {
            reach,
            roots: egress::Roots::System,
            connect_timeout: Duration::from_secs(5),
            max_response_bytes: 8 * 1024 * 1024,
        });
        Ok(Self {
            client: client.map_err(|_| DrillError::NoClient)?,
            target: Target::parse(&wanted.gateway, reach)?,
            key,
            model: wanted.model.clone(),
            long_answer: wanted.long_answer_tokens,
        })
    }

    /// A call that is long, or as short as one can be.
    async fn call(&self, long: bool) -> Option<Answer> {
        let (words, tokens) =
            if long { ("Count to ten thousand.", self.long_answer) } else { ("Say one word.", 1) };
        let body = serde_json::json!({
            "model": self.model, "max_tokens": tokens, "messages": [{"role": "user", "content": words}],
        });
        let headers = Headers::bearer(&self.key).ok()?;
        let body = Bytes::from(body.to_string());
        self.client.post_json(&self.target, "chat/completions", headers, body, CALL_LIMIT).await.ok()
    }

    async fn served(&self) -> Result<(), DrillError> {
        match self.call(false).await {
            Some(answer) if answer.status == 200 => Ok(()),
            answer => Err(DrillError::NotServed(answer.map_or(0, |answer| answer.status))),
        }
    }

    /// Begins calls one after the other until three were refused: when the first was, and how many.
    async fn first_refusal(&self) -> Result<(Timestamp, u64), DrillError> {
        let (began, mut first, mut refused) = (aws::now(), None, 0);
        while aws::now().millis_since(began) < millis(PATIENCE) {
            let answer = self.call(false).await;
            match &answer {
                Some(answer) if answer.status == 200 => return Err(DrillError::LetIn),
                _ if killed(answer.as_ref()) => {
                    refused += 1;
                    let at = *first.get_or_insert_with(aws::now);
                    if refused == 3 {
                        return Ok((at, refused));
                    }
                }
                _ => {}
            }
        }
        Err(DrillError::NeverRefused(PATIENCE.as_secs()))
    }

    async fn served_again(&self) -> Result<Timestamp, DrillError> {
        let began = aws::now();
        while aws::now().millis_since(began) < millis(PATIENCE) {
            if self.served().await.is_ok() {
                return Ok(aws::now());
            }
        }
        Err(DrillError::NeverRecovered(PATIENCE.as_secs()))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whether the gateway's own words say that a kill switch is on.
fn killed(answer: Option<&Answer>) -> bool {
    const WORDS: &str = "killed_tenant";
    let says = |body: &[u8]| body.windows(WORDS.len()).any(|some| some == WORDS.as_bytes()).then_some(WORDS);
    answer.is_some_and(|answer| answer.body.as_ref().err().and_then(|body| body.classify(says)).is_some())
}
