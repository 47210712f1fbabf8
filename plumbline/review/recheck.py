"""The merge gate on a written comparison, with dvc.lock checked anew against the files as they are now."""

from __future__ import annotations

from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.files import read_json
from plumbline.review import compare, lock_reasons, lockcheck, merge_gate, revision
from plumbline.review import comparison as documents
from plumbline.review.comparison import Comparison, LockState, Reason


def lock(root: Path) -> list[Reason]:
    """Why dvc.lock is not what the files give. Needs neither data nor credentials."""
    here = revision.side(root, None)
    return list(lock_reasons.of_lock(_lock(here, [])))


def comparison(root: Path, path: Path) -> Comparison:
    """The comparison in `path` with its gate judged anew.

    PlumblineError where its head has another dvc.lock than the work tree at `root`.
    """
    written = documents.parse(read_json(path), str(path))
    here = revision.side(root, None)
    if written.lock.md5 != compare.lock_md5(here):
        raise PlumblineError(
            f"{path}: its head has another dvc.lock than this work tree; run `plumbline compare` "
            "again, with head checked out"
        )
    checked = _lock(here, written.lock.uncommitted)
    judged = merge_gate.judged(written.model_copy(update={"lock": checked}))
    return written.model_copy(update={"gate": judged.gate})


def _lock(side: revision.Revision, uncommitted: list[str]) -> LockState:
    state = lockcheck.check(side, compare.lock_md5(side))
    return state.model_copy(update={"uncommitted": uncommitted})
