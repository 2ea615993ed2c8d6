"""The action as the permit names it: SHA-256 over the JCS form (RFC 8785) of what is about to be executed."""

import hashlib
import json
import math
from typing import Any

import rfc8785

from .errors import ArgumentsInvalid

# 2^53 - 1: beyond it a double no longer has every whole number. From 10^21 on JCS writes an exponent, which says so.
MAX_SAFE = 9_007_199_254_740_991
EXPONENT_FROM = 1e21
# As deep as the issuer reads JSON.
DEPTH_MAX = 128

NOT_FINITE = "a number is not finite: JSON has neither NaN nor infinity"


def canonical(tenant_id: str, agent_id: str, tool: str, arguments: Any, target: str | None = None) -> bytes:
    """The bytes that are digested, in UTF-8. Raises `ArgumentsInvalid`."""
    if not (target is None or type(target) is str):
        raise ArgumentsInvalid("the target is text or None")
    form = {"v": 1, "tenant_id": tenant_id, "agent_id": agent_id, "tool": tool}
    return rfc8785.dumps({**form, "arguments": snapshot(arguments), "target": snapshot(target)})


def digest(tenant_id: str, agent_id: str, tool: str, arguments: Any, target: str | None = None) -> str:
    """SHA-256 of `canonical`, as 64 hexadecimal digits in lower case."""
    return hashlib.sha256(canonical(tenant_id, agent_id, tool, arguments, target)).hexdigest()


def snapshot(value: Any, depth: int = 0) -> Any:
    """A copy of a JSON value that nobody else can change between its check and its execution."""
    kind = type(value)
    if depth > DEPTH_MAX:
        raise ArgumentsInvalid(f"the arguments are nested more than {DEPTH_MAX} deep")
    if value is None or kind is bool:
        return value
    if kind is str:
        return _well_formed(value)
    if kind in (int, float):
        return _exact(value)
    if kind is list:
        return [snapshot(item, depth + 1) for item in value]
    if kind is dict and all(type(key) is str for key in value):
        return {_well_formed(key): snapshot(item, depth + 1) for key, item in value.items()}
    raise ArgumentsInvalid("the arguments are not plain JSON: use dict with str keys, list, str, int, float, bool and None")


def parse_arguments(text: str | bytes) -> Any:
    """Reads JSON that a tool was sent: one meaning or none. Names that come twice, NaN and inexact numbers are refused."""
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        return snapshot(json.loads(decoded, object_pairs_hook=_once, parse_constant=_no_constant))
    except (ValueError, RecursionError):
        raise ArgumentsInvalid("the arguments are no JSON in UTF-8") from None


def _well_formed(text: str) -> str:
    # Said here, since the errors of codecs carry the text.
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ArgumentsInvalid("a text holds half a surrogate pair: send well-formed Unicode")
    return text


def _exact(number: int | float) -> int | float:
    if isinstance(number, float) and not math.isfinite(number):
        raise ArgumentsInvalid(NOT_FINITE)
    is_in_digits = isinstance(number, int) or (number.is_integer() and abs(number) < EXPONENT_FROM)
    if is_in_digits and abs(number) > MAX_SAFE:
        raise ArgumentsInvalid("a number is not exact in a double: send what is beyond 2^53 - 1 as text")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ArgumentsInvalid("an object has a name twice: parsers disagree on which one counts")
    return found


def _no_constant(_: str) -> Any:
    raise ArgumentsInvalid(NOT_FINITE)
