"""CSV files for DuckDB: every column as text, in the header's order, and strict about the rest."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from plumbline.core.errors import SourceError
from plumbline.core.sql import literal, literal_path

BINARY = "a binary file, expected CSV text; correct data.path or data.source"


@dataclass(frozen=True)
class CsvStyle:
    """How the files are written."""

    delimiter: str
    encoding: str


def relation(path: Path, name: str, style: CsvStyle) -> str:
    """What to select from; SourceError where the header is missing or odd. `name` is for messages."""
    columns = ", ".join(f"{literal(c)}: 'VARCHAR'" for c in header(path, name, style))
    return (
        f"read_csv([{literal_path(path)}], auto_detect=false, hive_partitioning=false, header=true, "
        f"delim={literal(style.delimiter)}, quote='\"', escape='\"', encoding={literal(style.encoding)}, columns={{{columns}}})"
    )


def header(path: Path, name: str, style: CsvStyle) -> list[str]:
    """The columns that the first line names."""
    try:
        with _open(path, style.encoding) as stream:
            columns = next(csv.reader(stream, delimiter=style.delimiter), [])
    except UnicodeDecodeError as error:
        raise SourceError(_encoding(name, style, error.object)) from None
    except (csv.Error, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"{name}: not a readable CSV file ({error}); export it again") from None
    if not "".join(columns).replace("\t", "").isprintable():
        raise SourceError(f"{name}: {BINARY}")
    _check_header(name, columns, style)
    return columns


def _check_header(name: str, columns: list[str], style: CsvStyle) -> None:
    twice = sorted({c for c in columns if columns.count(c) > 1})
    if twice:
        raise SourceError(f"{name}: two columns are called '{twice[0]}'; rename one in the header")
    if not columns or not all(c.strip() for c in columns):
        raise SourceError(
            f"{name}: the first line leaves a column without a name; name every column there"
        )
    other = next((d for d in ";\t|," if d != style.delimiter and d in columns[0]), None)
    if len(columns) == 1 and other:
        raise SourceError(
            f"{name}: one column, '{columns[0]}'; its delimiter seems to be {other!r}, not "
            f"{style.delimiter!r}: set data.delimiter"
        )


def _encoding(name: str, style: CsvStyle, content: bytes) -> str:
    if b"\0" in content:
        return f"{name}: {BINARY}"
    return f"{name}: not {style.encoding} text; set data.encoding (latin-1, say), or save the file as UTF-8"


def _open(path: Path, encoding: str) -> IO[str]:
    encoding = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def explain(error: str) -> str | None:
    """DuckDB's complaint about a CSV file: ", line 3: what is wrong"; None where it is of another kind."""
    line = re.search(r"CSV Error on Line: (\d+)", error)
    return f", line {line.group(1)}: {_reason(error)}" if line else None


def _reason(error: str) -> str:
    count = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", error)
    if count:
        return (
            f"{count.group(2)} values, expected {count.group(1)} as in the header; correct the line "
            "(a value that contains the delimiter needs quotes)"
        )
    if "encoded" in error:
        return (
            "the text is in another encoding; set data.encoding (latin-1, say), or save it as UTF-8"
        )
    if "unterminated quote" in error:
        return "a quote is opened and never closed; close it, or double a quote inside a value"
    lines = [part.strip() for part in error.splitlines()[2:] if part.strip()]
    return f"{lines[0] if lines else 'not readable'}; correct the line, or export the file again"
