"""Do experiments say what they should? `python -m bench.experiments [--runs 1000] [--part aa|planted|paired]`.

- *aa*: runs without any difference, looked at each day for four weeks and stopped at the first alarm: how many alarm,
  by the interval of `plumbline experiment` and by plain ones. Entities come again and again and differ in their habits.
- *planted*: a difference of 10 %, with the length that the planner wants from a pilot of two weeks: in how many runs
  it is found, and when, beside what the planner said.
- *paired*: what cost per event would need as an A/B, and on the same events, on this project's test window: the model
  against its first half of trees, and against itself with scores a fifth higher (`dvc pull`, or
  `dvc repro train@card_fraud`, must have run).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from plumbline.metrics import confidence_sequence
from plumbline.metrics.bootstrap import Array
from plumbline.metrics.entity_means import EntitySums
from plumbline.ops.experiments import analysis, observations, planning
from plumbline.ops.experiments.observations import Observations, Observed
from plumbline.ops.experiments.planning import Pilot, Wanted

LOOKS = 28
PILOT = 14
PLAIN = 1.959964
WAYS = ("confidence sequence", "plain interval, by entity", "plain interval, by event")


@dataclass(frozen=True)
class World:
    """Entities, events of each a day, the mean of a 0/1 metric, how alike entities are (higher: more), arms alike."""

    entities: int = 1000
    rate: float = 0.5
    mean: float = 0.1
    alike: float = 20.0


WORLDS = {
    "habits": World(alike=5.0),
    "all alike": World(alike=1e6),
    "rare": World(entities=2000, mean=0.01),
    "few entities": World(entities=120, rate=3.0),
}


def draw(world: World, random: np.random.Generator) -> tuple[Array, Array]:
    """Each entity's events a day and probability, (n,) both."""
    rates = random.gamma(0.7, world.rate / 0.7, world.entities)
    chance = random.beta(world.alike * world.mean, world.alike * (1 - world.mean), world.entities)
    return rates, chance


def served(
    rates: Array, chance: Array, days: int, random: np.random.Generator
) -> tuple[Array, Array]:
    """Events and hits of each entity by the end of each day, (days, n) both."""
    events = random.poisson(rates, (days, len(rates)))
    hits = random.binomial(events, np.minimum(chance, 1.0))
    return events.cumsum(axis=0), hits.cumsum(axis=0)


def looks(events: Array, hits: Array, control: int) -> Iterator[tuple[EntitySums, EntitySums]]:
    """Both arms' sums by the end of each day; the first `control` entities are the control."""
    for c, y in zip(events, hits, strict=True):
        yield EntitySums.of(c[:control], y[:control]), EntitySums.of(c[control:], y[control:])


def alarmed(world: World, random: np.random.Generator, planned: float) -> dict[str, bool]:
    """Whether each way alarms at any look of a run without a difference."""
    found = dict.fromkeys(WAYS, False)
    rates, chance = draw(world, random)
    control = int(random.binomial(world.entities, 0.5))
    for sides in looks(*served(rates, chance, LOOKS, random), control):
        a, b = (side.moments() for side in sides)
        gap = confidence_sequence.difference(a, b, planned)
        found[WAYS[0]] |= gap.low > 0 or gap.high < 0
        found[WAYS[1]] |= abs(gap.value) > PLAIN * math.hypot(a.error, b.error) > 0
        found[WAYS[2]] |= abs(gap.value) > PLAIN * math.hypot(*map(_by_event, sides)) > 0
    return found


def aa(world: World, runs: int, seed: int = 1) -> dict[str, float]:
    """The share of runs without a difference in which each way alarms."""
    random = np.random.default_rng(seed)
    planned = analysis.planned_error(0.1 * world.mean, LOOKS, 0.05, 0.8)
    found = [alarmed(world, random, planned) for _ in range(runs)]
    return {way: sum(one[way] for one in found) / runs for way in WAYS}


@dataclass(frozen=True)
class Planted:
    """What the planner said, and what runs of that length gave: power, and events at the end."""

    days: int
    planned: dict[int, float]
    found: dict[int, float]
    planned_events: float
    events: float


def planted(world: World, relative: float, runs: int, seed: int = 1) -> Planted:
    """A difference of this size, with the planned length; PlumblineError-free worlds only have one."""
    random = np.random.default_rng(seed)
    rates, chance = draw(world, random)
    pilot = pilot_of(*served(rates, chance, PILOT, random))
    wanted = Wanted(relative * pilot.mean)
    length = planning.length(pilot, wanted)
    if length.days is None:
        raise ValueError("no length up to a year finds it in this world")
    days = length.days
    errors = planning.expected_errors(pilot, wanted, days)
    planned_error = analysis.planned_error(wanted.effect, days, 0.05, wanted.power)
    control = world.entities // 2
    first, events = [], 0.0
    for _ in range(runs):
        order = random.permutation(world.entities)
        lifted = chance[order] * np.where(np.arange(world.entities) < control, 1.0, 1 + relative)
        seen = served(rates[order], lifted, days, random)
        first.append(_first(*seen, control, planned_error))
        events += float(seen[0][-1].sum()) / runs
    at = sorted({days // 2, days})
    return Planted(
        days,
        {day: planning.power_by(errors, day, wanted) for day in at},
        {day: sum(one <= day for one in first) / runs for day in at},
        float(length.events or 0),
        events,
    )


def pilot_of(events: Array, hits: Array) -> Pilot:
    """A pilot of days with these events and hits by their end, (days, n)."""
    days, n = events.shape
    c, y = (np.diff(one, axis=0, prepend=0).ravel() for one in (events, hits))
    day, unit = np.repeat(np.arange(days), n), np.tile(np.arange(n), days)
    one = Observed(y / np.maximum(c, 1), c.astype(np.float64), day)
    seen = Observations(unit, np.full(len(unit), "all", object), day, {"hits": one})
    sums = [EntitySums.of(*pair) for pair in zip(events, hits, strict=True)]
    return Pilot.of(sums, sums[-1].mean, observations.lasting_variance(seen, "hits"))


def _first(events: Array, hits: Array, control: int, planned: float) -> float:
    """The first day on which the treatment is surely higher."""
    for day, sides in enumerate(looks(events, hits, control), start=1):
        a, b = (side.moments() for side in sides)
        if confidence_sequence.difference(a, b, planned).low > 0:
            return day
    return math.inf


def _by_event(side: EntitySums) -> float:
    """The standard error as if events were independent."""
    return math.sqrt(side.mean * (1 - side.mean) / side.events) if side.events else math.nan


def customers_of(costs: Array, customer: Array, day: Array) -> list[EntitySums]:
    """The sums over customers of each event's cost, after each day."""
    _, unit = np.unique(customer, return_inverse=True)
    size, result = int(unit.max()) + 1, []
    events, total = np.zeros(size), np.zeros(size)
    for one in np.unique(day):
        rows = day == one
        events += np.bincount(unit[rows], minlength=size)
        total += np.bincount(unit[rows], costs[rows], size)
        result.append(EntitySums.of(events, total))
    return result


@dataclass(frozen=True)
class CostPlan:
    """Cost per event now, an effect, and the events that an A/B and paired comparisons need; None: over 50 years."""

    cost: float
    effect: float
    ab: int | None
    paired: dict[str, int | None]


def cost_plans(root: Path, effects: tuple[float, ...]) -> list[CostPlan]:
    """On the test window of card_fraud; effects as shares of the cost."""
    costs, others, customer, day = _costs(root)
    mean, a_day = float(costs.mean()), len(costs) / len(np.unique(day))
    answered = Pilot.of(customers_of(costs, customer, day), mean, 0.0)
    paired = {
        name: Pilot.of(customers_of(other - costs, customer, day), mean, 0.0, True)
        for name, other in others.items()
    }
    result = []
    for effect in effects:
        wanted = Wanted(-effect * mean)
        needed = {name: _events(pilot, wanted, a_day) for name, pilot in paired.items()}
        result.append(CostPlan(mean, effect, _events(answered, wanted, a_day), needed))
    return result


def _events(pilot: Pilot, wanted: Wanted, a_day: float) -> int | None:
    days = planning.length(pilot, wanted, 20_000).days
    return round(days * a_day) if days else None


def _costs(root: Path) -> tuple[Array, dict[str, Array], Array, Array]:
    """Each event's cost by the model's decisions, and by those of challengers by name; customer and day."""
    from plumbline import config
    from plumbline.core import tables, usecase_loader
    from plumbline.model import bundle, decision_params
    from plumbline.model.decision_prices import prices
    from plumbline.repo import artifacts
    from plumbline.repo.artifacts import Role

    usecase, params = (
        usecase_loader.load("card_fraud"),
        config.load("card_fraud", root / "params.yaml"),
    )
    table = tables.read(artifacts.path("card_fraud", Role.TEST_TABLE, root))
    whole = bundle.load(artifacts.path("card_fraud", Role.BUNDLE, root), "card_fraud")
    rounds = whole.booster.num_boosted_rounds()
    half = replace(whole, booster=whole.booster[: rounds // 2])
    decisions, matrix = params.train.decisions, params.train.costs
    assert decisions is not None
    assert matrix is not None
    label = decision_params.positive(decisions, table[usecase.label])
    real = prices(decisions, matrix, table, label)
    scores = (whole.predict(table), half.predict(table), whole.predict(table) * 1.2)
    paid = []
    for score in scores:
        made = whole.decisions_of(table, score)
        assert made is not None
        paid.append(real.of(np.array([decisions.names.index(name) for name in made])))
    day = table[str(usecase.time)].astype("datetime64[D]")
    others = {"half of the trees": paid[1], "scores a fifth higher": paid[2]}
    return paid[0], others, table["customer_id"], day


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _print_aa(runs: int) -> None:
    _say(f"{runs:,} runs without a difference, {LOOKS} daily looks: share that alarm")
    for name, world in WORLDS.items():
        found = aa(world, runs)
        _say(f"  {name:14}" + ", ".join(f"{way} {share:.1%}" for way, share in found.items()))


def _print_planted(runs: int) -> None:
    for name, world in {
        "habits": World(entities=20_000, alike=20.0),
        "all alike": World(entities=20_000, alike=1e6),
        "rare": World(entities=40_000, rate=1.0, mean=0.01, alike=300.0),
    }.items():
        one = planted(world, 0.1, runs)
        _say(f"a difference of 10 %, {name}: {one.days} days planned from {PILOT}, {runs} runs")
        _say(f"  events: planned {one.planned_events:,.0f}, simulated {one.events:,.0f}")
        for day, share in one.planned.items():
            _say(f"  found by day {day}: planned {share:.1%}, simulated {one.found[day]:.1%}")


def _print_paired() -> None:
    for one in cost_plans(Path("."), (0.05, 0.1)):
        paired = (f"{_words(n)} ({name})" for name, n in one.paired.items())
        _say(
            f"cost per event {one.cost:.1f}, {one.effect:.0%} less: A/B {_words(one.ab)}; paired {', '.join(paired)}"
        )


def _words(events: int | None) -> str:
    return "over 50 years" if events is None else f"{events:,} events"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.experiments")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--part", choices=("aa", "planted", "paired"))
    given = parser.parse_args()
    if given.part in (None, "aa"):
        _print_aa(given.runs)
    if given.part in (None, "planted"):
        _print_planted(min(given.runs, 400))
    if given.part in (None, "paired"):
        _print_paired()


if __name__ == "__main__":
    main()
