"""Functions as data: each one's source, its hash, and what its names stand for. Pure but for `build`.

A function travels with what it reads: constants as values, other functions of the use case as functions,
libraries by name. `describe` reads sources and runs none; `build` runs them, and is called by
`plumbline.model.admission` alone, once they are admitted.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import inspect
import json
import symtable
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, ModuleType
from typing import Any

from plumbline.core import function_text
from plumbline.core.documents import Document
from plumbline.core.errors import BundleError
from plumbline.core.usecase_loader import BROKEN
from plumbline.model import plain_values

FORMS = ({"value"}, {"function"}, {"module"}, {"module", "name"}, {"missing"})
"""The keys of what a name stands for."""
FUTURE = "from __future__ import annotations\n"


class CarriedFunction(Document):
    """One function: its source, and by name what it reads beside its arguments.

    A name stands for {"value": ...}, {"function": its place}, {"module": ...}, with "name" for one thing
    of a module, or {"missing": why}, where it cannot travel. `sha256` is of the source and these names.
    """

    name: str
    source: str
    names: dict[str, dict[str, Any]]
    sha256: str

    @property
    def missing(self) -> list[str]:
        """What cannot travel: the name, and why."""
        return [f"{n}: {b['missing']}" for n, b in self.names.items() if "missing" in b]


Carried = Mapping[str, CarriedFunction]


def describe(
    functions: Iterable[Callable[..., Any]],
) -> tuple[list[str], dict[str, CarriedFunction]]:
    """Each function's place in the table, and the table: these functions and those that they call."""
    collector = _Collector()
    places = [collector.place(function) for function in functions]
    return places, dict(sorted(collector.table.items()))


def digest(source: str, names: Mapping[str, Any]) -> str:
    """The hash of a function: of its source and of what its names stand for."""
    text = json.dumps([source, names], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def check(table: Carried) -> None:
    """BundleError where a function is not what its hash says, or names one that is not there."""
    for place, one in table.items():
        if digest(one.source, one.names) != one.sha256:
            raise BundleError(
                f"function '{place}' is not what its hash says; do not use this bundle"
            )
        odd = [n for n, b in one.names.items() if set(b) not in FORMS]
        if odd:
            raise BundleError(f"function '{place}': what '{odd[0]}' stands for cannot be read")
        for binding in one.names.values():
            if "function" in binding and binding["function"] not in table:
                raise BundleError(
                    f"function '{place}' calls '{binding['function']}', which is missing"
                )


class _Collector:
    """Collects functions and what they read."""

    def __init__(self) -> None:
        self.table: dict[str, CarriedFunction] = {}
        self.places: dict[int, str] = {}

    def place(self, function: Any) -> str:
        """The function's place in the table; it is added with what it reads where it is new."""
        if id(function) in self.places:
            return self.places[id(function)]
        place = self._free(f"{function.__module__.rpartition('.')[2]}.{function.__name__}")
        self.places[id(function)] = place
        try:
            source = function_text.of(function)
            _check_decorators(function, source)
            bound = {n: self._binding(function, n) for n in sorted(free_names(source))}
            names = {n: b for n, b in bound.items() if b is not None}
        except (OSError, TypeError, SyntaxError) as error:
            source, names = "", {function.__name__: {"missing": f"its source ({error})"}}
        self.table[place] = CarriedFunction(
            name=function.__name__, source=source, names=names, sha256=digest(source, names)
        )
        return place

    def _free(self, place: str) -> str:
        taken = set(self.places.values())
        return next(
            p
            for i in range(1, len(taken) + 2)
            if (p := place if i == 1 else f"{place}#{i}") not in taken
        )

    def _binding(self, function: Any, name: str) -> dict[str, Any] | None:
        """What a name stands for; None for Python's own."""
        found, value = _lookup(function, name)
        if not found:
            return None if hasattr(builtins, name) else {"missing": "not defined"}
        if isinstance(value, FunctionType) and _own(value, function):
            return {"function": self.place(value)}
        if isinstance(value, ModuleType):
            own = value.__name__.split(".")[0] == _top(function)
            remedy = {"missing": "a module of the use case; import what is used of it"}
            return remedy if own else {"module": value.__name__}
        if (place := _importable(value)) and place["module"].split(".")[0] != _top(function):
            return place
        try:
            return {"value": plain_values.encode(value)}
        except TypeError as error:
            return {"missing": f"{error}, which is no plain value"}


def _check_decorators(function: Any, source: str) -> None:
    """TypeError where the source, executed, would give another function: decorated, where this one is not."""
    defined = [n for n in ast.walk(ast.parse(program(source))) if isinstance(n, ast.FunctionDef)]
    if not defined or defined[0].name != function.__name__:
        raise TypeError("it defines another name")
    if defined[0].decorator_list and not hasattr(function, "__wrapped__"):
        raise TypeError("it is decorated, without functools.wraps")


def _lookup(function: Any, name: str) -> tuple[bool, Any]:
    """What a name stands for where the function was defined."""
    inner = inspect.unwrap(function)
    cells = zip(inner.__code__.co_freevars, inner.__closure__ or (), strict=True)
    reach = {**inner.__globals__, **{n: c.cell_contents for n, c in cells}}
    return name in reach, reach.get(name)


def _own(value: Any, function: Any) -> bool:
    return value.__module__.split(".")[0] == _top(function)


def _top(function: Any) -> str:
    return str(function.__module__).split(".")[0]


def _importable(value: Any) -> dict[str, Any] | None:
    """The module and name of a library's function or class."""
    if not callable(value):
        return None
    module, name = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if not module or not name or getattr(sys.modules.get(module), name, None) is not value:
        return None
    return {"module": module, "name": name}


def free_names(source: str) -> set[str]:
    """The names that a function's source reads and does not bind, annotations left out.

    >>> sorted(free_names("def f(x: Array, low=LOW):\\n    y = x + STEP\\n    return np.abs(y)"))
    ['LOW', 'STEP', 'np']
    """
    tree = ast.parse(program(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
    table = symtable.symtable(ast.unparse(tree), "source", "exec")
    assigned = {s.get_name() for s in table.get_symbols() if s.is_assigned()}
    return _globals(table) - assigned


def _globals(table: symtable.SymbolTable) -> set[str]:
    outer = table.get_type() == "module"
    names = {
        s.get_name() for s in table.get_symbols() if s.is_referenced() and (outer or s.is_global())
    }
    return names.union(*(_globals(child) for child in table.get_children()))


def program(source: str) -> str:
    """The source as a program: that of an inner function is indented."""
    return f"if True:\n{source}" if source[:1].isspace() else source


def build(table: Carried, usecase: str) -> dict[str, Callable[..., Any]]:
    """The functions of a table, by their places. This executes their sources."""
    builder = _Builder(table, usecase)
    return {place: builder.function(place) for place in table}


class _Builder:
    """Makes functions of a table, those that another calls before it."""

    def __init__(self, table: Carried, usecase: str) -> None:
        self.table, self.usecase = table, usecase
        self.built: dict[str, Any] = {}
        self.reach: dict[str, dict[str, Any]] = {}

    def function(self, place: str) -> Any:
        """The function at a place."""
        if place not in self.reach:
            self._run(place)
        return self.built.get(place)

    def _run(self, place: str) -> None:
        one = self.table[place]
        reach = self.reach[place] = {"__name__": f"bundle of {self.usecase}"}
        for name, binding in one.names.items():
            reach[name] = self._value(place, binding)
        try:
            code = compile(FUTURE + program(one.source), f"<{self.usecase}: {place}>", "exec")
            exec(code, reach)  # noqa: S102  the caller has admitted it
        except BROKEN as error:
            reason = f"{type(error).__name__}: {error}"
            raise BundleError(f"function '{place}' cannot be executed here ({reason})") from error
        if not isinstance(reach.get(one.name), FunctionType):
            raise BundleError(f"function '{place}': its source defines no function {one.name}")
        self.built[place] = reach[one.name]
        self.built[place].__dict__[function_text.CARRIED] = one.source
        for caller, other in self.table.items():  # functions that call each other
            for name, binding in other.names.items():
                if binding.get("function") == place and caller in self.reach:
                    self.reach[caller][name] = self.built[place]

    def _value(self, place: str, binding: Mapping[str, Any]) -> Any:
        if "function" in binding:
            return self.function(binding["function"])
        if "module" in binding:
            return _imported(place, binding)
        return plain_values.decode(binding["value"])


def _imported(place: str, binding: Mapping[str, Any]) -> Any:
    import importlib

    module, name = str(binding["module"]), binding.get("name")
    try:
        value = importlib.import_module(module)
        return value if name is None else getattr(value, name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BundleError(
            f"function '{place}' needs {module}{f'.{name}' if name else ''}, which is not installed "
            f"({error}); install the libraries that the bundle names"
        ) from None
