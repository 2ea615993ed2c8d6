"""A permit that was checked, and how its text is read."""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

import jwt

from .errors import ASK_AGAIN, PermitExpired, PermitForAnother, PermitInvalid
from .keys import Keys

TYPE = "cs-permit+jwt"
LIFETIME_MAX = 60
TEXT_MAX = 8_192

# A signature of ES256 has 64 bytes, which are 86 characters.
FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}")
PERMIT_ID = re.compile(r"prm_[0-9a-z]{16}")
TENANT_ID = re.compile(r"ten_[0-9a-z]{16}")
AGENT_ID = re.compile(r"agt_[0-9a-z]{16}")
APPROVAL_ID = re.compile(r"apr_[0-9a-f]{32}")
SHA256 = re.compile(r"[0-9a-f]{64}")
ISSUER = re.compile(r"https?://[!-~]{1,512}")
TOOL = re.compile(r"[A-Za-z0-9._:/@-]{1,128}")

FORGED = "the permit is not one of this issuer: pass on the text that POST /v1/actions returned, unchanged"


@dataclass(frozen=True)
class Permit:
    """What a checked permit says. Times are seconds since 1970. `token` is left out of what is printed."""

    id: str
    issuer: str
    tenant_id: str
    agent_id: str
    tool: str
    action_sha256: str
    policy_version: int
    approval_id: str | None
    issued_at: int
    expires_at: int
    token: str = field(repr=False)


def read(token: Any, keys: Keys) -> Permit:
    """Verifies form, type, algorithm, key and signature, then reads the claims. Whom and when it is for is left to check."""
    if not (isinstance(token, str) and len(token) <= TEXT_MAX and FORM.fullmatch(token)):
        raise PermitInvalid(FORGED)
    header = _part(token.split(".")[0])
    # Nothing else may stand there: `crit`, `jwk`, `x5c` and `b64` each change what a library verifies.
    if header.keys() != {"alg", "typ", "kid"} or (header["alg"], header["typ"]) != ("ES256", TYPE):
        raise PermitInvalid(f"the permit is not of the type {TYPE}, signed by ES256: pass on a permit, not another token")
    if not isinstance(header["kid"], str):
        raise PermitInvalid(FORGED)
    try:
        jwt.PyJWS(algorithms=["ES256"]).decode(token, keys.find(header["kid"]), algorithms=["ES256"])
    except jwt.PyJWTError:
        raise PermitInvalid(FORGED) from None
    return _permit(_part(token.split(".")[1]), token)


def check_times(permit: Permit, now: float, leeway: float) -> None:
    if permit.expires_at + leeway <= now:
        raise PermitExpired(f"the permit has expired: {ASK_AGAIN}")
    if permit.issued_at - leeway > now:
        raise PermitInvalid("the permit was issued in the future: set this machine's clock")


def _permit(claims: dict[str, Any], token: str) -> Permit:
    issued_at, expires_at = _whole(claims, "iat"), _whole(claims, "exp")
    if not 0 < expires_at - issued_at <= LIFETIME_MAX:
        raise PermitInvalid(f"the permit is good for longer than {LIFETIME_MAX} seconds, which no permit of Countersign is")
    agent_id = _text(claims, "agent_id", AGENT_ID)
    if claims.get("sub") != agent_id:
        raise PermitInvalid("the permit names two agents")
    return Permit(
        id=_text(claims, "jti", PERMIT_ID),
        issuer=_text(claims, "iss", ISSUER),
        tenant_id=_text(claims, "tenant_id", TENANT_ID),
        agent_id=agent_id,
        tool=_text(claims, "aud", TOOL),
        action_sha256=_text(claims, "action_sha256", SHA256),
        policy_version=_whole(claims, "policy_version"),
        approval_id=_text(claims, "approval_id", APPROVAL_ID) if "approval_id" in claims else None,
        issued_at=issued_at,
        expires_at=expires_at,
        token=token,
    )


def for_another(what: str) -> PermitForAnother:
    return PermitForAnother(f"the permit is for another {what}: {ASK_AGAIN}")


def _text(claims: dict[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = claims.get(name)
    if not (isinstance(value, str) and form.fullmatch(value)):
        raise PermitInvalid(f"the permit's claim `{name}` is missing or not of its form")
    return value


def _whole(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value < 2**53:
        raise PermitInvalid(f"the permit's claim `{name}` is missing or no whole number")
    return value


def _part(part: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise PermitInvalid(FORGED) from None
    if not isinstance(found, dict):
        raise PermitInvalid(FORGED)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise PermitInvalid(FORGED)
    return found
