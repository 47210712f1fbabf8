"""What `fraud_woe` of card_fraud is made of: `python -m bench.woe_score`, after `dvc repro`.

Prints, for each band of a payment's size, place and hour in the training window, how many times
commoner frauds are there than honest payments, in tenths of a natural logarithm, beside the points
that the use case gives; and the frauds and honest payments that the figure rests on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from plumbline.core import tables
from plumbline.core.declarations import Array, Columns
from usecases.card_fraud import features as card_fraud

TABLE = Path("data/card_fraud/tables/train.parquet")
COLUMNS = ("amount_cents", "category", "distance_m", "hour", "size_over_expected", "is_fraud")


def points(fraud: Array, band: Array) -> int:
    """Tenths of the logarithm of how many times commoner frauds than others are in a band.

    `fraud`, `band`: bool (n,). Half a payment is added to both, so that none is infinitely odd.
    """
    ours = ((fraud & band).sum() + 0.5) / (fraud.sum() + 0.5)
    others = ((~fraud & band).sum() + 0.5) / ((~fraud).sum() + 0.5)
    return int(np.rint(10 * np.log(ours / others)))


def bands(columns: Columns) -> Iterator[tuple[str, int, Array]]:
    """Each band's name, the use case's points, and which payments lie in it, bool (n,)."""
    step = np.searchsorted(card_fraud.WOE_STEPS, columns["size_over_expected"], side="right")
    everyday = np.isin(columns["category"], card_fraud.EVERYDAY)
    of_kind = {
        "everyday": (everyday, card_fraud.WOE_EVERYDAY),
        "elsewhere": (~everyday, card_fraud.WOE_ELSEWHERE),
    }
    for kind, (inside, given) in of_kind.items():
        for i, one in enumerate(given):
            low = f"from {card_fraud.WOE_STEPS[i - 1]}" if i else "below"
            yield f"size {low}, {kind}", one, inside & (step == i)
    far, hour = columns["distance_m"] >= 5_000, columns["hour"]
    late = (hour == 6) | (hour >= 22)
    yield "5 km or more", card_fraud.WOE_FAR, far
    yield "nearer", card_fraud.WOE_NEAR, ~far
    yield "0 to 6 o'clock", card_fraud.WOE_NIGHT, hour < 6
    yield "6 to 7, 22 to 24", card_fraud.WOE_LATE, late
    yield "7 to 22", card_fraud.WOE_DAY, (hour >= 7) & ~late


def main() -> None:
    """Print the table for the training window on disk."""
    columns = tables.read(TABLE, COLUMNS)
    columns = {name: values[columns["amount_cents"] > 0] for name, values in columns.items()}
    fraud = columns["is_fraud"] == 1
    print(f"{'band':28}{'points':>8}{'seen':>8}{'frauds':>8}{'honest':>10}")
    for name, given, inside in bands(columns):
        counts = f"{(fraud & inside).sum():8,}{(~fraud & inside).sum():10,}"
        print(f"{name:28}{given:8}{points(fraud, inside):8}{counts}")


if __name__ == "__main__":
    main()
