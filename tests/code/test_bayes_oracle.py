"""The oracle that knows the simulator's settings: it learns as Bayes says, and from the past alone."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import average_precision_score

from bench.bayes_oracle import Strikes, knowable
from bench.oracle import SEEN
from plumbline.core.declarations import Columns
from sources.card_fraud import settings
from sources.card_fraud.simulator import simulate
from sources.card_fraud.truth import DELAY

ASKED = {"customers": 400, "terminals": 200, "refund_share": 0.02, "duplicate_share": 0.0}
SETTINGS = settings.read(ASKED)
DAYS, SINCE = 80, 30


@pytest.fixture(scope="module")
def payments() -> Columns:
    days = list(simulate(ASKED, date(2025, 1, 1), date(2025, 3, 22), seed=5, truth=True))
    built = pa.concat_tables(days)
    names = (*SEEN, "probability", "reachable")
    columns = {name: built[name].to_numpy() for name in names}
    return columns | {"day": np.repeat(np.arange(DAYS), [d.num_rows for d in days])}


def test_strikes_come_age_and_end() -> None:
    now = Strikes.none(2, days=3, rate=0.1)
    seen = []
    for _ in range(5):
        now = now.later()
        seen.append(now.struck(np.array([0]))[0])
        assert now.weights.sum(axis=1) == pytest.approx(1)
    assert seen[:3] == pytest.approx([0.1, 0.19, 0.271])
    assert seen[3] == pytest.approx(1 - 0.9 * (0.9**3 + 0.1))  # what came first is over


def test_what_is_seen_counts_as_bayes_says() -> None:
    now = Strikes.none(2, days=3, rate=0.2).later()
    now.observe(np.array([1]), np.array([8.0]))
    assert now.struck(np.array([0, 1])) == pytest.approx([0.2, 8 * 0.2 / (8 * 0.2 + 0.8)])


def test_between_what_is_settled_and_all(payments: Columns) -> None:
    result = knowable(payments, SETTINGS, SINCE)
    judged = payments["day"] >= SINCE
    assert np.isnan(result[~judged & (payments["amount_cents"] > 0)]).all()
    label = payments["is_fraud"][judged]
    answers = [payments["reachable"], result, payments["probability"]]
    known = [average_precision_score(label, answer[judged]) for answer in answers]
    assert all(high > low + 0.01 for low, high in pairwise(known)), known
    assert result[judged].mean() == pytest.approx(label.mean(), rel=0.15)
    assert not result[judged & (payments["amount_cents"] < 0)].any()


def test_nothing_that_comes_later_is_used(payments: Columns) -> None:
    plain = knowable(payments, SETTINGS, DAYS - 1)
    unsettled = payments["day"] >= DAYS - DELAY
    label = np.where(unsettled, 1 - payments["is_fraud"], payments["is_fraud"])
    np.testing.assert_array_equal(
        knowable({**payments, "is_fraud": label}, SETTINGS, DAYS - 1), plain
    )
    place = np.flatnonzero(payments["day"] == DAYS - 1)
    cut = {name: values[: place[len(place) // 2]] for name, values in payments.items()}
    rows = slice(place[0], len(cut["day"]))
    np.testing.assert_array_equal(knowable(cut, SETTINGS, DAYS - 1)[rows], plain[rows])


def test_settled_labels_and_odd_payments_are_used(payments: Columns) -> None:
    plain = knowable(payments, SETTINGS, DAYS - 1)
    settled = payments["day"] == DAYS - 1 - DELAY
    label = np.where(settled, 1 - payments["is_fraud"], payments["is_fraud"])
    assert (knowable({**payments, "is_fraud": label}, SETTINGS, DAYS - 1) != plain).any()
    odd = np.where(payments["day"] == DAYS - 3, 1_000 * payments["odds"], payments["odds"])
    now = payments["day"] == DAYS - 1
    raised = knowable({**payments, "odds": odd}, SETTINGS, DAYS - 1)[now]
    assert (raised > plain[now]).mean() > 0.3
