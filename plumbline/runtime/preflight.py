"""Preconditions of a stage: it ends with its run, and its inputs are those that dvc.lock records."""

from __future__ import annotations

import ctypes
import fcntl
import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from plumbline.core import dvc_hash, files, usecase_name
from plumbline.core.errors import PlumblineError
from plumbline.runtime import dvc_lock, dvc_yaml, libraries, library

UNDER_DVC = "DVC_STAGE"
"""Set by DVC in the environment of a stage that it runs."""
SHELLS = {"sh", "bash", "dash", "ash", "zsh", "ksh", "fish"}
LOOK = 0.2  # seconds between two looks at the processes above
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
ROLLBACK = Path(".plumbline")
STATE = Path(".dvc") / "tmp"
"""DVC's own, with the database that it unpickles."""
CLOSED = 0o700
LINKED = re.compile(r"^\s*type\s*=.*\b(hardlink|symlink)\b", re.MULTILINE)

log = logging.getLogger("plumbline")


def begin(name: str, stage: str, paths: Iterable[Path]) -> None:
    """Make sure of all that a stage relies on, and sweep what a killed one left beside its outs.

    Raises PlumblineError where the use case's name is none, where a rollback is under way or half done,
    where root's cache is linked into the work tree, where a library that can change an out is not the
    locked one, where Plumbline is another than environment/library.json notes, or (in a run by DVC) where
    an input is not what dvc.lock records: DVC goes by a file's size and time, and would take other bytes
    for the recorded ones.
    """
    guard(name)
    for path in paths:
        files.sweep(path)
    refuse_libraries(name, stage)
    library.refuse(stage, _declared(name, stage))
    refuse_changed(name, stage)


def guard(name: str) -> None:
    """The checks that need no look at the data; see `begin`."""
    usecase_name.check(name)
    if UNDER_DVC in os.environ:
        die_with_parents()
    refuse_unsafe()


def guard_moment(name: str) -> None:
    """`guard` for a process that writes for a moment only: on Linux nothing watches shells above it."""
    if sys.platform != "linux":
        guard(name)
    usecase_name.check(name)
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
    refuse_unsafe()


def refuse_unsafe() -> None:
    """PlumblineError where a rollback is under way or half done, or root's cache is linked into the work tree."""
    refuse_rollback(ROLLBACK)
    close(STATE)
    refuse_links(Path(".dvc"))


def die_with_parents() -> None:
    """End this process, at once, when the one that started it ends, by kill -9, too.

    Else it would write its outs while the next run is already reading them. On Linux the kernel sees
    to it; a thread looks after a shell between this process and DVC, and after other systems.
    """
    import psutil

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
    ancestors = psutil.Process().parents()
    holders = _holders(Path(".dvc") / "tmp" / "rwlock")
    if holders and holders.isdisjoint(parent.pid for parent in ancestors):
        raise PlumblineError("the run that started this stage has ended; `dvc repro` again")
    above = []
    for parent in ancestors:
        above.append(parent)
        if parent.name() not in SHELLS:
            break
    threading.Thread(target=_watch, args=(os.getppid(), above), daemon=True).start()


def _holders(file: Path) -> set[int]:
    """The processes that DVC noted as running a stage: its own, and those that were killed."""
    try:
        return {int(number) for number in re.findall(r'"pid": *([0-9]+)', file.read_text())}
    except OSError:
        return set()


def _watch(parent: int, above: list[Any]) -> None:
    import psutil

    while os.getppid() == parent and all(
        p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in above
    ):
        time.sleep(LOOK)
    os.kill(os.getpid(), signal.SIGKILL)


def close(folder: Path) -> None:
    """Close a folder to others, who could else change what is read from it: DVC opens what it makes."""
    if folder.is_dir() and folder.stat().st_mode & 0o777 != CLOSED:
        with suppress(OSError):  # another user's: that is theirs to close, and `verify` names it
            folder.chmod(CLOSED)


def refuse_rollback(folder: Path) -> None:
    """PlumblineError where a rollback is at work in this tree, or was interrupted."""
    if (folder / "lock").exists():
        with (folder / "lock").open() as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PlumblineError("a rollback is running here; wait for it to end") from None
    if (folder / "journal.json").exists():
        raise PlumblineError(
            "a rollback was interrupted here; end it first: `plumbline rollback main` "
            "(or another revision) undoes it; `plumbline rollback --abandon` leaves things as they are"
        )


def refuse_links(folder: Path) -> None:
    """PlumblineError for root where the cache is linked into the work tree: a write would change it."""
    if os.geteuid():
        return
    for file in (folder / "config.local", folder / "config"):
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        section = re.search(r"^\s*\[cache\]([^\[]*)", text, re.MULTILINE)
        if section and LINKED.search(section[1]):
            raise PlumblineError(
                f"{file}: cache.type links the cache into the work tree; as root a write to an out "
                "would change every version that shares it; run `dvc config --unset cache.type` "
                "(with --local for config.local), or as another user"
            )


def refuse_libraries(usecase_name: str, stage: str) -> None:
    """PlumblineError where an installed library is not the one that the stage's file of pins names.

    A stage without such a file, of an older commit, runs with what is installed.
    """
    for file in libraries.files(_declared(usecase_name, stage).deps):
        text = Path(file).read_text(encoding="utf-8") if Path(file).is_file() else ""
        if differing := libraries.differing([text]):
            raise PlumblineError(
                f"{file}: expected {libraries.some(differing)}; another version can give other outs; "
                "run `make install`, which installs what requirements.txt locks"
            )


def _declared(usecase_name: str, stage: str) -> dvc_yaml.DeclaredStage:
    stages = dvc_yaml.of_usecase(dvc_yaml.read(), usecase_name)
    return stages.get(stage, dvc_yaml.DeclaredStage())


def refuse_changed(usecase_name: str, stage: str) -> None:
    """PlumblineError where an input that another stage wrote is not what dvc.lock records of it.

    A warning where the stage is run by hand.
    """
    stages = dvc_yaml.of_usecase(dvc_yaml.read(), usecase_name)
    written = {out for other in stages.values() for out in other.stored}
    inputs = [name for name in stages[stage].deps if name in written] if stage in stages else []
    recorded = dvc_lock.outs(dvc_lock.of(dvc_lock.read(), usecase_name)) if inputs else {}
    for name in inputs:
        if name not in recorded or not Path(name).exists():
            continue
        current = dvc_hash.md5(Path(name))
        if current == recorded[name]:
            continue
        message = (
            f"{name}: md5 {current}, but dvc.lock records {recorded[name]}: changed since its stage "
            "wrote it; `dvc checkout` restores it (`plumbline verify --repair` where DVC does not see the "
            "change), `dvc repro` rebuilds it"
        )
        if UNDER_DVC in os.environ:
            raise PlumblineError(message)
        log.warning("%s: %s", stage, message)
