"""The manifest of a source that is read in place: path, size, hash and rows of each file, as text that git keeps.

A small file in `sources/<use case>/`, JSON with a line per file, or Parquet where there are very many. It is what
the data stage depends on: the files themselves stay where they are, and may be larger than any disk here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plumbline.core.errors import SourceError
from plumbline.core.files import replacing

FORMAT = 1
SUFFIXES = (".json", ".parquet")
HASH = re.compile(r"md5:[0-9a-f]{32}|etag:[!-~]{1,200}")
KEYS = ("path", "size", "hash", "rows", "version")
SHOWN = 5
"""Files that a message names."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as the manifest has it. `path`: below the root, with slashes. `hash`: `md5:` of its bytes, or S3's
    `etag:`. `version`: S3's version id, where the bucket keeps versions."""

    path: str
    size: int
    hash: str
    rows: int
    version: str = ""

    def record(self) -> dict[str, Any]:
        """Its keys in order, without an empty version."""
        return {key: value for key, value in asdict(self).items() if key != "version" or value}


def digest(files: Iterable[ListedFile]) -> str:
    """SHA-256 over path, size, hash and rows of all files: the identity of what is read."""
    lines = (f"{f.path}\0{f.size}\0{f.hash}\0{f.rows}\n" for f in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def write(path: Path, files: Iterable[ListedFile]) -> None:
    """The manifest, sorted by path, whole or not at all."""
    ordered = sorted(files, key=lambda f: f.path)
    with replacing(path) as beside:
        if path.suffix == ".parquet":
            _write_parquet(beside, ordered)
        else:
            beside.write_text(text(ordered), encoding="utf-8")


def text(files: Sequence[ListedFile]) -> str:
    """The JSON of a manifest: a line per file, so that git shows which changed.

    >>> print(text([ListedFile("a.csv", 3, "md5:" + "0" * 32, 1)]))
    {"format": 1, "files": [
    {"path": "a.csv", "size": 3, "hash": "md5:00000000000000000000000000000000", "rows": 1}
    ]}
    <BLANKLINE>
    """
    lines = ",\n".join(json.dumps(f.record(), ensure_ascii=False) for f in files)
    return f'{{"format": {FORMAT}, "files": [\n{lines}\n]}}\n'


def read(path: Path, remedy: str) -> dict[str, ListedFile]:
    """The files by path; SourceError, which ends with `remedy`, where it is no manifest."""
    try:
        return parse(path.read_bytes(), path.name)
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file; {remedy}") from None
    except (ValueError, OSError) as error:
        raise SourceError(f"{path}: not a manifest ({error}); {remedy}") from None


def parse(data: bytes, name: str) -> dict[str, ListedFile]:
    """The files by path out of a manifest's bytes; ValueError where they are none. `name`: of the file."""
    records = _parquet_records(data) if name.endswith(".parquet") else _json_records(data)
    files: dict[str, ListedFile] = {}
    for record in records:
        file = _file(record)
        if file.path in files:
            raise ValueError(f"'{file.path}' is listed twice")
        files[file.path] = file
    return dict(sorted(files.items()))


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are.

    >>> some(["a", "b"]), some(list("abcdefg"))
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _json_records(data: bytes) -> Iterable[Any]:
    try:
        document = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise ValueError(f'expected {{"format": {FORMAT}, "files": [...]}}')
    if set(document) != {"format", "files"} or not isinstance(document["files"], list):
        raise ValueError("expected the keys format and files, a list")
    return document["files"]


def _parquet_records(data: bytes) -> Iterable[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, Any]] = pq.read_table(pa.BufferReader(data)).to_pylist()
    except (pa.ArrowException, OSError):
        raise ValueError("expected Parquet") from None
    return rows


def _write_parquet(path: Path, files: Sequence[ListedFile]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"size": pa.int64(), "rows": pa.int64()}
    schema = pa.schema([(key, kinds.get(key, pa.string())) for key in KEYS])
    pq.write_table(pa.Table.from_pylist([asdict(f) for f in files], schema), path)


def _file(record: Any) -> ListedFile:
    """A file of the manifest; ValueError that names the key that is wrong."""
    if not isinstance(record, Mapping) or not set(KEYS[:4]) <= set(record) <= set(KEYS):
        raise ValueError(f"expected {', '.join(KEYS[:4])} of each file, found {str(record)[:80]}")
    file = ListedFile(**record)
    check_path(file.path)
    for key, value in (("size", file.size), ("rows", file.rows)):
        if type(value) is not int or value < 0:
            raise ValueError(f"{key} of '{file.path}': expected a count, found {value!r}")
    if not isinstance(file.hash, str) or not HASH.fullmatch(file.hash):
        raise ValueError(
            f"hash of '{file.path}': expected md5:... or etag:..., found {file.hash!r}"
        )
    if not isinstance(file.version, str):
        raise ValueError(f"version of '{file.path}': expected a text, found {file.version!r}")
    return file


def check_path(path: Any) -> None:
    """ValueError for what is no path below the root: absolute, with a part that leads elsewhere, or not printable."""
    parts = path.split("/") if isinstance(path, str) else []
    if not parts or not {"", ".", ".."}.isdisjoint(parts):
        raise ValueError(f"expected a path below the root, found {path!r}")
    if not path.isprintable():
        raise ValueError(f"expected a path of printable signs, found {path!r}")
