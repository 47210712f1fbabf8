"""Features on a Spark cluster: the bytes of every out are those of DuckDB."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bench.spark_cluster import Cluster
from plumbline.core import documents
from plumbline.core.usecase import UseCase
from plumbline.features import assemble, ibis_session, spark_tables
from plumbline.features.params import Features
from tests.code.test_batch import many
from tests.small import AS_OF, SMALL, write

PARAMS = Features(warmup_days=2, valid_days=3, test_days=4, current_days=3)


def outs(usecase: UseCase, valid: Path, folder: Path, as_of: date) -> dict[str, bytes]:
    """All files that the stage writes, by name."""
    places = [folder / name for name in ("snapshots", "tables", "tiles")]
    for place in places:
        place.mkdir(parents=True)
    with ibis_session.connection() as backend:
        report = assemble.timed(backend, usecase, PARAMS, as_of, valid, *places)
    documents.write(folder / "features.json", report)
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


WHO = (
    "",
    " ",
    "'",
    '"',
    "`;--",
    "a,b\n",
    "\\N",
    "NULL",
    "007",
    "7",
    "-0",
    "Z",
    "a",
    "é",
    "e\u0301",
    "😀",
    "\ufeff",
    "%_*?[x]",
    "x" * 5_000,
    "x" * 4_999 + "y",
)
PLACES = (0, -1, 7, 2**53 + 1, 2**63 - 1, -(2**63), None)


def odd() -> list[dict[str, object]]:
    """The rows of `many` with ids that engines could read, order or print each in their own way."""
    rows = many()
    who = {value: WHO[i % len(WHO)] for i, value in enumerate(sorted({r["who_id"] for r in rows}))}
    return [
        {**row, "who_id": who[row["who_id"]], "place_id": PLACES[i % len(PLACES)]}
        for i, row in enumerate(rows)
    ]


def test_the_same_bytes_although_a_worker_is_killed(
    tmp_path: Path, cluster: Cluster, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    valid = write(odd(), tmp_path / "valid")
    written, folders = spark_tables._written, []

    def disturbed(backend: Any, frame: Any) -> Path:
        if len(folders) == 5:
            cluster.kill_worker(0)
        folders.append(written(backend, frame))
        return folders[-1]

    monkeypatch.setattr(spark_tables, "_written", disturbed)
    spark = outs(SMALL, valid, tmp_path / "spark", AS_OF)
    assert len(folders) > 10
    cluster.start_worker()
    monkeypatch.setenv("PLUMBLINE_ENGINE", "duckdb")
    duckdb = outs(SMALL, valid, tmp_path / "duckdb", AS_OF)
    assert sorted(spark) == sorted(duckdb)
    assert [name for name in duckdb if spark[name] != duckdb[name]] == []
