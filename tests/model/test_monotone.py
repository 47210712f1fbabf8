"""A constrained model's answer never falls where the feature rises; the bundle says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plumbline.core import documents, tables
from plumbline.core.declarations import Array
from plumbline.model import bundle
from stages import train as stage
from tests.boosting import tuned
from tests.code.test_train import turn
from tests.code.test_tune import project

HEIGHTS = np.linspace(0, 250, 60)


def answers(monotone: dict[str, int], rows: int = 40) -> Array:
    """The answers of a model trained so, (rows, heights); rows are real ones but for the height."""
    turn(monotone=monotone, params={"eta": 0.5, "max_depth": 6})
    documents.write(Path("tune.json"), tuned({}))
    pair = Path("train.parquet"), Path("valid.parquet")
    stage.main("parcels", *pair, Path("tune.json"), Path("model"))
    model = bundle.load(Path("model"))
    signs = model.manifest.params.get("monotone_constraints")
    assert signs == (f"({monotone['height']},0,0,0)" if monotone else None)
    few = {n: np.repeat(v[:rows], len(HEIGHTS)) for n, v in tables.read(pair[1]).items()}
    few["height"] = np.tile(HEIGHTS, rows)
    return model.predict(few).reshape(rows, -1)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_answer_follows_the_sign(sign: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project(tmp_path, monkeypatch)
    free = np.diff(answers({}), axis=1)
    assert free.min() < 0 < free.max()
    steps = sign * np.diff(answers({"height": sign}), axis=1)
    assert steps.min() >= 0
    assert sign < 0 or steps.max() > 0
