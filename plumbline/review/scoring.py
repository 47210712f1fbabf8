"""Bundles and test tables of two runs, from DVC's cache, scored on one another's windows. An edge."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plumbline.config import UseCaseParams
from plumbline.core import dvc_hash, tables
from plumbline.core.declarations import Columns
from plumbline.core.errors import BundleError, PlumblineError, SpecError
from plumbline.core.hashing import md5_file
from plumbline.core.usecase import UseCase
from plumbline.evaluate import assessment
from plumbline.model import bundle
from plumbline.model.bundle import Bundle
from plumbline.repo import artifacts
from plumbline.repo.object_stores import FolderStore, read_object
from plumbline.review import paired
from plumbline.review.comparison_sections import (
    LostRows,
    NotComparable,
    PairedResult,
    SameModel,
    Windows,
)
from plumbline.review.paired import Noise, Scored
from plumbline.runtime.dvc_lock import Entries


@dataclass(frozen=True)
class Run:
    """What one revision left of a use case: its bundle and its test table."""

    scorer: Bundle
    columns: Columns


@dataclass(frozen=True)
class Criteria:
    """What both sides are judged by: base's use case and params."""

    usecase: UseCase
    params: UseCaseParams


@dataclass(frozen=True)
class Replicates:
    """Each side's bundles with other seeds."""

    head: Sequence[Bundle] = ()
    base: Sequence[Bundle] = ()


NO_REPLICATES = Replicates()


def compared(
    cache: FolderStore,
    criteria: Criteria,
    base: tuple[str, Entries],
    head: tuple[str, Entries],
    replicates: Replicates = NO_REPLICATES,
) -> Windows:
    """Base and head (each a name and its entries) on head's test window and on base's.

    Base's window is left out where it is head's. PlumblineError where an object is not in the cache. What
    cannot be compared says why.
    """
    if _same(criteria.usecase.name, base[1], head[1]):
        return Windows(head=SameModel(comparable=True, same=True))
    try:
        old, new = (run(cache, criteria.usecase.name, *one) for one in (base, head))
    except BundleError as error:
        return Windows(head=paired.refused(str(error)))
    name = criteria.usecase.name
    moved = artifacts.test_table(base[1], name) != artifacts.test_table(head[1], name)
    result = judged(criteria, old, new, replicates)
    if not moved:
        return Windows(head=result)
    on_base = _on(criteria, old, new, replicates, on_head=False)
    lost = lost_rows(criteria.usecase, old.columns, new.columns)
    return Windows(head=result, base=on_base, lost=lost)


def judged(
    criteria: Criteria, base: Run, head: Run, replicates: Replicates = NO_REPLICATES
) -> PairedResult | NotComparable:
    """Both runs on head's test window."""
    return _on(criteria, base, head, replicates, on_head=True)


def lost_rows(usecase: UseCase, base: Columns, head: Columns) -> LostRows | None:
    """Of base's test rows on the days of head's, those that head's table has not; None without a key.

    A table without time is held against the other as a whole.
    """
    if any(usecase.key not in table for table in (base, head)):
        return None
    keys = np.asarray(base[usecase.key])
    time = usecase.time
    if time and time in base and time in head and len(head[time]):
        day, days = (np.asarray(t[time]).astype("datetime64[D]") for t in (base, head))
        keys = keys[(day >= days.min()) & (day <= days.max())]
    kept = paired.common(keys, np.asarray(head[usecase.key]))[0]
    return LostRows(rows=len(keys) - len(kept), of=len(keys))


def _same(name: str, base: Entries, head: Entries) -> bool:
    sides = [(artifacts.bundle(own, name), artifacts.test_table(own, name)) for own in (base, head)]
    return sides[0] == sides[1] and None not in sides[0]


def run(cache: FolderStore, usecase: str, name: str, entries: Entries) -> Run:
    """A revision's bundle and test table of a use case; BundleError where its dvc.lock has none."""
    model = artifacts.bundle(entries, usecase)
    table = artifacts.test_table(entries, usecase)
    if model is None or table is None:
        raise BundleError(f"{name}: dvc.lock has no model or no test table of this use case")
    path = object_file(cache, name, *table)
    with _folder(cache, name, *model) as folder:
        return Run(bundle.load(folder, usecase), tables.read(path))


def _on(
    criteria: Criteria,
    base: Run,
    head: Run,
    replicates: Replicates = NO_REPLICATES,
    *,
    on_head: bool,
) -> PairedResult | NotComparable:
    """Both models on the window of head's test table, or of base's."""
    try:
        _check_task(base.scorer, head.scorer)
        old, new = _columns(criteria.usecase, base, head, on_head=on_head)
        table = new if on_head else old
        _check_columns(criteria, table)
        readable = assessment.raw(criteria.usecase, table)
        window = assessment.window(
            criteria.usecase, criteria.params.evaluation, table, head.scorer.threshold
        )
        before, after = _scored(base.scorer, old), _scored(head.scorer, new)
        seeds = [_scored(one, new) for one in replicates.head]
        of_base = [_scored(one, old) for one in replicates.base]
    except (SpecError, BundleError) as error:
        return paired.refused(str(error))
    groups = paired.groups(criteria.usecase, readable)
    noise = Noise(criteria.params.gate.margin, seeds, of_base)
    return paired.compared(window, before, after, groups, noise)


def _scored(scorer: Bundle, columns: Columns) -> Scored:
    return Scored(scorer.predict(columns), scorer.threshold)


def _columns(usecase: UseCase, base: Run, head: Run, *, on_head: bool) -> tuple[Columns, Columns]:
    """Each model's columns for one window: one table, or, where features differ, each its own table's
    rows, as far as both have them. BundleError where too few rows are in both.
    """
    own, other = (head.columns, base.columns) if on_head else (base.columns, head.columns)
    if base.scorer.manifest.definitions == head.scorer.manifest.definitions:
        return own, own
    if usecase.key not in own or usecase.key not in other:
        raise BundleError(f"the features were redefined, and a table has no key '{usecase.key}'")
    rows, theirs = paired.common(own[usecase.key], other[usecase.key])
    if len(rows) < paired.MIN_SHARED * len(own[usecase.key]):
        raise BundleError(
            f"the features were redefined, and of the window's {len(own[usecase.key]):,} rows only "
            f"{len(rows):,} are in both test tables; compare at the same as-of date"
        )
    pair = paired.take(own, rows), paired.take(other, theirs)
    return (pair[1], pair[0]) if on_head else pair


def _check_task(base: Bundle, head: Bundle) -> None:
    sides = [(b.problem, b.manifest.label) for b in (base, head)]
    if sides[0] == sides[1] and base.classes != head.classes:
        names = [", ".join(map(str, b.classes)) for b in (base, head)]
        raise BundleError(f"base answers for the classes {names[0]}, head for {names[1]}")
    if sides[0] != sides[1]:
        raise BundleError(f"base predicts {' of '.join(sides[0])}, head {' of '.join(sides[1])}")


def _check_columns(criteria: Criteria, table: Columns) -> None:
    """SpecError where module or costs, as they are now, read columns that a table has not."""
    usecase, costs = criteria.usecase, criteria.params.train.costs
    decoded = [c.name for c in usecase.categories if c.name == c.column]
    needed = [
        usecase.key,
        usecase.label,
        *decoded,
        *(costs.columns if costs else []),
        *([usecase.time] if usecase.time else []),
    ]
    lacking = [name for name in needed if name not in table]
    if lacking:
        raise SpecError(
            f"the test table has no column {', '.join(lacking)}, which usecases/{usecase.name}/features.py "
            "names: it is of another version"
        )


def object_file(cache: FolderStore, name: str, path: str, oid: str) -> Path:
    """The object's file in the cache, its bytes checked."""
    file = cache.locate(oid)
    try:
        good = md5_file(file) == oid
    except OSError:
        good = False
    if not good:
        raise _missing(cache, name, path, oid)
    return Path(file)


@contextmanager
def _folder(cache: FolderStore, name: str, path: str, oid: str) -> Iterator[Path]:
    """A folder's files, laid out in a place of their own until the block ends."""
    listing = read_object(cache, oid)
    if listing is None:
        raise _missing(cache, name, path, oid)
    with tempfile.TemporaryDirectory(prefix="plumbline-") as built:
        for inner, md5 in dvc_hash.manifest(listing).items():
            data = read_object(cache, md5)
            if data is None:
                raise _missing(cache, name, f"{path}/{inner}", md5)
            target = Path(built) / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        yield Path(built)


def _missing(cache: FolderStore, name: str, path: str, oid: str) -> PlumblineError:
    return PlumblineError(
        f"{path} of {name}: object {oid} is not in the cache, or is damaged ({cache.locate(oid)}); "
        f"run `dvc fetch` with {name} checked out (or `dvc fetch --all-commits`), then compare again"
    )
