"""Passwords and tokens that stand in a `data` section itself, found by key before anything records them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from plumbline.core.errors import ParamsError
from plumbline.data.environment import NAME, PREFIX, refuse_foreign

NAMED = (
    r"[\w.-]*(?:pass(?:wd|word|phrase)?|pwd|secret|token|credentials?|signature|authorization|cookie"
    r"|jwt|(?:api|access|account|private|secret|subscription)[-_]?key(?:[-_]?id)?)"
)
"""Names of settings whose value is a secret."""
SHORT = r"key|sig|sas|auth|pw"
"""Names of secrets in addresses and headers, which mean other things elsewhere."""
STRONG = re.compile(NAMED, re.IGNORECASE)
ANY = re.compile(f"{NAMED}|{SHORT}", re.IGNORECASE)
SETTING = re.compile(
    rf"(?<![\w.-])(?:{NAMED}|{SHORT})[\"']?\s*[=:]\s*[\"']?([^\s\"'&;,)]+)", re.IGNORECASE
)
"""`name=value` and `name: value` in an address, a connection string or a header."""
QUERY = re.compile(
    r"(?<![\w.-])(?:password|passwd|pwd|secret\w*|account_?key)(?:\s*=\s*|\s+)'([^']+)'"
    r"|(?<![\w.-])(?:password|passwd|pwd)=([^\s'\";]+)",
    re.IGNORECASE,
)
"""The same in SQL, where `key` and `token` are columns."""
USER = {
    "url": re.compile(r"\w://([^/?#\s]*)@"),
    "address": re.compile(r"\w://([^:/\s]*:[^@]*)@"),  # as SQLAlchemy reads it
}
"""User and password of an address."""
TABLES = ("outcomes", "seed")
"""Keys of `data` that hold keys of a source again."""
SHORTEST = 16
"""Characters from which a user without a password is taken for a token."""
TOKEN = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}"
    r"|\bxox[abeoprs]-[\w-]{10,}|\bsk_live_\w{16,}|\bAIza[\w-]{30,}|\bhf_[A-Za-z0-9]{30,}"
    r"|\bdapi[0-9a-f]{32}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:Bearer|Basic)\s+[\w+/=.~-]{8,}"
)
"""Forms in which large providers issue keys."""


def refuse(data: Mapping[str, Any], where: str) -> None:
    """ParamsError for the first key of a `data` section that holds a secret, or names a variable of others.

    >>> refuse({"address": "postgresql://me:${PLUMBLINE_DATA_PASSWORD}@host/db"}, "shop.data")
    """
    for key, text in _texts(data):
        if _secret(key, text):
            raise ParamsError(
                f"{where}.{key}: holds a password or a token (not shown), expected a variable in its "
                f"place, ${{{PREFIX}...}}; export it, and revoke the secret if it was committed"
            )
        if key.rpartition(".")[2] in USER:
            refuse_foreign(NAME.findall(text), f"{where}.{key}")


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Each value with its dotted key, without `forget`, whose values are ids."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            if key or name != "forget":
                yield from _texts(part, f"{key}.{name}" if key else str(name))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part, key)
    elif value is not None and not isinstance(value, bool):
        yield key, str(value)


def _secret(key: str, text: str) -> bool:
    first, name = _own(key).partition(".")[0], key.rpartition(".")[2]
    form = STRONG if first == "simulate" else ANY
    if TOKEN.search(text) or (form.fullmatch(name) and _written(text)):
        return True
    if any(map(_of_user, USER.get(first, USER["url"]).findall(text))):
        return True
    if first == "query":
        return any(_written(quoted or bare) for quoted, bare in QUERY.findall(text))
    if first == "path":  # of folders: `key=1` is a partition
        return False
    return any(_written(value) for form in _decoded(text) for value in SETTING.findall(form))


def _own(key: str) -> str:
    """The key without the tables that it stands in: a path of outcomes is a path.

    >>> _own("seed.outcomes.path"), _own("path")
    ('path', 'path')
    """
    first, _, rest = key.partition(".")
    return _own(rest) if rest and first in TABLES else key


def _of_user(part: str) -> bool:
    """Whether `user:password`, or a user alone, is a secret."""
    _, colon, password = part.partition(":")
    return _written(password) if colon else len(part) >= SHORTEST and _written(part)


def _decoded(text: str) -> Iterator[str]:
    """The text, and what its %-codes stand for, twice: an ODBC string is a part of an address."""
    for _ in range(3):
        yield text
        text = unquote_plus(text)


def _written(value: str) -> bool:
    """Whether something stands there that is no variable."""
    return bool(NAME.sub("", value).strip("{} "))
