"""Seals: a digest over a result *and* what it is the result of, so that neither is believed without the other.

A seal guards against accidents (a flipped bit, a torn write, a row that answers another question); whoever forges a result
can forge its seal too.
"""

from __future__ import annotations

import hashlib

#: First bytes of a sealed file, then the seal, then what it holds.
_MAGIC = b"linflow sealed 1\n"
_SIZE = hashlib.sha256().digest_size


def seal(*parts: str | bytes | None) -> bytes:
    """Digest of several parts, none of which can pass for another or for none.

    >>> seal("a", b"b") == seal("a", b"b"), seal("a", "b") == seal("ab", ""), seal(None) == seal("")
    (True, False, False)
    """
    digest = hashlib.sha256()
    for part in parts:
        data = b"" if part is None else part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(f"{type(part).__name__} {len(data)}\n".encode())
        digest.update(data)
    return digest.digest()


def sealed(identity: str, payload: bytes) -> bytes:
    """The bytes of a file that holds `payload` under `identity` (what kind of thing it is)."""
    return _MAGIC + seal(identity, payload) + payload


def unsealed(identity: str, content: bytes) -> bytes:
    """The payload of a sealed file; ValueError unless it is whole, unchanged, and of this identity.

    >>> unsealed("a flow", sealed("a flow", b"weights"))
    b'weights'
    >>> unsealed("a generator", sealed("a flow", b"weights"))
    Traceback (most recent call last):
        ...
    ValueError: the seal is broken
    """
    start = len(_MAGIC) + _SIZE
    if not content.startswith(_MAGIC):
        raise ValueError("there is no seal")
    payload = content[start:]
    if content[len(_MAGIC) : start] != seal(identity, payload):
        raise ValueError("the seal is broken")
    return payload
