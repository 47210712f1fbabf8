"""What a rollback has begun, on disk before it is done; and the log of those that ended."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plumbline.errors import PlumblineError
from plumbline.files import replacing
from plumbline.rollback.plan import Head

FOLDER = ".plumbline"


@dataclass(frozen=True)
class Journal:
    """One rollback: from where to where, what MLflow had before, and how far it came.

    `registry`: by use case, the champion's version (None: none) and all versions; None where MLflow
    is off. `absent`: outs that were missing in the work tree. `done`: only the audit log is to come.
    """

    id: str
    who: str
    when: str
    rev: str
    start: Head
    target: Head
    absent: tuple[str, ...] = ()
    registry: Mapping[str, Mapping[str, Any]] | None = None
    steps: tuple[str, ...] = ()
    proofs: tuple[str, ...] = ()
    done: bool = False

    def begun(self, step: str) -> Journal:
        """With one more step that may have changed something."""
        return replace(self, steps=(*self.steps, step))


def new(rev: str, start: Head, target: Head, **given: Any) -> Journal:
    """A rollback that has not begun."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return Journal(uuid.uuid4().hex, _who(), when, rev, start, target, **given)


def folder(root: Path) -> Path:
    """The project's folder for this, made where there is none. git ignores it at every commit."""
    path = root / FOLDER
    path.mkdir(exist_ok=True)
    ignore = path / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return path


def save(root: Path, journal: Journal) -> Journal:
    """Write it, whole and to the disk; returns it."""
    with replacing(_file(root)) as beside, beside.open("w", encoding="utf-8") as stream:
        json.dump(asdict(journal), stream, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    return journal


def load(root: Path) -> Journal | None:
    """The one that an interrupted rollback left; PlumblineError where it cannot be read."""
    file = _file(root)
    if not file.exists():
        return None
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        heads = {key: Head(**said[key]) for key in ("start", "target")}
        lists = {key: tuple(said[key]) for key in ("absent", "steps", "proofs")}
        return Journal(**{**said, **heads, **lists})
    except (ValueError, TypeError, KeyError) as error:
        raise PlumblineError(
            f"{file}: damaged ({error}); see `git reflog` for the commit before, check it out, "
            "`dvc checkout`, and remove the file"
        ) from None


def close(root: Path, journal: Journal, result: str) -> None:
    """Append the rollback to the audit log, once, and forget it."""
    log = folder(root) / "audit.jsonl"
    line = {
        "id": journal.id, "who": journal.who, "when": journal.when, "rev": journal.rev,
        "from": asdict(journal.start), "to": asdict(journal.target), "result": result,
        "proofs": list(journal.proofs),
    }  # fmt: skip
    if not any(entry["id"] == journal.id for entry in audit(root)):
        with log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    _file(root).unlink(missing_ok=True)


def audit(root: Path) -> list[dict[str, Any]]:
    """Every rollback that ended, oldest first. A line that was cut off by a kill is passed over."""
    log = folder(root) / "audit.jsonl"
    found = []
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """One rollback at a time; PlumblineError for a second."""
    with (folder(root) / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PlumblineError("another rollback is running; wait for it to end") from None
        yield


def _file(root: Path) -> Path:
    return folder(root) / "journal.json"


def _who() -> str:
    try:
        return os.environ.get("GIT_AUTHOR_NAME") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # a container's user without a name
