"""The last run's profile made the accepted one, and what reads it run again, so that all of it is one commit.

An accepted profile is a dep of `validate`, the judged days one of `monitor`: both must be there as the lock
records them before the commit, else the commit's own `dvc status` would not be clean.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.files import read_json, replacing, write_json
from plumbline.repo import artifacts, dvc_command
from plumbline.repo.artifacts import Role
from plumbline.repo.known_outs import WorkTree
from plumbline.runtime import dvc_lock

HISTORY = "history.csv"
"""The days that the monitor judged, in its report's folder."""
STARTS = ("Running stage",)
"""How the lines begin that are shown of the run."""


def accept(root: Path, name: str, progress: Callable[[str], None]) -> list[Path]:
    """Write the accepted profile and the judged days, and run what reads them; the files that changed.

    PlumblineError, before anything is written, where the last run is not of today's inputs; and where a stage
    fails, after which the profile stays and `dvc repro` goes on.
    """
    measured = artifacts.path(name, Role.PROFILE, root)
    current = read_json(measured)
    recorded = f"validate@{name}" in dvc_lock.read(root)
    if recorded:
        _refuse_stale(root, name)
    written = _write(root, name, current)
    if not recorded:
        return written
    stages = [f"{stage}@{name}" for stage in dvc_lock.of(dvc_lock.read(root), name)]
    done = dvc_command.run(root, "repro", *stages, progress=lambda line: _show(line, progress))
    if done.code:
        raise PlumblineError(
            f"accept {name}: the profile is written, and a stage that reads it failed: {done.last}\n"
            "Correct it, then run `dvc repro`"
        )
    if read_json(measured) != current:
        raise PlumblineError(
            f"{measured}: the run measured other data than were accepted; look at them, and run "
            f"`plumbline accept {name}` again"
        )
    return written


def _write(root: Path, name: str, profile: object) -> list[Path]:
    """Both files, as far as they differ from what is there."""
    accepted = artifacts.path(name, Role.ACCEPTED_PROFILE, root)
    before = accepted.read_bytes() if accepted.exists() else b""
    write_json(accepted, profile)
    written = [accepted] if accepted.read_bytes() != before else []
    judged = artifacts.path(name, Role.MONITOR_REPORT, root) / HISTORY
    history = artifacts.path(name, Role.MONITOR_HISTORY, root)
    if judged.exists() and (not history.exists() or judged.read_bytes() != history.read_bytes()):
        with replacing(history) as beside:
            shutil.copyfile(judged, beside)
        written.append(history)
    return written


def _refuse_stale(root: Path, name: str) -> None:
    """PlumblineError where a stage before the profile would run anew, or the profile is not what one wrote."""
    tree, own = WorkTree.read(root), f"validate@{name}"
    accepted = artifacts.declared(name, Role.ACCEPTED_PROFILE, root)
    profile = artifacts.declared(name, Role.PROFILE, root) or ""
    for stage in (f"data@{name}", own):
        entry, declared = tree.entries.get(stage), tree.stages.get(stage)
        if entry is None or declared is None:
            raise PlumblineError(f"accept {name}: {stage} has not run; run `dvc repro` first")
        deps = {p: tree.md5(p) for p in declared.deps if p != accepted}
        changed = [path for path, md5 in deps.items() if entry.deps.get(path) != md5]
        changed += [] if tree.values(declared) == entry.params else ["params.yaml"]
        if changed:
            raise PlumblineError(
                f"accept {name}: {', '.join(changed)} changed after the last run; run `dvc repro`, look at the "
                "data, then accept them"
            )
    if tree.md5(profile) != tree.entries[own].outs.get(profile):
        raise PlumblineError(
            f"{profile}: not as the last run wrote it; `dvc checkout` restores it, `dvc repro` writes it anew"
        )


def _show(line: str, progress: Callable[[str], None]) -> None:
    if line.startswith(STARTS):
        progress(line)
