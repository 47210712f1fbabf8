"""DVC's own state: its database, which it unpickles and so must be private; whether DVC is at work."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.repo import local_config
from plumbline.repo.object_stores import DvcSettings

VARIABLE = "DVC_SITE_CACHE_DIR"
PRIVATE = Path(".dvc") / "tmp" / "site"
LOCKS = Path(".dvc") / "tmp" / "rwlock"
SHARED = "/var/tmp/dvc"  # where DVC 3 keeps it on Linux, open to all, unless configured otherwise
OTHERS_ENTER, OTHERS_WRITE = 0o011, 0o022


def environment(root: Path) -> dict[str, str]:
    """The variables for a DVC command that give it a state of this project's own.

    It is made here, closed to others, because DVC makes it open to all. DVC's list of what to push or
    fetch is forgotten: one that a kill cut short is taken for whole, and the rest is never sent.
    """
    folder = closed(root)
    for index in folder.glob("repo/*/index"):
        shutil.rmtree(index)
    return {VARIABLE: str(folder)}


def closed(root: Path) -> Path:
    """The folder for DVC's state, made where there is none; it and the one around it are closed to others."""
    folder = (root / PRIVATE).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, folder.parent):
        path.chmod(0o700)
    return folder


def keep_private(root: Path) -> None:
    """Let DVC keep its state there: `core.site_cache_dir` in .dvc/config.local, whose other lines stay.

    Written here because `dvc config` takes ASCII only, which a checkout's path need not be.
    """
    local_config.change(root, {"core": {"site_cache_dir": str(closed(root))}})


def problems(settings: DvcSettings) -> Iterator[str]:
    """What is wrong with it: a lock that a kill cut off; a database that others can write to."""
    cut = cut_lock(settings.root)
    if cut:
        yield f"{cut}: cut off by a kill; DVC refuses to work until `verify --repair` removes it"
    folder = Path(os.environ.get(VARIABLE) or settings.state or _default())
    shared = others_can_write(folder)
    if shared:
        own = (settings.root / PRIVATE).resolve()
        yield (
            f"DVC's state: other users can write to {shared}, and DVC unpickles what it finds there; "
            f"set `core.site_cache_dir` to {own} in .dvc/config.local (`make install` does it)"
        )


def others_can_write(folder: Path) -> Path | None:
    """The folder, or one of DVC's in it, where other users can both enter and write; None if none."""
    for path in (*reversed(folder.absolute().parents), folder.absolute()):
        if not path.exists():
            return None
        mode = path.stat().st_mode
        if not mode & OTHERS_ENTER:
            return None
    inside = [folder, *folder.glob("repo"), *folder.glob("repo/*")]
    return next((p for p in inside if p.stat().st_mode & OTHERS_WRITE), None)


def cut_lock(root: Path) -> Path | None:
    """DVC's file of locks where a kill cut it off: DVC refuses to work until it is removed."""
    file = root / LOCKS
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return file
    return None


def refuse_running(root: Path) -> None:
    """PlumblineError where a DVC command is at work in this tree; a lock that was cut off is removed."""
    for command in _running(root / LOCKS):
        raise PlumblineError(f"DVC is at work here ({command}); wait for it to end")
    _refuse_locked(root)
    cut = cut_lock(root)
    if cut:
        cut.unlink()


def _refuse_locked(root: Path) -> None:
    lock = root / ".dvc" / "tmp" / "lock"
    if lock.exists():
        with lock.open() as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PlumblineError("DVC is at work here; wait for it to end") from None


def _running(file: Path) -> Iterator[str]:
    """The commands of those who hold a lock on some path, and are alive."""
    import psutil

    try:
        locks = json.loads(file.read_text(encoding="utf-8"))
        writers = list(locks.get("write", {}).values())
        holders = writers + [info for infos in locks.get("read", {}).values() for info in infos]
        alive = [h for h in holders if psutil.pid_exists(int(h["pid"]))]
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return  # no lock, or one that DVC itself would not heed
    yield from (str(h.get("cmd", "dvc")) for h in alive)


def _default() -> str:
    if sys.platform == "linux":
        return SHARED
    import platformdirs

    return platformdirs.site_cache_dir("dvc", "iterative", opinion=True)
