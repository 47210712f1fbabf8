"""params.yaml as frozen, typed objects: read once, and refused with one clear line each.

A stage's section is one class here. `seed` and `usecases` stand at the top of the file; every use
case has a section of its own with one sub-section per stage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from plumbline.core import usecase_name
from plumbline.core.errors import ParamsError, suggest
from plumbline.core.params_base import Count, Day, Section, Share
from plumbline.data import secrets
from plumbline.data.params import Data
from plumbline.evaluate.params import Evaluate, EvaluationSettings
from plumbline.features.params import Features
from plumbline.monitor.params import Monitor
from plumbline.serve.params import Serve
from plumbline.train.params import Train
from plumbline.tune.params import Tune
from plumbline.validate.params import Validate


class Backtest(Section):
    """Settings of `plumbline backtest`. No stage reads them."""

    origins: Count = 10  # days in the past on which a model is trained
    train_days: Count = 28  # shortest train window
    replicates: Count = 2000  # of the bootstrap, for every interval
    # loss beyond noise that ends a model's shelf life, as a share of a fresh model's figure
    max_loss: Share = 0.05


Small = Annotated[float, Field(ge=0, le=0.5)]
"""A share that still leaves most of a figure."""


def bare(reason: str) -> str:
    """A reason's letters and digits alone: what two reasons are compared by.

    >>> bare("  Agreed,\u200b with Anna. ")
    'agreedwithanna'
    """
    return "".join(sign for sign in reason.casefold() if sign.isalnum())


def _in_words(value: str) -> str:
    if len(bare(value)) < SHORTEST:
        raise ValueError(f"a reason in words, of {SHORTEST} letters at least")
    return value


SHORTEST = 3
"""Letters of a reason."""
ReasonInWords = Annotated[str, Field(max_length=500), AfterValidator(_in_words)]


class Gate(Section):
    """The merge gate's limits (`plumbline gate`). No stage reads them; base's judge a change.

    Shares are of the base model's figure. All but `max_loss` and `max_lost_rows` count where the change is
    beyond noise.
    """

    # trainings of each side's model with other seeds, which measure the seed's part of the noise
    seed_replicates: Annotated[int, Field(ge=5, le=50)] = 6
    # loss of the primary metric that the interval must exclude; where it does not, the change cannot be judged
    max_loss: Annotated[float, Field(gt=0, le=0.25)] = 0.05
    max_lost_rows: Small = 0.01  # share of base's test rows that may be missing from head's
    max_looks: Count = 20  # results on one test window above which a report allows for all
    # difference that is too small to count where no other seed can be tried
    margin: Annotated[float, Field(ge=0, le=0.05)] = 0.015
    slice_loss: Small = 0.25  # loss of one slice above which a change is refused
    cost_growth: Small = 0.1  # growth of the cost above which a change is refused
    # share of the error removed at once above which a leak is suspected
    too_good: Annotated[float, Field(gt=0, le=0.9)] = 0.5
    # a reason in words, written for this change; its model may then be merged although the gate refuses it
    override: ReasonInWords | None = None

    def limits(self) -> dict[str, float]:
        """The limits that a verdict is judged by, by name."""
        names = {"max_loss", "max_lost_rows", "slice_loss", "cost_growth", "too_good", "max_looks"}
        return self.model_dump(include=names)


class ProjectGate(Section):
    """The merge gate, for what no single use case is: tests, workflows, library, use cases that end."""

    # a reason in words, written for this change
    override: ReasonInWords | None = None


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
    """E-mail by SMTP with the monitor's page attached.

    A password is sent by TLS only, or to this machine.
    """

    to: Annotated[tuple[Address, ...], Field(strict=False), AfterValidator(_some)]  # recipients
    from_: Address = Field(alias="from")  # sender
    host: Annotated[str, Field(min_length=1)]  # of the SMTP server
    port: Annotated[int, Field(ge=1, le=65_535)] = 587  # 465 with `tls: implicit`
    tls: Literal["starttls", "implicit", "none"] = "starttls"  # how the connection is encrypted
    user: Variable = "SMTP_USER"  # name of an environment variable; where it is not set: no log-in
    password: Variable = "SMTP_PASSWORD"  # name of an environment variable


class Webhook(Section):
    """A message to a Slack or Teams channel."""

    kind: Literal["slack", "teams"]  # form of the message
    url: Variable  # name of the environment variable that holds the webhook's address


class Silence(Section):
    """Findings that are not sent before a day. A key that is left out matches everything."""

    until: Day  # first day on which such findings are sent again
    usecase: str | None = None  # its name
    column: str | None = None  # that the finding names
    check: str | None = None  # e.g. drift; the monitor's page names each finding's check


class Alerts(Section):
    """Where `plumbline alert` sends the monitor's findings. No stage reads it.

    Set at the top of params.yaml for all use cases; a use case's own `alerts` section replaces it.
    """

    level: Literal["warning", "alert"] = "alert"  # lowest level that is sent
    repeat_days: Count = 7  # days until an unchanged finding is sent again
    silence_until: Day | None = None  # nothing is sent before this day
    silence: Annotated[tuple[Silence, ...], Field(strict=False)] = ()  # findings not sent for now
    email: Email | None = None  # None: no e-mail
    webhooks: Annotated[tuple[Webhook, ...], Field(strict=False)] = ()  # Slack and Teams
    github: bool = False  # keep one GitHub issue per use case


class UseCaseParams(Section):
    """One use case's section of params.yaml, and what stands at the top for all: seed, alerts, serve."""

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
    serve: Serve = Serve()

    @property
    def evaluation(self) -> EvaluationSettings:
        """What an evaluation reads: its own section, train's costs and decisions, the seed."""
        t = self.train
        return EvaluationSettings(self.evaluate, t.costs, self.seed, t.class_costs, t.decisions)


FILE = "params.yaml"
TOP = ("seed", "alerts", "serve")
"""Beside `usecases`, what stands at the top for all use cases."""
PROJECT = "gate"
"""The section that is the whole project's."""


def load(usecase: str, path: Path = Path("params.yaml")) -> UseCaseParams:
    """The checked section of `usecase`, with the file's seed.

    Raises ParamsError with file, key, what was found and what was expected, one line per mistake.
    """
    whole = read(path)
    known = [k for k in whole if k not in ("usecases", PROJECT, *TOP)]
    if usecase not in known:
        raise ParamsError(f"{path}: no section '{usecase}'; {suggest(usecase, known)}")
    section = whole[usecase]
    if not isinstance(section, dict):
        raise ParamsError(f"{path}, {usecase}: got {section!r}, expected one sub-section per stage")
    shared = {k: whole.get(k) for k in TOP if k == "seed" or whole.get(k) is not None}
    try:
        return UseCaseParams.model_validate({**shared, **section, **_serve(shared, section)})
    except ValidationError as error:
        above = [k for k in TOP if k not in section]
        lines = [_line(path, usecase, dict(e), above) for e in error.errors()]
        raise ParamsError("\n".join(lines)) from None


def _serve(shared: dict[str, Any], section: dict[str, Any]) -> dict[str, Any]:
    """A use case's settings of the service over those of all; none where it has none of its own."""
    above, own = shared.get("serve"), section.get("serve")
    return {"serve": {**above, **own}} if isinstance(above, dict) and isinstance(own, dict) else {}


def first(path: Path = Path("params.yaml")) -> str:
    """The first of `usecases`: what a command takes that is given none."""
    named = read(path)["usecases"]
    if not named:
        raise ParamsError(f"{path}, usecases: empty; name a use case")
    return str(named[0])


def selected(names: Sequence[str], path: Path = Path("params.yaml")) -> list[str]:
    """`names`, or all of `usecases` where there are none; ParamsError for a name not listed."""
    listed = [str(name) for name in read(path)["usecases"]]
    for name in names:
        if name not in listed:
            raise ParamsError(f"'{name}': not in {path}'s usecases; {suggest(name, listed)}")
    return list(names) or listed


def read(path: Path = Path("params.yaml")) -> dict[str, Any]:
    """params.yaml as plain values; ParamsError where it is no mapping, a use case's name is none, or data hold a secret."""
    try:
        whole = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file; run from the project's root") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(whole, dict) or not isinstance(whole.get("usecases"), list):
        raise ParamsError(f"{path}: expected a list under the key 'usecases', e.g. [my_table]")
    usecase_name.check_all(whole["usecases"], f"{path}, usecases")
    _refuse_secrets(path, whole)
    try:
        ProjectGate.model_validate(whole.get(PROJECT) or {})
    except ValidationError as error:
        where = f"{path}, {PROJECT}"
        parts = [f"{where}.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ParamsError("; ".join(parts)) from None
    return whole


def _refuse_secrets(path: Path, whole: dict[str, Any]) -> None:
    """Of all use cases, before any value can stand in a message, a record or dvc.lock."""
    for name, section in whole.items():
        data = section.get("data") if isinstance(section, dict) else None
        if isinstance(data, dict):
            secrets.refuse(data, f"{path}, {name}.data")


def _line(path: Path, usecase: str, error: dict[str, Any], above: Sequence[str]) -> str:
    """`above`: the keys whose value is taken from the top of the file."""
    start = () if error["loc"][0] in above else (usecase,)
    where = ".".join(str(p) for p in (*start, *error["loc"]))
    if error["type"] == "grammar":
        return f"{path}, {where}{error['msg']}"
    if error["type"] == "missing":
        return f"{path}, {where}: missing; add it (see the comments in the committed params.yaml)"
    if error["type"] == "extra_forbidden":
        return f"{path}, {where}: unknown key; {suggest(str(error['loc'][-1]), _keys(error['loc'][:-1]))}"
    expected = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    result = repr(error["input"])
    if "alerts" in error["loc"] and "://" in result:  # a webhook's address is a secret
        result = "an address (not shown)"
    return f"{path}, {where}: got {result}, expected {expected}"


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
    return next((result for result in map(_section, get_args(kind)) if result), None)
