"""Configure a DVC remote safely: an absolute path, every fetched object hashed. Writes .dvc/config.local."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.repo import local_config, object_stores, remotes

NOWHERE = "0" * 32
"""An object that no remote has: asking for it shows whether the remote answers."""


def remote(root: Path, name: str, url: str, options: Mapping[str, str]) -> str:
    """Make `name` the default remote, replacing one of that name; its address as it was written.

    A folder's path is made absolute. Raises PlumblineError with DVC's words where it refuses an option.
    """
    address = absolute(url)
    chosen = {"verify": "true", **options}
    if chosen["verify"] != "true":
        raise PlumblineError(
            f"verify={chosen['verify']}: expected true: nothing fetched is trusted"
        )
    before = object_stores.settings(root).remotes
    local = root / ".dvc" / "config.local"
    kept = local.read_bytes() if local.exists() else None
    section = f'remote "{name.lower()}"'
    values = {"url": address, **chosen}
    local_config.change(root, {"core": {"remote": name.lower()}, section: values}, (section,))
    try:
        remotes.refuse_bad_config(root)
    except PlumblineError as error:
        _put_back(local, kept)
        raise PlumblineError(f"remote {name}: {error}") from None
    return f"{name}: {address}" + (f", in place of {before[name]}" if name in before else "")


def absolute(url: str) -> str:
    """An address as DVC takes it in any revision: a folder without scheme, `~` or relative part.

    >>> absolute("s3://bucket/models")
    's3://bucket/models'
    """
    path = url.removeprefix("file://")
    return url if re.match(r"\w+://", path) else os.path.abspath(os.path.expanduser(path))


def answers(root: Path, name: str) -> str:
    """Why the remote cannot be read now; empty where it answers."""
    try:
        object_stores.settings(root).remote(name).digests([NOWHERE])
    except PlumblineError as error:
        return str(error)
    return ""


def _put_back(file: Path, before: bytes | None) -> None:
    if before is None:
        file.unlink(missing_ok=True)
    else:
        file.write_bytes(before)
