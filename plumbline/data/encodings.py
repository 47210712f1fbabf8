"""The encoding of a CSV file's text: what data.encoding names, held against what the bytes show. Pure."""

from __future__ import annotations

import codecs
import re

from plumbline.core.errors import SourceError

MARKS = (
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
"""Byte order marks, a longer one before one that it begins with."""
MAGIC = (
    (b"PK\x03\x04", "a zip archive or an Excel file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"\x1f\x8b", "compressed by gzip: its name must end with .gz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"BZh", "compressed by bzip2"),
    (b"\xfd7zXZ", "compressed by xz"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"%PDF", "a PDF"),
)
"""How files of other kinds begin."""
BINARY = (
    "a binary file, expected CSV text; correct data.path or data.source, or save it as CSV in UTF-8"
)
CONTROLS = re.compile("[\x80-\x9f]")
"""Control characters of ISO 8859, which no table has: the bytes of “, € and – in a file from Windows."""


def check(encoding: str) -> str:
    """`encoding`, or a ValueError unless Python knows it as an encoding of text."""
    try:
        "id,size\n".encode(encoding)
    except (LookupError, ValueError):
        raise ValueError(
            "an encoding of Python's, such as 'utf-8', 'utf-16', 'cp1252' (Windows), 'latin-1', 'shift_jis' or 'gbk'"
        ) from None
    return encoding


def resolve(name: str, head: bytes, encoding: str) -> tuple[str, int]:
    """Python's codec for the text, and the length of the mark before it; `head`: the file's first bytes.

    Raises SourceError, naming `name`, where the bytes are no text, or show another encoding.
    """
    for magic, words in MAGIC:
        if head.startswith(magic):
            raise SourceError(f"{name}: {BINARY} (it is {words})")
    codec = canonical(encoding)
    marked = next(((m, c) for m, c in MARKS if head.startswith(m)), None)
    if marked:
        if marked[1] != codec and marked[1][:-3] != codec:
            raise SourceError(_other(name, marked[1], encoding))
        return marked[1], len(marked[0])
    pattern = _pattern(head)
    if codec.startswith(("utf-16", "utf-32")):
        return _unmarked(name, codec, pattern, encoding), 0
    if pattern:
        raise SourceError(_other(name, pattern, encoding))
    if b"\0" in head:
        raise SourceError(f"{name}: {BINARY}")
    return codec, 0


def shown(head: bytes) -> str | None:
    """The encoding of two or four bytes that a mark or zeros among the first bytes show; None for others."""
    marked = next((c for m, c in MARKS if head.startswith(m)), None) or _pattern(head) or "utf-8"
    return None if marked == "utf-8" else marked[:-3]


def canonical(encoding: str) -> str:
    """Python's name of an encoding; utf-8-sig is utf-8, whose mark is always dropped.

    >>> canonical("UTF8"), canonical("latin-1"), canonical("utf-8-sig")
    ('utf-8', 'iso8859-1', 'utf-8')
    """
    return codecs.lookup(encoding).name.removesuffix("-sig")


def single_byte(codec: str) -> bool:
    """Whether each byte is a character, so that any bytes, also those of UTF-8, are text in it."""
    return not re.match("utf|gb|big5|shift|euc|iso2022|cp9[345]|johab|hz|hkscs", codec)


def iso(codec: str) -> bool:
    """Whether the encoding is of ISO 8859, where Windows has characters at the controls' places."""
    return codec.startswith("iso8859")


def undecodable(encoding: str, found: bytes) -> str:
    """What is wrong with a line in which these bytes are no text, and what to do."""
    shown = " ".join(f"0x{b:02x}" for b in found[:4])
    if canonical(encoding).startswith(("utf-16", "utf-32")):
        return f"the bytes {shown} are no {encoding} text; export the file again"
    windows = (
        "cp1252 for most files from Windows, cp1250 or cp1251 for eastern languages"
        if canonical(encoding) != "cp1252"
        else "utf-8"
    )
    return f"the text is in another encoding: {shown} is not {encoding}; set data.encoding ({windows}), or save it as UTF-8"


def windows(encoding: str, found: str) -> str:
    """What is wrong with a line that has a control character of ISO 8859."""
    return (
        f"0x{ord(found):02x} is a control character in {encoding}, and {bytes([ord(found)]).decode('cp1252', 'replace')!r} "
        "in cp1252, which Windows writes; set data.encoding: cp1252"
    )


def _pattern(head: bytes) -> str | None:
    """The encoding of two or four bytes in which text of mostly Latin letters and digits has such zeros."""
    for width in (4, 2):
        whole = len(head) // width
        if whole < 2:
            continue
        zeros = [head[i : whole * width : width].count(0) / whole for i in range(width)]
        if min([*zeros[1 : width - 1], max(zeros[0], zeros[-1])]) > 0.3 and min(zeros) < 0.1:
            return f"utf-{8 * width}-{'le' if zeros[-1] > zeros[0] else 'be'}"
    return None


def _unmarked(name: str, codec: str, pattern: str | None, encoding: str) -> str:
    if pattern and (pattern == codec or pattern[:-3] == codec):
        return pattern
    if pattern:
        raise SourceError(_other(name, pattern, encoding))
    if codec.endswith(("-le", "-be")):
        return codec
    raise SourceError(
        f"{name}: no byte order mark, and the bytes do not look like {encoding}; set data.encoding to {codec}-le or "
        f"{codec}-be if it is, else to the file's own (utf-8, or cp1252 for most files from Windows)"
    )


def _other(name: str, found: str, encoding: str) -> str:
    general = found.removesuffix("-le").removesuffix("-be")
    return (
        f"{name}: the text is {general.upper()}, expected {encoding}; set data.encoding: {general}, or save the "
        "file as UTF-8"
    )
