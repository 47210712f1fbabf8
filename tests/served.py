"""A toy project whose features are served: three releases under git and DVC, their stages copies of files.

v1 has two features for a person and one for a place; v2 lacks one; v3 is a week later and knows one
person more. The use case is a package on disk, as rollback's own processes load it.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from plumbline.core import tables
from plumbline.core.usecase import UseCase
from plumbline.features import assemble, ibis_session, store
from tests.conftest import ROOT
from tests.project import Project

NAME = "visits"
TAGS = {"v1": date(2025, 3, 9), "v2": date(2025, 3, 9), "v3": date(2025, 3, 16)}
IDS = {"who_id": ["p0", "p1", "p2", "p3", "late", "nobody"], "place_id": [0, 1, 2, 3, 99, 7]}
CONTRACT = '''"""Visits."""

from plumbline.core.declarations import Column, Entity
from plumbline.core.usecase import Contract

CONTRACT = Contract(
    name="visits", title="Visits", owner="tests@example.com", problem="classification", key="number",
    time="at", label="bad", label_delay=2,
    entities=(Entity("who", "who_id", "a person"), Entity("place", "place_id", "a place")),
    columns=(
        Column("number", "int", "-", "key"), Column("at", "timestamp", "UTC", "when"),
        Column("who_id", "string", "-", "person"), Column("place_id", "int", "-", "place"),
        Column("cents", "int", "cents", "amount"), Column("bad", "int", "0/1", "label", known=False),
    ),
)
'''
FEATURES = '''"""Their features."""

from plumbline.core.declarations import Snapshot
from plumbline.core.usecase import FeatureSet

from .contract import CONTRACT

FEATURES = FeatureSet.of(
    CONTRACT,
    features=("cents", "who_count_3d"),
    snapshots=(
        Snapshot("who_count_3d", "who", "count", 3, "visits in three days"),
        Snapshot("who_mean_9d", "who", "mean", 9, "mean cents", "cents", default=-1.0),
        Snapshot("place_sum_9d", "place", "sum", 9, "cents in nine days", "cents"),
    ),
)
'''
MODEL = '''"""The use case."""

from plumbline.core.usecase import UseCase

from .features import FEATURES

USECASE = UseCase.of(FEATURES)
'''
DROPPED = (
    '        Snapshot("who_mean_9d", "who", "mean", 9, "mean cents", "cents", default=-1.0),\n'
)
GRAPH = """
stages:
  features:
    matrix: {usecase: "${usecases}"}
    cmd: mkdir -p data/${item.usecase} && cp -r source/snapshots data/${item.usecase}/snapshots
    deps: [source/snapshots]
    outs: ["data/${item.usecase}/snapshots"]
  train:
    matrix: {usecase: "${usecases}"}
    cmd: mkdir -p models && cp -r source/model models/${item.usecase}
    deps: [source/model]
    outs: ["models/${item.usecase}"]
"""


def make(path: Path) -> Project:
    """The project in `path`, at main, where the tag v3 is."""
    project = Project(path)
    _write(path, {"dvc.yaml": GRAPH, ".dvcignore": "__pycache__\n"})
    _write(path, {".gitignore": "__pycache__\n/data/\n/models/\n/.plumbline/\n*.db*\n"})
    shutil.copytree(ROOT / "feature_store", path / "feature_store", ignore=ignored)
    (path / "plumbline").symlink_to(ROOT / "plumbline")
    project.run("git", "init", "-q", "-b", "main")
    project.run("dvc", "init", "-q")
    for tag, day in TAGS.items():
        _release(path, tag, day)
        project.repro()
        project.commit(tag)
        project.run("git", "tag", tag)
    return project


ignored = shutil.ignore_patterns("*.db*")


def _release(path: Path, tag: str, day: date) -> None:
    """A release's use case, params, snapshots and model."""
    sections = ("validate", "tune", "train", "evaluate", "monitor")
    windows = {"warmup_days": 2, "valid_days": 2, "test_days": 2, "current_days": 2}
    section = {"data": {"source": "csv", "as_of": str(day)}, "features": windows}
    params = {"usecases": [NAME], "seed": 1, NAME: section | {key: {} for key in sections}}
    features = FEATURES.replace(DROPPED, "") if tag == "v2" else FEATURES
    package = f"usecases/{NAME}"
    _write(path, {"params.yaml": yaml.safe_dump(params), "source/model/model.txt": tag})
    _write(path, {f"{package}/__init__.py": '"""Visits."""\n', f"{package}/contract.py": CONTRACT})
    _write(path, {f"{package}/features.py": features, f"{package}/model.py": MODEL})
    _write(path, {"usecases/__init__.py": '"""Use cases."""\n'})
    shutil.rmtree(path / "source" / "snapshots", ignore_errors=True)
    _snapshots(load(path, tag), day, path / "source" / "snapshots")


def load(path: Path, tag: str) -> UseCase:
    """The use case as the work tree has it, under a module name of the tag's."""
    alias, folder = f"served_{tag}", path / "usecases" / NAME
    for name in [n for n in sys.modules if n.partition(".")[0] == alias]:
        del sys.modules[name]
    for part in ("", ".contract", ".features", ".model"):
        file = folder / f"{part[1:] or '__init__'}.py"
        spec = importlib.util.spec_from_file_location(alias + part, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[alias + part] = module
        spec.loader.exec_module(module)
    usecase: UseCase = module.USECASE
    return usecase


def _snapshots(usecase: UseCase, day: date, folder: Path) -> None:
    """Histories of a few persons and places up to a day."""
    start = datetime(2025, 3, 1, 10)
    rows = [(i, start + timedelta(i % 15), f"p{i % 4}", i % 4, 100 + i) for i in range(60)]
    rows += [(100, datetime(2025, 3, 14, 9), "late", 99, 7)]
    known = [row for row in rows if row[1].date() < day]
    late = [(row[0], row[1], row[1] + timedelta(2), 0) for row in known]
    folder.mkdir(parents=True)
    with ibis_session.connection(threads=1) as backend:
        names = ("number", "at", "who_id", "place_id", "cents")
        events = ibis_session.lend(backend, _arrow(usecase, names, known))
        outcomes = ibis_session.lend(
            backend, _arrow(usecase, ("number", "at", "known_at", "bad"), late)
        )
        events, outcomes = assemble.visible(backend, usecase, events, outcomes, day)
        assemble.write_snapshots(backend, usecase, events, outcomes, day, folder)


def _arrow(usecase: UseCase, names: tuple[str, ...], rows: list[tuple]) -> pa.Table:
    kinds = {c.name: tables.ARROW[c.type] for c in usecase.columns} | {
        "known_at": pa.timestamp("us")
    }
    columns = zip(*rows, strict=True)
    return pa.table({n: pa.array(v, kinds[n]) for n, v in zip(names, columns, strict=True)})


def fill(path: Path, tag: str, folder: Path) -> None:
    """Apply and materialize the work tree's use case in an embedded store."""
    usecase, snapshots = load(path, tag), (path / "source" / "snapshots").resolve()
    store.apply(usecase, folder, snapshots)
    store.materialize(usecase, TAGS[tag], folder)


def last_rows(path: Path, usecase: UseCase, day: date) -> dict[str, list[float]]:
    """The features of IDS on a day, read off the snapshots' files; defaults where an id is unknown."""
    result = {}
    for spec in usecase.snapshots:
        column = usecase.entity(spec.entity).column
        files = sorted((path / "source" / "snapshots").glob(f"{spec.entity}-*.parquet"))
        rows = [row for file in files for row in pq.read_table(file).to_pylist()]
        rows = [row for row in rows if row["day"] <= type(row["day"])(day.year, day.month, day.day)]
        known = {row[column]: row[spec.name] for row in sorted(rows, key=lambda row: row["day"])}
        result[spec.name] = [known.get(id_, spec.empty_value) for id_ in IDS[column]]
    return result


def _write(path: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
