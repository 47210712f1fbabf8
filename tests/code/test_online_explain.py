"""A served row explained from the log alone: the parts add up, and the score is the logged one to the bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.model.calibration import Calibration
from plumbline.serve.online import explain
from plumbline.serve.online.scorer import CompiledScorer
from plumbline.serve.protocols import LoggedEvent
from tests import classes, requests
from tests.code.test_encodings import HOMES
from tests.frames import FLIGHTS
from tests.small import SMALL

PLATT = Calibration("platt", (1.3,), (-0.4,))
STEPS = Calibration("isotonic", (0.1, 0.3, 0.6), (0.0, 0.4, 0.9))


def served(scorer: CompiledScorer, seed: int = 1) -> LoggedEvent:
    """One row of the log."""
    case = scorer.usecase
    (event,), (past,) = requests.events(case, 1, seed), requests.histories(case, 1, seed)
    (scored,) = scorer.score([event], [past])
    return LoggedEvent(
        sequence=1, received=0, request_id="r1", key=event[case.key], digest=b"", event=event,
        aggregates=tuple(past), computed=scored.computed, derived=scored.derived, raw=scored.raw,
        score=scored.score, alarm=scored.alarm, decision=scored.decision, action="", propensity=1.0,
        arm="champion", mode="live", route_version=1, bundle="b1", definitions="", watermark=0,
        flags=(), micros=0, answer=b"",
    )  # fmt: skip


CASES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "platt": (SMALL, {"calibration": PLATT}, "the score"),
    "isotonic": (SMALL, {"calibration": STEPS}, "the score before calibration"),
    "offset": (FLIGHTS, {}, "the score"),
    "encodings": (HOMES, {}, "the score"),
    "classes": (classes.days(), {"calibration": Calibration("temperature", (1.2,))}, "the score"),
}


@pytest.mark.capability("I9", "I10")
@pytest.mark.parametrize("name", CASES)
def test_the_parts_of_a_served_score(name: str) -> None:
    case, parts, what = CASES[name]
    scorer = CompiledScorer(requests.scorer(case, **parts))
    for seed in range(1, 6):
        row = served(scorer, seed)
        record = explain.explain(scorer, row)
        added = sum(reason.contribution for reason in record.reasons)
        assert record.base + record.offset + added == pytest.approx(record.total, abs=1e-4)
        assert (record.of, record.same_score) == (what, True)
        sizes = [abs(reason.contribution) for reason in record.reasons]
        assert sizes == sorted(sizes, reverse=True)
        assert {reason.feature for reason in record.reasons} == set(case.features)
        assert all(reason.description for reason in record.reasons)
        assert explain.same_score(scorer, row)


def test_values_are_those_that_were_served() -> None:
    scorer = CompiledScorer(requests.scorer(SMALL))
    row = served(scorer)
    values = {r.feature: r.value for r in explain.explain(scorer, row).reasons}
    assert values["kind_code"] == row.event["kind"]
    assert values["cents"] == row.event["cents"]
    changed = replace(row, aggregates=tuple(a + 1_000 for a in row.aggregates), score=(0.5,))
    record = explain.explain(scorer, changed)
    assert {r.feature: r.value for r in record.reasons}["who_mean_3d"] == values[
        "who_mean_3d"
    ] + 1_000
    assert record.same_score is False
    assert "NOT the same again" in explain.text(record)[1]


def test_a_few_reasons_and_their_text() -> None:
    scorer = CompiledScorer(requests.scorer(FLIGHTS))
    record = explain.explain(scorer, served(scorer), most=3)
    assert (len(record.reasons), record.left_out) == (3, len(FLIGHTS.features) - 3)
    lines = explain.text(record, 2)
    assert len(lines) == 6
    assert "from the offset" in lines[2]
    assert lines[-1].endswith(f"the other {len(FLIGHTS.features) - 2} together")
    assert "the same again, to the bit" in lines[1]


def test_rows_that_cannot_be_explained() -> None:
    scorer = CompiledScorer(requests.scorer(SMALL))
    row = served(scorer)
    with pytest.raises(PlumblineError, match="was not scored, because it is not eligible"):
        explain.explain(scorer, replace(row, score=()))
    for change in ({"computed": ()}, {"aggregates": (1.0,)}, {"event": {}}):
        with pytest.raises(PlumblineError, match="explain it with the bundle b1"):
            explain.explain(scorer, replace(row, **change))
