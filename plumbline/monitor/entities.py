"""Whether an entity's ids are all there, and whether its histories say what past periods held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor import seasonal_baseline
from plumbline.monitor.binning import Claim
from plumbline.monitor.calendar import DAY
from plumbline.monitor.check_context import Scene
from plumbline.monitor.period_summary import Ledger, Sketch
from plumbline.monitor.verdict import Finding

RECENT = 28
"""Periods of which the ids are compared."""
FEWEST = 20
"""Ids below which an entity is not judged."""


def findings(scene: Scene) -> Iterator[Finding]:
    """Ids that are absent, and snapshots that past periods contradict."""
    if scene.short:
        return
    for name in scene.layout.entities:
        yield from _absent(scene, name)
    for claim in scene.layout.claims:
        yield from _stale(scene, claim)


def population(ledger: Ledger) -> float:
    """How many equally active ids would show `different` ones in `known` rows.

    Unlike the number seen, it does not grow with the rows: d = t (1 - exp(-n / t)) solved for t.
    """
    low, high = float(ledger.different), 1e3 * ledger.known + 1.0
    for _ in range(60):
        middle = (low * high) ** 0.5
        short = middle * -np.expm1(-ledger.known / middle) < ledger.different
        low, high = (middle, high) if short else (low, middle)
    return (low * high) ** 0.5


def _absent(scene: Scene, name: str) -> Iterator[Finding]:
    """Fewer ids than as many rows of the usual ones would show: a partition that did not come."""
    ledgers = [s.ledgers[name] for s in scene.before if name in s.ledgers]
    mine = scene.now.ledgers.get(name)
    known = [one for one in ledgers if one.different >= FEWEST]
    if mine is None or mine.different < FEWEST or len(known) < scene.limits.min_history:
        return
    past = np.log([population(one) for one in known])
    gap = float(np.log(population(mine)) - past[-RECENT:].mean())
    values = np.append(past - past.mean(), gap)
    chance = seasonal_baseline.moderated({"": values}, np.ones(len(values), bool), floor=0.01)[""]
    gone = -float(np.expm1(gap))
    if gone < scene.limits.missing_ids.warning:
        return
    fewer = scene.now.rows < np.mean([s.rows for s in scene.before[-RECENT:]])
    level = scene.graded(chance, gone, scene.limits.missing_ids.alert, used=bool(fewer))
    if level:
        plan = scene.layout.named[name]
        text = (
            f"{mine.different:,} ids in {mine.known:,} rows, as if {gone:.0%} of the ids were gone"
        )
        cause = f"rows of {gone:.0%} of {name} are missing"
        yield Finding("missing_ids", level, gone, "share of ids", text, name, plan.reach, cause)


def _stale(scene: Scene, claim: Claim) -> Iterator[Finding]:
    """Snapshots that say another number or sum than the days before held."""
    told = contradicted(claim, scene.now, scene.trail)
    chain = scene.before
    past = [contradicted(claim, s, chain[max(0, i - claim.days) : i]) for i, s in enumerate(chain)]
    counts = np.array([p for p in past if p is not None], float).reshape(-1, 2)
    if told is None or not told[1] or not len(counts):
        return
    wrong, asked = told
    chance, share = seasonal_baseline.rate(wrong, asked, counts[:, 0], counts[:, 1])
    excess = wrong / asked - share
    entity = scene.layout.named[claim.entity]
    level = scene.graded(chance, excess, scene.limits.stale_histories, used=scene.used(entity))
    if level and excess >= scene.limits.fault_share:
        what = "number of rows" if claim.column is None else f"sum of {claim.column}"
        text = f"{wrong / asked:.0%} of {asked:,} ids have another {what} in the days before"
        cause = f"the histories of {claim.entity} are not up to date"
        yield Finding(
            "stale_histories", level, excess, "share of ids", text, claim.name, entity.reach, cause
        )


def contradicted(claim: Claim, now: Sketch, trail: Sequence[Sketch]) -> tuple[int, int] | None:
    """Ids of which a snapshot says another count or sum than the periods before, and ids asked.

    None where the days before are not all at hand.
    """
    mine = now.ledgers.get(claim.entity)
    days = {s.day: s.ledgers.get(claim.entity) for s in trail}
    if mine is None or now.day is None or claim.name not in mine.claimed:
        return None
    wanted = [days.get(now.day - back * DAY) for back in range(1, claim.days + 1)]
    if any(one is None for one in wanted):
        return None
    if any(claim.name not in one.held for one in wanted if one):
        return None
    held = sum((_held(one, claim, mine.ids) for one in wanted if one), np.zeros(len(mine.ids)))
    said = mine.claimed[claim.name]
    asked = ~np.isnan(said)
    return int((said[asked] != held[asked]).sum()), int(asked.sum())


def _held(ledger: Ledger, claim: Claim, ids: Array) -> Array:
    """What the claim counts or sums of each of `ids` in a period, 0 where there is nothing."""
    if not len(ledger.ids):
        return np.zeros(len(ids))
    place = np.minimum(np.searchsorted(ledger.ids, ids), len(ledger.ids) - 1)
    return np.where(ledger.ids[place] == ids, ledger.held[claim.name][place], 0)
