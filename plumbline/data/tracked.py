"""What the data stage reads is a dep of it, or pinned by its hash: else a change would go unnoticed.

`sources/<use case>/` is the stage's dep. A file anywhere else is none: DVC would find nothing to do
after it changed. Its SHA-256 in params.yaml pins it, and is a param of the stage.
"""

from __future__ import annotations

from pathlib import Path

from plumbline.core.errors import ParamsError
from plumbline.data.params import Data

SQLITE = "sqlite:///"


def check(name: str, data: Data, source: Path) -> None:
    """ParamsError where the use case `name` reads a file outside of its folder `source` without a hash."""
    if data.source in ("csv", "parquet") and data.path and not data.sha256:
        _inside(f"params.yaml, {name}.data.path", data.path, source, "give its data.sha256 as well")
    if data.source == "sql" and (data.address or "").startswith(SQLITE):
        place = (data.address or "").removeprefix(SQLITE).split("?")[0]
        _inside(f"params.yaml, {name}.data.address", place, source, "export it to a file")


def _inside(key: str, place: str, source: Path, otherwise: str) -> None:
    if not place or Path(place).resolve().is_relative_to(source.resolve()):
        return
    raise ParamsError(
        f"{key}: '{place}' is not in {source}/, which is what the data stage depends on: after a change "
        f"of the file `dvc repro` would find nothing to do. Move it to {source}/, or {otherwise}."
    )
