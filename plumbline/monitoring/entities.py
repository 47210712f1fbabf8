"""Whether an entity's ids are all there, and whether its histories say what past periods held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from plumbline.monitoring import usual
from plumbline.monitoring.layout import Claim, Layout
from plumbline.monitoring.sketch import DAY, Ledger, Sketch
from plumbline.monitoring.verdict import Finding, Level
from plumbline.params import Monitor
from plumbline.usecase import Array

if TYPE_CHECKING:
    from plumbline.monitoring.judge import Budget

FEWEST = 20
"""Ids below which an entity is not judged."""


def findings(
    layout: Layout,
    before: Sequence[Sketch],
    now: Sketch,
    trail: Sequence[Sketch],
    limits: Monitor,
    chances: Budget,
) -> list[Finding]:
    """Ids that are absent, and snapshots that past periods contradict; `trail`: the last periods."""
    if len(before) < limits.min_history:
        return []
    out = []
    for name in layout.entities:
        out += _absent(layout, name, before, now, limits, chances)
    for claim in layout.claims:
        out += _stale(layout, claim, before, now, trail, limits, chances)
    return out


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


def _absent(
    layout: Layout,
    name: str,
    before: Sequence[Sketch],
    now: Sketch,
    limits: Monitor,
    chances: Budget,
) -> list[Finding]:
    ledgers = [s.ledgers[name] for s in before if name in s.ledgers]
    mine = now.ledgers.get(name)
    if mine is None or mine.different < FEWEST or len(ledgers) < limits.min_history:
        return []
    past = np.log([population(one) for one in ledgers if one.different >= FEWEST])
    gap = float(np.log(population(mine)) - past[-4 * 7 :].mean())
    values = np.append(past - past.mean(), gap)
    chance = usual.moderated({"": values}, np.ones(len(values), bool), floor=0.01)[""]
    gone = -float(np.expm1(gap))
    if chance >= chances.watch or gone < limits.absent.watch:
        return []
    fewer = now.rows < np.mean([s.rows for s in before[-4 * 7 :]])
    paged = chance < chances.page and gone >= limits.absent.page and fewer
    text = f"{mine.different:,} ids in {mine.known:,} rows: as of {gone:.0%} fewer ids than usual"
    cause = f"rows of {gone:.0%} of {name} are missing"
    plan = layout.named[name]
    level: Level = "page" if paged else "watch"
    return [Finding("absent", level, gone, "share of ids", text, name, plan.reach, cause)]


def _stale(
    layout: Layout,
    claim: Claim,
    before: Sequence[Sketch],
    now: Sketch,
    trail: Sequence[Sketch],
    limits: Monitor,
    chances: Budget,
) -> list[Finding]:
    told = contradicted(claim, now, trail)
    if told is None:
        return []
    wrong, asked = told
    chain = [*before]
    past = [contradicted(claim, s, chain[max(0, i - claim.days) : i]) for i, s in enumerate(chain)]
    counts = np.array([p for p in past if p is not None], float).reshape(-1, 2)
    chance, share = usual.rate(wrong, asked, counts[:, 0], counts[:, 1])
    excess = wrong / max(1, asked) - share
    if chance >= chances.watch or excess < limits.fault or not len(counts):
        return []
    plan = layout.named[claim.name]
    entity = layout.named[claim.entity]
    paged = chance < chances.page and excess >= limits.stale and entity.reach >= limits.used
    text = f"{wrong / asked:.0%} of {asked:,} ids have another number of rows in the days before"
    level: Level = "page" if paged else "watch"
    cause = f"the histories of {claim.entity} are not up to date"
    return [Finding("stale", level, excess, "share of ids", text, plan.name, entity.reach, cause)]


def contradicted(claim: Claim, now: Sketch, trail: Sequence[Sketch]) -> tuple[int, int] | None:
    """Ids of which a snapshot says another count than the periods before, and ids asked.

    None where the days before are not all at hand.
    """
    mine = now.ledgers.get(claim.entity)
    days = {s.day: s.ledgers.get(claim.entity) for s in trail}
    if mine is None or now.day is None or claim.name not in mine.claimed:
        return None
    wanted = [days.get(now.day - back * DAY) for back in range(1, claim.days + 1)]
    if any(one is None for one in wanted):
        return None
    held = sum((_rows(one, mine.ids) for one in wanted if one), np.zeros(len(mine.ids)))
    said = mine.claimed[claim.name]
    asked = ~np.isnan(said)
    return int((said[asked] != held[asked]).sum()), int(asked.sum())


def _rows(ledger: Ledger, ids: Array) -> Array:
    """The rows of each of `ids` in a period, 0 where there are none."""
    if not len(ledger.ids):
        return np.zeros(len(ids))
    place = np.minimum(np.searchsorted(ledger.ids, ids), len(ledger.ids) - 1)
    return np.where(ledger.ids[place] == ids, ledger.rows[place], 0)
