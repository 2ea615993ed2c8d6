use super::*;

fn key(n: usize) -> Key {
    Key { table: Table::Control, pk: format!("ORG#{n:03}"), sk: "ORG".to_owned() }
}

/// What DynamoDB answers with a ValidationException is never asked: no key, one key twice, or more than 100.
#[test]
fn every_key_is_asked_for_once_and_at_most_100_at_once() {
    assert!(batches(&[]).is_empty());
    for (keys, calls) in [(1, 1), (99, 1), (100, 1), (101, 2), (250, 3)] {
        let twice: Vec<Key> = (0..keys).chain((0..keys).rev()).map(key).collect();
        let asked = batches(&twice);
        assert_eq!(asked.len(), calls, "{keys} keys");
        assert!(asked.iter().all(|some| (1..=100).contains(&some.len())), "{keys} keys");
        let all: Vec<Key> = asked.into_iter().flatten().cloned().collect();
        assert_eq!(all, (0..keys).map(key).collect::<Vec<_>>());
    }
}
