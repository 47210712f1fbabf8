"""Every file of the outputs searched for what is personal: text as it is, Parquet column by column."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from plumbline.core.sql import quote
from plumbline.studies.privacy import patterns
from plumbline.studies.privacy.patterns import PersonalData

SKIPPED = {".png", ".ubj"}
"""Pictures and trees: no text."""
DRAWN = re.compile(r'\bd="[^"]*"')
"""The strokes of a picture inside a page: rows of numbers, no text."""
LICENCE = re.compile(r"/\*!.*?\*/", re.DOTALL)
"""The notice that a library inside a page must carry: it names the library's authors."""
COPY = Path("tool") / "plumbline"
"""The library, copied into a rollback's folder."""
DIGITS = 10**12
"""A whole number below it is too short for a card's."""


def outputs(folders: Iterable[Path]) -> Iterator[Path]:
    """The folders that are there; of a rollback's all but its copy of the library."""
    for folder in folders:
        inside = sorted(folder.iterdir()) if (folder / COPY).is_dir() else [folder]
        yield from (path for path in inside if path.exists() and path != folder / COPY.parent)


def search(
    paths: Iterable[Path], allowed: Collection[str] = ()
) -> Iterator[tuple[Path, PersonalData]]:
    """What is personal in the files, and those under the folders, each thing once a file."""
    for path in paths:
        for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
            if file.suffix not in SKIPPED:
                for result in sorted(set(_file(file, allowed)), key=lambda f: (f.kind, f.shown)):
                    yield file, result


def _file(path: Path, allowed: Collection[str]) -> Iterator[PersonalData]:
    if path.suffix == ".parquet":
        yield from _table(path, allowed)
    else:
        text = path.read_bytes().decode("utf-8", errors="replace")
        yield from patterns.find(LICENCE.sub("", DRAWN.sub("", text)), allowed)


def _table(path: Path, allowed: Collection[str]) -> Iterator[PersonalData]:
    """The columns' names, the different texts, and whole numbers as long as a card's."""
    import duckdb

    with duckdb.connect() as connection:
        source = f"read_parquet('{str(path).replace(chr(39), chr(39) * 2)}')"
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        yield from patterns.columns([row[0] for row in described])
        for name, kind, *_ in described:
            column = quote(name)
            if kind == "VARCHAR":
                where = f"{column} IS NOT NULL"
            elif kind in ("BIGINT", "UBIGINT", "HUGEINT"):
                where = f"{column} >= {DIGITS}"
            else:
                continue
            statement = f"SELECT DISTINCT CAST({column} AS VARCHAR) FROM {source} WHERE {where}"
            for (value,) in connection.execute(statement).fetchall():
                yield from patterns.find(value, allowed)
