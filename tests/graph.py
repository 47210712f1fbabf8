"""The stages in one process over a small table that stands in a test, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from plumbline.core.declarations import Column
from plumbline.core.usecase import UseCase
from tests import in_memory

STAGES = ("data", "validate", "features", "tune", "train", "evaluate", "monitor")
ID = Column("id", "int", "-", "number of the row")
SIZE = Column("size", "float", "m", "how large it is", null=True)
ANSWER = Column("answer", "float", "-", "what is predicted", known=False)
PLAIN = UseCase(
    name="toy",
    title="A toy",
    owner="tests@example.com",
    problem="regression",
    key="id",
    label="answer",
    columns=(ID, SIZE, ANSWER),
    features=("size",),
)
AT = Column("at", "timestamp", "UTC", "when it happened")
TIMED = replace(PLAIN, columns=(ID, AT, SIZE, ANSWER), time="at", label_delay=1)
QUICK: Mapping[str, Any] = {
    "validate": {"max_quarantine": 0.9},
    "features": {"join": "direct"},
    "tune": {"max_evals": 0, "rounds": 5},
    "train": {"rounds": 5},
    "evaluate": {"bootstrap": 20},
    "monitor": {},
}


@dataclass(frozen=True)
class Graph:
    """A folder with a use case and its source; `run` runs stages as `dvc.yaml` calls them."""

    folder: Path
    usecase: UseCase
    params: dict[str, Any] = field(default_factory=dict)

    def run(self, *stages: str) -> Graph:
        """Run these stages; each reads what the ones before wrote."""
        sections = {**QUICK, **self.params}
        sections["data"] = {"source": "csv", "path": "sources/toy/t.csv"} | self.params.get(
            "data", {}
        )
        whole = {"usecases": ["toy"], "seed": 1, "toy": sections}
        Path("params.yaml").write_text(yaml.safe_dump(whole))
        graph = yaml.safe_load(Path(__file__).parents[1].joinpath("dvc.yaml").read_text())["stages"]
        for stage in stages:
            _, _, _, *arguments = graph[stage]["cmd"].replace("${item.usecase}", "toy").split()
            name, *paths = arguments
            import_module(f"stages.{stage}").main(name, *map(Path, paths))
        return self

    def rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """The rows of files in `data/toy`, "valid/events" say."""
        query = f"SELECT {columns} FROM read_parquet('data/toy/{table}*.parquet')"
        return duckdb.execute(query).fetchall()


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Graph]:
    """Build a `Graph` of a use case and its source: lines of CSV, or a query that DuckDB writes as Parquet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "off")

    def build(source: str | Iterable[str], usecase: UseCase = PLAIN, **params: Any) -> Graph:
        for name in ("sources/toy", "profiles"):
            Path(name).mkdir(parents=True, exist_ok=True)
        Path("profiles/toy.json").write_text("{}")
        Path("profiles/toy.history.csv").touch()
        in_memory.install(usecase, partial(monkeypatch.setitem, sys.modules), "toy")
        if isinstance(source, str):
            duckdb.execute(f"COPY ({source}) TO 'sources/toy/t.parquet'")
            data = {"source": "parquet", "path": "sources/toy/t.parquet"} | params.get("data", {})
            params = {**params, "data": data}
        else:
            Path("sources/toy/t.csv").write_text("\n".join(source) + "\n")
        return Graph(tmp_path, usecase, params)

    return build
