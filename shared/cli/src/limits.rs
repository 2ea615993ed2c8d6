//! `countersign ops limit` and `ops usage`: how much may be used, and how much was.

mod change;
mod show;
mod statement;

use std::error::Error;
use std::str::FromStr;

use domain::{AgentId, Code, Limit, LimitsRow, Place, Unit};
use tables::codec::Row as _;
use tables::gates::Shard;
use tables::{GateStore as _, Key, KeyStore as _};

use crate::args;
use crate::keys::KeysError;
use crate::ops::Bench;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);
type Shown = Result<(), Box<dyn Error>>;

/// Why limits were not shown or written.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("the limits are refused: {0}")]
    Limits(#[from] domain::LimitsError),
    #[error("there is no limit on {0}")]
    NoSuch(Place),
    #[error("the tenant has no agent {0}, or the table did not confirm: teams may be written in part")]
    NoAgent(AgentId),
    #[error("say what to change (--set, --remove, --time-zone, --join, --shards), or --show")]
    Nothing,
    #[error("the tenant has no limits that read: every call is refused; write them with --set")]
    Unreadable,
    #[error(
        "the number of shards changes only while nothing was used or held: set it before a tenant's first call"
    )]
    InUse,
    #[error(
        "another operator wrote version {found} meanwhile, and nothing was written: look at it with --show"
    )]
    LostRace { found: u64 },
    #[error(
        "the tables did not confirm: look with --show whether version {version} is there, or write again"
    )]
    NotConfirmed { version: u64 },
    #[error("the tables did not answer: check the CS_TABLE_ variables and that you act as the role operator")]
    Read,
    #[error("the tenant {tenant} belongs to another organization: name tenants of {org}")]
    OtherOrg { tenant: String, org: String },
}

/// A limit as it is written on the command line: `tenant:tokens:day=1000000`, `team/sales:usd:month=50.00`.
#[derive(Debug, Clone)]
pub struct Set(pub Limit);

impl FromStr for Set {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (place, most) = text.split_once('=').ok_or("say PLACE=LIMIT")?;
        let place: Place = place.parse().map_err(|error: domain::LimitsError| error.to_string())?;
        let most = match place.unit {
            Unit::Tokens => most.parse().map_err(|_| "not a number of tokens".to_owned())?,
            Unit::UsdMicros => micros(most).ok_or("not an amount of dollars, such as 50.00")?,
        };
        Ok(Self(Limit { place, most }))
    }
}

/// An agent and its team, as they are written on the command line.
#[derive(Debug, Clone)]
pub struct Join {
    pub agent: AgentId,
    pub team: Code,
}

impl FromStr for Join {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (agent, team) = text.split_once('=').ok_or("say AGENT=TEAM")?;
        let agent = agent.parse().map_err(|error: domain::IdError| error.to_string())?;
        let team = team.parse().map_err(|error: domain::CodeError| error.to_string())?;
        Ok(Self { agent, team })
    }
}

/// `50.00` in millionths.
fn micros(dollars: &str) -> Option<u64> {
    let (whole, part) = dollars.split_once('.').unwrap_or((dollars, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !digits(whole) || !digits(part) {
        return None;
    }
    let micros: u64 = format!("{part:0<6}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(micros)
}

pub fn amount(unit: Unit, count: u64) -> String {
    match unit {
        Unit::Tokens => count.to_string(),
        Unit::UsdMicros => format!("${}.{:06}", count / 1_000_000, count % 1_000_000),
    }
}

/// The limits as they are written. None, or some that do not read, may be written anew.
async fn read(bench: &Bench) -> Result<Option<LimitsRow>, LimitError> {
    let item = bench.store.read(&Key::limits(&bench.ring.tenant)).await.map_err(|_| LimitError::Read)?;
    Ok(item.and_then(|item| LimitsRow::from_item(&item).ok()))
}

/// All shards as they were at one moment.
async fn shards(bench: &Bench, count: u8) -> Result<Vec<Shard>, LimitError> {
    let keys: Vec<Key> = (0..count).map(|shard| Key::budget(&bench.ring.tenant, shard)).collect();
    for round in 0..8 {
        if let Ok(items) = bench.store.snapshot(&keys).await {
            let shards = items.iter().flatten().map(Shard::read);
            return shards.collect::<Result<_, _>>().map_err(|_| LimitError::Unreadable);
        }
        bench.store.pause(round).await;
    }
    Err(LimitError::Read)
}

pub async fn run(get: Get<'_>, wanted: args::Limit) -> Shown {
    let nothing = wanted.set.is_empty() && wanted.remove.is_empty() && wanted.join.is_empty();
    if nothing && !wanted.show && wanted.time_zone.is_none() && wanted.shards.is_none() {
        return Err(LimitError::Nothing.into());
    }
    let bench = Bench::open(get, &wanted.tenant).await?;
    let row = read(&bench).await?;
    let row = if wanted.show {
        row.ok_or(LimitError::Unreadable)?
    } else {
        change::run(&bench, row, wanted).await?
    };
    let shards = shards(&bench, row.shards()).await?;
    show::table(&row, &shards, aws::now())
}

pub async fn usage(get: Get<'_>, wanted: args::Usage) -> Shown {
    let mut statements = Vec::new();
    for tenant in &wanted.tenant {
        let bench = Bench::open(get, tenant).await?;
        if bench.org != wanted.org {
            return Err(
                LimitError::OtherOrg { tenant: tenant.to_string(), org: wanted.org.to_string() }.into()
            );
        }
        statements.push(statement::of(&bench, &wanted.month).await?);
    }
    statement::print(&statements, wanted.json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_people_write_them() {
        let set = |text: &str| text.parse::<Set>().map(|Set(limit)| (limit.place.to_string(), limit.most));
        assert_eq!(set("tenant:tokens:day=1000000"), Ok(("tenant:tokens:day".to_owned(), 1_000_000)));
        assert_eq!(
            set("team/sales:usd:month=50.5"),
            Ok(("team/sales:usd_micros:month".to_owned(), 50_500_000))
        );
        assert_eq!(set("org:usd:total=0"), Ok(("org:usd_micros:total".to_owned(), 0)));
        for bad in [
            "tenant:tokens:day",
            "tenant:tokens:day=",
            "tenant:tokens:day=1.5",
            "org:usd:day=-1",
            "org:usd:day=1.0000001",
        ] {
            assert!(set(bad).is_err(), "{bad}");
        }
        assert_eq!(amount(Unit::UsdMicros, 50_500_001), "$50.500001");
    }
}
