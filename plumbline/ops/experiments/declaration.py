"""What an experiment compares, in which shares, until when: `experiments/USECASE/NAME.yaml`. Pure.

It is written before the first event counts and changed by nothing but its end, so that the review of the pull
request that brings it is a review of what will be judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.params_base import Day, Section
from plumbline.ops.experiments import metric_names
from plumbline.serve.routes.document import ArmName

Direction = Literal["higher", "lower"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(gt=0, lt=1)]
LONGEST = 366


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[ArmName, ...], BeforeValidator(_tuple)]


class Guardrail(Section):
    """A metric that may not become worse by more than `limit`, in its own unit."""

    worse: Direction
    limit: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Ended(Section):
    """How it ended: the last day that counts, the verdict at that time, and the arm that was kept."""

    day: Day
    verdict: Annotated[str, Field(min_length=1)]
    keep: ArmName


class Experiment(Section):
    """One experiment. `effect`: the smallest difference that it is to find, in the metric's unit.

    `design` ab: entities are divided among the arms by the routes' weights (`shares`, per cent). paired: the
    treatments are shadows, and score what the control answers. `unit`: the entity whose events belong together;
    None: events are independent. `baseline`: the metric's mean before, for the reader.
    """

    hypothesis: Annotated[str, Field(min_length=1)]
    design: Literal["ab", "paired"] = "ab"
    metric: str
    better: Direction
    control: ArmName = "champion"
    treatments: Annotated[Names, Field(min_length=1, max_length=9)]
    shares: dict[ArmName, Annotated[int, Field(ge=1, le=100)]] = Field(default_factory=dict)
    unit: str | None = None
    start: Day
    days: Annotated[int, Field(ge=1, le=LONGEST)]
    effect: Positive
    baseline: float | None = None
    power: Probability = 0.8
    alpha: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    guardrails: dict[str, Guardrail] = Field(default_factory=dict)
    ended: Ended | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Experiment:
        names = [self.control, *self.treatments]
        _expect(len(set(names)) == len(names), "treatments", "arms of different names", names)
        if self.design == "ab":
            _expect(
                set(self.shares) == set(names),
                "shares",
                f"one for each of {_list(names)}",
                dict(self.shares),
            )
            total = sum(self.shares.values())
            _expect(total <= 100, "shares", "percentages that sum to 100 at most", total)
        else:
            _expect(
                not self.shares, "shares", "none, as shadows see every event", dict(self.shares)
            )
        if self.ended:
            _expect(
                self.ended.keep in names, "ended.keep", f"one of {_list(names)}", self.ended.keep
            )
            _expect(
                self.ended.day >= self.start, "ended.day", f"{self.start} or later", self.ended.day
            )
        return self

    @property
    def last(self) -> date:
        """The last planned day."""
        return self.start + timedelta(days=self.days - 1)

    @property
    def arms(self) -> tuple[str, ...]:
        """Control first."""
        return (self.control, *self.treatments)

    @property
    def comparison_alpha(self) -> float:
        """The error allowed to each treatment's comparison (Bonferroni)."""
        return self.alpha / len(self.treatments)

    @property
    def guardrail_alpha(self) -> float:
        """The error allowed to each guardrail of each treatment."""
        return self.alpha / max(1, len(self.treatments) * len(self.guardrails))

    @property
    def metrics(self) -> tuple[str, ...]:
        """All that are measured, the judged one first."""
        return tuple(dict.fromkeys((self.metric, *self.guardrails)))


def parsed(where: str, value: Any) -> Experiment:
    """A declaration out of YAML; PlumblineError with a line per mistake."""
    if not isinstance(value, Mapping):
        raise PlumblineError(
            f"{where}: expected keys like hypothesis, metric, treatments; found {value!r}"
        )
    try:
        return Experiment.model_validate(value)
    except ValidationError as error:
        lines = [_line(where, dict(one)) for one in error.errors()]
        raise PlumblineError("\n".join(lines)) from None


def check(where: str, experiment: Experiment, known: metric_names.KnownNames) -> None:
    """PlumblineError where it names a metric or an entity that the use case does not have."""
    for metric in experiment.metrics:
        metric_names.check(where, metric, known)
        if experiment.design == "paired" and metric_names.is_of_service(metric):
            raise PlumblineError(
                f"{where}: '{metric}' is no property of an answer, and a shadow answers nobody; "
                "expected design: ab, or another metric"
            )
    if experiment.unit is not None and experiment.unit not in known.entities:
        raise PlumblineError(
            f"{where}, unit: got '{experiment.unit}', expected an entity of the use case; "
            f"{suggest(experiment.unit, known.entities)}"
        )


def _line(where: str, error: Mapping[str, Any]) -> str:
    keys = [str(key) for key in error["loc"]]
    kind, text = error["type"], error["msg"]
    if kind == "extra_forbidden":
        return (
            f"{where}, {'.'.join(keys)}: unknown key; {suggest(keys[-1], Experiment.model_fields)}"
        )
    if kind == "missing":
        return f"{where}, {'.'.join(keys)}: missing; every experiment declares it"
    if kind == "value_error":
        return f"{where}, {text.removeprefix('Value error, ')}"
    return f"{where}, {'.'.join(keys)}: {text}, found {error.get('input')!r}"


def _expect(right: bool, key: str, expected: str, found: object) -> None:
    if not right:
        raise ValueError(f"{key}: expected {expected}, found {found}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
