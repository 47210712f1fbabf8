"""The merge gate on a written comparison, with dvc.lock checked anew against the files as they are now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.files import read_json
from plumbline.review import compare, lockcheck, merge_gate, revision


def lock(root: Path) -> list[merge_gate.Reason]:
    """Why dvc.lock is not what the files give. Needs neither data nor credentials."""
    checked = lockcheck.check(revision.side(root, None))
    return list(merge_gate.reasons({"lock": checked, "usecases": {}}))


def comparison(root: Path, path: Path) -> dict[str, Any]:
    """The comparison in `path` with its gate judged anew.

    PlumblineError where its head has another dvc.lock than the work tree at `root`.
    """
    name = str(path)
    recorded = merge_gate.read(read_json(path), name)
    here = revision.side(root, None)
    if recorded["lock"].get("md5") != compare.lock_md5(here):
        raise PlumblineError(
            f"{name}: its head has another dvc.lock than this work tree; run `plumbline compare` "
            "again, with head checked out"
        )
    checked = {**lockcheck.check(here), "uncommitted": recorded["lock"].get("uncommitted")}
    return {**recorded, "gate": merge_gate.ruling({**recorded, "lock": checked})}
