"""Repair of `verify`'s findings: each object from a store with a good copy, hashed while it is copied."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from plumbline.core import dvc_hash, hashing
from plumbline.core.dvc_hash import manifest_bytes
from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing
from plumbline.repo.file_modes import file_mode, umask
from plumbline.repo.object_stores import DvcSettings, FolderStore, ObjectSource, ObjectStore
from plumbline.repo.verify import IntegrityFinding, ObjectUse

CACHE_MODE = 0o444
"""DVC protects its cache against writes, and trusts a file that is so."""
ASIDE = Path(".dvc") / "tmp" / "replaced"
"""Where a changed file that a person may have edited goes before it is restored."""


@dataclass(frozen=True)
class RepairOutcome:
    """What came of one finding: from where it was repaired, or why it was not."""

    finding: IntegrityFinding
    source: str | None
    reason: str = ""


def repair(settings: DvcSettings, findings: Iterable[IntegrityFinding]) -> list[RepairOutcome]:
    """Restore bad and missing objects of the cache, then files of the work tree.

    A copy is hashed while it is written beside its place, and put there only if it is good. What
    stands wrong on a remote is left: only a push may write there.
    """
    chosen = list(findings)
    remotes = [
        settings.remote(name) for name in sorted(settings.remotes, key=settings.default.__ne__)
    ]
    cache = settings.folder()
    stores: list[ObjectStore] = [cache, *remotes]
    objects = [f for f in chosen if f.where == cache.name]
    files = [f for f in chosen if f.where == "workspace"]
    mask = umask()
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda f: _object(cache, remotes, f, settings.root), objects))
        outcomes += pool.map(lambda f: _file(stores, f, settings.root, mask), files)
    rest = (f for f in chosen if f.where not in (cache.name, "workspace"))
    return outcomes + [RepairOutcome(f, None, _advice(f)) for f in rest]


def restore(sources: Sequence[ObjectSource], oid: str, target: Path, mode: int) -> str:
    """Write an object as a file from the first place that has it good; that place's name.

    Raises PlumblineError, naming what each place has instead, where none has; `target` is as before.
    """
    reasons = []
    for place in sources:
        try:
            with place.open(oid) as source, replacing(target) as beside:
                with beside.open("wb") as stream:
                    copied = hashing.copy(source, stream)
                if copied != oid.removesuffix(".dir"):
                    raise OSError(f"found {copied}")
                beside.chmod(mode)
            return place.name
        except (OSError, PlumblineError) as error:
            reasons.append(f"{place.name}: {getattr(error, 'strerror', None) or error}")
    raise PlumblineError(f"no good copy of {oid} ({'; '.join(reasons) or 'no remote to ask'})")


def _object(
    cache: FolderStore, remotes: Sequence[ObjectStore], finding: IntegrityFinding, root: Path
) -> RepairOutcome:
    own: list[ObjectSource] = [_WorkTree(root, finding.use)] if finding.use.rev is None else []
    target = Path(cache.locate(finding.use.oid))
    return _outcome([*remotes, *own], finding, target, CACHE_MODE)


def _file(
    stores: Sequence[ObjectSource], finding: IntegrityFinding, root: Path, mask: int
) -> RepairOutcome:
    use, target = finding.use, root / finding.use.path
    reason = _hindrance(finding, target, root)
    if reason:
        return RepairOutcome(finding, None, reason)
    if finding.kind == "bad" and use.out.file.endswith(".dvc"):
        aside = root / ASIDE / use.path
        aside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(target, aside)
    return _outcome(stores, finding, target, file_mode(use.out.executable, mask))


def _outcome(
    stores: Sequence[ObjectSource], finding: IntegrityFinding, target: Path, mode: int
) -> RepairOutcome:
    try:
        return RepairOutcome(finding, restore(stores, finding.use.oid, target, mode))
    except PlumblineError as error:
        return RepairOutcome(finding, None, str(error))


def _hindrance(finding: IntegrityFinding, target: Path, root: Path) -> str:
    if finding.kind == "extra":
        return "no run wrote it: remove it, or move it out of the folder"
    if not finding.use.out.cached:
        return f"git keeps it: `git checkout {finding.use.path}`, or `dvc repro`"
    if finding.use.oid.endswith(".dir"):
        return "its manifest is lost: `dvc repro` makes the folder again"
    if target.is_dir():
        return "a folder stands in its place: move it away"
    if not target.parent.resolve().is_relative_to(root.resolve()):
        return f"{target.parent} leads out of the project"
    return ""


def _advice(finding: IntegrityFinding) -> str:
    if finding.where == "git":
        return "the commit itself is wrong: `dvc repro` there, and commit what it writes"
    if finding.where == "source":
        return "restore it there, or accept it with `plumbline manifest --update`"
    if finding.where == "manifest":
        return "the entry is forged or damaged: `dvc repro` makes the folder again"
    if finding.kind == "missing":
        return "`dvc push` puts it there"
    return f"remove {finding.location} from {finding.where}, then `dvc push`"


@dataclass(frozen=True)
class _WorkTree:
    """The work tree as a place that may have one object good."""

    root: Path
    use: ObjectUse
    name: str = "workspace"

    @contextmanager
    def open(self, oid: str) -> Iterator[BinaryIO]:
        if oid.endswith(".dir"):
            yield io.BytesIO(manifest_bytes(dvc_hash.contents(self.root, self.use.out.path)))
            return
        with (self.root / self.use.path).open("rb") as stream:
            yield stream
