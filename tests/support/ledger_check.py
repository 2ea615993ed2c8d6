"""Another implementation's word on an export of the ledger: RFC 6962, C2SP notes and Ed25519 by Python's own means.

Reads nothing of ours but the files. argv: the export's folder, the trust file. Prints what it checked, as JSON.
"""

import base64
import hashlib
import json
import sys
from datetime import datetime, timezone
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\0" + leaf).digest()


def root(hashes: list[bytes]) -> bytes:
    """Section 2.1, as it is written there."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hashlib.sha256(b"\1" + root(hashes[:split]) + root(hashes[split:])).digest()


def leaves(bundle: bytes) -> list[bytes]:
    assert bundle[:4] == b"CSB1"
    count, at, found = int.from_bytes(bundle[12:16], "big"), 16, []
    for _ in range(count):
        length = int.from_bytes(bundle[at : at + 2], "big")
        found.append(bundle[at + 2 : at + 2 + length])
        at += 2 + length
    assert at == len(bundle)
    return found


def canonical(value) -> bytes:
    """RFC 8785 for what stands in the ledger: integers, and keys in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def keys(trust: str) -> tuple[str, dict[str, bytes]]:
    lines = [line.split(" ", 1) for line in trust.splitlines()]
    origin = next(value for name, value in lines if name == "origin")
    named = [value.split("+") for name, value in lines if name in ("checkpoint", "producer")]
    # The base64 may hold a plus itself.
    return origin, {parts[0]: base64.b64decode("+".join(parts[2:]))[1:] for parts in named}


def verified(public: bytes, signature: bytes, message: bytes) -> None:
    Ed25519PublicKey.from_public_bytes(public).verify(signature, message)


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def record(leaf: dict, trusted: dict[str, bytes]) -> None:
    """The producer's signature, and the certificate of its key."""
    signature, certificate = unpadded(leaf.pop("producer_sig")), unpadded(leaf.pop("producer_cert"))
    for added in ("seq", "agent_seq", "agent_prev", "logged_at"):
        leaf.pop(added, None)
    public, millis, of_kms = certificate[:32], int.from_bytes(certificate[32:40], "big"), certificate[40:]
    verified(public, signature, b"countersign/record/v1\n" + canonical(leaf))
    name = "countersign/eu/" + ("operator" if leaf["actor_type"] == "operator" else "gateway")
    seconds, rest = divmod(millis, 1_000)
    at = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:03d}Z"
    shown = base64.b64encode(public).decode()
    told = f"countersign/producer/v1\n{name}\n{leaf['producer']}\n{shown}\n{leaf['code_sha256']}\n{at}\n"
    verified(trusted[name], of_kms, told.encode())


def main() -> None:
    home = Path(sys.argv[1])
    origin, trusted = keys(Path(sys.argv[2]).read_text())
    shown = json.loads((home / "shown.json").read_text())
    text, _, signatures = shown["checkpoint"].rpartition("\n\n")
    signed = base64.b64decode(signatures.split(" ")[2])
    identity = hashlib.sha256(origin.encode() + b"\n\1" + trusted[origin]).digest()[:4]
    assert signed[:4] == identity
    verified(trusted[origin], signed[4:], text.encode() + b"\n")
    named, size, over = text.split("\n")
    intervals = [bytes.fromhex(leaf) for leaf in shown["leaves"]]
    assert (named, int(size)) == (origin, len(intervals)) and base64.b64decode(over) == root(intervals)
    assert leaf_hash(canonical(shown["newest"])) == intervals[-1]

    head = shown["head"]
    index, last = shown["index"], shown["newest"]["tenants"] - 1
    node = leaf_hash(canonical(head))
    for sibling in map(bytes.fromhex, shown["path"]):  # RFC 9162 section 2.1.3.2
        if index % 2 or index == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        index, last = index // 2, last // 2
    assert node.hex() == shown["newest"]["heads_root"]

    bundles = sorted((home / "locked").rglob("bundle/*"))
    log = [leaf for bundle in bundles for leaf in leaves(bundle.read_bytes())]
    assert root([leaf_hash(leaf) for leaf in log[: head["size"]]]).hex() == head["root"]
    records = 0
    for number, leaf in enumerate(log):
        parsed = json.loads(leaf)
        assert canonical(parsed) == leaf and parsed["seq"] == number
        if "kind" not in parsed:
            record(parsed, trusted)
            records += 1
    print(json.dumps({"records": records, "leaves": len(log), "intervals": len(intervals)}))


if __name__ == "__main__":
    main()
