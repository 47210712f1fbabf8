"""Groups of rows: by a column's values, by intervals between edges, by calendar month."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from plumbline.core import history_ages
from plumbline.core.declarations import Array, Columns, Slice
from plumbline.core.usecase import UseCase
from plumbline.model import segments
from plumbline.model.segments import MISSING

MOST_GROUPS = 20
OTHERS = "other"


def pieces(usecase: UseCase, columns: Iterable[str]) -> tuple[Slice, ...]:
    """What is judged piece by piece: the declared slices, and the ages of histories among `columns`."""
    return (*usecase.slices, *history_ages.slices(usecase, columns))


class CodedGroups(Mapping[str, Array]):
    """Groups' names and rows, bool (n,), made when they are looked up: a byte is held of each row."""

    def __init__(self, place: Array, code: Mapping[str, int]) -> None:
        small = max(code.values(), default=0) < 256
        self._place, self._code = place.astype(np.uint8 if small else np.int32), dict(code)

    def __getitem__(self, name: str) -> Array:
        return np.asarray(self._place == self._code[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._code)

    def __len__(self) -> int:
        return len(self._code)


def groups(piece: Slice, columns: Columns) -> CodedGroups:
    """Each group's name and rows, bool (n,): every row is in exactly one group, none is empty.

    An edge belongs to the interval that it opens. Values beyond the `MOST_GROUPS` most frequent are
    "other"; null is "missing".
    """
    values = columns[piece.column]
    kinds, place = segments.placed(values, piece.edges) if piece.edges else by_value(values)
    code = {str(kinds[n]): n for n in np.flatnonzero(np.bincount(place)).tolist()}
    return CodedGroups(place, {name: code[name] for name in ordered(code, piece.edges)})


def months(time: Array) -> CodedGroups:
    """The calendar months found in `time` (datetime64, (n,)), in order, with their rows, bool (n,)."""
    kinds, place = np.unique(time.astype("datetime64[M]"), return_inverse=True)
    return CodedGroups(place, {str(month): n for n, month in enumerate(kinds)})


def by_value(values: Array) -> tuple[Array, Array]:
    """The groups' names, object (k,), and each row's place among them, int (n,); the rare values "other",
    null "missing".
    """
    kinds, place = segments.named(values, _text)
    count = np.bincount(place)
    kept = kinds[np.lexsort((kinds.astype(str), -count))][:MOST_GROUPS]
    names, own = np.unique(
        np.where(np.isin(kinds, kept), kinds, OTHERS).astype(str), return_inverse=True
    )
    return names.astype(object), own[place]


def ordered(names: Iterable[str], edges: Sequence[float]) -> list[str]:
    """Groups' names as one reads them: intervals by their edges, values by size, the rest last."""
    result = set(names)
    last = [n for n in (OTHERS, MISSING) if n in result]
    first = segments.intervals(edges) if edges else sorted(result.difference(last), key=_natural)
    return [n for n in first if n in result] + last


def _natural(name: str) -> tuple[int, float, str]:
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name


def _text(value: object) -> str:
    if value is None or value != value:
        return MISSING
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
