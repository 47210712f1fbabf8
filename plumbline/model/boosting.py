"""Boosting: binned matrices from batches, XGBoost's full settings, one fit with early stopping.

XGBoost is imported at the point of use. Reading is the caller's: a `Batches` gives arrays.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbline.core.declarations import Array, Problem, Scale
from plumbline.core.errors import ParamsError, suggest
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import metrics
from plumbline.model import library, softmax

OBJECTIVES: Mapping[Problem, str] = {
    "classification": "binary:logistic",
    "multiclass": "multi:softprob",
    "regression": "reg:absoluteerror",
}
WATCHED: Mapping[Problem, str] = {
    "classification": "aucpr",
    "multiclass": "mlogloss",
    "regression": "mae",
}
"""What early stopping watches; `score` gives the exact figure."""
MAX_BIN = 256
SECONDS = 10.0  # between two lines of progress

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class Batch:
    """m events: the model's matrix float32 (m, k), label (m,), and the offset (m,) if any."""

    x: Array
    y: Array
    offset: Array | None = None


@dataclass(frozen=True)
class Batches:
    """A table in pieces: `read()` starts anew at each call. `features` name the matrix's columns.

    `native`: those that are codes of categories, which the model splits on as sets.
    """

    features: tuple[str, ...]
    read: Callable[[], Iterator[Batch]]
    native: frozenset[str] = frozenset()

    @property
    def types(self) -> dict[str, Any]:
        """XGBoost's types of the columns; {} where all are numbers."""
        if not self.native:
            return {}
        return {"feature_types": ["c" if n in self.native else "float" for n in self.features]}


def joined(parts: Sequence[Batches]) -> Batches:
    """The tables one after another."""
    first = parts[0]
    return Batches(first.features, lambda: (b for p in parts for b in p.read()), first.native)


@dataclass(frozen=True)
class Boosted:
    """A fitted booster cut at its best round; `rounds` counts its rounds."""

    booster: Any
    rounds: int


def settings(
    problem: Problem,
    params: Mapping[str, Any],
    *,
    seed: int,
    threads: int,
    scale: Scale = "label",
    classes: int = 0,
) -> dict[str, Any]:
    """XGBoost's settings in full: `params` on top of the defaults. `threads` 0 = all cores.

    Counts have an objective of their own, and early stopping watches its likelihood. `classes`: how many
    a multiclass label has.
    """
    counts = {"objective": "count:poisson"} if scale == "count" else {}
    several = {"num_class": classes} if classes else {}
    return {
        "objective": OBJECTIVES[problem],
        "max_bin": MAX_BIN,
        **params,
        **counts,
        **several,
        "eval_metric": "poisson-nloglik" if counts else WATCHED[problem],
        "tree_method": "hist",
        "seed": seed % 2**31,
        "nthread": threads,
    }


def monotone(usecase: FeatureSet, signs_by_feature: Mapping[str, int]) -> dict[str, str]:
    """XGBoost's setting for `params.train.monotone`, in the features' order; {} where none is set.

    1: the answer never falls where the feature rises; -1: never rises; 0: free. Raises ParamsError
    with the nearest names where one is no feature of the model.
    """
    for name in signs_by_feature:
        if name not in usecase.features:
            raise ParamsError(
                f"params.yaml, {usecase.name}.train.monotone.{name}: no feature of the model; "
                f"{suggest(name, usecase.features)}"
            )
        if name in usecase.native and signs_by_feature[name]:
            raise ParamsError(
                f"params.yaml, {usecase.name}.train.monotone.{name}: a native category has no order; expected "
                "0, or native=False in features.py"
            )
    if not any(signs_by_feature.values()):
        return {}
    signs = ",".join(str(signs_by_feature.get(name, 0)) for name in usecase.features)
    return {"monotone_constraints": f"({signs})"}


def binned(
    batches: Batches, *, max_bin: int, threads: int, like: Any = None, pages: str | None = None
) -> Any:
    """A QuantileDMatrix, read batch by batch; `like` is the one whose bins it takes over.

    Holds the bins and one batch in memory, never the table. `pages`: a folder in which a page of bins per batch
    is kept in their place, so that memory holds a few pages; the bins' bounds are the same.
    """
    library.load()
    import xgboost

    class Pieces(xgboost.DataIter):
        def __init__(self) -> None:
            self.pieces: Iterator[Batch] = iter(())
            super().__init__(cache_prefix=f"{pages}/bins" if pages else None)

        def reset(self) -> None:
            self.pieces = batches.read()

        def next(self, input_data: Callable[..., None]) -> bool:
            batch = next(self.pieces, None)
            if batch is None:
                return False
            input_data(
                data=batch.x,
                label=batch.y,
                base_margin=batch.offset,
                feature_names=list(batches.features),
                **batches.types,
            )
            return True

    make = xgboost.ExtMemQuantileDMatrix if pages else xgboost.QuantileDMatrix
    return make(
        Pieces(),
        max_bin=max_bin,
        nthread=threads or None,
        ref=like,
        enable_categorical=bool(batches.native),
    )


def boost(
    full: Mapping[str, Any], train: Any, valid: Any, *, rounds: int, early_stopping: int
) -> Boosted:
    """Boost on `train` until `valid` has not improved for `early_stopping` rounds; keep the best.

    Raises xgboost's XGBoostError where it refuses the settings.
    """
    import xgboost

    watched = str(full["eval_metric"])
    stop = xgboost.callback.EarlyStopping(
        rounds=early_stopping,
        metric_name=watched,
        data_name="valid",
        maximize=watched == WATCHED["classification"],
    )
    booster = xgboost.train(
        dict(full),
        train,
        rounds,
        evals=[(valid, "valid")],
        callbacks=[stop, _progress(rounds)],
        verbose_eval=False,
    )
    kept = booster.best_iteration + 1
    best = booster[:kept]
    best.set_attr(best_iteration=None, best_score=None)
    return Boosted(best, kept)


def grow(full: Mapping[str, Any], matrix: Any, *, rounds: int) -> Any:
    """A booster of as many rounds on `matrix`, watched by nothing."""
    import xgboost

    return xgboost.train(dict(full), matrix, rounds, verbose_eval=False)


def score(problem: Problem, boosted: Boosted, valid: Any) -> float:
    """The primary metric on `valid`: average precision, log loss of several classes, or the mean absolute error."""
    label = valid.get_label().astype(np.float64)
    if problem == "multiclass":
        margin = boosted.booster.predict(valid, output_margin=True)
        return metrics.primary_figure(problem, label, softmax.of(margin))
    figure = metrics.average_precision if problem == "classification" else metrics.mae
    return figure(label, boosted.booster.predict(valid).astype(np.float64))


def _progress(rounds: int) -> Any:
    import xgboost

    class Progress(xgboost.callback.TrainingCallback):
        def __init__(self) -> None:
            self.started = self.last_line = time.perf_counter()

        def after_iteration(self, _: Any, epoch: int, evals_log: Any) -> bool:
            now = time.perf_counter()
            if now - self.last_line > SECONDS and sys.stderr.isatty():
                ((name, values),) = evals_log["valid"].items()
                log.info(
                    "  round %d of %d, %s %.5g, %.0f s",
                    epoch + 1, rounds, name, values[-1], now - self.started,
                )  # fmt: skip
                self.last_line = now
            return False

    return Progress()
