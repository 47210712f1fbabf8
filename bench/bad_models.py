"""Models that are bad on purpose: each a change that a contributor could make, for `bench/honesty.py`.

Code is added below the end of a file, where it wraps a function by its name: what stands above may be
written otherwise. `tests/code/test_bad_models.py` looks whether the names are still there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BATCHES = "plumbline/model/matrices.py"
MODULE = "usecases/card_fraud/features.py"
SECTION = "card_fraud"


@dataclass(frozen=True)
class Bad:
    """Code for the end of one file, and settings for params.yaml by dotted key."""

    what: str
    file: str = ""
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


def wrapped(name: str, body: str) -> str:
    """Code in which a function is another, that may call `honest`, the function as it was."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"\n\nhonest = {name}\n\n\ndef {name}(*given, **named):\n{lines}\n"


def learned(what: str, change: str) -> Bad:
    """x, y or offset of each batch changed before it is learned or watched."""
    inner = "\n".join(f"    {line}" for line in change.strip().splitlines())
    body = f"""
usecase = given[0]
for batch in honest(*given, **named):
    x, y, offset = batch.x, batch.y, batch.offset
{inner}
    yield Batch(x, y, offset)
"""
    return Bad(what, BATCHES, wrapped("_read", body))


def declared(what: str, features: str) -> Bad:
    """Another list of features in the use case."""
    code = f"""

import dataclasses  # noqa: E402

FEATURES = dataclasses.replace(FEATURES, features=tuple({features}))
"""
    return Bad(what, MODULE, code)


def params(what: str, **sections: Mapping[str, Any]) -> Bad:
    """Settings of the use case, by section."""
    keys = {
        f"{SECTION}.{section}.{key}": v
        for section, keys in sections.items()
        for key, v in keys.items()
    }
    return Bad(what, params=keys)


def bad_models(best: Sequence[str]) -> tuple[Bad, ...]:
    """All of them; `best`: the feature that the model can least do without, then the histories of it."""
    known = " and the histories of it" if len(best) > 1 else ""
    return (
        learned("labels shuffled", "y = np.random.default_rng(0).permutation(y)"),
        learned("labels the other way round", "y = 1 - y"),
        declared(
            f"best feature ({best[0]}{known}) dropped",
            f"f for f in FEATURES.features if f not in {tuple(best)}",
        ),
        Bad(
            "label leaked into a feature by the code",
            "plumbline/features/batch.py",
            wrapped(
                "join_label",
                "rows = honest(*given, **named)\n"
                "label = rows[given[0].label].fill_null(0)\n"
                "return rows.mutate(distance_m=rows.distance_m + label * 400_000)",
            ),
        ),
        declared("label declared as a feature", "[FEATURES.label, *FEATURES.features]"),
        params("data a month old", data={"as_of": "2025-06-01"}),
        learned(
            "one slice broken (frauds of a category not learned)",
            "fuel = x[:, usecase.features.index('category_code')] == 1\n"
            "y = np.where(fuel, 0, y).astype(np.float32)",
        ),
        params(
            "miscalibrated (frauds weigh 30 times, no calibration)",
            train={"calibration": "none", "params": {"scale_pos_weight": 30}},
        ),
        params("too few rounds", train={"rounds": 3}),
        params(
            "overfitted",
            tune={"max_evals": 0},
            train={"early_stopping": 400, "params": {"eta": 1.0, "max_depth": 14, "lambda": 0}},
        ),
        params(
            "amounts in another unit in 1 of 20 rows",
            data={
                "simulate": {
                    "shocks": [{"date": "2025-06-01", "kind": "unit_error", "share": 0.05}]
                }
            },
        ),
        learned(
            "features and rows out of step in training",
            "x = np.concatenate([np.roll(x[:, :12], 1, axis=0), x[:, 12:]], axis=1)",
        ),
        learned(
            "one row in fifty learned",
            "x, y = x[::50], y[::50]\noffset = None if offset is None else offset[::50]",
        ),
        Bad(
            "a threshold that hardly ever alarms",
            "plumbline/model/threshold.py",
            "\n\nimport dataclasses  # noqa: E402\n"
            + wrapped(
                "choose",
                "answer = honest(*given, **named)\n"
                "return answer and dataclasses.replace(answer, value=0.99)",
            ),
        ),
    )
