//! What a probe means for the endpoint's breaker, which all tenants share. A breaker is told; calls go where the gateway sends
//! them.
//!
//! | the breaker is | what a run does |
//! |---|---|
//! | closed | probes; if that fails, once more; if that fails too, it opens it |
//! | open, its time not over, or somebody else probes | probes for the status alone |
//! | open, its time over; half open | takes the lease as any caller does, and so closes what nobody calls |

use domain::{
    ActionId, Actor, ActorType, AuditRecord, Code, Decided, Description, EventId, EventType, MetaValue,
    Metadata, OrgId, Phase, Provider, RECORD_VERSION, Reason, Region, TenantId, Timestamp,
};
use tables::Key;
use tables::codec::Row as _;
use tables::gates::breaker::{self, BreakerRow, Change, Gate, Health, Report, SUCCESSES};

use crate::effects::{Effects, PROBE_PAUSE};
use crate::probe::Found;

impl Effects {
    /// Probes an endpoint as its breaker allows. `ask` is one probe.
    pub async fn feed(&self, provider: &Provider, ask: impl AsyncFn() -> Found) -> Found {
        let key = Key::endpoint_breaker(provider.endpoint());
        // A row that cannot be read is not written over.
        let Ok(item) = self.dynamo.get(&key).await else { return ask().await };
        let Ok(row) = item.map(|item| BreakerRow::from_item(&item)).transpose() else { return ask().await };
        match breaker::gate(row.as_ref(), aws::now()) {
            Gate::Open { .. } => ask().await,
            Gate::Closed => self.closed(provider, &key, row.as_ref(), ask).await,
            Gate::Probe => self.half_open(provider, &key, row, ask).await,
        }
    }

    async fn closed(
        &self,
        provider: &Provider,
        key: &Key,
        row: Option<&BreakerRow>,
        ask: impl AsyncFn() -> Found,
    ) -> Found {
        let first = ask().await;
        if first.health != Health::Ill {
            return first;
        }
        tokio::time::sleep(PROBE_PAUSE).await;
        let second = ask().await;
        if let Some(report) = report(false, second.health) {
            let told = breaker::condemn(&self.dynamo, key, row, &report).await;
            self.changed(provider, told.unwrap_or_default(), &report).await;
        }
        second
    }

    async fn half_open(
        &self,
        provider: &Provider,
        key: &Key,
        mut row: Option<BreakerRow>,
        ask: impl AsyncFn() -> Found,
    ) -> Found {
        let mut last = None;
        for _ in 0..SUCCESSES {
            let (Some(seen), Some(mut report)) = (row.take(), report(true, Health::Silent)) else { break };
            let leased = breaker::lease(&self.dynamo, key, &seen, report.action, report.now).await;
            let Ok(leased) = leased else { break };
            let found = ask().await;
            last = Some(found);
            (report.health, report.now) = (found.health, aws::now());
            let told = breaker::report(&self.dynamo, key, Some(&leased), &report).await.unwrap_or_default();
            self.changed(provider, told, &report).await;
            if told != Some(Change::Noted) || found.health != Health::Well {
                break;
            }
            let item = self.dynamo.get(key).await.ok().flatten();
            row = item.and_then(|item| BreakerRow::from_item(&item).ok());
        }
        match last {
            Some(found) => found,
            // Somebody else probes.
            None => ask().await,
        }
    }

    async fn changed(&self, provider: &Provider, change: Option<Change>, report: &Report) {
        let Some(record) = change.and_then(|change| event(self.region(), provider, change, report)) else {
            return;
        };
        tracing::warn!(
            event = record.event_type.as_str(),
            provider = provider.name.as_str(),
            "breaker.changed"
        );
        if self.audit.record(&[record]).await.is_err() {
            tracing::error!(action_id = %report.action, "breaker.not_recorded");
        }
    }
}

/// A report under an action of its own. Without random bytes there is none.
fn report(probed: bool, health: Health) -> Option<Report> {
    let now = aws::now();
    let jitter = u64::from_be_bytes(aws::random().ok()?);
    Some(Report { action: ActionId::new(now, aws::random().ok()?), probed, health, now, jitter })
}

/// The record of a breaker that a run opened or closed: the platform's own doing, in its own log.
fn event(region: Region, provider: &Provider, change: Change, report: &Report) -> Option<AuditRecord> {
    let code = |text: String| text.parse().ok().map(MetaValue::Code);
    let metadata = Metadata::default().with("breaker", MetaValue::Code(Code::literal("endpoint")));
    let metadata = metadata.with("endpoint", code(provider.endpoint().to_string())?);
    let (event, description, metadata) = match change {
        Change::Noted => return None,
        Change::Opened { failures, millis } => (
            EventType::BreakerOpened,
            "The platform's own probes of an endpoint failed: calls to it stop for a while.",
            metadata.count("failures", failures).count("open_ms", millis),
        ),
        Change::Closed => {
            (EventType::BreakerClosed, "The platform's own probes of an endpoint succeed again.", metadata)
        }
    };
    Some(AuditRecord {
        action_id: Some(report.action),
        provider: Some(provider.name.clone()),
        ..record(region, event, description, metadata, report.now)?
    })
}

fn record(
    region: Region,
    event: EventType,
    description: &'static str,
    metadata: Metadata,
    at: Timestamp,
) -> Option<AuditRecord> {
    Some(AuditRecord::new(
        RECORD_VERSION,
        EventId::new(at, aws::random().ok()?),
        at,
        region,
        OrgId::platform(),
        TenantId::platform(),
        event,
        Phase::Single,
        ActorType::System,
        Actor::system(),
        Code::literal("health.probe"),
        Decided::Allow,
        Code::literal(Reason::Completed.as_str()),
        Description::literal(description),
        metadata,
    ))
}
