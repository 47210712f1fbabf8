"""A small timed use case with a derived column, good rows of its source, and one call of the data stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.core.declarations import Column
from plumbline.core.usecase import UseCase
from stages import data

SALES = UseCase(
    name="sales",
    title="Sales",
    owner="tests@example.com",
    problem="classification",
    key="sale_id",
    time="sold_at",
    label="returned",
    label_delay=2,
    derive={"total_cents": "price_cents::BIGINT * pieces::BIGINT"},
    columns=(
        Column("sale_id", "int", "-", "key"),
        Column("sold_at", "timestamp", "UTC", "when"),
        Column("shop", "string", "-", "where"),
        Column("total_cents", "int", "cents", "price of all pieces"),
        Column("weight", "float", "kg", "weight", null=True),
        Column("promo", "bool", "-", "on offer", null=True),
        Column("returned", "int", "0/1", "brought back", known=False),
    ),
    features=("total_cents",),
)
HEADER = "sale_id,sold_at,shop,price_cents,pieces,weight,promo,returned"
ROWS = (
    "1,2025-01-03 10:00:00,north,250,2,1.5,true,0",
    "2,2025-01-30 23:59:59.999999,south,999,1,0.4,false,1",
    "3,2025-02-01 00:00:00,north,120,3,,,0",
    "4,2025-02-10 00:00:00,west,120,1,2.0,true,1",
)
AS_OF = "2025-02-11"


def write_csv(path: Path, *rows: str, header: str = HEADER) -> Path:
    """`rows` (the good ones by default) as a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *(rows or ROWS)]) + "\n", encoding="utf-8")
    return path


def prepare(
    patch: pytest.MonkeyPatch, folder: Path, settings: Mapping[str, Any], case: UseCase = SALES
) -> None:
    """Make `folder` the root of a project with this use case and `data` section."""
    stages = ("validate", "features", "tune", "train", "evaluate", "monitor")
    section = {"data": dict(settings), **{stage: {} for stage in stages}}
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"usecases": [case.name], "seed": 3, case.name: section}
    (folder / "params.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
    patch.chdir(folder)
    patch.setattr(data, "load_contract", lambda name: case)


def ingest(
    patch: pytest.MonkeyPatch, folder: Path, settings: Mapping[str, Any], case: UseCase = SALES
) -> Path:
    """Run the data stage there; the folder with `raw`, `served` and `data.json`."""
    prepare(patch, folder, settings, case)
    data.main(case.name, own(settings, case.name), Path("raw"), Path("served"), Path("data.json"))
    return folder


def own(settings: Mapping[str, Any], name: str) -> Path:
    """The folder that counts as the use case's source, so that the file to read lies in it."""
    if settings["source"] == "simulate":
        return Path("sources") / name
    return Path(str(settings.get("path") or "")).parent
