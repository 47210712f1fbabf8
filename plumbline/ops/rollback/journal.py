"""The journal: each step of a rollback, on disk before it is done; and the audit log of those that ended.

The audit log has the stages that registered versions were given, too, each step of a promotion, and experiments that
were declared or ended.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import logging
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from plumbline.core.documents import Document
from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing, sweep
from plumbline.ops.rollback.plan import Head

FOLDER = ".plumbline"
AUDIT = "audit.jsonl"

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class RegistryBefore:
    """MLflow's state of a use case: the champion's version (None: none), and all versions."""

    champion: str | None = None
    versions: tuple[str, ...] = ()


class AuditEntry(Document):
    """A rollback that ended, as the audit log has it."""

    id: str
    who: str
    when: str
    rev: str
    start: Head = Field(alias="from")
    target: Head = Field(alias="to")
    result: str
    proofs: tuple[str, ...]


class Transition(Document):
    """A registered version that was given a stage, as the audit log has it."""

    kind: Literal["transition"] = "transition"
    who: str
    when: str
    usecase: str
    version: str
    md5: str | None
    stage: str
    reason: str


class PromotionEntry(Document):
    """A step of a promotion that ended, or the promotion itself (`step` is "end"), as the audit log has it."""

    kind: Literal["promotion"] = "promotion"
    id: str
    who: str
    when: str
    usecase: str
    rev: str
    commit: str
    bundle: str
    step: str
    result: str
    reason: str
    evidence: dict[str, Any]


class ExperimentEntry(Document):
    """An experiment that was declared or ended, as the audit log has it. `arms`: shares in percent by arm, of shadows 0.

    `keep`, `verdict`: of one that ended. `file_sha256`: of the declaration as it was written.
    """

    kind: Literal["experiment"] = "experiment"
    who: str
    when: str
    usecase: str
    name: str
    action: Literal["new", "stop"]
    arms: dict[str, int]
    first: str
    last: str
    keep: str
    verdict: str
    file: str
    file_sha256: str


Other = Transition | PromotionEntry | ExperimentEntry
KINDS: Mapping[bytes, type[Other]] = {
    b'{"kind": "transition"': Transition,
    b'{"kind": "promotion"': PromotionEntry,
    b'{"kind": "experiment"': ExperimentEntry,
}
"""How a line that is no rollback's begins."""


@dataclass(frozen=True)
class Journal:
    """One rollback: from where to where, what MLflow had before, and how far it came.

    `registry`: by use case; None where MLflow is off. `absent`: outs that were missing in the work tree. `done`: only the audit log is to come.
    `present`: outs of the target alone that were in the work tree. `store`: the feature store on servers
    that goes along; None where only the embedded one does.
    """

    id: str
    who: str
    when: str
    rev: str
    start: Head
    target: Head
    absent: tuple[str, ...] = ()
    registry: Mapping[str, RegistryBefore] | None = None
    steps: tuple[str, ...] = ()
    proofs: tuple[str, ...] = ()
    done: bool = False
    present: tuple[str, ...] = ()
    store: str | None = None

    def __str__(self) -> str:
        return f"the rollback of {self.when} to {self.rev}"

    def begun(self, step: str) -> Journal:
        """With one more step that may have changed something."""
        return replace(self, steps=(*self.steps, step))


def new(
    rev: str,
    start: Head,
    target: Head,
    *,
    absent: tuple[str, ...] = (),
    present: tuple[str, ...] = (),
    registry: Mapping[str, RegistryBefore] | None = None,
    store: str | None = None,
) -> Journal:
    """The journal of a rollback that has not begun."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return Journal(
        id=uuid.uuid4().hex,
        who=who(),
        when=when,
        rev=rev,
        start=start,
        target=target,
        absent=absent,
        present=present,
        registry=registry,
        store=store,
    )


def folder(root: Path) -> Path:
    """The project's folder for this, made where there is none. git ignores it at every commit."""
    path = root / FOLDER
    path.mkdir(mode=0o700, exist_ok=True)
    ignore = path / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return path


def save(root: Path, journal: Journal) -> Journal:
    """Write it, whole and to the disk; returns it. Older code reads one without a store."""
    content = {k: v for k, v in asdict(journal).items() if k != "store" or v}
    with replacing(_file(root)) as beside, beside.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    return journal


def load(root: Path) -> Journal | None:
    """The one that an interrupted rollback left; PlumblineError where it cannot be read."""
    file = _file(root)
    if not file.exists():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        heads = {key: Head(**content[key]) for key in ("start", "target")}
        lists = {key: tuple(content[key]) for key in ("absent", "steps", "proofs")}
        lists["present"] = tuple(content.get("present", ()))
        known = {"registry": _registry(content.get("registry"))}
        return Journal(**{**content, **heads, **lists, **known})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PlumblineError(
            f"{file}: damaged ({error}); see `git reflog` for the commit before; "
            "`plumbline rollback --abandon` ends it as things are"
        ) from None


def _registry(content: Mapping[str, Any] | None) -> Mapping[str, RegistryBefore] | None:
    if content is None:
        return None
    return {
        name: RegistryBefore(one["champion"], tuple(one["versions"]))
        for name, one in content.items()
    }


def close(root: Path, journal: Journal, result: str) -> None:
    """Append the rollback to the audit log, once, and forget it."""
    line = {
        "id": journal.id, "who": journal.who, "when": journal.when, "rev": journal.rev,
        "from": asdict(journal.start), "to": asdict(journal.target), "result": result,
        "proofs": list(journal.proofs),
    }  # fmt: skip
    if not any(entry.id == journal.id for entry in audit(root)):
        append(root, line)
    _file(root).unlink(missing_ok=True)


def append(root: Path, line: Mapping[str, Any]) -> None:
    """Add a line to the audit log, to the disk; after one that was cut off, on a line of its own."""
    file = folder(root) / AUDIT
    with file.open("ab") as stream:
        cut = file.stat().st_size and not file.read_bytes().endswith(b"\n")
        stream.write((b"\n" if cut else b"") + json.dumps(line).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def transition(usecase: str, version: str, md5: str | None, stage: str, reason: str) -> Transition:
    """The audit log's entry of a version that is given a stage now."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return Transition(
        who=who(), when=when, usecase=usecase, version=version, md5=md5, stage=stage, reason=reason
    )


def abandon(root: Path) -> Journal | None:
    """Forget an interrupted rollback, with its entry in the audit log; None where it cannot be read."""
    file = _file(root)
    if not file.exists():
        raise PlumblineError("no rollback was interrupted here; there is nothing to abandon")
    try:
        journal = load(root)
    except PlumblineError:
        file.replace(file.with_suffix(".damaged"))
        return None
    if journal:
        close(root, journal, "done" if journal.done else "abandoned")
    return journal


def audit(root: Path) -> list[AuditEntry]:
    """Every rollback that ended, oldest first."""
    return [entry for entry in _entries(root) if isinstance(entry, AuditEntry)]


def transitions(root: Path) -> list[Transition]:
    """Every version that was given a stage, oldest first."""
    return [entry for entry in _entries(root) if isinstance(entry, Transition)]


def promotions(root: Path) -> list[PromotionEntry]:
    """Every step of a promotion that ended, oldest first."""
    return [entry for entry in _entries(root) if isinstance(entry, PromotionEntry)]


def experiments(root: Path) -> list[ExperimentEntry]:
    """Every experiment that was declared or ended, oldest first."""
    return [entry for entry in _entries(root) if isinstance(entry, ExperimentEntry)]


def _entries(root: Path) -> Iterator[AuditEntry | Other]:
    """The audit log's lines. A damaged one is passed over, and named in the log."""
    file = folder(root) / AUDIT
    lines = file.read_bytes().splitlines() if file.exists() else []
    for number, line in enumerate(lines, 1):
        kind = next((k for mark, k in KINDS.items() if line.startswith(mark)), AuditEntry)
        try:
            yield kind.model_validate_json(line)
        except ValidationError:
            log.warning("%s, line %d: damaged, passed over", file, number)


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """One rollback at a time; PlumblineError for a second."""
    with (folder(root) / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PlumblineError("another rollback is running; wait for it to end") from None
        for name in ("journal.json", "tool", "feature_store", "online_store/state"):
            sweep(folder(root) / name)
        yield


def _file(root: Path) -> Path:
    return folder(root) / "journal.json"


def who() -> str:
    """Whoever runs this."""
    try:
        return os.environ.get("GIT_AUTHOR_NAME") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # a container's user without a name
