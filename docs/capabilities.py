"""docs/capabilities.md: what the project is to be able to do, each row with its command and its tests."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from docs.marks import MarkedTest, tests_by_row

DOCS = Path(__file__).parent
ROOT = DOCS.parent
HEAD = """# Capabilities

What the project is to be able to do, a row each: the command that does it, and the tests that fail when it
no longer does. {shown} of {all} rows have a test.

<!-- Written by `python -m docs.reference` from docs/capabilities.toml and the marks on the tests; edit those instead. -->

A test stands in a row because it carries `@pytest.mark.capability("A2")`. The suite fails when a row has no
test, unless the row is named under [missing](#missing) with the reason.
"""
MISSING = """## Missing

Rows without a test, and why.
"""
SERVING = """## Serving

These rows need a running server or live traffic. They are later work, and no test is asked of them here.
"""
ASIDE = """## Not part of the project

Optional adapters, and things that were compared with.
"""


@dataclass(frozen=True)
class Capability:
    """A row: its number, what is claimed, and the command that does it."""

    id: str
    claim: str
    command: str

    @property
    def group(self) -> str:
        return self.id[0]


@dataclass(frozen=True)
class Capabilities:
    """The whole list: titles of groups, rows that are to have a test, and the others with a sentence each."""

    groups: Mapping[str, str]
    built: Sequence[Capability]
    missing: Mapping[str, str]
    serving: Mapping[str, str]
    aside: Mapping[str, str]


def read(path: Path = DOCS / "capabilities.toml") -> Capabilities:
    """The list as its file has it."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    built = [Capability(id, *row) for id, row in content["built"].items()]
    rest = {part: content[part] for part in ("groups", "missing", "serving", "aside")}
    return Capabilities(built=sorted(built, key=lambda c: _order(c.id)), **rest)


def problems(rows: Capabilities, tests: Mapping[str, Sequence[MarkedTest]]) -> Iterator[str]:
    """What does not fit together, a line each with what to do; nothing where the list is whole."""
    known = {c.id for c in rows.built}
    for id in sorted(tests.keys() - known, key=_order):
        yield f"{tests[id][0].file}: {tests[id][0].name} is marked {id!r}: {_unknown(id, known, rows)}"
    for row in rows.built:
        if row.id not in tests and not rows.missing.get(row.id, "").strip():
            yield (
                f'{row.id} ({row.claim}) has no test: mark one with @pytest.mark.capability("{row.id}"), '
                "or name the row under [missing] of docs/capabilities.toml with the reason"
            )
    for id in rows.missing:
        if id not in known:
            yield f"[missing] {id}: not a row of [built]"
        elif id in tests:
            yield f"{id} has a test ({tests[id][0].name}); remove it from [missing]"
    for id in sorted({*known, *rows.serving, *rows.aside}):
        if sum(id in part for part in (known, rows.serving, rows.aside)) > 1:
            yield f"{id} stands in several tables of docs/capabilities.toml; keep one"


def _unknown(id: str, known: Iterable[str], rows: Capabilities) -> str:
    if id in rows.serving or id in rows.aside:
        return "a row that is not built here; move it to [built] of docs/capabilities.toml"
    near = difflib.get_close_matches(id, sorted(known), 3, cutoff=0.5)
    return f"no row of docs/capabilities.toml; did you mean {', '.join(near) or 'another'}?"


def page() -> str:
    """The page's text."""
    rows, tests = read(), tests_by_row(ROOT)
    shown = sum(c.id in tests for c in rows.built)
    parts = [HEAD.format(shown=shown, all=len(rows.built))]
    for letter, title in rows.groups.items():
        own = [c for c in rows.built if c.group == letter]
        parts.append(f"## {title}\n\n{_table(own, tests)}\n")
    parts.append(MISSING + "\n" + (_listed(rows.missing) or "None."))
    parts += [f"\n{SERVING}\n{_listed(rows.serving)}", f"\n{ASIDE}\n{_listed(rows.aside)}"]
    return "\n".join(parts) + "\n"


def _table(rows: Iterable[Capability], tests: Mapping[str, Sequence[MarkedTest]]) -> str:
    lines = ["| row | claim | command | tests |", "|---|---|---|---|"]
    for row in rows:
        cell = "<br>".join(linked(t) for t in tests.get(row.id, ())) or "none"
        lines.append(f"| {row.id} | {row.claim} | `{row.command}` | {cell} |")
    return "\n".join(lines)


def linked(test: MarkedTest) -> str:
    """A test as a link to its file, which moving lines do not change."""
    words = test.name.rpartition("::")[2].removeprefix("test_").replace("_", " ")
    return f"[{words}](../{test.file})"


def _listed(rows: Mapping[str, str]) -> str:
    return "\n".join(f"- {id}: {rows[id]}" for id in sorted(rows, key=_order))


def _order(id: str) -> tuple[str, int, str]:
    """B10 after B9."""
    number = re.search(r"\d+", id)
    return id[:1], int(number[0]) if number else 0, id
