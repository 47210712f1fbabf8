"""An edge that prepares CSV text for DuckDB: the file itself where it is plain UTF-8, else a copy of its values.

DuckDB takes one kind of line end per file, also inside quotes; encodings are Python's to know. The copy has
every value as it is, line breaks too; an empty one is null, as DuckDB reads it.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, cast

from plumbline.core.errors import SourceError
from plumbline.data import encodings

BLOCK = 1 << 20  # bytes
HEAD = 4096  # bytes
BATCH = 50_000  # rows
MARK = "\ufeff"


@dataclass(frozen=True)
class CsvFile:
    """A CSV file, under the name for messages, and how it is written."""

    path: Path
    name: str
    delimiter: str
    encoding: str
    codec: str
    skip: int  # bytes of the byte order mark


def detect(path: Path, name: str) -> str:
    """The encoding that the bytes show: UTF-16 or UTF-32, UTF-8 where all are, else that of Windows, or
    Latin-1, which takes any. SourceError for a damaged archive."""
    with _broken(name), _bytes(path) as stream:
        wide = encodings.shown(stream.read(HEAD))
    choices = ("utf-8", "cp1252")
    return wide or next((c for c in choices if _decodes(path, name, c)), "latin-1")


def open_file(path: Path, name: str, delimiter: str, encoding: str) -> CsvFile:
    """What the first bytes say of it; SourceError where it is no text of that encoding."""
    with _broken(name), _bytes(path) as stream:
        head = stream.read(HEAD)
    codec, skip = encodings.resolve(name, head, encoding)
    return CsvFile(path, name, delimiter, encoding, codec, skip)


def prepare(file: CsvFile, copy: Path) -> Path:
    """A file of the same rows that DuckDB reads: itself, or `copy`, a Parquet file of its texts."""
    if _is_plain(file):
        return file.path
    if file.codec != "utf-8" and encodings.single_byte(file.codec) and _is_utf8(file):
        raise SourceError(
            f"{file.name}: the text is UTF-8, expected {file.encoding}; set data.encoding: utf-8"
        )
    _write(file, copy)
    return copy


def _write(file: CsvFile, copy: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    lines = (_unambiguous(file, line, row) for line, row in rows(file))
    names = [str(i) for i in range(len(next(lines, [])))]
    schema = pa.schema([(n, pa.string()) for n in names])
    with pq.ParquetWriter(copy, schema) as writer:
        while batch := list(itertools.islice(lines, BATCH)):
            columns = [[value or None for value in column] for column in zip(*batch, strict=True)]
            writer.write_table(pa.table(columns, schema=schema))


def _unambiguous(file: CsvFile, line: int, row: list[str]) -> list[str]:
    """The row. SourceError for a value in quotes with a blank before them, which DuckDB drops and others keep."""
    odd = next((v for v in row if v[:1] == " " and v.lstrip().startswith('"')), None)
    if odd is None:
        return row
    raise SourceError(
        f"{file.name}, line {line}: {odd[:60]!r} has a blank before its quote; remove the blank, or quote all of it"
    )


def rows(file: CsvFile) -> Iterator[tuple[int, list[str]]]:
    """The line at which each row begins, and its values; blank lines are none.

    Raises SourceError, with the line, where a row is not as the header, or the text not as it should be.
    """
    width = 0
    with _broken(file.name), _bytes(file.path) as stream:
        stream.seek(file.skip)
        reader = csv.reader(_lines(file, stream), delimiter=file.delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                raise SourceError(f"{file.name}, line {line}: {_reason(str(error))}") from None
            if row is None:
                return
            if row:
                width = width or len(row)
                yield line, _fitting(file, line, row, width)


def header(file: CsvFile) -> tuple[str, list[str]]:
    """The first line as it is written, and the values of the first row; none where the line is blank."""
    with _broken(file.name), _bytes(file.path) as stream:
        stream.seek(file.skip)
        first, *_ = [*itertools.islice(_lines(file, stream), 1), ""]
        stream.seek(file.skip)
        try:
            columns = next(csv.reader(_lines(file, stream), delimiter=file.delimiter), [])
        except csv.Error as error:
            raise SourceError(
                f"{file.name}: not a readable CSV file ({error}); export it again"
            ) from None
    if any(unicodedata.category(c) == "Cc" and not c.isspace() for c in "".join(columns)):
        raise SourceError(f"{file.name}: {encodings.BINARY}")
    return first, columns


def _fitting(file: CsvFile, line: int, row: list[str], width: int) -> list[str]:
    """The row with as many values as the header; delimiters at its end count for nothing."""
    if len(row) > width and not any(row[width:]):
        return row[:width]
    if len(row) != width:
        raise SourceError(
            f"{file.name}, line {line}: {len(row)} values, expected {width} as in the header; correct the line "
            "(a value that contains the delimiter needs quotes)"
        )
    return row


def _reason(error: str) -> str:
    if "unexpected end of data" in error:
        return "a quote is opened and never closed; close it, or double a quote inside a value"
    if "expected after" in error:
        return "text after a closing quote; double a quote that is inside a value"
    return f"{error}; correct the line, or export the file again"


def _lines(file: CsvFile, stream: IO[bytes]) -> Iterator[str]:
    """The text's lines with their ends: as the csv module has them, at \\n, \\r and \\r\\n."""
    strange = encodings.iso(file.codec)
    for number, line in enumerate(_decoded(file, stream), 1):
        if "\0" in line:
            raise SourceError(
                f"{file.name}, line {number}: a zero byte; expected text. Export the file again, or remove it"
            )
        if line.startswith(MARK):
            raise SourceError(
                f"{file.name}, line {number}: a byte order mark in the middle: two files were put together; remove it, "
                "and a second header"
            )
        odd = encodings.CONTROLS.search(line) if strange else None
        if odd:
            words = encodings.windows(file.encoding, odd.group())
            raise SourceError(f"{file.name}, line {number}: {words}")
        yield line


def _decoded(file: CsvFile, stream: IO[bytes]) -> Iterator[str]:
    decoder, number, rest = codecs.getincrementaldecoder(file.codec)(), 1, ""
    while True:
        block = stream.read(BLOCK)
        try:
            text = rest + decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            good = rest + error.object[: error.start].decode(file.codec, "replace")
            number += len(_split(good + "x")) - 1
            words = encodings.undecodable(file.encoding, error.object[error.start : error.end])
            raise SourceError(f"{file.name}, line {number}: {words}") from None
        lines = _split(text)
        # a line is whole once the next has begun: a \r at the end may be half of a \r\n
        rest = lines.pop() if lines and block else ""
        number += len(lines)
        yield from lines
        if not block:
            return


def _split(text: str) -> list[str]:
    """Lines with their ends. Unlike str.splitlines, at \\n, \\r and \\r\\n alone."""
    return list(io.StringIO(text, newline=""))


def _is_plain(file: CsvFile) -> bool:
    """Whether it is UTF-8 in which all lines end alike, also inside quotes, and nothing is odd."""
    if file.codec != "utf-8":
        return False
    feeds = returns = pairs = position = 0
    last = b""
    with _broken(file.name), _bytes(file.path) as stream:
        while block := stream.read(BLOCK):
            feeds += block.count(b"\n")
            found = block.count(b"\r")
            if found or last == b"\r":
                returns += found
                pairs += (last + block).count(b"\r\n")
            marked = block.find(b"\xef\xbb\xbf", 0 if position else file.skip)
            if b"\0" in block or marked >= 0:
                return False
            last, position = block[-1:], position + len(block)
    return not feeds or (pairs == returns and pairs in (0, feeds))


def _is_utf8(file: CsvFile) -> bool:
    """Whether the whole file is UTF-8, and more than ASCII."""
    decodes = partial(_decodes, file.path, file.name)
    return decodes("utf-8") and not decodes("ascii")


def _decodes(path: Path, name: str, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    with _broken(name), _bytes(path) as stream:
        try:
            while block := stream.read(BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _bytes(path: Path) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


@contextmanager
def _broken(name: str) -> Iterator[None]:
    """What is wrong with an archive as one SourceError."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"{name}: not a readable CSV file ({error}); export it again") from None
