"""Canaries in simulated time: worse models are aborted within a minute, equal ones pass, false aborts are rare."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plumbline.core import documents
from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.serve.routes import canary, evidence
from plumbline.serve.routes.canary import CanaryPlan, CanaryState
from plumbline.serve.routes.canary_stats import (
    ArmCounter,
    CanaryStats,
    PairedCounter,
    Ranks,
    part_of_time,
)
from plumbline.serve.routes.canary_watch import MORE

RATE = 200
"""Events a second."""
ALARM = 0.03
"""Threshold; as in card payments, 1.6 in 100 events are above it."""


def champion(n: int = 20_000) -> Array:
    """Scores like those of fraud models: most are tiny, and a few are near 1."""
    r = np.random.default_rng(1)
    risk = r.normal(0, 1, n)
    return np.where(risk > 2.14, 0.03 + 0.97 * r.random(n), 0.0007 * np.exp(0.7 * (risk + 3)))


SCORES = champion()


def equal(seed: int) -> Array:
    """Another model of equal quality: the order nearly the same, the level of small scores another."""
    r = np.random.default_rng(100 + seed)
    small = SCORES < ALARM
    return np.where(small, SCORES * np.exp(0.25 + r.normal(0, 0.12, len(SCORES))), SCORES)


MODELS: dict[str, Callable[[np.random.Generator], Array]] = {
    "constant": lambda r: np.full_like(SCORES, SCORES.mean()),
    "constant at the median": lambda r: np.full_like(SCORES, np.median(SCORES)),
    "inverted": lambda r: 1 - SCORES,
    "shuffled": lambda r: r.permutation(SCORES),
    "ten times the alarms": lambda r: np.where(r.random(len(SCORES)) < 0.15, 0.5, SCORES),
    "no alarms": lambda r: np.minimum(SCORES, ALARM / 2),
}


class Service:
    """What a canary sees of a service: counts of each arm, in seconds of simulated time."""

    def __init__(
        self, scores: Array, seed: int, *, slow: float = 1.0, failing: float = 0.0
    ) -> None:
        self.r = np.random.default_rng(seed)
        golden = np.arange(200) * len(SCORES) // 200
        self.scores, self.slow, self.failing = scores, slow, failing
        self.arms = {name: ArmCounter() for name in ("canary", "baseline", "champion")}
        self.paired = PairedCounter(Ranks(scores[golden][:, None]), Ranks(SCORES[golden][:, None]))

    def second(self, percent: int, rate: int = RATE) -> None:
        """One second of traffic."""
        self.more = 0
        weights = canary.weights(percent)
        shares = np.array(list(weights.values())) / 100
        for name, count in zip(weights, self.r.multinomial(rate, shares), strict=True):
            for micros in 300 * self.r.lognormal(0, 0.4, count):
                self.event(name, micros)

    def event(self, name: str, micros: float) -> None:
        arm = self.arms[name]
        if name != "canary":
            arm.answered(1, micros)
            if self.more < MORE:
                self.more += 1
                at = self.r.integers(len(SCORES))
                self.paired.compare(answer(self.scores[at]), answer(SCORES[at]), answered=False)
        elif self.r.random() < self.failing:
            arm.errors += 1
        else:
            arm.answered(1, micros * self.slow)
            self.arms["champion"].timed(1, micros)
            at = self.r.integers(len(SCORES))
            self.paired.compare(answer(self.scores[at]), answer(SCORES[at]))

    def stats(self) -> CanaryStats:
        own, baseline, champion = (a.counts() for a in self.arms.values())
        return CanaryStats(own, baseline, champion, self.paired.counts())


def answer(score: float) -> Any:
    return SimpleNamespace(score=(score,), alarm=bool(score >= ALARM))


def run(
    service: Service, plan: CanaryPlan | None = None, rate: int = RATE
) -> tuple[CanaryState, int]:
    """The canary's end, and the second of it."""
    state, now = canary.begin(plan or CanaryPlan(), "b", "a", 0.0), 0
    while state.status == "running" and now < 600:
        service.second(state.percent, rate)
        now += 1
        state = canary.tick(state, float(now), service.stats())
    return state, now


@pytest.mark.capability("H8")
@pytest.mark.parametrize("model", MODELS)
def test_a_worse_model_is_aborted_within_a_minute(model: str):
    for seed in range(3):
        scores = MODELS[model](np.random.default_rng(seed))
        state, now = run(Service(scores, seed))
        assert (state.status, now <= 60) == ("aborted", True), (state, now)
        assert state.reason.startswith(("score distribution", "alarm rate"))


@pytest.mark.parametrize("rate", [30, 60])
@pytest.mark.parametrize("model", MODELS)
def test_with_little_traffic_a_worse_model_never_answers_over_five_percent(model: str, rate: int):
    for seed in range(3):
        scores = MODELS[model](np.random.default_rng(seed))
        state, _ = run(Service(scores, seed), rate=rate)
        assert (state.status, state.percent <= 5) == ("aborted", True), state


@pytest.mark.parametrize(
    ("faults", "rule"),
    [
        ({"slow": 20.0}, "p"),
        ({"slow": 8.0}, "p"),
        ({"failing": 1.0}, "errors"),
        ({"failing": 0.1}, "errors"),
    ],
)
def test_a_slower_or_failing_arm_is_aborted_within_a_minute(faults: dict[str, float], rule: str):
    for seed in range(3):
        state, now = run(Service(equal(seed), seed, **faults))
        named = state.reason.partition(":")[0].rstrip("0123456789")
        assert (state.status, named, now <= 60) == ("aborted", rule, True)


def test_equal_models_pass_20_of_20():
    models = [SCORES, *(equal(seed) for seed in range(19))]
    ends = [run(Service(scores, seed)) for seed, scores in enumerate(models)]
    assert [state.status for state, _ in ends] == ["passed"] * 20
    assert all(60 <= now <= 90 for _, now in ends)


def test_no_data_aborts():
    plan = CanaryPlan(silence=30)
    state, now = run(Service(SCORES, 1), plan, rate=0)
    assert (state.status, now) == ("aborted", 30)
    assert state.reason == "no data: no event of the canary for 30 s"
    service = Service(SCORES, 1)
    running = canary.begin(plan, "b", "a", 0.0)
    for now in range(1, 12):
        service.second(running.percent)
        running = canary.tick(running, now, service.stats())
    assert canary.tick(running, now + 29.0, service.stats()).status == "running"
    assert canary.tick(running, now + 31.0, service.stats()).status == "aborted"


def test_a_step_waits_for_its_events_and_its_time():
    plan = CanaryPlan(steps=(1, 100), seconds=10, events=50, few_events=0)
    state, now = run(Service(SCORES, 1), plan, rate=200)
    assert state.status == "passed"
    assert 10 + 10 < now < 60


def test_an_end_stays():
    ended = canary.begin(CanaryPlan(), "b", "a", 0.0).model_copy(update={"status": "aborted"})
    assert canary.tick(ended, 1e9, CanaryStats()) is ended


def test_the_baseline_is_as_large_as_the_canary():
    for percent in (1, 5, 25, 50):
        weights = canary.weights(percent)
        assert weights["baseline"] == weights["canary"] == percent
        assert sum(weights.values()) == 100


@pytest.mark.parametrize(
    ("limit", "values"), [(0.01, (0, 1)), (0.15, (0, 1)), (0.18, (0.0, 0.5)), (0.0, (-1, 1))]
)
def test_looking_each_second_does_not_raise_false_aborts(limit: float, values: tuple[float, float]):
    """At the limit itself, the worst that is not worse: with 300 looks, far fewer than one in a hundred."""
    r, low, high = np.random.default_rng(3), *values
    share = (limit - low) / (high - low)
    false = 0
    for _ in range(200):
        hits = np.cumsum(r.random(6_000) < share)[19::20]
        looks = zip(hits.tolist(), range(20, 6_001, 20), strict=True)
        false += any(
            evidence.mean_above({high: k, low: n - k}, limit, low) >= evidence.LIMIT
            for k, n in looks
        )
    assert false <= 2


def test_a_rate_at_its_limit_raises_no_false_aborts():
    """Twice the alarms of the champion, where twice is allowed, in 400 canaries of 300 looks."""
    r, false = np.random.default_rng(5), 0
    for _ in range(400):
        own, other = (
            np.cumsum(r.random(6_000) < share)[19::20].tolist() for share in (0.032, 0.016)
        )
        false += any(
            evidence.rate_above(a, b, 0, 2.0) >= evidence.RATE_LIMIT
            for a, b in zip(own, other, strict=True)
        )
    assert false <= 3


def test_the_challenger_scores_some_of_the_champions_events_too():
    """So that evidence does not wait for the canary's share; what it costs is bounded."""
    service = Service(SCORES, 1)
    service.second(1)
    counts = service.stats().paired
    assert MORE <= counts.events == counts.own + MORE


def test_a_time_is_never_counted_as_slower_than_it_was():
    counter = ArmCounter()
    for micros in (100, 1000, 10_000):
        counter.answered(1, micros)
    assert [counter.counts().slower(m) for m in (100, 1000, 10_000)] == [2, 1, 0]
    assert counter.counts().quantile(0.5) >= 1000
    assert part_of_time(0) == 0


@pytest.mark.parametrize("name", ["seconds", "silence", "slower", "spare", "alarms", "moved"])
def test_a_limit_that_limits_nothing_is_refused(name: str):
    for value in (float("inf"), float("nan"), -1):
        with pytest.raises(PlumblineError, match=f"plan, {name}: "):
            documents.parse(CanaryPlan, {name: value}, "plan", "correct it")


def test_steps_must_rise():
    with pytest.raises(PlumblineError, match="expected steps that rise, found 5, 1"):
        documents.parse(CanaryPlan, {"steps": [5, 1]}, "plan", "correct it")
