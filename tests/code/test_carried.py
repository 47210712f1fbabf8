"""Row functions as data: what they read travels, to the bit, and nothing is executed before it is built."""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache, wraps
from typing import Any

import numpy as np
import pytest

from plumbline.core import function_text
from plumbline.core.errors import BundleError
from plumbline.model import carried_functions as carried
from plumbline.model import plain_values

LOW, EDGES, WORDS = 0.1 + 0.2, (1, 5, 20), {"b": 2, "a": 1}
TABLE = np.array([0.1, np.nan, 3.0])
COUNTER = Counter("ab")


def helper(x: Any) -> Any:
    """Calls another, and has a default out of the module."""
    return other(x, LOW)


def other(x: Any, low: float = LOW) -> Any:
    """A constant and a library."""
    return np.where(x > low, np.searchsorted(EDGES, x), math.floor(low))


def looped(x: Any) -> Any:
    """Two that call each other."""
    return x if np.all(x < 1) else back(x)


def back(x: Any) -> Any:
    return looped(x - 1)


def doubled(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def inner(x: Any) -> Any:
        return 2 * function(x)

    return inner


@doubled
def decorated(x: Any) -> Any:
    return x + LOW


def halved(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: function(x) / 2


def hidden(function: Callable[..., Any]) -> Callable[..., Any]:
    def inner(x: Any) -> Any:
        return function(x) / 2

    return inner


@hidden
def decorated_out_of_sight(x: Any) -> Any:
    return x


def made(step: float) -> Callable[..., Any]:
    def stepped(x: Any) -> Any:
        return sum([x + step + float(np.nansum(TABLE)) + WORDS["a"] for _ in range(2)])

    return stepped


def counted(x: Any) -> Any:
    return x + COUNTER["a"]


@lru_cache
def cached(x: Any) -> Any:
    return x


def through_cache(x: Any) -> Any:
    return cached(x)


def moved(function: Callable[..., Any]) -> Any:
    """The function after its way through text."""
    places, table = carried.describe([function])
    again = {
        p: carried.CarriedFunction.model_validate_json(f.model_dump_json())
        for p, f in table.items()
    }
    carried.check(again)
    return carried.build(again, "parcels")[places[0]]


@pytest.mark.parametrize(
    "function", [helper, looped, decorated, made(0.1), made(7.5)], ids=lambda f: f.__name__
)
def test_a_function_gives_the_same_bits_after_its_way_through_text(function: Any) -> None:
    x = np.array([0.3, 0.1 + 0.2, 4.0, 21.0])
    assert np.asarray(moved(function)(x=x)).tolist() == np.asarray(function(x=x)).tolist()
    assert function_text.of(moved(function)) == function_text.of(function)


def test_two_functions_of_one_name_stand_side_by_side() -> None:
    places, table = carried.describe([made(1.0), made(2.0)])
    assert places == ["test_carried.stepped", "test_carried.stepped#2"]
    assert [f(x=0.0) for f in carried.build(table, "parcels").values()] == [10.2, 12.2]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (counted, "COUNTER: of type Counter, which is no plain value"),
        (through_cache, "cached: of type _lru_cache_wrapper, which is no plain value"),
        (halved(looped), "<lambda>: its source (it defines another name"),
    ],
)
def test_what_cannot_travel_is_named(function: Any, reason: str) -> None:
    [place], table = carried.describe([function])
    [message] = table[place].missing
    assert message.startswith(reason)


def test_a_decorator_that_hides_the_function_does_not_travel() -> None:
    table = carried.describe([decorated_out_of_sight])[1]
    [message] = [m for one in table.values() for m in one.missing]
    assert message.endswith("(it is decorated, without functools.wraps)")


def test_the_same_text_each_time_and_another_for_another_constant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = carried.describe([helper])
    assert carried.describe([helper]) == before
    monkeypatch.setitem(globals(), "EDGES", (1, 5, 21))
    assert carried.describe([helper])[1] != before[1]


@pytest.mark.parametrize("key", ["source", "names"])
def test_an_edited_function_is_refused(key: str) -> None:
    table = dict(carried.describe([helper])[1])
    place = "test_carried.other"
    changed = {"source": "def other(x): return 1", "names": {"LOW": {"value": 9}}}[key]
    table[place] = table[place].model_copy(update={key: changed})
    with pytest.raises(BundleError, match=r"'test_carried\.other' is not what its hash says"):
        carried.check(table)


@pytest.mark.parametrize(
    "value",
    [
        (1, 2.5, "a", None, True), [float("inf"), float("-inf")],
        {"b": (1,), 2: [3]}, np.float32(0.1), np.int64(2**62), np.array([[1.5, 2], [3, 4]]),
        np.array(["2025-01-01", "NaT"], "datetime64[us]"), np.array(["a", "bc"]), b"\x00\xff",
        date(2025, 1, 2), datetime(2025, 1, 2, 3, 4, 5, 6), timedelta(days=1, microseconds=3), 0.1 + 0.2,
    ],
    ids=repr,
)  # fmt: skip
def test_a_constant_comes_back_as_it_was(value: Any) -> None:
    again = plain_values.decode(plain_values.encode(value))
    assert type(again) is type(value)
    assert repr(again) == repr(value)


@pytest.mark.parametrize("value", [{1, 2}, frozenset({"b", "a"})], ids=["set", "frozenset"])
def test_a_set_comes_back_as_it_was(value: Any) -> None:
    again = plain_values.decode(plain_values.encode(value))
    assert (type(again), again) == (type(value), value)


@pytest.mark.parametrize("value", [{"what": 1}, {}, {"tuple": 3}, {"bytes": "x"}, {"array": {}}])
def test_a_constant_of_another_form_is_refused(value: Any) -> None:
    with pytest.raises(BundleError, match=r"a constant .* that cannot be read"):
        plain_values.decode(value)


def test_a_list_in_itself_does_not_travel() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(TypeError, match="more than 20 deep"):
        plain_values.encode(loop)


def test_the_names_that_a_function_reads() -> None:
    source = """
    def f(x: Array, low=LOW, *, high: float = 3) -> Array:
        total = 0
        for EDGES in ROWS:
            total += max(g(v) for v in x)
        def inner(y):
            return y + total + STEP
        return np.abs(inner(x))
    """
    text = "\n".join(line[4:] for line in source.strip("\n").splitlines())
    assert carried.free_names(text) == {"LOW", "ROWS", "STEP", "g", "max", "np"}
    assert ast.parse(text)


@pytest.mark.parametrize(
    ("source", "names", "message"),
    [
        ("def f(x): return x", {"LOW": {}}, "what 'LOW' stands for cannot be read"),
        (
            "def f(x): return x",
            {"LOW": {"value": 1, "module": "os"}},
            "what 'LOW' stands for cannot",
        ),
        ("def f(x): return x", {"g": {"function": "none.g"}}, "calls 'none.g', which is missing"),
        ("def f(x) return x", {}, "cannot be executed here .SyntaxError"),
        ("def f(x, low=LOW): return x", {}, "cannot be executed here .NameError"),
        ("def g(x): return x", {}, "its source defines no function f"),
        (
            "def f(x): return np",
            {"np": {"module": "no_such_module"}},
            "needs no_such_module, which is",
        ),
        ("def f(x): return np", {"np": {"module": ""}}, "needs , which is not installed"),
        (
            "def f(x): return np",
            {"np": {"module": "numpy", "name": "no"}},
            r"needs numpy\.no, which",
        ),
    ],
)
def test_a_function_that_cannot_be_is_one_message(
    source: str, names: dict[str, Any], message: str
) -> None:
    one = carried.CarriedFunction(
        name="f", source=source, names=names, sha256=carried.digest(source, names)
    )
    with pytest.raises(BundleError, match=message):
        checked_and_built({"features.f": one})


def checked_and_built(table: carried.Carried) -> None:
    """As a bundle's functions are read and, admitted, executed."""
    carried.check(table)
    carried.build(table, "parcels")
