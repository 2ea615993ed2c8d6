//! The shell around [`crate::keys`]: clients, the record before and after, and what people see.

use std::error::Error;
use std::sync::Arc;

use aws::{AuditSender, Credentials, Dynamo, KmsWrapper};
use domain::{
    ActionId, Actor, ActorType, AuditRecord, Code, Decided, Description, EventId, EventType, MetaValue,
    Metadata, Opaque, Org, OrgId, Phase, RECORD_VERSION, Tenant, TenantId,
};
use envelope::{Purpose, Roots};
use tables::codec::Row as _;
use tables::{Key, KeyStore as _};
use zeroize::Zeroizing;

use crate::args;
use crate::config::Config;
use crate::keys::report::PurposeReport;
use crate::keys::rotate::Rotated;
use crate::keys::shred::Erased;
use crate::keys::{KeysError, Ring, report, reseal, rotate as rotation, shred as shredding};
use crate::print;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);
type Shown = Result<(), Box<dyn Error>>;

/// One tenant, and the clients for its keys.
pub(crate) struct Bench {
    pub(crate) ring: Ring,
    pub(crate) org: OrgId,
    pub(crate) store: Dynamo,
    kms: KmsWrapper,
    audit: AuditSender,
}

impl Bench {
    pub(crate) async fn open(get: Get<'_>, tenant: &TenantId) -> Result<Self, Box<dyn Error>> {
        let config = Config::from_vars(get)?;
        let sdk = aws::sdk_config(Credentials::Person).await;
        let store = Dynamo::new(&sdk, config.tables.clone());
        let row = store.read(&Key::tenant(tenant)).await.map_err(KeysError::from)?;
        let row = Tenant::from_item(&row.ok_or(KeysError::NoTenant)?).map_err(|_| KeysError::Unreadable)?;
        let org = store.read(&Key::org(&row.org)).await.map_err(KeysError::from)?;
        let org = Org::from_item(&org.ok_or(KeysError::Unreadable)?).map_err(|_| KeysError::Unreadable)?;
        Ok(Self {
            ring: Ring { tenant: tenant.clone(), region: config.region, reach: config.reach },
            org: org.id,
            store,
            kms: KmsWrapper::new(&sdk, config.kms_key_arn),
            audit: AuditSender::new(&sdk, config.audit),
        })
    }

    /// For what belongs to no tenant: it is recorded in the platform's own log.
    pub(crate) async fn platform(get: Get<'_>) -> Result<Self, Box<dyn Error>> {
        let config = Config::from_vars(get)?;
        let sdk = aws::sdk_config(Credentials::Person).await;
        let tenant = TenantId::platform();
        Ok(Self {
            ring: Ring { tenant, region: config.region, reach: config.reach },
            org: OrgId::platform(),
            store: Dynamo::new(&sdk, config.tables.clone()),
            kms: KmsWrapper::new(&sdk, config.kms_key_arn),
            audit: AuditSender::new(&sdk, config.audit),
        })
    }

    pub(crate) fn roots(&self) -> Roots<KmsWrapper> {
        Roots::new(self.kms.clone(), self.ring.region)
    }

    /// Records the attempt, does the work, records how it ended and what came of it. Without an acknowledged attempt
    /// nothing is done.
    pub(crate) async fn recorded<T, E: From<KeysError>>(
        &self,
        mut told: Told,
        work: impl Future<Output = Result<T, E>>,
        came_of_it: impl Fn(Metadata, &T) -> Metadata,
    ) -> Result<T, E> {
        let action = self.attempt(&told).await?;
        let done = work.await;
        if let Ok(done) = &done {
            told.metadata = came_of_it(told.metadata, done);
        }
        self.outcome(&told, action, done.is_ok()).await?;
        done
    }

    /// Records an attempt, to be followed by its outcome.
    pub(crate) async fn attempt(&self, told: &Told) -> Result<ActionId, KeysError> {
        let action = ActionId::new(aws::now(), aws::random()?);
        let attempt = self.record(told, action, Phase::Attempt, "allowed")?;
        self.audit.attempt(action, &[attempt]).await?;
        Ok(action)
    }

    /// Records how an attempt ended. One that cannot be recorded is said, and shows as unpaired.
    pub(crate) async fn outcome(&self, told: &Told, action: ActionId, done: bool) -> Result<(), KeysError> {
        let ended = if done { "completed" } else { "failed" };
        let outcome = self.record(told, action, Phase::Outcome, ended)?;
        if self.audit.record(&[outcome]).await.is_err() {
            print::error("warning: the outcome is not recorded; the attempt is, and shows as unpaired");
        }
        Ok(())
    }

    fn record(
        &self,
        told: &Told,
        action: ActionId,
        phase: Phase,
        reason: &'static str,
    ) -> Result<AuditRecord, KeysError> {
        let at = aws::now();
        Ok(AuditRecord {
            action_id: Some(action),
            auth_method: Some(Code::literal("iam")),
            resource: told.resource.parse().ok(),
            subject_refs: told.subject.clone().map(|subject| vec![subject]),
            ..AuditRecord::new(
                RECORD_VERSION,
                EventId::new(at, aws::random()?),
                at,
                self.ring.region,
                self.org.clone(),
                self.ring.tenant.clone(),
                told.event,
                phase,
                ActorType::Operator,
                Actor::operator(),
                Code::literal(told.action),
                Decided::Allow,
                Code::literal(reason),
                Description::literal(told.description),
                told.metadata.clone(),
            )
        })
    }

    async fn show(&self, json: bool) -> Shown {
        let report = report::report(&self.store, &self.ring).await?;
        if json { print::json(&report) } else { print::table(&rows(&report)) }
    }
}

/// What an operation's records say.
pub(crate) struct Told {
    pub(crate) event: EventType,
    pub(crate) action: &'static str,
    pub(crate) description: &'static str,
    pub(crate) resource: String,
    pub(crate) subject: Option<Opaque>,
    pub(crate) metadata: Metadata,
}

fn rows(report: &[PurposeReport]) -> Vec<Vec<String>> {
    let list = |versions: &[u32]| versions.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let heading = ["purpose", "state", "current", "opens from", "versions", "sealed values by version"];
    let row = |one: &PurposeReport| {
        let counted = one.sealed.iter().flatten().map(|(version, count)| format!("v{version}: {count}"));
        let sealed = one.sealed.is_none().then(|| "not counted".to_owned()).into_iter().chain(counted);
        let erased = (one.erased_people > 0).then(|| format!("erased people: {}", one.erased_people));
        vec![
            one.purpose.to_owned(),
            if one.destroyed { "destroyed" } else { "in use" }.to_owned(),
            one.current.to_string(),
            one.min_decrypt_version.to_string(),
            list(&one.versions),
            sealed.chain(erased).collect::<Vec<_>>().join(", "),
        ]
    };
    [heading.map(str::to_owned).to_vec()].into_iter().chain(report.iter().map(row)).collect()
}

pub async fn keys(get: Get<'_>, wanted: args::Keys) -> Shown {
    Bench::open(get, &wanted.tenant).await?.show(wanted.json).await
}

pub async fn rotate(get: Get<'_>, wanted: args::Rotate) -> Shown {
    let bench = Bench::open(get, &wanted.tenant).await?;
    let purpose = wanted.purpose;
    let told = Told {
        event: EventType::KeyRotate,
        action: if wanted.retire { "key.retire" } else { "key.rotate" },
        description: if wanted.retire {
            "An operator retires old versions of a root secret."
        } else {
            "An operator gives a root secret a new version, or seals rows again under the current one."
        },
        resource: format!("root:{purpose}"),
        subject: None,
        metadata: Metadata::default().flag("new_version", !(wanted.reseal || wanted.retire)),
    };
    let version = |metadata: Metadata, turned: &Turned| {
        metadata.count("version", turned.version.into()).count("sealed_again", turned.moved)
    };
    let turned = bench.recorded(told, turn(&bench, &wanted), version).await?;
    if !wanted.json {
        print::line(&turned.say)?;
    }
    bench.show(wanted.json).await
}

/// What a rotation came to.
struct Turned {
    say: String,
    version: u32,
    moved: u64,
}

async fn turn(bench: &Bench, wanted: &args::Rotate) -> Result<Turned, KeysError> {
    let (ring, purpose) = (&bench.ring, wanted.purpose);
    if wanted.retire {
        let version = rotation::retire(&bench.store, ring, purpose).await?;
        let say = format!("nothing below version {version} of `{purpose}` is opened any more");
        return Ok(Turned { say, version, moved: 0 });
    }
    let (say, version) = if wanted.reseal {
        (String::new(), ring.read_root(&bench.store, purpose).await?.current)
    } else {
        match rotation::rotate(&bench.store, &bench.kms, ring, purpose).await? {
            Rotated::Made { version } => (format!("version {version} of `{purpose}` is current; "), version),
            Rotated::ByAnother { version } => (
                format!("another operator made version {version} of `{purpose}`, which is enough; "),
                version,
            ),
        }
    };
    let moved = match purpose {
        Purpose::Credential => {
            reseal::reseal(&bench.store, &bench.roots(), ring, aws::now(), &aws::random).await?
        }
        // People's keys stay under the version that sealed them, which is kept for the ledger's sake.
        Purpose::Audit
        | Purpose::Token
        | Purpose::Pseudonym
        | Purpose::Sso
        | Purpose::Scim
        | Purpose::Directory
        | Purpose::Action => 0,
    };
    let say = format!("{say}{moved} values were sealed again");
    Ok(Turned { say, version, moved: u64::try_from(moved).unwrap_or(u64::MAX) })
}

pub async fn credential(get: Get<'_>, wanted: args::Credential) -> Shown {
    let secret = get("CS_PROVIDER_KEY").filter(|key| !key.is_empty()).ok_or(KeysError::NoCredential)?;
    let secret = Zeroizing::new(secret);
    let bench = Bench::open(get, &wanted.tenant).await?;
    let told = Told {
        event: EventType::AdminCredential,
        action: "ops.credential",
        description: "An operator replaces a provider's credential.",
        resource: format!("provider:{}", wanted.provider),
        subject: None,
        metadata: Metadata::default(),
    };
    let (roots, given) = (bench.roots(), (&wanted.provider, secret.as_str()));
    let work = reseal::replace(&bench.store, &roots, &bench.ring, aws::now(), &aws::random, given);
    bench.recorded(told, work, |metadata, _| metadata).await?;
    print::line("the credential is replaced; the next call uses it")
}

pub async fn shred(get: Get<'_>, wanted: args::Shred) -> Shown {
    // Each deed has a confirmation of its own. A digest that is worked out from a name cannot be repeated by whoever does
    // not know it: they repeat the tenant.
    let expected = match &wanted.subject {
        _ if wanted.all_keys => format!("all-keys:{}", wanted.tenant),
        Some(subject) => subject.to_string(),
        None => wanted.tenant.to_string(),
    };
    if wanted.confirm != expected {
        return Err(KeysError::NotConfirmed { expected }.into());
    }
    let bench = Bench::open(get, &wanted.tenant).await?;
    let subject = if wanted.all_keys { None } else { Some(person(get, &bench, &wanted).await?) };
    let told = Told {
        event: EventType::KeyShred,
        action: "key.shred",
        description: if subject.is_some() {
            "An operator destroys the key of a person."
        } else {
            "An operator destroys all keys of a tenant."
        },
        resource: if subject.is_some() { "key:subject" } else { "key:tenant" }.to_owned(),
        subject: subject.clone(),
        metadata: Metadata::default().with("why", MetaValue::Code(wanted.reason.clone())),
    };
    let (store, ring) = (&bench.store, &bench.ring);
    let Some(subject) = subject else {
        bench.recorded(told, shredding::tenant(store, ring), |metadata, ()| metadata).await?;
        return print::line("all keys of the tenant are destroyed; backups of them end within 35 days");
    };
    let existed =
        |metadata: Metadata, erased: &Erased| metadata.flag("existed", *erased == Erased::Destroyed);
    let erased = bench.recorded(told, shredding::person(store, ring, &subject), existed).await?;
    print::line(&match erased {
        Erased::Destroyed => format!("the key of {subject} is destroyed; backups of it end within 35 days"),
        Erased::AlreadyGone => format!("the key of {subject} was destroyed before"),
        Erased::NeverExisted => format!(
            "there was NO key of {subject}: nothing was ever sealed under exactly this name, perhaps because agents \
             write it otherwise; a tombstone stands in its place"
        ),
    })
}

/// The digest of the person: as given, or worked out from the name, which stands in no command line.
async fn person(get: Get<'_>, bench: &Bench, wanted: &args::Shred) -> Result<Opaque, KeysError> {
    if let Some(subject) = &wanted.subject {
        return Ok(subject.clone());
    }
    let name = Zeroizing::new(get("CS_SUBJECT").unwrap_or_default());
    if name.trim().is_empty() {
        return Err(KeysError::NoSubject);
    }
    let (ring, purpose) = (&bench.ring, Purpose::Pseudonym);
    let row = ring.read_root(&bench.store, purpose).await?;
    let key: Arc<_> = bench.roots().current(&ring.tenant, purpose, &row, aws::now()).await?;
    key.pseudonym("subject", name.trim()).parse().map_err(|_| KeysError::Unreadable)
}
