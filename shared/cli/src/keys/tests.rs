//! Rotation and destruction against faults at every call, processes that die between any two, and other writers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};

use domain::{
    Name, Opaque, Provider, ProviderId, ProviderKind, ProviderModel, Providers, RootRow, SealedBytes,
    SubjectRow, Timestamp,
};
use envelope::{Context, KeyWrapper as _, Roots, SEAL_RANDOM_BYTES, SubjectSecret, sealed_version};
use tables::KeyOp;

use super::memory::{FAULTS, Fault, Memory, Service};
use super::rotate::Rotated;
use super::shred::Erased;
use super::*;

const CREDENTIAL: Purpose = Purpose::Credential;
const SECRETS: [&str; 2] = ["sk-first", "sk-second"];

/// A tenant with two providers and two people, and its rows.
struct World {
    memory: Memory,
    service: Service,
    ring: Ring,
}

fn draw() -> Result<[u8; SEAL_RANDOM_BYTES], aws::EntropyError> {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    Ok([NEXT.fetch_add(1, Ordering::Relaxed); SEAL_RANDOM_BYTES])
}

fn now() -> Timestamp {
    Timestamp::from_unix_millis(0).unwrap()
}

fn provider(n: u8, credential: SealedBytes) -> Provider {
    let name: Name = "gpt-4o".parse().unwrap();
    Provider {
        id: ProviderId::from_random([n; 10]),
        name: "stand-in".parse().unwrap(),
        kind: ProviderKind::OpenAi,
        base_url: format!("https://api{n}.example.com/v1"),
        api_version: None,
        region: Region::Eu,
        region_source: "a test".to_owned(),
        models: vec![ProviderModel { name: name.clone(), upstream: name, max_output_tokens: 9 }],
        credential,
    }
}

fn subject(n: usize) -> Opaque {
    format!("psn_{n}").parse().unwrap()
}

impl World {
    async fn new() -> Self {
        let tenant = TenantId::from_random([1; 10]);
        let ring = Ring { tenant, region: Region::Eu, reach: Reach::of_stage("prod") };
        let world = Self { memory: Memory::default(), service: Service::default(), ring };
        for purpose in Purpose::ALL {
            let context =
                Context { tenant: world.ring.tenant.clone(), region: Region::Eu, purpose, version: 1 };
            let wrapped = world.service.generate(&context).await.unwrap();
            let row = RootRow {
                current: 1,
                min_decrypt: 1,
                versions: BTreeMap::from([(1, wrapped)]),
                shredded: false,
            };
            world.memory.put(world.ring.root(purpose), row.to_item());
        }
        let root = world.current(CREDENTIAL).await;
        let seal = |n: usize, secret: &str| {
            let n = u8::try_from(n).unwrap();
            let id = ProviderId::from_random([n; 10]);
            let aad = reseal::credential_aad(&world.ring.tenant, id.as_str(), &format!("api{n}.example.com"));
            provider(n, root.seal(&aad, secret.as_bytes(), &draw().unwrap()).unwrap().into())
        };
        let providers = Providers(SECRETS.iter().enumerate().map(|(n, secret)| seal(n, secret)).collect());
        world.memory.put(Key::providers(&world.ring.tenant), providers.to_item());
        world
    }

    fn roots(&self) -> Roots<Service> {
        Roots::new(self.service.clone(), Region::Eu)
    }

    async fn current(&self, purpose: Purpose) -> std::sync::Arc<envelope::RootKey> {
        let row = self.ring.read_root(&self.memory, purpose).await.unwrap();
        self.roots().current(&self.ring.tenant, purpose, &row, now()).await.unwrap()
    }

    async fn person(&self, n: usize) {
        let place = Key::subject(&self.ring.tenant, &subject(n));
        let aad = envelope::Aad::row(&self.ring.tenant, "keys", &place.pk, &place.sk, "sealed_key");
        let sealed = SubjectSecret::new([7; 32]).seal(
            self.current(Purpose::Audit).await.as_ref(),
            &aad,
            &draw().unwrap(),
        );
        let op = KeyOp::PutSubject { subject: place, sealed: sealed.unwrap().into() };
        self.memory.write(&op).await.unwrap();
    }

    fn providers(&self) -> Providers {
        Providers::from_item(&self.memory.get(&Key::providers(&self.ring.tenant)).unwrap()).unwrap()
    }

    /// What every credential opens to, with fresh eyes.
    async fn opened(&self) -> Vec<Result<String, RootError>> {
        let row = self.ring.read_root(&self.memory, CREDENTIAL).await.unwrap();
        let (roots, mut all) = (self.roots(), Vec::new());
        for one in self.providers().0 {
            let host = egress::Target::parse(&one.base_url, self.ring.reach).unwrap().host();
            let aad = reseal::credential_aad(&self.ring.tenant, one.id.as_str(), &host);
            let opened = roots.open(&self.ring.tenant, CREDENTIAL, &row, &aad, &one.credential, now()).await;
            all.push(opened.map(|plain| plain.as_str().unwrap().to_owned()));
        }
        all
    }

    async fn all_open(&self, at: &str) {
        let opened = self.opened().await;
        assert_eq!(opened, SECRETS.map(|secret| Ok(secret.to_owned())), "{at}");
    }

    fn versions(&self) -> Vec<u32> {
        self.providers().0.iter().map(|one| sealed_version(&one.credential).unwrap()).collect()
    }

    async fn turn(&self, memory: &Memory) -> Result<Rotated, KeysError> {
        let rotated = rotate::rotate(memory, &self.service, &self.ring, CREDENTIAL).await?;
        reseal::reseal(memory, &self.roots(), &self.ring, now(), &draw).await?;
        Ok(rotated)
    }
}

#[tokio::test]
async fn a_rotation_that_fails_or_dies_anywhere_leaves_every_row_readable() {
    let calls = {
        let world = World::new().await;
        let process = world.memory.process(None);
        assert_eq!(world.turn(&process).await.unwrap(), Rotated::Made { version: 2 });
        assert_eq!(world.versions(), [2, 2]);
        process.calls()
    };
    let mut tried = 0;
    for fault in FAULTS {
        for at in 0..calls {
            let world = World::new().await;
            let ended = world.turn(&world.memory.process(Some((at, fault)))).await;
            let place = format!("{fault:?} at call {at}");
            world.all_open(&place).await;
            // Faults of one call are ridden out, unless it was a read; a death is not.
            let died = matches!(fault, Fault::DiesBefore | Fault::DiesAfter);
            assert!(ended.is_err() || !died || at + 1 == calls, "{place}: {ended:?}");
            // Somebody runs the command again: what is left to do is done, and nothing is lost.
            world.turn(&world.memory.process(None)).await.unwrap();
            world.all_open(&place).await;
            let current = world.ring.read_root(&world.memory, CREDENTIAL).await.unwrap().current;
            assert!(world.versions().iter().all(|version| *version == current), "{place}");
            tried += 1;
        }
    }
    assert_eq!(tried, FAULTS.len() * calls);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_version() {
    let world = World::new().await;
    // Two reads, then the write.
    let process = world.memory.process(Some((2, Fault::LostAfter)));
    let rotated = rotate::rotate(&process, &world.service, &world.ring, CREDENTIAL).await.unwrap();
    assert_eq!(rotated, Rotated::Made { version: 2 });
    let row = world.ring.read_root(&world.memory, CREDENTIAL).await.unwrap();
    assert_eq!((row.current, row.versions.len(), row.min_decrypt), (2, 2, 1));
    assert_eq!(world.service.made(), Purpose::ALL.len() + 1);
}

#[tokio::test]
async fn two_rotators_at_once_make_one_version() {
    let world = World::new().await;
    let (one, other) = (world.memory.process(None), world.memory.process(None));
    let (one, other) = tokio::join!(world.turn(&one), world.turn(&other));
    let mut ended = [one.unwrap(), other.unwrap()];
    ended.sort_by_key(|rotated| matches!(rotated, Rotated::ByAnother { .. }));
    assert_eq!(ended, [Rotated::Made { version: 2 }, Rotated::ByAnother { version: 2 }]);
    let row = world.ring.read_root(&world.memory, CREDENTIAL).await.unwrap();
    assert_eq!((row.current, row.versions.len()), (2, 2));
    world.all_open("after both").await;
}

#[tokio::test]
async fn another_writers_change_of_the_row_is_kept() {
    let world = World::new().await;
    rotate::rotate(&world.memory, &world.service, &world.ring, CREDENTIAL).await.unwrap();
    let place = Key::providers(&world.ring.tenant);
    let mut process = world.memory.process(None);
    process.meddler = Some((
        0,
        std::sync::Arc::new(move |rows| {
            let mut providers = Providers::from_item(&rows[&place]).unwrap();
            providers.0[1].name = "renamed".parse().unwrap();
            rows.insert(place.clone(), providers.to_item());
        }),
    ));
    assert_eq!(reseal::reseal(&process, &world.roots(), &world.ring, now(), &draw).await.unwrap(), 2);
    assert_eq!((world.providers().0[1].name.as_str(), world.versions()), ("renamed", vec![2, 2]));
    world.all_open("after both writers").await;
}

#[tokio::test]
async fn whoever_writes_a_row_seals_all_of_it_again() {
    let world = World::new().await;
    rotate::rotate(&world.memory, &world.service, &world.ring, CREDENTIAL).await.unwrap();
    let id = world.providers().0[0].id.clone();
    let given = (&id, "sk-new");
    reseal::replace(&world.memory, &world.roots(), &world.ring, now(), &draw, given).await.unwrap();
    assert_eq!(world.versions(), [2, 2]);
    assert_eq!(world.opened().await, [Ok("sk-new".to_owned()), Ok("sk-second".to_owned())]);
    let stranger = (&ProviderId::from_random([9; 10]), "sk-new");
    let refused = reseal::replace(&world.memory, &world.roots(), &world.ring, now(), &draw, stranger).await;
    assert!(matches!(refused, Err(KeysError::NoProvider)));
}

#[tokio::test]
async fn an_old_version_is_retired_once_nothing_names_it() {
    let world = World::new().await;
    let old = world.providers();
    rotate::rotate(&world.memory, &world.service, &world.ring, CREDENTIAL).await.unwrap();
    let refused = rotate::retire(&world.memory, &world.ring, CREDENTIAL).await;
    assert!(matches!(refused, Err(KeysError::Stale { rows: 2, .. })), "{refused:?}");
    reseal::reseal(&world.memory, &world.roots(), &world.ring, now(), &draw).await.unwrap();
    assert_eq!(rotate::retire(&world.memory, &world.ring, CREDENTIAL).await.unwrap(), 2);
    world.all_open("after the old version's end").await;
    // A row brought back from a backup stays shut, and says why. Its credentials are set anew, one by one.
    world.memory.put(Key::providers(&world.ring.tenant), old.to_item());
    assert_eq!(
        world.opened().await,
        [Err(RootError::Retired { version: 1 }), Err(RootError::Retired { version: 1 })]
    );
    for (provider, credential) in world.providers().0.iter().zip(["sk-a", "sk-b"]) {
        let given = (&provider.id, credential);
        reseal::replace(&world.memory, &world.roots(), &world.ring, now(), &draw, given).await.unwrap();
    }
    assert_eq!(world.opened().await, ["sk-a", "sk-b"].map(|secret| Ok(secret.to_owned())));
    let nobody = Key::providers(&world.ring.tenant);
    world.memory.rows.lock().unwrap().remove(&nobody);
    let given = (&ProviderId::from_random([0; 10]), "sk-x");
    let refused = reseal::replace(&world.memory, &world.roots(), &world.ring, now(), &draw, given).await;
    assert!(matches!(refused, Err(KeysError::NoProvider)), "{refused:?}");
}

#[tokio::test]
async fn a_value_that_is_sealed_under_the_old_version_meanwhile_is_not_lost() {
    let world = World::new().await;
    let old = world.providers();
    rotate::rotate(&world.memory, &world.service, &world.ring, CREDENTIAL).await.unwrap();
    reseal::reseal(&world.memory, &world.roots(), &world.ring, now(), &draw).await.unwrap();
    let place = Key::providers(&world.ring.tenant);
    let mut process = world.memory.process(None);
    // A writer that still held the old version writes right between the count and the write.
    process.meddler = Some((
        0,
        std::sync::Arc::new(move |rows| {
            rows.insert(place.clone(), old.to_item());
        }),
    ));
    let refused = rotate::retire(&process, &world.ring, CREDENTIAL).await;
    assert!(matches!(refused, Err(KeysError::Stale { rows: 2, .. })), "{refused:?}");
    world.all_open("after a retirement that was taken back").await;
}

#[tokio::test]
async fn what_must_be_kept_is_neither_retired_nor_rotated() {
    let world = World::new().await;
    let retired = rotate::retire(&world.memory, &world.ring, Purpose::Audit).await;
    assert!(matches!(retired, Err(KeysError::Kept { .. })));
    // What nobody counts would be lost.
    for purpose in Purpose::ALL {
        let retired = rotate::retire(&world.memory, &world.ring, purpose).await;
        let counted = matches!(purpose, Purpose::Credential | Purpose::Audit | Purpose::Pseudonym);
        assert_eq!(matches!(retired, Err(KeysError::Uncounted { .. })), !counted, "{purpose}");
    }
    let rotated = rotate::rotate(&world.memory, &world.service, &world.ring, Purpose::Pseudonym).await;
    assert!(matches!(rotated, Err(KeysError::NotRotated { .. })));
}

#[tokio::test]
async fn a_destroyed_tenant_stays_destroyed_whatever_failed_on_the_way() {
    for fault in FAULTS {
        for at in 0..2 * Purpose::ALL.len() {
            let world = World::new().await;
            let first = shred::tenant(&world.memory.process(Some((at, fault))), &world.ring).await;
            if first.is_err() {
                shred::tenant(&world.memory, &world.ring).await.unwrap();
            }
            assert_eq!(world.opened().await, [Err(RootError::Shredded), Err(RootError::Shredded)]);
            for purpose in Purpose::ALL {
                let row = world.ring.read_root(&world.memory, purpose).await.unwrap();
                assert!(row.shredded && row.versions.is_empty(), "{fault:?} at {at}: {purpose}");
            }
            let again = rotate::rotate(&world.memory, &world.service, &world.ring, CREDENTIAL).await;
            assert!(matches!(again, Err(KeysError::Shredded { .. })), "{again:?}");
        }
    }
}

#[tokio::test]
async fn a_purpose_that_the_tenant_never_had_gets_its_tombstone_too() {
    let world = World::new().await;
    world.memory.rows.lock().unwrap().remove(&world.ring.root(Purpose::Sso));
    shred::tenant(&world.memory, &world.ring).await.unwrap();
    assert!(world.ring.read_root(&world.memory, Purpose::Sso).await.unwrap().shredded);
}

#[tokio::test]
async fn one_person_is_erased_and_nobody_else() {
    let world = World::new().await;
    world.person(1).await;
    world.person(2).await;
    let process = world.memory.process(Some((1, Fault::LostAfter)));
    assert_eq!(shred::person(&process, &world.ring, &subject(1)).await.unwrap(), Erased::Destroyed);
    assert_eq!(shred::person(&world.memory, &world.ring, &subject(1)).await.unwrap(), Erased::AlreadyGone);
    let row =
        |n| SubjectRow::from_item(&world.memory.get(&Key::subject(&world.ring.tenant, &subject(n))).unwrap());
    assert_eq!(row(1), Ok(SubjectRow::Shredded));
    assert!(matches!(row(2), Ok(SubjectRow::Active(_))));
    world.all_open("credentials are nobody's").await;
    // Nobody comes back: neither whoever had a key, nor whoever was erased before having one.
    assert_eq!(shred::person(&world.memory, &world.ring, &subject(3)).await.unwrap(), Erased::NeverExisted);
    for n in [1, 3] {
        let sealed = SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap();
        let op = KeyOp::PutSubject { subject: Key::subject(&world.ring.tenant, &subject(n)), sealed };
        assert!(world.memory.write(&op).await.is_err());
        assert_eq!(row(n), Ok(SubjectRow::Shredded));
    }
}

#[tokio::test]
async fn the_report_counts_over_every_page() {
    let mut world = World::new().await;
    for n in 0..5 {
        world.person(n).await;
    }
    shred::person(&world.memory, &world.ring, &subject(0)).await.unwrap();
    rotate::rotate(&world.memory, &world.service, &world.ring, Purpose::Audit).await.unwrap();
    world.person(9).await;
    rotate::rotate(&world.memory, &world.service, &world.ring, CREDENTIAL).await.unwrap();
    for page in [0, 1, 2, 6] {
        world.memory.page = page;
        let report = report::report(&world.memory, &world.ring).await.unwrap();
        let of = |purpose: Purpose| report.iter().find(|one| one.purpose == purpose.as_str()).unwrap();
        assert_eq!(of(CREDENTIAL).sealed, Some(BTreeMap::from([(1, 2)])));
        assert_eq!((of(CREDENTIAL).current, of(CREDENTIAL).stale()), (2, 2));
        assert_eq!(of(Purpose::Audit).sealed, Some(BTreeMap::from([(1, 4), (2, 1)])), "pages of {page}");
        assert_eq!(of(Purpose::Audit).erased_people, 1);
    }
}
