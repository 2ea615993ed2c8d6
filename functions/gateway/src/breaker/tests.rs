use super::*;
use egress::{EgressError, NotSent};

/// Reviewed: what each ending says of the endpoint, which all its tenants share, and of what is the tenant's own.
#[test]
fn what_an_ending_says() {
    use Health::{Ill, Silent, Well};
    let status = |status| Ended { status: Some(status), ..crate::outcome::rejected(status) };
    for (code, said) in [
        (400, [Well, Silent]),
        (401, [Well, Ill]),
        (403, [Well, Ill]),
        (404, [Well, Silent]),
        (413, [Well, Silent]),
        (429, [Silent, Silent]),
        (500, [Silent, Ill]),
        (501, [Well, Silent]),
        (502, [Ill, Silent]),
        (503, [Ill, Silent]),
        (504, [Ill, Silent]),
        (529, [Ill, Silent]),
        (302, [Silent, Silent]),
    ] {
        assert_eq!(health(&status(code)), said, "{code}");
    }
    for (error, said) in [
        (EgressError::NotSent(NotSent::Connect), [Ill, Silent]),
        (EgressError::NotSent(NotSent::Dns), [Ill, Silent]),
        (EgressError::NotSent(NotSent::Tls), [Ill, Silent]),
        (EgressError::Broken { status: None }, [Ill, Silent]),
        (EgressError::Broken { status: Some(200) }, [Silent, Silent]),
        (EgressError::TimedOut { status: None }, [Silent, Ill]),
        (EgressError::TimedOut { status: Some(200) }, [Silent, Silent]),
        (EgressError::TooLarge { status: 200, limit_bytes: 9 }, [Silent, Silent]),
    ] {
        assert_eq!(health(&crate::outcome::failed(&error)), said, "{error:?}");
    }
    for reason in Reason::ALL {
        let ended = Ended::without_answer(*reason, Spent::Nothing);
        let sent = reason.as_str().starts_with("provider_")
            || [Reason::Completed, Reason::ToolForbidden].contains(reason);
        assert!(sent || health(&ended) == [Silent, Silent], "{reason}: nothing was sent");
    }
}

#[test]
fn tries_end() {
    let failed = |n| Failed {
        provider: ProviderId::from_random([n; 10]),
        action: ActionId::new(Timestamp::MAX, [n; 10]),
    };
    let tried = |count| Tried((0..count).map(failed).collect());
    assert_eq!([0, 1, 2, 3].map(|count| tried(count).last()), [false, false, true, true]);
    assert!(tried(2).has(&failed(1).provider) && !tried(2).has(&failed(2).provider));
    assert_eq!((tried(0).before(), tried(2).before()), (None, Some(failed(1).action)));
}
