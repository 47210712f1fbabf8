"""Which files a path in params.yaml stands for, which beside them are not read, and their SHA-256."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path, PurePath

from plumbline.core.errors import SourceError

SHOWN = 5  # names in a warning
EXPECTED = ("readme.md", "readme.txt", "readme")
"""Files that belong beside the data, in lower case."""


def files(path: str, suffixes: Sequence[str]) -> list[Path]:
    """The file, the folder's files with these suffixes, or the glob's matches; sorted by name."""
    place = Path(path)
    if place.is_dir():
        matches = [p for p in place.iterdir() if _is_data(p, suffixes)]
        if not matches:
            raise SourceError(
                f"{path}: no file here ends with {' or '.join(suffixes)}; correct data.path"
                f"{_similar(path, suffixes)}"
            )
    elif place.exists():
        matches = [place]
    else:
        matches = [p for p in _glob(path) if _is_file(p) and not _hidden(p, path)]
        if not matches:
            raise SourceError(
                f"{path}: no such file; put it there, or correct data.path in params.yaml"
                f"{_similar(path, suffixes)}"
            )
    for empty in (p for p in matches if p.stat().st_size == 0):
        raise SourceError(f"{empty}: the file is empty (0 bytes); export it again, with its rows")
    return sorted(matches)


def skipped(path: str, suffixes: Sequence[str]) -> tuple[str, ...]:
    """A warning that names what lies in the folder, or fits the pattern, and is not read."""
    place = Path(path)
    if place.is_file():
        return ()
    if not place.is_dir():
        matches = {p for p in _glob(path) if p.is_file() and not _hidden(p, path)}
        beside = {p for p in [*_glob(path), *_in_other_case(path)] if p.is_file()} - matches
        return _warnings(
            path, sorted(map(str, beside)), "the pattern's matches that are not hidden"
        )
    others = sorted(
        p.name + "/" * p.is_dir()
        for p in place.iterdir()
        if not _is_data(p, suffixes) and not _expected(p, suffixes)
    )
    read = f"the folder's own files that end with {' or '.join(suffixes)}"
    pattern = f", or give a pattern in data.path ({path.rstrip('/')}/**/*{suffixes[0]})"
    return _warnings(path, others, read, pattern)


def _warnings(path: str, others: Sequence[str], read: str, pattern: str = "") -> tuple[str, ...]:
    if not others:
        return ()
    more = f" and {len(others) - SHOWN:,} more" if len(others) > SHOWN else ""
    return (
        f"{path}: not read: {', '.join(others[:SHOWN])}{more}; read are {read}. If these hold rows, rename or "
        f"move them{pattern}",
    )


def ends(path: Path, suffixes: Sequence[str]) -> bool:
    """Whether the name ends with one of the suffixes, in upper or lower case."""
    return path.name.lower().endswith(tuple(suffixes))


def sha256(paths: list[Path]) -> str:
    """Of one file its SHA-256; of several that of the lines `<sha256>  <name>`, as sha256sum prints."""
    each = [_sha256(p) for p in paths]
    if len(each) == 1:
        return each[0]
    lines = "".join(f"{digest}  {p.name}\n" for digest, p in zip(each, paths, strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_data(path: Path, suffixes: Sequence[str]) -> bool:
    return ends(path, suffixes) and not path.name.startswith(".") and _is_file(path)


def _is_file(path: Path) -> bool:
    """Whether it is a file; SourceError for a link to one that is not there."""
    if path.is_symlink() and not path.exists():
        raise SourceError(
            f"{path}: a link to {path.readlink()}, which is not there; restore it, or remove the link"
        )
    return path.is_file()


def _hidden(path: Path, pattern: str) -> bool:
    """Whether a name begins with a dot that the pattern does not have: checkpoints, files of editors."""
    written = PurePath(pattern).parts
    return any(part.startswith(".") and part not in written for part in path.parts) and not (
        written[-1].startswith(".")
    )


def _expected(path: Path, suffixes: Sequence[str]) -> bool:
    hidden = path.name.startswith((".", "_")) and not ends(path, suffixes)
    return hidden or path.suffix == ".dvc" or path.name.lower() in EXPECTED


def _glob(path: str) -> list[Path]:
    """The pattern's matches. A folder that is called like a part of it is meant, its brackets too."""
    base, rest = (
        Path(PurePath(path).anchor or "."),
        PurePath(path).relative_to(PurePath(path).anchor),
    )
    parts = list(rest.parts)
    while len(parts) > 1 and (base / parts[0]).is_dir():
        base /= parts.pop(0)
    if not any(c in part for part in parts for c in "*?["):
        return []
    return list(base.glob(str(PurePath(*parts))))


def _in_other_case(path: str) -> list[Path]:
    """What the pattern would match if capitals did not count."""
    pattern = re.sub(r"\[[^\]]*\]|[a-zA-Z]", _either, PurePath(path).name)
    return _glob(str(PurePath(path).parent / pattern))


def _either(found: re.Match[str]) -> str:
    text = found.group()
    return text if len(text) > 1 else f"[{text.lower()}{text.upper()}]"


def _similar(path: str, suffixes: Sequence[str]) -> str:
    """Where the file may be: what is called alike beside it, or lies in folders below."""
    place = Path(path)
    if place.is_dir():
        below = any(_is_data(p, suffixes) for p in place.rglob("*"))
        return f". Its folders have some: {path.rstrip('/')}/**/*{suffixes[0]}" if below else ""
    names = [p.name for p in place.parent.iterdir()] if place.parent.is_dir() else []
    close = get_close_matches(place.name.lower(), [n.lower() for n in names], n=1)
    return next((f"; did you mean {n!r}?" for n in names if n.lower() in close), "")
