"""A request's id: the caller's where it is one that can be logged, else a new one."""

from __future__ import annotations

import os
import re

HEADER = b"x-request-id"
SANE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


def of(header: bytes | None) -> bytes:
    """The id that is logged and answered in the header X-Request-Id.

    >>> of(b"checkout-7")
    b'checkout-7'
    >>> len(of(b"two words"))
    32
    """
    if header is not None and SANE.fullmatch(header):
        return header
    return os.urandom(16).hex().encode()
