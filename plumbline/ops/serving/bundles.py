"""Bundles brought to a service: of the checkout, a commit, a folder or an archive, with golden events. An edge.

Golden events are evenly spread over the test window of the commit; their answers are what its stage
evaluate recorded. A bundle that no commit records is held to its own answers of today.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import dvc_hash
from plumbline.core.errors import BundleError, PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.evaluate.baselines import evenly
from plumbline.model import bundle, manifest, usecase_file
from plumbline.ops import packed_bundle
from plumbline.repo import artifacts, restored_outs, revisions
from plumbline.repo.artifacts import Role
from plumbline.repo.tracked_outs import Out
from plumbline.serve import scoring
from plumbline.serve.routes import arms
from plumbline.serve.routes.bundle_store import COMMIT, BundleStore, Golden

MOST = 200
"""Golden events."""
PREDICTIONS = "predictions.parquet"
PREFIX = re.compile(r"[0-9a-f]{6,32}(\.dir)?")


@dataclass(frozen=True)
class Sources:
    """A bundle's folder, the test table, the folder with the answers recorded for it, and the tiles where there are any."""

    model: Path
    test: Path
    report: Path
    tiles: Path | None = None


def bring(root: Path, usecase: FeatureSet, store: BundleStore, name: str | None) -> str:
    """Put a bundle into the store; its md5. PlumblineError where there is none of that name, or it is no good.

    `name`: a bundle's folder, a release's archive, an md5 of the store or its beginning, or a git revision;
    the checkout's bundle without one.
    """
    if name is None:
        return _put(usecase, store, _here(root, usecase.name), "the checkout")
    if PREFIX.fullmatch(name) and (md5 := store.find(name)):
        store.check(md5)
        return md5
    if Path(name).exists():
        return _unrecorded(root, usecase, store, Path(name))
    with _fetched(root, usecase.name, name) as sources:
        return _put(usecase, store, sources, name)


def _put(usecase: FeatureSet, store: BundleStore, sources: Sources, origin: str) -> str:
    own = _features(sources.model, usecase)
    golden = recorded(own, sources.test, sources.report / PREDICTIONS)
    return store.put(sources.model, golden, origin, COMMIT, sources.tiles)


def _features(model: Path, usecase: FeatureSet) -> FeatureSet:
    """What a bundle's test table holds: the checkout's features, or those that came with it; nothing is executed."""
    described, carried = bundle.described(model)
    if carried is None or manifest.definitions(usecase) == described.definitions:
        return usecase
    return usecase_file.stub(carried)


def recorded(usecase: FeatureSet, test: Path, predictions: Path) -> Golden:
    """Golden events out of a test table, and the answers recorded for them."""
    remedy = f"`dvc repro evaluate@{usecase.name}` and commit"
    events, answers = (_table(path, remedy) for path in (test, predictions))
    names = [n for n in answers.column_names if n in (scoring.SCORE, scoring.DECISION)]
    names += [n for n in answers.column_names if n.startswith("probability_")]
    key = usecase.key
    same = key in answers.column_names and answers.column(key).equals(events.column(key))
    if not same or not names:
        raise PlumblineError(f"{predictions}: not of {test}; {remedy}")
    rows = evenly(events.num_rows, MOST)
    return Golden(_raw(usecase, events).take(rows), answers.select(names).take(rows))


def _unrecorded(root: Path, usecase: FeatureSet, store: BundleStore, path: Path) -> str:
    """A folder's or an archive's bundle, held to what it answers now to events of the checkout's test table."""
    test = artifacts.path(usecase.name, Role.TEST_TABLE, root)
    table = _raw(usecase, _table(test, "run `dvc checkout`, or `dvc repro`"))
    events = table.take(evenly(table.num_rows, MOST))
    with packed_bundle.opened(path) as folder:
        if not (folder / "bundle.json").is_file():
            raise BundleError(f"{path}: no bundle.json in it; {packed_bundle.REMEDY}")
        if (md5 := store.find(dvc_hash.md5(folder))) and not store.problem(md5):
            return md5  # with a commit's record, perhaps
        answers = scoring.answers(arms.load(folder, usecase), events)
        kept = {n: v for n, v in answers.items() if n != scoring.ALARM}
        return store.put(folder, Golden(events, pa.table(kept)), str(path), "the bundle itself")


def _here(root: Path, name: str) -> Sources:
    roles = (Role.BUNDLE, Role.TEST_TABLE, Role.EVALUATE_REPORT, Role.TILES)
    model, test, report, tiles = (artifacts.path(name, role, root) for role in roles)
    sources = Sources(model, test, report, tiles if tiles.is_dir() else None)
    if not sources.model.is_dir():
        raise BundleError(f"{sources.model}: no such folder; run `dvc checkout`, or `dvc repro`")
    return sources


@contextmanager
def _fetched(root: Path, name: str, rev: str) -> Iterator[Sources]:
    """What a revision recorded, from DVC's cache or its default remote; each byte is hashed."""
    outs = revisions.outs(root, revisions.commit(root, rev))
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        tiles = artifacts.by_usecase(outs, Role.TILES).get(name)
        names = ("model", "test", "report", *(["tiles"] if tiles else []))
        sources = Sources(*(Path(folder) / n / name for n in names))
        if tiles and sources.tiles:
            restored_outs.restore(root, tiles, sources.tiles)
        restored_outs.restore(root, _out(outs, name, rev, Role.BUNDLE), sources.model)
        restored_outs.restore(root, _out(outs, name, rev, Role.TEST_TABLE), sources.test)
        report = _out(outs, name, rev, Role.EVALUATE_REPORT)
        restored_outs.restore(root, report, sources.report, only=PREDICTIONS)
        yield sources


def _out(outs: Sequence[Out], name: str, rev: str, role: Role) -> Out:
    out = artifacts.by_usecase(outs, role).get(name)
    if out is None:
        last = role.value[2].format(usecase=name)
        raise PlumblineError(
            f"{rev}: its dvc.lock has no {last} of {name}, which stage {role.stage} writes"
        )
    return out


def _raw(usecase: FeatureSet, table: Any) -> Any:
    """The known columns and the histories."""
    names = [*(c.name for c in usecase.known), *(f.name for f in usecase.aggregates)]
    return table.select(names)


def _table(path: Path, remedy: str) -> Any:
    try:
        return pq.read_table(path)
    except FileNotFoundError:
        raise PlumblineError(f"{path}: no such file; {remedy}") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise PlumblineError(f"{path}: not Parquet that can be read ({error}); {remedy}") from None
