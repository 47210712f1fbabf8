"""params.yaml as frozen, typed objects: read once, and refused with one clear line each.

A stage's section is one class here. `seed` and `usecases` stand at the top of the file; every use
case has a section of its own with one sub-section per stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plumbline.errors import ParamsError, near

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Day = Annotated[date, Field(strict=False)]  # DVC takes no YAML dates: quoted, "2025-07-01"
Severity = Literal["block", "quarantine", "warn"]


class Section(BaseModel):
    """A section of params.yaml: frozen, with no key that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Data(Section):
    """Where the events come from. `as_of`: midnight at the start of that day; nothing later is seen."""

    source: Literal["simulate", "csv", "parquet", "url", "sql"]
    as_of: Day | None = None
    start: Day | None = None
    path: str | None = None  # csv, parquet: a file, a folder or a glob
    url: str | None = None
    sha256: str | None = None  # url: required; csv, parquet: checked when given
    address: str | None = None  # sql: SQLAlchemy address, ${VARIABLES} taken from the environment
    query: str | None = None
    simulate: Mapping[str, Any] = Field(default_factory=dict)


class Validate(Section):
    """How strict the contract is."""

    max_quarantine: Share = 0.01
    severity: Mapping[str, Severity] = Field(default_factory=dict)


class Features(Section):
    """How the events are split. Timed: whole days back from as_of. Plain tables: shares of the keys."""

    warmup_days: Days = 30
    valid_days: Days = 30
    test_days: Days = 30
    current_days: Days = 30
    valid_share: Share = 0.15
    test_share: Share = 0.2
    current_share: Share = 0.15


class Tune(Section):
    """Hyperopt's search. `space` is the grammar of `plumbline/space.py`."""

    max_evals: Count = 10
    rounds: Count = 200
    early_stopping: Count = 20
    space: Mapping[str, Any] = Field(default_factory=dict)


class Train(Section):
    """The final model; `params` are XGBoost's own, tuned ones override them."""

    rounds: Count = 400
    early_stopping: Count = 30
    threads: Annotated[int, Field(ge=0)] = 0
    params: Mapping[str, Any] = Field(default_factory=dict)


class Evaluate(Section):
    """What counts as good enough."""

    bootstrap: Count = 500
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


class Monitor(Section):
    """When the monitor speaks up."""

    rows: Count = 5000


class UseCaseParams(Section):
    """One use case's section of params.yaml, and the seed."""

    seed: int
    data: Data
    validate_: Validate = Field(alias="validate")
    features: Features
    tune: Tune
    train: Train
    evaluate: Evaluate
    monitor: Monitor


def load(usecase: str, path: Path = Path("params.yaml")) -> UseCaseParams:
    """The checked section of `usecase`, with the file's seed.

    Raises ParamsError with file, key, what was found and what was expected, one line per mistake.
    """
    whole = read(path)
    known = [k for k in whole if k not in ("usecases", "seed")]
    if usecase not in known:
        raise ParamsError(f"{path}: no section '{usecase}'; {near(usecase, known)}")
    section = whole[usecase]
    if not isinstance(section, dict):
        raise ParamsError(f"{path}, {usecase}: got {section!r}, expected one sub-section per stage")
    try:
        return UseCaseParams.model_validate({"seed": whole.get("seed"), **section})
    except ValidationError as error:
        lines = [_line(path, usecase, dict(e)) for e in error.errors()]
        raise ParamsError("\n".join(lines)) from None


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


def _line(path: Path, usecase: str, error: dict[str, Any]) -> str:
    where = ".".join(str(p) for p in (usecase, *error["loc"]))
    if error["loc"] == ("seed",):
        where = "seed"
    if error["type"] == "missing":
        return f"{path}, {where}: missing; add it (see the comments in the committed params.yaml)"
    if error["type"] == "extra_forbidden":
        return (
            f"{path}, {where}: unknown key; {near(str(error['loc'][-1]), _keys(error['loc'][:-1]))}"
        )
    expected = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return f"{path}, {where}: got {error['input']!r}, expected {expected}"


def _keys(loc: tuple[str | int, ...]) -> list[str]:
    model: Any = UseCaseParams
    for part in loc:
        names = {f.alias or n: f for n, f in model.model_fields.items()}
        model = names[str(part)].annotation
    return [f.alias or n for n, f in model.model_fields.items() if n != "seed"]
