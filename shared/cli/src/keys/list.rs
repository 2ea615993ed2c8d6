//! A tenant's list of providers: one item, so that it is changed whole or not at all, over what was read.

use domain::{Provider, ProviderId, Providers};
use tables::codec::Row as _;
use tables::gates::GateFault;
use tables::{Item, Key, KeyOp, KeyStore};

use super::{KeysError, Ring, TRIES};

/// The most providers of a tenant: their breakers are read with every call.
pub const MAX_PROVIDERS: usize = 16;

/// What becomes of the list.
#[derive(Debug, Clone)]
pub enum Edit {
    /// At its end: providers are tried in the order of the list.
    Add(Box<Provider>),
    Remove(ProviderId),
}

/// Why the list was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("the tenant has {MAX_PROVIDERS} providers already: take one off with --remove first")]
    Full,
    #[error("--provider-url: {0}")]
    Url(#[from] egress::TargetError),
    #[error("say what to do: --provider-url with --provider-region and --models, or --show, or --remove")]
    Nothing,
    #[error("the table did not confirm the write: look with --show whether it is there, then try again")]
    NotConfirmed,
}

impl Edit {
    /// The list as it shall be; `None` when it is so already, by an earlier try.
    fn of(&self, list: &Providers, perhaps: bool) -> Result<Option<Providers>, ListError> {
        let has = |id: &ProviderId| list.0.iter().any(|one| one.id == *id);
        let mut all = list.0.clone();
        match self {
            Self::Add(provider) if has(&provider.id) => return Ok(None),
            Self::Add(_) if all.len() >= MAX_PROVIDERS => return Err(ListError::Full),
            Self::Add(provider) => all.push((**provider).clone()),
            Self::Remove(id) if has(id) => all.retain(|one| one.id != *id),
            Self::Remove(_) if perhaps => return Ok(None),
            Self::Remove(_) => return Err(KeysError::NoProvider.into()),
        }
        Ok(Some(Providers(all)))
    }
}

/// The list as it is.
///
/// # Errors
/// No answer, or a row of another form.
pub async fn read<S: KeyStore>(store: &S, ring: &Ring) -> Result<Option<(Item, Providers)>, KeysError> {
    let Some(item) = store.read(&Key::providers(&ring.tenant)).await? else { return Ok(None) };
    let list = Providers::from_item(&item).map_err(|_| KeysError::Unreadable)?;
    Ok(Some((item, list)))
}

/// Changes the list over what was read, however often it takes. Gives how long the list is then.
///
/// # Errors
/// See [`ListError`].
pub async fn change<S: KeyStore>(store: &S, ring: &Ring, edit: &Edit) -> Result<usize, ListError> {
    let mut perhaps = false;
    for _ in 0..TRIES {
        let (item, list) = read(store, ring).await?.ok_or(KeysError::Unreadable)?;
        let Some(wanted) = edit.of(&list, perhaps)? else { return Ok(list.0.len()) };
        let old = item.get(FIELD).cloned().ok_or(KeysError::Unreadable)?;
        let new = wanted.to_item().remove(FIELD).ok_or(KeysError::Unreadable)?;
        let row = Key::providers(&ring.tenant);
        match store.write(&KeyOp::Replace { row, field: FIELD, old, new }).await {
            Ok(()) => return Ok(wanted.0.len()),
            Err(GateFault::Unknown) => perhaps = true,
            Err(GateFault::Condition(_) | GateFault::NotWritten) => {}
        }
    }
    Err(ListError::NotConfirmed)
}

/// The field of the row that holds the list.
const FIELD: &str = "providers";

#[cfg(test)]
mod tests {
    use domain::{ProviderKind, Region, SealedBytes, TenantId};
    use egress::Reach;

    use super::super::memory::{Fault, Memory};
    use super::*;

    fn provider(n: u8) -> Provider {
        Provider {
            id: ProviderId::from_random([n; 10]),
            name: format!("provider-{n}").parse().unwrap(),
            kind: ProviderKind::OpenAi,
            base_url: "https://api.example.com/v1".to_owned(),
            api_version: None,
            region: Region::Eu,
            region_source: "a test".to_owned(),
            models: Vec::new(),
            credential: SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap(),
        }
    }

    fn ring() -> Ring {
        let tenant = TenantId::from_random([1; 10]);
        Ring { tenant, region: Region::Eu, reach: Reach::of_stage("prod") }
    }

    fn with(numbers: &[u8]) -> Memory {
        let memory = Memory::default();
        let list = Providers(numbers.iter().map(|n| provider(*n)).collect());
        memory.put(Key::providers(&ring().tenant), list.to_item());
        memory
    }

    async fn ids(memory: &Memory) -> Vec<ProviderId> {
        let (_, list) = read(&memory.process(None), &ring()).await.unwrap().unwrap();
        list.0.into_iter().map(|one| one.id).collect()
    }

    fn all(numbers: &[u8]) -> Vec<ProviderId> {
        numbers.iter().map(|n| ProviderId::from_random([*n; 10])).collect()
    }

    #[tokio::test]
    async fn one_is_added_at_the_end_and_another_taken_off() {
        let memory = with(&[1]);
        assert_eq!(change(&memory, &ring(), &Edit::Add(Box::new(provider(2)))).await.unwrap(), 2);
        assert_eq!(ids(&memory).await, all(&[1, 2]));
        assert_eq!(change(&memory, &ring(), &Edit::Remove(provider(1).id)).await.unwrap(), 1);
        assert_eq!(ids(&memory).await, all(&[2]));
        let none = change(&memory, &ring(), &Edit::Remove(provider(9).id)).await;
        assert!(matches!(none, Err(ListError::Keys(KeysError::NoProvider))));
    }

    #[tokio::test]
    async fn there_is_an_end_to_it() {
        let numbers: Vec<u8> = (0..16).collect();
        let full = change(&with(&numbers), &ring(), &Edit::Add(Box::new(provider(99)))).await;
        assert!(matches!(full, Err(ListError::Full)));
    }

    #[tokio::test]
    async fn a_write_of_unknown_outcome_counts_once() {
        for fault in [Fault::Throttled, Fault::LostBefore, Fault::LostAfter] {
            for edit in [Edit::Add(Box::new(provider(2))), Edit::Remove(provider(1).id)] {
                let memory = with(&[1]);
                // The first call reads, the second writes.
                let process = memory.process(Some((1, fault)));
                change(&process, &ring(), &edit).await.unwrap();
                let wanted = if matches!(edit, Edit::Add(_)) { all(&[1, 2]) } else { all(&[]) };
                assert_eq!(ids(&memory).await, wanted, "{fault:?}");
            }
        }
    }

    /// Of two operators at once neither loses what the other did.
    #[tokio::test]
    async fn another_operator_is_not_written_over() {
        let mut memory = with(&[1]);
        memory.meddler = Some((
            0,
            std::sync::Arc::new(|rows| {
                let place = Key::providers(&ring().tenant);
                let mut list = Providers::from_item(&rows[&place]).unwrap();
                list.0.push(provider(7));
                rows.insert(place, list.to_item());
            }),
        ));
        change(&memory, &ring(), &Edit::Add(Box::new(provider(2)))).await.unwrap();
        assert_eq!(ids(&memory).await, all(&[1, 7, 2]));
    }
}
