"""A stand-in for the function `actions`: keys, permits and forgeries, consumption and outcomes over real HTTP."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from countersign_permit import digest

TENANT, AGENT, TOOL = "ten_081040g2081040g2", "agt_0c1g60r30c1g60r3", "payments.send"
ARGUMENTS, TARGET = {"to": "DE89370400440532013000", "amount": 82_000}, "prod/ledger"
BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def permit_id() -> str:
    return "prm_" + "".join(secrets.choice(BASE32) for _ in range(16))


class Key:
    """An ES256 key with a name."""

    def __init__(self, kid: str):
        self.kid, self.private = kid, ec.generate_private_key(ec.SECP256R1())

    def jwk(self) -> dict[str, str]:
        point = self.private.public_key().public_numbers()
        x, y = (b64(number.to_bytes(32, "big")) for number in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "kid": self.kid, "alg": "ES256", "use": "sig", "x": x, "y": y}

    def pem(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, form)

    def sign(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def hmac(self, data: bytes) -> bytes:
        """What a verifier that takes the algorithm from the token would find good: the public key as HMAC's secret."""
        return hmac.digest(self.pem(), data, hashlib.sha256)


class Issuer:
    """`plan` says what becomes of the next requests; without one they are answered.

    `lose`: it is done, and the answer is lost. `drop`: neither. `hang`: no answer ever comes. Else: what is answered.
    """

    def __init__(self) -> None:
        self.key = Key("key-1")
        self.keys = [self.key]
        self.plan: list[Any] = []
        self.closing = threading.Event()
        self.consumed: dict[str, str] = {}
        self.outcomes: dict[str, str] = {}
        self.asked: list[tuple[str, str | None, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def claims(self, arguments: Any = None, target: str | None = TARGET, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        action = digest(TENANT, AGENT, TOOL, ARGUMENTS if arguments is None else arguments, target)
        claims = {"iss": self.url, "aud": TOOL, "sub": AGENT, "jti": permit_id(), "iat": now, "exp": now + 60,
                  "tenant_id": TENANT, "agent_id": AGENT, "action_sha256": action, "policy_version": 7}  # fmt: skip
        merged = {**claims, **changed}
        return {name: value for name, value in merged.items() if value is not ABSENT}

    def permit(self, claims: dict | str | None = None, header: dict | None = None, sign: Any = None, key: Any = None) -> str:
        """A permit, or whatever it is made to be."""
        key = key or self.key
        head = {"alg": "ES256", "typ": "cs-permit+jwt", "kid": key.kid, **(header or {})}
        head = {name: value for name, value in head.items() if value is not ABSENT}
        body = claims if isinstance(claims, str) else json.dumps(self.claims() if claims is None else claims)
        signed = f"{b64(json.dumps(head).encode())}.{b64(body.encode())}"
        return f"{signed}.{b64((sign or key.sign)(signed.encode()))}"

    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.jwk() for key in self.keys]}

    def answer(self, permit: str, what: str, body: dict[str, str]) -> tuple[int, Any]:
        if what == "consume":
            mine = self.consumed.setdefault(permit, body["consumer"]) == body["consumer"]
            due_at = {"status": "consumed", "due_at": "2999-01-01T00:00:00.000Z"}
            return (200, due_at) if mine else (409, {"code": "permit_consumed"})
        if self.consumed.get(permit) != body["consumer"]:
            return 403, {"code": "permit_not_yours"}
        same = self.outcomes.setdefault(permit, body["outcome"]) == body["outcome"]
        return (200, {}) if same else (409, {"code": "outcome_told"})

    def count(self, what: str) -> int:
        return sum(1 for path, _, _ in self.asked if path.endswith(what))


ABSENT = object()


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append((self.path, self.headers.get("authorization"), None))
            answered = issuer.plan.pop(0) if issuer.plan else (200, issuer.jwks())
            self.say(*answered)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            issuer.asked.append((self.path, self.headers.get("authorization"), body))
            planned = issuer.plan.pop(0) if issuer.plan else None
            _, _, _, permit, what = self.path.split("/")
            if planned == "hang":
                issuer.closing.wait(30)
            if planned is None or planned == "lose":
                answered = issuer.answer(permit, what, body)
            if planned in ("lose", "drop", "hang"):
                self.close_connection = True
                self.connection.close()
            else:
                self.say(*(planned or answered))

        def say(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", "content-length": str(len(data)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                pass  # closed on purpose

    return Handler
