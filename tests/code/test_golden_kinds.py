"""Golden events and canaries' comparisons for every kind of model: one score, several classes, regressions."""

from __future__ import annotations

import pyarrow as pa
import pytest

from plumbline.core.errors import BundleError
from plumbline.serve import scoring
from plumbline.serve.online.scorer import CompiledScorer
from plumbline.serve.routes import arms, bundle_store
from plumbline.serve.routes.bundle_store import Golden
from plumbline.serve.routes.canary_stats import PairedCounter, Ranks
from tests import requests
from tests.code.test_online_scorer import CASES

COUNT = 40


@pytest.mark.parametrize(
    "name", ["platt", "decoded", "payments", "flights", "count", "encodings", "classes"]
)
def test_every_kind_is_admitted_and_compared(name: str):
    case, parts = CASES[name]
    scorer = requests.scorer(case, **parts)
    drawn, past = requests.events(case, COUNT), requests.histories(case, COUNT)
    table = requests.table(case, drawn, past)
    answers = scoring.answers(scorer, table)
    kept = pa.table({n: v for n, v in answers.items() if n != scoring.ALARM})
    assert bundle_store.refuse_different(case.name, kept, answers) == COUNT
    compiled = CompiledScorer(scorer)
    scores = arms._one_by_one(case, compiled, Golden(table, kept), answers)
    assert scores.shape == (COUNT, max(len(case.classes), 1))
    paired = PairedCounter(Ranks(scores), Ranks(scores))
    for one in compiled.score(drawn, past):
        paired.compare(one, one)
    counts = paired.counts()
    assert (counts.events, counts.moved, counts.alarms[1:]) == (COUNT, {0: COUNT}, (0, 0))
    assert all(own == other for own, other in counts.levels)


def test_another_decision_is_refused_too():
    case, parts = CASES["platt"]
    scorer = requests.scorer(case, **parts)
    table = requests.table(case, requests.events(case, COUNT), requests.histories(case, COUNT))
    answers = scoring.answers(scorer, table)
    recorded = pa.table({"decision": ["block", *answers["decision"].tolist()[1:]]})
    changed = {**answers, "decision": ["review", *answers["decision"].tolist()[1:]]}
    with pytest.raises(BundleError, match="event 0, decision: recorded 'block', here 'review'"):
        bundle_store.refuse_different(case.name, recorded, changed)
