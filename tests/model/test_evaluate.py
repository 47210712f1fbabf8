"""The evaluate stage on a small table of each kind: what it writes, whom it passes, the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from hashlib import md5
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from plumbline import config
from plumbline.core import stored_columns, tables
from plumbline.core.declarations import Array, Behaviour, Category, Column, Columns, Row, Slice, Use
from plumbline.core.errors import PlumblineError, SpecError
from plumbline.core.usecase import UseCase
from plumbline.evaluate import evaluation_plots, model_card_check, reporting, reweighed
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.metrics import metrics
from plumbline.model import bundle
from stages import evaluate, train
from tests import in_memory
from tests.boosting import tuned

ROOT = Path(__file__).resolve().parent.parent.parent
PARAMS = """
usecases: [sample]
seed: 3
sample:
  data: {source: csv}
  validate: {}
  features: {}
  tune: {}
  train:
    rounds: 60
    early_stopping: 10
    threads: 1
    costs: COSTS
  evaluate: {bootstrap: 60, pairs: 300, k: 5, rule: 1.0, linear_rows: 2000}
  monitor: {}
"""
COSTS = "{unit: units, false_negative: second, false_positive: 0.2}"
DECIDED = """
    decisions:
      review: {positive: 0.02, negative: 0.01, capacity: 6}
      segment: {column: colour}
    reweigh: {column: first, edges: [0]}
"""
TUNED = tuned({"eta": 0.3, "max_depth": 4}).plain()


def gap(first: Array, second: Array) -> Array:
    """First minus second."""
    return first - second


def renumbered(event: Columns) -> Columns:
    return {"id": event["id"] + 1}


def turned(event: Columns) -> Columns:
    return {"first": -event["first"]}


CLASSES = UseCase(
    name="sample",
    title="A sample",
    owner="nobody@example.com",
    problem="classification",
    key="id",
    time="at",
    label="bad",
    label_delay=2,
    columns=(
        Column("id", "int", "-", "number"),
        Column("at", "timestamp", "UTC", "when"),
        Column("first", "float", "-", "first"),
        Column("second", "float", "-", "second"),
        Column("colour", "string", "-", "colour", allowed=("red", "green")),
        Column("bad", "int", "0/1", "turned out bad", known=False),
        Column("late", "float", "minutes", "how late", known=False),
    ),
    categories=(Category("colour", "colour", ("red", "green"), "colour, in its column's place"),),
    rows=(Row(gap),),
    features=("first", "second", "colour", "gap"),
    naive="first",
    slices=(Slice("colour", "colour", "colour"), Slice("first", "first", "first", edges=(0,))),
    behaviours=(Behaviour("renumbered", "a number means nothing", renumbered, "same"),),
    groups=(Slice("colour", "colour", "colour"),),
    use=Use(("Tests.",), ("Everything else.",)),
)
VALUES = replace(CLASSES, problem="regression", label="late", offset="first")
PLAIN = replace(VALUES, time=None, label_delay=0, naive=None, behaviours=(), groups=(), slices=())
TABLES = ("train", "valid", "test")
MEASURED = {
    "data": {"source": {"kind": "csv", "sha256": "0" * 64}, "span": None, "as_of": None},
    "validate": {"rows": {"events": {"in": 4000, "set_aside": 2}}, "quarantined": {"events": {}}},
    "features": {"tables": {n: {"rows": 9} for n in ("train", "valid", "test", "current")}},
}


def rows(first_day: str, days: int, seed: int) -> dict[str, Array]:
    """60 rows a day; bad mostly where the signs agree, which no straight line finds."""
    random = np.random.default_rng(seed)
    size = 60 * days
    first, second = random.normal(size=(2, size))
    same = (first > 0) == (second > 0)
    return {
        "id": np.arange(size),
        "at": np.datetime64(first_day, "us") + np.arange(size) * np.timedelta64(24, "m"),
        "first": first,
        "second": second,
        "colour": random.choice(["red", "green"], size),
        "bad": (random.random(size) < 0.05 + 0.5 * same).astype(np.int64),
        "late": first + 4 * same + random.normal(size=size),
    }


WRITTEN = ("evaluate.json", "summary.json", "report", "plots")


@dataclass(frozen=True)
class Place:
    """A folder with tables, bundle and params, and where the stage writes."""

    root: Path

    def paths(self, out: str = "out") -> list[Path]:
        names = ("model", *(f"{t}.parquet" for t in TABLES), *(f"{m}.json" for m in MEASURED))
        built = [self.root / n for n in names]
        return [*built, *(self.root / out / n for n in WRITTEN)]

    def run(self, out: str = "out") -> dict:
        evaluate.main("sample", *self.paths(out))
        return json.loads((self.root / out / "evaluate.json").read_text())

    def once(self) -> dict:
        """The figures of a run; of an earlier test's, where there was one."""
        result = self.root / "out" / "evaluate.json"
        return json.loads(result.read_text()) if result.exists() else self.run()


def declare(case: UseCase) -> None:
    in_memory.install(case, sys.modules.__setitem__, "sample")


def build_place(case: UseCase, root: Path, more: str = "") -> Place:
    root.mkdir()
    declare(case)
    costs = COSTS + more if case.problem == "classification" else "null"
    (root / "params.yaml").write_text(PARAMS.replace("COSTS", costs))
    for name, text in MEASURED.items():
        (root / f"{name}.json").write_text(json.dumps(text))
    (root / "tuned.json").write_text(json.dumps(TUNED))
    windows = (("train", "2025-01-01", 30), ("valid", "2025-02-03", 10), ("test", "2025-02-15", 25))
    for seed, (name, day, days) in enumerate(windows):
        columns = rows(day, days, seed)
        batch = pa.RecordBatch.from_pydict({n: columns[n] for n in tables.order(case)})
        tables.write(case, [batch], root / f"{name}.parquet")
    here = Path.cwd()
    os.chdir(root)
    try:
        paths = (root / n for n in ("train.parquet", "valid.parquet", "tuned.json", "model"))
        train.main("sample", *paths)
    finally:
        os.chdir(here)
    return Place(root)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Place]:
    folder = tmp_path_factory.mktemp("evaluate")
    kinds = {"classes": CLASSES, "values": VALUES, "plain": PLAIN}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "off")
        built = {name: build_place(case, folder / name) for name, case in kinds.items()}
        return {**built, "decided": build_place(CLASSES, folder / "decided", DECIDED)}


@pytest.fixture
def place(places: dict[str, Place], monkeypatch: pytest.MonkeyPatch):
    def use(name: str, case: UseCase) -> Place:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "off")
        monkeypatch.chdir(places[name].root)
        for part in ("", ".contract", ".features", ".model"):
            monkeypatch.setitem(sys.modules, f"usecases.sample{part}", None)
        declare(case)
        return places[name]

    return use


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What the stage tells MLflow: ("record", metrics) and ("register", bundle, run, alias)."""
    text: list[tuple] = []

    def record(usecase, stage, *, params, metrics, trials=(), files=()):
        assert all(f.exists() for f in files)
        text.append(("record", metrics))
        return "run-1"

    def register(usecase, model, run_id, alias, tags=None):
        text.append(("register", model.name, run_id, alias))

    monkeypatch.setattr("plumbline.tracking.projection.record", record)
    monkeypatch.setattr("plumbline.tracking.projection.register", register)
    return text


def digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): md5(p.read_bytes()).hexdigest() for p in files}


def test_classification(place, registered: list[tuple]):
    here = place("classes", CLASSES)
    result = here.run()
    assert result["gate"] == {
        "verdict": "pass",
        "checks": dict.fromkeys(
            ("baselines", "behaviours", "calibration", "leaks", "policies", "slices"), "pass"
        ),
        "reasons": result["gate"]["reasons"],
    }
    assert result["rows"]["test"] == 1500
    assert result["rows"]["days"] == 25
    for name, figure in result["metrics"].items():
        assert figure["low"] <= figure["value"] <= figure["high"], name
    assert set(result["baselines"]) == {"constant", "naive", "linear", "tree"}
    assert result["differences"]["linear"]["low"] > 0
    assert list(result["months"]) == ["2025-02", "2025-03"]
    assert set(result["slices"]["colour"]) == {"green", "red"}
    for groups in result["slices"].values():
        assert sum(g["rows"] for g in groups.values()) == 1500
    assert [t[0] for t in registered] == ["record", "register"]
    assert registered[0][1]["average_precision"] == result["metrics"]["average_precision"]["value"]
    assert registered[1][1:] == ("model", "run-1", "challenger")


def test_figures_are_those_of_the_predictions(place):
    here = place("classes", CLASSES)
    result = here.once()
    text = tables.read(here.root / "out" / "report" / "predictions.parquet")
    test = tables.read(here.root / "test.parquet")
    scorer = bundle.load(here.root / "model")
    assert list(text) == ["id", "at", "bad", "score"]
    assert text["score"].tobytes() == scorer.predict(test).tobytes()
    precision = metrics.average_precision(text["bad"], text["score"])
    assert result["metrics"]["average_precision"]["value"] == pytest.approx(precision, rel=1e-5)
    missed = (text["bad"] == 1) & (text["score"] < scorer.threshold)
    false = (text["bad"] == 0) & (text["score"] >= scorer.threshold)
    cost = np.maximum(test["second"], 0)[missed].sum() + 0.2 * false.sum()
    assert result["metrics"]["cost"]["value"] == pytest.approx(cost, rel=1e-5)


@pytest.mark.capability("A20")
def test_a_batch_and_single_events_are_decided_alike(place):
    """The bundle alone decides: a row of the table, a raw event by itself, and what evaluate wrote."""
    here = place("decided", CLASSES)
    result = here.once()
    scorer = bundle.load(here.root / "model")
    text = tables.read(here.root / "out" / "report" / "predictions.parquet")
    assert list(text) == ["id", "at", "bad", "score", "decision"]
    raw = rows("2025-02-15", 25, 2)
    for i in range(0, 1500, 30):
        score, decision = scorer.score_and_decide(
            CLASSES, {n: v[i : i + 1] for n, v in raw.items()}
        )
        assert (score[0], decision[0]) == (text["score"][i], text["decision"][i])
    assert set(text["decision"]) == {"approve", "review", "block"}
    assert set(result["decisions"]["segments"]) == {"green", "red"}
    assert result["gate"]["checks"]["decisions"] == "pass"
    card = (here.root / "out" / "report" / "model_card.md").read_text()
    assert "## Decisions" in card
    assert "decisions.png" in card


@pytest.mark.capability("I3")
def test_what_reweighing_costs_stands_in_the_card(place):
    """The model minus the same one boosted without weights, which is another one's threshold, too."""
    here = place("decided", CLASSES)
    result = here.once()
    scorer = bundle.load(here.root / "model")
    assert scorer.provenance["reweighed"] == "by first"
    section = result["reweighing"]
    assert set(section["differences"]) == {"average_precision", "cost"}
    assert set(section["gaps"]) == {"recall", "false_alarm_rate"}
    test = tables.read(here.root / "test.parquet")
    parts = here.root / "train.parquet", here.root / "valid.parquet"
    settings = config.load("sample", here.root / "params.yaml").evaluation
    plain = reweighed.without_weights(CLASSES, settings, scorer, parts, tables.read(parts[1]))
    own, other = (
        metrics.average_precision(test["bad"], one.predict(test)) for one in (scorer, plain)
    )
    assert own != other
    difference = section["differences"]["average_precision"]
    assert difference["value"] == pytest.approx(own - other, rel=1e-4)
    assert difference["low"] <= difference["value"] <= difference["high"]
    card = (here.root / "out" / "report" / "model_card.md").read_text()
    assert "Reweighed by `first`" in card


@pytest.mark.capability("A20")
def test_the_decisions_cost_what_the_matrix_says(place):
    here = place("decided", CLASSES)
    result = here.once()["decisions"]
    text = tables.read(here.root / "out" / "report" / "predictions.parquet")
    lost = np.maximum(tables.read(here.root / "test.parquet")["second"], 0)
    bad, made = text["bad"] == 1, text["decision"].astype(str)
    day = text["at"].astype("datetime64[D]")
    for one in np.unique(day):
        reviewed = np.flatnonzero((day == one) & (made == "review"))
        made[reviewed[6:]] = "approve"
    cost = np.select(
        [made == "approve", made == "review"],
        [np.where(bad, lost, 0.0), np.where(bad, 0.02, 0.01)],
        np.where(bad, 0.0, 0.2),
    )
    assert result["cost"]["value"] == pytest.approx(cost.sum(), rel=1e-5)
    assert result["cost"]["low"] <= result["cost"]["value"] <= result["cost"]["high"]
    assert set(result["differences"]) == {"single", "nothing", "shared"}
    assert result["differences"]["nothing"]["word"] == "better"
    assert result["load"]["left_out"] == (text["decision"] != made).sum()


def test_each_policy_has_its_price(place):
    here = place("classes", CLASSES)
    result = here.once()["policies"]
    assert set(result["policies"]) == {
        *("model", "capacity", "capacity_threshold", "nothing", "best_rule", "plain_rule", "half")
    }
    text = tables.read(here.root / "out" / "report" / "predictions.parquet")
    test = tables.read(here.root / "test.parquet")
    lost = np.maximum(test["second"], 0)
    rule = test["first"] >= 1.0
    cost = lost[(text["bad"] == 1) & ~rule].sum() + 0.2 * ((text["bad"] == 0) & rule).sum()
    assert result["policies"]["plain_rule"]["cost"]["value"] == pytest.approx(cost, rel=1e-5)
    assert result["policies"]["plain_rule"]["cost_a_day"]["value"] == pytest.approx(cost / 25)
    assert result["policies"]["capacity"]["alarms_a_day"] <= 5
    own = result["policies"]["model"]["cost"]["value"]
    assert result["differences"]["plain_rule"]["value"] == pytest.approx(own - cost, rel=1e-4)
    assert (
        result["differences"]["nothing"]["word"]
        == result["differences"]["half"]["word"]
        == "better"
    )


def test_the_card_says_what_the_metrics_say_and_nothing_else(place):
    here = place("classes", CLASSES)
    result = here.once()
    report = here.root / "out" / "report"
    card, page = (report / f"model_card.{kind}" for kind in ("md", "html"))
    drawn = {p.stem: p.read_bytes() for p in report.glob("*.png")}
    figures = EvaluateDocument.model_validate(result)
    assert model_card_check.contradictions(CLASSES, figures, card.read_text()) == []
    assert model_card_check.page_contradicts(CLASSES, figures, page.read_text(), drawn) == []
    precision = f"{result['metrics']['average_precision']['value']:.3f}"
    forged = card.read_text().replace(precision, "0.9999")
    outputs = model_card_check.contradictions(CLASSES, figures, forged)
    assert all("0.9999" in output for output in outputs)
    for start in (f"'Average precision {precision}", f"'| average precision |  | {precision}"):
        assert any(f"the metrics say {start}" in output for output in outputs)
    better = page.read_text().replace(precision, "0.9999")
    assert model_card_check.page_contradicts(CLASSES, figures, better, drawn)
    assert all(f"({p}.png)" in card.read_text() for p in drawn)


@pytest.mark.capability("A2")
def test_regression(place):
    result = place("values", VALUES).run()
    assert result["primary"] == "mae"
    assert result["gate"]["verdict"] == "pass"
    assert result["metrics"]["mae"]["value"] < 1.0
    assert result["differences"]["naive"]["word"] == "better"
    assert all(m["differences"]["naive"]["high"] < 0 for m in result["months"].values())


def test_a_plain_table_needs_no_time(place):
    here = place("plain", PLAIN)
    result = here.run()
    assert result["rows"] == {"test": 1500}
    assert "months" not in result
    assert set(result["baselines"]) == {"constant", "linear", "tree"}
    assert set(digests(here.root / "out")) == {
        "evaluate.json",
        "summary.json",
        "plots/calibration.csv",
        "plots/contributions.csv",
        "plots/errors.csv",
        "plots/importance.csv",
        "plots/residuals.csv",
        *(f"report/model_card.{kind}" for kind in ("html", "md")),
        *(f"report/{n}" for n in ("importance.png", "predictions.parquet", "quality.png")),
        *(f"report/{n}.png" for n in ("contributions", "dependence")),
    }


@pytest.mark.capability("I1")
def test_curves_are_tables_that_dvc_plots(place):
    here = place("classes", CLASSES)
    here.once()
    names = sorted(p.name for p in (here.root / "out" / "plots").iterdir())
    assert names == [
        "calibration.csv",
        "contributions.csv",
        "cost.csv",
        "importance.csv",
        "precision_recall.csv",
        "roc.csv",
    ]
    for name in names:
        lines = (here.root / "out" / "plots" / name).read_text().splitlines()
        assert lines[0].startswith("x,y"), name
        assert len(lines) < 500, name


@pytest.mark.mltest("Infra 4")
def test_a_model_that_ranks_backwards_fails_and_is_not_registered(
    place, registered: list[tuple], monkeypatch: pytest.MonkeyPatch
):
    here = place("classes", CLASSES)
    right = bundle.Bundle.calibrated
    monkeypatch.setattr(bundle.Bundle, "calibrated", lambda self, raw: 1 - right(self, raw))
    result = here.run("backwards")
    assert result["gate"]["verdict"] == "fail"
    assert any("does not beat" in r and "linear (worse)" in r for r in result["gate"]["reasons"])
    assert any("calibration error" in r for r in result["gate"]["reasons"])
    assert [t[0] for t in registered] == ["record"]
    assert "**✗ Fail**" in (here.root / "backwards" / "report" / "model_card.md").read_text()


@pytest.mark.capability("I6")
def test_a_broken_behaviour_fails_the_model(place, registered: list[tuple]):
    case = replace(
        CLASSES, behaviours=(Behaviour("turned", "turning it is nothing", turned, "same"),)
    )
    result = place("classes", case).run("broken")
    assert result["gate"]["checks"]["behaviours"] == "fail"
    assert "turned" in result["gate"]["reasons"][0]
    assert [t[0] for t in registered] == ["record"]


def test_outs_are_the_same_bytes_whatever_the_machine_does(place):
    here = place("classes", CLASSES)
    here.once()
    script = (
        "from tests.model.test_evaluate import CLASSES, declare; from pathlib import Path; import sys;"
        "declare(CLASSES); from stages import evaluate;"
        "evaluate.main('sample', *map(Path, sys.argv[1:]))"
    )
    other = {
        "PYTHONHASHSEED": "5",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX2 FMA3",
        "PYTHONPATH": str(ROOT),
        "MLFLOW_TRACKING_URI": "off",
    }
    command = [sys.executable, "-W", "ignore", "-c", script, *map(str, here.paths("again"))]
    subprocess.run(command, cwd=here.root, env={**os.environ, **other}, check=True)
    assert digests(here.root / "again") == digests(here.root / "out")


@pytest.mark.parametrize(("name", "case"), [("decided", CLASSES), ("values", VALUES)])
def test_tables_read_from_disk_give_the_same_outs(
    place, monkeypatch: pytest.MonkeyPatch, name: str, case: UseCase
):
    here = place(name, case)
    here.once()
    monkeypatch.setattr(reporting, "IN_MEMORY", 0)
    monkeypatch.setattr(stored_columns, "PIECE", 700)
    # pictures and the card are made of the figures
    monkeypatch.setattr(evaluation_plots, "draw", lambda *_: [])
    monkeypatch.setattr(
        reporting, "write_card", lambda folder, *_: (folder / "model_card.md").touch()
    )
    here.run("stored")
    figures = [
        json.loads((here.root / out / "evaluate.json").read_text()) for out in ("out", "stored")
    ]
    assert figures[1].pop("sampled") == [
        "leaks: 200,000 evenly spaced rows of the other windows, at most"
    ]
    assert figures[0] == figures[1]
    written, again = digests(here.root / "out"), digests(here.root / "stored")
    differing = {n for n in again if again[n] != written.get(n)}
    assert differing == {"evaluate.json", "report/model_card.md"}


def test_the_tables_and_the_bundle_are_left_as_they_are(place):
    here = place("values", VALUES)
    before = {
        p: digests(p) if p.is_dir() else md5(p.read_bytes()).hexdigest() for p in here.paths()[:7]
    }
    here.run()
    after = {
        p: digests(p) if p.is_dir() else md5(p.read_bytes()).hexdigest() for p in here.paths()[:7]
    }
    assert before == after


def test_a_failing_run_leaves_the_last_good_outs(place):
    here = place("classes", CLASSES)
    here.run("kept")
    before = digests(here.root / "kept")
    wrong = Behaviour("b", "b", lambda event: {"sise": event["first"]}, "same")
    declare(replace(CLASSES, behaviours=(wrong,)))
    with pytest.raises(SpecError, match="the change returned 'sise'"):
        here.run("kept")
    assert digests(here.root / "kept") == before


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (
            lambda columns: columns["bad"] == 0,
            "the test table: expected both classes of 'bad', found only 0",
        ),
        (
            lambda columns: columns["id"] < 0,
            "the test table: expected rows with a known 'bad', found 0 rows",
        ),
    ],
)
def test_a_window_that_cannot_be_judged_is_refused(place, tmp_path: Path, keep, message: str):
    here = place("classes", CLASSES)
    columns = rows("2025-02-15", 3, 9)
    kept = {n: columns[n][keep(columns)] for n in tables.order(CLASSES)}
    tables.write(CLASSES, [pa.RecordBatch.from_pydict(kept)], tmp_path / "test.parquet")
    paths = here.paths()
    paths[3] = tmp_path / "test.parquet"
    with pytest.raises(PlumblineError, match=message):
        evaluate.main("sample", *paths)
