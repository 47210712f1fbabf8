"""Two locks of dependencies compared: packages added, removed, or of another version. Pure."""

from __future__ import annotations

import re
from collections import defaultdict

from plumbline.review import lock_changes
from plumbline.review.comparison_sections import ChangedValue

LOCKS = ("requirements.txt", "requirements-comment.txt")
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Each package's version in a lock, or versions where platforms differ; no hashes, no markers.

    >>> pins("duckdb==2.0 ; python_version > '3' --hash=sha256:ab\\n# xgboost==1\\nNum_Py==2.4")
    {'duckdb': '2.0', 'num-py': '2.4'}
    """
    versions_of: dict[str, list[str]] = defaultdict(list)
    for name, version in PIN.findall(text):
        versions_of[re.sub(r"[-_.]+", "-", name).lower()].append(version)
    return {name: ", ".join(dict.fromkeys(versions)) for name, versions in versions_of.items()}


def changed(base: dict[str, str], head: dict[str, str]) -> list[ChangedValue]:
    """Packages whose version differs between two sides' locks (file to text): key, base, head."""
    old, new = (
        {n: v for f in LOCKS for n, v in pins(side.get(f, "")).items()} for side in (base, head)
    )
    return lock_changes.values(old, new)
