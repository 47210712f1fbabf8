"""Why an event was scored as it was served: contributions from the features that the log kept. Pure.

Nothing is computed anew but the trees: what counts is what the model saw then, not what is known now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.documents import Document
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model import contributions, scale
from plumbline.serve.online.scorer import CompiledScorer
from plumbline.serve.protocols import Key, LoggedEvent

UNITS = {"classification": "log odds", "multiclass": "log weight of the class decided on"}
STRETCHED = ("none", "platt", "temperature", "vector")
"""Calibrations through which a contribution can be taken."""


class Reason(Document):
    """What a feature added to the answer; `value`: a code as its category, None for null."""

    feature: str
    value: float | int | str | bool | None
    contribution: float
    description: str


class ServedExplanation(Document):
    """A served answer and its reasons, those that counted most first: base + offset + contributions = total.

    `of`: the score, or the score before an isotonic calibration; `scale`: what its parts are measured in.
    `same_score`: the trees give the logged score again, to the bit. `left_out`: reasons that are not listed.
    """

    usecase: str
    key: Key
    request_id: str
    arm: str
    bundle: str
    score: list[float]
    alarm: bool | None
    decision: str | None
    same_score: bool
    of: str
    scale: str
    base: float
    offset: float
    total: float
    reasons: list[Reason]
    left_out: int


def explain(scorer: CompiledScorer, row: LoggedEvent, most: int | None = None) -> ServedExplanation:
    """The explanation of a row of the log by the scorer of its bundle; `most`: reasons that are listed.

    Raises PlumblineError where the model did not score the event, or the scorer has other definitions.
    """
    if not row.score:
        raise PlumblineError(
            f"{scorer.usecase.name}: the event {row.key} was not scored, because it is not eligible; its answer says why"
        )
    columns = _columns(scorer, row)
    decided = _decided(scorer, row)
    parts = _contributions(scorer, columns, decided)
    reasons = _reasons(scorer, columns, parts.each[0])
    model = scorer.bundle
    return ServedExplanation(
        usecase=scorer.usecase.name,
        key=row.key,
        request_id=row.request_id,
        arm=row.arm,
        bundle=row.bundle,
        score=list(row.score),
        alarm=row.alarm,
        decision=row.decision,
        same_score=scorer.rescored(columns) == row.score,
        of="the score" if _through(scorer) else "the score before calibration",
        scale=UNITS.get(model.problem) or scale.unit(model.manifest.scale, "the label's unit"),
        base=float(parts.base[0]),
        offset=float(parts.offset[0]),
        total=float(parts.total[0]),
        reasons=reasons[:most],
        left_out=len(reasons) - len(reasons[:most]),
    )


def same_score(scorer: CompiledScorer, row: LoggedEvent) -> bool:
    """Whether the trees give the logged score again, to the bit, from the logged features."""
    return scorer.rescored(_columns(scorer, row)) == row.score


def text(record: ServedExplanation, most: int = 8) -> list[str]:
    """The explanation as lines of a terminal."""
    score = ", ".join(f"{one:.6g}" for one in record.score)
    alarm = {None: "", True: ", alarm", False: ", no alarm"}[record.alarm]
    decision = f", decision {record.decision}" if record.decision else ""
    again = (
        "the same again, to the bit" if record.same_score else "NOT the same again: another bundle"
    )
    lines = [
        f"{record.usecase} {record.key}, request {record.request_id}, arm {record.arm}, bundle {record.bundle}",
        f"score {score}{alarm}{decision}; scored from the log: {again}",
        f"{record.of} is {record.total:+.3f} in {record.scale}: {record.base:+.3f} for any event"
        + (f", {record.offset:+g} from the offset" if record.offset else "")
        + ", and",
    ]
    lines += [_line(reason) for reason in record.reasons[:most]]
    rest = record.total - record.base - record.offset
    rest -= sum(reason.contribution for reason in record.reasons[:most])
    more = len(record.reasons) + record.left_out - most
    return [*lines, f"  {rest:+7.3f}  the other {more} together"] if more > 0 else lines


def _line(reason: Reason) -> str:
    value = f"{reason.value:.6g}" if isinstance(reason.value, float) else str(reason.value)
    word = "raises" if reason.contribution > 0 else "lowers"
    about = f"{reason.feature} = {value} {word} it ({reason.description})"
    return f"  {reason.contribution:+7.3f}  {about}"


def _columns(scorer: CompiledScorer, row: LoggedEvent) -> dict[str, Array]:
    """The logged event's columns and features, (1,) each."""
    try:
        return scorer.logged(row.event, row.aggregates, row.computed)
    except (KeyError, ValueError):
        raise PlumblineError(
            f"{scorer.usecase.name}: the event {row.key} was served with other features than this bundle's; explain "
            f"it with the bundle {row.bundle}"
        ) from None


def _contributions(
    scorer: CompiledScorer, columns: Mapping[str, Array], decided: Array | None
) -> contributions.Contributions:
    model = scorer.bundle
    raw = contributions.of(
        model.booster, model.features, model.offset, columns, model.manifest.scale, decided
    )
    return contributions.calibrated(raw, model.calibration, decided)


def _decided(scorer: CompiledScorer, row: LoggedEvent) -> Array | None:
    """Of several classes, the code (1,) of the one decided on."""
    classes = [str(one) for one in scorer.bundle.classes]
    return np.array([classes.index(str(row.decision))]) if classes else None


def _through(scorer: CompiledScorer) -> bool:
    return scorer.bundle.problem == "regression" or scorer.bundle.calibration.kind in STRETCHED


def _reasons(scorer: CompiledScorer, columns: Mapping[str, Array], each: Array) -> list[Reason]:
    about = descriptions(scorer.usecase)
    categories = {c.name: dict(enumerate(c.values)) for c in scorer.usecase.categories}
    pairs = zip(scorer.bundle.features, each.tolist(), strict=True)
    reasons = [
        Reason(
            feature=name,
            value=_readable(columns[name].tolist()[0], categories.get(name)),
            contribution=part,
            description=about.get(name, ""),
        )
        for name, part in pairs
    ]
    return sorted(reasons, key=lambda one: (-abs(one.contribution), one.feature))


def _readable(value: Any, categories: Mapping[int, str | int] | None) -> Any:
    if categories is not None:
        return categories.get(int(value), "(another)")
    return None if value != value else value


def descriptions(usecase: FeatureSet) -> dict[str, str]:
    """What each column and feature is, by its name."""
    declared = (*usecase.known, *usecase.aggregates, *usecase.encodings, *usecase.rows)
    return {one.name: one.description.rstrip(".") for one in (*declared, *usecase.categories)}
