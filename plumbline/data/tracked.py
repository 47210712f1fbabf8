"""What the data stage reads is a dep of it, or pinned by its hash: else a change would go unnoticed.

`sources/<use case>/` is the stage's dep. A file anywhere else is none: DVC would find nothing to do
after it changed. Its SHA-256 in params.yaml pins it, and is a param of the stage. Many files are pinned by a
manifest, which lies in the folder.
"""

from __future__ import annotations

from pathlib import Path

from plumbline.core.errors import ParamsError
from plumbline.data import source_tables
from plumbline.data.environment import NAME
from plumbline.data.file_manifest import SUFFIXES
from plumbline.data.params import Data, EventTable, OutcomeTable
from plumbline.data.source_root import S3

SQLITE = "sqlite:///"
FILES = ("csv", "parquet")


def check(name: str, data: Data, source: Path) -> None:
    """ParamsError where the use case `name` reads a file outside of its folder `source` without a hash."""
    known: dict[str, str] = {}
    for one in source_tables.of(data):
        manifest = one.table.manifest
        if manifest and known.setdefault(manifest, one.key) != one.key:
            raise ParamsError(
                f"params.yaml, {name}.{one.key}.manifest: '{manifest}' is that of {known[manifest]}; expected one of its own"
            )
        _check(f"params.yaml, {name}.", one.key, one.table, one.kind, source)


def _check(where: str, key: str, table: EventTable | OutcomeTable, kind: str, source: Path) -> None:
    if table.manifest:
        _check_manifest(f"{where}{key}", table, kind, source)
    elif kind in FILES and _is_elsewhere(table.path or ""):
        raise ParamsError(
            f"{where}{key}.path: '{table.path}' is read by a manifest only; set {key}.manifest to {source}/NAME.json, and "
            f"write it with `plumbline manifest {source.name} --update`"
        )
    elif kind in FILES and table.path and not table.sha256:
        _inside(f"{where}{key}.path", table.path, source, f"give its {key}.sha256 as well")
    if kind == "sql" and (table.address or "").startswith(SQLITE):
        place = (table.address or "").removeprefix(SQLITE).split("?")[0]
        _inside(f"{where}{key}.address", place, source, "export it to a file")


def _check_manifest(where: str, table: EventTable | OutcomeTable, kind: str, source: Path) -> None:
    """ParamsError for a manifest that the data stage does not depend on, or beside keys that do not go with it."""
    place = Path(table.manifest or "")
    if kind not in FILES:
        raise ParamsError(
            f"{where}.manifest: goes with source csv or parquet, found {kind}; remove it"
        )
    if table.sha256:
        raise ParamsError(f"{where}.sha256: the manifest has a hash of each file; remove it")
    if not table.path or any(sign in table.path for sign in "*?["):
        raise ParamsError(
            f"{where}.path: got {table.path!r}, expected the folder or the s3:// prefix that {place} lists, without a pattern"
        )
    if place.suffix not in SUFFIXES or not place.resolve().is_relative_to(source.resolve()):
        raise ParamsError(
            f"{where}.manifest: got '{place}', expected {source}/NAME.json, or .parquet: that folder is what the data stage "
            "depends on"
        )
    if not _is_elsewhere(table.path) and place.resolve().is_relative_to(Path(table.path).resolve()):
        raise ParamsError(
            f"{where}.manifest: '{place}' lies in the folder that it lists ({table.path}); put the data into a folder of "
            "their own"
        )


def _is_elsewhere(path: str) -> bool:
    """Whether a path is an address in S3, or known on the machine only."""
    return path.startswith(S3) or bool(NAME.search(path))


def _inside(key: str, place: str, source: Path, otherwise: str) -> None:
    if not place or Path(place).resolve().is_relative_to(source.resolve()):
        return
    raise ParamsError(
        f"{key}: '{place}' is not in {source}/, which is what the data stage depends on: after a change "
        f"of the file `dvc repro` would find nothing to do. Move it to {source}/, or {otherwise}."
    )
