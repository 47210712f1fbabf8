"""What decisions cost in a what-if: the costs of params.yaml, or others. An edge: reads a file of costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import ValidationError

from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import class_costs, cost_matrix
from plumbline.metrics.class_costs import ClassCosts
from plumbline.metrics.cost_matrix import CELLS, Costs
from plumbline.model import decision_params, decision_prices
from plumbline.model.decision_params import Decisions
from plumbline.train.params import Train

REVIEW = ("review.positive", "review.negative")
KEYS = ("unit", *CELLS, *REVIEW)


@dataclass(frozen=True)
class Pricing:
    """What decisions cost: of two ways an event may come out, or of several classes (`matrix`, (k, k))."""

    unit: str
    costs: Costs | None
    decisions: Decisions
    matrix: Array | None = None

    @property
    def capacity(self) -> int | None:
        """Reviews a day at most."""
        return self.decisions.review.capacity if self.decisions.review else None

    def of(self, columns: Mapping[str, Array], places: Array) -> Array:
        """What decisions at these places (n,) cost by how the event comes out, float64 (n, k)."""
        if self.matrix is not None:
            return self.matrix[:, places].T
        assert self.costs is not None
        each = [
            decision_prices.prices(self.decisions, self.costs, columns, np.full(len(places), way))
            for way in (0, 1)
        ]
        return np.column_stack([one.of(places) for one in each])

    def outcome(self, usecase: FeatureSet, label: Array) -> Array:
        """How events came out, float64 (n,): 0 or 1, or a class's code; NaN where that is not known.

        `label`: object (n,), None where it is not known.
        """
        if self.matrix is not None:
            codes = {str(name): float(i) for i, name in enumerate(usecase.classes)}
            return np.array([codes.get(str(v), np.nan) for v in label], np.float64)
        values = np.array([np.nan if v is None else float(v) for v in label], np.float64)
        positive = np.asarray(decision_params.positive(self.decisions, values), np.float64)
        return np.where(np.isnan(values), np.nan, positive)


def declared(usecase: FeatureSet, train: Train) -> Pricing | str:
    """The pricing of params.yaml, or why there is none."""
    if usecase.problem == "multiclass":
        if train.class_costs is None:
            return "params.yaml declares no train.class_costs"
        return _of_classes(usecase, train.class_costs)
    if train.costs is None:
        return "params.yaml declares no train.costs"
    if usecase.problem == "regression" and train.decisions is None:
        return "of a regression without train.decisions nothing is decided"
    return Pricing(train.costs.unit, train.costs, train.decisions or Decisions())


def changed(usecase: FeatureSet, base: Pricing | str, words: Iterable[str]) -> Pricing:
    """Other costs: a YAML file as params.yaml has `costs` or `class_costs`, or KEY=VALUE over the declared ones.

    PlumblineError for an unknown key, a column that there is not, or a value that is none.
    """
    given: dict[str, Any] = {}
    for word in words:
        given |= _pair(word) if "=" in word else _file(Path(word))
    if usecase.problem == "multiclass":
        return _of_classes(usecase, _parsed(ClassCosts, given))
    return _of_two(usecase, base, given)


def _of_two(usecase: FeatureSet, base: Pricing | str, given: Mapping[str, Any]) -> Pricing:
    odd = [key for key in given if key not in KEYS]
    if odd:
        raise PlumblineError(f"--costs {odd[0]}: no such cost; {suggest(odd[0], KEYS)}")
    known = base if isinstance(base, Pricing) else None
    before = known.costs.model_dump() if known and known.costs else {}
    costs = _parsed(Costs, {**before, **{k: v for k, v in given.items() if k not in REVIEW}})
    decisions = known.decisions if known else Decisions()
    review = {k.partition(".")[2]: v for k, v in given.items() if k in REVIEW}
    if review and decisions.review is None:
        raise PlumblineError(
            "--costs review: nothing is sent to review (train.decisions.review); leave it out"
        )
    if review and decisions.review:
        reviewed = {**decisions.review.model_dump(), **review}
        kind = type(decisions.review)
        decisions = decisions.model_copy(update={"review": _parsed(kind, reviewed)})
    names = usecase.available
    amounts = {c: getattr(costs, c) for c in CELLS} | review
    for key, amount in amounts.items():
        column = cost_matrix.column_of(amount)
        if column is not None and column not in names:
            raise PlumblineError(
                f"--costs {key}: '{column}' is no column or feature known at prediction time; {suggest(column, names)}"
            )
    return Pricing(costs.unit, costs, decisions)


def _of_classes(usecase: FeatureSet, costs: ClassCosts) -> Pricing:
    return Pricing(
        costs.unit, None, Decisions(), class_costs.matrix("class_costs", costs, usecase.classes)
    )


def _pair(word: str) -> dict[str, Any]:
    key, _, text = word.partition("=")
    try:
        return {key.strip(): yaml.safe_load(text)}
    except yaml.YAMLError:
        raise PlumblineError(
            f"--costs {word}: expected KEY=VALUE like false_positive=500, or a column's name as the value"
        ) from None


def _file(path: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PlumblineError(
            f"--costs {path}: no such file, and no KEY=VALUE like false_positive=500"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PlumblineError(f"--costs {path}: not YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(value, dict):
        raise PlumblineError(
            f"--costs {path}: expected keys with values, as `train.costs` in params.yaml has them"
        )
    return value


def _parsed(kind: Any, given: Mapping[str, Any]) -> Any:
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise PlumblineError(f"--costs {where}: {fault['msg'].lstrip(': ')}") from None
