"""What the groups of commands share: how a command is declared, its common options, how results are written.

Nothing of the library is imported here before it is used: `plumbline --help` and completion stay fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

if TYPE_CHECKING:
    from plumbline.core.documents import Document

Function = TypeVar("Function", bound=Callable[..., Any])


class CommandGroup:
    """One group of `plumbline --help`, and its commands."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.app = typer.Typer()

    def command(self, name: str, *examples: str) -> Callable[[Function], Function]:
        """Declare the function as command `name`; `examples` are what follows `plumbline NAME`."""
        lines = [f"  plumbline {name} {words}".rstrip() for words in examples]
        epilog = "\n".join(["\b", "Examples:", *lines])
        return self.app.command(name, epilog=epilog, rich_help_panel=self.title)


def usecase_names(incomplete: str) -> list[str]:
    """The use cases of params.yaml, for completion; none where it cannot be read."""
    import yaml

    try:
        names = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["usecases"]
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return []
    return [str(name) for name in names if str(name).startswith(incomplete)]


def day(text: str) -> date:
    """A date option's value."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"expected a day like 2025-07-01, found {text}") from None


def pairs(option: str, values: Iterable[str]) -> dict[str, str]:
    """KEY=VALUE words as a dictionary; PlumblineError naming the option where one has no `=`."""
    from plumbline.core.errors import PlumblineError

    parsed = {}
    for value in values:
        key, sign, rest = value.partition("=")
        if not sign:
            raise PlumblineError(f"{option} {value}: expected KEY=VALUE")
        parsed[key] = rest
    return parsed


def duration(option: str, text: str) -> float:
    """Seconds of a time in whole seconds, minutes or hours; PlumblineError naming the option for another.

    >>> duration("--step", "10m")
    600.0
    """
    from plumbline.core.errors import PlumblineError

    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0)
    if not unit or not text[:-1].isdecimal() or int(text[:-1]) == 0:
        raise PlumblineError(f"{option} {text}: expected a time like 30s, 10m or 2h")
    return float(int(text[:-1]) * unit)


def say(lines: Iterable[str]) -> None:
    """Print each line as soon as there is one, without what a terminal or a CI runner would act on."""
    from plumbline.core.safe_text import log_line

    for line in lines:
        print(log_line(line), flush=True)


def annotate(level: Literal["notice", "warning"], text: str) -> None:
    """A remark of ours for the page of a CI run; the text cannot end it, or begin another command."""
    from plumbline.core.safe_text import log_line

    print(f"::{level}::{log_line(text).replace('%', '%25')}", flush=True)


def keep_json(path: Path | None, value: Document | Mapping[str, Any]) -> None:
    """Write a result as JSON where a file was named."""
    from plumbline.core.files import write_json

    if path:
        write_json(path, value if isinstance(value, Mapping) else value.plain())


def keep_text(path: Path | None, text: str) -> None:
    """Write a text where a file was named."""
    from plumbline.core.files import replacing

    if path:
        with replacing(path) as beside:
            beside.write_text(text, encoding="utf-8")


Usecase = Annotated[
    str,
    typer.Argument(
        metavar="USECASE", help="Use case, as params.yaml names it.", autocompletion=usecase_names
    ),
]
FirstUsecase = Annotated[
    str | None,
    typer.Argument(
        metavar="USECASE",
        help="Use case; the first in params.yaml if omitted.",
        autocompletion=usecase_names,
    ),
]
Usecases = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="USECASE",
        help="Use cases; all in params.yaml if omitted.",
        autocompletion=usecase_names,
    ),
]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result to FILE as JSON.")
]
Store = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Feature store, a folder in feature_store/; that of FEATURE_STORE, or the embedded one, if "
        "omitted.",
    ),
]
Plot = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Write the plot to FILE (PNG).")
]
