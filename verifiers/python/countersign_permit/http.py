"""One request to the issuer: no redirect is followed, since the permit would travel along."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

BODY_MAX = 65_536
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NoAnswer(Exception):
    """The network's fault, or a server's that says to try again: whether anything was done is unknown."""


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def is_trustworthy(url: str) -> bool:
    """TLS, or a machine's own loopback."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def ask(url: str, timeout: float, token: str | None = None, body: dict | None = None) -> tuple[int, Any]:
    """Returns the status and the JSON of the answer, or None where it is none. Raises `NoAnswer`."""
    headers = {"accept": "application/json"}
    if token is not None:
        headers |= {"authorization": f"Bearer {token}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method="GET" if body is None else "POST")
    # Nobody's proxy stands between a machine and itself.
    handlers = [_Stay] if url.startswith("https:") else [_Stay, urllib.request.ProxyHandler({})]
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout) as answer:
            return answer.status, _json(answer.read(BODY_MAX + 1))
    except urllib.error.HTTPError as refused:
        with refused:
            if refused.code == 429 or refused.code >= 500:
                raise NoAnswer from None
            return refused.code, _json(_rest(refused))
    except (OSError, HTTPException):
        raise NoAnswer from None


def code_of(answer: Any, otherwise: str) -> str:
    """The issuer's code of a refusal (RFC 9457), if it is one: whatever else it says is not repeated."""
    code = answer.get("code") if isinstance(answer, dict) else None
    known = isinstance(code, str) and 0 < len(code) <= 64 and code.isascii() and code.replace("_", "").isalnum()
    return code if known else otherwise


def refuse_untrustworthy(url: str, what: str) -> None:
    if not is_trustworthy(url):
        raise ValueError(f"{what} must begin with https:// (http:// is for 127.0.0.1 and localhost alone)")


def _rest(refused: urllib.error.HTTPError) -> bytes:
    try:
        return refused.read(BODY_MAX + 1)
    except (OSError, HTTPException):
        return b""


def _json(body: bytes) -> Any:
    if len(body) > BODY_MAX:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
