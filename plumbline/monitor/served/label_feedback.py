"""Which served events have a label by now, and what each label stands for where decisions withhold some. Pure.

A blocked event never gets a label, but a known share of them passes at random (`propensity`): each of these
stands for those withheld with the same chance.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from plumbline.core.declarations import Array
from plumbline.metrics.withheld import Labelled
from plumbline.monitor import calendar
from plumbline.monitor.served.served_report import DecisionFeedback, FeedbackReport
from plumbline.monitor.served.served_rows import MatchedRows, ServedRows

FEW = 5
"""Due events of a decision, none with a label, from which its labels may be taken to be withheld."""
CHANCE = 0.001
"""Chance of as many without one where labels came as often as after other decisions, below which they are."""


@dataclass(frozen=True)
class LabelFeedback:
    """Of n served events: what the policy decided, object; whether the label is due, has come, was withheld by the
    decision, or could come because the event passed by chance, bool; and what it counts for, float: 0 without one.
    """

    policy: Array
    due: Array
    known: Array
    withheld: Array
    passed: Array
    weight: Array

    def take(self, rows: Array) -> LabelFeedback:
        """The events that `rows` (mask or positions) picks, with the weights that they have among all of these."""
        return LabelFeedback(*(getattr(self, f.name)[rows] for f in fields(self)))


def feedback(served: MatchedRows, delay: int, last: np.datetime64 | None) -> LabelFeedback:
    """`delay`: whole days after which a label is due; `last`: the last day that is over, None without time."""
    rows, event = served.rows, served.event
    due = np.ones(len(served), bool)
    if event.day is not None and last is not None:
        due = event.day <= last - delay * calendar.DAY
    policy = decided(rows)
    drawn = rows.propensity < 1
    withheld = (drawn & (rows.action == policy)) | _never_labelled(policy, due, event.labelled)
    passed = drawn & ~withheld
    known = (
        event.labelled & ~withheld
    )  # a blocked event's label that came all the same is not drawn at random
    return weighted(
        LabelFeedback(policy, due, known, withheld, passed, np.zeros(len(served))), served
    )


def labelled(of: LabelFeedback, served: MatchedRows) -> tuple[Labelled, Array]:
    """The events that are due and whose label is known or was withheld, and which these are, bool (n,)."""
    used = of.due & (of.known | of.withheld)
    label, propensity = served.event.label[used], served.rows.propensity[used]
    return Labelled.of(label, propensity, of.withheld[used]), used


def weighted(of: LabelFeedback, served: MatchedRows) -> LabelFeedback:
    """The same, with what each label counts for among these events."""
    rows, used = labelled(of, served)
    weight = np.zeros(len(served))
    weight[used] = rows.weights()
    return replace(of, weight=weight)


def decided(rows: ServedRows) -> Array:
    """The decision of the policy, object (n,): that of the costs, else whether there is an alarm."""
    alarm = np.where(np.isnan(rows.alarm), "", np.where(rows.alarm == 1, "alarm", "none"))
    none = np.array([d is None for d in rows.decision], bool)
    return np.where(none, alarm, rows.decision).astype(object)


def _never_labelled(policy: Array, due: Array, labelled: Array) -> Array:
    """Events of a decision that never gets a label though others do: it withholds them, and none pass."""
    out = np.zeros(len(policy), bool)
    for one in set(policy.tolist()):
        own, rest = due & (policy == one), due & (policy != one)
        if own.sum() < FEW or labelled[own].any() or not rest.any():
            continue
        if (1 - labelled[rest].mean()) ** own.sum() < CHANCE:
            out |= policy == one
    return out


def report(of: LabelFeedback) -> FeedbackReport:
    """The counts, of all and by decision, the commonest first."""
    kinds, counts = np.unique(of.policy.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rows = tuple(_of_decision(of, str(kinds[i])) for i in order)
    total = {
        n: sum(getattr(r, n) for r in rows) for n in ("rows", "due", "known", "withheld", "passed")
    }
    return FeedbackReport(**total, decisions=rows)


def _of_decision(of: LabelFeedback, name: str) -> DecisionFeedback:
    own = of.policy.astype(str) == name
    due = own & of.due
    return DecisionFeedback(
        decision=name,
        rows=int(own.sum()),
        due=int(due.sum()),
        known=int((due & of.known).sum()),
        withheld=int((due & of.withheld).sum()),
        passed=int((due & of.passed).sum()),
    )
