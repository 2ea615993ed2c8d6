//! Breakers of a call: which rows say whether a provider may be called, what an ending says about it, and whether another
//! provider is tried. Pure, but for the two writes at the end.
//!
//! Two rows stand before every provider. The **endpoint's** is shared by all tenants that call it, so it hears only of
//! what no caller causes: no connection, gateways that answer in a provider's stead. The tenant's **own** hears of what
//! its credential or its content can cause: a refused credential, an answer that does not come, a 500.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use caller::{LoadFault, Loaded, Unreadable};
use domain::{
    ActionId, AuditRecord, Code, Decided, EventId, EventType, MetaValue, Metadata, Phase, Provider,
    ProviderId, Providers, Reason, Region, ShortDigest, TenantId, Timestamp,
};
use tables::Key;
use tables::gates::breaker::{
    self, BASE_MS, BreakerRow, BreakerStore, Change, Gate, Health, NotLeased, NotReported, Report,
};

use crate::effects::{Effects, WRITE_LIMIT, in_time};
use crate::outcome::{Ended, Spent};
use crate::plan::Call;
use crate::records::Entry;

/// The breakers as they were read, absent ones included. One that was not read is as good as unreadable.
#[derive(Debug, Clone, Default)]
pub struct Breakers(BTreeMap<Key, Result<Option<BreakerRow>, Unreadable>>);

impl Breakers {
    /// What the rows of `keys` say, all of which were asked for.
    pub fn of(loaded: &Loaded, keys: &[Key]) -> Self {
        Self(keys.iter().map(|key| (key.clone(), loaded.written(key))).collect())
    }

    /// All of a tenant's breakers, with no row anywhere.
    #[cfg(test)]
    pub fn closed(tenant: &TenantId, providers: Option<&Providers>, region: Region) -> Self {
        let keys = providers.map(|providers| keys(tenant, providers, region)).unwrap_or_default();
        Self(keys.into_iter().map(|key| (key, Ok(None))).collect())
    }

    #[cfg(test)]
    pub fn put(&mut self, key: Key, row: Result<Option<BreakerRow>, Unreadable>) {
        self.0.insert(key, row);
    }

    /// How a call passes both breakers of a provider.
    ///
    /// # Errors
    /// When to come again.
    pub fn passage(
        &self,
        tenant: &TenantId,
        provider: &Provider,
        now: Timestamp,
    ) -> Result<Passage, Timestamp> {
        let [endpoint, own] = keys_of(tenant, provider).map(|key| self.door(key, now));
        match (endpoint, own) {
            (Ok(endpoint), Ok(own)) => Ok(Passage { endpoint, own, more: false }),
            (Err(one), Err(other)) => Err(one.max(other)),
            (Err(until), Ok(_)) | (Ok(_), Err(until)) => Err(until),
        }
    }

    fn door(&self, key: Key, now: Timestamp) -> Result<Door, Timestamp> {
        let row = match self.0.get(&key) {
            Some(Ok(row)) => row.clone(),
            Some(Err(Unreadable)) | None => return Err(now.plus_millis(BASE_MS)),
        };
        match breaker::gate(row.as_ref(), now) {
            Gate::Open { until } => Err(until),
            Gate::Closed => Ok(Door { key, row, probes: false }),
            Gate::Probe => Ok(Door { key, row, probes: true }),
        }
    }
}

/// The endpoint's breaker, and the tenant's own.
fn keys_of(tenant: &TenantId, provider: &Provider) -> [Key; 2] {
    let credential = ShortDigest::of_credential(&provider.credential);
    [Key::endpoint_breaker(provider.endpoint()), Key::own_breaker(tenant, &provider.id, credential)]
}

/// The breakers of every provider that this region may call.
pub fn keys(tenant: &TenantId, providers: &Providers, region: Region) -> Vec<Key> {
    let here = providers.0.iter().filter(|provider| provider.region == region);
    let keys: BTreeSet<_> = here.flat_map(|provider| keys_of(tenant, provider)).collect();
    keys.into_iter().collect()
}

/// Which breakers a tenant's calls need, so that they are read with everything else: addresses, never what they say.
#[derive(Debug, Default)]
pub struct Places(Mutex<HashMap<TenantId, Vec<Key>>>);

/// So many breakers are read with everything else.
const MAX_KEYS: usize = 60;

/// Beyond this many the memory is emptied: it saves one read, nothing more.
const MAX_PLACES: usize = 10_000;

impl Places {
    pub fn get(&self, tenant: &TenantId) -> Vec<Key> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned().unwrap_or_default()
    }

    pub fn put(&self, tenant: &TenantId, mut keys: Vec<Key>) {
        // One trip has room for a hundred rows; what does not fit is read in the next, every time.
        keys.truncate(MAX_KEYS);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_PLACES {
            kept.clear();
        }
        kept.insert(tenant.clone(), keys);
    }
}

/// One breaker that a call passes.
#[derive(Debug, Clone)]
pub struct Door {
    pub key: Key,
    pub row: Option<BreakerRow>,
    /// Whether it passes only as the one that probes.
    pub probes: bool,
}

/// The breakers that a call passes on its way to a provider.
#[derive(Debug, Clone)]
pub struct Passage {
    pub endpoint: Door,
    pub own: Door,
    /// Whether another provider could be tried if this one does nothing.
    pub more: bool,
}

/// A try that is over without any work of its provider's: the next provider may be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub provider: ProviderId,
    pub action: ActionId,
}

/// The tries of one request so far, oldest first. Each is an action of its own: allowed, held, recorded and settled by
/// itself, so that a provider is never called on the strength of what was recorded of another.
#[derive(Debug, Clone, Default)]
pub struct Tried(pub Vec<Failed>);

/// So many providers are tried for one request, and no more.
pub const MAX_TRIES: usize = 3;

impl Tried {
    pub fn has(&self, provider: &ProviderId) -> bool {
        self.0.iter().any(|one| one.provider == *provider)
    }

    /// Whether one more try would be one too many.
    pub fn last(&self) -> bool {
        self.0.len().saturating_add(1) >= MAX_TRIES
    }

    /// The action that the next try comes after.
    pub fn before(&self) -> Option<ActionId> {
        self.0.last().map(|one| one.action)
    }
}

/// Whether the next provider may be tried: this one certainly did no work, and the caller is not to blame.
pub fn next(call: &Call, ended: &Ended) -> Option<Failed> {
    let passed_over = matches!(
        ended.reason,
        Reason::ProviderUnreachable
            | Reason::ProviderUnavailable
            | Reason::ProviderThrottled
            | Reason::ProviderCredential
            | Reason::BreakerOpen
    );
    let next = call.passage.more && passed_over && ended.spent == Spent::Nothing;
    next.then(|| Failed { provider: call.provider.id.clone(), action: call.action_id })
}

/// Takes the leases that the call needs to pass; most need none.
///
/// # Errors
/// Another call has one of them, or nobody can say.
pub async fn leases<S: BreakerStore>(store: &S, call: &Call, now: Timestamp) -> Result<(), NotLeased> {
    let lease = async |door: &Door| match &door.row {
        Some(row) if door.probes => {
            breaker::lease(store, &door.key, row, call.action_id, now).await.map(|_| ())
        }
        _ => Ok(()),
    };
    lease(&call.passage.endpoint).await.and(lease(&call.passage.own).await)
}

/// Tells a breaker how the call that passed it ended.
///
/// # Errors
/// See [`NotReported`].
pub async fn told<S: BreakerStore>(
    store: &S,
    door: &Door,
    report: &Report,
) -> Result<Option<Change>, NotReported> {
    breaker::report(store, &door.key, seen(door, report).as_ref(), report).await
}

/// What an ending says of the endpoint, and of what is the tenant's own.
pub fn health(ended: &Ended) -> [Health; 2] {
    use Health::{Ill, Silent, Well};
    match (ended.reason, ended.status) {
        (Reason::Completed | Reason::ToolForbidden, _) => [Well, Well],
        (Reason::ProviderUnreachable | Reason::ProviderUnavailable, _) => [Ill, Silent],
        (Reason::ProviderBroken, None) => [Ill, Silent],
        // A long answer to a long question: the tenant's own.
        (Reason::ProviderTimeout, None) => [Silent, Ill],
        (Reason::ProviderError, Some(500)) => [Silent, Ill],
        (Reason::ProviderError, Some(501)) => [Well, Silent],
        (Reason::ProviderError, Some(502..)) => [Ill, Silent],
        (Reason::ProviderCredential, _) => [Well, Ill],
        // It answers, and what it says is about the call.
        (Reason::ProviderRejected, _) => [Well, Silent],
        // Throttled, cut off in the middle, or never sent.
        _ => [Silent, Silent],
    }
}

impl Effects {
    /// The breakers of the tenant's providers: those that were read with everything else, and the rest in one more trip.
    ///
    /// # Errors
    /// The trip failed. The caller is known, so its refusal is recorded.
    pub async fn with_breakers(
        &self,
        mut loaded: Loaded,
        asked: &[Key],
        region: Region,
    ) -> Result<(Loaded, Breakers), LoadFault> {
        let tenant = loaded.caller.row().tenant.clone();
        // Without a list of providers there is nothing to call.
        let Some(providers) = loaded.find::<Providers>(&Key::providers(&tenant)) else {
            return Ok((loaded, Breakers::default()));
        };
        let wanted = keys(&tenant, &providers, region);
        let missing: Vec<_> = wanted.iter().filter(|key| !asked.contains(key)).cloned().collect();
        if !missing.is_empty() {
            if loaded.also(&self.dynamo, &missing).await.is_err() {
                return Err(LoadFault::Unread(Box::new(loaded.caller)));
            }
            self.breakers.put(&tenant, wanted.clone());
        }
        let breakers = Breakers::of(&loaded, &wanted);
        Ok((loaded, breakers))
    }

    /// Takes the leases that the call needs to pass.
    ///
    /// # Errors
    /// See [`leases`].
    pub async fn pass(&self, call: &Call, now: Timestamp) -> Result<(), Reason> {
        let leases = leases(&self.dynamo, call, now);
        in_time(leases, NotLeased).await.map_err(|NotLeased| Reason::BreakerOpen)
    }

    /// Tells both breakers how a call ended, and records what that changed. Nothing of the answer depends on it.
    pub async fn tell_breakers(&self, call: &Call, ended: &Ended, now: Timestamp) {
        let [endpoint, own] = health(ended);
        let Passage { endpoint: shared, own: tenants, .. } = &call.passage;
        futures_util::join!(
            self.tell(call, shared, endpoint, "endpoint", now),
            self.tell(call, tenants, own, "credential", now)
        );
    }

    async fn tell(&self, call: &Call, door: &Door, health: Health, whose: &'static str, now: Timestamp) {
        let Ok(jitter) = aws::random::<8>() else { return };
        let report = Report {
            action: call.action_id,
            probed: door.probes,
            health,
            now,
            jitter: u64::from_be_bytes(jitter),
        };
        let change = tokio::time::timeout(WRITE_LIMIT, told(&self.dynamo, door, &report)).await;
        match change {
            Ok(Ok(Some(change))) => self.changed(call, change, whose, now).await,
            Ok(Ok(None)) => {}
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(action_id = %call.action_id, whose, "breaker.not_told");
            }
        }
    }

    async fn changed(&self, call: &Call, change: Change, whose: &'static str, now: Timestamp) {
        let Ok(random) = aws::random::<10>() else { return };
        let Some(record) = event(call, change, whose, EventId::new(now, random), now) else { return };
        // An alarm counts the openings.
        tracing::warn!(event = record.event_type.as_str(), action_id = %call.action_id, whose, "breaker.changed");
        if in_time(self.audit.record(&[record]), aws::NotRecorded).await.is_err() {
            tracing::error!(action_id = %call.action_id, whose, "breaker.not_recorded");
        }
    }
}

/// The row as this call last knew it: with its lease, if it took one.
fn seen(door: &Door, report: &Report) -> Option<BreakerRow> {
    let row = door.row.as_ref()?;
    if !door.probes {
        return Some(row.clone());
    }
    breaker::leased(row, report.action, report.action.created_at().unwrap_or(report.now))
}

/// The record of a breaker that this call opened or closed.
fn event(
    call: &Call,
    change: Change,
    whose: &'static str,
    event_id: EventId,
    at: Timestamp,
) -> Option<AuditRecord> {
    let metadata = Metadata::default().with("breaker", MetaValue::Code(Code::literal(whose)));
    let metadata = metadata.with(
        "provider_id",
        // An id of ours is a code.
        MetaValue::Code(call.provider.id.as_str().parse().unwrap_or_else(|_| Code::literal("unknown"))),
    );
    let (event, description, metadata) = match change {
        Change::Noted => return None,
        Change::Opened { failures, millis } => (
            EventType::BreakerOpened,
            "A provider failed too often: calls to it stop for a while.",
            metadata.count("failures", failures).count("open_seconds", millis.div_ceil(1_000)),
        ),
        Change::Closed => {
            (EventType::BreakerClosed, "A provider answers again: calls to it go on.", metadata)
        }
    };
    let entry = Entry {
        at,
        event_id,
        seal_random: None,
        event,
        phase: Phase::Single,
        decision: Decided::Allow,
        reason: Reason::Allowed,
        description,
        metadata,
    };
    let mut record = call.scribe.record(call.action_id, entry);
    record.provider = Some(call.provider.name.clone());
    record.provider_region = Some(call.provider.region);
    Some(record)
}

#[cfg(test)]
mod tests;
