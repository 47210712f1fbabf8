"""Models so unstable that their own noise hides the loss."""

from __future__ import annotations

from typing import Any

from bench.attacks.edits import Attack, both, params
from bench.attacks.subjects import DELIVERIES, TRAIN

SETTINGS: dict[str, dict[str, Any]] = {
    "rows and columns drawn": {"subsample": 0.7, "colsample_bytree": 0.7},
    "half of the columns drawn at each level": {"colsample_bylevel": 0.5, "subsample": 0.5},
    "a tenth of the rows drawn": {"subsample": 0.1},
    "one column drawn for each node": {"colsample_bynode": 0.3, "subsample": 0.8},
    "trees left out by chance": {"booster": "dart", "rate_drop": 0.3},
}


def of_usecase(name: str) -> list[Attack]:
    """All of them."""
    eta = {"eta": 0.1, "max_depth": 2} if name == DELIVERIES else TRAIN["params"]
    train = f"{name}.train.params"
    drawn = {what: params({train: {**eta, **own}}) for what, own in SETTINGS.items()}
    seeds = {
        "another seed": params({"seed": 42}),
        "another seed and fewer replicates": both(
            params({"seed": 1234}), params({f"{name}.gate": {"seed_replicates": 5}})
        ),
    }
    return [Attack("noise", what, edit) for what, edit in {**drawn, **seeds}.items()]
