"""What a use case's features are defined as, item by item: each feature, each view, the tables. Pure.

An item has a version, as declared, and the parts that define it as texts. Words (names, descriptions) define
nothing; what a feature is made of counts by name, so that a change is said where it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from plumbline.core.declarations import Column
from plumbline.core.hashing import md5_bytes
from plumbline.core.usecase import FeatureSet
from plumbline.features import grain as grains

TABLES = "the tables"
"""The item of the model's tables: the columns of an event, and the features in the model's order."""
Kind = Literal["feature", "view", "tables"]
CodeOf = Callable[[Any], str]
"""A row feature's function to the hash of its code's structure."""


@dataclass(frozen=True)
class DefinitionItem:
    """One thing that has a version, and what it is defined as. `made_of`: other features' names."""

    kind: Kind
    name: str
    version: int
    parts: Mapping[str, str]
    declared: str  # the class it is declared with
    made_of: tuple[str, ...] = ()
    order: tuple[str, ...] = ()  # of the tables: the features of the model
    stored: bool = False  # in a view of the feature store

    @property
    def digest(self) -> str:
        """A hash of the definition: the same where all parts are."""
        return md5_bytes(repr([self.declared, sorted(self.parts.items())]).encode())[:12]


Definitions = Mapping[str, DefinitionItem]
"""By key: a feature's name, "view NAME", "tables"."""


def of(usecase: FeatureSet, code: CodeOf) -> dict[str, DefinitionItem]:
    """Every item of a use case; `code`: how the function of a row feature is hashed."""
    items = [*_features(usecase, code), *_views(usecase), _tables(usecase)]
    return {key(item.kind, item.name): item for item in items}


def key(kind: Kind, name: str) -> str:
    """How an item is named among all."""
    return name if kind == "feature" else TABLES if kind == "tables" else f"view {name}"


def reached(items: Definitions, name: str) -> list[str]:
    """The features that are made of `name`, directly or not, sorted."""
    found: set[str] = set()
    todo = [name]
    while todo:
        inner = todo.pop()
        new = {k for k, item in items.items() if inner in item.made_of} - found
        found |= new
        todo += sorted(new)
    return sorted(found - {name})


def sources(items: Definitions, names: Sequence[str]) -> set[str]:
    """The features in `names` and all that they are made of."""
    found: set[str] = set()
    todo = [name for name in names if name in items]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [inner for inner in items[name].made_of if inner in items]
    return found


def view_digest(items: Definitions, name: str) -> str:
    """A hash of a view and of all that its features are made of."""
    view = items[key("view", name)]
    behind = [items[one].digest for one in sorted(sources(items, view.made_of))]
    return md5_bytes(" ".join([view.digest, *behind]).encode())[:12]


def column_digest(tables: DefinitionItem, name: str) -> str:
    """A hash of what a column is."""
    return md5_bytes(tables.parts[f"column {name}"].encode())[:12]


def view_version(items: Definitions, name: str) -> str:
    """A view's version as the store shows it: as declared, and the raises of all that its features are made of.

    So it is another one whenever a definition behind the view is.
    """
    view = items[key("view", name)]
    raises = sum(items[one].version - 1 for one in sources(items, view.made_of))
    return f"{view.version}.{raises}"


def _features(usecase: FeatureSet, code: CodeOf) -> Iterator[DefinitionItem]:
    derived = {r.name for r in usecase.rows}
    for spec in usecase.aggregates:
        read = [c for c in (spec.column, *(w.column for w in spec.where)) if c]
        made_of = tuple(dict.fromkeys(c for c in read if c in derived))
        parts = _aggregate(usecase, spec)
        stored = spec in usecase.stored
        yield _feature(spec, spec.name, parts, made_of=made_of, stored=stored)
    for row in usecase.rows:
        parts = {"inputs": ", ".join(row.inputs), "code": code(row.function)}
        yield _feature(row, row.name, parts, made_of=row.inputs)
    for category in usecase.categories:
        parts = {"column": category.column, "values": repr(category.values)}
        yield _feature(category, category.name, {**parts, "native": repr(category.native)})
    for one in usecase.encodings:
        parts = {"column": one.column, "folds": repr(one.folds), "smoothing": repr(one.smoothing)}
        yield _feature(one, one.name, parts)


def _feature(
    declared: Any,
    name: str,
    parts: Mapping[str, str],
    *,
    made_of: tuple[str, ...] = (),
    stored: bool = False,
) -> DefinitionItem:
    kind = type(declared).__name__
    return DefinitionItem("feature", name, declared.version, parts, kind, made_of, stored=stored)


def _aggregate(usecase: FeatureSet, spec: Any) -> dict[str, str]:
    late = {"label delay": str(usecase.delay)} if spec.matured else {}
    return {
        "entity": str(usecase.entity(spec.entity).column),
        "aggregate": spec.aggregate,
        "window": repr((getattr(spec, "length", None), getattr(spec, "lag", None))),
        "column": repr(spec.column),
        "matured": repr(spec.matured),
        "default": repr(float(spec.empty_value)),
        "where": repr([(w.column, w.low, w.high) for w in spec.where]),
        "edges": repr(spec.edges),
        **late,
    }


def _views(usecase: FeatureSet) -> Iterator[DefinitionItem]:
    for name, entity, grain in grains.stored(usecase):
        names = tuple(s.name for s in grain.specs(usecase, entity))
        column = None if entity.column is None else usecase.column(entity.column)
        parts = {"key": entity.key, "key's type": column.type if column else "int"}
        parts |= {f"feature {one}": "float" for one in names}
        version = usecase.views.get(name, 1)
        yield DefinitionItem("view", name, version, parts, "view", names)


def _tables(usecase: FeatureSet) -> DefinitionItem:
    columns = {f"column {c.name}": _column(usecase, c) for c in usecase.columns}
    parts = {
        **columns,
        "time": repr(usecase.time),
        "key": usecase.key,
        "only": _rules(usecase.only),
        "eligible": _rules(usecase.eligible),
    }
    order = usecase.features
    return DefinitionItem("tables", usecase.name, usecase.version, parts, "FeatureSet", (), order)


def _column(usecase: FeatureSet, column: Column) -> str:
    derived = usecase.derive.get(column.name)
    rule = "" if derived is None else f", derived: {' '.join(derived.split())}"
    return f"{column.type}, {column.unit}{rule}"


def _rules(rules: Sequence[Any]) -> str:
    return "; ".join(repr((r.column, r.values, r.low, r.high)) for r in rules)


def optional(usecase: FeatureSet) -> set[str]:
    """The columns that an event of before can lack: may be null, computed, or known later only."""
    return {c.name for c in usecase.columns if c.null or not c.known or c.name in usecase.derive}
