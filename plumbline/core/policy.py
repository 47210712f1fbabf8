"""Rules that every feature keeps whatever it means: columns it may not use, an owner, a description."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.core import deprecation
from plumbline.core.errors import SpecError
from plumbline.core.usecase import Contract, FeatureSet

SHORTEST = 5
"""Characters of a description."""


def check(usecase: FeatureSet) -> None:
    """SpecError with a line per broken rule."""
    broken = _lines(usecase)
    if broken:
        raise SpecError("\n".join(broken))


def check_contract(usecase: Contract) -> list[str]:
    """SpecError with a line per broken rule of those that concern all stages.

    Returns what will stop the stage that makes features: a use case in one file declares them, too.
    """
    later = [] if not isinstance(usecase, FeatureSet) else _lines(usecase)
    broken = [line for line in later if "computed from the key" not in line]
    broken = broken or [f"usecases/{usecase.name}/contract.py: {p}" for p in _contract(usecase)]
    if broken:
        raise SpecError("\n".join(broken))
    return later


def _lines(usecase: FeatureSet) -> list[str]:
    return [
        f"usecases/{usecase.name}/{part}.py: {line}"
        for part, lines in _by_part(usecase).items()
        for line in lines
    ]


def problems(usecase: FeatureSet) -> list[str]:
    """Each broken rule: what it concerns, what is wrong, what to do."""
    return [line for lines in _by_part(usecase).values() for line in lines]


def _by_part(usecase: FeatureSet) -> dict[str, list[str]]:
    return {
        "features": [*_columns(usecase), *_features(usecase), *_retired(usecase)],
        "contract": list(_contract(usecase)),
    }


def values(usecase: FeatureSet, name: str) -> list[str]:
    """The contract's columns whose values a feature holds, direct or not, sorted.

    A history's entity and time say whose and when, and are not among them.
    """
    for row in usecase.rows:
        if row.name == name:
            return sorted({v for i in row.inputs for v in values(usecase, i)})
    for spec in usecase.aggregates:
        if spec.name == name:
            return values(usecase, spec.column) if spec.column else []
    coded = [c.column for c in usecase.categories if c.name == name]
    return coded + [e.column for e in usecase.encodings if e.name == name] or [name]


def _columns(usecase: FeatureSet) -> Iterator[str]:
    for feature in usecase.features:
        for name in values(usecase, feature):
            column = usecase.column(name)
            if name == usecase.key:
                yield f"feature '{feature}' is computed from the key '{name}', which carries no information; drop it"
            if column.forbidden:
                yield (
                    f"feature '{feature}' is made of '{name}', which no feature may use "
                    f"({column.forbidden}); drop the feature"
                )
            if column.deprecated:
                yield (
                    f"feature '{feature}' is made of '{name}', which is deprecated "
                    f"({column.deprecated}); make it of something else"
                )


def _retired(usecase: FeatureSet) -> Iterator[str]:
    yield from (f"{line}; use something else there" for line in deprecation.refused(usecase))


def _contract(usecase: Contract) -> Iterator[str]:
    if not usecase.owner.strip():
        yield "no owner; say who answers for the use case and its features"
    for column in usecase.columns:
        if not column.description.strip() or not column.unit.strip():
            yield f"column '{column.name}' has no description or no unit; give both"


def _features(usecase: FeatureSet) -> Iterator[str]:
    for feature in (*usecase.aggregates, *usecase.rows, *usecase.categories, *usecase.encodings):
        if len(feature.description.strip(" ,-")) < SHORTEST:
            yield (
                f"feature '{feature.name}' has the description '{feature.description}'; say in a "
                "line what it means, with its unit"
            )
