//! `countersign ops policy`: what is taken out of calls, shown, checked and written.
//!
//! A document is checked by the code that will read it, recorded before it takes effect, and written over the version that
//! was read. Records and messages hold names, counts and a digest of it, and no word or person.

mod show;
mod write;

pub(crate) use write::put;

use std::error::Error;
use std::path::Path;

use redact::{Document, Explained, Policy, PolicyError, TypeInfo, builtin_types};
use tables::codec::Row as _;
use tables::{Key, PolicyStore, ReadFault};

use crate::args;
use crate::keys::KeysError;
use crate::ops::Bench;
use crate::print;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);
type Shown = Result<(), Box<dyn Error>>;

/// Why a policy was not shown or written.
#[derive(Debug, thiserror::Error)]
pub enum DlpError {
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("{file} does not read: {source}")]
    File { file: String, source: std::io::Error },
    #[error("{whose} is refused:\n{source}")]
    Refused { whose: String, source: PolicyError },
    #[error("say one --tenant: several are for --org alone")]
    OneTenant,
    #[error("the tenant {tenant} belongs to another organization: name tenants of {org}")]
    OtherOrg { tenant: String, org: String },
    #[error("the tenant has no agent of that id")]
    NoAgent,
    #[error("there is no policy yet: nothing is written here")]
    Nothing,
    #[error(
        "another operator wrote version {found} meanwhile, and nothing was written: look at it with --show, then write again"
    )]
    LostRace { found: u64 },
    #[error("the newest version is {found}, not {previous}: look at it with --show, then write over it")]
    NotPrevious { found: u64, previous: u64 },
    #[error(
        "the table did not confirm the write: look with --show whether version {version} is there, or write again"
    )]
    NotConfirmed { version: u64 },
    #[error("{0}: check the CS_TABLE_ variables and that you act as the role operator")]
    Read(#[from] ReadFault),
}

/// A policy as its row holds it, and what became of reading it.
pub(crate) struct Stored {
    pub(crate) version: u64,
    pub(crate) text: String,
    pub(crate) document: Result<Document, PolicyError>,
}

impl Stored {
    /// # Errors
    /// No answer, or a row of another form. A document that is refused is no error here: it may be replaced.
    async fn read(store: &impl PolicyStore, key: &Key) -> Result<Option<Self>, DlpError> {
        let Some(item) = store.read_policy(key).await? else { return Ok(None) };
        let row = domain::DlpPolicyRow::from_item(&item).map_err(|_| KeysError::Unreadable)?;
        let document = Document::parse(&row.document);
        Ok(Some(Self { version: row.version, text: row.document, document }))
    }

    /// The document, when something is to be built on it.
    fn usable(stored: Option<Self>, whose: &str) -> Result<Option<Document>, DlpError> {
        let whose = || format!("{whose} that is written");
        stored
            .map(|stored| stored.document.map_err(|source| DlpError::Refused { whose: whose(), source }))
            .transpose()
    }
}

/// Whose policy is meant.
pub(crate) enum Target {
    Tenant,
    Agent(domain::AgentId),
    Floor,
}

impl Target {
    fn of(wanted: &args::Policy) -> Self {
        match &wanted.agent {
            Some(agent) => Self::Agent(agent.clone()),
            None if wanted.org.is_some() => Self::Floor,
            None => Self::Tenant,
        }
    }

    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Tenant => "the tenant's policy",
            Self::Agent(_) => "the agent's policy",
            Self::Floor => "the organization's floor",
        }
    }

    /// What records name it by.
    pub(crate) fn resource(&self) -> String {
        match self {
            Self::Tenant => "dlp:tenant".to_owned(),
            Self::Agent(agent) => format!("dlp:agent:{agent}"),
            Self::Floor => "dlp:floor".to_owned(),
        }
    }

    pub(crate) fn key(&self, bench: &Bench) -> Key {
        let tenant = &bench.ring.tenant;
        match self {
            Self::Tenant => Key::dlp_policy(tenant, None),
            Self::Agent(agent) => Key::dlp_policy(tenant, Some(agent)),
            Self::Floor => Key::dlp_floor(&bench.org),
        }
    }
}

/// The documents that stand around the one that is meant.
#[derive(Default)]
pub(crate) struct Around {
    pub(crate) floor: Option<Document>,
    pub(crate) tenant: Option<Document>,
}

impl Around {
    async fn read(bench: &Bench, target: &Target) -> Result<Self, DlpError> {
        let read = async |key: Key, whose| Stored::usable(Stored::read(&bench.store, &key).await?, whose);
        let floor = async || read(Key::dlp_floor(&bench.org), "the organization's floor").await;
        Ok(match target {
            Target::Floor => Self::default(),
            Target::Tenant => Self { floor: floor().await?, tenant: None },
            Target::Agent(_) => Self {
                floor: floor().await?,
                tenant: read(Key::dlp_policy(&bench.ring.tenant, None), "the tenant's policy").await?,
            },
        })
    }

    /// What holds with `document` in the target's place. A floor is shown over tenants that want nothing taken out: what is
    /// left is what it guarantees.
    pub(crate) fn lines(
        &self,
        target: &Target,
        document: Option<&Document>,
    ) -> Result<Vec<Explained>, PolicyError> {
        let types = builtin_types();
        let (floor, tenant) = (self.floor.as_ref(), self.tenant.as_ref());
        match target {
            Target::Tenant => Policy::explain_for(&types, floor, document, None),
            Target::Agent(_) => Policy::explain_for(&types, floor, tenant, document),
            Target::Floor => Policy::explain_for(&types, document, Some(&nothing(&types)?), None),
        }
    }
}

/// A document that wants nothing taken out.
fn nothing(types: &[TypeInfo<'_>]) -> Result<Document, PolicyError> {
    Document::parse_for(r#"{"v":1,"types":{"*":{"action":"allow"}}}"#, types)
}

pub async fn run(get: Get<'_>, wanted: args::Policy) -> Shown {
    if wanted.check {
        return check(&wanted);
    }
    let target = Target::of(&wanted);
    // A document with faults is refused before anybody is asked anything.
    let file = wanted.file.as_deref().map(|file| read(file).map(|read| (file, read))).transpose()?;
    let benches = open(get, &wanted).await?;
    let first = benches.first().ok_or(DlpError::OneTenant)?;
    if let Target::Agent(agent) = &target {
        let row =
            first.store.read_policy(&Key::agent(&first.ring.tenant, agent)).await.map_err(DlpError::from)?;
        row.ok_or(DlpError::NoAgent)?;
    }
    let around = Around::read(first, &target).await?;
    match file {
        None => show::show(first, &target, &around, wanted.document).await,
        Some((_, (text, document))) => {
            let change = write::Change { target, around, text, document, previous: wanted.previous };
            write::run(&benches, change).await
        }
    }
}

/// The tenants in whose logs the change is recorded: one, or some of the organization's.
async fn open(get: Get<'_>, wanted: &args::Policy) -> Result<Vec<Bench>, Box<dyn Error>> {
    if wanted.org.is_none() && wanted.tenant.len() != 1 {
        return Err(DlpError::OneTenant.into());
    }
    let mut benches = Vec::new();
    for tenant in &wanted.tenant {
        let bench = Bench::open(get, tenant).await?;
        if let Some(org) = wanted.org.as_ref().filter(|org| **org != bench.org) {
            return Err(DlpError::OtherOrg { tenant: tenant.to_string(), org: org.to_string() }.into());
        }
        benches.push(bench);
    }
    Ok(benches)
}

/// A file's text, and the document that it is.
fn read(file: &Path) -> Result<(String, Document), DlpError> {
    let name = file.display().to_string();
    let text =
        std::fs::read_to_string(file).map_err(|source| DlpError::File { file: name.clone(), source })?;
    let text = text.trim().to_owned();
    match Document::parse(&text) {
        Ok(document) => Ok((text, document)),
        Err(source) => Err(DlpError::Refused { whose: name, source }),
    }
}

/// Offline: files alone.
fn check(wanted: &args::Policy) -> Shown {
    let read = |file: &Option<std::path::PathBuf>| -> Result<Option<Document>, DlpError> {
        file.as_deref().map(|file| read(file).map(|(_, document)| document)).transpose()
    };
    let (floor, tenant, file) = (read(&wanted.floor_file)?, read(&wanted.tenant_file)?, read(&wanted.file)?);
    // With a tenant's file the one that is checked is an agent's.
    let (tenant, agent) = if tenant.is_some() { (tenant, file) } else { (file, None) };
    let lines = Policy::explain_for(&builtin_types(), floor.as_ref(), tenant.as_ref(), agent.as_ref())?;
    print::table(&show::rows(&lines))
}
