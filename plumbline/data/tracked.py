"""What the data stage reads is a dep of it, or pinned by its hash: else a change would go unnoticed.

`sources/<use case>/` is the stage's dep. A file anywhere else is none: DVC would find nothing to do
after it changed. Its SHA-256 in params.yaml pins it, and is a param of the stage.
"""

from __future__ import annotations

from pathlib import Path

from plumbline.core.errors import ParamsError
from plumbline.data.params import Data, EventTable, OutcomeTable

SQLITE = "sqlite:///"


def check(name: str, data: Data, source: Path) -> None:
    """ParamsError where the use case `name` reads a file outside of its folder `source` without a hash."""
    where = f"params.yaml, {name}."
    tables = {"data": data, "data.seed": data.seed} if data.seed else {"data": data}
    for key, table in tables.items():
        _check(where, key, table, table.source, source)
        if table.outcomes:
            kind = table.outcomes.source or table.source
            _check(where, f"{key}.outcomes", table.outcomes, kind, source)


def _check(where: str, key: str, table: EventTable | OutcomeTable, kind: str, source: Path) -> None:
    if kind in ("csv", "parquet") and table.path and not table.sha256:
        _inside(f"{where}{key}.path", table.path, source, f"give its {key}.sha256 as well")
    if kind == "sql" and (table.address or "").startswith(SQLITE):
        place = (table.address or "").removeprefix(SQLITE).split("?")[0]
        _inside(f"{where}{key}.address", place, source, "export it to a file")


def _inside(key: str, place: str, source: Path, otherwise: str) -> None:
    if not place or Path(place).resolve().is_relative_to(source.resolve()):
        return
    raise ParamsError(
        f"{key}: '{place}' is not in {source}/, which is what the data stage depends on: after a change "
        f"of the file `dvc repro` would find nothing to do. Move it to {source}/, or {otherwise}."
    )
