//! Partitions of what is gone through by the clock: few, so that all can be read every minute, and enough that none is hot.

use domain::Timestamp;

/// The partitions of heads, and of all that is gone through by the clock: the characters of an id.
pub const HEAD_SHARDS: &str = "0123456789abcdefghjkmnpqrstvwxyz";

/// The partition that belongs to an id: its last character.
pub fn shard_of(id: &str) -> char {
    id.chars().next_back().unwrap_or('0')
}

/// All partitions, each minute from the next one on: what stops a pass halfway, be it time, keeps none from being reached.
pub fn shards_from(now: Timestamp) -> impl Iterator<Item = char> {
    let count = HEAD_SHARDS.chars().count();
    let minute = usize::try_from(now.unix_millis() / 60_000).unwrap_or_default();
    HEAD_SHARDS.chars().cycle().skip(minute % count).take(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stops a sweep halfway each time does not keep it from the same people for ever.
    #[test]
    fn every_shard_is_the_first_one_some_time() {
        let noon: Timestamp = "2026-11-26T12:00:00.000Z".parse().unwrap();
        let first: std::collections::BTreeSet<char> =
            (0..32).filter_map(|run| shards_from(noon.plus_millis(run * 300_000)).next()).collect();
        assert_eq!(first, HEAD_SHARDS.chars().collect(), "a sweep comes every five minutes");
        let mut all: Vec<char> = shards_from(noon.plus_millis(1_020_000)).collect();
        all.sort_unstable();
        assert_eq!(all.into_iter().collect::<String>(), HEAD_SHARDS);
    }
}
