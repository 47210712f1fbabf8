"""A bundle by itself: read by anybody, executed only once admitted, scored to the bit."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
import tarfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.__main__ import main
from plumbline.core import tables, usecase_loader
from plumbline.core.declarations import Snapshot
from plumbline.core.errors import BundleError, ContractError, PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model import admission, bundle, library_versions, usecase_file
from plumbline.model.admission import Scorer
from plumbline.model.decisions import Cut, DecisionPolicy
from plumbline.ops import packed_bundle, score_events
from plumbline.ops.release import archives, release
from plumbline.ops.score_events import ScoreOptions
from plumbline.serve import scoring
from plumbline.train import fitting
from tests.boosting import events, parcels
from tests.bundles import carrying, raw


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that carries its use case."""
    return carrying(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def folder(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to damage, in a folder that is no project; no hash is admitted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(admission.VARIABLE, raising=False)
    return Path(shutil.copytree(saved, tmp_path / "model"))


def edit(folder: Path, **changed: Any) -> None:
    """Change keys of usecase.json."""
    path = folder / usecase_file.FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


@pytest.mark.capability("C33")
def test_an_admitted_bundle_scores_raw_events_to_the_bit(folder: Path) -> None:
    scorer = admission.load(folder, [admission.digest(folder)])
    assert scorer.origin == "admitted"
    assert scorer.score(raw()).tolist() == bundle.load(folder).predict(events(3, 300)).tolist()
    assert {one.verdict for one in scorer.libraries} == {"same"}


def test_the_whole_use_case_comes_back(folder: Path) -> None:
    carried = bundle.load(folder).carried
    assert carried is not None
    stub, case = usecase_file.stub(carried), parcels()
    for name in ("columns", "snapshots", "entities", "categories", "features", "label", "split"):
        assert getattr(stub, name) == getattr(case, name)
    assert [(r.name, r.inputs, r.description) for r in stub.rows] == [
        (r.name, r.inputs, r.description) for r in case.rows
    ]
    with pytest.raises(BundleError, match="'height_over_mean' of a bundle was not admitted"):
        bundle.load(folder).score(stub, raw())


@pytest.mark.parametrize("name", ["card_fraud", "flights"])
def test_every_declaration_of_a_shipped_use_case_comes_back(name: str) -> None:
    case = usecase_loader.load_features(name)
    stub = usecase_file.stub(usecase_file.describe(case, ""))
    for one in (field.name for field in fields(FeatureSet) if field.name != "rows"):
        assert getattr(stub, one) == getattr(case, one), one


BOMB = """open("exploded", "w").close()
def height_over_mean(height, sender_mean_7d):
    return height
"""


def test_a_strangers_bundle_is_read_and_not_executed(folder: Path, tmp_path: Path) -> None:
    """Consistently forged: every hash in it is right."""
    case = parcels()
    function = case.rows[0].function
    function.source_text = BOMB  # type: ignore[attr-defined]
    try:
        entries = dict(bundle.load(folder).manifest) | fitting.manifest.describe(case)
        del entries["model_md5"]
        bundle.save(folder, bundle.load(folder).booster, entries, case)
    finally:
        del function.source_text  # type: ignore[attr-defined]
    assert main(["bundle", "model", "--source"]) == 0
    with pytest.raises(
        BundleError, match="brings 1 functions, which are not executed: no hash was"
    ):
        admission.load(folder)
    with pytest.raises(BundleError, match="1 other hashes were admitted"):
        admission.load(folder, ["0" * 64])
    assert not (tmp_path / "exploded").exists()
    admission.load(folder, [admission.digest(folder)])
    assert (tmp_path / "exploded").exists()


def test_every_file_counts_for_the_hash(folder: Path, saved: Path) -> None:
    names = sorted(p.name for p in folder.iterdir())
    assert names == ["bundle.json", "model.ubj", "usecase.json"]
    sums = subprocess.run(["sha256sum", *names], cwd=folder, capture_output=True, check=True).stdout
    again = subprocess.run(["sha256sum"], input=sums, capture_output=True, check=True).stdout
    assert again.split()[0].decode() == admission.digest(folder)
    for name in names:
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(before + b" ")
        assert admission.digest(folder) != admission.digest(saved)
        (folder / name).write_bytes(before)


def test_the_environment_admits_too_and_a_part_of_a_hash_does_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = admission.digest(folder)
    monkeypatch.setenv(admission.VARIABLE, f"{'1' * 64}, {digest.upper()}")
    assert admission.load(folder).origin == "admitted"
    monkeypatch.setenv(admission.VARIABLE, digest[:12])
    with pytest.raises(PlumblineError, match="expected a bundle's whole hash, 64 hexadecimal"):
        admission.load(folder)


MODULE = "from tests.boosting import parcels\nUSECASE = parcels({given})\n"


def test_the_checkouts_use_case_is_executed_where_it_is_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import usecases

    (tmp_path / "usecases").mkdir()
    monkeypatch.setattr(usecases, "__path__", [str(tmp_path / "usecases")])
    monkeypatch.setattr("plumbline.core.usecase_imports.check", lambda *_: None)
    place = tmp_path / "usecases" / "parcels.py"
    for given, found in (("", "checkout"), ("label_delay=1", None)):
        place.write_text(MODULE.format(given=given))
        sys.modules.pop("usecases.parcels", None)
        importlib.invalidate_caches()
        shutil.rmtree(tmp_path / "usecases" / "__pycache__", ignore_errors=True)
        if found:
            assert admission.load(folder).origin == found
        else:
            with pytest.raises(BundleError, match="usecases/parcels here declares other features"):
                admission.load(folder)
    sys.modules.pop("usecases.parcels", None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"bundle": "0" * 64}, r"usecase\.json: of another bundle\.json"),
        ({"format": 2}, r"usecase\.json, format: "),
        ({"more": 1}, r"usecase\.json, more: unknown key"),
        ({"declared": {"name": "parcels"}}, r"usecase\.json: declared: not what this version"),
        ({"functions": {}}, r"usecase\.json: declared: not what this version"),
    ],
)
def test_an_edited_file_is_refused(folder: Path, changed: dict[str, Any], message: str) -> None:
    edit(folder, **changed)
    with pytest.raises(BundleError, match=message):
        bundle.load(folder)


def test_other_features_than_the_models_are_refused(folder: Path) -> None:
    declared = json.loads((folder / usecase_file.FILE).read_text())["declared"]
    declared["snapshots"][0]["days"] = 8
    edit(folder, declared=declared)
    with pytest.raises(BundleError, match=r"it declares other features than bundle\.json"):
        bundle.load(folder)


@pytest.mark.parametrize("text", ["{", "[1]", "[" * 5_000, "\x00"])
def test_no_json(folder: Path, text: str) -> None:
    (folder / usecase_file.FILE).write_text(text)
    with pytest.raises(BundleError, match=r"usecase\.json"):
        bundle.load(folder)


def test_a_bundle_from_before_predicts_and_scores_in_a_checkout_alone(folder: Path) -> None:
    (folder / usecase_file.FILE).unlink()
    assert bundle.load(folder).predict(events(3, 5)).shape == (5,)
    with pytest.raises(
        BundleError, match="from before bundles carried their use case, and usecases/"
    ):
        admission.load(folder, [admission.digest(folder)])


@pytest.mark.parametrize(
    ("found", "verdict"),
    [("2.4.6", "same"), ("2.4.7", "compatible"), ("2.10.0", "compatible"), ("2.4.5", "refused"),
     ("3.0.0", "refused"), (None, "refused"), ("2.4.6rc1", "refused")],
)  # fmt: skip
def test_libraries_are_compared(found: str | None, verdict: str) -> None:
    assert library_versions.verdict("2.4.6", found) == verdict


@pytest.mark.capability("C33")
def test_another_library_is_refused_with_what_to_install(folder: Path) -> None:
    edit(folder, libraries={"numpy": "1.9.0", "xgboost": "99.0.0", "no_such": "1.0"})
    with pytest.raises(BundleError) as raised:
        admission.load(folder, [admission.digest(folder)])
    for words in ("numpy 1.9.0 made it, 2.", "no_such 1.0 made it, none is", "'xgboost==99.0.0'"):
        assert words in str(raised.value)


def test_a_named_module_is_never_imported_to_compare_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "trap.py").write_text("open('exploded', 'w')")
    edit(folder, libraries={"trap": "1.0", "os.path": "1"})
    assert main(["bundle", "model"]) == 0
    assert not (tmp_path / "exploded").exists()


@pytest.mark.capability("F5")
def test_the_archive_of_a_release_is_scored(folder: Path, tmp_path: Path) -> None:
    archives.pack(folder, "parcels-model-v1", tmp_path / "parcels.tar.gz")
    pq.write_table(pa.table(raw()), tmp_path / "events.parquet")
    words = ["score", "parcels.tar.gz", "events.parquet", "--out"]
    assert main([*words, "answers.parquet"]) == 2
    assert not (tmp_path / "answers.parquet").exists()
    admit = ["--admit", admission.digest(folder)]
    for out in ("answers.parquet", "answers.csv"):
        assert main([*words, out, *admit, "--json", "done.json"]) == 0
    answers = tables.read(tmp_path / "answers.parquet")
    assert list(answers) == ["number", "score", "alarm"]
    assert answers["score"].tolist() == bundle.load(folder).predict(events(3, 300)).tolist()
    assert json.loads((tmp_path / "done.json").read_text())["origin"] == "admitted"


def test_an_archive_that_reaches_out_of_its_folder(folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "odd.tar.gz", "w:gz") as archive:
        archive.add(folder / "bundle.json", "../../bundle.json")
        archive.add(folder / "model.ubj", "/model.ubj")
        archive.add(tmp_path, "../usecase.json", recursive=False)
        link = tarfile.TarInfo("x/usecase.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with packed_bundle.opened(tmp_path / "odd.tar.gz") as place:
        assert sorted(p.name for p in place.iterdir()) == ["bundle.json", "model.ubj"]
    for content in (b"", b"no archive"):
        (tmp_path / "none.tar.gz").write_bytes(content)
        assert main(["bundle", "none.tar.gz"]) == 2
    assert main(["bundle", "absent.tar.gz"]) == 2


def test_new_entities_are_scored_without_histories_when_the_caller_says_so(
    folder: Path, tmp_path: Path
) -> None:
    table = {name: values for name, values in raw(5).items() if name != "sender_mean_7d"}
    pq.write_table(pa.table(table), tmp_path / "events.parquet")
    words = [
        "score",
        "model",
        "events.parquet",
        "--out",
        "a.csv",
        "--admit",
        admission.digest(folder),
    ]
    assert main(words) == 2
    assert main([*words, "--new-entities"]) == 0
    whole = {**raw(5), "sender_mean_7d": np.full(5, 50.0)}
    expected = admission.load(folder, [admission.digest(folder)]).score(whole).tolist()
    lines = (tmp_path / "a.csv").read_text().splitlines()[1:]
    assert [float(line.split(",")[1]) for line in lines] == expected


def test_decisions_are_answered_and_ask_for_what_they_are_made_by(folder: Path) -> None:
    """By segments of a history that is no feature of the model: absent, it would be taken for its default."""
    more = Snapshot("sender_count_30d", "sender", "count", 30, "parcels in 30 days")
    case = parcels(snapshots=(*parcels().snapshots, more))
    cuts = {"0": Cut(review=0.0, block=0.0), "5": Cut(review=2.0, block=2.0)}
    policy = DecisionPolicy(
        names=("send", "look", "stop"), column=more.name, review=True,
        otherwise=Cut(review=0.5, block=0.9), segments=cuts,
    )  # fmt: skip
    loaded = bundle.load(folder)
    described = loaded.manifest.model_copy(update={"decisions": policy})
    scorer = Scorer(replace(loaded, manifest=described), case, "checkout", ())
    with pytest.raises(ContractError, match="no history sender_count_30d"):
        scoring.answers(scorer, pa.table(raw(4)))
    events = pa.table({**raw(4), more.name: [0.0, 0.0, 5.0, 5.0]})
    answers = scoring.answers(scorer, events)
    assert list(answers) == ["score", "alarm", "decision"]
    assert answers["decision"].tolist() == ["stop", "stop", "send", "send"]


def test_a_csv_is_read_as_the_contract_says(folder: Path, tmp_path: Path) -> None:
    """NA is a text, an empty field nothing: where all rows are refused, one is named, and nothing is written."""
    words = ["score", "model", "events.csv", "--out", "a.csv", "--admit", admission.digest(folder)]
    head = "number,at,sender,height,kind,worth,sender_mean_7d"
    for kind, found in (
        ("NA", r"\(1 kind.set\): row 1: kind is NA, expected one of box, tube"),
        ("", r"\(1 kind.null\): row 1: kind is null, expected no nulls"),
        ('""', r"\(1 kind.null\): row 1: kind is null"),
    ):
        (tmp_path / "events.csv").write_text(f"{head}\n1,2025-01-01T00:00:00,2,3,{kind},5,50.5\n")
        options = ScoreOptions("model", admit=(words[-1],))
        with pytest.raises(ContractError, match=found):
            score_events.score(Path("."), "events.csv", Path("a.csv"), options)
        assert main(words) == 2
        assert not (tmp_path / "a.csv").exists()
    (tmp_path / "events.csv").write_text(f"{head}\n1,2025-01-01T00:00:00,2,3,box,5,50.5\n")
    assert main(words) == 0


def test_a_release_lists_the_hashes_of_bundles_with_a_use_case(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    release._admission(tmp_path, "v1", {"parcels": "model", "old": "old"}, tmp_path / "sums")
    assert (tmp_path / "sums").read_text() == f"{admission.digest(folder)}  parcels-v1\n"
    release._admission(tmp_path, "v1", {"old": "old"}, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_later_library_is_told_and_scores(folder: Path, tmp_path: Path, capsys: Any) -> None:
    edit(folder, libraries={"numpy": "2.0.0"})
    pq.write_table(pa.table(raw(3)), tmp_path / "events.parquet")
    words = [
        "score",
        "model",
        "events.parquet",
        "--out",
        "a.csv",
        "--admit",
        admission.digest(folder),
    ]
    assert main(words) == 0
    assert "note: numpy 2.0.0 made it, 2." in capsys.readouterr().out
