"""Write the reference pages from the code: declarations, params, commands, capabilities, and the badges.

`python -m docs.reference` writes them; with `--check` it writes nothing and exits with 1 where a page
is out of date. The meaning of a field is the comment beside it, or above it, in its class.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs import badges, capabilities, fields, pipeline_map
from plumbline import config
from plumbline.cli import app as cli
from plumbline.core import declarations as declared
from plumbline.core import usecase

DOCS = Path(__file__).parent
ROOT = DOCS.parent
HINT = "<!-- Written by `python -m docs.reference`; edit the comments in the code instead. -->"
DECLARATIONS = """# Declarations

What a use case is made of: `Contract`, `FeatureSet` and `UseCase` come from `plumbline.core.usecase`, all
other classes from `plumbline.core.declarations`. They are frozen, and checked when they are built: a
declaration that leaks the label, or names a column that does not exist, is refused before any data is
read. [Your own data](own-data.md) shows where each one is written.
"""
PARAMS = """# params.yaml

`params.yaml` holds what one turns without touching code. It is read once, into frozen typed objects
(`plumbline/config.py`). An unknown key, a missing key or an impossible value is refused before any data
is read, with one line that names file, key, what was found and what was expected.

At the top of the file:

| key | value | default | meaning |
| --- | --- | --- | --- |
| `usecases` | list of texts | required | the use cases that `dvc repro` runs; each has a section of its name |
| `seed` | whole number | required | of the simulator, the search, training and the bootstrap; a use case's section may set its own |
| `alerts` | section, [below](#alerts) | – | where findings of the monitor are sent |
| `serve` | section, [below](#serve) | – | how `plumbline serve` answers; what a use case's own section sets goes before |

Every other key is the name of a use case. Its section has the sub-sections below: `data` to `monitor`
belong to the stages of that name, and a change of one runs that stage again and those after it. No
stage reads `gate`, `backtest`, `alerts` and `serve`.
"""
COMMANDS = """# Commands

`plumbline COMMAND` is what one runs besides `dvc repro`, from the root of the project. `python -m
plumbline COMMAND` is the same. `plumbline --install-completion` makes your shell complete commands,
options and use cases.

| exit code | means |
| --- | --- |
| 0 | done; nothing was found that should not be there |
| 1 | something was found, or a change, model or output is refused |
| 2 | bad input, or a problem that you can fix: one message on standard error |
| 130 | interrupted by Ctrl-C |
"""
DECLARED = {
    "contract.py": ("Contract", "Column", "Entity", "Only", "Terms"),
    "features.py": (
        "FeatureSet",
        "Snapshot",
        "Hourly",
        "Fresh",
        "Where",
        "Row",
        "Category",
        "Encoding",
        "Split",
        "Deprecated",
    ),
    "model.py": ("UseCase", "Slice", "Behaviour", "TopK", "Use"),
}
"""The classes that a use case is declared with, in the order in which it is written."""
SHARED = {"LevelLimits": "limits"}
"""Sections that several keys hold: the title of their one table."""


@functools.cache
def pages() -> dict[str, str]:
    """File name to text, of every page that is generated."""
    return {**{name: write() for name, write in WRITTEN.items()}, **badges.badges()}


def _class(name: str) -> Any:
    """A class or a type of the declarations, by its name."""
    return getattr(declared, name, None) or getattr(usecase, name)


def declarations() -> str:
    """One table per class that a use case is declared with."""
    parts = [DECLARATIONS.strip(), HINT]
    for title, names in DECLARED.items():
        parts += [f"## {title}", *(_declaration(_class(name)) for name in names)]
    return "\n\n".join(parts) + "\n"


def params() -> str:
    """One table per section of params.yaml, in the order of the file."""
    parts = [PARAMS.strip(), HINT]
    for name, field in _sections(config.UseCaseParams):
        parts += list(_section(name, field.annotation))
    return "\n\n".join(parts) + "\n"


def commands() -> str:
    """Every command's own help, by group."""
    parts = [COMMANDS.strip(), HINT]
    for title, names in cli.command_line().titles().items():
        parts.append(f"## {title}")
        parts += [f"### {name}\n\n```text\n{_help(name)}\n```" for name in names]
    return "\n\n".join(parts) + "\n"


WRITTEN = {
    "declarations.md": declarations,
    "params.md": params,
    "commands.md": commands,
    "capabilities.md": capabilities.page,
    "map.md": pipeline_map.page,
}
"""File name to the function that writes it, of each page of text."""


def _help(name: str) -> str:
    output = io.StringIO()
    os.environ["COLUMNS"] = "100"  # the help's width
    with contextlib.redirect_stdout(output):
        cli.main([name, "--help"])
    return "\n".join(line.rstrip() for line in output.getvalue().strip().splitlines())


def _declaration(cls: type) -> str:
    text, example = _docstring(cls)
    meanings = fields.comments(cls)
    inherited = {f.name for base in cls.__bases__ for f in _fields(base)}
    rows = [
        (f"`{f.name}`", _alias(str(f.type)), _default(f), meanings.get(f.name, ""))
        for f in _fields(cls)
        if f.name not in inherited
    ]
    table = _table(("field", "type", "default", "meaning"), rows)
    code = f"\n\n```python\n{example}\n```" if example else ""
    return f"### {cls.__name__}\n\n{text}\n\n{table}{code}"


def _fields(cls: type) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()


def _sections(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if fields.inner(field.annotation):
            yield field.alias or name, field


def _section(name: str, annotation: Any, level: int = 2) -> Iterator[str]:
    """Heading, docstring and table of a section, then those of the sections inside it."""
    cls = fields.inner(annotation)
    text, _ = _docstring(cls)
    meanings = fields.comments(cls)
    rows = [
        (f"`{f.alias or key}`", _linked(name, key, f), fields.written(f), meanings.get(key, ""))
        for key, f in cls.model_fields.items()
    ]
    yield f"{'#' * level} {name}\n\n{text}"
    yield _table(("key", "value", "default", "meaning"), rows)
    inside = {_title(name, key, f): f for key, f in _sections(cls)}
    for title, field in inside.items():
        yield from _section(title, field.annotation, level + 1)


def _title(name: str, key: str, field: FieldInfo) -> str:
    return f"{name}.{SHARED.get(fields.inner(field.annotation).__name__, key)}"


def _linked(name: str, key: str, field: FieldInfo) -> str:
    """What the key takes; of a section, with a link to its table."""
    if not fields.inner(field.annotation):
        return fields.kind(field)
    anchor = _title(name, key, field).replace(".", "")
    return f"[{fields.kind(field)}](#{anchor})"


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING:
        return "required" if field.default_factory is dataclasses.MISSING else "`{}`"
    default = field.default
    return (
        f"`{type(default).__name__}()`" if dataclasses.is_dataclass(default) else f"`{default!r}`"
    )


def _alias(text: str) -> str:
    """A type as code; the names that stand for a few literals are written out."""
    for name in ("ColumnType", "Aggregate", "Scale"):
        text = re.sub(rf"\b{name}\b", " | ".join(map(repr, get_args(_class(name)))), text)
    text = re.sub(r"Literal\[(.*?)\]", lambda m: m[1].replace(", ", " | "), text)
    return "`" + text.replace("|", r"\|").replace("'", '"') + "`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in lines)


def _docstring(cls: type) -> tuple[str, str]:
    """The text of a class's docstring, and its example without the prompts."""
    lines = (inspect.getdoc(cls) or "").splitlines()
    code = [line[4:] for line in lines if line.startswith((">>> ", "... "))]
    text = [line for line in lines if not line.startswith((">>>", "..."))]
    return "\n".join(text).strip(), _formatted("\n".join(code))


def _formatted(code: str) -> str:
    """As `make format` has it, which formats the pages' examples too."""
    command = [sys.executable, "-m", "ruff", "format", "--quiet", "-"]
    result = subprocess.run(
        command, input=code, capture_output=True, text=True, check=True, cwd=ROOT
    )
    return result.stdout.rstrip()


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` name those that are out of date."""
    stale = [
        name
        for name, text in pages().items()
        if not (DOCS / name).exists() or (DOCS / name).read_text(encoding="utf-8") != text
    ]
    if "--check" not in arguments:
        for name in stale:
            (DOCS / name).write_text(pages()[name], encoding="utf-8")
        return 0
    for name in stale:
        sys.stderr.write(f"docs/{name} is out of date; run `make docs` and commit it\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
