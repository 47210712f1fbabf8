"""The monitor's work without files: current against reference, column by column, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from plumbline.monitoring import drift, matured, verdict, weeks
from plumbline.monitoring.drift import Effect, Kind
from plumbline.monitoring.matured import Blind, Quality, Week
from plumbline.monitoring.verdict import Finding, Input
from plumbline.monitoring.window import Window, is_number, whole_weeks
from plumbline.params import Monitor
from plumbline.usecase import Array, UseCase, available

Compare = Callable[..., Effect]


@dataclass(frozen=True)
class Observation:
    """What was seen. `past` and `now` are the windows in whole weeks that were compared."""

    past: Window
    now: Window
    kinds: Mapping[str, Kind]
    inputs: tuple[Input, ...]
    prediction: Effect | None
    quality: Quality
    blind: Blind | None
    findings: tuple[Finding, ...]
    weeks: tuple[Week, ...]

    @property
    def level(self) -> verdict.Level:
        """The gravest finding's."""
        return verdict.level(self.findings)


def observe(
    usecase: UseCase,
    gain: Mapping[str, float],
    reference: Window,
    current: Window,
    limits: Monitor,
    seed: int,
) -> Observation:
    """Compare `current` with `reference`; `gain` is each feature's share of the model's, 0 to 1."""
    past, now = whole_weeks(reference), whole_weeks(current)
    kinds, shares = monitored(usecase), importance(usecase, gain)
    inputs, prediction = _effects(past, now, kinds, shares, limits)
    known = matured.quality(
        usecase.problem,
        reference,
        current,
        replicates=limits.bootstrap,
        level=limits.level,
        seed=seed,
    )
    due = matured.due(usecase, current)
    findings = (
        *_drift_findings(inputs, prediction, limits),
        *verdict.label_findings(known, limits),
        *verdict.quality_findings(known, limits),
        *verdict.row_findings(expected_rows(past, now), now.rows, limits),
        *verdict.unlabelled_findings(int(due.sum()), int((due & ~current.matured).sum()), limits),
    )
    return Observation(
        past=past,
        now=now,
        kinds=kinds,
        inputs=inputs,
        prediction=prediction,
        quality=known,
        blind=matured.blind(usecase, current),
        findings=tuple(verdict.order(findings)),
        weeks=_weeks(usecase, past, now),
    )


def monitored(usecase: UseCase) -> dict[str, Kind]:
    """How each input is compared: every column and feature a model may use, but key, time and codes.

    A category is compared by its column's values, an entity's id only by its nulls.
    """
    ids = {e.column for e in usecase.entities}
    coded = {c.column for c in usecase.categories}
    kinds: dict[str, Kind] = {}
    for column in usecase.known:
        if column.name in (usecase.key, usecase.time):
            continue
        if (
            column.allowed
            or column.name in coded
            or (column.type in ("string", "bool") and column.name not in ids)
        ):
            kinds[column.name] = "category"
        else:
            kinds[column.name] = "identifier" if column.name in ids else "numeric"
    codes = {c.name for c in usecase.categories}
    features = sorted(available(usecase) - set(kinds) - codes - {usecase.key, usecase.time or ""})
    return kinds | dict.fromkeys(features, "numeric")


def importance(usecase: UseCase, gain: Mapping[str, float]) -> dict[str, float]:
    """Each monitored column's share of the model's gain; a code's goes to its column.

    A column that the prediction starts from counts in full.
    """
    columns = {c.name: c.column for c in usecase.categories}
    shares: dict[str, float] = {}
    for name, share in gain.items():
        column = columns.get(name, name)
        shares[column] = shares.get(column, 0.0) + share
    return shares | ({usecase.offset: 1.0} if usecase.offset else {})


def gain_shares(booster: Any) -> dict[str, float]:
    """Each feature's share of the total gain of an XGBoost booster's splits, 0 to 1."""
    gain = booster.get_score(importance_type="total_gain")
    total = sum(gain.values())
    return {name: value / total for name, value in gain.items()} if total else {}


def examine(
    name: str, kind: Kind, share: float, past: Window, now: Window, compare: Compare
) -> Input:
    """One column's effect, or why there is none. Both windows have rows."""
    for window, where in ((now, "current"), (past, "reference")):
        if name not in window.columns:
            text = f"not in the {where} table"
            return Input(name, share, problem="missing", detail=text)
        if kind == "numeric" and not is_number(window.columns[name]):
            text = f"text in the {where} table, expected numbers"
            return Input(name, share, problem="type", detail=text)
    return Input(name, share, compare(past.columns[name], now.columns[name], kind))


def expected_rows(past: Window, now: Window) -> float | None:
    """Rows that the reference's days let expect in the current window; None without time."""
    return past.rows / past.days * now.days if past.days else None


def _effects(
    past: Window,
    now: Window,
    kinds: Mapping[str, Kind],
    shares: Mapping[str, float],
    limits: Monitor,
) -> tuple[tuple[Input, ...], Effect | None]:
    if not past.rows or not now.rows:
        return (), None
    stretches: tuple[Array, ...] = ()
    if past.day is not None and past.last is not None:
        lengths = sorted({1, now.days // 7} - {0})
        stretches = tuple(weeks.blocks(past.day, past.last, length) for length in lengths)
    compare: Compare = partial(
        drift.compare, bins=limits.bins, chance=limits.chance, stretches=stretches
    )
    inputs = [examine(n, k, shares.get(n, 0.0), past, now, compare) for n, k in kinds.items()]
    return tuple(inputs), compare(past.score, now.score, "numeric")


def _drift_findings(
    inputs: tuple[Input, ...], prediction: Effect | None, limits: Monitor
) -> list[Finding]:
    shifted = verdict.prediction_findings(prediction, limits)
    felt = bool(shifted)
    return shifted + [f for one in inputs for f in verdict.column_findings(one, limits, felt=felt)]


def _weeks(usecase: UseCase, past: Window, now: Window) -> tuple[Week, ...]:
    named = ((past, "reference"), (now, "current"))
    return tuple(w for one, name in named for w in matured.by_week(usecase.problem, one, name))
