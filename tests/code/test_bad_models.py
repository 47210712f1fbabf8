"""The bad models of `bench/honesty.py` can still be planted: what they wrap and set is there."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from bench import bad_models
from bench.bad_models import Bad
from bench.honesty import with_histories
from plumbline import config as params_file
from plumbline.model import matrices, threshold
from tests.conftest import ROOT
from tests.project import Project
from usecases.card_fraud.model import USECASE

BAD = bad_models.bad_models(("fraud_woe", "customer_woe_7d"))
CODED = [bad for bad in BAD if bad.file]
SET = [bad for bad in BAD if bad.params]


def planted(bad: Bad) -> dict:
    """The file's names, with the change in it."""
    path = ROOT / bad.file
    name = bad.file.removesuffix(".py").replace("/", ".")
    result = {"__name__": importlib.import_module(name).__name__}
    exec(compile(path.read_text() + bad.code, str(path), "exec"), result)  # noqa: S102 (our own file)
    return result


def test_there_are_enough() -> None:
    assert len(BAD) >= 12
    assert len({bad.what for bad in BAD}) == len(BAD)
    assert len(CODED) + len(SET) == len(BAD)


@pytest.mark.parametrize("bad", CODED, ids=lambda bad: bad.what)
def test_what_is_wrapped_is_there(bad: Bad) -> None:
    if bad.file == bad_models.MODULE and "label" in bad.what:
        with pytest.raises(Exception, match="is_fraud"):
            planted(bad)
        return
    name = re.search(r"^honest = (\w+)$", bad.code, re.MULTILINE)
    result = planted(bad)
    there = importlib.import_module(result["__name__"])
    assert result[name[1] if name else "FEATURES"] is not result.get("honest")
    assert hasattr(there, name[1] if name else "FEATURES")


def test_a_feature_goes_with_its_histories() -> None:
    assert with_histories(USECASE, "hour") == ("hour",)
    gone = with_histories(USECASE, "fraud_woe")
    assert gone == ("fraud_woe", "customer_woe_3d", "customer_woe_7d", "customer_woe_today")
    [dropped] = [b for b in bad_models.bad_models(gone) if "dropped" in b.what]
    assert dropped.what == "best feature (fraud_woe and the histories of it) dropped"
    left = planted(dropped)["FEATURES"].features
    assert left == tuple(f for f in USECASE.features if f not in gone)


@pytest.mark.parametrize("bad", SET, ids=lambda bad: bad.what)
def test_what_is_set_is_a_setting(bad: Bad, tmp_path: Path) -> None:
    path = Path(shutil.copy(ROOT / "params.yaml", tmp_path))
    Project(tmp_path).set(bad.params)
    result = params_file.load(bad_models.SECTION, path)
    assert result != params_file.load(bad_models.SECTION, ROOT / "params.yaml")


def test_a_batch_is_changed_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stage calls is the wrapper, and what it hands on is another batch."""
    [bad] = [bad for bad in BAD if bad.what == "labels the other way round"]
    result = planted(bad)
    batch = matrices.Batch(np.zeros((2, 1)), np.array([0.0, 1.0]))
    result["honest"] = lambda usecase, path: iter([batch])
    [changed] = result["_read"]("a use case", "a path")
    assert changed.y.tolist() == [1.0, 0.0]


def test_a_threshold_is_moved() -> None:
    result = planted(BAD[-1])
    result["honest"] = lambda *given: threshold.Threshold(0.2, "f1", 0.5, 0.1)
    assert result["choose"]("a use case", {}, np.zeros(1)).value == 0.99
