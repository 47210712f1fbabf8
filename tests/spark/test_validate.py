"""The validate stage on a Spark cluster: Great Expectations looks at the workers' frames, the outs are the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from plumbline.core.declarations import Column
from plumbline.validate.cluster_checker import ClusterChecker
from stages import validate
from tests.sales import SALES, ingest, write_csv

CHECKED = {
    "shop": Column("shop", "string", "-", "where", allowed=("north", "o'é", "😀"), null=True),
    "weight": Column("weight", "float", "kg", "weight", null=True, min=0.0, max=9.5),
    "total_cents": Column("total_cents", "int", "cents", "of all pieces", null=True, min=1),
}
CASE = replace(SALES, columns=tuple(CHECKED.get(c.name, c) for c in SALES.columns))
GOOD = [f"{n},2025-0{1 + n % 3}-0{1 + n % 9} 10:00:00,north,250,2,1.5,true,0" for n in range(90)]
BAD = (
    "101,2025-02-03 10:00:00,o'é,250,2,,,1",
    "102,2025-02-03 10:00:00,😀,250,2,9.5,,1",
    "103,2025-02-03 10:00:00,south,250,2,9.6,,1",
    "104,2025-03-03 10:00:00,,250,2,-0.5,true,1",
    "105,2025-03-04 10:00:00,north,0,2,1e300,true,0",
    "105,2025-03-04 10:00:00,north,-250,2,0,true,0",
    "106,2025-03-05 10:00:00,north,,2,0,true,0",
)


def outs(folder: Path) -> dict[str, bytes]:
    files = [f for f in folder.rglob("*") if f.is_file()]
    return {str(f.relative_to(folder)): f.read_bytes() for f in files}


def checked(folder: Path) -> dict[str, bytes]:
    """What the stage writes of the months that lie there."""
    Path("accepted.json").write_text("{}\n", encoding="utf-8")
    names = ("valid", "quarantine", "profile.json", "docs", "metrics.json")
    out = folder / "out"
    out.mkdir(parents=True)
    validate.main("sales", Path("raw"), Path("accepted.json"), *(out / n for n in names))
    return outs(out)


def test_the_same_bytes(tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """January has no bad row: the workers' frames tell; the other months are looked at again for examples."""
    write_csv(tmp_path / "a.csv", *GOOD, *BAD)
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": "a.csv", "as_of": "2025-04-01"}, CASE)
    whole = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    whole["sales"]["validate"] = {"max_quarantine": 0.2}
    Path("params.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
    monkeypatch.setattr(validate, "load_contract", lambda name: CASE)
    monkeypatch.setenv("PLUMBLINE_PARTITIONS", "off")
    looked = []
    run = ClusterChecker.run_queries
    monkeypatch.setattr(ClusterChecker, "run_queries", lambda *a: looked.append(a[4]) or run(*a))
    spark = checked(tmp_path / "spark")
    assert sum(looked) >= 2 * len(GOOD)
    monkeypatch.setenv("PLUMBLINE_ENGINE", "duckdb")
    assert checked(tmp_path / "duckdb") == spark
    aside = json.loads(spark["metrics.json"])["quarantined"]
    assert sum(aside["events"].values()) >= len(BAD) - 3
