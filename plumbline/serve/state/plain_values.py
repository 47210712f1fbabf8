"""An event's or outcome's plain values as text, for a file or a server, and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from plumbline.core.usecase import FeatureSet


def dumps(values: Iterable[Any]) -> str:
    """Values of a contract's columns: whole numbers of any size, times, None.

    >>> dumps([1, None, "a", datetime(2025, 1, 2)])
    '[1,null,"a","2025-01-02T00:00:00"]'
    """
    plain = [v.isoformat() if isinstance(v, datetime) else v for v in values]
    return json.dumps(plain, separators=(",", ":"))


def times(usecase: FeatureSet, names: Sequence[str]) -> tuple[bool, ...]:
    """Which of the columns are times."""
    kinds = {c.name: c.type for c in usecase.columns}
    return tuple(kinds.get(name) == "timestamp" for name in names)


def loads(text: str | bytes, times: Sequence[bool]) -> tuple[Any, ...]:
    """The values that `dumps` wrote; `times`: see there.

    >>> loads('["2025-01-02T00:00:00", null]', [True, True])
    (datetime.datetime(2025, 1, 2, 0, 0), None)
    """
    values = json.loads(text)
    return tuple(
        datetime.fromisoformat(v) if is_time and v is not None else v
        for v, is_time in zip(values, times, strict=True)
    )


def late(usecase: FeatureSet, values: Mapping[str, Any]) -> list[Any]:
    """An outcome's values, in the order of the contract."""
    return [values[c.name] for c in usecase.unknown]
