use super::*;

#[test]
fn lengths_and_moments_are_told_as_people_read_them() {
    for (ms, text) in [
        (0, "0 s"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (3_599_000, "59 min"),
        (3_600_000, "1 h 0 min"),
        (86_399_000, "23 h 59 min"),
        (90_000_000, "1 d 1 h"),
        (u64::MAX, "213503982334 d 14 h"),
    ] {
        assert_eq!(length(ms), text);
    }
    let at = Timestamp::from_unix_millis(1_795_430_530_120).unwrap();
    assert_eq!(moment(at), "2026-11-23 10:42 UTC");
}
