"""Push every recorded object, then hash again what the remote has."""

from __future__ import annotations

from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback import restore
from plumbline.repo import object_stores, state, verification, verify
from plumbline.repo.verify import VerifyReport


def push(root: Path, *, all_tags: bool) -> VerifyReport:
    """`dvc push`, then a report on every object of the remote.

    PlumblineError where no remote is set, or DVC would take its path from another folder.
    """
    settings = object_stores.settings(root)
    if not settings.default:
        raise PlumblineError("no default remote; `dvc remote default NAME` sets one")
    if all_tags and settings.default in settings.relative:
        raise PlumblineError(
            f"remote {settings.default}: its path is relative, which DVC takes from the root folder of "
            f"the disk for other revisions; set it once more as `dvc remote modify --local "
            f"{settings.default} url {settings.remotes[settings.default]}`"
        )
    names = verification.revisions_named(settings.root, None, all_tags=all_tags)
    state.refuse_running(settings.root)
    restore.dvc(settings.root, "push", *(["--all-tags"] if all_tags else []))
    return verify.check(settings, list(names), ("remote",))
