"""Attacks on `check`, in a table: each is refused by its own error, and the same permit without it is taken."""

import json
import time
import traceback
import unittest

from countersign_permit import ActionMismatch, KeysUnavailable, Permit, PermitError, PermitExpired, PermitForAnother, PermitInvalid, Verifier
from countersign_permit.keys import Keys

from .issuer import ABSENT, AGENT, ARGUMENTS, TARGET, TENANT, TOOL, Issuer, Key, b64, permit_id

NOW = int(time.time())
OTHER_AGENT = "agt_1111111111111111"

# What is changed in the claims, the error.
CLAIMS = {
    "another issuer": ({"iss": "https://evil.example"}, PermitForAnother),
    "an issuer with a slash": ({"iss": "{url}/"}, PermitForAnother),
    "no issuer": ({"iss": ABSENT}, PermitInvalid),
    "another tool": ({"aud": "payments.read"}, PermitForAnother),
    "a list of tools": ({"aud": [TOOL]}, PermitInvalid),
    "a list with this tool": ({"aud": ["crm.read", TOOL]}, PermitInvalid),
    "no tool": ({"aud": ABSENT}, PermitInvalid),
    "another tenant": ({"tenant_id": "ten_1111111111111111"}, PermitForAnother),
    "no tenant": ({"tenant_id": ABSENT}, PermitInvalid),
    "another agent": ({"agent_id": OTHER_AGENT, "sub": OTHER_AGENT}, ActionMismatch),
    "two agents": ({"sub": OTHER_AGENT}, PermitInvalid),
    "no agent": ({"agent_id": ABSENT}, PermitInvalid),
    "no subject": ({"sub": ABSENT}, PermitInvalid),
    "expired": ({"iat": NOW - 70, "exp": NOW - 10}, PermitExpired),
    "no expiry": ({"exp": ABSENT}, PermitInvalid),
    "expiry null": ({"exp": None}, PermitInvalid),
    "expiry as text": ({"exp": str(NOW + 60)}, PermitInvalid),
    "expiry as a fraction": ({"exp": NOW + 30.5}, PermitInvalid),
    "good for an hour": ({"exp": NOW + 3600}, PermitInvalid),
    "good for 61 seconds": ({"iat": NOW, "exp": NOW + 61}, PermitInvalid),
    "good for no time": ({"iat": NOW, "exp": NOW}, PermitInvalid),
    "issued in the future": ({"iat": NOW + 1000, "exp": NOW + 1060}, PermitInvalid),
    "no time of issue": ({"iat": ABSENT}, PermitInvalid),
    "an id that is a path": ({"jti": "prm_../../../healthz"}, PermitInvalid),
    "an id with a line break": ({"jti": permit_id() + "\n"}, PermitInvalid),
    "no id": ({"jti": ABSENT}, PermitInvalid),
    "another action": ({"action_sha256": "0" * 64}, ActionMismatch),
    "no action": ({"action_sha256": ABSENT}, PermitInvalid),
    "an action in capitals": ({"action_sha256": "A" * 64}, PermitInvalid),
    "no policy": ({"policy_version": ABSENT}, PermitInvalid),
    "an approval that is none": ({"approval_id": "approved"}, PermitInvalid),
}

# What is executed instead, the error.
ACTIONS = {
    "ten times the amount": ({**ARGUMENTS, "amount": 820_000}, TARGET),
    "the amount as text": ({**ARGUMENTS, "amount": "82000"}, TARGET),
    "a cent more": ({**ARGUMENTS, "amount": 82_000.01}, TARGET),
    "one more argument": ({**ARGUMENTS, "urgent": None}, TARGET),
    "one less": ({"amount": 82_000}, TARGET),
    "wrapped": ([ARGUMENTS], TARGET),
    "a look-alike": ({**ARGUMENTS, "to": "DE8937040044053201300O"}, TARGET),
    "another target": (ARGUMENTS, "prod/ledger2"),
    "no target": (ARGUMENTS, None),
    "an empty target": (ARGUMENTS, ""),
}


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.issuer = Issuer()
        cls.addClassCleanup(cls.issuer.close)

    def setUp(self) -> None:
        self.verifier = Verifier(self.issuer.url, TOOL, tenant=TENANT, jwks=self.issuer.jwks())

    def refused(self, permit: object, error: type[PermitError], arguments: object = ARGUMENTS, target: str | None = TARGET) -> None:
        with self.assertRaises(error) as raised:
            self.verifier.check(permit, arguments, target)  # type: ignore[arg-type]
        self.assertIs(type(raised.exception), error)
        shown = "".join(traceback.format_exception(raised.exception, limit=0))
        for secret in [permit, "DE8937040044053201300", "82000", "prod/ledger"]:
            self.assertFalse(isinstance(secret, str) and secret and secret in shown, f"{shown} tells what it must not")

    def test_a_permit_for_this_action_is_taken(self) -> None:
        found = self.verifier.check(self.issuer.permit(), ARGUMENTS, TARGET)
        self.assertEqual((found.tenant_id, found.agent_id, found.tool), (TENANT, AGENT, TOOL))
        self.assertEqual((found.policy_version, found.approval_id), (7, None))
        self.assertNotIn(found.token, repr(found))
        with_approval = self.issuer.claims(approval_id="apr_" + "0a" * 16, more="than this version knows")
        self.assertEqual(self.verifier.check(self.issuer.permit(with_approval), ARGUMENTS, TARGET).approval_id, "apr_" + "0a" * 16)

    def test_whatever_is_equal_in_json_is_the_same_action(self) -> None:
        claims = self.issuer.claims({"a": 1, "\U0001f600": 2, "\ufb33": [0.5, 3]}, None)
        same = {"\ufb33": [0.50, 3.0], "\U0001f600": 2.0, "a": 1.0}
        self.assertIsInstance(self.verifier.check(self.issuer.permit(claims), same), Permit)

    def test_claims(self) -> None:
        for name, (changed, error) in CLAIMS.items():
            with self.subTest(name):
                filled = {key: value.replace("{url}", self.issuer.url) if isinstance(value, str) else value for key, value in changed.items()}
                self.refused(self.issuer.permit(self.issuer.claims(**filled)), error)

    def test_actions(self) -> None:
        permit = self.issuer.permit()
        for name, (arguments, target) in ACTIONS.items():
            with self.subTest(name):
                self.refused(permit, ActionMismatch, arguments, target)

    def test_headers_and_signatures(self) -> None:
        key, other = self.issuer.key, Key("key-1")
        good = self.issuer.permit()
        head, claims, signature = good.split(".")
        for name, permit in {
            "no algorithm": self.issuer.permit(header={"alg": "none"}, sign=lambda _: b""),
            "no algorithm, with a signature": self.issuer.permit(header={"alg": "none"}),
            "HMAC with the public key": self.issuer.permit(header={"alg": "HS256"}, sign=key.hmac),
            "HMAC that says ES256": self.issuer.permit(sign=key.hmac),
            "another algorithm": self.issuer.permit(header={"alg": "ES384"}),
            "the algorithm in lower case": self.issuer.permit(header={"alg": "es256"}),
            "the algorithm as a list": self.issuer.permit(header={"alg": ["ES256"]}),
            "another type": self.issuer.permit(header={"typ": "JWT"}),
            "a type in capitals": self.issuer.permit(header={"typ": "CS-PERMIT+JWT"}),
            "a longer type": self.issuer.permit(header={"typ": "application/cs-permit+jwt"}),
            "no type": self.issuer.permit(header={"typ": ABSENT}),
            "a key of another name": self.issuer.permit(header={"kid": "key-2"}),
            "no name of a key": self.issuer.permit(header={"kid": ABSENT}),
            "a name that is no text": self.issuer.permit(header={"kid": {"a": 1}}),
            "a key that it brings along": self.issuer.permit(header={"jwk": other.jwk()}, key=other),
            "an address of keys": self.issuer.permit(header={"jku": "http://127.0.0.1/"}, key=other),
            "something critical": self.issuer.permit(header={"crit": ["b64"], "b64": False}),
            "another key under the same name": self.issuer.permit(key=other),
            "a signature of zeros": f"{head}.{claims}.{b64(bytes(64))}",
            "a signature in DER": f"{head}.{claims}.{b64(bytes([48]) + bytes(70))}",
            "no signature": f"{head}.{claims}.",
            "the signature of another": f"{head}.{claims}.{self.issuer.permit().split('.')[2]}",
            "the claims of another": f"{head}.{self.issuer.permit().split('.')[1]}.{signature}",
            "two parts": f"{head}.{claims}",
            "four parts": f"{good}.{signature}",
            "padding": f"{good}=",
            "a line break": f"{good}\n",
            "a space before it": f" {good}",
            "claims that are a list": self.issuer.permit("[]"),
            "claims that are no JSON": self.issuer.permit("{"),
            "a claim twice": self.issuer.permit('{"aud":"x",' + json.dumps(self.issuer.claims())[1:]),
            "too long": self.issuer.permit(self.issuer.claims(more="x" * 9000)),
            "nothing": "",
            "no text": None,
            "bytes": good.encode(),
        }.items():
            with self.subTest(name):
                self.refused(permit, PermitInvalid)
        self.verifier.check(good, ARGUMENTS, TARGET)

    def test_times_at_their_edges(self) -> None:
        permit = self.issuer.permit(self.issuer.claims(iat=1000, exp=1060))
        for now, error in [(994.9, PermitInvalid), (995, None), (1064.9, None), (1065, PermitExpired)]:
            verifier = Verifier(self.issuer.url, TOOL, jwks=self.issuer.jwks(), clock=lambda now=now: now)
            with self.subTest(now):
                if error is None:
                    verifier.check(permit, ARGUMENTS, TARGET)
                else:
                    self.assertRaises(error, verifier.check, permit, ARGUMENTS, TARGET)

    def test_settings_that_would_weaken_it_are_refused(self) -> None:
        for bad in [{"issuer": "http://actions.example"}, {"issuer": "ftp://127.0.0.1"}, {"issuer": self.issuer.url + "/"},
                    {"leeway": 6}, {"leeway": -1}, {"attempts": 0}, {"timeout": 0}, {"tool": ""}, {"tool": "a b"},
                    {"tenant": "acme"}, {"jwks": {"keys": []}}, {"jwks": "http://keys.example"}]:  # fmt: skip
            with self.subTest(bad), self.assertRaises(ValueError):
                Verifier(**{"issuer": self.issuer.url, "tool": TOOL, **bad})


class FetchedKeys(unittest.TestCase):
    def setUp(self) -> None:
        self.issuer = Issuer()
        self.addCleanup(self.issuer.close)
        self.now = 0.0
        self.keys = Keys(f"{self.issuer.url}/v1/permits/jwks.json", 5, lambda: self.now)

    def asked(self) -> int:
        return self.issuer.count("jwks.json")

    def test_keys_are_fetched_once_and_again_for_an_unknown_one_at_most_once_a_minute(self) -> None:
        self.keys.find("key-1")
        self.keys.find("key-1")
        self.assertEqual(self.asked(), 1)
        self.issuer.keys.append(Key("key-2"))
        for at, error, asked in [(59, PermitInvalid, 1), (60, None, 2), (61, None, 2)]:
            self.now = at
            with self.subTest(at):
                if error is None:
                    self.keys.find("key-2")
                else:
                    self.assertRaises(error, self.keys.find, "key-2")
                self.assertEqual(self.asked(), asked)
        for _ in range(50):
            self.assertRaises(PermitInvalid, self.keys.find, "forged")
        self.assertEqual(self.asked(), 2)

    def test_a_key_that_was_withdrawn_is_forgotten(self) -> None:
        self.keys.find("key-1")
        self.issuer.keys = [Key("key-2")]
        self.now = 900
        self.assertRaises(PermitInvalid, self.keys.find, "key-1")

    def test_without_keys_nothing_passes(self) -> None:
        for plan in [(500, {}), (404, {}), (200, b"<html>"), (200, {"keys": []}), (200, b"[]"), (200, {"keys": [{"kty": "oct"}]})]:
            self.issuer.plan = [plan]
            self.now += 5
            with self.subTest(plan):
                self.assertRaises(KeysUnavailable, self.keys.find, "key-1")
                # Asked again so soon, nobody is asked.
                asked = self.asked()
                self.assertRaises(KeysUnavailable, self.keys.find, "key-1")
                self.assertEqual(self.asked(), asked)
        self.now += 5
        self.keys.find("key-1")

    def test_keys_that_sign_no_permit_are_none(self) -> None:
        good = self.issuer.key.jwk()
        for name, one in {
            "of another curve": {**good, "crv": "P-384"},
            "of another type": {**good, "kty": "OKP"},
            "of another algorithm": {**good, "alg": "ES384"},
            "for encryption": {**good, "use": "enc"},
            "off the curve": {**good, "x": good["y"], "y": good["x"]},
            "without a name": {**good, "kid": None},
        }.items():
            with self.subTest(name), self.assertRaises(ValueError):
                Keys({"keys": [one]}, 5)
        twice = Keys({"keys": [good, Key("key-1").jwk(), Key("key-2").jwk()]}, 5)
        self.assertRaises(PermitInvalid, twice.find, "key-1")
        twice.find("key-2")


if __name__ == "__main__":
    unittest.main()
