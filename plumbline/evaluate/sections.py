"""Evidence beyond the headline: calibration, policies, fairness, subgroups found, and the data. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbline.core.declarations import Columns
from plumbline.core.documents import rounded
from plumbline.core.usecase import UseCase
from plumbline.evaluate import (
    assessment,
    class_sections,
    decision_costs,
    fairness,
    gap_limits,
    policies,
    reliability,
    slices,
    subgroup_conditions,
    subgroup_reasons,
    subgroups,
)
from plumbline.evaluate.class_document import ClassEvidence
from plumbline.evaluate.curves import Table
from plumbline.evaluate.decision_document import DecisionEvidence
from plumbline.evaluate.evaluate_document import (
    CalibrationEvidence,
    DataOrigin,
    EvaluateChoices,
    FeatureShare,
    PolicyEvidence,
)
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.evaluate.fairness_document import GapVerdict, GroupFairness
from plumbline.evaluate.params import EvaluationSettings
from plumbline.evaluate.policies import Known
from plumbline.evaluate.subgroup_document import SubgroupSearch
from plumbline.evaluate.subgroup_reasons import SubgroupScores
from plumbline.metrics import cost_matrix as matrix
from plumbline.metrics.bootstrap import Array
from plumbline.model.bundle import Bundle
from plumbline.model.calibration import Kind
from plumbline.model.decisions import APPROVE, DecisionPolicy
from plumbline.model.tree_splits import TreeSplits

Facts = Mapping[str, Any]
TOP = 10
LEFT_OUT = "features_left_out"
"""Of a model's training: the features that tune's selection left out."""
MD5S = ("train", "valid")
"""Of the tables: `data` tells them."""


@dataclass(frozen=True)
class Scores:
    """The model's answers (n,): `score`, and `raw`, which is `score` before calibration of this kind.

    `splits`: where its trees split, if that is known.
    """

    score: Array
    raw: Array
    calibration: Kind
    splits: TreeSplits | None = None


@dataclass(frozen=True)
class FurtherSections:
    """Sections of evaluate.json beside the quality; calibration and policies of a classification."""

    fairness: dict[str, GroupFairness]
    subgroups: SubgroupSearch
    calibration: CalibrationEvidence | None = None
    policies: PolicyEvidence | None = None
    classes: ClassEvidence | None = None
    decisions: DecisionEvidence | None = None
    gap_limits: list[GapVerdict] | None = None


@dataclass(frozen=True)
class ModelOrigin:
    """Sections of evaluate.json on how the model and its figures were made."""

    settings: EvaluateChoices
    training: Mapping[str, Any]
    costs: matrix.Costs | None
    important: list[FeatureShare]


def further(
    usecase: UseCase,
    settings: EvaluationSettings,
    window: LabelledWindow,
    columns: Columns,
    scores: Scores,
    known: tuple[Columns, Array],
    policy: DecisionPolicy | None = None,
) -> FurtherSections:
    """The sections that the problem and the declarations allow.

    `columns` (n,) each, of the window. `known`: columns and score (m,) of the validation window. `policy`: the
    bundle's decisions.
    """
    readable = assessment.raw(usecase, columns)
    pieces = {piece.name: slices.groups(piece, readable) for piece in usecase.groups}
    flagged = policy.places(columns, scores.score) != APPROVE if policy else None
    treated = fairness.evidence(window, scores.score, pieces, flagged)
    judged = None
    if limits := settings.evaluate.max_gaps:
        judged = gap_limits.evidence(window, scores.score, pieces, treated, limits, flagged)
    searched = _subgroups(usecase, settings, window, readable, scores)
    acts = _decisions(usecase, settings, window, columns, scores.score, known, policy)
    if usecase.classes:
        several = class_sections.evidence(
            usecase, settings, window, scores.score, scores.calibration
        )
        return FurtherSections(treated, searched, classes=several)
    if usecase.problem == "regression":
        return FurtherSections(treated, searched, decisions=acts, gap_limits=judged)
    calibrated = reliability.evidence(window, scores.score, scores.raw, scores.calibration)
    in_money = _policies(usecase, settings, window, columns, scores, known)
    return FurtherSections(
        treated, searched, calibrated, in_money, decisions=acts, gap_limits=judged
    )


def _decisions(
    usecase: UseCase,
    settings: EvaluationSettings,
    window: LabelledWindow,
    columns: Columns,
    score: Array,
    known: tuple[Columns, Array],
    policy: DecisionPolicy | None,
) -> DecisionEvidence | None:
    """What the declared decisions cost; None where none are declared, or the bundle was trained without."""
    declared, costs = settings.decisions, settings.costs
    if declared is None or costs is None or policy is None:
        return None
    what = decision_costs.Declared(usecase, declared, costs, known)
    return decision_costs.evidence(what, window, columns, score, policy)


def _policies(
    usecase: UseCase,
    settings: EvaluationSettings,
    window: LabelledWindow,
    columns: Columns,
    scores: Scores,
    known: tuple[Columns, Array],
) -> PolicyEvidence | None:
    """The policies in money; None where no costs are declared."""
    costs = settings.costs
    if window.money is None or costs is None:
        return None
    before = known_window(usecase, costs, *known)
    rule, naive = settings.evaluate.rule, _naive(usecase, columns)
    named = f"`{usecase.naive}`"
    result = policies.policies(window, scores.score, scores.raw, naive, before, rule, named)
    return policies.evidence(window, window.money, costs.unit, result)


def origin(settings: EvaluationSettings, scorer: Bundle, importance: Table) -> ModelOrigin:
    """The settings of the evaluation, of the training, the costs, and the most used features."""
    chosen = settings.evaluate.model_dump(include={"level", "bootstrap", "k", "false_alarm_rate"})
    pairs = list(zip(importance["series"].tolist(), importance["y"].tolist(), strict=True))[:TOP]
    manifest = scorer.manifest
    training = {**scorer.provenance, "rounds": manifest.rounds, **manifest.params}
    if manifest.dropped:
        training[LEFT_OUT] = ", ".join(manifest.dropped)
    return ModelOrigin(
        settings=EvaluateChoices(**chosen),
        training={name: value for name, value in training.items() if name not in MD5S},
        costs=settings.costs,
        important=[FeatureShare(feature=n, share=rounded(share)) for n, share in pairs],
    )


def data(measured: Sequence[Facts], md5s: Mapping[str, str]) -> DataOrigin:
    """Where the rows came from, what was set aside, which window serves what, each table's md5.

    `measured`: what the stages data, validate and features left as metrics.
    """
    datasheet, validated, featured = measured
    source = datasheet["source"]
    seen: dict[str, Any] = {
        "left_out": datasheet.get("rows_left_out"),
        "irregularities": validated.get("irregularities"),
        "let_through": _let_through(validated),
        "plan": (datasheet.get("plan") or {}).get("lines"),
    }
    return DataOrigin(
        source=source["kind"],
        sha256=source.get("sha256"),
        span=datasheet.get("span"),
        as_of=datasheet.get("as_of"),
        rows=validated["rows"],
        quarantined=validated["quarantined"],
        windows=featured["tables"],
        md5=dict(md5s),
        **{name: value for name, value in seen.items() if value},
    )


def _let_through(validated: Facts) -> list[str]:
    """The waivers of validate's checks that were used, each with its reason."""
    used = [w for w in validated.get("waivers") or () if w["state"] == "used"]
    return [
        f"{w['check']}{_rows(w.get('rows'))}: {w['reason']} ({w['by']}, until {w['expires']})"
        for w in used
    ]


def _rows(count: int | None) -> str:
    return "" if count is None else f" in {count:,} rows"


def _subgroups(
    usecase: UseCase,
    settings: EvaluationSettings,
    window: LabelledWindow,
    readable: Columns,
    scores: Scores,
) -> SubgroupSearch:
    score = scores.score
    split = subgroups.halves(len(score), window.day)
    names = [n for n in subgroup_conditions.readable(usecase) if n in readable]
    coded = subgroup_conditions.coded(names, readable, split.search)
    codes = {c.column: c.name for c in usecase.categories if c.name in usecase.features}
    least = settings.evaluate.subgroup_share
    if usecase.classes:  # a label less an answer is no number
        return subgroups.evidence(window, score, coded, least)
    given = SubgroupScores(window, readable, coded, score, scores.splits, codes)
    return subgroups.evidence(
        window,
        score,
        coded,
        least,
        lambda one, halves: subgroup_reasons.of(given, one.rule, one.rows, halves.confirm),
    )


def known_window(usecase: UseCase, costs: matrix.Costs, columns: Columns, score: Array) -> Known:
    """The validation window, as the rules need it."""
    days = 1
    if usecase.time is not None:
        days = len(np.unique(columns[usecase.time].astype("datetime64[D]")))
    return Known(
        label=np.asarray(columns[usecase.label], np.float64),
        score=score,
        naive=_naive(usecase, columns),
        days=days,
        money=matrix.money(costs, columns),
    )


def _naive(usecase: UseCase, columns: Columns) -> Array | None:
    if usecase.naive is None:
        return None
    result = np.asarray(columns[usecase.naive], np.float64)
    return np.where(np.isfinite(result), result, -np.inf)
