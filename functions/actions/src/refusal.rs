//! Every refusal and every bad ending of this function's own: status, event, and what the caller is told. What is refused like
//! everywhere stands in `caller`.

use caller::refusal::Row;
use domain::Reason;

/// The table, in the order of decision.
pub const OWN: &[Row] = caller::refusals! {
    // before anybody is known: one uniform answer
    PermitInvalid, 401, AUTH, false, "no permit of ours, or not for this: ask for the action again, and send the permit as it came";
    PermitExpired, 401, AUTH, false, "the permit's minute is over: the agent asks for the action again under the same idempotency key";
    // the form
    UnknownPath, 404, VIOLATION, false, "unknown path: POST to /v1/actions, GET /v1/approvals/{id}, or see /v1/openapi.json";
    MethodNotAllowed, 405, VIOLATION, false, "this path has another method: POST to /v1/actions and to permits, GET the others";
    // what it may do
    GateMissing, 403, VIOLATION, false, "the tenant has no gate, so no action is allowed: its administrator writes one";
    ActionForbidden, 403, VIOLATION, false, "the tenant's gate does not allow this action: its administrator sees why in the gate document and in the record";
    // what became of it before
    IdempotencyMismatch, 422, VIOLATION, false, "another action was asked for under this idempotency key: use one of its own for each action";
    ApprovalDenied, 403, VIOLATION, false, "people have denied the action: it is not asked again under this idempotency key";
    ApprovalExpired, 403, VIOLATION, false, "nobody decided in time, or the approval was not used in time: ask under a new idempotency key";
    ApprovalCancelled, 403, VIOLATION, false, "a kill switch was turned, or somebody on whom it hangs has left: ask under a new idempotency key";
    ApprovalConsumed, 409, VIOLATION, false, "the action was taken to be run already: a new one wants an idempotency key of its own";
    ApprovalUnknown, 404, VIOLATION, false, "this agent has no such request";
    PermitConsumed, 409, VIOLATION, false, "another has taken this permit: do not act";
    PermitNotYours, 403, VIOLATION, false, "only whoever took the permit tells what came of it";
    OutcomeTold, 409, VIOLATION, false, "another outcome was told already, or none in time: it stays as it is";
    // our own house: refuse
    GateUnreadable, 503, ITS_OWN, false, "the tenant's gate does not read or could not be evaluated, so nothing is allowed: its administrator must write it again";
    RateUnavailable, 503, ITS_OWN, true, "the rate of requests could not be counted, so nothing was done: try again";
    ApprovalsUnavailable, 503, ITS_OWN, true, "approvals could not be written or read, so nothing was done: try again under the same idempotency key, or the same consumer";
    SigningUnavailable, 503, ITS_OWN, true, "the permit could not be signed: try again under the same idempotency key";
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

    #[test]
    fn every_reason_of_an_action_has_exactly_one_row() {
        for reason in Reason::ALL {
            assert!(rows().filter(|row| row.reason == *reason).count() <= 1, "{reason}");
        }
        let told = Reason::OF_ACTIONS.into_iter().filter(|one| *one != Reason::ApprovalPending);
        for reason in told {
            assert_eq!(rows().filter(|row| row.reason == reason).count(), 1, "{reason}");
        }
    }

    /// Whoever guesses keys learns nothing from the answer.
    #[test]
    fn before_anybody_is_known_all_answers_are_alike() {
        let alike = [Reason::KeyMissing, Reason::KeyMalformed, Reason::KeyUnknown, Reason::KeySecretMismatch];
        let answers = alike.map(|reason| (row(reason).status, row(reason).message));
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
}
