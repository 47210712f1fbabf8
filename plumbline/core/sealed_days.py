"""Sealed days: what was served on a UTC day, as Parquet files and one pointer, `DAY.dvc`, which git keeps.

The pointer is a file of DVC's, so that `dvc push`, `pull` and `gc` know the bytes. Under `meta` it says what DVC does not:
the rows, the SHA-256 of each file, and the SHA-256 of the day before's statement. DVC writes the md5 of a changed file into
a pointer without a question; the statement does not change with it. An edge: reads files.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Literal, get_args

import yaml

from plumbline.core import documents
from plumbline.core.documents import Document
from plumbline.core.errors import PlumblineError, SourceError
from plumbline.core.hashing import CHUNK

FOLDER = "sealed"
"""Below `sources/<use case>/`."""
SUFFIX = ".dvc"
SealedKind = Literal["events", "outcomes", "predictions", "refusals"]
KINDS: tuple[SealedKind, ...] = get_args(SealedKind)
IGNORED = "/*.parquet\n"
"""The folder's .gitignore: git keeps pointers, DVC the rest."""


class FileStatement(Document):
    """What a pointer says of a file."""

    rows: int
    sha256: str


class SealedStatement(Document):
    """What a pointer says of a day. `sealed`: the format. Sequences: of the log, from the day's first to its last row;
    of a day without rows the last is the one before its first. `lost`: sequences that no row has, first and last of each
    run. `previous`: the digest of the day before, empty for the first day that was sealed.
    """

    sealed: Literal[1] = 1
    usecase: str
    day: date
    first_sequence: int
    last_sequence: int
    lost: list[tuple[int, int]]
    files: dict[SealedKind, FileStatement]
    previous: str

    @property
    def rows(self) -> dict[SealedKind, int]:
        """How many rows each file has."""
        return {kind: file.rows for kind, file in self.files.items()}

    @property
    def sha256(self) -> dict[SealedKind, str]:
        """The SHA-256 of each file's bytes."""
        return {kind: file.sha256 for kind, file in self.files.items()}

    @property
    def digest(self) -> str:
        """The SHA-256 of the statement."""
        text = json.dumps(self.plain(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class SealedDay:
    """A pointer in a folder: its statement, and the md5 of each file's bytes as DVC has it."""

    folder: Path
    statement: SealedStatement
    md5: Mapping[str, str]

    @property
    def day(self) -> date:
        """The UTC day of receipt."""
        return self.statement.day

    def file(self, kind: SealedKind) -> Path:
        """Where the rows of a kind lie."""
        return self.folder / file_name(kind, self.day)


class _Dumper(yaml.SafeDumper):
    """Quotes what another reader of YAML takes for a number: an md5 of digits and one e."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "'" if re.fullmatch(r"[0-9]+(e[0-9]+)?", value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def file_name(kind: SealedKind, day: date) -> str:
    """A sealed file's name.

    >>> file_name("events", date(2025, 7, 1))
    'events-2025-07-01.parquet'
    """
    return f"{kind}-{day}.parquet"


def own_name(name: str, contract: Collection[str]) -> str:
    """What a column of the log (sequence, received) is called in an outcomes file beside these columns of the contract.

    >>> own_name("received", ["id", "bad"]), own_name("received", ["id", "received"])
    ('received', 'log_received')
    """
    return f"log_{name}" if name in contract else name


def pointer(folder: Path, day: date) -> Path:
    """Where a day's pointer stands."""
    return folder / f"{day}{SUFFIX}"


def listed(folder: Path) -> list[SealedDay]:
    """The sealed days of a folder by day, as their pointers are now; SourceError for one that is damaged."""
    names = sorted(p.name for p in folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    return [_read(folder / name) for name in names if _is_day(name.removesuffix(SUFFIX))]


def chained(days: Sequence[SealedDay], usecase: str) -> None:
    """SourceError for the first day that does not follow on the one before: a gap, an overlap, a changed pointer."""
    for one in days:
        if one.statement.usecase != usecase:
            raise SourceError(
                f"{pointer(one.folder, one.day)}: sealed for {one.statement.usecase}, expected {usecase}; move it to its "
                "own use case's folder"
            )
    for earlier, later in pairwise(days):
        _follows(earlier, later)


def intact(days: Sequence[SealedDay]) -> None:
    """SourceError for the first file that is missing, or has other bytes than were sealed."""
    for one in days:
        missing = [kind for kind in KINDS if not one.file(kind).is_file()]
        if missing:
            raise SourceError(
                f"{one.file(missing[0])}: the bytes of this sealed day are not here; `dvc pull {pointer(one.folder, one.day)}` "
                "brings them from the remote"
            )
        for kind in KINDS:
            actual = sha256(one.file(kind))
            if actual != one.statement.sha256[kind]:
                raise changed(one, kind, actual)


def changed(day: SealedDay, kind: SealedKind, actual: str) -> SourceError:
    """The refusal of a file that is not as it was sealed."""
    place = pointer(day.folder, day.day)
    return SourceError(
        f"{day.file(kind)}: SHA-256 is {actual}, expected {day.statement.sha256[kind]} as the day was sealed. A sealed day "
        f"is never rewritten: `git checkout {place}` and `dvc checkout --force {place}` bring it back"
    )


def unpointed(folder: Path) -> list[str]:
    """Parquet files of days that no pointer names: a sealing that was cut short left them."""
    days = {one.day for one in listed(folder)}
    names = (p.name for p in folder.glob("*.parquet")) if folder.is_dir() else ()
    return sorted(
        name for name in names if not any(name == file_name(k, d) for d in days for k in KINDS)
    )


def sha256(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hashes(path: Path) -> tuple[str, str]:
    """The md5 and the SHA-256 of a file, read once."""
    both = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as stream:
        for data in iter(lambda: stream.read(CHUNK), b""):
            for one in both:
                one.update(data)
    return both[0].hexdigest(), both[1].hexdigest()


def pointer_text(statement: SealedStatement, files: Mapping[SealedKind, tuple[str, int]]) -> str:
    """The pointer to the byte as DVC writes it again, whenever it hashes the files; `files`: md5 and size by kind.

    No line has more than 80 characters: DVC would fold it, and the source would have changed.
    """
    outs = [
        {"md5": md5, "size": size, "hash": "md5", "path": file_name(kind, statement.day)}
        for kind, (md5, size) in files.items()
    ]
    content = {"outs": outs, "meta": statement.plain()}
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=200))


def _read(path: Path) -> SealedDay:
    remedy = f"`git checkout {path}`"
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        statement = documents.parse(SealedStatement, content["meta"], f"{path}, meta", remedy)
        md5 = {str(out["path"]): str(out["md5"]) for out in content["outs"]}
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise SourceError(
            f"{path}: expected the pointer of a sealed day, found {error!r}; {remedy}"
        ) from None
    except PlumblineError as error:
        raise SourceError(str(error)) from None
    names = {file_name(kind, statement.day) for kind in KINDS}
    if path.name != f"{statement.day}{SUFFIX}" or set(md5) != names:
        raise SourceError(
            f"{path}: expected the day of its name with {len(names)} files, found {statement.day} with "
            f"{', '.join(sorted(md5)) or 'none'}; {remedy}"
        )
    return SealedDay(path.parent, statement, md5)


def _is_day(text: str) -> bool:
    try:
        return str(date.fromisoformat(text)) == text
    except ValueError:
        return False


def _follows(earlier: SealedDay, later: SealedDay) -> None:
    expected = earlier.day + timedelta(days=1)
    if later.day != expected:
        raise SourceError(
            f"{later.folder}: a gap: {', '.join(map(str, _between(earlier.day, later.day)))} between the sealed days "
            f"{earlier.day} and {later.day}. Bring the pointers back (`git log -- {pointer(later.folder, expected)}`)"
        )
    before, after = earlier.statement, later.statement
    if after.first_sequence != before.last_sequence + 1:
        word = "an overlap" if after.first_sequence <= before.last_sequence else "a gap"
        raise SourceError(
            f"{pointer(later.folder, later.day)}: {word}: its first row is {after.first_sequence}, and {before.day} ends "
            f"with {before.last_sequence}; they are of different logs. Bring the pointers back (`git checkout {later.folder}`)"
        )
    if after.previous != before.digest:
        raise SourceError(
            f"{pointer(earlier.folder, earlier.day)}: not as it was when {later.day} was sealed after it. A sealed day is "
            f"never rewritten: `git log -p {pointer(earlier.folder, earlier.day)}` shows who changed it; bring it back"
        )


def _between(first: date, last: date) -> Iterator[date]:
    """At most three days of a gap."""
    days = (last - first).days - 1
    for number in range(1, min(days, 3) + 1):
        yield first + timedelta(days=number)
