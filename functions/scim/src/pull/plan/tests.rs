use super::*;

fn connection() -> ConnectionId {
    ConnectionId::from_random([2; 10])
}

fn id(number: u8) -> UserId {
    UserId::from_random([number; 10])
}

fn email(number: u8) -> String {
    format!("p{number}@acme.test")
}

fn known(number: u8, active: bool) -> Known {
    let of = connection();
    let external = Some(external_digest(&of, &number.to_string()));
    Known { id: id(number), active, external, name: Some(name_digest(&of, &email(number))) }
}

fn told(people: &[(u8, bool)]) -> BTreeMap<String, Person> {
    let person = |(number, active): &(u8, bool)| {
        (number.to_string(), Person { email: email(*number), active: *active })
    };
    people.iter().map(person).collect()
}

fn steps(
    told: &BTreeMap<String, Person>,
    known: &[Known],
    strangers: &[(u8, Standing)],
    mapped: &[u8],
) -> Steps {
    let strangers = strangers.iter().map(|(number, standing)| (number.to_string(), *standing)).collect();
    let mapped = mapped.iter().map(u8::to_string).collect();
    let connection = connection();
    let here = &known.iter().filter(|one| one.active).map(|one| one.id.clone()).collect();
    let listing = &Listing::new(&connection, told);
    World { listing, known, strangers: &strangers, here, mapped: &mapped }.steps()
}

/// What a step does, to whom.
fn said(steps: &Steps) -> Vec<(Option<UserId>, Value)> {
    let value = |step: &Step| match step.method {
        Method::Patch => step.data["Operations"][0]["value"].clone(),
        _ => json!({"externalId": step.data["externalId"], "active": step.data["active"]}),
    };
    steps.steps.iter().map(|step| (step.id.clone(), value(step))).collect()
}

#[test]
fn each_change_of_somebody_who_is_known() {
    let off = json!({"active": false});
    for (told, known, expected) in [
        (told(&[(1, true)]), known(1, true), vec![]),
        (told(&[(1, false)]), known(1, false), vec![]),
        (told(&[(1, false)]), known(1, true), vec![(Some(id(1)), off.clone())]),
        (told(&[(1, true)]), known(1, false), vec![(Some(id(1)), json!({"active": true}))]),
        (told(&[(2, true)]), known(1, true), vec![(Some(id(1)), off)]),
        (told(&[(2, true)]), known(1, false), vec![]),
        // Whoever came by a push is left to it.
        (told(&[(2, true)]), Known { external: None, ..known(1, true) }, vec![]),
    ] {
        let steps = steps(&told, std::slice::from_ref(&known), &[], &[]);
        assert_eq!(said(&steps), expected, "{known:?}");
    }
    let renamed = steps(&told(&[(1, true)]), &[Known { name: None, ..known(1, true) }], &[], &[]);
    let [(_, value)] = said(&renamed).try_into().unwrap();
    assert_eq!((&value["userName"], renamed.ends), (&json!(email(1)), 0));
    assert_eq!(value["emails"][0]["value"], email(1));
}

/// What the directory said before is not what holds here: somebody may have ended or restored them by hand since.
#[test]
fn whoever_is_out_already_is_left_so_and_whoever_is_in_again_goes_again() {
    let (connection, none) = (connection(), BTreeMap::new());
    let mapped = BTreeSet::new();
    // Ten were held as missing, and ended by hand, as the alarm advised; an eleventh goes.
    let known: Vec<Known> = (1..=30).map(|number| known(number, number != 12)).collect();
    let listed: Vec<(u8, bool)> = (12..=30).map(|number| (number, number > 13)).collect();
    let told = told(&listed);
    let listing = &Listing::new(&connection, &told);
    let doubtful: Vec<UserId> = (1..=13).map(id).collect();
    assert_eq!(listing.doubtful(&known), doubtful);
    // 12 was ended by the directory and restored by hand; 13 is suspended there and was ended by hand before.
    let here = &[id(11), id(12)].into();
    let steps = World { listing, known: &known, strangers: &none, here, mapped: &mapped }.steps();
    let ended: Vec<_> = said(&steps).into_iter().map(|(id, _)| id.unwrap()).collect();
    assert_eq!((ended, steps.held, steps.many), (vec![id(12), id(11)], 0, false));
}

#[test]
fn whoever_leaves_and_was_not_known_may_go_by_their_id() {
    let steps = steps(&told(&[(1, false), (2, true)]), &[], &[(1, Standing::In), (2, Standing::In)], &[]);
    let nameless: Vec<_> = steps.steps.iter().map(Step::nameless).collect();
    let [Some(leaver), None] = nameless.as_slice() else { panic!("{nameless:?}") };
    assert_eq!(
        (&leaver["userName"], &leaver["externalId"], &leaver["active"]),
        (&json!("1"), &json!("1"), &json!(false))
    );
}

#[test]
fn whoever_is_new_is_followed_if_they_are_here_or_a_group_gives_them_roles() {
    let made = |number: u8, active: bool| (None, json!({"externalId": number.to_string(), "active": active}));
    for (active, standing, mapped, expected) in [
        (true, Standing::In, false, Some(made(1, true))),
        // They signed in before the directory was asked, and have left since.
        (false, Standing::In, false, Some(made(1, false))),
        (true, Standing::Unknown, true, Some(made(1, true))),
        (true, Standing::Unknown, false, None),
        (false, Standing::Unknown, true, None),
        // Whoever was ended comes back by somebody's hand alone.
        (true, Standing::Ended, true, None),
        (false, Standing::Ended, true, None),
    ] {
        let mapped: &[u8] = if mapped { &[1] } else { &[] };
        let steps = steps(&told(&[(1, active)]), &[], &[(1, standing)], mapped);
        assert_eq!(said(&steps), Vec::from_iter(expected), "{active} {standing:?} {mapped:?}");
        assert_eq!(steps.ends, usize::from(standing == Standing::In && !active));
    }
    assert_eq!(steps(&told(&[(1, true)]), &[], &[], &[1]).steps, [], "of whom nothing was read");
}

#[test]
fn those_who_leave_go_first() {
    let known = [known(1, false), known(2, true), known(3, true)];
    let told = told(&[(1, true), (2, false), (4, true), (5, false)]);
    let steps = steps(&told, &known, &[(4, Standing::In), (5, Standing::In)], &[]);
    let ended: Vec<bool> = said(&steps).iter().map(|(_, value)| value["active"] == false).collect();
    assert_eq!(ended, [true, true, true, false, false]);
    assert_eq!((steps.ends, steps.held, steps.many), (3, 0, true), "more than half of so few");
}

/// Many who are missing at once are rather a listing that is not what it seems.
#[test]
fn many_who_are_missing_are_not_ended_and_many_who_are_suspended_are() {
    let all = |count: u8| (1..=count).map(|number| known(number, true)).collect::<Vec<_>>();
    for (count, listed, suspended, ends, held, many) in [
        // So many are in; the first so many are listed; so many of these are suspended.
        (6, 1, 0, 5, 0, true),
        (6, 3, 0, 3, 0, false),
        (1, 0, 0, 1, 0, false),
        (2, 0, 0, 0, 2, true),
        (5, 0, 0, 0, 5, true),
        (6, 0, 0, 0, 6, true),
        (7, 1, 0, 0, 6, true),
        (100, 80, 0, 20, 0, false),
        (100, 79, 0, 0, 21, true),
        (100, 100, 20, 20, 0, false),
        (100, 100, 21, 21, 0, true),
        (100, 100, 100, 100, 0, true),
        (100, 79, 3, 3, 21, true),
        (100, 85, 10, 25, 0, true),
    ] {
        let mut people: Vec<(u8, bool)> = (1..=listed).map(|number| (number, number > suspended)).collect();
        people.push((200, true));
        let steps = steps(&told(&people), &all(count), &[], &[]);
        assert_eq!((steps.ends, steps.held, steps.many), (ends, held, many), "{count} {listed} {suspended}");
        assert_eq!(steps.steps.len(), ends);
    }
}

#[test]
fn members_are_those_whom_the_directory_has_told_of() {
    let connection = connection();
    let told = told(&[(1, true), (2, true), (3, true)]);
    let all = [known(1, true), known(2, true), Known { external: None, ..known(3, true) }];
    let listing = Listing::new(&connection, &told);
    let new = |listing: &Listing<'_>| {
        let new = listing.new_people(&all);
        new.into_iter().map(|(id, _)| id.to_owned()).collect::<Vec<_>>()
    };
    let ids = ["2", "3", "4"].map(str::to_owned).into();
    assert_eq!(listing.members(&ids, &all), BTreeSet::from([id(2)]));
    assert_eq!(new(&listing), ["3"]);
    let other = ConnectionId::from_random([9; 10]);
    assert_eq!(new(&Listing::new(&other, &told)).len(), 3, "each connection counts its own");
}
