use super::*;

fn query(parameters: &[(&str, &str)]) -> Query {
    let owned: Vec<_> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Query::from_parameters(Kind::User, &owned).unwrap()
}

#[test]
fn a_cursor_is_one_questions_and_ends() {
    let now = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
    let plain = about(Kind::User, &query(&[]));
    let text = cursor("0w3ge1r70w3ge1r7", &plain, now);
    assert_eq!(opened(&text, &plain, now).as_deref(), Ok("0w3ge1r70w3ge1r7"));
    let last = now.plus_millis(CURSOR_SECONDS * 1_000 - 1);
    assert!(opened(&text, &plain, last).is_ok());
    assert_eq!(opened(&text, &plain, last.plus_millis(1)), Err(ScimError::cursor_expired()));
    let others = [
        about(Kind::Group, &query(&[])),
        about(Kind::User, &query(&[("filter", "userName pr")])),
        about(Kind::User, &query(&[("sortBy", "userName")])),
        about(Kind::User, &query(&[("sortBy", "userName"), ("sortOrder", "descending")])),
    ];
    for other in others {
        assert_eq!(opened(&text, &other, now), Err(ScimError::cursor_unknown()));
    }
    for bad in ["", "x", "AAAA", &URL_SAFE_NO_PAD.encode(format!("a#b {plain} 9999999999999"))] {
        assert_eq!(opened(bad, &plain, now), Err(ScimError::cursor_unknown()), "{bad}");
    }
}
