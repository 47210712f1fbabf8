"""exp and log of our own: close to the true values, rising, and the same bits on every code path of NumPy."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from decimal import Decimal, getcontext

import numpy as np
import pytest

from plumbline.model import portable
from tests.conftest import ROOT

WORDS = """
import hashlib
import numpy as np
from plumbline.model import portable
x = np.random.default_rng(0).uniform(-30, 30, 100_000)
print(hashlib.md5(portable.exp(x).tobytes() + portable.log(portable.exp(x)).tobytes()).hexdigest())
"""


def md5(disabled: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "NPY_DISABLE_CPU_FEATURES": disabled}
    words = [sys.executable, "-c", WORDS]
    return subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout


def fast() -> str:
    """What NumPy chose on this processor beyond its baseline."""
    from numpy._core import _multiarray_umath as core

    return " ".join(f for f in core.__cpu_dispatch__ if core.__cpu_features__.get(f))


def test_the_same_bits_without_the_fast_instructions() -> None:
    assert md5("") == md5(fast())


@pytest.mark.parametrize("x", [-700.0, -31.7, -1.0, -1e-9, 0.0, 0.3465, 0.3466, 1.0, 20.0, 700.0])
def test_exp_is_within_two_units(x: float) -> None:
    getcontext().prec = 40
    true = Decimal(x).exp()
    result = float(portable.exp(np.array([x]))[0])
    assert abs(Decimal(result) - true) <= 2 * Decimal(math.ulp(result))


@pytest.mark.parametrize("x", [1e-300, 1e-7, 0.5, 0.7071, 0.7072, 0.999, 1.0, 1.001, 3.0, 1e7])
def test_log_is_close(x: float) -> None:
    getcontext().prec = 40
    result = float(portable.log(np.array([x]))[0])
    assert abs(Decimal(result) - Decimal(x).ln()) <= Decimal(2) * Decimal(
        math.ulp(max(abs(result), 1e-3))
    )


def test_they_rise() -> None:
    x = np.linspace(-20, 20, 1_000_001)
    up = portable.exp(x)
    assert (np.diff(up) > 0).all()
    assert (np.diff(portable.log(up)) > 0).all()


def test_what_leaves_float64_is_cut() -> None:
    assert np.isfinite(portable.exp(np.array([-1e9, 1e9]))).all()
    assert portable.exp(np.array([-1e9]))[0] > 0


def test_the_constants_are_the_logarithm_of_two() -> None:
    getcontext().prec = 40
    rest = Decimal(2).ln() - Decimal(portable.LN2_HIGH) - Decimal(portable.LN2_LOW)
    assert abs(rest) < Decimal("1e-27")
