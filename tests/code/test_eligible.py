"""Who is scored: the same events in the model tables and one by one; the others stay in histories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plumbline.core.declarations import Only
from plumbline.core.errors import SpecError
from plumbline.features import splits
from plumbline.review import declared_rules
from plumbline.serve import request_check, single_event
from tests.code.test_assemble import build
from tests.code.test_batch import many
from tests.small import SMALL

RULES = (
    Only("who_mean_3d", "With a history of three days", low=0.5),
    Only("cents", "Not the largest", high=9_000),
    Only("place_id", "Of some places", values=tuple(range(30))),
)
CASE = replace(SMALL, eligible=RULES)


def test_tables_hold_who_is_scored_and_single_events_agree(tmp_path: Path):
    rows = many(1_500)
    report, tables = build(tmp_path / "some", rows, usecase=CASE)
    _, whole = build(tmp_path / "all", rows)
    events = [{c.name: r[c.name] for c in CASE.known} for r in rows]
    outcomes = [{n: r[n] for n in ("number", "known_at", "bad", "loss")} for r in rows]
    known = single_event.histories(CASE, events, outcomes)
    by_key = {e["number"]: e for e in events}
    for name in splits.NAMES:
        kept = []
        for key in whole[name]["number"].tolist():
            event = by_key[key]
            own = single_event.own_histories(CASE, event, known)
            if not request_check.ineligible(CASE, event, single_event.features(CASE, event, own)):
                kept.append(key)
        assert 0 < len(kept) < len(whole[name]["number"])
        assert tables[name]["number"].tolist() == kept
        figures = report.tables[name]
        assert figures.ineligible == len(whole[name]["number"]) - len(kept)
        assert figures.without_label == 0
    every = (whole["test"][n].tolist() for n in ("number", "who_count_1d"))
    histories = dict(zip(*every, strict=True))
    counted = zip(tables["test"]["number"].tolist(), tables["test"]["who_count_1d"], strict=True)
    assert all(histories[key] == count for key, count in counted)


def test_an_event_that_is_not_scored_says_why():
    event = {"cents": 9_500, "place_id": 4}
    assert request_check.ineligible(CASE, event, {"who_mean_3d": 7.0}) == [
        "cents is 9500, and the model scores events with cents below 9000"
    ]


def test_a_change_of_it_is_one_of_how_the_model_is_judged():
    assert list(declared_rules.changes(declared_rules.of(SMALL), declared_rules.of(CASE))) == [
        "eligible"
    ]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Only("bad", "", values=(1,)), r"eligible: 'bad' is nothing that is known at prediction"),
        (Only("who_mean_3d", "", values=("a",)), r"values has 'a', and the column 'who_mean_3d'"),
        (Only("who_mean_3", "", low=1), r"did you mean 'who_mean_3d'"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_at_load(rule: Only, message: str):
    with pytest.raises(SpecError, match=message):
        replace(SMALL, eligible=(rule,))
