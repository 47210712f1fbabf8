"""What reading source as text gives: plain values, functions that never run, names of libraries. Pure."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from plumbline.core.errors import PlumblineError

MOST_STEPS = 400_000
"""Steps of one reading, so that no source takes time or memory without bound."""
LONGEST = 100_000
"""Characters or elements of a value."""
PLAIN = (str, int, float, bool, bytes, type(None))


class UnreadableError(PlumblineError):
    """Source whose meaning only running would tell."""


@dataclass
class Budget:
    """The steps that a reading may still take."""

    left: int = MOST_STEPS

    def spend(self, count: int = 1) -> None:
        """UnreadableError where nothing is left."""
        self.left -= count
        if self.left < 0:
            raise UnreadableError(f"takes more than {MOST_STEPS:,} steps to be read")


@dataclass(eq=False)
class Scope:
    """Names and what they stand for, in a module or a call of a function."""

    path: str
    names: dict[str, Any] = field(default_factory=dict)
    outer: Scope | None = None

    def find(self, name: str) -> Any:
        """What a name stands for; `MISSING` for a built-in or an unknown one."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return MISSING


MISSING = object()


@dataclass(frozen=True, eq=False)
class ReadFunction:
    """A function of the use case, with the names that it sees."""

    node: ast.FunctionDef | ast.Lambda
    scope: Scope

    @property
    def name(self) -> str:
        return getattr(self.node, "name", "<lambda>")


@dataclass(frozen=True)
class Imported:
    """A name of a library, by its full name."""

    dotted: str


@dataclass(frozen=True)
class OwnModule:
    """A module of the project, by its path."""

    path: str


@dataclass(frozen=True, eq=False)
class Computed:
    """A value that a library computes of what is read: an array, for instance."""

    node: ast.expr
    scope: Scope
    reason: str


class RowFunction:
    """Stands for a function in a declaration: its name, inputs and docstring; it cannot be called."""

    def __init__(self, function: ReadFunction) -> None:
        node = function.node
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        names = [
            one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        ]
        self.function = function
        self.__name__ = function.name
        self.__doc__ = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
        self.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise UnreadableError(f"{self.__name__} was read, not imported: it cannot run")


def weigh(value: Any, budget: Budget) -> Any:
    """The value, where it is no larger than the budget allows, however its parts are shared."""
    if isinstance(value, str | bytes) and len(value) > LONGEST:
        raise UnreadableError(f"a text of more than {LONGEST:,} characters")
    if isinstance(value, int) and value.bit_length() > 4096:
        raise UnreadableError("a number of more than 4,096 bits")
    if isinstance(value, tuple | list | set | frozenset):
        budget.spend(len(value) + 1)
        for part in value:
            weigh(part, budget)
    if isinstance(value, dict):
        weigh([*value, *value.values()], budget)
    return value


def text(value: Any, budget: Budget) -> str | None:
    """A plain value as text that reads the same in every process; None for anything else."""
    budget.spend()
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, tuple | list):
        return _joined(value, "[]" if isinstance(value, list) else "()", budget)
    if isinstance(value, set | frozenset):
        joined = [text(part, budget) for part in value]
        return None if None in joined else "{" + ", ".join(sorted(map(str, joined))) + "}"
    if isinstance(value, Mapping):
        pairs = [_joined(pair, "()", budget) for pair in value.items()]
        return None if None in pairs else "{" + ", ".join(map(str, pairs)) + "}"
    if isinstance(value, range):
        return repr(value)
    return _declared(value, budget)


def _declared(value: Any, budget: Budget) -> str | None:
    if not is_dataclass(value) or isinstance(value, type | ReadFunction | Computed):
        return None
    parts = [(f.name, text(getattr(value, f.name), budget)) for f in fields(value)]
    if any(part is None for _, part in parts):
        return None
    return f"{type(value).__name__}({', '.join(f'{n}={part}' for n, part in parts)})"


def _joined(values: Any, brackets: str, budget: Budget) -> str | None:
    parts = [text(part, budget) for part in values]
    return None if None in parts else brackets[0] + ", ".join(map(str, parts)) + brackets[1]
