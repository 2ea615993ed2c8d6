"""The sealed form, written a second time from its description alone, with Python's `cryptography`.

    python envelope.py check    # does this implementation agree with vectors.json?
    python envelope.py write    # writes vectors.json anew: only when the format changes, with a new version
    python envelope.py open     # opens sealed values: {"root": hex, "context": {..}, "aad": text, "sealed": base64} per line
"""

import base64
import hmac
import json
import struct
import sys
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VECTORS = Path(__file__).with_name("vectors.json")
MAGIC = b"CSE1"
OVERHEAD = 4 + 4 + 16 + 12 + 32 + 16


class Shut(Exception):
    """Does not open; the message is the reason's name in vectors.json."""


def hkdf(salt, secret, info, length):
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def length_prefixed(*parts):
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def root_key(secret, context):
    info = length_prefixed(
        context["purpose"].encode(),
        context["tenant"].encode(),
        context["region"].encode(),
        struct.pack(">I", context["version"]),
    )
    return hkdf(None, secret, info, 32)


def subject_key(secret, tenant, region, subject):
    return hkdf(None, secret, length_prefixed(b"subject", tenant.encode(), region.encode(), subject.encode()), 32)


def place(**fields):
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def message_keys(key, salt):
    both = hkdf(salt, key, b"countersign CSE1 message", 64)
    return both[:32], both[32:]


def seal(key, version, aad, plaintext, salt, nonce):
    message_key, commitment = message_keys(key, salt)
    sealed = AESGCM(message_key).encrypt(nonce, plaintext, aad.encode())
    return MAGIC + struct.pack(">I", version) + salt + nonce + commitment + sealed


def unseal(key, version, aad, sealed, min_decrypt=1):
    if len(sealed) < OVERHEAD or sealed[:4] != MAGIC:
        raise Shut("malformed")
    (named,) = struct.unpack(">I", sealed[4:8])
    if named and named < min_decrypt:
        raise Shut("retired")
    if named != version:
        raise Shut("version")
    salt, nonce, commitment, rest = sealed[8:24], sealed[24:36], sealed[36:68], sealed[68:]
    message_key, expected = message_keys(key, salt)
    if not hmac.compare_digest(commitment, expected):
        raise Shut("commitment")
    try:
        return AESGCM(message_key).decrypt(nonce, rest, aad.encode())
    except InvalidTag as error:
        raise Shut("tag") from error


def keyed(key, label, body):
    return hmac.new(hkdf(None, key, length_prefixed(*label), 32), body, sha256).digest()


def pseudonym(key, field, value):
    mac = keyed(key, (b"pseudonym", field.encode()), value.encode())
    return "psn_" + "".join(chr(ord("a") + nibble) for byte in mac[:16] for nibble in (byte >> 4, byte & 15))


# The vectors. Each names what is sealed, how it is opened, and how that ends.


def tenant(number):
    bits = int.from_bytes(bytes([number] * 10), "big")
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    return "ten_" + "".join(alphabet[(bits >> 5 * (15 - i)) & 31] for i in range(16))


def base():
    context = {"tenant": tenant(1), "region": "eu", "purpose": "cred", "version": 7}
    aad = place(tenant=tenant(1), table="control", pk="pk", sk="sk", field="prv_1", host="api.example.com", v=1)
    return {
        "root": bytes([9] * 32).hex(),
        "context": context,
        "aad": aad,
        "salt": bytes(range(16)).hex(),
        "nonce": bytes(range(16, 28)).hex(),
        "plaintext": b"sk-secret".hex(),
    }


def flipped(sealed, at):
    return sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]


def made():
    def case(name, ends, open_with=None, change=None, **over):
        vector = {"name": name, **base(), **over}
        key = root_key(bytes.fromhex(vector["root"]), vector["context"])
        sealed = seal(
            key,
            vector["context"]["version"],
            vector["aad"],
            bytes.fromhex(vector["plaintext"]),
            bytes.fromhex(vector["salt"]),
            bytes.fromhex(vector["nonce"]),
        )
        vector["sealed"] = (change(sealed) if change else sealed).hex()
        vector["changed"] = change is not None
        vector["open"] = {
            "context": {**vector["context"], **(open_with or {}).get("context", {})},
            "aad": (open_with or {}).get("aad", vector["aad"]),
            "min_decrypt": (open_with or {}).get("min_decrypt", 1),
        }
        vector["ends"] = ends
        return vector

    def elsewhere(**over):
        fields = {**json.loads(base()["aad"]), **over}
        return {"aad": place(**fields)}

    return [
        case("success", "ok"),
        case("success, empty", "ok", plaintext=""),
        case("success, one kibibyte", "ok", plaintext=(bytes(range(256)) * 4).hex()),
        case("success, of a record", "ok", aad=place(tenant=tenant(1), event_id=EVENT, field="source_ip")),
        case("bad magic", "malformed", change=lambda sealed: b"CSE2" + sealed[4:]),
        case("truncated: shorter than an empty value", "malformed", change=lambda sealed: sealed[: OVERHEAD - 1]),
        case("truncated: the last byte", "tag", change=lambda sealed: sealed[:-1]),
        case("longer by a byte", "tag", change=lambda sealed: sealed + b"\0"),
        case("bad salt", "commitment", change=lambda sealed: flipped(sealed, 8)),
        case("bad nonce", "tag", change=lambda sealed: flipped(sealed, 24)),
        case("bad commitment", "commitment", change=lambda sealed: flipped(sealed, 36)),
        case("bad ciphertext", "tag", change=lambda sealed: flipped(sealed, 68)),
        case("bad tag", "tag", change=lambda sealed: flipped(sealed, len(sealed) - 1)),
        case("wrong AAD: another row", "tag", elsewhere(sk="sk2")),
        case("wrong AAD: another field", "tag", elsewhere(field="prv_2")),
        case("wrong AAD: another table", "tag", elsewhere(table="identity")),
        case("wrong AAD: another tenant", "tag", elsewhere(tenant=tenant(2))),
        case("wrong AAD: another host", "tag", elsewhere(host="evil.example.com")),
        case("wrong tenant", "commitment", {"context": {"tenant": tenant(2)}}),
        case("wrong purpose", "commitment", {"context": {"purpose": "audit"}}),
        case("wrong region", "commitment", {"context": {"region": "us"}}),
        case("another version", "version", {"context": {"version": 8}}),
        case("retired version", "retired", {"min_decrypt": 8}),
    ]


EVENT = "00000000-0000-7000-8000-000000000000"


def digests():
    key = root_key(bytes([9] * 32), {"tenant": tenant(1), "region": "eu", "purpose": "pseudonym", "version": 1})
    audit = root_key(bytes([9] * 32), {"tenant": tenant(1), "region": "eu", "purpose": "audit", "version": 1})
    person = subject_key(bytes([7] * 32), tenant(1), "eu", "psn_dana")
    aad = place(tenant=tenant(1), event_id=EVENT, field="on_behalf_of")
    sealed = seal(person, 0, aad, b"Dana", bytes([1] * 16), bytes([1] * 12))
    return {
        "pseudonym": pseudonym(key, "subject", "dana@example.com"),
        "commitment": keyed(audit, (b"commitment", b"request", b"id"), b"body").hex(),
        "subject": sealed.hex(),
    }


def ending(vector):
    opening = vector["open"]
    key = root_key(bytes.fromhex(vector["root"]), opening["context"])
    try:
        sealed = bytes.fromhex(vector["sealed"])
        plain = unseal(key, opening["context"]["version"], opening["aad"], sealed, opening["min_decrypt"])
    except Shut as shut:
        return str(shut)
    return "ok" if plain.hex() == vector["plaintext"] else "another text"


def check():
    kept = json.loads(VECTORS.read_text())
    wrong = [vector["name"] for vector in kept["sealed"] if ending(vector) != vector["ends"]]
    if kept != {"sealed": made(), "digests": digests()} or wrong:
        sys.exit(f"vectors.json is not what this implementation makes; wrong endings: {wrong}")
    print(f"{len(kept['sealed'])} vectors and {len(kept['digests'])} digests agree")


def write():
    VECTORS.write_text(json.dumps({"sealed": made(), "digests": digests()}, indent=1) + "\n")


def open_each():
    for line in sys.stdin:
        asked = json.loads(line)
        secret = bytes.fromhex(asked["root"])
        sealed = base64.b64decode(asked["sealed"])
        try:
            if "subject" in asked:
                context = asked["context"]
                key, version = subject_key(secret, context["tenant"], context["region"], asked["subject"]), 0
            else:
                key, version = root_key(secret, asked["context"]), asked["context"]["version"]
            told = {"plain": base64.b64encode(unseal(key, version, asked["aad"], sealed)).decode()}
        except Shut as shut:
            told = {"shut": str(shut)}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    {"check": check, "write": write, "open": open_each}[sys.argv[1]]()
