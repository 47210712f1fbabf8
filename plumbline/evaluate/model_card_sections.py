"""The model card's sections on quality and use, each from evaluate.json's figures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plumbline.core.usecase import UseCase
from plumbline.evaluate import label_level
from plumbline.evaluate.baselines import TREE_DEPTH
from plumbline.evaluate.evaluate_document import (
    CalibrationEvidence,
    EvaluateDocument,
    FeatureShare,
    LeakSearch,
    RowCounts,
)
from plumbline.metrics.interval import Figure, Interval
from plumbline.report import columns
from plumbline.report.blocks import Block, Bullets, Heading, Picture, Table, Text
from plumbline.report.metric_titles import metric_title, metric_unit, units
from plumbline.report.numbers import count, figure, interval, relative, share


def use(usecase: UseCase) -> list[Block]:
    """What the model is for, and what it is not for."""
    file = f"`usecases/{usecase.name}/model.py`"
    intended: Block = Text(f"Not declared. Declare it in `use` in {file}.")
    if usecase.use.intended:
        intended = Bullets(usecase.use.intended)
    outside: Block = Text(f"Not declared: uses that {file} does not name are out of scope.")
    if usecase.use.out_of_scope:
        outside = Bullets(usecase.use.out_of_scope)
    return [Heading("Intended use"), intended, Heading("Out of scope"), outside]


def level(figures: EvaluateDocument) -> list[Block]:
    """That the label's level has moved since training, where it has."""
    text = label_level.sentence(figures.data.windows)
    return [Text(text)] if text else []


def quality(usecase: UseCase, figures: EvaluateDocument) -> list[Block]:
    """All metrics with intervals beside the baselines, and the paired differences."""
    settings = figures.settings
    units = "days" if usecase.time else "rows"
    return [
        Heading("Quality"),
        Text(
            f"{_test(figures)} Intervals: {settings.level:.0%}, from {settings.bootstrap} bootstrap "
            f"replicates of whole {units}. {_terms(figures)} How many results were seen on this window stands "
            f"in git, which no stage reads: `plumbline looks {usecase.name}`, and the review's comment."
        ),
        Text(_baselines(usecase, figures)),
        _metrics(figures, _units(usecase, figures)),
        _differences(figures),
        Picture("quality", "The curves of the model and of the baselines"),
        *_months(usecase, figures),
    ]


def headline(figures: EvaluateDocument) -> str:
    """The primary metric of the model and of each baseline, in one line."""
    primary = figures.primary
    others = {n: values[primary] for n, values in figures.baselines.items() if primary in values}
    model, *rest = _row(figures.metrics[primary], list(others.values()))
    named = [f"{name} {text}" for name, text in zip(others, rest, strict=True)]
    against = f"; baselines: {', '.join(named)}" if named else ""
    title = metric_title(primary)
    return f"{title[0].upper()}{title[1:]} {model}{against}."


def _test(figures: EvaluateDocument) -> str:
    rows = figures.rows
    days = "" if rows.days is None else f" on {rows.days} days"
    positives = "" if rows.positives is None else f", {figure(rows.positives)} of them positive"
    return f"Test window: {figure(rows.test)} rows{days}{positives}."


def _terms(figures: EvaluateDocument) -> str:
    settings = figures.settings
    if figures.problem == "regression":
        return "Bias is prediction minus label."
    if figures.classes:
        return "Log loss and Brier score sum over the classes; macro figures are plain means over them."
    return (
        f"k = {settings.k} alarms a day; false-alarm rate {settings.false_alarm_rate:.2%}. "
        "The naive score ranks events; it is not a probability."
    )


def _baselines(usecase: UseCase, figures: EvaluateDocument) -> str:
    """What each baseline of the tables is."""
    classes = figures.problem != "regression"
    constant = "the share of positives" if classes else "the median label"
    constant = "the share of each class" if figures.classes else constant
    terms = {
        "constant": f"{constant} in the training window for every event",
        "naive": f"`{usecase.naive}` alone",
        "linear": "a logistic regression" if classes else "a linear regression",
        "tree": f"one decision tree of depth {TREE_DEPTH}",
    }
    return f"Baselines: {'; '.join(f'{name}: {terms[name]}' for name in figures.baselines)}."


def _units(usecase: UseCase, figures: EvaluateDocument) -> dict[str, str]:
    costs = figures.classes.costs if figures.classes else figures.costs
    return units(usecase.column(usecase.label).unit, costs.unit if costs else None)


def _metrics(figures: EvaluateDocument, named: Mapping[str, str]) -> Table:
    others, rows = figures.baselines, []
    for metric, estimate in figures.metrics.items():
        unit = metric_unit(metric, named)
        cells = _row(estimate, [o.get(metric) for o in others.values()], percent=unit == "%")
        rows.append((metric_title(metric), unit.strip("%"), *cells))
    right = frozenset(range(2, 3 + len(others)))
    return Table("Model and baselines", ("metric", "unit", "model", *others), rows, right)


def _row(model: Interval, others: Sequence[Figure], *, percent: bool = False) -> list[str]:
    """The model's figure with its interval, and the baselines', with the same number of decimals."""
    plain = [Interval(value=value, low=None, high=None) for value in others]
    return columns.intervals([model, *plain], percent=percent)


def _differences(figures: EvaluateDocument) -> Table:
    texts = columns.intervals(list(figures.differences.values()), sign=True)
    rows = [
        (f"minus {name}", text, relative(paired.relative), paired.word)
        for (name, paired), text in zip(figures.differences.items(), texts, strict=True)
    ]
    head = (metric_title(figures.primary), "difference", "relative", "verdict")
    return Table("The model minus each baseline, paired", head, rows)


def _months(usecase: UseCase, figures: EvaluateDocument) -> list[Block]:
    months = figures.months
    if not months:
        return []
    against = "naive" if usecase.naive else "constant"
    pairs = [month.differences[against] for month in months.values()]
    own, apart = columns.intervals(list(months.values())), columns.intervals(pairs, sign=True)
    rows = [
        (name, figure(month.rows), *texts, pair.word)
        for (name, month), pair, *texts in zip(months.items(), pairs, own, apart, strict=True)
    ]
    head = ("month", "rows", metric_title(figures.primary), f"minus {against}", "verdict")
    return [
        Table("By month", head, rows),
        Picture("months", "Quality by month, and the difference from the baselines"),
    ]


def calibration(figures: EvaluateDocument) -> list[Block]:
    """How far predicted probabilities are from observed shares."""
    fit = figures.calibration
    if fit is None:
        return []
    kind = {"none": "no calibration", "platt": "Platt scaling", "isotonic": "isotonic regression"}
    head = ("predicted", "share of positives", "rows")
    predicted = columns.figures([b.predicted for b in fit.bins], percent=True)
    seen = columns.intervals(fit.bins, percent=True)
    rows = list(zip(predicted, seen, [figure(b.rows) for b in fit.bins], strict=True))
    return [
        Heading("Calibration"),
        Text(
            f"Expected calibration error {interval(fit.ece, share)}, which is {interval(fit.relative, share)} "
            f"of the rarer class's share. A perfect model would show {share(fit.noise)} on this "
            f"number of rows. Method: {kind[fit.kind]}, fitted on the validation window; without it "
            f"{interval(fit.uncalibrated, share)}.{_excess(fit, figures.rows)}"
        ),
        Table("Bins with about equal numbers of expected cases", head, rows),
        Picture("calibration", "Share of positives by predicted probability, and rows in each bin"),
    ]


def _excess(fit: CalibrationEvidence, rows: RowCounts) -> str:
    """How the gate's figure comes from the two above."""
    ece, noise, positives = fit.ece.estimate.value, fit.noise, rows.positives or 0
    rarer = min(positives, rows.test - positives) / rows.test
    parts = columns.figures([ece, noise, rarer], percent=True)
    if ece <= noise:
        return " The gate judges what exceeds the perfect model's error: nothing does."
    return (
        f" The gate judges what exceeds the perfect model's error: ({parts[0]} - {parts[1]}) / "
        f"{parts[2]} = {(ece - noise) / rarer:.2g} of the rarer class's share."
    )


def importance(important: Sequence[FeatureShare]) -> list[Block]:
    """The most important features."""
    rows = [(f"`{one.feature}`", share(one.share)) for one in important]
    return [
        Heading("Feature importance"),
        Table("Features by share of the total gain", ("feature", "share"), rows),
        Picture("importance", "Features by share of the total gain"),
        Picture("contributions", "Contribution of each feature to the score, by its value"),
        Picture("dependence", "Contribution of the strongest features, by value"),
    ]


def leaks(search: LeakSearch | None) -> list[Block]:
    """What nearly answers by itself, and why that is harmless where it is declared."""
    if search is None:
        return []
    head = ("suspicion", "measure", "figure", "verdict")
    rows = [
        (one.text, one.measure, f"{one.figure:.3f}", _suspected(one.harmless))
        for one in search.found
    ]
    searched = f"The search looked at {count(search.columns, 'column')}, alone and together"
    text = f"{searched}: none nearly answers." if not rows else f"{searched}. On the test window:"
    if not search.columns:
        text = "Not searched: the rows are too few to tell a leak from chance."
    if search.persistence is not None:
        text += (
            f" The last known labels alone reach {search.persistence:.3f} on it: histories may reach as much, and are not "
            "named for it."
        )
    declared = f" Declared harmless, and not suspected: {', '.join(search.unused)}."
    table = [Table("What nearly answers", head, rows)] if rows else []
    return [Heading("Leaks"), Text(text + (declared if search.unused else "")), *table]


def _suspected(harmless: str | None) -> str:
    return "refused" if harmless is None else f"declared harmless: {harmless}"
