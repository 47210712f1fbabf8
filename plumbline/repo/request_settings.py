"""Settings of requests in committed .dvc and dvc.yaml files: `fs_config`, and `config` or `remote` of an import.

As those of .dvc/config they decide where a workflow's signed requests go.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.runtime import dvc_yaml, git

FILES = ("*.dvc", "dvc.yaml", "*/dvc.yaml")


def refuse(root: Path) -> None:
    """PlumblineError for the first such setting, with file and key."""
    if not git.here(root):
        return
    for name in git.names(root, "ls-files", "-z", "--", *FILES):
        path = root / name
        if path.is_file():
            content = dvc_yaml.document(path.read_text(encoding="utf-8"), name)
            for key in _settings(content):
                raise PlumblineError(
                    f"{name}: {key}: a committed file must not set where or how requests with keys go; "
                    "delete it there, and set it on the machine: `dvc config --local`, or DVC_REMOTE_URL"
                )


def _settings(value: Any, key: str = "") -> Iterator[str]:
    """The dotted keys of all settings of requests."""
    if isinstance(value, list):
        for part in value:
            yield from _settings(part, key)
    if not isinstance(value, dict):
        return
    for name, part in value.items():
        dotted = f"{key}.{name}".lstrip(".")
        if name == "fs_config" and part:
            yield from (f"{dotted}.{setting}" for setting in part)
        elif key.endswith("repo") and (name == "config" or isinstance(part, dict)):
            yield dotted
        else:
            yield from _settings(part, dotted)
