"""The baseline of a comparison, brought into the cache: fetched, or computed in a clone. An edge."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from plumbline.core import dvc_hash, partition_cache
from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing
from plumbline.repo import (
    artifacts,
    clean_room,
    clones,
    dvc_command,
    environment_files,
    object_stores,
    reproduce,
)
from plumbline.repo.dvc_command import Done
from plumbline.repo.object_stores import FolderStore, read_object
from plumbline.review import lockcheck, revision
from plumbline.review.revision import LOCK, Revision
from plumbline.runtime import dvc_lock, libraries, run_records

log = logging.getLogger("plumbline")
Wanted = Mapping[str, str]
"""By path, the md5s of models and tables."""


def bring(root: Path, rev: str) -> Iterator[str]:
    """Fetch what `compare` reads of a revision and of the last release, or run them; says how.

    PlumblineError where neither gives the bytes that its dvc.lock names.
    """
    others = [revision.side(root, rev), revision.release(root, revision.side(root, None))]
    cache = object_stores.settings(root).folder()
    for side in filter(None, others):
        wanted = needed(side)
        if not missing(cache, wanted):
            yield f"{side.name}: {len(wanted)} objects are in the cache"
            continue
        with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
            how = _get(root, side, cache, Path(folder))
        yield f"{side.name}: {len(wanted)} objects {how}"


def start_from(root: Path, rev: str) -> str:
    """Put a revision's dvc.lock in place, without the stages that head does not have any more."""
    there = revision.side(root, rev)
    text = there.texts[LOCK]
    kept = lockcheck.declared(revision.side(root, None).texts)
    entries = {name: entry for name, entry in there.entries.items() if name in kept}
    if entries.keys() != dvc_lock.parse(text).keys():
        text = dvc_lock.dump(entries)
    with replacing(root / LOCK) as beside:
        beside.write_text(text, encoding="utf-8")
    return f"{LOCK}: {rev}'s, {len(entries)} stages"


def needed(side: Revision) -> dict[str, str]:
    """What `compare` reads of every use case of a side: model, test table, current table."""
    reads = (artifacts.bundle, artifacts.test_table, artifacts.current_table)
    names = sorted(dvc_lock.usecases(side.entries))
    pairs = [read(dvc_lock.of(side.entries, name), name) for name in names for read in reads]
    return dict(pair for pair in pairs if pair is not None)


def missing(cache: FolderStore, wanted: Wanted) -> list[str]:
    """The paths whose object, or one of its files, is not in the cache with the right bytes."""
    return sorted(path for path, oid in wanted.items() if not _whole(cache, oid))


def _whole(cache: FolderStore, oid: str) -> bool:
    data = read_object(cache, oid)
    if data is None or not oid.endswith(".dir"):
        return data is not None
    inner = dvc_hash.manifest(data).values()
    return all(read_object(cache, md5) is not None for md5 in inner)


def _get(root: Path, side: Revision, cache: FolderStore, folder: Path) -> str:
    """In a clone at the revision, with this project's cache and remote: fetch, else run."""
    settings = object_stores.settings(root)
    clone = clones.clone(root, side.commit, folder / "clone", cache=settings.cache.absolute())
    wanted = needed(side)
    fetched = _dvc(clone, "fetch", *wanted)
    if not missing(cache, wanted):
        return "fetched"
    reason = (fetched.errors or ["no remote has all of it"])[0]
    log.info("baseline: %s is run here: %s", side.name, reason)
    pull = [] if fetched.code else ["--pull"]  # one that cannot be read at all would fail the run
    ran = _dvc(clone, "repro", *pull, "--no-run-cache", python=_python(clone, folder))
    for name in sorted(dvc_lock.usecases(side.entries)):
        run_records.adopt(name, clone, root)  # its seconds and memory, on this machine
    lacking = missing(cache, wanted)
    if lacking:
        raise PlumblineError(
            f"{side.name}: {', '.join(lacking)}: no remote has the bytes that its dvc.lock names, "
            "and running it did not give them:\n" + "\n".join(ran.lines[-reproduce.LAST_LINES :])
        )
    return "computed here"


def _python(clone: Path, folder: Path) -> Path:
    """This Python, or, where the revision's stages name other libraries, a new one with what it locks."""
    differing = environment_files.differing(clone)
    if not differing:
        return Path(sys.executable)
    log.info("baseline: its libraries are others: %s", libraries.some(differing))
    return clean_room.python(clone, folder)


def _dvc(clone: Path, *words: str, python: Path | None = None) -> Done:
    """A DVC command in the clone, with its own code, that nothing of it goes to MLflow."""
    python = python or Path(sys.executable)
    env = {
        "PYTHONPATH": str(clone),
        "MLFLOW_TRACKING_URI": "off",
        partition_cache.PARTITIONS: "off",
    }
    return dvc_command.run_with(python, clone, {**dvc_command.environment(python), **env}, words)
