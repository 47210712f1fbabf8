"""The names of a source's columns: what is refused of them, and how DuckDB is given all of them. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

from plumbline.core.errors import SourceError, suggest
from plumbline.core.usecase import Contract

DELIMITERS = ";\t|,"
VALUE = r"\s*([+-]?[0-9][0-9.,:/ -]*|true|false|nan|null)\s*"
"""What a header does not consist of."""


def check(name: str, columns: Sequence[str]) -> None:
    """SourceError for two columns of one name, and for one without."""
    if not columns:
        raise SourceError(f"{name}: the first line is blank; expected the columns' names there")
    twice = sorted({c for c in columns if columns.count(c) > 1 and _seen(c)})
    if twice:
        values = " (or is it a row, and the header missing?)" if _is_value(twice[0]) else ""
        raise SourceError(
            f"{name}: two columns are called {twice[0]!r}; rename one in the header{values}"
        )
    for position, column in enumerate(columns, 1):
        if not _seen(column):
            raise SourceError(
                f"{name}: the first line leaves a column without a name (number {position} of {len(columns)}); name "
                "every column there, or remove it (a delimiter at the line's end makes one, and so does an index)"
            )


def check_first_line(name: str, line: str, delimiter: str) -> None:
    """SourceError for a CSV file's first line that is no header."""
    text = line.strip('\r\n "')
    note = re.fullmatch(r"sep=(.?)", text, re.IGNORECASE)
    if note or re.match(r"sep=", text, re.IGNORECASE):
        wanted = note.group(1) if note and note.group(1) else delimiter
        raise SourceError(
            f"{name}: the first line is {text!r}, a note for Excel, expected the columns' names; remove the line, "
            f"and set data.delimiter to {wanted!r}"
        )


def check_delimiter(name: str, columns: Sequence[str], delimiter: str) -> None:
    """SourceError where the header is one column, and another delimiter would make more."""
    other = next((d for d in DELIMITERS if d != delimiter and d in columns[0]), None)
    if len(columns) == 1 and other:
        raise SourceError(
            f"{name}: one column, '{columns[0]}'; its delimiter seems to be {other!r}, not "
            f"{delimiter!r}: set data.delimiter"
        )


def usable(name: str, columns: Sequence[str], usecase: Contract | None) -> list[str]:
    """The columns under names that DuckDB tells apart: of those that differ in case only, the contract's
    own keeps its name. SourceError where an expression in derive names one of them."""
    wanted = {c.name for c in usecase.columns} if usecase else set()
    folded = [c.casefold() for c in columns]
    alike = [c for c in columns if folded.count(c.casefold()) > 1]
    for expression in usecase.derive.values() if usecase else ():
        ambiguous = mentioned(expression, alike)
        if ambiguous:
            raise SourceError(
                f"{name}: the columns {' and '.join(repr(c) for c in ambiguous)} differ in case only, which an expression "
                "in derive=... cannot tell apart; rename one in the source"
            )
    taken = set(folded)
    return [
        c if c not in alike or c in wanted else _other_name(c, position, taken)
        for position, c in enumerate(columns, 1)
    ]


def mentioned(expression: str, columns: Iterable[str]) -> tuple[str, ...]:
    """The columns that an SQL expression names."""
    bare = re.sub(r"'(?:[^']|'')*'", " ", expression)
    words = {w.lower() for w in re.findall(r"[^\W\d]\w*", bare)}
    quoted = {q.replace('""', '"').lower() for q in re.findall(r'"((?:[^"]|"")*)"', bare)}
    return tuple(c for c in columns if c.lower() in words | quoted)


def used(usecase: Contract, columns: Collection[str]) -> set[str]:
    """The columns that a contract column is made from."""
    names = {c.name for c in usecase.columns if c.name not in usecase.derive}
    for expression in usecase.derive.values():
        names |= set(mentioned(expression, columns))
    return names


def check_all(usecase: Contract, source: Collection[str], where: str) -> None:
    """SourceError where the source has not all columns of the contract that are not derived."""
    absent = [
        c.name for c in usecase.columns if c.name not in usecase.derive and c.name not in source
    ]
    if not absent:
        return
    names = ", ".join(repr(name) for name in absent)
    raise SourceError(
        f"{where}: no column {names}; {_hint(absent, list(source), where)} (rename it in the source, or derive it in "
        f"usecases/{usecase.name}/contract.py, derive=...)"
    )


def _hint(absent: Sequence[str], source: Sequence[str], where: str) -> str:
    for name in absent:
        same = next((c for c in source if _plain(c) == _plain(name)), None)
        if same is not None:
            return f"column {source.index(same) + 1} is {same!a}, {difference(name, same)}"
        if f"{name}=" in where.replace("\\", "/"):
            return f"a folder's name ({name}=...) is no column: write it into the files"
    if sum(map(_is_value, source)) * 2 > len(source):
        return (
            f"the first line looks like values, and should be the columns' names: {_list(source)}"
        )
    if all(re.fullmatch(r"(['`]).*\1", c) for c in source):
        return f"the names are in quotes, which in CSV are double ones: {_list(source)}"
    other = next((d for d in DELIMITERS for c in source if d in c), None)
    if other:
        return f"it has: {_list(source)} (is {other!r} the delimiter? set data.delimiter)"
    if source and source[0].startswith("#"):
        return f"the first line begins with '#', and should be the columns' names: {_list(source)}"
    return suggest(absent[0], source) if len(absent) == 1 else f"it has: {_list(source)}"


def difference(name: str, other: str) -> str:
    """How a name that looks alike differs.

    >>> difference("size", "size\\u00a0")
    'with U+00A0 NO-BREAK SPACE'
    """
    odd = [c for c in other if c not in name and c != " " and (not c.isprintable() or c.isspace())]
    if odd:
        title = unicodedata.name(odd[0], "a line break" if odd[0] in "\r\n" else "a control")
        return f"with U+{ord(odd[0]):04X} {title}"
    if unicodedata.normalize("NFC", other) == name:
        return "the same letters in another Unicode normalisation (NFD)"
    if other.strip() == name:
        return "with a blank beside it"
    return "which differs in case" if other.casefold() == name.casefold() else "which looks alike"


def _is_value(text: str) -> bool:
    return bool(re.fullmatch(VALUE, text, re.IGNORECASE))


def _list(source: Sequence[str]) -> str:
    shown = ", ".join(c if c.isprintable() else ascii(c) for c in source[:30])
    return shown + (f" and {len(source) - 30:,} more" if len(source) > 30 else "")


def _plain(name: str) -> str:
    """A name as people see it: without blanks at its ends and what has no width, in one case."""
    shown = "".join(
        c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf"
    )
    return " ".join(shown.split()).casefold()


def _seen(name: str) -> bool:
    return bool(_plain(name))


def _other_name(name: str, position: int, taken: set[str]) -> str:
    other = f"{name} (column {position})"
    while other.casefold() in taken:
        other += "_"
    taken.add(other.casefold())
    return other
