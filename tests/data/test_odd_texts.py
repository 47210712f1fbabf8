"""CSV files as people have them: each is stored as it is, or refused with one message that says the cure."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from plumbline.core.declarations import ColumnType
from plumbline.core.duckdb_session import SESSION
from tests.reading import contract, read

TOWN = contract({"town": "string"})
HEAD = "id,town,y\n"
LINES = "id,town,y\n1,Zürich,1\n2,Łódź,2\n"
BOTH = [("Zürich",), ("Łódź",)]
WEST = "id,town,y\n1,Zürich,1\n2,“Blau” – 5 €,2\n"

READ: dict[str, tuple[bytes, dict[str, Any], list[tuple[Any, ...]]]] = {
    "UTF-8 with a mark": (b"\xef\xbb\xbf" + LINES.encode(), {}, BOTH),
    "a mark and quotes": (b'\xef\xbb\xbf"id","town","y"\n"1","a","1"\n', {}, [("a",)]),
    "utf-8-sig": (LINES.encode(), {"encoding": "utf-8-sig"}, BOTH),
    "UTF-16 with a mark": (LINES.encode("utf-16"), {"encoding": "utf-16"}, BOTH),
    "UTF-16, big end first": (
        b"\xfe\xff" + LINES.encode("utf-16-be"),
        {"encoding": "utf-16"},
        BOTH,
    ),
    "UTF-16 without a mark": (LINES.encode("utf-16-le"), {"encoding": "utf-16"}, BOTH),
    "UTF-16, big end first, no mark": (LINES.encode("utf-16-be"), {"encoding": "utf-16"}, BOTH),
    "UTF-16, its end said": (LINES.encode("utf-16"), {"encoding": "utf-16-le"}, BOTH),
    "UTF-32": (LINES.encode("utf-32"), {"encoding": "utf-32"}, BOTH),
    "UTF-32 without a mark": (LINES.encode("utf-32-be"), {"encoding": "utf-32"}, BOTH),
    "Windows": (WEST.encode("cp1252"), {"encoding": "cp1252"}, [("Zürich",), ("“Blau” – 5 €",)]),
    "Latin": ("id,town,y\n1,Zürich,1\n".encode("latin-1"), {"encoding": "latin-1"}, [("Zürich",)]),
    "Japanese": (
        "id,town,y\n1,東京表,1\n".encode("shift_jis"),
        {"encoding": "shift_jis"},
        [("東京表",)],
    ),
    "Chinese": ("id,town,y\n1,北京,1\n".encode("gbk"), {"encoding": "gbk"}, [("北京",)]),
    "DOS": ("id,town,y\n1,Zürich,1\n".encode("cp850"), {"encoding": "cp850"}, [("Zürich",)]),
    "an old Mac": (
        "id,town,y\r1,Zürich,1\r".encode("mac_roman"),
        {"encoding": "mac_roman"},
        [("Zürich",)],
    ),
    "ends of Windows": (b"id,town,y\r\n1,a,1\r\n2,b,2\r\n", {}, [("a",), ("b",)]),
    "ends of an old Mac": (b"id,town,y\r1,a,1\r2,b,2", {}, [("a",), ("b",)]),
    "mixed ends": (b"id,town,y\r\n1,a,1\n2,b,2\r\n3,c,3\n", {}, [("a",), ("b",), ("c",)]),
    "a header of Unix": (b"id,town,y\n1,a,1\r\n2,b,2\r\n", {}, [("a",), ("b",)]),
    "a break in a value": (b'id,town,y\r\n1,"a\nb",1\r\n2,c,2\r\n', {}, [("a\nb",), ("c",)]),
    "a Windows break in a value": (b'id,town,y\n1,"a\r\nb",1\n', {}, [("a\r\nb",)]),
    "a return in a value": (b'id,town,y\n1,"a\rb",1\n', {}, [("a\rb",)]),
    "three kinds": (b'id,town,y\r1,"a\r\n\rb",1\n2,"x""y",2\r\n', {}, [("a\r\n\rb",), ('x"y',)]),
    "blank lines": (b"id,town,y\n\n1,a,1\n\n\n2,b,2\n\n", {}, [("a",), ("b",)]),
    "blank lines of two kinds": (b"id,town,y\r\n\n1,a,1\r\n\r\n2,b,2\n", {}, [("a",), ("b",)]),
    "no end": (b"id,town,y\n1,a,1", {}, [("a",)]),
    "a delimiter at each end": (b"id,town,y\n1,a,1,\n2,b,2,\n", {}, [("a",), ("b",)]),
    "empty values beyond the header": (b"id,town,y\n1,a,1,,,\n", {}, [("a",)]),
    "those and mixed ends": (b"id,town,y\r\n1,a,1,,,\n", {}, [("a",)]),
    "a blank before a quote": (b'id,town,y\n1, "a,b",1\n', {}, [("a,b",)]),
    "that and mixed ends": (b"id,town,y\r\n1,a,1,\n2,b,2,\n", {}, [("a",), ("b",)]),
    "a delimiter in quotes": (b'id,town,y\n1,"a,b",1\n', {}, [("a,b",)]),
    "an inch": (b'id,town,y\n1,5" pipe,1\n', {}, [('5" pipe',)]),
    "that and mixed ends, too": (b'id,town,y\r\n1,5" pipe,1\n', {}, [('5" pipe',)]),
    "empty quotes": (b'id,town,y\n1,"",1\n2,,2\n', {}, [(None,), (None,)]),
    "blanks are kept": ("id,town,y\n1, a\u00a0,1\n".encode(), {}, [(" a\u00a0",)]),
    "separators of lines inside": (
        "id,town,y\n1,a\u2028b\x85c\x0bd,1\n".encode(),
        {},
        [("a\u2028b\x85c\x0bd",)],
    ),
    "those in UTF-16": (
        "id,town,y\n1,a\u2028b\x85c,1\n".encode("utf-16"),
        {"encoding": "utf-16"},
        [("a\u2028b\x85c",)],
    ),
    "an emoji in UTF-16": (
        "id,town,y\n1,😀,1\n".encode("utf-16"),
        {"encoding": "utf-16"},
        [("😀",)],
    ),
    "no normalisation": ("id,town,y\n1,u\u0308,1\n2,ü,2\n".encode(), {}, [("u\u0308",), ("ü",)]),
    "tabs": (b"id\ttown\ty\n1\ta,b\t1\n", {"delimiter": "\t"}, [("a,b",)]),
    "bars": (b"id|town|y\n1|a,b|1\n", {"delimiter": "|"}, [("a,b",)]),
    "a break in an unused name": (b'id,town,y,"note\n(free)"\n1,a,1,x\n', {}, [("a",)]),
    "a blank in an unused name": ("id,town,y,note\u00a0\n1,a,1,x\n".encode(), {}, [("a",)]),
    "unused names alike": (b"id,town,y,Note,note\n1,a,1,x,z\n", {}, [("a",)]),
    "a used name and one alike": (b"Town,id,town,y,TOWN\n9,1,a,1,8\n", {}, [("a",)]),
    "names of SQL": (
        b'id,town,y,select,"a""b","a b",rowid,__place,__bad\n1,a,1,x,x,x,x,x,x\n',
        {},
        [("a",)],
    ),
    "a long name": (b"id,town,y," + b"n" * 5_000 + b"\n1,a,1,x\n", {}, [("a",)]),
}
REFUSED: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "Windows, not said": (
        WEST.encode("cp1252"),
        {},
        r"line 2: .* 0xfc is not utf-8; set data\.encoding \(cp1252",
    ),
    "Windows as Latin": (
        WEST.encode("cp1252"),
        {"encoding": "latin-1"},
        r"line 3: 0x93 is a control .*encoding: cp1252",
    ),
    "UTF-8 as Windows": (
        "id,town,y\n1,Zürich,1\n".encode(),
        {"encoding": "cp1252"},
        r"the text is UTF-8, expected cp1252; set .*: utf-8",
    ),
    "a mark, as Windows": (
        b"\xef\xbb\xbf" + LINES.encode(),
        {"encoding": "cp1252"},
        "text is UTF-8, expected cp1252",
    ),
    "UTF-16, not said": (
        LINES.encode("utf-16"),
        {},
        r"text is UTF-16, expected utf-8; set data\.encoding: utf-16",
    ),
    "that without a mark": (
        LINES.encode("utf-16-be"),
        {},
        r"the text is UTF-16, .* set data\.encoding: utf-16",
    ),
    "UTF-32, not said": (
        LINES.encode("utf-32-le"),
        {},
        r"the text is UTF-32, .* set data\.encoding: utf-32",
    ),
    "UTF-32 as UTF-16": (
        LINES.encode("utf-32"),
        {"encoding": "utf-16"},
        "the text is UTF-32, expected utf-16",
    ),
    "UTF-8 as UTF-16": (
        LINES.encode() + b" ",
        {"encoding": "utf-16"},
        "no byte order mark, .* do not look like utf-16",
    ),
    "half a character": (
        LINES.encode("utf-16")[:-1],
        {"encoding": "utf-16"},
        "line 3: the bytes .* are no utf-16 text",
    ),
    "half a pair": (
        LINES.encode("utf-16-le") + b"\x3d\xd8",
        {"encoding": "utf-16-le"},
        "line 4: .* no utf-16-le text",
    ),
    "other Japanese": (
        "id,town,y\n1,東,1\n".encode("shift_jis"),
        {"encoding": "utf-8"},
        r"line 2: .*is not utf-8",
    ),
    "a surrogate": (
        b"id,town,y\n1,\xed\xa0\x80,1\n",
        {},
        "line 2: the text is in another encoding: 0xed",
    ),
    "a zero byte": (
        b"id,town,y\n1,a\0,1\n",
        {},
        "binary file, expected CSV text|line 2: a zero byte",
    ),
    "zero bytes far down": (
        HEAD.encode() + b"1,a,1\n" * 1_000 + b"\0\0\n",
        {},
        "line 1002: a zero byte; expected text",
    ),
    "two files in one": (
        b"id,town,y\n1,a,1\n\xef\xbb\xbfid,town,y\n2,b,2\n",
        {},
        "line 3: a byte order mark in the middle",
    ),
    "two headers": (
        b"id,town,y\n1,a,1\nid,town,y\n2,b,2\n",
        {},
        "column 'id': .* found 'id' in line 3",
    ),
    "a return outside of quotes": (
        b"id,town,y\n1,a\rb,1\n",
        {},
        "line 2: 2 values, expected 3 as in the header",
    ),
    "a short line after a break": (
        b'id,town,y\n1,"a\nb\nc",1\n2,b\n',
        {},
        "line 5: 2 values, expected 3",
    ),
    "a long line": (b"id,town,y\n1,a,1,2\n", {}, r"line 2: 4 values, expected 3 .* needs quotes"),
    "a comment at the end": (b"id,town,y\n1,a,1\n# end\n", {}, "line 3: 1 values, expected 3"),
    "a line of blanks": (b"id,town,y\n1,a,1\n   \n", {}, "line 3: 1 values, expected 3"),
    "a sum at the end": (
        b"id,town,y\n1,a,1\nTotal,,1\n",
        {},
        "column 'id': expected a whole number, found 'Total' in line 3",
    ),
    "a line after a break and blanks": (
        b'id,town,y\n1,"a\nb",1\n\nx,b,1\n',
        {},
        "found 'x' in line 5",
    ),
    "an open quote": (
        b'id,town,y\n1,a,1\n2,"b,2\n3,c,3\n',
        {},
        "line 3: a quote is opened and never closed",
    ),
    "text after a quote": (
        b'id,town,y\n1,"a"b,1\n',
        {},
        "line 2: text after a closing quote; double a quote",
    ),
    "a backslash": (
        b'id,town,y\n1,"a\\"b",1\n',
        {},
        "line 2: text after a closing quote; double a quote",
    ),
    "a note for Excel": (
        b"sep=;\nid;town;y\n1;a;1\n",
        {"delimiter": ";"},
        "first line is 'sep=;', a note .*remove the line",
    ),
    "that, not said": (
        b"sep=;\nid;town;y\n1;a;1\n",
        {},
        r"first line is 'sep=;', .*set data\.delimiter to ';'",
    ),
    "that with a tab": (
        b"sep=\t\nid\ttown\ty\n1\ta\t1\n",
        {},
        r"first line is 'sep=.*delimiter to '\\t'",
    ),
    "that in quotes": (
        b'"SEP=,"\r\nid,town,y\r\n1,a,1\r\n',
        {},
        "the first line is 'SEP=,', a note for Excel",
    ),
    "semicolons": (
        b"id;town;y\n1;a;1\n",
        {},
        r"one column, .* delimiter seems to be ';', not ',': set",
    ),
    "a title": (
        b"Report 2024\nid,town,y\n1,a,1\n",
        {},
        "no column 'id', 'town', 'y'; it has: Report 2024",
    ),
    "a comment first": (
        b"# by SAP\nid,town,y\n1,a,1\n",
        {},
        "the first line begins with '#', and should be the columns' names",
    ),
    "a blank line first": (
        b"\nid,town,y\n1,a,1\n",
        {},
        "the first line is blank; expected the columns' names",
    ),
    "no header": (
        b"1,a,5\n2,b,2\n",
        {},
        "the first line looks like values, and should be the columns' names",
    ),
    "a delimiter at the header's end": (
        b"id,town,y,\n1,a,1,\n",
        {},
        r"without a name \(number 4 of 4\); name every",
    ),
    "an index": (b",id,town,y\n0,1,a,1\n", {}, r"without a name \(number 1 of 4\)"),
    "a name that is not seen": (
        "id,town,y,\u200b\n1,a,1,2\n".encode(),
        {},
        r"without a name \(number 4 of 4\)",
    ),
    "no header, and a value twice": (
        b"1,a,1\n2,b,2\n",
        {},
        r"are called '1'; .*the header missing\?",
    ),
    "two of one name": (
        b"id,town,town,y\n1,a,b,1\n",
        {},
        "two columns are called 'town'; rename one",
    ),
    "a break in a name": (
        b'id,"town\n",y\n1,a,1\n',
        {},
        r"no column 'town'; column 2 is 'town\\n', with U\+000A",
    ),
    "a blank in a name": (
        "id,town\u00a0,y\n1,a,1\n".encode(),
        {},
        r"column 2 is 'town\\xa0', with U\+00A0 NO-BREAK SPACE",
    ),
    "no width in a name": (
        "id,\u200btown,y\n1,a,1\n".encode(),
        {},
        r"column 2 is '\\u200btown', with U\+200B ZERO WIDTH",
    ),
    "a mark in a name": (
        "id,\ufefftown,y\n1,a,1\n".encode(),
        {},
        r"column 2 is '\\ufefftown', with U\+FEFF",
    ),
    "a blank before a name": (
        b"id, town,y\n1,a,1\n",
        {},
        "column 2 is ' town', with a blank beside it",
    ),
    "a name in capitals": (b"id,TOWN,y\n1,a,1\n", {}, "column 2 is 'TOWN', which differs in case"),
    "names in single quotes": (
        b"'id','town','y'\n1,a,1\n",
        {},
        "in quotes, which in CSV are double ones",
    ),
    "two delimiters": (b"id;town,y\n1;a,1\n", {}, r"it has: id;town, y \(is ';' the delimiter\?"),
    "a short line, but for what is not read": (
        b"id,town,y,note\n1,a,1\n",
        {},
        "line 2: 3 values, expected 4",
    ),
    "an open quote in what is not read": (
        b'id,town,y,note\n1,a,1,"x\n2,b,2,y\n',
        {},
        "line 2: a quote is opened",
    ),
    "a huge value": (
        b"id,town,y\n1,a," + b"x" * 90_000 + b"\n",
        {},
        r"found 'x{99}\.\.\. \(90,002 characters\) in line 2",
    ),
    "a quote that begins nothing": (
        b'id,town,y\n1,,"1"\n2,b, "\n',
        {},
        "near line 3: Value with unterminated quote",
    ),
    "a blank before a quote, and a copy": (
        b'id,town,y\r\n1, "a",1\n',
        {},
        r"line 2: ' \"a\"' has a blank before its quote",
    ),
    "a zip": (
        b"PK\x03\x04\x14\0\x08\0",
        {},
        "a binary file, .*it is a zip archive or an Excel file",
    ),
    "an old Excel file": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        {},
        "a binary file, .*it is an old Excel file",
    ),
    "gzip without its name": (
        gzip.compress(LINES.encode()),
        {},
        r"compressed by gzip: its name must end with \.gz",
    ),
    "zstd": (b"\x28\xb5\x2f\xfd\0\0", {}, "compressed by zstd"),
    "Parquet": (b"PAR1\x15\0", {}, "it is a Parquet file"),
    "SQLite": (b"SQLite format 3\0", {}, "it is an SQLite database"),
    "the header alone": (b"id,town,y\n", {}, "no rows; expected at least one"),
    "no bytes": (b"", {}, r"the file is empty \(0 bytes\)"),
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened.execute(SESSION)


@pytest.mark.parametrize("name", READ)
def test_read(name: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    content, settings, expected = READ[name]
    (tmp_path / "t.csv").write_bytes(content)
    source = {"source": "csv", "path": str(tmp_path / "t.csv"), **settings}
    assert read(connection, TOWN, source, tmp_path / "scratch") == expected


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    content, settings, expected = REFUSED[name]
    (tmp_path / "t.csv").write_bytes(content)
    source = {"source": "csv", "path": str(tmp_path / "t.csv"), **settings}
    message = read(connection, TOWN, source, tmp_path / "scratch")
    assert isinstance(message, str), message
    assert re.search(rf"t\.csv.*({expected})", message), message
    assert "\n" not in message


def test_a_second_header_where_all_are_texts(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """The key is a text and the label derived, so that no other column would refuse it."""
    (tmp_path / "t.csv").write_text("id,town,answer\na,x,yes\nid,town,answer\nb,x,no\n")
    case = contract({"town": "string"}, derive={"y": "CASE answer WHEN 'yes' THEN 1.0 ELSE 0 END"})
    columns = (replace(case.columns[0], type="string"), *case.columns[1:])
    message = read(
        connection,
        replace(case, columns=columns),
        {"source": "csv", "path": str(tmp_path / "t.csv")},
        tmp_path,
    )
    assert "column 'id': expected a text, found 'id' in line 3" in message
    assert "the header again (two files put together?)" in message


@pytest.mark.parametrize("kind", ["int", "bool", "float"])
def test_nan_as_a_text_is_no_value(
    kind: ColumnType, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("id,x,y\n1,1,1\n2, NaN,1\n3,nan,1\n")
    stored = read(
        connection,
        contract({"x": kind}),
        {"source": "csv", "path": str(tmp_path / "t.csv")},
        tmp_path,
    )
    assert stored == [(1,), (None,), (None,)]


@pytest.mark.parametrize(
    ("expression", "stored"), [('"Shop No"', None), ('substr("Shop No", 2)', 7)]
)
def test_a_renamed_column_is_judged_as_any_other(
    expression: str, stored: int | None, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """007 stays a code under another name; 07 that is computed may be an hour."""
    (tmp_path / "t.csv").write_text("id,Shop No,y\n1,007,1\n")
    case = contract({"shop": "int"}, derive={"shop": expression})
    result = read(connection, case, {"source": "csv", "path": str(tmp_path / "t.csv")}, tmp_path)
    assert result == [(stored,)] if stored else "found '007' in line 2" in result
