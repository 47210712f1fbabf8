"""CSV files for DuckDB: every column as text, in the header's order, and strict about the rest."""

from __future__ import annotations

import csv
import gzip
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from plumbline.casts import text
from plumbline.errors import SourceError


@dataclass(frozen=True)
class Style:
    """How the files are written."""

    delimiter: str
    encoding: str


def relations(paths: list[Path], style: Style) -> list[str]:
    """What to select from, one per file; SourceError where headers are missing, odd or unequal."""
    headers = [header(p, style) for p in paths]
    for path, names in zip(paths, headers, strict=True):
        if names != headers[0]:
            other = sorted(set(names) ^ set(headers[0])) or names
            raise SourceError(
                f"{path}: its header differs from that of {paths[0]} in {', '.join(other)}; "
                "files read together need the same columns in the same order"
            )
    return [_relation(p, headers[0], style) for p in paths]


def header(path: Path, style: Style) -> list[str]:
    """The names in the first line."""
    try:
        with _open(path, style.encoding) as stream:
            names = next(csv.reader(stream, delimiter=style.delimiter), [])
    except (UnicodeDecodeError, LookupError) as error:
        raise _encoding(path, style, str(error)) from None
    except (csv.Error, gzip.BadGzipFile, EOFError) as error:
        raise SourceError(f"{path}: not a readable CSV file ({error}); export it again") from None
    if any("\0" in n or "\ufffd" in n for n in names):
        raise SourceError(f"{path}: a binary file, expected CSV; correct data.path or data.source")
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise SourceError(f"{path}: two columns are called '{twice[0]}'; rename one in the header")
    if not names or not all(n.strip() for n in names):
        raise SourceError(f"{path}: the first line has an empty column name; it has to name every column")
    return names


def _open(path: Path, encoding: str) -> IO[str]:
    encoding = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def _encoding(path: Path, style: Style, why: str) -> SourceError:
    return SourceError(
        f"{path}: not {style.encoding} text ({why}); set data.encoding (latin-1, say) or save it as UTF-8"
    )


def _relation(path: Path, names: list[str], style: Style) -> str:
    columns = ", ".join(f"{text(n)}: 'VARCHAR'" for n in names)
    return (
        f"read_csv([{text(str(path))}], auto_detect=false, header=true, delim={text(style.delimiter)}, "
        f"quote='\"', escape='\"', encoding={text(style.encoding)}, columns={{{columns}}})"
    )


def explain(error: str, names: list[str]) -> str | None:
    """DuckDB's complaint about a CSV file as one line; None where it is about something else."""
    line = re.search(r"CSV Error on Line: (\d+)", error)
    if not line:
        return None
    file = re.search(r"^\s*file = (.*)$", error, re.MULTILINE)
    where = f"{file.group(1) if file else names[0]}, line {line.group(1)}"
    count = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", error)
    if count:
        return (
            f"{where}: {count.group(2)} values, expected {count.group(1)} as in the header; mend the line "
            "(a value that contains the delimiter needs quotes)"
        )
    if "unicode" in error or "encoded" in error:
        return f"{where}: the text is in another encoding; set data.encoding (latin-1, say) or save it as UTF-8"
    if "unterminated quote" in error:
        return f"{where}: a quote is opened and never closed; close it, or double a quote inside a value"
    reason = next((r for r in error.splitlines()[2:] if r.strip()), "not readable")
    return f"{where}: {reason.strip()}; mend the line or export the file again"
