"""Fit the final model: boost, calibrate, choose the threshold.

The train stage, the backtest's refits and the seed replicates of a comparison all fit through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from plumbline.core import stored_columns
from plumbline.core.declarations import Array, Columns
from plumbline.core.encodings import LearnedEncoding
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import metrics
from plumbline.metrics.cost_matrix import Costs
from plumbline.model import (
    boosting,
    bundle,
    calibration,
    decision_fit,
    decision_params,
    manifest,
    matrices,
)
from plumbline.model import threshold as decision
from plumbline.model.calibration import Calibration
from plumbline.model.decision_params import Decisions
from plumbline.model.decisions import DecisionPolicy
from plumbline.model.threshold import Threshold
from plumbline.model.tune_result import TuneResult
from plumbline.train import class_params
from plumbline.train.params import Train


@dataclass(frozen=True)
class FittedModel:
    """A booster cut at its best round, its calibration, and the threshold chosen (None for a regression)."""

    usecase: FeatureSet
    booster: Any
    rounds: int
    calibration: Calibration
    chosen: Threshold | None
    metric: float  # the primary metric on the validation window
    class_costs: tuple[tuple[float, ...], ...] = ()  # by class and the class decided on
    decisions: DecisionPolicy | None = None

    @property
    def threshold(self) -> float | None:
        """Alarm at this probability and above; None for a regression."""
        return self.chosen.value if self.chosen else None

    def predict(self, columns: Columns) -> Array:
        """Calibrated probability, or value in the label's unit, float64 (n,); of several classes (n, k).

        `columns` holds the features and the offset, (n,) each; SpecError where one is missing.
        """
        usecase = self.usecase
        raw = _raw(usecase, self.booster, columns)
        return calibration.apply(self.calibration, raw)


def booster_settings(
    usecase: FeatureSet, train: Train, tuned: TuneResult, seed: int
) -> dict[str, Any]:
    """XGBoost's settings in full: tune's fixed ones, under train's, under the best trial's.

    Raises ParamsError where `train.monotone` names neither a feature of the model nor one that tune left
    out, or where the params are not of such a label.
    """
    class_params.check(usecase, train, tuned.fixed)
    monotone = {n: sign for n, sign in train.monotone.items() if n not in tuned.dropped}
    given = {
        **tuned.fixed,
        **train.params,
        **tuned.params,
        **boosting.monotone(usecase, monotone),
    }
    return boosting.settings(
        usecase.problem,
        given,
        seed=seed,
        threads=train.threads,
        scale=usecase.scale,
        classes=len(usecase.classes),
    )


def needed_columns(
    usecase: FeatureSet, costs: Costs | None, decisions: Decisions | None = None
) -> list[str]:
    """The columns of the validation window that `fit` reads: features, label, offset, costs', decisions'."""
    money = costs.columns if costs else []
    acts = decision_params.columns(decisions)
    time = [usecase.time] if decisions and usecase.time else []
    return list(dict.fromkeys([*matrices.needed(usecase), *money, *acts, *time]))


def fit(
    usecase: FeatureSet,
    train: Train,
    settings: Mapping[str, Any],
    pair: tuple[Any, Any],
    valid: Columns,
    both: Any = None,
    decide: bool = False,
) -> FittedModel:
    """Boost on the first matrix of `pair`; early stopping, calibration and threshold on the second.

    `settings`: XGBoost's in full. `pair`: the QuantileDMatrices of train and validation window;
    `valid`: the columns of the second, (m,) each (`needed_columns`). `both`: the matrix of the two
    windows together, on which the model with as many rounds is boosted again; None: it is not. `decide`: fit the
    declared decisions, too, by answers about rows that the model has not learned from.
    """
    boosted = boosting.boost(
        settings, *pair, rounds=train.rounds, early_stopping=train.early_stopping
    )
    model = finish(usecase, train, boosted, valid)
    if decide:
        model = _with_decisions(model, train, valid)
    if both is None:
        return model
    return replace(model, booster=boosting.grow(settings, both, rounds=model.rounds))


def completed(
    usecase: FeatureSet, train: Train, boosted: boosting.Boosted, valid: Columns, again: Any
) -> FittedModel:
    """A boosted model with calibration, threshold and declared decisions, fitted on the validation window.

    `again`: the trees of both windows that then take the place of the first; None: these stay.
    """
    model = _with_decisions(finish(usecase, train, boosted, valid), train, valid)
    return model if again is None else replace(model, booster=again)


def finish(
    usecase: FeatureSet, train: Train, boosted: boosting.Boosted, valid: Columns
) -> FittedModel:
    """A boosted model with calibration and threshold, fitted on the validation window."""
    raw = _raw(usecase, boosted.booster, valid)
    label = valid[usecase.label].astype(float)
    fitted = Calibration()
    if usecase.problem != "regression":
        fitted = calibration.fit(class_params.calibration(usecase, train), raw, label)
    answer = calibration.apply(fitted, raw)
    return FittedModel(
        usecase=usecase,
        booster=boosted.booster,
        rounds=boosted.rounds,
        calibration=fitted,
        chosen=decision.choose(usecase, valid, answer, train.costs),
        metric=metrics.primary_figure(usecase.problem, label, answer),
        class_costs=class_params.amounts(usecase, train),
    )


def _raw(usecase: FeatureSet, booster: Any, columns: Columns) -> Array:
    """The booster's answer before calibration, float64 (n,) or (n, k)."""
    features, offset, classes = usecase.features, usecase.offset, len(usecase.classes)

    def answer(part: Columns) -> Array:
        return bundle.raw_score(booster, features, offset, part, usecase.scale, classes)

    return stored_columns.row_by_row(columns, matrices.needed(usecase), answer)


def _with_decisions(model: FittedModel, train: Train, valid: Columns) -> FittedModel:
    """The model with the policy that the params declare, fitted on the validation window; without, as it is."""
    if train.decisions is None or train.costs is None:
        return model
    policy = decision_fit.fit(
        model.usecase, valid, model.predict(valid), train.decisions, train.costs
    )
    return replace(model, decisions=policy)


def manifest_entries(
    model: FittedModel,
    settings: Mapping[str, Any],
    provenance: Mapping[str, str | int],
    learned: Mapping[str, LearnedEncoding] = MappingProxyType({}),
) -> dict[str, Any]:
    """All of a bundle's manifest but the md5 of the trees; the number of threads is left out."""
    source = {one.name: one.column for one in model.usecase.encodings}
    return {
        **manifest.describe(model.usecase),
        "encodings": {n: {"column": source[n], **asdict(e)} for n, e in learned.items()},
        "calibration": model.calibration.as_json(),
        "threshold": model.chosen,
        "class_costs": model.class_costs,
        "decisions": model.decisions,
        "rounds": model.rounds,
        "metrics": {metrics.PRIMARY[model.usecase.problem]: model.metric},
        "params": {k: v for k, v in settings.items() if k != "nthread"},
        "provenance": dict(provenance),
    }
