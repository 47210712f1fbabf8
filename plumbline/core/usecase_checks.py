"""What is refused of a declaration, before any data is read: leaks, unknown names, impossible histories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from plumbline.core import (
    class_checks,
    data_plan,
    declaration_checks,
    deprecation,
    derive_checks,
    encoding_checks,
    only,
    scale_checks,
    split_checks,
    version_checks,
)
from plumbline.core.declarations import KNOWN_AT, Behaviour, Column, Fresh, Hourly, Snapshot, Where
from plumbline.core.errors import SpecError, suggest

if TYPE_CHECKING:
    from plumbline.core.usecase import Contract, FeatureSet, UseCase

Choice = TypeVar("Choice")


def find(usecase: Contract, kind: str, name: str, choices: Mapping[str, Choice]) -> Choice:
    """The choice called `name`; SpecError with the nearest names where there is none."""
    if name not in choices:
        raise SpecError(
            f"usecases/{usecase.name}: there is no {kind} '{name}'; {suggest(name, choices)}"
        )
    return choices[name]


def contract(usecase: Contract) -> None:
    """SpecError unless key, label, entities and time are columns as they must be."""
    _unique(usecase, "contract", [c.name for c in usecase.columns])
    _unique(usecase, "contract", [e.name for e in usecase.entities])
    declaration_checks.names(usecase, [c.name for c in usecase.columns])
    declaration_checks.columns(usecase)
    declaration_checks.delay(usecase)
    only.check(usecase)
    declaration_checks.roles(usecase)
    if usecase.column(usecase.label).known:
        raise SpecError(
            f"usecases/{usecase.name}/contract.py: the label '{usecase.label}' is declared as known at "
            "prediction time; set known=False on its column."
        )
    for entity in usecase.entities:
        if entity.column is not None:
            names = {c.name for c in usecase.known}
            known(usecase, "contract", entity.column, f"entity '{entity.name}'", names)
        declaration_checks.entity(usecase, entity)
    for name in usecase.derive:
        usecase.column(name)
    derive_checks.check(usecase)
    data_plan.check(usecase)
    if usecase.time is None:
        if usecase.delay:
            raise SpecError(
                f"usecases/{usecase.name}/contract.py: a table without time can have no label delay; "
                "set `time`, or remove it."
            )
    elif usecase.column(usecase.time).type != "timestamp":
        raise SpecError(
            f"usecases/{usecase.name}/contract.py: the event time '{usecase.time}' is of type "
            f"{usecase.column(usecase.time).type}; expected timestamp."
        )


def features(usecase: FeatureSet) -> None:
    """SpecError unless every feature is made of what is known at prediction time."""
    names = [c.name for c in usecase.columns] + [f.name for f in usecase.aggregates]
    names += [r.name for r in usecase.rows] + [e.name for e in usecase.encodings]
    names += [c.name for c in usecase.categories if c.name != c.column]
    _unique(usecase, "features", names)
    declaration_checks.names(usecase, names, "features")
    _unique(usecase, "features", [*usecase.features])
    if usecase.time is None and (usecase.aggregates or usecase.derived):
        raise SpecError(
            f"usecases/{usecase.name}/features.py: a table without time can have no snapshots, hourly, fresh "
            "or derived features; set `time`, or remove them."
        )
    for aggregate in usecase.aggregates:
        _check_aggregate(usecase, aggregate)
    _check_rows(usecase)
    _check_derived(usecase)
    reach = usecase.available
    for category in usecase.categories:
        columns = {c.name for c in usecase.known}
        known(usecase, "features", category.column, f"category '{category.name}'", columns)
        declaration_checks.category(usecase, category)
    for name in usecase.features:
        known(usecase, "features", name, "the feature list", reach)
        declaration_checks.numeric(usecase, "features", name, "the feature list")
        declaration_checks.feature_name(usecase, name)
    split_checks.check(usecase)
    only.check_eligible(usecase)
    deprecation.check(usecase)
    class_checks.features(usecase)
    encoding_checks.check(usecase)
    scale_checks.check(usecase)
    version_checks.check(usecase)
    if usecase.offset is not None:
        known(usecase, "features", usecase.offset, "offset", reach)
        declaration_checks.numeric(usecase, "features", usecase.offset, "offset")


def model(usecase: UseCase) -> None:
    """SpecError unless slices, groups, behaviours and the naive answer name what there is."""
    reach = usecase.available
    if not usecase.features:
        raise SpecError(
            f"usecases/{usecase.name}/features.py: the feature list is empty; name at least one of: "
            f"{', '.join(sorted(reach - {usecase.key}))}"
        )
    declaration_checks.top(usecase)
    for pieces in (usecase.slices, usecase.groups, usecase.behaviours):
        _unique(usecase, "model", [piece.name for piece in pieces])
    if usecase.naive is not None:
        known(usecase, "model", usecase.naive, "naive", reach)
        declaration_checks.numeric(usecase, "model", usecase.naive, "naive")
    for kind, pieces in (("slice", usecase.slices), ("group", usecase.groups)):
        for piece in pieces:
            known(usecase, "model", piece.column, f"{kind} '{piece.name}'", reach)
            declaration_checks.intervals(usecase, f"{kind} '{piece.name}'", piece)
    for behaviour in usecase.behaviours:
        declaration_checks.behaviour(usecase, behaviour)
        _check_limit(usecase, behaviour)
    class_checks.model(usecase)


def leading(usecase: FeatureSet) -> set[str]:
    """The derived event features and all that they are computed from, by name."""
    names = set(usecase.derived)
    for row in reversed(usecase.rows):
        if row.name in names:
            names.update(row.inputs)
    return names


def known(usecase: Contract, part: str, name: str, where: str, reach: Iterable[str]) -> None:
    """SpecError, which names the file of that `part`, unless `name` is in `reach`."""
    file = f"usecases/{usecase.name}/{part}.py"
    reach = set(reach)
    if name in reach:
        return
    if name in {c.name for c in usecase.unknown}:
        raise SpecError(
            f"{file}: {where} uses '{name}', which is not known at prediction "
            "time: it would leak the answer. Use a history with matured=True, or drop it."
        )
    raise SpecError(
        f"{file}: {where} uses '{name}', which is not declared before it; {suggest(name, reach)}"
    )


def _unique(usecase: Contract, part: str, names: list[str]) -> None:
    if KNOWN_AT in names:
        raise SpecError(
            f"usecases/{usecase.name}/{part}.py: '{KNOWN_AT}' is the name under which outcomes say "
            "when they became known; rename the column."
        )
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise SpecError(
            f"usecases/{usecase.name}/{part}.py: used twice as a name: {', '.join(twice)}; rename one "
            "of each."
        )


def _check_aggregate(usecase: FeatureSet, feature: Snapshot | Hourly | Fresh) -> None:
    usecase.entity(feature.entity)
    declaration_checks.aggregate(usecase, feature)
    declaration_checks.window(usecase, feature)
    if (feature.column is None) != (feature.aggregate == "count"):
        raise SpecError(
            f"usecases/{usecase.name}/features.py: '{feature.name}' is a {feature.aggregate} over "
            f"{feature.column}; a count takes no column, every other aggregate takes one."
        )
    if feature.edges and (feature.column is None or list(feature.edges) != sorted(feature.edges)):
        raise SpecError(
            f"usecases/{usecase.name}/features.py: '{feature.name}' has edges; they must rise, and belong to a "
            "column."
        )
    if feature.column is not None and feature.column not in usecase.derived:
        _check_summed(usecase, feature.name, usecase.column(feature.column))
    for condition in feature.where:
        _check_where(usecase, feature.name, condition)
    if not feature.matured:
        reach = {*usecase.derived, *(c.name for c in usecase.known)}
        for name in (feature.column, *(w.column for w in feature.where)):
            if name is not None:
                known(usecase, "features", name, f"feature '{feature.name}'", reach)


def _check_summed(usecase: FeatureSet, feature: str, column: Column) -> None:
    if column.type not in ("int", "bool"):
        raise SpecError(
            f"usecases/{usecase.name}/features.py: '{feature}' sums '{column.name}' of type {column.type}; "
            "only integers sum to the same bits in every engine: declare it in a smaller unit."
        )


def _check_where(usecase: FeatureSet, feature: str, condition: Where) -> None:
    kind = "int" if condition.column in usecase.derived else usecase.column(condition.column).type
    if kind not in ("int", "bool", "timestamp"):
        raise SpecError(
            f"usecases/{usecase.name}/features.py: '{feature}' compares '{condition.column}' of type {kind}; "
            "expected int, bool or timestamp."
        )
    if condition.low is not None and condition.low == condition.high:
        raise SpecError(
            f"usecases/{usecase.name}/features.py: '{feature}' compares '{condition.column}' with an empty range, from "
            f"{condition.low} to below {condition.high}; make the high end exclusive."
        )
    if condition.low is None and condition.high is None:
        raise SpecError(
            f"usecases/{usecase.name}/features.py: '{feature}' compares '{condition.column}' with nothing; give its "
            "range a low or a high end."
        )


def _check_rows(usecase: FeatureSet) -> None:
    reach = {c.name for c in usecase.known}
    reach |= {f.name for f in usecase.aggregates}
    for row in usecase.rows:
        for name in row.inputs:
            known(usecase, "features", name, f"feature '{row.name}'", reach)
        reach.add(row.name)


def _check_derived(usecase: FeatureSet) -> None:
    rows = {r.name: r for r in usecase.rows}
    for name in usecase.derived:
        find(usecase, "row feature for `derived`", name, rows)
    inputs = leading(usecase)
    for feature in usecase.aggregates:
        used = set(usecase.derived).intersection(
            [feature.column, *(w.column for w in feature.where)]
        )
        if feature.name in inputs and used:
            raise SpecError(
                f"usecases/{usecase.name}/features.py: the derived features "
                f"({', '.join(usecase.derived)}) need '{feature.name}', which is itself a history of "
                f"'{min(used)}'; compute derived features from columns and from histories of columns."
            )


def _check_limit(usecase: UseCase, one: Behaviour) -> None:
    if one.expect in ("above", "below") and one.limit is None and usecase.problem == "regression":
        raise SpecError(
            f"usecases/{usecase.name}/model.py: behaviour '{one.name}' expects '{one.expect}', and a "
            "regression has no threshold; give it a limit in the label's unit."
        )
