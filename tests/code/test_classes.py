"""Several classes: declared, learned, decided, measured, watched; one row answered as in the batch."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sklearn import metrics as sklearn

from plumbline.core.errors import BundleError, ContractError, ParamsError, SpecError
from plumbline.evaluate import acceptance, evaluation, reporting, sections
from plumbline.evaluate.params import Evaluate, EvaluationSettings
from plumbline.metrics import class_metrics, metrics
from plumbline.metrics.bootstrap import every_row_once
from plumbline.metrics.class_costs import ClassCosts
from plumbline.model import bundle, calibration, contributions
from plumbline.ops.rollback import golden, golden_check
from plumbline.review import paired, scoring
from plumbline.review.paired import Noise, Scored
from plumbline.train.params import Train
from plumbline.usecase import Behaviour, Column, Encoding, Only, Slice, Snapshot, TopK
from tests import bundles, classes
from tests.classes import GRAPES, SKIES, Built

EVALUATE = Evaluate(bootstrap=60, explained=50, pairs=50)
SKY_COSTS = ClassCosts(unit="EUR", amounts={"fog": {"sun": 9, "rain": 9}}, other=1.0)


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return classes.build(classes.wine(), classes.wines(), tmp_path_factory.mktemp("wine"))


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Built:
    train = Train(rounds=40, early_stopping=10, calibration="vector", class_costs=SKY_COSTS)
    folder = tmp_path_factory.mktemp("days")
    return classes.build(classes.days(), classes.observed(), folder, train)


@pytest.mark.parametrize("name", ["wine", "days"])
def test_a_bundle_alone_names_its_answers(name: str, request: pytest.FixtureRequest) -> None:
    built: Built = request.getfixturevalue(name)
    expected, scorer = built.scorer.predict(built.rows("test")), built.scorer
    answers = bundles.alone(scorer, built.tables / "test.parquet")
    assert list(answers) == [*(f"probability_{c}" for c in built.case.classes), "decision"]
    assert np.stack(list(answers.values())[:-1], axis=1).tolist() == expected.tolist()
    assert answers["decision"].tolist() == scorer.decide(expected).tolist()


def evaluated(
    built: Built, costs: ClassCosts | None = None, **changes: Any
) -> evaluation.Evaluation:
    case = replace(built.case, **changes)
    paths = [built.tables / f"{name}.parquet" for name in ("train", "valid", "test")]
    rows = reporting.read_rows(case, 200_000, *paths)
    windows = {n: {"rows": 9, "class_rows": {"a": 9}} for n in ("train", "test")} and {}
    data = sections.data(
        [{"source": {"kind": "csv"}}, {"rows": {}, "quarantined": {}}, {"tables": windows}], {}
    )
    settings = EvaluationSettings(EVALUATE, None, 7, costs)
    return evaluation.run(case, settings, built.scorer, rows, data)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": Column("grape", "string", "-", "g", known=False)}, "has 0 values in allowed"),
        ({"label": Column("grape", "string", "-", "g", allowed=("a", "b"), known=False)}, "Two classes are"),
        ({"label": Column("grape", "float", "-", "g", known=False)}, "expected string or int"),
        ({"label": Column("grape", "string", "-", "g", allowed=("a", "b", "a"), known=False)}, "'a' twice"),
        ({"label": Column("grape", "string", "-", "g", allowed=("a", "b", " "), known=False)}, "no name"),
        ({"label": Column("grape", "int", "-", "g", allowed=tuple(range(21)), known=False)}, "3 to 20"),
        ({"naive": "alcohol"}, "naive 'alcohol' is one number"),
        ({"offset": "alcohol"}, "several classes start from none"),
        ({"scale": "log"}, "scale='log' is of a regression"),
        ({"groups": (Slice("a", "alcohol", "A", edges=(13,)),)}, "groups compare recall"),
        ({"top": TopK("bottle", "bottle", k=1)}, "share of positives, and this is a multiclass"),
        ({"encodings": (Encoding("e", "bottle", "mean"),)}, "is a mean of the label, and classes have none"),
        ({"behaviours": (Behaviour("b", "B", dict, "same"),)}, "of=None; expected the class"),
        ({"behaviours": (Behaviour("b", "B", dict, "same", of="merlot"),)}, "of='merlot'"),
        ({"behaviours": (Behaviour("b", "B", dict, "above", of="barolo"),)}, "give it a limit"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_with_several_classes_is_refused_at_load(
    changes: dict[str, Any], words: str
):
    plain = classes.wine()
    label = changes.pop("label", None)
    if label:
        changes["columns"] = (*plain.columns[:-1], label)
    with pytest.raises(SpecError, match=words):
        replace(plain, **changes)


def test_a_text_label_of_two_classes_names_the_two_ways():
    with pytest.raises(
        SpecError, match='problem="multiclass" with the classes in the column\'s allowed'
    ):
        replace(classes.wine(), problem="classification", slices=(), split=classes.Split())
    with pytest.raises(SpecError, match="of='barolo' names a class, and this is a regression"):
        replace(
            classes.wine(),
            problem="regression",
            label="alcohol",
            split=classes.Split(),
            features=("ash",),
            slices=(),
            columns=tuple(replace(c, known=c.name != "alcohol") for c in classes.wine().columns),
            behaviours=(Behaviour("b", "B", dict, "same", of="barolo"),),
        )


@pytest.mark.parametrize(
    ("train", "words"),
    [
        ({"calibration": "platt"}, "got 'platt', which is not of a multiclass; expected one of none, temperature, vector"),
        ({"calibration": "isotonic"}, "expected one of none, temperature, vector"),
        ({"monotone": {"alcohol": 1}}, "it is of one score, and there is one per class"),
        ({"params": {"scale_pos_weight": 2.0}}, "train.params.scale_pos_weight: it is of a model with one score"),
        ({"params": {"objective": "reg:squarederror"}}, "train.params.objective"),
        ({"class_costs": {"unit": "EUR", "amounts": {"merlot": {"barolo": 1.0}}}}, "no class 'merlot'"),
        ({"class_costs": {"unit": "EUR", "amounts": {"barolo": {"barbera": 1.0}}}}, "5 wrong decisions have no cost: barolo: {grignolino: ...}"),
        ({"costs": {"unit": "EUR", "false_negative": 1, "false_positive": 1}}, "expected `class_costs`"),
    ],
)  # fmt: skip
def test_params_of_one_score_are_refused_before_training(
    wine: Built, tmp_path: Path, train: dict[str, Any], words: str
):
    with pytest.raises(ParamsError, match=words):
        classes.fit(wine.case, wine.tables, tmp_path / "model", Train.model_validate(train))
    assert not (tmp_path / "model").exists()


def test_tune_refuses_an_objective_and_one_score_refuses_class_params(wine: Built):
    from plumbline.train import class_params
    from plumbline.tune import parallel_trials
    from plumbline.tune.params import Tune

    weighed = Tune(space={"scale_pos_weight": {"uniform": [1, 9]}})
    objective = Tune(params={"objective": "binary:logistic"})
    for tune, key in ((weighed, "space.scale_pos_weight"), (objective, "params.objective")):
        with pytest.raises(ParamsError, match=f"wine.tune.{key}: it is of a model with one score"):
            parallel_trials.run(wine.case, tune, 1, Path(), Path(), lambda *_: None)
    plain = replace(classes.days(), problem="regression", label="cold", columns=(*classes.days().columns, Column("cold", "int", "-", "c", known=False)))  # fmt: skip
    with pytest.raises(ParamsError, match="expected one of none, platt, isotonic"):
        class_params.check(plain, Train(calibration="vector"), {})
    with pytest.raises(ParamsError, match="class_costs: they are of several classes"):
        class_params.check(plain, Train(class_costs=SKY_COSTS), {})


def test_trials_are_compared_by_log_loss(days: Built):
    from plumbline.tune import parallel_trials
    from plumbline.tune.params import Tune

    tune = Tune(max_evals=2, rounds=8, space={"eta": {"uniform": [0.05, 0.5]}})
    paths = [days.tables / f"{n}.parquet" for n in ("train", "valid")]
    runs = parallel_trials.run(days.case, tune, 1, *paths, lambda *_: None)
    assert [t.metric is not None and 0 < t.metric < 2 for t in runs] == [True, True]


def test_model_tables_hold_codes_and_null_where_no_label_is_known(days: Built):
    table = pq.read_table(days.tables / "train.parquet")
    assert table.schema.field("sky").type == pa.int64()
    rows = days.rows("current")
    assert set(np.unique(rows["sky"][np.isfinite(rows["sky"].astype(float))])) == {0, 1, 2}
    assert np.isnan(rows["sky"].astype(float)).sum() == 2  # the last day's, at both stations


def test_one_row_is_answered_as_in_the_batch_by_json_and_trees_alone(wine: Built, days: Built):
    for built in (wine, days):
        names = ["bundle.json", "model.ubj", "usecase.json"]
        assert sorted(p.name for p in built.model.iterdir()) == names
        scorer, rows = built.scorer, built.rows("test")
        together = scorer.predict(rows)
        names = {c.name for c in built.case.known} | {h.name for h in built.case.aggregates}
        raw = {n: v for n, v in rows.items() if n in names}
        one = [
            scorer.score(built.case, {n: v[i : i + 1] for n, v in raw.items()})
            for i in range(len(together))
        ]
        assert np.concatenate(one).tobytes() == together.tobytes()
        assert together.shape == (len(rows[built.case.key]), 3)
        assert np.allclose(together.sum(axis=1), 1, atol=1e-12)
        assert scorer.manifest.classes == built.case.classes
    assert wine.scorer.predict({n: v[:0] for n, v in wine.rows("test").items()}).shape == (0, 3)


def test_softmax_is_xgboosts_up_to_its_own_rounding(wine: Built):
    rows, scorer = wine.rows("test"), wine.scorer
    import xgboost

    from plumbline.core import row_features

    x = row_features.matrix(scorer.features, rows)
    data = xgboost.DMatrix(x, feature_names=list(scorer.features))
    assert np.allclose(scorer.raw(rows), scorer.booster.predict(data), atol=1e-6)


def test_another_order_of_classes_is_another_model(wine: Built):
    other = replace(wine.case.column("grape"), allowed=(*GRAPES[1:], GRAPES[0]))
    case = replace(wine.case, columns=(*wine.case.columns[:-1], other))
    with pytest.raises(BundleError, match="the features are not those that this model"):
        wine.scorer.score(case, wine.rows("test"))
    turned = wine.scorer.manifest.model_copy(update={"classes": other.allowed})
    with pytest.raises(BundleError, match="base answers for the classes barolo, grignolino"):
        scoring._check_task(wine.scorer, replace(wine.scorer, manifest=turned))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": GRAPES[:2]}, "classes: expected 3 to 20, found 2"),
        ({"classes": (*GRAPES, "merlot")}, "4 are named, and the trees answer for 3"),
        ({"classes": (*GRAPES[:2], GRAPES[0])}, "one stands there twice"),
        ({"classes": ()}, "expected 3 to 20, found 0"),
        ({"calibration": {"kind": "platt", "x": [1.0], "y": [0.0]}}, "'platt' is not of a multiclass"),
        ({"calibration": {"kind": "vector", "x": [1.0], "y": [0.0]}}, "1 scales for 3 classes"),
        ({"calibration": {"kind": "temperature", "x": [1.0, 2.0], "y": []}}, "has 2 and 0 numbers"),
        ({"class_costs": ((0.0, 1.0), (1.0, 0.0))}, "expected 3 rows of 3 amounts"),
        ({"class_costs": ((0.0, 1.0), (1.0,), ())}, "expected 3 rows of 3 amounts"),
        ({"problem": "classification"}, "a classification has none, found 3"),
        ({"problem": "regression", "classes": ()}, "0 are named, and the trees answer for 3"),
    ],
)  # fmt: skip
def test_a_bundle_whose_classes_are_not_its_trees_is_refused(
    wine: Built, tmp_path: Path, changes: dict[str, Any], words: str
):
    folder = Path(shutil.copytree(wine.model, tmp_path / "model"))
    contents = json.loads((folder / bundle.MANIFEST).read_text())
    (folder / bundle.MANIFEST).write_text(json.dumps({**contents, **changes}))
    with pytest.raises(BundleError, match=words):
        bundle.load(folder)


def test_a_class_that_train_lacks_is_named(tmp_path: Path):
    rows = classes.wines()
    lacking = rows.filter(pc.not_equal(rows["grape"], "barbera"))
    with pytest.raises(
        ContractError, match="train has no row of class barbera; nothing can be learnt"
    ):
        classes.tables_of(classes.wine(), lacking, tmp_path)


def test_figures_are_those_of_scikit_learn():
    random = np.random.default_rng(3)
    label = random.integers(0, 4, 500).astype(float)
    raw = random.random((500, 4)) + 2 * np.eye(4)[label.astype(int)] * random.random((500, 1))
    p = raw / raw.sum(axis=1, keepdims=True)
    once, decided = every_row_once(500), class_metrics.decide(p, None)
    got = {n: v[0] for n, v in class_metrics.headline(label, p, once, None).items()}
    each = class_metrics.per_class(label, p, decided, once)
    assert got["log_loss"] == pytest.approx(sklearn.log_loss(label, p))
    assert got["macro_f1"] == pytest.approx(sklearn.f1_score(label, decided, average="macro"))
    assert got["accuracy"] == pytest.approx(sklearn.accuracy_score(label, decided))
    own = np.eye(4)[label.astype(int)]
    assert got["macro_average_precision"] == pytest.approx(
        sklearn.average_precision_score(own, p, average="macro")
    )
    for name, figure in (("precision", sklearn.precision_score), ("recall", sklearn.recall_score)):
        assert [e[name][0] for e in each] == pytest.approx(figure(label, decided, average=None))
    assert [e["brier"][0] for e in each] == pytest.approx(((p - own) ** 2).mean(axis=0))
    counted = class_metrics.confusion(label, decided, 4)
    assert np.array_equal(counted, sklearn.confusion_matrix(label, decided))


def test_the_class_of_least_expected_cost_is_decided_on(days: Built):
    scorer, rows = days.scorer, days.rows("test")
    p = scorer.predict(rows)
    by_cost = scorer.decide(p)
    likeliest = np.array(SKIES)[np.argmax(p, axis=1)]
    assert (by_cost == "fog").sum() > (likeliest == "fog").sum()
    matrix = np.array([[0, 1, 1], [1, 0, 1], [9, 9, 0]], float)
    assert np.array_equal(scorer.class_costs, matrix)
    wanted = np.argmin(p @ matrix, axis=1)
    assert (by_cost == np.array(SKIES)[wanted]).all()
    document = evaluated(days, SKY_COSTS).document
    cost, constant, saved = (document.metrics[n].value for n in ("cost", "cost_of_constant", "cost_saved"))  # fmt: skip
    label = rows["sky"].astype(int)
    assert cost == matrix[label, wanted].sum()
    assert constant == min(matrix[label].sum(axis=0))
    assert saved == constant - cost
    assert "policies" in document.gate.checks


@pytest.mark.parametrize("kind", ["temperature", "vector"])
def test_scaling_mends_probabilities_that_are_too_sure_and_survives_json(kind: Any):
    random = np.random.default_rng(5)
    logit = random.normal(0, 1.5, (4_000, 4))
    true = np.exp(logit) / np.exp(logit).sum(axis=1, keepdims=True)
    label = np.array([random.choice(4, p=row) for row in true]).astype(float)
    shift = np.array([0.0, 1.0, 0, 0]) if kind == "vector" else 0.0
    sure = np.exp(3 * logit + shift)
    sure /= sure.sum(axis=1, keepdims=True)
    fitted = calibration.fit(kind, sure[:2_000], label[:2_000])
    again = calibration.from_json(json.loads(json.dumps(fitted.as_json())))
    assert again == fitted
    held = label[2_000:]
    loss = [metrics.primary_figure("multiclass", held, q) for q in (sure[2_000:], calibration.apply(again, sure[2_000:]), true[2_000:])]  # fmt: skip
    assert loss[1] < 0.7 * loss[0]
    assert loss[1] < loss[2] + 0.02


def test_the_evaluation_names_each_class_and_its_page_can_be_read(days: Built, tmp_path: Path):
    result = evaluated(days, SKY_COSTS)
    document = result.document
    several = document.classes
    assert several is not None
    assert several.names == list(SKIES)
    rows = days.rows("test")
    assert np.sum(several.confusion) == document.rows.test == len(rows["sky"])
    assert [several.figures[n].rows for n in SKIES] == np.bincount(rows["sky"].astype(int)).tolist()
    assert document.primary == "log_loss"
    assert set(document.baselines) == {"constant", "linear", "tree"}
    assert document.metrics["log_loss"].value < document.baselines["constant"]["log_loss"]  # type: ignore[operator]
    assert document.metrics["log_loss"].low is not None
    assert document.subgroups.found == [] or document.subgroups.found[0].log_loss is not None
    reporting.write(days.case, result, tmp_path / "report", tmp_path / "plots")
    card = (tmp_path / "report" / "model_card.md").read_text()
    for words in (
        "Rows by class, and by the class decided on",
        "vector scaling",
        "least expected cost",
    ):
        assert words in card
    assert (tmp_path / "report" / "classes.png").stat().st_size > 5_000
    predicted = pq.read_table(tmp_path / "report" / "predictions.parquet")
    assert predicted.column_names == ["day_id", "at", "sky", "probability_sun", "probability_rain", "probability_fog", "decision"]  # fmt: skip
    assert set(predicted["sky"].to_pylist()) <= set(SKIES)
    assert "recall/fog" in result.flat
    checked = golden_check.check(days.case, days.model, days.tables / "test.parquet", tmp_path / "report")  # fmt: skip
    assert checked == 200
    other = predicted.set_column(4, "probability_rain", predicted["probability_sun"])
    pq.write_table(other, tmp_path / "report" / "predictions.parquet")
    with pytest.raises(Exception, match="golden events differ: row 0, probability_rain"):
        golden.check("days", days.model, days.tables / "test.parquet", tmp_path / "report")


def test_calibration_on_few_rows_cannot_be_told(wine: Built):
    document = evaluated(wine).document
    assert document.classes is not None
    rows = {n: one.rows for n, one in document.classes.figures.items()}
    assert max(rows.values()) < 20
    assert {one.miscalibrated for one in document.classes.figures.values()} == {None}
    check = acceptance.calibrated_classes({}, GRAPES, acceptance.Limits())
    assert (check.passed, check.reason[:11]) == (True, "cannot tell")


def test_a_copy_of_one_class_is_named_as_a_leak(days: Built):
    case = replace(
        days.case,
        columns=(Column("foggy", "int", "0/1", "a copy"), *days.case.columns),
        features=(*days.case.features, "foggy"),
    )
    paths = [pq.read_table(days.tables / f"{n}.parquet") for n in ("train", "valid", "test")]
    leaked = [t.append_column("foggy", pc.cast(pc.equal(t["sky"], 2), "int64")) for t in paths]  # fmt: skip
    parts = [{n: np.asarray(t[n].to_numpy()) for n in t.column_names} for t in leaked]
    rows = evaluation.EvaluationRows(parts[0]["sky"].astype(float), parts[0], parts[0], parts[1], parts[2])  # fmt: skip
    settings = EvaluationSettings(EVALUATE, None, 7)
    found = evaluation.leaks_of(case, settings, rows, evaluation.fitted(case, rows), []).found
    assert [f.key for f in found] == ["foggy"]
    assert "for class fog" in found[0].text


def test_behaviours_ask_for_the_probability_of_their_class(days: Built):
    def high(columns: Any) -> Any:
        return {"pressure": np.full_like(columns["pressure"], 1_040)}

    rules = (
        Behaviour("clear", "High pressure is no duller", high, "not_lower", of="sun", share=0.9),
        Behaviour("dull", "High pressure is no wetter", high, "not_lower", of="rain", share=0.9),
    )
    outcomes = evaluated(days, behaviours=rules).document.behaviours
    assert (outcomes["clear"].holds, outcomes["dull"].holds) == (True, False)


def test_two_models_are_compared_by_log_loss_on_the_same_days(days: Built, tmp_path: Path):
    weak = classes.fit(days.case, days.tables, tmp_path / "weak", Train(rounds=1))
    rows = days.rows("test")
    from plumbline.evaluate import assessment

    settings = EvaluationSettings(EVALUATE, None, 7)
    window = assessment.window(days.case, settings, rows, None)
    sides = [Scored(one.predict(rows), None) for one in (bundle.load(weak, "days"), days.scorer)]
    groups = paired.groups(days.case, rows)
    result = paired.compared(window, *sides, groups, Noise(0.0))
    assert result.metrics["log_loss"].difference.word == "better"
    assert set(result.slices["station"]) == {"north", "south"}
    assert {"macro_f1", "accuracy", "brier"} <= set(result.metrics)


def test_contributions_add_up_to_the_decided_class(days: Built):
    rows, scorer = {n: v[:40] for n, v in days.rows("test").items()}, days.scorer
    answer = scorer.predict(rows)
    decided = scorer.decided(answer)
    raw = contributions.of(scorer.booster, scorer.features, None, rows, "label", decided)
    assert np.allclose(raw.base + raw.each.sum(axis=1), raw.total, atol=1e-5)
    moved = contributions.calibrated(raw, scorer.calibration, decided)
    assert np.allclose(moved.base + moved.each.sum(axis=1), moved.total, atol=1e-5)
    assert not np.allclose(moved.total, raw.total)


def test_histories_of_the_label_itself_are_refused():
    numbers = Column("sky", "int", "-", "code", allowed=(0, 1, 2), known=False)
    with pytest.raises(SpecError, match="'skies' sums the label, and classes have no sum"):
        classes.days(
            columns=(*classes.days().columns[:-1], numbers),
            snapshots=(Snapshot("skies", "station", "mean", 3, "s", "sky", matured=True),),
            features=("pressure",),
        )


def test_rows_can_be_left_out_by_rule_like_in_any_table():
    assert classes.days(eligible=(Only("pressure", "Read", low=900),)).classes == SKIES
