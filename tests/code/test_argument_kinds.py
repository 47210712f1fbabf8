"""An argument of the wrong kind, a misspelt keyword, a missing comma: one message each, with the choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from plumbline.core import call_mistakes
from plumbline.core.declarations import (
    Array,
    Behaviour,
    Category,
    Column,
    Entity,
    Fresh,
    Row,
    Slice,
    Snapshot,
    Use,
    Where,
)
from plumbline.core.errors import SpecError
from plumbline.core.usecase import FeatureSet, UseCase

ID, Y = Column("id", "int", "-", "number"), Column("y", "float", "-", "answer", known=False)
SIZE = Column("size", "float", "m", "how large")
BASE: dict[str, Any] = {
    "name": "toy",
    "title": "Toy",
    "owner": "me@example.com",
    "problem": "regression",
    "key": "id",
    "label": "y",
    "columns": (ID, SIZE, Y),
    "features": ("size",),
}


def size(**change: Any) -> Column:
    return Column(**{"name": "size", "type": "float", "unit": "m", "description": "d", **change})


def case(**change: Any) -> UseCase:
    return UseCase(**{**BASE, **change})


KINDS: list[tuple[Callable[[], Any], str]] = [
    (lambda: size(name=5), r"Column: name is 5; expected a text\."),
    (lambda: size(name=""), r"Column: name is ''; expected a text"),
    (lambda: size(unit=None), r"Column 'size': unit is None; expected a text"),
    (lambda: size(min="0"), r"Column 'size': min is '0'; expected a number or None"),
    (lambda: size(max=float("nan")), r"max is nan; expected a number or None"),
    (lambda: size(max=True), r"max is True; expected a number or None"),
    (lambda: size(null="no"), r"null is 'no'; expected True or False"),
    (lambda: size(known=0), r"known is 0; expected True or False"),
    (lambda: size(forbidden=None), r"forbidden is None; expected a text"),
    (lambda: size(allowed=None), r"allowed is None; expected a tuple"),
    (lambda: Entity("shop", 3, "d"), r"Entity 'shop': column is 3; expected a text"),  # type: ignore[arg-type]
    (lambda: Where("size", low=1.5), r"low is 1\.5; expected a whole number or None"),  # type: ignore[arg-type]
    (
        lambda: Snapshot("s", "shop", "count", "7", "d"),  # type: ignore[arg-type]
        r"Snapshot 's': days is '7'; expected a whole number",
    ),
    (lambda: Snapshot("s", "e", "count", 7.0, "d"), r"days is 7\.0; expected a whole number"),  # type: ignore[arg-type]
    (lambda: Fresh("f", "e", "sum", "d", "size", edges=("1",)), r"edges is \('1',\)"),  # type: ignore[arg-type]
    (
        lambda: Fresh("f", "e", "count", "d", where=Where("size", 1)),  # type: ignore[arg-type]
        r"where is Where.*expected a tuple, each element a Where.*needs a comma: \(one,\)",
    ),
    (lambda: Category("c", None, ("a",), "d"), r"Category 'c': column is None; expected a text"),  # type: ignore[arg-type]
    (lambda: Row("size"), r"Row: function is 'size'; expected a function"),  # type: ignore[arg-type]
    (lambda: Slice("s", "size", "d", edges=3), r"edges is 3; expected a tuple, .* comma: \(one,\)"),  # type: ignore[arg-type]
    (lambda: Behaviour("b", "d", {}, "same"), r"change is \{\}; expected a function"),  # type: ignore[arg-type]
    (lambda: Use(limits="Simulated."), r"limits is 'Simulated\.'; .*: \('Simulated\.',\), with"),  # type: ignore[arg-type]
    (lambda: case(features="size"), r"features is 'size'; .* a text: \('size',\), with the comma"),
    (lambda: case(features=None), r"UseCase 'toy': features is None; expected a tuple"),
    (lambda: case(features=("size", 3)), r"features is \('size', 3\); .* each element a text"),
    (lambda: case(columns=SIZE), r"columns is Column.*each element a Column.*needs a comma"),
    (lambda: case(columns=("id", "y")), r"columns is \('id', 'y'\); .* each element a Column"),
    (lambda: case(label_delay="2"), r"label_delay is '2'; expected a whole number"),
    (lambda: case(label_delay=1.5), r"label_delay is 1\.5; expected a whole number"),
    (lambda: case(derive=[("size", "a")]), r"derive is \[.*expected a mapping of texts"),
    (lambda: case(derive={"size": 3}), r"derive is \{'size': 3\}; expected a mapping of texts"),
    (lambda: case(key=0), r"key is 0; expected a text"),
    (lambda: case(time=5), r"time is 5; expected a text or None"),
    (lambda: case(entities=("shop",)), r"entities is \('shop',\); .* each element a Entity"),
    (lambda: case(rows=(np.sqrt,)), r"rows is .* each element a Row"),
    (lambda: case(naive=3), r"naive is 3; expected a text or None"),
]


@pytest.mark.parametrize(("build", "message"), KINDS)
def test_an_argument_of_another_kind(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build()


def test_a_list_is_taken_as_a_tuple() -> None:
    built = case(columns=[ID, size(allowed=[1, 2.5]), Y], features=["size"], slices=[])
    assert built.features == ("size",)
    assert built.columns[1].allowed == (1, 2.5)
    assert hash(Where("size", low=np.int64(1).item()))


def surprising(size: Array) -> Array:
    """The size once more, m."""
    return size


CALLS: list[tuple[Callable[[], Any], str]] = [
    (lambda: size(nul=True), r"^Column has no 'nul'; did you mean 'null'\?$"),
    (lambda: size(nullable=True), r"^Column has no 'nullable'; did you mean 'null'"),
    (lambda: size(zzz=1), r"^Column has no 'zzz'; choose one of: allowed, deprecated, .* unit$"),
    (lambda: Column("a", "int"), r"^Column needs 'unit' and 'description'; it takes name, type,"),  # type: ignore[call-arg]
    (
        lambda: Entity("a", "b", "c", "d", "e"),
        r"^Entity takes from 4 to 5 .*; name them: it takes name, column,",
    ),  # type: ignore[call-arg]
    (lambda: UseCase(name="toy"), r"^UseCase needs 'title', 'owner', .*; it takes name, title"),  # type: ignore[call-arg]
    (lambda: case(slice=()), r"^UseCase has no 'slice'; did you mean 'slices'"),
    (lambda: FeatureSet.of(case(), feature=()), r"^FeatureSet has no 'feature'; did you mean"),
    (lambda: Colum("a"), r"^there is no Colum; did you mean 'Column'\?$"),  # type: ignore[name-defined]  # noqa: F821
]


@pytest.mark.parametrize(("build", "message"), CALLS)
def test_a_call_that_python_refuses(build: Callable[[], Any], message: str) -> None:
    with pytest.raises((TypeError, NameError)) as error:
        build()
    problem = call_mistakes.explain(error.value)
    assert problem is not None
    with pytest.raises(SpecError, match=message):
        raise SpecError(problem)


@pytest.mark.parametrize("error", [TypeError("f() missing"), NameError("x"), ValueError("y")])
def test_other_mistakes_are_pythons_to_explain(error: Exception) -> None:
    assert call_mistakes.explain(error) is None
