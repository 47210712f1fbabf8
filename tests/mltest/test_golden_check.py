"""Infra 6: golden requests are put to a bundle before it serves; one wrong answer and it does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from plumbline.__main__ import main
from plumbline.core import tables
from plumbline.core.errors import BundleError, ContractError, PlumblineError
from plumbline.model import bundle
from plumbline.ops.rollback import golden, golden_check
from tests.boosting import parcels
from tests.conftest import ROOT
from tests.mltest.bundles import saved, served, write

pytestmark = pytest.mark.mltest("Infra 6")
Place = tuple[Path, Path, Path]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return served(tmp_path_factory.mktemp("served"))


@pytest.fixture
def place(template: Place, tmp_path: Path) -> Place:
    """A copy to damage."""
    shutil.copytree(template[0].parent, tmp_path / "served")
    return tuple(tmp_path / "served" / p.name for p in template)


def test_the_recorded_model_passes(place: Place) -> None:
    assert golden_check.check(parcels(), *place) == golden.MOST


def test_another_model_is_refused(place: Place, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = saved(tmp_path / "other", rounds=1)
    with pytest.raises(PlumblineError, match="of 200 golden events differ: row 0, score: recorded"):
        golden_check.check(parcels(), other, *place[1:])


def test_one_answer_in_its_last_bit_is_refused(place: Place) -> None:
    recorded = tables.read(place[2] / golden.FILE)
    recorded["score"] = recorded["score"].copy()
    recorded["score"][2] = np.nextafter(recorded["score"][2], 1)
    write(place[2] / golden.FILE, recorded)
    with pytest.raises(PlumblineError, match="1 of 200 golden events differ: row 2, score"):
        golden_check.check(parcels(), *place)


@pytest.mark.parametrize(("answer", "message"), [(np.nan, "nan"), (1.5, "1.5"), (-0.1, "-0.1")])
def test_no_number_and_no_probability_are_refused(
    place: Place, answer: float, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bundle.Bundle.score
    request = iter(range(golden.MOST))

    def wrong(self: bundle.Bundle, *given: object) -> np.ndarray:
        return np.array([answer]) if next(request) == 11 else whole(self, *given)

    monkeypatch.setattr(bundle.Bundle, "score", wrong)
    with pytest.raises(PlumblineError, match=f"golden request 11 is answered {message}$"):
        golden_check.check(parcels(), *place)


def test_a_request_that_breaks_the_contract_is_refused(place: Place) -> None:
    columns = tables.read(place[1])
    columns["kind"] = np.full(len(columns["kind"]), "ball", object)
    write(place[1], columns)
    with pytest.raises(ContractError, match="kind is 'ball', expected one of box, tube"):
        golden_check.check(parcels(), *place)


def test_features_of_another_meaning_are_refused(place: Place) -> None:
    case = parcels(snapshots=(), features=("height", "kind_code"), rows=())
    with pytest.raises(BundleError, match="the features are not those that this model"):
        golden_check.check(case, *place)


def test_the_command(
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for target, source in (
        ("models/parcels", place[0]),
        ("data/parcels/tables/test.parquet", place[1]),
        ("reports/parcels/evaluate", place[2]),
    ):
        (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
        source.rename(tmp_path / target)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("plumbline.core.usecase_loader.load", lambda name: parcels())
    assert main(["golden-check", "parcels"]) == 0
    assert "200 golden requests answered" in capsys.readouterr().out
    predictions = tmp_path / "reports/parcels/evaluate" / golden.FILE
    recorded = tables.read(predictions)
    write(predictions, {**recorded, "score": recorded["score"] + 1e-9})
    assert main(["golden-check", "parcels"]) == 1
    assert "golden events differ" in capsys.readouterr().err
    (tmp_path / "models/parcels/model.ubj").write_bytes(b"{}")
    assert main(["golden-check", "parcels"]) == 2
    assert "md5" in capsys.readouterr().err
