"""Constants that functions read, as JSON that gives the same values back, to the bit. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from plumbline.core.errors import BundleError

DEEPEST = 20
"""Levels of lists within lists."""
LISTS: Mapping[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "list": list,
    "set": set,
    "frozenset": frozenset,
}
TAG_OF: Mapping[type, str] = {tuple: "tuple", list: "list", set: "set", frozenset: "frozenset"}


def encode(value: Any, depth: int = 0) -> Any:
    """`value` as JSON; TypeError, naming the type, for what is no plain value.

    >>> encode((1, 2.5, float("inf")))
    {'tuple': [1, 2.5, {'float': 'inf'}]}
    """
    if depth > DEEPEST:
        raise TypeError(f"lists within lists, more than {DEEPEST} deep")
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind in TAG_OF:
        return {TAG_OF[kind]: [encode(v, depth + 1) for v in _ordered(value)]}
    if kind is dict:
        return {"dict": [[encode(k, depth + 1), encode(v, depth + 1)] for k, v in value.items()]}
    if isinstance(value, np.ndarray | np.generic):
        return {"array": _array(np.asarray(value), scalar=isinstance(value, np.generic))}
    return _dated(value)


def decode(value: Any) -> Any:
    """What `encode` was given; BundleError for what it does not write."""
    if not isinstance(value, dict):
        return value
    try:
        ((tag, content),) = value.items()
        if tag in LISTS:
            return LISTS[tag]([decode(v) for v in content])
        return DECODERS[tag](content)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BundleError(f"a constant {str(value)[:60]} that cannot be read ({error})") from None


def _ordered(value: Any) -> list[Any]:
    if isinstance(value, set | frozenset):
        return sorted(value, key=lambda v: (type(v).__name__, repr(v)))
    return list(value)


def _array(value: np.ndarray, *, scalar: bool) -> dict[str, Any]:
    """Its dtype, shape and elements; times as the whole numbers that they are stored as."""
    kind = value.dtype.kind
    if kind not in "biufUMm" or (kind == "f" and value.dtype.itemsize > 8):
        raise TypeError(f"an array of {value.dtype}")
    plain = value.view(np.int64) if kind in "Mm" else value
    return {
        "dtype": value.dtype.str,
        "shape": list(value.shape),
        "scalar": scalar,
        "data": [encode(v) for v in plain.ravel().tolist()],
    }


def _from_array(content: Mapping[str, Any]) -> Any:
    dtype, shape = np.dtype(content["dtype"]), tuple(content["shape"])
    if dtype.kind not in "biufUMm":
        raise TypeError(f"an array of {dtype}")
    data = [decode(v) for v in content["data"]]
    times = dtype.kind in "Mm"
    array = np.array(data, np.int64).view(dtype) if times else np.array(data, dtype)
    array = array.reshape(shape)
    return array[()] if content["scalar"] else array


def _dated(value: Any) -> dict[str, Any]:
    if type(value) is datetime and value.tzinfo is None:
        return {"datetime": value.isoformat()}
    if type(value) is date:
        return {"date": value.isoformat()}
    if type(value) is timedelta:
        return {"timedelta": [value.days, value.seconds, value.microseconds]}
    if type(value) is bytes:
        return {"bytes": value.hex()}
    raise TypeError(f"of type {type(value).__name__}")


DECODERS: Mapping[str, Callable[[Any], Any]] = {
    "float": float,
    "dict": lambda pairs: {decode(k): decode(v) for k, v in pairs},
    "array": _from_array,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "timedelta": lambda parts: timedelta(*parts),
    "bytes": bytes.fromhex,
}
