//! `countersign ops kill`: turns a kill switch on or off, or shows it.
//!
//! Stopping is told first and then done, and is done even if it cannot be told: an audit queue that is down must not keep an
//! emergency running. Recovering is done only if it could be told.

use std::error::Error;

use aws::Dynamo;
use domain::{Code, EventType, KillRow, KillWrite, MetaValue, Metadata};
use policy::{OPERATOR, may_recover};
use tables::codec::Row as _;
use tables::{GateFault, KeyStore as _, KillOp, Switch};

use crate::args;
use crate::keys::{KeysError, TRIES};
use crate::ops::{Bench, Told};
use crate::print;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Why a switch was not turned.
#[derive(Debug, thiserror::Error)]
pub enum KillError {
    #[error("name one switch: --platform, --org, --tenant, or --tenant with --agent")]
    OneSwitch,
    #[error("say why, as a code for the audit trail: --reason incident_4711")]
    NoReason,
    #[error(
        "the switch was NOT confirmed as {wanted}: it may be or not; run the same command again, then --show. \
         Check CS_TABLE_KILL and that you act as the role operator"
    )]
    NotConfirmed { wanted: &'static str },
    #[error(
        "there is no such switch, so nothing can be recovered: whatever it stands above is refused until it is stopped once"
    )]
    NoSwitch,
    #[error(
        "the switch is at version {found}, and was turned since version {seen}: look at it again with --show"
    )]
    TurnedSince { found: u64, seen: u64 },
    #[error(
        "the switch was turned by another at the same moment, so it stays as it is: look at it again with --show"
    )]
    LostRace,
    #[error("nothing is stopped by this switch")]
    NothingStopped,
    #[error(transparent)]
    SamePerson(#[from] policy::SamePerson),
    #[error(transparent)]
    Keys(#[from] KeysError),
}

pub async fn run(get: Get<'_>, wanted: args::Kill) -> Result<(), Box<dyn Error>> {
    let switch = switch(&wanted)?;
    let bench = match (&switch, &wanted.tenant) {
        (Switch::Tenant(_) | Switch::Agent(..), Some(tenant)) => Bench::open(get, tenant).await?,
        _ => Bench::platform(get).await?,
    };
    if wanted.show {
        return show(&bench.store, &switch).await;
    }
    let reason = wanted.reason.clone().ok_or(KillError::NoReason)?;
    let written = KillWrite { by: Code::literal(OPERATOR), reason, at: aws::now() };
    if wanted.recover {
        recover(&bench, &switch, &wanted, &written).await?;
    } else {
        stop(&bench, &switch, &wanted, &written).await?;
    }
    show(&bench.store, &switch).await
}

fn switch(wanted: &args::Kill) -> Result<Switch, KillError> {
    match (wanted.platform, &wanted.org, &wanted.tenant, &wanted.agent) {
        (true, None, None, None) => Ok(Switch::Platform),
        (false, Some(org), None, None) => Ok(Switch::Org(org.clone())),
        (false, None, Some(tenant), None) => Ok(Switch::Tenant(tenant.clone())),
        (false, None, Some(tenant), Some(agent)) => Ok(Switch::Agent(tenant.clone(), agent.clone())),
        _ => Err(KillError::OneSwitch),
    }
}

fn told(event: EventType, switch: &Switch, written: &KillWrite, metadata: Metadata) -> Told {
    let stops = event == EventType::KillActivated;
    Told {
        event,
        action: if stops { "kill.activate" } else { "kill.recover" },
        description: if stops {
            "An operator turns a kill switch on: whatever is below it is refused from then on."
        } else {
            "An operator turns a kill switch off."
        },
        resource: switch.resource(),
        subject: None,
        metadata: metadata
            .with("level", MetaValue::Code(Code::literal(switch.level().as_str())))
            .with("why", MetaValue::Code(written.reason.clone())),
    }
}

async fn stop(
    bench: &Bench,
    switch: &Switch,
    wanted: &args::Kill,
    written: &KillWrite,
) -> Result<(), KillError> {
    let scope = MetaValue::Code(Code::literal(wanted.scope.as_str()));
    let told = told(EventType::KillActivated, switch, written, Metadata::default().with("scope", scope));
    let begun = bench.attempt(&told).await;
    // What cannot be read keeps nothing from being stopped.
    let seen = read(&bench.store, switch).await.ok().flatten();
    let op = KillOp::stop(wanted.scope, seen.as_ref(), [written.by.clone()]);
    let done = turn(&bench.store, switch, &op, written).await;
    match begun {
        Ok(action) => bench.outcome(&told, action, done.is_ok()).await?,
        Err(_) => print::error(
            "warning: the audit queue did not acknowledge the record of this stop: write it down",
        ),
    }
    done
}

async fn recover(
    bench: &Bench,
    switch: &Switch,
    wanted: &args::Kill,
    written: &KillWrite,
) -> Result<(), KillError> {
    let row = read(&bench.store, switch).await?.ok_or(KillError::NoSwitch)?;
    if let Some(seen) = wanted.seen.filter(|seen| *seen != row.version) {
        return Err(KillError::TurnedSince { found: row.version, seen });
    }
    if row.stopped.is_empty() {
        return Err(KillError::NothingStopped);
    }
    may_recover(&row, &written.by)?;
    let told =
        told(EventType::KillRecovered, switch, written, Metadata::default().count("version", row.version));
    let op = KillOp::recover(&row);
    bench.recorded(told, turn(&bench.store, switch, &op, written), |metadata, ()| metadata).await
}

/// Writes all rows of a switch, or none. Stopping again stops the same; recovering again finds another version.
pub(crate) async fn turn(
    store: &Dynamo,
    switch: &Switch,
    op: &KillOp,
    written: &KillWrite,
) -> Result<(), KillError> {
    let mut perhaps = false;
    for _ in 0..TRIES {
        match store.write_all(op.to_writes(switch, written)).await {
            Ok(()) => return Ok(()),
            Err(GateFault::Condition(_)) => {
                let now = read(store, switch).await?;
                // Ours, when an earlier try was written after all.
                let ours =
                    now.is_some_and(|row| row.stopped.is_empty() && row.last.as_ref() == Some(written));
                return if perhaps && ours { Ok(()) } else { Err(KillError::LostRace) };
            }
            Err(GateFault::NotWritten) => {}
            Err(GateFault::Unknown) => perhaps = true,
        }
    }
    let wanted = if matches!(op, KillOp::Stop { .. }) { "stopped" } else { "recovered" };
    Err(KillError::NotConfirmed { wanted })
}

pub(crate) async fn read(store: &Dynamo, switch: &Switch) -> Result<Option<KillRow>, KillError> {
    let Some(key) = switch.keys().into_iter().next() else { return Ok(None) };
    let item = store.read(&key).await.map_err(KeysError::from)?;
    item.map(|item| KillRow::from_item(&item).map_err(|_| KeysError::Unreadable.into())).transpose()
}

async fn show(store: &Dynamo, switch: &Switch) -> Result<(), Box<dyn Error>> {
    let heading = ["switch", "stops", "version", "turned by", "why", "when"].map(str::to_owned).to_vec();
    let row = match read(store, switch).await? {
        None => [switch.resource(), "everything: there is no such row".to_owned()].to_vec(),
        Some(row) => line(switch, &row),
    };
    print::table(&[heading, row])
}

fn line(switch: &Switch, row: &KillRow) -> Vec<String> {
    let stops: Vec<_> = row.stopped.iter().map(|scope| scope.as_str()).collect();
    let stops = if stops.is_empty() { "nothing".to_owned() } else { stops.join(",") };
    let last = row.last.as_ref();
    let said = |text: Option<String>| text.unwrap_or_default();
    vec![
        switch.resource(),
        stops,
        row.version.to_string(),
        said(last.map(|last| last.by.to_string())),
        said(last.map(|last| last.reason.to_string())),
        said(last.map(|last| last.at.to_string())),
    ]
}
