"""The as-of date in params.yaml: read, chosen, and moved without touching anything else. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import yaml

from plumbline.core.errors import ParamsError, PlumblineError
from plumbline.data.params import Data

STEP = 28
"""Days that a simulated source moves on by, where no other day is given."""
SERVED: str = "served"
"""The source that is what a service has answered, day by day."""


def target(
    name: str,
    data: Data,
    *,
    day: date | None,
    days: int | None,
    today: date,
    sealed: date | None = None,
) -> date | None:
    """The day to retrain at: `day`, or `days` on, or today; None where the use case has no as-of date.

    A simulated source has no today: it moves on by STEP days. What was served is known up to the end of the last
    sealed day, `sealed`: None where no day is. PlumblineError for a day in its past.
    """
    if data.as_of is None:
        return None
    simulated = STEP if data.source == "simulate" else None
    on = days if days is not None else simulated
    if day is not None or on is not None:
        chosen = day or data.as_of + timedelta(days=on or 0)
    else:
        chosen = _after(name, sealed) if data.source == SERVED else today
    if chosen < data.as_of:
        raise PlumblineError(
            f"params.yaml, {name}.data.as_of is {data.as_of}, later than {chosen}; expected the same "
            "day or a later one (--as-of DATE, or --days N)"
        )
    return chosen


def _after(name: str, sealed: date | None) -> date:
    if sealed is None:
        raise PlumblineError(
            f"{name}: no day is sealed yet, so that there is nothing newer to train on; `plumbline seal {name}` on the "
            "server, commit its pointers, then retrain"
        )
    return sealed + timedelta(days=1)


def moved(text: str, name: str, day: date) -> str:
    """The text of params.yaml with `usecase`'s as-of date set; comments and layout are kept.

    >>> moved('shop: {data: {as_of: "2025-01-01"}}  # a day', "shop", date(2025, 2, 1))
    'shop: {data: {as_of: "2025-02-01"}}  # a day'
    """
    node = _find(yaml.compose(text, Loader=yaml.SafeLoader), (name, "data", "as_of"))
    if node is None:
        raise ParamsError(f"params.yaml, {name}.data.as_of: missing; there is no day to move")
    return f'{text[: node.start_mark.index]}"{day}"{text[node.end_mark.index :]}'


def _find(node: yaml.Node | None, keys: Sequence[str]) -> yaml.Node | None:
    if not keys:
        return node
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    inner = next((value for key, value in pairs if key.value == keys[0]), None)
    return _find(inner, keys[1:]) if inner is not None else None
