"""Do intervals under blocking hold? `python -m bench.weighted_estimates [--worlds 100]`.

A world is a month of payments in which the model's highest scores are blocked, so that their labels never come,
but for a share let through at random. The truth is each figure with all labels, which only the simulation knows.
Per kind of world: in how many worlds the truth lies within the interval, and all truths within theirs at once, the
interval's mean width, and what the labelled events alone say. "cannot tell" counts worlds in which fewer than five blocked events were let through.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from plumbline.metrics import weighted
from plumbline.metrics.bootstrap import Array, Estimate
from plumbline.metrics.withheld import Labelled

EVENTS = 30_000
TOGETHER = "all at once"


@dataclass(frozen=True)
class Kind:
    """How a world is made: share let through, share blocked and in alarm, and how the scores go wrong."""

    share: float = 0.05
    blocked: float = 0.01
    alarms: float = 0.02
    warp: float = 1.0  # scores are raised to this power: above 1 too low
    inverted: bool = False  # among the blocked, the highest scores are the least likely
    tail: float = 1.0  # spread of the logarithm of amounts
    later_share: float | None = None  # let through in the second half


KINDS: Mapping[str, Kind] = {
    "5 % let through": Kind(),
    "1 %": Kind(share=0.01, blocked=0.03, alarms=0.05),
    "30 %": Kind(share=0.3),
    "1 %, then 10 %": Kind(share=0.01, later_share=0.1),
    "scores too low": Kind(warp=2.0),
    "inverted among the blocked": Kind(inverted=True),
    "large amounts": Kind(tail=2.5),
    "block all alarms": Kind(blocked=0.02),
}


@dataclass(frozen=True)
class World:
    """n events as the log has them, and their true labels."""

    rows: Labelled
    label: Array
    score: Array
    alarm: Array
    amount: Array


def world(kind: Kind, seed: int, events: int = EVENTS) -> World:
    """One world of a kind; seeded."""
    draw = np.random.default_rng(seed)
    risk = draw.beta(0.12, 6, events)
    rank = np.argsort(np.argsort(risk + draw.normal(0, 0.02, events))) / events
    blocked, alarm = rank >= 1 - kind.blocked, rank >= 1 - kind.alarms
    risk = _inverted(risk, blocked) if kind.inverted else risk
    label = (draw.random(events) < risk).astype(np.float64)
    share = np.full(events, kind.share)
    if kind.later_share is not None:
        share[events // 2 :] = kind.later_share
    passed = blocked & (draw.random(events) < share)
    withheld = blocked & ~passed
    propensity = np.where(passed, share, np.where(withheld, 1 - share, 1.0))
    score = np.sort(risk)[np.argsort(np.argsort(rank))] ** kind.warp
    amount = np.exp(draw.normal(3.5, kind.tail, events) + label)
    return World(Labelled.of(label, propensity, withheld), label, score, alarm, amount)


def _inverted(risk: Array, blocked: Array) -> Array:
    out, places = risk.copy(), np.flatnonzero(blocked)
    out[places[np.argsort(risk[places])]] = np.sort(risk[places])[::-1]
    return out


def costs(one: World) -> tuple[Array, Array]:
    """What the alarm or its absence costs per event, as a negative and as a positive."""
    return np.where(one.alarm, 5.0, 0.0), np.where(one.alarm, 0.0, one.amount)


FIGURES: Mapping[str, Callable[[World, weighted.Drawing], Estimate]] = {
    "share of positives": lambda w, how: weighted.label_rate(w.rows, how),
    "precision": lambda w, how: weighted.precision(w.rows, w.alarm, how),
    "recall": lambda w, how: weighted.recall(w.rows, w.alarm, how),
    "average precision": lambda w, how: weighted.average_precision(w.rows, w.score, how),
    "calibration gap": lambda w, how: weighted.calibration_gap(w.rows, w.score, how),
    "Brier score": lambda w, how: weighted.brier(w.rows, w.score, how),
    "cost per event": lambda w, how: weighted.cost_per_event(w.rows, *costs(w), how),
}


def in_full(one: World) -> World:
    """The world with every label known."""
    return replace(one, rows=Labelled(one.label, np.ones(len(one.label))))


def labelled_only(one: World) -> World:
    """The events with a label, as if there were no others."""
    known = one.rows.known
    rows = Labelled(one.label[known], np.ones(int(known.sum())))
    rest = (values[known] for values in (one.label, one.score, one.alarm, one.amount))
    return World(rows, *rest)


@dataclass
class Tally:
    """Of one figure over the worlds: intervals, those that hold the truth, and sums for means."""

    worlds: int = 0
    held: int = 0
    width: float = 0.0
    truth: float = 0.0
    value: float = 0.0
    naive: float = 0.0

    def add(self, truth: float, estimate: Estimate, naive: float) -> bool:
        """One world; whether its interval holds the truth."""
        held = bool(estimate.low - 1e-9 <= truth <= estimate.high + 1e-9)
        self.worlds += 1
        self.held += held
        self.width += estimate.high - estimate.low
        self.truth += truth
        self.value += estimate.value
        self.naive += naive
        return held


def tallies(
    kind: Kind, worlds: int, how: weighted.Drawing, events: int = EVENTS
) -> dict[str, Tally]:
    """Each figure over worlds of a kind in which something can be said."""
    result = {name: Tally() for name in (*FIGURES, TOGETHER)}
    for seed in range(worlds):
        one = world(kind, seed, events)
        if weighted.cannot_tell(one.rows) is None:
            full, naive = in_full(one), labelled_only(one)
            held = [
                result[name].add(
                    figure(full, how).value, figure(one, how), figure(naive, how).value
                )
                for name, figure in FIGURES.items()
            ]
            result[TOGETHER].worlds += 1
            result[TOGETHER].held += all(held)
    return result


def lines(kind: Kind, worlds: int) -> list[str]:
    """The table of a kind, as text."""
    result = tallies(kind, worlds, weighted.DEFAULT)
    silent = worlds - max(tally.worlds for tally in result.values())
    head = f"{'':28}{'held':>10}{'truth':>9}{'value':>9}{'width':>9}{'labelled alone':>16}"
    return [head, *(_line(name, tally) for name, tally in result.items()), f"cannot tell: {silent}"]


def _line(name: str, tally: Tally) -> str:
    n = max(tally.worlds, 1)
    means = (tally.truth / n, tally.value / n, tally.width / n)
    figures = "".join(f"{mean:9.4f}" for mean in means)
    return f"  {name:26}{tally.held:>6}/{tally.worlds}{figures}{tally.naive / n:16.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.weighted_estimates")
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--kind", choices=tuple(KINDS), help="this kind only")
    arguments = parser.parse_args()
    for name, kind in KINDS.items():
        if arguments.kind in (None, name):
            sys.stdout.write("\n".join((name, *lines(kind, arguments.worlds))) + "\n\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
