"""Features that are retired, with a reason, and what still uses each of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from plumbline.core.declarations import Deprecated
from plumbline.core.errors import SpecError, suggest

if TYPE_CHECKING:
    from plumbline.core.usecase import FeatureSet


def check(usecase: FeatureSet) -> None:
    """SpecError unless each deprecated feature is declared, once, with a reason."""
    where = f"usecases/{usecase.name}/features.py: deprecated"
    names = _declared(usecase)
    seen: set[str] = set()
    for one in usecase.deprecated:
        if one.feature not in names:
            raise SpecError(
                f"{where}: '{one.feature}' is no feature; {suggest(one.feature, names)}. "
                "A column of the contract has `deprecated` of its own."
            )
        if one.feature in seen:
            raise SpecError(f"{where}: '{one.feature}' stands there twice; keep one.")
        if not one.reason.strip():
            raise SpecError(f"{where}: '{one.feature}' has no reason; say what to use instead.")
        seen.add(one.feature)


def users(usecase: FeatureSet, name: str) -> list[str]:
    """What still uses a feature directly, in words; [] where nothing does."""
    return [*_of_features(usecase, name), *_of_model(usecase, name)]


def refused(usecase: FeatureSet) -> list[str]:
    """A line for each deprecated feature that is still used and must not be."""
    return [_line(usecase, one) for one in _used(usecase) if one.refuse]


def warned(usecase: FeatureSet) -> list[str]:
    """A line for each other deprecated feature that is still used."""
    return [_line(usecase, one) for one in _used(usecase) if not one.refuse]


def _declared(usecase: FeatureSet) -> list[str]:
    kinds = (usecase.aggregates, usecase.rows, usecase.categories, usecase.encodings)
    return [feature.name for kind in kinds for feature in kind]


def _used(usecase: FeatureSet) -> list[Deprecated]:
    return [one for one in usecase.deprecated if users(usecase, one.feature)]


def _line(usecase: FeatureSet, one: Deprecated) -> str:
    uses = ", ".join(users(usecase, one.feature))
    return f"feature '{one.feature}' is deprecated ({one.reason}) and still used by {uses}"


def _of_features(usecase: FeatureSet, name: str) -> Iterator[str]:
    if name in usecase.features:
        yield "the model"
    if name == usecase.offset:
        yield "the offset"
    yield from (f"row feature '{r.name}'" for r in usecase.rows if name in r.inputs)
    for spec in usecase.aggregates:
        if name in (spec.column, *(w.column for w in spec.where)):
            yield f"history '{spec.name}'"
    yield from ("eligible" for rule in usecase.eligible if rule.column == name)


def _of_model(usecase: Any, name: str) -> Iterator[str]:
    """What a whole use case is judged by."""
    if getattr(usecase, "naive", None) == name:
        yield "naive"
    for kind in ("slices", "groups"):
        pieces = getattr(usecase, kind, ())
        yield from (f"{kind[:-1]} '{p.name}'" for p in pieces if p.column == name)
