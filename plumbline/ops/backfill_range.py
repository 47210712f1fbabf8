"""Features of past events by the code and the data of a commit, in a clone of their own. An edge: starts processes."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from plumbline.core import documents
from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing_folder
from plumbline.features.backfill import FILE, BackfillReport
from plumbline.ops import backfill_process
from plumbline.ops.serving import sealed_events
from plumbline.repo import artifacts, clones, environment_files, reproduce, revisions
from plumbline.repo.artifacts import Role
from plumbline.runtime import child_process, libraries, library
from plumbline.runtime.runner import log

LAST_LINES = 15
SOURCE = Path(*backfill_process.MODULE.split(".")).with_suffix(".py")


def backfill(
    root: Path, usecase: str, first: date, last: date, rev: str | None, out: Path
) -> BackfillReport:
    """Write the features of the events from `first` to `last` (both included) into the folder `out`, all or nothing.

    `rev`: the commit whose code and data count; None for the work tree. Events after its as-of date are those of the
    sealed days here. PlumblineError, with `out` as it was,
    where days, data, libraries or the folder do not allow it.
    """
    _refuse_folder(out)
    request = {"usecase": usecase, "first": f"{first}", "last": f"{last}", "commit": None}
    request["sealed"] = str(sealed_events.folder(root, usecase).absolute())
    with replacing_folder(out.absolute()) as beside:
        request["folder"] = str(beside)
        if rev is None:
            backfill_process.run(request)
        else:
            _by_commit(root, revisions.commit(root, rev), rev, request)
        return documents.read(BackfillReport, beside / FILE)


def _refuse_folder(out: Path) -> None:
    """PlumblineError for a folder that holds anything but an earlier backfill."""
    if out.is_dir() and not (out / FILE).is_file() and any(out.iterdir()):
        raise PlumblineError(
            f"{out}: holds other files than a backfill's; expected a new folder, or one with {FILE}"
        )
    if out.exists() and not out.is_dir():
        raise PlumblineError(f"{out}: is a file; expected a folder")


def _by_commit(root: Path, commit: str, rev: str, request: dict[str, Any]) -> None:
    """Run the request in a clone of the commit that has its valid events, byte for byte."""
    name = str(request["usecase"])
    outs = artifacts.by_usecase(revisions.outs(root, commit), Role.VALID_EVENTS)
    if name not in outs:
        known = ", ".join(sorted(outs)) or "none"
        raise PlumblineError(f"{rev}: dvc.lock has no valid events of '{name}'; it has: {known}")
    with tempfile.TemporaryDirectory(prefix="plumbline-backfill-") as folder:
        clone = clones.cloned(root, commit, Path(folder).resolve() / "clone")
        _refuse_code(rev, clone)
        reproduce.bring(root, clone, [(commit, outs[name])])
        file = Path(folder) / "request.json"
        file.write_text(json.dumps({**request, "commit": commit}), encoding="utf-8")
        env = reproduce.environment(os.environ, Path(sys.executable).parent, clone, {})
        lines: list[str] = []
        log.info("backfill: by the code of %s", rev)
        words = [sys.executable, "-m", backfill_process.MODULE, str(file.resolve())]
        if child_process.run(words, clone, env, lines.append):
            raise PlumblineError("\n".join(lines[-LAST_LINES:]) or f"{rev}: backfill failed")


def _refuse_code(rev: str, clone: Path) -> None:
    """PlumblineError where the commit's library has no backfill, or other libraries are installed than it names."""
    if (clone / "plumbline").is_dir() and not (clone / SOURCE).is_file():
        raise PlumblineError(
            f"{rev}: its library has no backfill yet; expected a commit of 0.2.0 or later"
        )
    differing = [*environment_files.differing(clone), *library.differing(library.read(clone))]
    if differing:
        raise PlumblineError(
            f"{rev}: its features are those of {libraries.some(differing)}; `git checkout {rev}` and "
            "`make install` in another clone first"
        )
