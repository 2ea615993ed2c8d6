use super::counts::count_key;
use super::*;
use crate::expression::evaluate;
use crate::testing::reads_back;
use domain::{OrgId, SealedBytes, SecretHash, Timestamp};
use proptest::prelude::*;
use std::collections::HashMap;

fn connection() -> ConnectionId {
    ConnectionId::from_random([3; 10])
}

fn at() -> Timestamp {
    Timestamp::from_unix_millis(1_790_000_000_123).unwrap()
}

fn handles() -> Handles {
    let of = connection();
    Handles {
        name: Some(name_digest(&of, "Dana@acme.test")),
        external: Some(external_digest(&of, "00u1")),
        mails: [mail_digest(&of, "dana@acme.test")].into(),
    }
}

fn document() -> SealedBytes {
    SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap()
}

#[test]
fn rows_read_back() {
    let org = OrgId::from_random([1; 10]);
    let user = DirectoryUserRow {
        id: UserId::from_random([2; 10]),
        org: org.clone(),
        active: true,
        handles: handles(),
        version: 7,
        created_at: at(),
        modified_at: at(),
        document: document(),
    };
    reads_back(user, &["name_digest", "external_digest"]);
    let group = DirectoryGroupRow {
        id: GroupId::from_random([2; 10]),
        org,
        handles: Handles { mails: BTreeSet::new(), ..handles() },
        mapped_by: [mapping_digest(&connection(), "Ops")].into(),
        version: 7,
        created_at: at(),
        modified_at: at(),
        document: document(),
    };
    reads_back(group, &["name_digest", "external_digest"]);
    reads_back(FoundRow(["usr_1".to_owned()].into()), &[]);
    let token = ScimTokenId::from_random([4; 10]);
    reads_back(
        ScimAccessRow { id: token.clone(), secret: SecretHash::of("secret"), via: token, expires_at: at() },
        &[],
    );
}

/// Pinned: rows are found by these for as long as they live.
#[test]
fn rows_lie_where_they_lay() {
    let (of, person, team) = (connection(), UserId::from_random([2; 10]), GroupId::from_random([5; 10]));
    let place = |key: Key| format!("{} {} {}", key.table, key.pk, key.sk);
    let con = "identity CON#con_0c1g60r30c1g60r3";
    for (key, lies) in [
        (user(&of, &person), format!("{con} SCIMUSER#usr_081040g2081040g2")),
        (group(&of, &team), format!("{con} SCIMGROUP#grp_0m2ga1850m2ga185")),
        (member_of(&of, &person, &team), format!("{con} SCIMOF#usr_081040g2081040g2#grp_0m2ga1850m2ga185")),
        (member(&of, &team, &person), format!("{con}#grp_0m2ga1850m2ga185 MEMBER#usr_081040g2081040g2")),
        (count_key(&of, Kind::User, '0'), format!("{con} SCIMCOUNT#U#0")),
    ] {
        assert_eq!(place(key), lies);
    }
    let name = place(found(&of, Kind::User, By::Name, &name_digest(&of, "DANA")));
    assert_eq!(name, place(found(&of, Kind::User, By::Name, &name_digest(&of, "dana"))));
    assert!(name.starts_with(&format!("{con} SCIMFOUND#U#name#")));
}

fn applied(rows: &mut HashMap<Key, Item>, writes: Vec<Write>) {
    for write in writes {
        if write.delete {
            rows.remove(&write.key);
        } else {
            let new = evaluate(&write, rows.get(&write.key)).expect("nothing changed meanwhile");
            rows.insert(write.key, new);
        }
    }
}

#[test]
fn a_name_is_one_persons_and_an_address_may_be_two() {
    let (of, none) = (connection(), Handles::default());
    let mut rows = HashMap::new();
    let mut staged = Staged::over(&rows);
    rehandle(&mut staged, &of, Kind::User, "usr_1", (&none, &handles())).unwrap();
    let writes = staged.into_writes();
    applied(&mut rows, writes);
    let fault =
        rehandle(&mut Staged::over(&rows), &of, Kind::User, "usr_2", (&none, &handles())).unwrap_err();
    assert_eq!(fault, HandleFault::Taken);
    // A group of the same name is another thing.
    assert_eq!(rehandle(&mut Staged::over(&rows), &of, Kind::Group, "grp_2", (&none, &handles())), Ok(()));
    let other = Handles { name: Some(name_digest(&of, "noa")), ..handles() };
    let mut staged = Staged::over(&rows);
    rehandle(&mut staged, &of, Kind::User, "usr_2", (&none, &other)).unwrap();
    let writes = staged.into_writes();
    applied(&mut rows, writes);
    let mail = found(&of, Kind::User, By::Mail, &mail_digest(&of, "DANA@ACME.TEST"));
    let both = FoundRow::from_item(&rows[&mail]).unwrap();
    assert_eq!(both.0, ["usr_1".to_owned(), "usr_2".to_owned()].into());
    // Whoever goes takes their own handles along, and nobody else's.
    let mut staged = Staged::over(&rows);
    rehandle(&mut staged, &of, Kind::User, "usr_1", (&handles(), &none)).unwrap();
    let writes = staged.into_writes();
    applied(&mut rows, writes);
    assert_eq!(FoundRow::from_item(&rows[&mail]).unwrap().0, ["usr_2".to_owned()].into());
    assert!(!rows.contains_key(&found(&of, Kind::User, By::Name, &name_digest(&of, "dana@acme.test"))));
}

#[test]
fn a_handle_has_no_end_of_owners() {
    let (of, none) = (connection(), Handles::default());
    let shared = Handles { external: Some(external_digest(&of, "same")), ..Handles::default() };
    let key = found(&of, Kind::User, By::External, &external_digest(&of, "same"));
    let full = FoundRow((0..FoundRow::MOST).map(|n| format!("usr_{n}")).collect());
    let rows = HashMap::from([(key, full.to_item())]);
    let fault = rehandle(&mut Staged::over(&rows), &of, Kind::User, "usr_x", (&none, &shared));
    assert_eq!(fault, Err(HandleFault::Crowded));
}

proptest! {
    /// Rows in the order of their ids, found by their number: the counts say where.
    #[test]
    fn counts_find_every_row_by_its_number(seeds in proptest::collection::vec(any::<[u8; 10]>(), 0..60)) {
        let of = connection();
        let ids: BTreeSet<String> = seeds.iter().map(|seed| UserId::from_random(*seed).to_string()).collect();
        let mut rows = HashMap::new();
        for id in &ids {
            applied(&mut rows, vec![counted(&of, Kind::User, id, true)]);
        }
        let counts = Counts::read(&of, Kind::User, &rows).unwrap();
        prop_assert_eq!(counts.total(), ids.len() as u64);
        for (number, id) in ids.iter().enumerate() {
            let (start, before) = counts.place(number as u64).unwrap();
            let same: Vec<_> = ids.iter().filter(|one| one.starts_with(&format!("usr_{start}"))).collect();
            prop_assert_eq!(same[before as usize], id);
        }
        prop_assert_eq!(counts.place(ids.len() as u64), None);
        for id in &ids {
            applied(&mut rows, vec![counted(&of, Kind::User, id, false)]);
        }
        prop_assert_eq!(Counts::read(&of, Kind::User, &rows).unwrap().total(), 0);
    }
}
