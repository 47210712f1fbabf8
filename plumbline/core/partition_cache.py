"""What a stage computed of one partition (a month, a file, a bucket), kept so that a later run need not compute it again.

An edge. An entry is a folder of files under a key: the md5 of what the partition reads, of the settings that it depends
on, and of the code. A file counts only as far as its bytes have the md5 that the entry says; an entry that is damaged
is removed and computed again. Nothing here is an out or a dependency: the same bytes come without it, which a clean
room, where PLUMBLINE_PARTITIONS is off, shows.

    kept = partition_cache.of_stage("validate", LIBRARIES)
    key = kept.key("month", hashing.md5_file(path), case, limits)
    kept.fill(key, folder, partial(compute, path))   # compute(empty folder) writes the partition's files
    kept.trim()
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import fields as fields_of
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import machine, python_version
from tempfile import TemporaryDirectory
from typing import Any

from plumbline.core import files, function_text, hashing
from plumbline.core.errors import PlumblineError

PARTITIONS = "PLUMBLINE_PARTITIONS"
"""Environment variable: `off`, or another folder to keep partitions in."""
FOLDER = Path(".plumbline/partitions")
"""Where they are kept, below the project's root."""
ROOT = "dvc.yaml"
"""The file that makes a folder a project: elsewhere nothing is kept."""
LIMIT = 20 * 10**9
"""Bytes that are kept, at most; those used longest ago go first. Never more than half of what the disk has left."""
KEY = re.compile("[0-9a-f]{32}")
"""The name of an entry: whatever else lies in the folder is not this module's."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)  # of the disk written to: no fault of the entry
VALUE = "value.json"
"""The file of an entry that is one JSON value."""
INDEX = "entry.json"
"""An entry's own file: the md5 of each other."""


@dataclass
class PartitionCache:
    """Entries below `folder`; None where none are kept. `code`: what every key depends on.

    `hits` and `misses` count what `fill` restored and computed.
    """

    folder: Path | None
    code: str = ""
    hits: int = 0
    misses: int = 0

    def key(self, *parts: Any) -> str:
        """The key of a partition: `parts` are its name, md5s of what it reads, declarations and settings.

        Raises TypeError for a part that has no one spelling, such as an open file.
        """
        return hashing.md5_bytes(json.dumps([self.code, _described(parts)]).encode())

    def fill(self, key: str, folder: Path, compute: Callable[[Path], None]) -> bool:
        """Put the partition's files into `folder`: whether they were kept, or else computed, and kept, by `compute`.

        `compute` writes files, and no folders, into the empty folder that it is given.
        """
        if self.restore(key, folder):
            self.hits += 1
            return True
        self.misses += 1
        with TemporaryDirectory(dir=folder, prefix=".partition-") as beside:
            compute(Path(beside))
            computed = sorted(Path(beside).iterdir())
            self.keep(key, computed)
            for path in computed:
                os.replace(path, folder / path.name)
        return False

    def read(self, key: str) -> Any:
        """The JSON value that `write` kept under the key; None where there is none."""
        if self.folder is None:
            return None
        entry = self._entry(key)
        try:
            found = _value(entry)
            os.utime(entry)
        except (OSError, ValueError) as error:
            if not isinstance(error, FileNotFoundError) or entry.exists():
                self.drop(key)
            self.misses += 1
            return None
        self.hits += 1
        return found

    def write(self, key: str, value: Any) -> Any:
        """Keep a JSON value under the key; the value as `read` gives it."""
        text = json.dumps(value)
        if self.folder is not None:
            with suppress(OSError), TemporaryDirectory() as scratch:
                (Path(scratch) / VALUE).write_text(text, encoding="utf-8")
                self.keep(key, [Path(scratch) / VALUE])
        return json.loads(text)

    def value(self, key: str, compute: Callable[[], Any]) -> Any:
        """The JSON value under the key: kept, or else computed, and kept."""
        kept = self.read(key)
        return self.write(key, compute()) if kept is None else kept

    def restore(self, key: str, folder: Path) -> bool:
        """Copy the entry's files into `folder`, whole and as they were kept; false, and nothing copied, where it cannot."""
        if self.folder is None:
            return False
        entry = self._entry(key)
        try:
            with TemporaryDirectory(dir=folder, prefix=".partition-") as beside:
                if not entry.is_dir():
                    return False
                listed = _copy(entry, Path(beside))
                for name in listed:
                    os.replace(Path(beside) / name, folder / name)
        except (OSError, ValueError) as error:
            if not (isinstance(error, OSError) and error.errno in NO_ROOM):
                self.drop(key)
            return False
        with suppress(OSError):  # a folder that only others may write to
            os.utime(entry)
        return True

    def has(self, key: str) -> bool:
        """Whether there is an entry under the key, which may be damaged."""
        return self.folder is not None and self._entry(key).is_dir()

    def keep(self, key: str, paths: Sequence[Path]) -> None:
        """Keep copies of files under the key. What cannot be kept, for want of space or permission, is left out."""
        if self.folder is None or self._entry(key).exists():
            return
        try:
            with files.replacing_folder(self._entry(key)) as entry:
                md5s = {path.name: _copied(path, entry / path.name) for path in paths}
                (entry / INDEX).write_text(json.dumps(md5s), encoding="utf-8")
        except OSError:
            return

    def drop(self, key: str) -> None:
        """Remove an entry."""
        shutil.rmtree(self._entry(key), ignore_errors=True)

    def trim(self, limit: int = LIMIT) -> None:
        """Remove entries, those used longest ago first, until at most `limit` bytes are kept; an OSError ends it early."""
        with suppress(OSError):
            self._trim(limit)

    def _trim(self, limit: int) -> None:
        if self.folder is None or not self.folder.is_dir():
            return
        sizes = {entry: _size(entry) for entry in _entries(self.folder)}
        total = sum(sizes.values())
        most = min(limit, (total + shutil.disk_usage(self.folder).free) // 2)
        _sweep(self.folder)
        for entry in sorted(sizes, key=_used):
            if total > most:
                shutil.rmtree(entry, ignore_errors=True)
                total -= sizes[entry]

    def _entry(self, key: str) -> Path:
        return (self.folder or Path()) / key[:2] / key


def of_stage(stage: str, libraries: Sequence[str] = ("duckdb", "pyarrow")) -> PartitionCache:
    """The partitions of a project, for the code of `plumbline/core` and `plumbline/<stage>`.

    `libraries`: distributions whose version can change what is computed. Raises PlumblineError for a variable that
    names no folder.
    """
    folder = place()
    return PartitionCache(folder, _code(stage, libraries) if folder else "")


def place() -> Path | None:
    """The folder of this project's partitions; None where none are to be kept."""
    wanted = os.environ.get(PARTITIONS, "").strip()
    if wanted.lower() == "off":
        return None
    if not wanted:
        return FOLDER if Path(ROOT).is_file() else None
    if not Path(wanted).is_absolute():
        raise PlumblineError(
            f"{PARTITIONS}: got {wanted!r}, expected 'off' or the absolute path of a folder; correct it, or unset it "
            f"for {FOLDER}"
        )
    return Path(wanted)


def size(folder: Path) -> int:
    """Bytes of all entries in a folder of partitions."""
    return sum(_size(entry) for entry in _entries(folder))


def clear(folder: Path) -> None:
    """Remove every entry of a folder of partitions, and what killed processes left there; nothing else."""
    for entry in _entries(folder):
        shutil.rmtree(entry, ignore_errors=True)
    _sweep(folder)
    for group in _groups(folder):
        with suppress(OSError):  # where something else lies
            group.rmdir()


def _code(stage: str, libraries: Sequence[str]) -> str:
    """The md5 of the sources of core and the stage, and of the versions of Python and the libraries."""
    package = Path(__file__).parent.parent
    sources = sorted(p for part in ("core", stage) for p in (package / part).rglob("*.py"))
    lines = [f"{p.relative_to(package).as_posix()} {hashing.md5_file(str(p))}" for p in sources]
    lines += [f"{name} {_version(name)}" for name in sorted(libraries)]
    return hashing.md5_bytes("\n".join([*lines, python_version(), machine()]).encode())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _described(value: Any) -> Any:
    """A value as JSON that differs wherever the value does: declarations by their fields, functions by their source."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return [type(value).__name__, repr(value)]
    if isinstance(value, Mapping):
        return ["map", [[_described(k), _described(v)] for k, v in value.items()]]
    if isinstance(value, (list, tuple)):
        return ["list", [_described(one) for one in value]]
    if isinstance(value, (set, frozenset)):
        return ["set", sorted((_described(one) for one in value), key=json.dumps)]
    if hasattr(type(value), "__dataclass_fields__"):
        return [
            _name(value),
            [[f.name, _described(getattr(value, f.name))] for f in fields_of(value)],
        ]
    if hasattr(value, "model_dump"):
        return [_name(value), _described(value.model_dump())]
    if hasattr(value, "isoformat") or isinstance(value, Path):
        return [_name(value), str(value)]
    return ["function", function_text.of(value)]


def _name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _copy(entry: Path, folder: Path) -> list[str]:
    """Copy an entry's files; their names. ValueError where one is not as it was kept."""
    listed = json.loads((entry / INDEX).read_text(encoding="utf-8"))
    if not isinstance(listed, dict) or any(Path(name).name != name for name in listed):
        raise ValueError("expected the md5 of each file")
    for name, md5 in listed.items():
        if _copied(entry / name, folder / name) != md5:
            raise ValueError(f"{name}: damaged")
    return list(listed)


def _value(entry: Path) -> Any:
    """The JSON value of an entry. ValueError where it is not as it was kept."""
    listed = json.loads((entry / INDEX).read_text(encoding="utf-8"))
    data = (entry / VALUE).read_bytes()
    if not isinstance(listed, dict) or listed.get(VALUE) != hashing.md5_bytes(data):
        raise ValueError(f"{VALUE}: damaged")
    return json.loads(data)


def _copied(source: Path, target: Path) -> str:
    """Copy a file; the md5 of the bytes that were copied."""
    with source.open("rb") as read, target.open("wb") as written:
        return hashing.copy(read, written)


def _groups(folder: Path) -> Iterator[Path]:
    """The folders of entries, by the first two digits of their keys: nothing else in the folder is touched."""
    digits = [f"{number:02x}" for number in range(256)]
    return (folder / name for name in digits if (folder / name).is_dir())


def _entries(folder: Path) -> list[Path]:
    found = (p for group in _groups(folder) for p in group.iterdir())
    return [p for p in found if KEY.fullmatch(p.name) and p.is_dir() and not p.is_symlink()]


def _sweep(folder: Path) -> None:
    """Remove what killed processes left."""
    for left in (p for group in _groups(folder) for p in group.glob(".*")):
        files.sweep(left.with_name(left.name[1:33]))


def _used(entry: Path) -> float:
    """When the entry was used last; 0 for one that is gone."""
    try:
        return entry.stat().st_mtime
    except OSError:
        return 0.0


def _size(entry: Path) -> int:
    try:
        return sum(p.stat().st_size for p in entry.iterdir())
    except OSError:
        return 0
