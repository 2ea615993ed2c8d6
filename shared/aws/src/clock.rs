//! The one place that reads the wall clock.

use domain::Timestamp;

/// The time now, to the millisecond.
pub fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "this is the clock; everything else takes time as a value")]
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(u128::MAX, |since| since.as_millis());
    let millis = i64::try_from(since).unwrap_or(i64::MAX);
    // A clock outside 1970 to 9999 reads as the end of time, at which everything that can expire has expired.
    Timestamp::from_unix_millis(millis).unwrap_or(Timestamp::MAX)
}
