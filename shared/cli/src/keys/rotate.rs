//! A new version of a root, and the end of old ones.

use domain::WrappedRoot;
use envelope::{Context, KeyWrapper, Purpose};
use tables::gates::GateFault;
use tables::{KeyOp, KeyStore};

use super::{KeysError, Ring, TRIES, report};

/// What became of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    Made {
        version: u32,
    },
    /// Somebody else rotated meanwhile: one new version is enough.
    ByAnother {
        version: u32,
    },
}

/// Makes the next version the current one. New values are sealed under it at once; old ones open as before.
///
/// # Errors
/// See [`KeysError`]. A root that KMS made and no row names is never used.
pub async fn rotate<S: KeyStore, W: KeyWrapper>(
    store: &S,
    wrapper: &W,
    ring: &Ring,
    purpose: Purpose,
) -> Result<Rotated, KeysError> {
    if purpose == Purpose::Pseudonym {
        return Err(KeysError::NotRotated { purpose });
    }
    let from = ring.read_root(store, purpose).await?.current;
    let version = from.saturating_add(1);
    let context = Context { tenant: ring.tenant.clone(), region: ring.region, purpose, version };
    let mut wrapped: Option<WrappedRoot> = None;
    for _ in 0..TRIES {
        let row = ring.read_root(store, purpose).await?;
        if row.shredded {
            return Err(KeysError::Shredded { purpose });
        }
        if row.current != from {
            // Ours, when an earlier try was written after all.
            let ours = wrapped.is_some() && row.versions.get(&version) == wrapped.as_ref();
            return Ok(if ours {
                Rotated::Made { version }
            } else {
                Rotated::ByAnother { version: row.current }
            });
        }
        let made = match wrapped.take() {
            Some(made) => made,
            None => wrapper.generate(&context).await?,
        };
        let op = KeyOp::AddVersion { root: ring.root(purpose), from, wrapped: made.clone() };
        wrapped = Some(made);
        match store.write(&op).await {
            Ok(()) => return Ok(Rotated::Made { version }),
            Err(GateFault::Condition(_) | GateFault::NotWritten | GateFault::Unknown) => {}
        }
    }
    Err(KeysError::NotWritten)
}

/// Lets nothing below the current version be opened any more. Refused while anything is sealed under an older one.
///
/// # Errors
/// See [`KeysError`].
pub async fn retire<S: KeyStore>(store: &S, ring: &Ring, purpose: Purpose) -> Result<u32, KeysError> {
    match purpose {
        Purpose::Credential => {}
        Purpose::Audit | Purpose::Pseudonym => return Err(KeysError::Kept { purpose }),
        Purpose::Token | Purpose::Sso | Purpose::Scim | Purpose::Directory | Purpose::Action => {
            return Err(KeysError::Uncounted { purpose });
        }
    }
    for _ in 0..TRIES {
        let report = nothing_stale(store, ring, purpose).await?;
        let (current, before) = (report.current, report.min_decrypt_version);
        let op = |min_decrypt| KeyOp::Retire { root: ring.root(purpose), current, min_decrypt };
        if store.write(&op(current)).await.is_err() {
            continue;
        }
        // Somebody may have sealed a value under an older version between the count and the write: it must not be lost.
        return match nothing_stale(store, ring, purpose).await {
            Ok(_) => Ok(current),
            Err(fault) => {
                let _ = store.write(&op(before)).await;
                Err(fault)
            }
        };
    }
    Err(KeysError::NotWritten)
}

/// The report, if nothing names an older version than the current one.
async fn nothing_stale<S: KeyStore>(
    store: &S,
    ring: &Ring,
    purpose: Purpose,
) -> Result<report::PurposeReport, KeysError> {
    let report = report::of_purpose(store, ring, purpose).await?;
    match report.stale() {
        _ if report.destroyed => Err(KeysError::Shredded { purpose }),
        0 => Ok(report),
        rows => Err(KeysError::Stale { purpose, rows }),
    }
}
