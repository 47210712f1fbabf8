"""XGBoost's trees called for one request: its documented C function, without the Python wrapper's checks.

The wrapper costs as much as the trees of a small model. Where the function is missing, or gives other bits
than `inplace_predict` on a probe at load, the wrapper is used.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from plumbline.core.declarations import Array

Kind = Literal["value", "margin"]
Predict = Callable[[Array, Array | None, Kind], Array]
KINDS: tuple[Kind, ...] = ("value", "margin")
PROBE = 3
"""Rows of the probe: of nulls, of noughts, of ones."""


class Trees:
    """A booster that predicts in the caller's thread alone."""

    def __init__(self, booster: Any) -> None:
        self._booster = booster.copy()
        self._booster.set_param({"nthread": 1})
        self._direct = _checked(self._booster)

    def predict(self, x: Array, start: Array | None, kind: Kind) -> Array:
        """As `inplace_predict`, float64 (n,) or (n, k): x float32 (n, features), what the trees start from (n,)."""
        if start is None and self._direct is not None:
            return self._direct(x, kind).astype(np.float64)
        return _wrapped(self._booster, x, start, kind)


def _wrapped(booster: Any, x: Array, start: Array | None, kind: Kind) -> Array:
    answer = booster.inplace_predict(
        x, base_margin=start, predict_type=kind, validate_features=False
    )
    return np.asarray(answer, np.float64)


def _checked(booster: Any) -> Callable[[Array, Kind], Array] | None:
    """The C function for this booster; None where it does not do what the wrapper does."""
    x = np.repeat(np.array([np.nan, 0.0, 1.0], np.float32)[:, None], booster.num_features(), axis=1)
    try:
        direct = _Direct(booster)
        pairs = [
            (direct(x[:n], k), _wrapped(booster, x[:n], None, k)) for k in KINDS for n in (1, PROBE)
        ]
    except (AttributeError, OSError, ValueError, TypeError, ctypes.ArgumentError):
        return None
    same = all(a.shape == b.shape and (a.astype(np.float64) == b).all() for a, b in pairs)
    return direct if same else None


class _Direct:
    """`XGBoosterPredictFromDense` on one booster."""

    def __init__(self, booster: Any) -> None:
        self._booster = booster  # keeps the handle alive
        self._call = _library().XGBoosterPredictFromDense
        self._size, self._handle = ctypes.c_uint64, booster.handle
        self._settings = {kind: _settings(place) for place, kind in enumerate(KINDS)}

    def __call__(self, x: Array, kind: Kind) -> Array:
        """float32 (n,) or (n, k) for float32 (n, features)."""
        x, (rows, width) = np.ascontiguousarray(x, np.float32), x.shape
        described = _DENSE % (x.ctypes.data, rows, width)
        shape, dims = ctypes.POINTER(self._size)(), self._size()
        answer = ctypes.POINTER(ctypes.c_float)()
        status = self._call(
            self._handle, described, self._settings[kind], None,
            ctypes.byref(shape), ctypes.byref(dims), ctypes.byref(answer),
        )  # fmt: skip
        if status:
            raise ValueError("XGBoosterPredictFromDense failed")
        sizes = shape[: dims.value]
        return np.array(answer[: int(np.prod(sizes))], np.float32).reshape(sizes)


def _library() -> Any:
    """XGBoost's shared library."""
    from xgboost import core

    return core._LIB


_DENSE = b'{"data":[%d,true],"strides":null,"descr":[["","<f4"]],"typestr":"<f4","shape":[%d,%d],"version":3}'


def _settings(kind: int) -> bytes:
    settings = {
        "type": kind,
        "training": False,
        "iteration_begin": 0,
        "iteration_end": 0,
        "missing": float("nan"),
        "strict_shape": False,
        "cache_id": 0,
    }
    return json.dumps(settings).encode()
