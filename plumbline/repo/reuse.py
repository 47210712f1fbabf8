"""Outs from the cache in place of runs, where a known entry of dvc.lock has a stage's very inputs.

`persist: true` keeps the last good outs while a stage runs, and switches DVC's own cache of runs off. This is
in its place: a stage that DVC starts looks whether dvc.lock, or an entry that was remembered, has its command,
its deps' bytes and its params' values; then it brings the outs, every byte hashed, and does not run.
`outs` does that for all stages at once, and puts the entries back into dvc.lock. An edge: writes files.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing
from plumbline.core.safe_text import log_line
from plumbline.repo import run_words
from plumbline.repo.known_outs import Brought, WorkTree
from plumbline.runtime import dvc_lock, dvc_yaml, preflight

NO_CACHE = "PLUMBLINE_NO_CACHE"
"""Set in the environment: every stage runs."""


def at_start() -> None:
    """Where this process is `python -m stages.NAME`, started by DVC: end it here if the outs can be brought."""
    name = _started(os.environ.get(preflight.UNDER_DVC, ""), sys.orig_argv)
    if name is None:
        return
    try:
        line = of_stage(Path("."), name, run_words.above())
    except (PlumblineError, OSError) as error:
        sys.stderr.write(f"{_short(name)}: the stage runs: {log_line(str(error))}\n")
        return
    if line:
        sys.stderr.write(f"{_short(name)}: {line}\n")
        sys.stderr.flush()
        os._exit(0)  # the interpreter's own end takes as long as the work


def of_stage(root: Path, name: str, words: Sequence[str] | None) -> str:
    """Bring a stage's outs; a line that says so, or "" where the stage must run.

    `words`: what DVC was started with. In a run of the whole graph the outs that dvc.lock records of the later
    stages are brought, too, so that DVC skips these. Raises PlumblineError where bytes are missing or damaged,
    or a file cannot be read, OSError where one cannot be written.
    """
    tree = WorkTree.read(root)
    if name not in tree.stages:
        return ""
    tree.remember(name)
    if words is None or run_words.executes(words) or os.environ.get(NO_CACHE):
        return ""
    known = tree.known(name)
    if known is None:
        return ""
    preflight.guard_moment(_usecase(name))
    paths = ", ".join(tree.place(name, known) or tree.stages[name].paths)
    skipped = _after(tree, name) if _skips(words, known.lines) else ()
    later = tree.bring(skipped, tree.recorded)
    others = [_short(brought.name) for brought in later if brought.outs]
    also = f"; also those of {', '.join(others)}" if others else ""
    return f"unchanged inputs; outs brought from the cache ({paths}){also}"


def outs(root: Path) -> list[Brought]:
    """Bring the outs of all stages that are known, and put their entries into dvc.lock.

    PlumblineError where DVC or a rollback is at work here.
    """
    from plumbline.repo import state

    state.refuse_running(root)
    preflight.refuse_rollback(root / preflight.ROLLBACK)
    preflight.refuse_links(root / ".dvc")
    tree = WorkTree.read(root)
    for name in tree.stages:
        tree.remember(name)
    before = tree.lock
    brought = list(tree.bring(tree.ordered(), tree.known))
    if tree.lock != before:
        if dvc_lock.parse(tree.lock) != tree.entries:
            raise dvc_yaml.damaged(dvc_lock.FILE, "not as DVC writes it")
        with replacing(root / dvc_lock.FILE) as beside:
            beside.write_text(tree.lock, encoding="utf-8")
    return brought


def _skips(words: Sequence[str], remembered: str) -> bool:
    """Whether DVC skips later stages whose outs are those of dvc.lock."""
    return not remembered and run_words.whole(words)


def _after(tree: WorkTree, name: str) -> list[str]:
    """The use case's later stages."""
    order = [other for other in tree.ordered() if _usecase(other) == _usecase(name)]
    return order[order.index(name) + 1 :]


def _started(stage: str, words: Sequence[str]) -> str | None:
    """The name in dvc.lock of the stage that this process is, started by DVC as `python -m stages.NAME`.

    >>> _started("train@a", ["python", "-m", "stages.train", "a"])
    'train@a'
    """
    name = stage.rpartition(":")[2]
    return name if name and list(words[1:3]) == ["-m", f"stages.{_short(name)}"] else None


def _short(name: str) -> str:
    return name.partition("@")[0]


def _usecase(name: str) -> str:
    return name.partition("@")[2]
