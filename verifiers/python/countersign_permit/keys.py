"""The issuer's public keys: given, or fetched and kept."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from .errors import KeysUnavailable, PermitInvalid
from .http import NoAnswer, ask, refuse_untrustworthy

# An unknown key asks the issuer at most this often, so that forged permits are no load on it.
UNKNOWN_SECONDS = 60
# And this often while there is no key at all.
NONE_SECONDS = 5
# Keys that the issuer withdrew are forgotten by then.
KEPT_SECONDS = 900


class Keys:
    """Keys by `kid`. A set as a mapping is taken as it is; an address is asked when it must be."""

    def __init__(self, source: Mapping[str, Any] | str, timeout: float, ticks: Callable[[], float] = time.monotonic):
        self._url, self._timeout, self._ticks = None, timeout, ticks
        self._lock = threading.Lock()
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        if isinstance(source, str):
            refuse_untrustworthy(source, "the address of the keys")
            self._url, self._keys = source, {}
        else:
            self._keys = _read(source)
            if not self._keys:
                raise ValueError('jwks has no usable key: it is {"keys": [...]} with keys of EC P-256')

    def find(self, kid: str) -> Any:
        """Raises `PermitInvalid` for a key that the issuer has not, `KeysUnavailable` where nobody can say."""
        if self._url is None:
            return self._known(kid)
        with self._lock:
            if not self._is_fresh():
                self._fetch(NONE_SECONDS)
            elif kid not in self._keys:
                self._fetch(UNKNOWN_SECONDS)
            if not self._is_fresh():
                raise KeysUnavailable("the issuer's keys cannot be fetched: see that its /v1/permits/jwks.json answers, then try again")
            return self._known(kid)

    def _known(self, kid: str) -> Any:
        key = self._keys.get(kid)
        if key is None:
            raise PermitInvalid("the permit is signed by a key that the issuer has not: see that `issuer` is the right one")
        return key

    def _is_fresh(self) -> bool:
        return self._fetched_at is not None and self._ticks() - self._fetched_at < KEPT_SECONDS

    def _fetch(self, at_most_every: float) -> None:
        now = self._ticks()
        if self._tried_at is not None and now - self._tried_at < at_most_every:
            return
        self._tried_at = now
        try:
            status, found = ask(self._url, self._timeout)
        except NoAnswer:
            return
        keys = _read(found) if status == 200 else {}
        if keys:
            self._keys, self._fetched_at = keys, now


def _read(found: Any) -> dict[str, Any]:
    """The keys that can have signed a permit. One name for two of them is no name."""
    listed = found.get("keys") if isinstance(found, Mapping) else None
    keys: dict[str, Any] = {}
    twice = set()
    for one in listed if isinstance(listed, list) else []:
        if not _is_for_permits(one):
            continue
        try:
            key = jwt.PyJWK({name: one[name] for name in ("kty", "crv", "x", "y")}, algorithm="ES256").key
        except (jwt.PyJWTError, ValueError):
            continue
        twice |= {one["kid"]} & keys.keys()
        keys[one["kid"]] = key
    return {kid: key for kid, key in keys.items() if kid not in twice}


def _is_for_permits(one: Any) -> bool:
    texts = isinstance(one, Mapping) and all(isinstance(one.get(name), str) for name in ("kid", "x", "y"))
    fits = texts and one.get("kty") == "EC" and one.get("crv") == "P-256"
    return fits and one.get("alg", "ES256") == "ES256" and one.get("use", "sig") == "sig"
