"""Access tokens: read from a file, compared by hash in constant time. An edge: reads the file."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

from plumbline.core.errors import PlumblineError

SHORTEST = 16
"""Characters of a token."""
SCHEME = b"bearer "


class Tokens:
    """The tokens that open the service; none of them is kept, only their hashes."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self._hashes = tuple(hashes)

    def who(self, header: bytes | None) -> str | None:
        """A short name for the token in an `Authorization` header, None where it opens nothing.

        Every hash is compared, whether or not one was equal before.
        """
        if header is None or header[: len(SCHEME)].lower() != SCHEME:
            return None
        given = _hash(header[len(SCHEME) :].strip())
        equal = [one for one in self._hashes if hmac.compare_digest(one, given)]
        return equal[0].hex()[:8] if equal else None


def read(path: Path) -> Tokens:
    """The tokens in a file, one a line; blank lines and lines that begin with # count for nothing."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no ASCII text"
        raise PlumblineError(
            f"{path}: no tokens can be read ({reason}); see serve.token_file"
        ) from None
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    for number, token in enumerate(found, 1):
        _check(path, number, token)
    if not found:
        raise PlumblineError(f"{path}: expected one token per line, found none")
    return Tokens([_hash(token.encode()) for token in found])


def _check(path: Path, number: int, token: str) -> None:
    if len(token) < SHORTEST or len(token.split()) > 1:
        raise PlumblineError(
            f"{path}: token {number} has {len(token)} characters or a space, expected at least {SHORTEST} "
            "without a space; make one with `openssl rand -hex 32`"
        )


def _hash(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
