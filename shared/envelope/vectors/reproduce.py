"""Computes the vectors in this folder with an independent implementation: pip install cryptography."""
import json
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def hkdf(salt, secret, info, length):
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def length_prefixed(*parts):
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


bits = int.from_bytes(bytes([1] * 10), "big")
tenant = "ten_" + "".join("0123456789abcdefghjkmnpqrstvwxyz"[(bits >> 5 * (15 - i)) & 31] for i in range(16))

version, salt, nonce = 7, bytes([5] * 16), bytes([5] * 12)
info = length_prefixed(b"cred", tenant.encode(), b"eu", struct.pack(">I", version))
key = hkdf(None, bytes([9] * 32), info, 32)
both = hkdf(salt, key, b"countersign CSE1 message", 64)
place = {"tenant": tenant, "table": "control", "pk": "pk", "sk": "sk", "field": "credential", "v": 1}
aad = json.dumps(place, sort_keys=True, separators=(",", ":")).encode()
ciphertext = AESGCM(both[:32]).encrypt(nonce, b"sk-secret", aad)
print((b"CSE1" + struct.pack(">I", version) + salt + nonce + both[32:] + ciphertext).hex())
