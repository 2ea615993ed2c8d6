//! Sealing rows again under the current version: lazily whenever a row is written, and by a sweep.

use domain::{Provider, Providers, RootRow, SealedBytes, TenantId, Timestamp};
use egress::Target;
use envelope::{Aad, KeyWrapper, Plaintext, Purpose, Roots, SEAL_RANDOM_BYTES, sealed_version};
use tables::codec::Row as _;
use tables::gates::GateFault;
use tables::{Item, Key, KeyOp, KeyStore};

use super::{KeysError, Ring, TRIES};

/// Fresh random bytes for one seal.
pub type Draw<'a> = &'a (dyn Fn() -> Result<[u8; SEAL_RANDOM_BYTES], aws::EntropyError> + Sync);

/// The place of a provider's credential: the row, the provider, and the one host that may ever receive it.
pub fn credential_aad(tenant: &TenantId, provider: &str, host: &str) -> Aad {
    let place = Key::providers(tenant);
    Aad::credential(tenant, place.table.as_str(), &place.pk, &place.sk, provider, host)
}

/// Seals the tenant's credentials again that name an older version. Gives how many were moved.
///
/// # Errors
/// See [`KeysError`]. A row is written whole or not at all, and only if it still is what was read.
pub async fn reseal<S: KeyStore, W: KeyWrapper>(
    store: &S,
    roots: &Roots<W>,
    ring: &Ring,
    now: Timestamp,
    draw: Draw<'_>,
) -> Result<usize, KeysError> {
    rewrite(store, roots, ring, now, draw, |_| Ok(None)).await
}

/// Replaces one provider's credential; whatever else the row holds is sealed under the current version too.
///
/// # Errors
/// As [`reseal`], or there is no such provider.
pub async fn replace<S: KeyStore, W: KeyWrapper>(
    store: &S,
    roots: &Roots<W>,
    ring: &Ring,
    now: Timestamp,
    draw: Draw<'_>,
    (provider, credential): (&domain::ProviderId, &str),
) -> Result<usize, KeysError> {
    let wanted = |providers: &Providers| {
        let found = providers.0.iter().any(|one| one.id == *provider);
        if found { Ok(Some((provider, credential))) } else { Err(KeysError::NoProvider) }
    };
    rewrite(store, roots, ring, now, draw, wanted).await
}

/// A provider, and the credential that it gets.
type Replacement<'a> = Option<(&'a domain::ProviderId, &'a str)>;

async fn rewrite<'a, S: KeyStore, W: KeyWrapper>(
    store: &S,
    roots: &Roots<W>,
    ring: &Ring,
    now: Timestamp,
    draw: Draw<'_>,
    replacement: impl Fn(&Providers) -> Result<Replacement<'a>, KeysError>,
) -> Result<usize, KeysError> {
    let place = Key::providers(&ring.tenant);
    let mut unsure = 0;
    for _ in 0..TRIES {
        let Some(item) = store.read(&place).await? else {
            // Without a row there is nothing to move, and nobody whose credential could be replaced.
            return replacement(&Providers(Vec::new())).map(|_| 0);
        };
        let mut providers = Providers::from_item(&item).map_err(|_| KeysError::Unreadable)?;
        let replaced = replacement(&providers)?;
        let moved = seal_again(store, roots, ring, now, draw, &mut providers, replaced).await?;
        if moved == 0 {
            // Nothing is left to do: an earlier try may have done it.
            return Ok(unsure);
        }
        let (Some(old), Some(new)) = (item.get(FIELD).cloned(), field(&providers)) else {
            return Err(KeysError::Unreadable);
        };
        match store.write(&KeyOp::Replace { row: place.clone(), field: FIELD, old, new }).await {
            Ok(()) => return Ok(moved),
            Err(GateFault::Unknown) => unsure = moved,
            Err(GateFault::Condition(_) | GateFault::NotWritten) => {}
        }
    }
    Err(KeysError::NotWritten)
}

/// The field of the row that holds the list.
const FIELD: &str = "providers";

fn field(providers: &Providers) -> Option<tables::Attr> {
    let mut item: Item = providers.to_item();
    item.remove(FIELD)
}

async fn seal_again<S: KeyStore, W: KeyWrapper>(
    store: &S,
    roots: &Roots<W>,
    ring: &Ring,
    now: Timestamp,
    draw: Draw<'_>,
    providers: &mut Providers,
    replaced: Replacement<'_>,
) -> Result<usize, KeysError> {
    let purpose = Purpose::Credential;
    let row = ring.read_root(store, purpose).await?;
    if row.shredded {
        return Err(KeysError::Shredded { purpose });
    }
    let current = roots.current(&ring.tenant, purpose, &row, now).await?;
    let mut moved = 0;
    for provider in &mut providers.0 {
        let given = replaced.filter(|(id, _)| **id == provider.id).map(|(_, credential)| credential);
        if given.is_none() && sealed_version(&provider.credential) == Some(current.version()) {
            continue;
        }
        let sealed = match given {
            Some(credential) => current.seal(&aad_of(ring, provider)?, credential.as_bytes(), &draw()?),
            None => match open(roots, ring, &row, provider, now).await {
                Ok((aad, plain)) => current.seal(&aad, plain.as_bytes(), &draw()?),
                // Whoever replaces one credential is not stopped by another that does not open.
                Err(_) if replaced.is_some() => continue,
                Err(fault) => return Err(fault),
            },
        };
        provider.credential = SealedBytes::from(sealed.map_err(envelope::RootError::from)?);
        moved += 1;
    }
    Ok(moved)
}

async fn open<W: KeyWrapper>(
    roots: &Roots<W>,
    ring: &Ring,
    row: &RootRow,
    provider: &Provider,
    now: Timestamp,
) -> Result<(Aad, Plaintext), KeysError> {
    let (aad, sealed) = (aad_of(ring, provider)?, &provider.credential);
    let plain = roots.open(&ring.tenant, Purpose::Credential, row, &aad, sealed, now).await?;
    Ok((aad, plain))
}

fn aad_of(ring: &Ring, provider: &Provider) -> Result<Aad, KeysError> {
    let target = Target::parse(&provider.base_url, ring.reach).map_err(|_| KeysError::Address)?;
    Ok(credential_aad(&ring.tenant, provider.id.as_str(), &target.host()))
}
