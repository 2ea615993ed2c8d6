"""Why an action does not run. No message carries a permit, an argument or a target: messages are logged."""

ASK_AGAIN = "ask for it anew at POST /v1/actions, with the same idempotency key while it is the same action"


class PermitError(Exception):
    """Whatever keeps an action from running, or its outcome from being told. `code` is for programs."""

    code = "permit_error"

    def __init__(self, message: str, code: str | None = None):
        super().__init__(message)
        self.code = code or type(self).code


class PermitInvalid(PermitError):
    """It is no permit of this issuer: forged, of another type or algorithm, or not readable."""

    code = "permit_invalid"


class PermitExpired(PermitError):
    """It was one, and its minute is over."""

    code = "permit_expired"


class PermitForAnother(PermitError):
    """It is good, but for another tool or another tenant."""

    code = "permit_for_another"


class ActionMismatch(PermitError):
    """What is about to be executed is not what was permitted."""

    code = "action_mismatch"


class ArgumentsInvalid(PermitError):
    """The arguments are not JSON that every implementation of RFC 8785 writes alike."""

    code = "arguments_invalid"


class KeysUnavailable(PermitError):
    """The issuer's public keys cannot be had."""

    code = "keys_unavailable"


class PermitConsumed(PermitError):
    """Somebody else runs this action, or has run it."""

    code = "permit_consumed"


class PermitRefused(PermitError):
    """The issuer refuses it now: cancelled, stopped by a kill switch, forged. `code` is the issuer's."""

    code = "permit_refused"


class ConsumeUnclear(PermitError):
    """Nobody said clearly that the action may run, so it does not."""

    code = "consume_unclear"


class OutcomeNotTold(PermitError):
    """The issuer did not take the outcome. It says nothing of the action, which has ended as it ended."""

    code = "outcome_not_told"


class Unclear(Exception):
    """Raised by a tool that cannot know whether its action happened, such as after a lost answer: nothing is reported."""
