"""The bytes that a Spark cluster's stages write beside those of DuckDB, for both shipped use cases and odd ids.

`python -m bench.spark_bytes` starts a master and two workers of one core on this machine. It runs data, validate and
features of card_fraud with the shipped params, and of flights where its table is at hand (sources/flights/README.md);
data again from folders and manifests of Parquet and CSV files; and features of a table with twenty odd ids. A line for
each says in how many of its files the bytes are the same, and whether workers took part. `--events 20000` takes a
smaller year of card_fraud, `--only flights` one case.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from bench import spark_cluster, spark_stages
from bench.large import worlds
from bench.spark_cluster import Cluster
from plumbline.core.sql import literal
from tests import project
from tests.conftest import ROOT
from tests.spark import test_features as odd

ALL = ("data", "validate", "features")
FLIGHTS = ("sources/flights/nycflights.csv", "../shared/data/nycflights.csv")
"""Where the table may lie."""
LINE = "{:<44}{:<10}{:>11}  {}"
FLIGHTS_DATES = {"as_of": "2014-01-01"}
START = {"start": "2024-10-01", "as_of": "2025-07-01"}


@dataclass(frozen=True)
class Case:
    """`name`: what is compared; `data`: the section of params.yaml; `files`: what lies among the sources."""

    name: str
    usecase: str
    data: Mapping[str, Any]
    stages: Sequence[str] = ("data",)
    files: Path | None = None


def main() -> int:
    """1 where a file differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, help="of card_fraud, about; as shipped without")
    parser.add_argument("--only", help="cases whose name has this in it")
    parser.add_argument("--flights", type=Path, help="nycflights.csv")
    chosen = parser.parse_args()
    print(LINE.format("case", "stage", "same files", ""))
    with tempfile.TemporaryDirectory(prefix="plumbline-spark-") as name:
        folder = Path(name)
        cases = [c for c in _cases(folder, chosen) if (chosen.only or "") in c.name]
        with spark_cluster.cluster(folder / "cluster") as cluster:
            good = [_compared(folder, case, cluster) for case in cases]
            if (chosen.only or "") in "odd ids":
                good.append(_odd(folder, cluster))
    return int(not all(good))


def _cases(folder: Path, chosen: argparse.Namespace) -> Iterator[Case]:
    """The sources are written as the cases are made."""
    sizes = {"customers": worlds.customers(chosen.events, 9)} if chosen.events else {}
    simulated = {"source": "simulate", **START, "simulate": sizes}
    yield Case("card_fraud, its simulator", "card_fraud", simulated, ALL)
    worlds.write(folder / "parquet", chosen.events or 100_000, 4, spark_stages.SEED)
    for file in (folder / "parquet").iterdir():
        _csv(str(file), "", folder / "csv" / f"{file.stem}.csv")
    dates = {"start": "2025-01-01", "as_of": "2025-05-01"}
    yield from _folders("card_fraud", folder, dates, ("parquet", "csv"))
    table = chosen.flights or next((ROOT / p for p in FLIGHTS if (ROOT / p).exists()), None)
    if table is None:
        print("flights: not compared; give its table by --flights", file=sys.stderr)
        return
    data = {"source": "csv", "path": _inside("flights", table), **FLIGHTS_DATES}
    yield Case("flights, its CSV file", "flights", data, ALL, table)
    for first in range(1, 13, 3):
        months = f"WHERE month::INTEGER BETWEEN {first} AND {first + 2}"
        _csv(str(table), months, folder / "flights" / f"from-{first:02}.csv")
    yield from _folders("flights", folder, FLIGHTS_DATES, ("flights",))


def _inside(usecase: str, files: Path) -> str:
    return f"sources/{usecase}/{files.name}"


def _folders(
    usecase: str, folder: Path, dates: Mapping[str, str], names: Sequence[str]
) -> Iterator[Case]:
    """Each folder as it is, and by a manifest."""
    for name in names:
        kind = "parquet" if name == "parquet" else "csv"
        files = folder / name
        data = {"source": kind, "path": _inside(usecase, files), **dates}
        yield Case(f"{usecase}, a folder of {kind}", usecase, data, files=files)
        by = {**data, "manifest": f"sources/{usecase}/files.json"}
        yield Case(f"{usecase}, a manifest of {kind}", usecase, by, files=files)


def _csv(table: str, where: str, path: Path) -> None:
    """Rows of a table as text, every field as it stands there."""
    path.parent.mkdir(exist_ok=True)
    source = f"read_csv({literal(table)}, all_varchar=true)" if where else literal(table)
    duckdb.execute(f"COPY (SELECT * FROM {source} {where}) TO {literal(str(path))} (HEADER)")


def _compared(folder: Path, case: Case, cluster: Cluster) -> bool:
    """Run the case's stages by both engines in a copy of the project; print a line for each."""
    copy = _copy(folder / "project", case)
    scratch = folder / "scratch"
    engines = {"duckdb": {"PLUMBLINE_ENGINE": "duckdb"}, "spark": cluster.environment()}
    good = True
    for stage in case.stages:
        written = {}
        for name, engine in engines.items():
            before = cluster.cpu()
            used = spark_stages.run(copy.path, stage, scratch, engine, case.usecase)
            written[name] = spark_stages.outs(copy.path, stage, case.usecase)
            spent = cluster.cpu() - before
        note = f"{used.wall:.0f} s, workers {spent:.0f} s of CPU"
        good &= _print(case.name, stage, written["duckdb"], written["spark"], note)
    shutil.rmtree(copy.path)
    return good


def _copy(folder: Path, case: Case) -> project.Project:
    """The project with the shipped params, but for the source; the manifest is written, where it has one."""
    folder.mkdir()
    copy = project.make(folder, [case.usecase])
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))[case.usecase]
    copy.set({case.usecase: {**shipped, "data": dict(case.data)}})
    if case.files is not None:
        place = copy.path / case.data["path"]
        put = shutil.copytree if case.files.is_dir() else shutil.copy
        put(case.files, place)
    if "manifest" in case.data:
        copy.run(sys.executable, "-m", "plumbline", "manifest", case.usecase, "--update")
    return copy


def _odd(folder: Path, cluster: Cluster) -> bool:
    """The features of a small table whose ids engines could read, order or print each in their own way."""
    valid = odd.write(odd.odd(), folder / "valid")
    written = {}
    for name, engine in (
        ("duckdb", {"PLUMBLINE_ENGINE": "duckdb"}),
        ("spark", cluster.environment()),
    ):
        with _variables(engine):
            written[name] = odd.outs(odd.SMALL, valid, folder / name, odd.AS_OF)
    return _print("20 odd ids", "features", written["duckdb"], written["spark"], "")


@contextmanager
def _variables(given: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _print(
    case: str, stage: str, one: Mapping[str, Any], other: Mapping[str, Any], note: str
) -> bool:
    names = {*one, *other}
    differing = sorted(n for n in names if one.get(n) != other.get(n))
    verdict = f"differ: {', '.join(differing[:3])}" if differing else note
    same = f"{len(names) - len(differing)} of {len(names)}"
    print(LINE.format(case, stage, same, verdict), flush=True)
    return not differing


if __name__ == "__main__":
    raise SystemExit(main())
