//! `countersign ops network`: from where gateway keys may be used.

use std::error::Error;

use domain::{EventType, KeyRow, Metadata, Networks, Org, Tenant};
use tables::codec::Row;
use tables::{GateFault, Key, KeyStore as _, write_networks};

use crate::args;
use crate::keys::{KeysError, TRIES};
use crate::ops::{Bench, Told};
use crate::print;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Why no networks were written.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error("there is no such {0}: check its id, and that you act in its region")]
    NoSuchRow(&'static str),
    #[error("the gateway key belongs to another tenant")]
    OtherTenant,
    #[error(
        "the write was not confirmed, and may have happened: look with --show, and run the command again"
    )]
    NotConfirmed,
    #[error(transparent)]
    Keys(#[from] KeysError),
}

pub async fn run(get: Get<'_>, wanted: args::Network) -> Result<(), Box<dyn Error>> {
    let bench = Bench::open(get, &wanted.tenant).await?;
    let place = Place::of(&bench, &wanted).await?;
    if !wanted.show {
        let networks = (!wanted.anywhere).then(|| wanted.allow.iter().copied().collect::<Networks>());
        let count = networks.as_ref().map_or(0, |networks| networks.0.len());
        let told = Told {
            event: EventType::AdminNetwork,
            action: "ops.network",
            description: "An operator writes from which networks gateway keys may be used.",
            resource: format!("network:{}", place.id),
            subject: None,
            metadata: Metadata::default()
                .count("networks", u64::try_from(count).unwrap_or(u64::MAX))
                .flag("anywhere", wanted.anywhere),
        };
        bench.recorded(told, put(&bench, &place, networks.as_ref()), |metadata, ()| metadata).await?;
    }
    let heading = ["of", "allowed from"].map(str::to_owned).to_vec();
    let list = Place::of(&bench, &wanted).await?.networks.map_or_else(
        || "anywhere".to_owned(),
        |list| list.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    );
    print::table(&[heading, vec![place.id, list]])
}

/// Whose networks, and what they are now.
struct Place {
    what: &'static str,
    id: String,
    key: Key,
    networks: Option<Networks>,
}

impl Place {
    async fn of(bench: &Bench, wanted: &args::Network) -> Result<Self, NetworkError> {
        if let Some(id) = &wanted.key {
            let key = Key::gateway_key(id);
            let row: KeyRow = read(bench, &key, "gateway key").await?;
            let same = row.tenant == wanted.tenant;
            let found = Self { what: "gateway key", id: id.to_string(), key, networks: row.networks };
            return if same { Ok(found) } else { Err(NetworkError::OtherTenant) };
        }
        if wanted.org {
            let key = Key::org(&bench.org);
            let networks = read::<Org>(bench, &key, "organization").await?.networks;
            return Ok(Self { what: "organization", id: bench.org.to_string(), key, networks });
        }
        let key = Key::tenant(&wanted.tenant);
        let networks = read::<Tenant>(bench, &key, "tenant").await?.networks;
        Ok(Self { what: "tenant", id: wanted.tenant.to_string(), key, networks })
    }
}

async fn read<T: Row>(bench: &Bench, key: &Key, what: &'static str) -> Result<T, NetworkError> {
    let item = bench.store.read(key).await.map_err(KeysError::from)?;
    let item = item.ok_or(NetworkError::NoSuchRow(what))?;
    T::from_item(&item).map_err(|_| KeysError::Unreadable.into())
}

/// The same list again is the same list: a write of unknown outcome is tried again.
async fn put(bench: &Bench, place: &Place, networks: Option<&Networks>) -> Result<(), NetworkError> {
    for _ in 0..TRIES {
        match bench.store.update(write_networks(place.key.clone(), networks)).await {
            Ok(()) => return Ok(()),
            Err(GateFault::Condition(_)) => return Err(NetworkError::NoSuchRow(place.what)),
            Err(GateFault::NotWritten | GateFault::Unknown) => {}
        }
    }
    Err(NetworkError::NotConfirmed)
}
