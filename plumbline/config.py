"""params.yaml as frozen, typed objects: read once, and refused with one clear line each.

A stage's section is one class here. `seed` and `usecases` stand at the top of the file; every use
case has a section of its own with one sub-section per stage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from plumbline.core.errors import ParamsError, near
from plumbline.metrics.cost_matrix import Costs
from plumbline.tune import space

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Day = Annotated[date, Field(strict=False)]  # DVC takes no YAML dates: quoted, "2025-07-01"
Severity = Literal["block", "quarantine", "warn"]


def _space(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return _grammar(space.parse, value)


def _settings(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return _grammar(space.check, value)


def _grammar(
    check: Callable[[Mapping[str, Any]], Any], value: Mapping[str, Any]
) -> Mapping[str, Any]:
    try:
        check(value)
    except ValueError as error:  # its text begins where the key ends
        raise PydanticCustomError("grammar", "{text}", {"text": str(error)}) from None
    return value


Space = Annotated[Mapping[str, Any], AfterValidator(_space)]
Settings = Annotated[Mapping[str, Any], AfterValidator(_settings)]


class Section(BaseModel):
    """A section of params.yaml: frozen, with no key that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Data(Section):
    """Where the events come from. `as_of`: midnight at the start of that day; nothing later is seen."""

    source: Literal["simulate", "csv", "parquet", "url", "sql"]
    as_of: Day | None = None
    start: Day | None = None
    path: str | None = None  # csv, parquet: a file, a folder or a glob
    url: str | None = None  # http, https, file; ${VARIABLES} taken from the environment
    sha256: str | None = None  # url: required; csv, parquet: checked when given
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","  # csv
    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"  # csv
    address: str | None = None  # sql: SQLAlchemy address, ${VARIABLES} taken from the environment
    query: str | None = None
    simulate: Mapping[str, Any] = Field(default_factory=dict)
    forget: Mapping[str, list[int | str]] = Field(default_factory=dict)  # an id's column: ids


class Validate(Section):
    """How strict the contract is, and from which size a change against the accepted profile is told.

    `severity`: by kind of check ("range") or by column and kind ("price.range"), see
    `plumbline/validate/check.py`. Sizes are beyond what the number of rows explains.
    """

    max_quarantine: Share = 0.01  # of the rows of a table that may be set aside
    severity: Mapping[str, Severity] = Field(default_factory=dict)
    window_days: Count = 28  # of the profile, back from as_of
    shares: Share = 0.02  # Jensen-Shannon divergence of the shares of values, base 2
    mean: Annotated[float, Field(gt=0)] = 0.2  # shift in standard deviations
    quantiles: Annotated[float, Field(gt=0)] = 0.25  # shift of a quartile in interquartile ranges
    nulls: Share = 0.02  # change in the share of nulls
    rows: Share = 0.5  # change of a day's row count; half of it for the whole window's


class Features(Section):
    """How the events are split. Timed: whole days back from as_of. Plain tables: shares of the keys.

    `join`: how snapshots meet events, by Feast's point-in-time join or by a direct one in DuckDB,
    which is several times faster. Both write the same bytes.
    """

    join: Literal["feast", "direct"] = "direct"
    warmup_days: Days = 30
    valid_days: Days = 30
    test_days: Days = 30
    current_days: Days = 30
    valid_share: Share = 0.15
    test_share: Share = 0.2
    current_share: Share = 0.15


class Tune(Section):
    """Hyperopt's search. `space` is the grammar of `plumbline/tune/space.py`; `max_evals` 0 = no search.

    `params` are XGBoost's own, fixed in every trial; train takes them over.
    """

    max_evals: Annotated[int, Field(ge=0)] = 10
    rounds: Count = 200
    early_stopping: Count = 20
    threads: Annotated[int, Field(ge=0)] = 0
    params: Settings = Field(default_factory=dict)
    space: Space = Field(default_factory=dict)


class Train(Section):
    """The final model; `params` are XGBoost's own, over tune's fixed ones and under the tuned ones.

    `monotone`: by feature 1 (the answer never falls where it rises), -1 (never rises) or 0.
    """

    rounds: Count = 400
    early_stopping: Count = 30
    threads: Annotated[int, Field(ge=0)] = 0
    calibration: Literal["none", "platt", "isotonic"] = "platt"
    costs: Costs | None = (
        None  # the decision threshold is the cheapest; without them, of the best F1
    )
    params: Settings = Field(default_factory=dict)
    monotone: Mapping[str, Literal[-1, 0, 1]] = Field(default_factory=dict)


class Evaluate(Section):
    """How the model is measured, and what counts as good enough (see `plumbline/evaluate/acceptance.py`)."""

    bootstrap: Count = 500  # replicates
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95  # of the intervals
    k: Count = 50  # alarms a day at which precision is read, and that can be looked into
    rule: float | None = None  # a plain threshold of the naive answer, as a policy to beat
    false_alarm_rate: Share = 0.01  # at which recall is read
    linear_rows: Count = 200_000  # of train, at most, for the linear baseline
    pairs: Count = 5_000  # events of test, at most, for the expected behaviours
    explained: Count = 2_000  # rows of test, at most, whose contributions are drawn
    min_pairs: Count = 1  # that each behaviour must be checked on
    subgroup_share: Share = 0.02  # of the rows, at least, that a subgroup found must hold
    slice_floor: Share = 0.5  # of the overall figure that each slice must reach
    slice_floors: Mapping[str, float] = Field(
        default_factory=dict
    )  # by slice, in the metric's unit
    max_ece: Annotated[float, Field(ge=0)] = 0.3  # calibration error over the rarer class's share
    max_bias: Annotated[float, Field(ge=0)] = 0.5  # mean error over the mean absolute error


class Limits(Section):
    """From which size, beyond its noise, something is watched, and from which it pages."""

    watch: Annotated[float, Field(ge=0)]
    page: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Limits:
        if self.watch > self.page:
            raise ValueError(f"watch at most page, found watch {self.watch} above page {self.page}")
        return self


class Monitor(Section):
    """When the monitor speaks up: one error budget per period, and the sizes that matter."""

    period_days: Count = 1  # of one judgement; 7: weeks
    false_page_days: Annotated[float, Field(gt=1)] = 200.0  # periods per page without a cause
    false_watch_days: Annotated[float, Field(gt=1)] = 30.0  # periods per watch without a cause
    min_history: Count = 14  # healthy periods, with fewer drift is watched only
    min_rows: Count = 50  # of a period, fewer are not judged by their values
    used: Share = 0.02  # share of the model's gain from which a column can page
    fault: Share = 0.01  # share of the rows from which a fault in them pages
    hours: Share = 0.05  # share of a day's rows usual in hours that are missing
    felt: Annotated[float, Field(ge=0)] = 0.35  # shift of the score, in standard deviations
    slow: Annotated[float, Field(gt=0)] = 0.3  # shift since training, in standard deviations
    rows_change: Limits = Limits(watch=0.1, page=0.6)  # relative; only missing rows page
    absent: Limits = Limits(watch=0.05, page=0.15)  # share of an entity's ids that do not come
    stale: Share = 0.1  # share of ids whose histories are not those of the days before
    unlabelled: Limits = Limits(watch=0.02, page=0.1)  # share of the rows whose label is due
    quality: Limits = Limits(watch=0.05, page=0.1)  # relative loss of the primary metric
    calibration: Limits = Limits(watch=0.2, page=0.4)  # labels over scores, relative change
    shelf_life_days: Count | None = None  # age of a model from which it is due; None: not measured
    rows: Count = 5000  # of each window, drawn for the HTML report; the verdict takes all rows
    bins: Annotated[int, Field(ge=2)] = 10  # of a numeric column in a pull request's comparison
    chance: Annotated[float, Field(gt=0, lt=0.5)] = 0.001  # that its sizes exceed their noise
    psi: Limits = Limits(watch=0.1, page=0.25)  # nats, there and in the HTML report
    bootstrap: Count = 300  # replicates for the quality's interval
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95  # of the interval


class Backtest(Section):
    """`python -m plumbline backtest`. No stage reads it.

    `max_loss`: the share of the fresh model's figure whose loss, beyond noise, ends a model's shelf life.
    """

    origins: Count = 10  # models made one after another
    train_days: Count = 28  # of the first one's train window, at least
    replicates: Count = 2000  # for every interval
    max_loss: Share = 0.05


class Gate(Section):
    """What a pull request may do (`plumbline/review/merge_gate.py`). No stage reads it.

    `retrains`: how often `compare` trains head's model again with another seed, to see what luck does
    to each figure (`bench/honesty.py` measures how well that tells). Where it cannot, a difference up
    to `margin` of the other model's figure is noise. Shares of that figure, too: a slice that loses
    more than `slice_loss`, or a cost that grows by more than `cost_growth`, beyond noise, is refused;
    so is a gain too good to be true: more than `too_good` of the error gone at once. `override`: why a
    use case's model may be merged although it is refused.
    """

    retrains: Annotated[int, Field(ge=0, le=50)] = 6
    margin: Share = 0.015
    slice_loss: Share = 0.25
    cost_growth: Share = 0.1
    too_good: Share = 0.5
    override: Annotated[str, Field(min_length=1, max_length=500)] | None = None


def _address(value: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+", value):
        raise ValueError("one plain e-mail address")
    return value


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("one address at least")
    return value


def _variable(value: object) -> object:
    """A secret written here by mistake is refused, and not shown."""
    if isinstance(value, str) and re.fullmatch(r"[A-Z_][A-Z0-9_]*", value):
        return value
    text = ": expected the name of an environment variable, like SMTP_PASSWORD, never its value"
    raise PydanticCustomError("grammar", "{text}", {"text": text})


Address = Annotated[str, AfterValidator(_address)]
Variable = Annotated[str, BeforeValidator(_variable)]


class Email(Section):
    """Mail by SMTP, the monitor's page attached. A password goes by TLS only, or to this machine."""

    to: Annotated[tuple[Address, ...], Field(strict=False), AfterValidator(_some)]
    from_: Address = Field(alias="from")
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: Variable = "SMTP_USER"  # names of environment variables; not set: no log-in
    password: Variable = "SMTP_PASSWORD"


class Webhook(Section):
    """A message in Slack's or Teams' form to the address that an environment variable holds."""

    kind: Literal["slack", "teams"]
    url: Variable


class Silence(Section):
    """Findings that nobody is told of before the day `until`; what is left out matches all."""

    until: Day
    usecase: str | None = None
    column: str | None = None
    check: str | None = None


class Alerts(Section):
    """Who is told of what the monitor found (`python -m plumbline alert`). No stage reads it.

    At the top of params.yaml for all use cases; a use case's own `alerts` stand in its place.
    """

    level: Literal["watch", "page"] = "page"  # from which
    repeat_days: Count = 7  # until the same is said again
    silence_until: Day | None = None  # nothing is said before that day
    silence: Annotated[tuple[Silence, ...], Field(strict=False)] = ()
    email: Email | None = None
    webhooks: Annotated[tuple[Webhook, ...], Field(strict=False)] = ()
    github: bool = False  # one issue per use case


class UseCaseParams(Section):
    """One use case's section of params.yaml, and what stands at the top for all: seed, alerts."""

    seed: int
    data: Data
    validate_: Validate = Field(alias="validate")
    features: Features
    tune: Tune
    train: Train
    evaluate: Evaluate
    monitor: Monitor
    gate: Gate = Gate()
    backtest: Backtest = Backtest()
    alerts: Alerts = Alerts()


TOP = ("seed", "alerts")
"""Beside `usecases`, what is no use case's section."""


def load(usecase: str, path: Path = Path("params.yaml")) -> UseCaseParams:
    """The checked section of `usecase`, with the file's seed.

    Raises ParamsError with file, key, what was found and what was expected, one line per mistake.
    """
    whole = read(path)
    known = [k for k in whole if k not in ("usecases", *TOP)]
    if usecase not in known:
        raise ParamsError(f"{path}: no section '{usecase}'; {near(usecase, known)}")
    section = whole[usecase]
    if not isinstance(section, dict):
        raise ParamsError(f"{path}, {usecase}: got {section!r}, expected one sub-section per stage")
    shared = {k: whole.get(k) for k in TOP if k == "seed" or whole.get(k) is not None}
    try:
        return UseCaseParams.model_validate({**shared, **section})
    except ValidationError as error:
        above = [k for k in TOP if k not in section]
        lines = [_line(path, usecase, dict(e), above) for e in error.errors()]
        raise ParamsError("\n".join(lines)) from None


def first(path: Path = Path("params.yaml")) -> str:
    """The first of `usecases`: what a command takes that is given none."""
    named = read(path)["usecases"]
    if not named:
        raise ParamsError(f"{path}, usecases: empty; name a use case")
    return str(named[0])


def read(path: Path = Path("params.yaml")) -> dict[str, Any]:
    """params.yaml as plain values; ParamsError where it is no mapping or names no use case."""
    try:
        whole = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file; run from the project's root") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(whole, dict) or not isinstance(whole.get("usecases"), list):
        raise ParamsError(f"{path}: expected a list under the key 'usecases', e.g. [my_table]")
    return whole


def _line(path: Path, usecase: str, error: dict[str, Any], above: Sequence[str]) -> str:
    """`above`: the keys whose value is taken from the top of the file."""
    start = () if error["loc"][0] in above else (usecase,)
    where = ".".join(str(p) for p in (*start, *error["loc"]))
    if error["type"] == "grammar":
        return f"{path}, {where}{error['msg']}"
    if error["type"] == "missing":
        return f"{path}, {where}: missing; add it (see the comments in the committed params.yaml)"
    if error["type"] == "extra_forbidden":
        return (
            f"{path}, {where}: unknown key; {near(str(error['loc'][-1]), _keys(error['loc'][:-1]))}"
        )
    expected = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    found = repr(error["input"])
    if "alerts" in error["loc"] and "://" in found:  # a webhook's address is a secret
        found = "an address (not shown)"
    return f"{path}, {where}: got {found}, expected {expected}"


def _keys(loc: tuple[str | int, ...]) -> list[str]:
    model: Any = UseCaseParams
    for part in loc:
        if isinstance(part, str):  # else a place in a list
            names = {f.alias or n: f for n, f in model.model_fields.items()}
            model = _section(names[part].annotation)
    return [f.alias or n for n, f in model.model_fields.items() if n != "seed"]


def _section(kind: Any) -> Any:
    """The section in a field's type: Email of `Email | None`, Silence of `tuple[Silence, ...]`."""
    if hasattr(kind, "model_fields"):
        return kind
    return next((found for found in map(_section, get_args(kind)) if found), None)
