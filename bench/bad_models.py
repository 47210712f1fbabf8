"""Models that are bad on purpose: each a change that a contributor could make, for `bench/honesty.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

READ = "plumbline/model/batches.py"
LEARNED = "yield Batch(x, columns[usecase.label].astype(np.float32), offset)"
"""The line that hands a batch to XGBoost, for training and for early stopping."""
MODULE = "usecases/card_fraud.py"
TRAIN = "stages/train.py"
OWN = "card_fraud.tune.max_evals"


@dataclass(frozen=True)
class Bad:
    """Edits to one file (old text, new text; an empty old text: appended), and to params.yaml."""

    what: str
    file: str = ""
    edits: tuple[tuple[str, str], ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)


def learned(what: str, new: str) -> Bad:
    """Another line in place of the one that hands over a batch."""
    return Bad(what, READ, ((LEARNED, new.replace("\n", "\n            ")),))


def bad_models(best: str) -> tuple[Bad, ...]:
    """All of them; `best` is the feature that the model can least do without."""
    return (
        learned(
            "labels shuffled",
            "label = np.random.default_rng(0).permutation(columns[usecase.label])\n"
            "yield Batch(x, label.astype(np.float32), offset)",
        ),
        learned(
            "labels the other way round",
            "yield Batch(x, 1 - columns[usecase.label].astype(np.float32), offset)",
        ),
        Bad(
            f"best feature ({best}) dropped",
            MODULE,
            (
                (
                    "",
                    "import dataclasses  # noqa: E402\n\nUSECASE = dataclasses.replace(\n    USECASE, "
                    f'features=tuple(f for f in USECASE.features if f != "{best}")\n)\n',
                ),
            ),
        ),
        Bad(
            "label leaked into a feature by the code",
            "plumbline/features/assemble.py",
            (
                (
                    "rows = rows.select(tables.order(case)).order_by(case.time, case.key)",
                    "far = rows.distance_m + rows[case.label].fill_null(0) * 400_000\n"
                    "        rows = rows.mutate(distance_m=far)\n"
                    "        rows = rows.select(tables.order(case)).order_by(case.time, case.key)",
                ),
            ),
        ),
        Bad(
            "label declared as a feature",
            MODULE,
            (('"distance_m",\n        "kind_code"', '"is_fraud",\n        "kind_code"'),),
        ),
        Bad("data a month old", params={"card_fraud.data.as_of": "2025-06-01"}),
        learned(
            "one slice broken (frauds of a category not learned)",
            "fuel = x[:, usecase.features.index('category_code')] == 1\n"
            "label = np.where(fuel, 0, columns[usecase.label])\n"
            "yield Batch(x, label.astype(np.float32), offset)",
        ),
        Bad(
            "miscalibrated (frauds weigh 30 times, no calibration)",
            params={
                "card_fraud.train.calibration": "none",
                "card_fraud.train.params": {"scale_pos_weight": 30},
            },
        ),
        Bad("too few rounds", params={"card_fraud.train.rounds": 3}),
        Bad(
            "overfitted",
            params={
                OWN: 0,
                "card_fraud.train.early_stopping": 400,
                "card_fraud.train.params": {"eta": 1.0, "max_depth": 14, "lambda": 0},
            },
        ),
        Bad(
            "amounts in another unit in 1 of 20 rows",
            params={
                "card_fraud.data.simulate": {
                    "shocks": [{"date": "2025-06-01", "kind": "unit_error", "share": 0.05}]
                }
            },
        ),
        learned(
            "features and rows out of step in training",
            "x = np.concatenate([np.roll(x[:, :12], 1, axis=0), x[:, 12:]], axis=1)\n"
            "yield Batch(x, columns[usecase.label].astype(np.float32), offset)",
        ),
        learned(
            "one row in fifty learned",
            "few = slice(None, None, 50)\n"
            "label = columns[usecase.label].astype(np.float32)[few]\n"
            "yield Batch(x[few], label, offset if offset is None else offset[few])",
        ),
        Bad(
            "a threshold that hardly ever alarms",
            TRAIN,
            (
                (
                    '"threshold": decision.choose(case, columns, answer, how.costs),',
                    '"threshold": dataclasses.replace(\n'
                    "            decision.choose(case, columns, answer, how.costs), value=0.99\n        ),",
                ),
                ("import logging\n", "import dataclasses\nimport logging\n"),
            ),
        ),
    )
