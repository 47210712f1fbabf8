"""A model's assessment, put together from metrics, baselines, slices, behaviours and the gate. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from plumbline.core import further_columns, stored_columns
from plumbline.core.declarations import Category, Columns
from plumbline.core.documents import rounded
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import UseCase
from plumbline.evaluate import (
    acceptance,
    baselines,
    behaviour,
    class_sections,
    curves,
    evidence,
    slices,
)
from plumbline.evaluate.evaluate_document import (
    AcceptanceGate,
    BehaviourOutcome,
    GroupFigure,
    LeakSearch,
    MonthFigure,
    PairedDifference,
    PolicyEvidence,
    RowCounts,
)
from plumbline.evaluate.evidence import BaselineComparison, LabelledWindow
from plumbline.evaluate.params import Evaluate, EvaluationSettings
from plumbline.evaluate.policies import rivals
from plumbline.metrics import class_costs
from plumbline.metrics import cost_matrix as matrix
from plumbline.metrics import metrics as measures
from plumbline.metrics.bootstrap import Array, Estimate
from plumbline.metrics.interval import Figure, Interval
from plumbline.model.bundle import Bundle

KINDS = {
    "constant": "probability",
    "naive": "ranking",
    "linear": "probability",
    "tree": "probability",
}
"""What a baseline's scores are worth in a classification."""


@dataclass(frozen=True)
class Assessment:
    """The sections of evaluate.json that come of the scores; `months` None for a table without time."""

    rows: RowCounts
    metrics: dict[str, Interval]
    baselines: dict[str, dict[str, Figure]]
    differences: dict[str, PairedDifference]
    slices: dict[str, dict[str, GroupFigure]]
    floors: dict[str, Figure]
    behaviours: dict[str, BehaviourOutcome]
    gate: AcceptanceGate
    months: dict[str, MonthFigure] | None


def window(
    usecase: UseCase, settings: EvaluationSettings, columns: Columns, threshold: float | None
) -> LabelledWindow:
    """The test window of a table's columns; PlumblineError where it cannot be judged."""
    label = np.asarray(columns[usecase.label], np.float64)
    check(usecase, label, "test", "widen features.test_days (or test_share)")
    evaluate = settings.evaluate
    costs = settings.costs if usecase.problem == "classification" else None
    return LabelledWindow(
        problem=usecase.problem,
        label=label,
        day=None if usecase.time is None else columns[usecase.time].astype("datetime64[D]"),
        replicates=evaluate.bootstrap,
        level=evaluate.level,
        seed=settings.seed,
        settings=measures.RankSettings(evaluate.k, evaluate.false_alarm_rate),
        threshold=threshold,
        money=matrix.money(costs, columns) if costs else None,
        costs=_class_costs(usecase, settings),
    )


def _class_costs(usecase: UseCase, settings: EvaluationSettings) -> Array | None:
    if settings.class_costs is None or not usecase.classes:
        return None
    where = f"params.yaml, {usecase.name}.train.class_costs"
    return class_costs.matrix(where, settings.class_costs, usecase.classes)


def assess(
    usecase: UseCase,
    settings: EvaluationSettings,
    window: LabelledWindow,
    columns: Columns,
    score: Array,
    others: Mapping[str, Array],
    outcomes: Sequence[behaviour.BehaviourResult],
    policies: PolicyEvidence | None = None,
    leaks: LeakSearch | None = None,
    more: Sequence[acceptance.Check] = (),
) -> tuple[Assessment, curves.Lines]:
    """Figures with the verdict on `score` (n,) over the window, and the curves; `others`: the baselines'.

    `policies`, `leaks`, `more`: what the verdict reads of policies in money, leaks and other declarations.
    """
    readable = raw(usecase, columns)
    groups = {
        piece.name: slices.groups(piece, readable) for piece in slices.pieces(usecase, readable)
    }
    facts = _facts(window, score, others, groups, outcomes)
    limits = acceptance.Limits(
        **settings.evaluate.model_dump(include=set(acceptance.Limits.__dataclass_fields__))
    )
    floors = acceptance.floors(facts.overall, groups, limits, window.higher_is_better)
    months = None
    if usecase.time is not None:
        by_month = slices.months(columns[usecase.time])
        months = evidence.by_month(window, score, others, by_month)
    compared = facts.compared
    figures = Assessment(
        rows=_rows(window),
        metrics={m: Interval.from_estimate(e) for m, e in compared.model.items()},
        baselines=_baselines(compared),
        differences=_differences(compared, window.primary),
        slices={name: _group_rows(result, groups[name]) for name, result in facts.slices.items()},
        floors={name: rounded(floor) for name, floor in floors.items()},
        behaviours={o.name: _outcome(o) for o in outcomes},
        gate=_verdict(window, facts, floors, limits, policies, leaks, usecase.classes, more),
        months=months,
    )
    answers = {"model": score, **others}
    if usecase.classes:
        return figures, class_sections.lines(usecase, window.label, answers)
    return figures, curves.lines(window.problem, window.label, answers, window.money)


@dataclass(frozen=True)
class _Facts:
    """What the verdict rests on. `noise`: of the calibration error; `miscalibrated`: by class of several, its
    share above a perfect model's.
    """

    compared: BaselineComparison
    slices: dict[str, dict[str, Estimate]]
    outcomes: Sequence[behaviour.BehaviourResult]
    overall: float
    noise: float
    miscalibrated: dict[int, float]


def _facts(
    window: LabelledWindow,
    score: Array,
    others: Mapping[str, Array],
    groups: Mapping[str, evidence.Groups],
    outcomes: Sequence[behaviour.BehaviourResult],
) -> _Facts:
    compared = evidence.compare(window, score, others, KINDS)
    noise = 0.0
    if window.problem == "classification":
        noise = curves.calibration_noise(window.label, score)
    return _Facts(
        compared=compared,
        slices={name: evidence.by_group(window, score, rows) for name, rows in groups.items()},
        outcomes=outcomes,
        overall=compared.model[window.primary].value,
        noise=noise,
        miscalibrated=class_sections.miscalibration(window, score),
    )


def behaves(
    usecase: UseCase, settings: Evaluate, scorer: Bundle, columns: Columns
) -> list[behaviour.BehaviourResult]:
    """The expected behaviours on evenly spaced events of a table."""
    pairs = baselines.evenly(stored_columns.count(columns), settings.pairs)
    names = dict.fromkeys([*behaviour.inputs(usecase), *(c.name for c in usecase.categories)])
    there = stored_columns.only(columns, [name for name in names if name in columns])
    readable = raw(usecase, stored_columns.loaded(stored_columns.select(there, pairs)))
    events = {name: readable[name] for name in behaviour.inputs(usecase)}
    return behaviour.check(
        usecase,
        lambda event: scorer.score(usecase, event),
        events,
        scorer.threshold,
        settings.min_pairs,
    )


def raw(usecase: UseCase, columns: Columns) -> Columns:
    """The table's columns with codes that took their column's name turned back into its values."""
    coded = (c for c in usecase.categories if c.name == c.column)
    return further_columns.added(columns, {c.name: partial(_of, c, columns) for c in coded})


def _of(category: Category, columns: Columns) -> Array:
    return _decoded(category, columns[category.name])


def _decoded(category: Category, codes: Array) -> Array:
    values = np.array([*category.values, None], object)
    return values[np.asarray(codes, np.int64)]


def _verdict(
    window: LabelledWindow,
    facts: _Facts,
    floors: Mapping[str, float],
    limits: acceptance.Limits,
    policies: PolicyEvidence | None,
    leaks: LeakSearch | None,
    classes: Sequence[str | int] = (),
    more: Sequence[acceptance.Check] = (),
) -> AcceptanceGate:
    model = facts.compared.model
    if window.problem == "multiclass":
        calibration = acceptance.calibrated_classes(facts.miscalibrated, classes, limits)
    elif window.problem == "classification":
        share = float(np.mean(window.label))
        calibration = acceptance.calibrated(model["ece"].value, facts.noise, share, limits)
    else:
        calibration = acceptance.unbiased(model["bias"], model["mae"].value, limits)
    return acceptance.AcceptanceVerdict(
        (
            acceptance.beats(window.primary, facts.compared.words),
            acceptance.slices(facts.slices, floors, window.higher_is_better),
            calibration,
            acceptance.behaves(facts.outcomes),
            *([acceptance.pays(rivals(policies))] if policies else []),
            *([acceptance.saves(model["cost_saved"])] if window.costs is not None else []),
            *([acceptance.free_of_leaks(leaks)] if leaks else []),
            *more,
        )
    ).document


def _baselines(compared: BaselineComparison) -> dict[str, dict[str, Figure]]:
    return {
        name: {metric: rounded(result.value) for metric, result in other.items()}
        for name, other in compared.baselines.items()
    }


def _differences(compared: BaselineComparison, primary: str) -> dict[str, PairedDifference]:
    figures = compared.baselines
    return {
        name: evidence.difference(
            result, rounded(figures[name][primary].value), compared.words[name]
        )
        for name, result in compared.differences.items()
    }


def _group_rows(result: Mapping[str, Estimate], rows: evidence.Groups) -> dict[str, GroupFigure]:
    return {
        group: GroupFigure.from_estimate(e, rows=int(rows[group].sum()))
        for group, e in result.items()
    }


def _rows(window: LabelledWindow) -> RowCounts:
    out = {"test": len(window.label)}
    if window.day is not None:
        out["days"] = len(np.unique(window.day))
    if window.problem == "classification":
        out["positives"] = int(window.label.sum())
    return RowCounts(**out)


def _outcome(outcome: behaviour.BehaviourResult) -> BehaviourOutcome:
    return BehaviourOutcome(
        pairs=outcome.pairs,
        share=rounded(outcome.share),
        required=outcome.required,
        expect=outcome.expect,
        holds=outcome.holds,
    )


def check(usecase: UseCase, label: Array, table: str, remedy: str) -> None:
    """PlumblineError where `table` has no rows, rows without a label, or but one class."""
    unknown = int(np.isnan(label).sum())
    if len(label) == 0 or unknown:
        raise PlumblineError(
            f"the {table} table: expected rows with a known '{usecase.label}', found {len(label)} rows, "
            f"{unknown} without; {remedy}."
        )
    if usecase.classes and len(np.unique(label)) < 2:
        raise PlumblineError(
            f"the {table} table: expected at least two of the classes of '{usecase.label}', found only "
            f"{usecase.classes[int(label[0])]!r} in {len(label)} rows; {remedy}."
        )
    if usecase.problem == "classification" and len(np.unique(label)) < 2:
        raise PlumblineError(
            f"the {table} table: expected both classes of '{usecase.label}', found only {label[0]:g} "
            f"in {len(label)} rows; {remedy}."
        )
