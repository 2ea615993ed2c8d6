"""Permits of Countersign: what a tool does with one before it runs the action that an agent wants.

    verifier = Verifier("https://actions.example.com", tool="payments.send", tenant="ten_...")
    receipt = verifier.guard(permit, arguments, target, lambda arguments: bank.send(**arguments))
"""

from .action import canonical, digest, parse_arguments
from .errors import (
    ActionMismatch,
    ArgumentsInvalid,
    ConsumeUnclear,
    KeysUnavailable,
    OutcomeNotTold,
    PermitConsumed,
    PermitError,
    PermitExpired,
    PermitForAnother,
    PermitInvalid,
    PermitRefused,
    Unclear,
)
from .permit import Permit
from .run import Run
from .verifier import Verifier

__all__ = [
    "ActionMismatch",
    "ArgumentsInvalid",
    "ConsumeUnclear",
    "KeysUnavailable",
    "OutcomeNotTold",
    "Permit",
    "PermitConsumed",
    "PermitError",
    "PermitExpired",
    "PermitForAnother",
    "PermitInvalid",
    "PermitRefused",
    "Run",
    "Unclear",
    "Verifier",
    "canonical",
    "digest",
    "parse_arguments",
]
