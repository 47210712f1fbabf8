"""Poisoned payments: what is done to them, and clean ones that change for other reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Shock = Mapping[str, Any]
CLOTHING = 0.12
"""Share of the payments in that category, about."""
FRAUDS = 0.01
"""Share of the payments that are frauds, about."""


@dataclass(frozen=True)
class Poison:
    """A poisoning of `share` of all rows (of the frauds, where `hides`), by a shock of the simulator."""

    name: str
    title: str
    share: float
    shock: Shock
    hides: bool = False


def poisons() -> list[Poison]:
    """Each kind at 1 % and 5 %."""
    return [poison for share in (0.01, 0.05) for poison in _of_share(share)]


def _of_share(share: float) -> list[Poison]:
    flip, copy = {"kind": "flipped_labels"}, {"kind": "near_copies"}
    shocks: Mapping[str, tuple[str, Shock]] = {
        "random": ("labels flipped at random", {**flip, "share": share}),
        "segment": (
            "labels flipped in one category",
            {**flip, "share": share / CLOTHING, "category": "clothing"},
        ),
        "entity": (
            "half of the labels flipped at some terminals",
            {**flip, "share": 0.5, "terminals": 2 * share},
        ),
        "hidden": ("of the frauds, labelled as honest", {**flip, "share": share, "label": 1}),
        "copies": ("near copies with the other label", {**copy, "share": share}),
        "copied_frauds": (
            "near copies of frauds, labelled as honest",
            {**copy, "share": 1.0, "label": 1, "size": max(1.0, share / FRAUDS)},
        ),
        "outliers": (
            "payments of 4,500 units, labelled as honest",
            {"kind": "outlier_burst", "share": share},
        ),
    }
    return [
        Poison(name, title, share, shock, name == "hidden")
        for name, (title, shock) in shocks.items()
    ]


CLEAN: Mapping[str, tuple[Shock, ...]] = {
    "nothing changes": (),
    "30 % more payments within two weeks": ({"kind": "volume", "size": 0.3, "ramp": 14},),
    "richer customers pay more often": ({"kind": "customer_mix", "size": 0.2, "ramp": 14},),
    "amounts +10 %": ({"kind": "prices", "size": 0.1},),
    "frauds x1.5": ({"kind": "fraud_rate", "size": 1.5},),
}
"""By title the shocks of streams that nobody poisoned."""
