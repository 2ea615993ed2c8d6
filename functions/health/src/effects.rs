//! The effects of a run, in their one order: read what is known; look and probe, side by side; tell breakers; write the day, then
//! the status; tell metrics.

use std::time::Duration;

use bytes::Bytes;
use domain::{
    CanaryRow, DrillKind, DrillRow, Name, Provider, Providers, Region, RootRow, StatusDocument, TenantId,
    Timestamp, Verdict, check,
};
use egress::{Certificates, Client, Target};
use envelope::{Aad, Plaintext, Purpose, Roots};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::status::{DayRow, begin_of, day_swap, publish, slot_of};
use tables::{GateFault, Item, Key, Table};

use crate::Config;
use crate::availability::{History, READ_DAYS};
use crate::decide::{self, Finding, Run, expiry};
use crate::probe::{self, Found};
use crate::watch::{Depth, Watch};

/// A code for the log.
pub type Fault = &'static str;

/// An endpoint that does not answer one token by then is no use to callers either.
const PROBE_LIMIT: Duration = Duration::from_secs(10);
/// Between a probe that failed and the one that confirms it.
pub const PROBE_PAUSE: Duration = Duration::from_secs(1);
/// How often a day's row is written over another run's.
const TRIES: usize = 4;
const UNREAD: Fault = "tables_unavailable";

pub struct Effects {
    pub(crate) dynamo: aws::Dynamo,
    pub(crate) audit: aws::AuditSender,
    pub(crate) client: Client,
    pub(crate) certificates: Certificates,
    pub(crate) watch: Watch,
    pub(crate) config: Config,
    roots: Roots<aws::KmsWrapper>,
}

/// Holds keys.
impl std::fmt::Debug for Effects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Effects").field("stack", &self.config.stack).finish_non_exhaustive()
    }
}

/// What is known before a run.
pub(crate) struct Known {
    pub(crate) providers: Providers,
    /// Whether that list could be read; nobody's list is empty.
    listed: bool,
    canary: Option<CanaryRow>,
    root: Option<RootRow>,
    drills: Vec<DrillRow>,
    before: Option<StatusDocument>,
}

impl Effects {
    pub fn new(sdk: &aws::SdkConfig, (client, certificates): (Client, Certificates), config: Config) -> Self {
        let kms = aws::KmsWrapper::new(sdk, config.kms_key_arn.clone());
        Self {
            dynamo: aws::Dynamo::new(sdk, config.tables.clone()),
            audit: aws::AuditSender::new(sdk, config.audit.clone()),
            client,
            certificates,
            watch: Watch::new(sdk),
            roots: Roots::new(kms, config.region),
            config,
        }
    }

    pub const fn region(&self) -> Region {
        self.config.region
    }

    /// The last status. A row that does not read is none: nobody knows.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn document(&self) -> Result<Option<StatusDocument>, Fault> {
        let item = self.dynamo.get(&Key::status()).await.map_err(|_| UNREAD)?;
        Ok(item.and_then(|item| StatusDocument::from_item(&item).ok()))
    }

    /// One run: what it found, in short.
    ///
    /// # Errors
    /// What is known could not be read, or what was found not be kept.
    pub async fn run(&self, now: Timestamp) -> Result<Value, Fault> {
        let known = self.known().await?;
        let (endpoints, canary, shown, (within, depths)) = futures_util::join!(
            Box::pin(self.endpoints(&known, now)),
            Box::pin(self.canary(&known, now)),
            Box::pin(self.certificates(&known)),
            Box::pin(self.watch.look(&self.config.watched, now)),
        );
        let (drills, expiry) = (
            decide::drills(&known.drills, now),
            expiry::expiry(known.canary.as_ref().and_then(|row| row.expires_at), &shown, now),
        );
        let finding = |name, (verdict, reason)| Finding::of(name, verdict, reason, 0);
        let own = [finding(check::DRILLS, drills), finding(check::EXPIRY, expiry)].into_iter().flatten();
        let findings = decide::merged(endpoints.into_iter().chain(canary).chain(within).chain(own).collect());
        let history = self.keep(&findings, now).await?;
        let run = Run {
            region: self.region(),
            began_at: now,
            ended_at: aws::now(),
            interval_ms: self.config.interval_ms,
            listed: known.listed,
        };
        let document = decide::document(run, &findings, known.before.as_ref(), &history);
        self.publish(&document).await?;
        self.tell(&findings, &depths);
        Ok(told(&findings, now))
    }

    async fn known(&self) -> Result<Known, Fault> {
        let tenant = TenantId::canary();
        let (providers, root) = (Key::providers(&tenant), Key::root(&tenant, Purpose::Credential.as_str()));
        let drills: Vec<_> = DrillKind::ALL.iter().map(|kind| Key::drill(*kind)).collect();
        let mut keys = vec![providers.clone(), root.clone(), Key::canary(), Key::status()];
        keys.extend(drills.iter().cloned());
        let rows = self.dynamo.batch_get(&keys).await.map_err(|_| UNREAD)?;
        let list =
            rows.get(&providers).map_or(Some(Providers(Vec::new())), |item| Providers::from_item(item).ok());
        let held = drills.iter().filter_map(|key| DrillRow::from_item(rows.get(key)?).ok());
        Ok(Known {
            listed: list.is_some(),
            providers: list.unwrap_or_else(|| Providers(Vec::new())),
            canary: rows.get(&Key::canary()).and_then(|item| CanaryRow::from_item(item).ok()),
            root: rows.get(&root).and_then(|item| RootRow::from_item(item).ok()),
            drills: held.collect(),
            before: rows.get(&Key::status()).and_then(|item| StatusDocument::from_item(item).ok()),
        })
    }

    async fn endpoints(&self, known: &Known, now: Timestamp) -> Vec<Finding> {
        let all = probe::endpoints(&known.providers, self.region());
        let one = async |provider: &&Provider| {
            let began = aws::now();
            let found = self.endpoint(known, provider, now).await;
            let millis = aws::now().millis_since(began);
            let name: Name = probe::name(provider)?;
            Some(Finding { name, ..Finding::of(check::GATEWAY, found.verdict, found.reason, millis)? })
        };
        join_all(all.iter().map(one)).await.into_iter().flatten().collect()
    }

    async fn endpoint(&self, known: &Known, provider: &Provider, now: Timestamp) -> Found {
        let Ok(target) = Target::parse(&provider.base_url, self.config.reach) else {
            return probe::MISCONFIGURED;
        };
        let target = match &provider.api_version {
            None => target,
            Some(version) => match target.with_api_version(version.as_str()) {
                Ok(target) => target,
                Err(_) => return probe::MISCONFIGURED,
            },
        };
        let Some(credential) = self.credential(known, provider, &target, now).await else {
            return probe::MISCONFIGURED;
        };
        self.feed(provider, async || self.ask(provider, &target, &credential).await).await
    }

    async fn ask(&self, provider: &Provider, target: &Target, credential: &Plaintext) -> Found {
        let Some((path, body)) = probe::request(provider) else { return probe::MISCONFIGURED };
        let headers = credential.as_str().and_then(|text| probe::presented(provider.kind, text).ok());
        let Some(headers) = headers else { return probe::MISCONFIGURED };
        let body = Bytes::from(body.to_string());
        probe::judge(&self.client.post_json(target, path, headers, body, PROBE_LIMIT).await)
    }

    async fn credential(
        &self,
        known: &Known,
        provider: &Provider,
        target: &Target,
        now: Timestamp,
    ) -> Option<Plaintext> {
        let tenant = TenantId::canary();
        let place = Key::providers(&tenant);
        let (table, id) = (place.table.as_str(), provider.id.as_str());
        let aad = Aad::credential(&tenant, table, &place.pk, &place.sk, id, &target.host());
        self.opened(known, &aad, &provider.credential, now).await
    }

    async fn opened(
        &self,
        known: &Known,
        aad: &Aad,
        sealed: &domain::SealedBytes,
        now: Timestamp,
    ) -> Option<Plaintext> {
        let (tenant, root) = (TenantId::canary(), known.root.as_ref()?);
        let opened = self.roots.open(&tenant, Purpose::Credential, root, aad, sealed, now).await;
        opened.inspect_err(|error| tracing::error!(%error, "canary.shut")).ok()
    }

    async fn canary(&self, known: &Known, now: Timestamp) -> Vec<Finding> {
        let Some(row) = &known.canary else { return Vec::new() };
        let place = Key::canary();
        let aad = Aad::row(&TenantId::canary(), place.table.as_str(), &place.pk, &place.sk, "key");
        let key = self.opened(known, &aad, &row.key, now).await;
        match key.as_ref().and_then(Plaintext::as_str) {
            Some(key) => self.call_canary(row, key, now).await,
            None => Finding::of(check::GATEWAY, Verdict::Down, "canary_key_shut", 0).into_iter().collect(),
        }
    }

    /// Notes a run in its day's row, and gives all days that are shown, this run included.
    async fn keep(&self, findings: &[Finding], now: Timestamp) -> Result<History, Fault> {
        let (today, slot) = slot_of(now);
        let mut days = self.days(today).await?;
        for _ in 0..TRIES {
            let old = days.remove(&today);
            let row = old.as_ref().and_then(|item| DayRow::from_item(item).ok()).unwrap_or_default();
            let row = row.noted(slot, findings.iter().map(|one| (&one.name, one.verdict)));
            match self.dynamo.write_all(vec![day_swap(today, old, &row).to_write()]).await {
                Ok(()) => return Ok(read(&days, (today, row))),
                Err(GateFault::Condition(_) | GateFault::NotWritten | GateFault::Unknown) => {
                    days = self.days(today).await?;
                }
            }
        }
        Err("day_not_written")
    }

    async fn days(&self, today: u64) -> Result<std::collections::BTreeMap<u64, Item>, Fault> {
        let place = |day: u64| Key::status_day(begin_of(day)).sk;
        let (from, to) = (place(today.saturating_sub(READ_DAYS)), place(today));
        let limit = u16::try_from(READ_DAYS + 1).unwrap_or(u16::MAX);
        let listed = self.dynamo.range(Table::Status, Key::HISTORY, (&from, &to), limit).await;
        let day = |(key, item): (Key, Item)| {
            let at = format!("{}T00:00:00.000Z", key.sk.strip_prefix("DAY#")?).parse().ok()?;
            Some((slot_of(at).0, item))
        };
        Ok(listed.map_err(|_| UNREAD)?.rows.into_iter().filter_map(day).collect())
    }

    /// A newer run's word stays.
    async fn publish(&self, document: &StatusDocument) -> Result<(), Fault> {
        match self.dynamo.update(publish(document)).await {
            Ok(()) | Err(GateFault::Condition(_)) => Ok(()),
            Err(GateFault::NotWritten | GateFault::Unknown) => Err("status_not_written"),
        }
    }

    /// A line for each check, which alarms are about, and figures.
    fn tell(&self, findings: &[Finding], depths: &[Depth]) {
        let stack = self.config.stack.as_str();
        for one in findings {
            let down = one.verdict == Verdict::Down;
            if down {
                tracing::error!(check = one.name.as_str(), reason = one.reason.as_str(), "check.down");
            }
            let (value, millis) = (f64::from(u8::from(down)), one.millis as f64);
            let dimensions = [("Stack", stack), ("Check", one.name.as_str())];
            aws::emit_metrics(
                &dimensions,
                &[aws::Figure::count("CheckDown", value), aws::Figure::millis("CheckMillis", millis)],
            );
        }
        let down =
            |one: &&Finding| one.verdict == Verdict::Down && one.name.as_str().starts_with(check::ENDPOINT);
        let endpoints = findings.iter().filter(down).count() as f64;
        aws::emit_metrics(
            &[("Stack", stack)],
            &[aws::Figure::count("EndpointsDown", endpoints), aws::Figure::count("HealthRuns", 1.0)],
        );
        for one in depths {
            if let Some(messages) = one.messages {
                let dimensions = [("Stack", stack), ("Queue", one.queue.as_str())];
                aws::emit_metrics(&dimensions, &[aws::Figure::count("QueueDepth", messages as f64)]);
            }
        }
    }
}

fn read(days: &std::collections::BTreeMap<u64, Item>, today: (u64, DayRow)) -> History {
    let earlier = days.iter().filter_map(|(day, item)| Some((*day, DayRow::from_item(item).ok()?)));
    earlier.chain([today]).collect()
}

fn told(findings: &[Finding], now: Timestamp) -> Value {
    let down: Vec<_> = findings.iter().filter(|one| one.verdict == Verdict::Down).collect();
    let down: Vec<_> = down.iter().map(|one| json!({"check": one.name, "reason": one.reason})).collect();
    json!({"began_at": now, "checks": findings.len(), "down": down})
}
