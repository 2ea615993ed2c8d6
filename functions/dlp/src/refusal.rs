//! Every refusal and every bad ending of this function's own: status, event, and what the caller is told. What is refused like
//! everywhere stands in `caller`.

use caller::refusal::Row;
use caller::told;
use domain::Reason;

/// The table, in the order of decision.
pub const OWN: &[Row] = caller::refusals! {
    // the form
    UnknownPath, 404, VIOLATION, false, "unknown path: POST to /v1/detect, /v1/redact or /v1/restore, or GET /v1/openapi.json";
    MethodNotAllowed, 405, VIOLATION, false, "this path has another method: POST to detect, redact and restore, GET the others";
    // what it may do
    SubjectErased, 403, VIOLATION, false, told::SUBJECT_ERASED;
    RedactionFailed, 400, VIOLATION, false, "the content could not be redacted, so it is not given back";
    ContentBlocked, 422, VIOLATION, false, "the policy blocks data of a type that the content holds: take it out";
    // our own house: refuse
    PolicyUnreadable, 503, ITS_OWN, false, "a DLP policy does not read, so nothing was done: its administrator must write it again";
    RateUnavailable, 503, ITS_OWN, true, "the rate of requests or restores could not be counted, so nothing was done: try again";
    TokensUnavailable, 503, ITS_OWN, true, "what tokens stand for could not be kept or read, so nothing was done: try again";
};

/// The row of a reason.
pub fn row(reason: Reason) -> Row {
    caller::refusal::row(OWN, reason)
}

/// All that there are.
#[cfg(test)]
pub fn rows() -> impl Iterator<Item = &'static Row> {
    caller::refusal::ALIKE.iter().chain(OWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What only a call of a model can end with, and what is no refusal.
    const NOT_HERE: [Reason; 33] = [
        Reason::Allowed,
        Reason::Completed,
        Reason::RouteUninspectable,
        Reason::ForeignIdentifier,
        Reason::Uninspectable,
        Reason::ResidencyProvider,
        Reason::ModelUnknown,
        Reason::ModelNotAllowed,
        Reason::ProviderNotAllowed,
        Reason::ConsentMissing,
        Reason::CallRepeated,
        Reason::IdempotencyMismatch,
        Reason::RepeatUnavailable,
        Reason::ProviderAddress,
        Reason::BreakerOpen,
        Reason::RouteUnsupported,
        Reason::Untranslatable,
        Reason::ToolForbidden,
        Reason::BudgetExceeded,
        Reason::PriceUnknown,
        Reason::BudgetUnavailable,
        Reason::TimeShort,
        Reason::ProviderUnreachable,
        Reason::ProviderTimeout,
        Reason::ProviderBroken,
        Reason::ProviderError,
        Reason::ProviderUnavailable,
        Reason::ProviderThrottled,
        Reason::ProviderRejected,
        Reason::ProviderCredential,
        Reason::ProviderMalformed,
        Reason::ProviderTooLarge,
        Reason::CallerGone,
    ];

    fn is_elsewhere(reason: &Reason) -> bool {
        NOT_HERE.contains(reason) || Reason::OF_ACTIONS.contains(reason)
    }

    #[test]
    fn every_reason_has_exactly_one_row() {
        for reason in Reason::ALL.iter().filter(|reason| !is_elsewhere(reason)) {
            assert_eq!(rows().filter(|row| row.reason == *reason).count(), 1, "{reason}");
        }
        assert!(rows().all(|row| !is_elsewhere(&row.reason)));
    }

    /// Whoever guesses keys learns nothing from the answer.
    #[test]
    fn before_anybody_is_known_all_answers_are_alike() {
        let alike = [
            Reason::KeyMissing,
            Reason::KeyMalformed,
            Reason::KeyChecksum,
            Reason::KeyUnknown,
            Reason::KeySecretMismatch,
        ];
        let answers = alike.map(|reason| (row(reason).status, row(reason).message));
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
}
