"""The evaluation of a bundle: figures, verdict, curves and explanations from columns in memory. Pure."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from plumbline.core import stored_columns
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import (
    assessment,
    baseline_answers,
    baselines,
    class_baselines,
    class_leaks,
    contributions_sample,
    curves,
    declared_checks,
    leak_columns,
    leak_search,
    per_entity,
    prediction_table,
    row_limits,
    sections,
)
from plumbline.evaluate.contributions_sample import Explained
from plumbline.evaluate.evaluate_document import (
    DataOrigin,
    EvaluateDocument,
    LeakSearch,
)
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.evaluate.params import Evaluate, EvaluationSettings
from plumbline.model import footprint as footprints
from plumbline.model import tree_splits
from plumbline.model.bundle import Bundle
from plumbline.model.footprint import Footprint

NOT_PLAIN = re.compile(r"[^A-Za-z0-9_-]")
"""Characters that a tracking server may refuse in a metric's name."""
Fitted = tuple[baselines.Linear | class_baselines.ClassLinear, baselines.Tree]
"""The baselines that are fitted."""


@dataclass(frozen=True)
class EvaluationRows:
    """The tables of an evaluation: the label of all t train rows (t,); evenly spaced ones of them, which
    fit the baselines, and as many or more in which leaks are searched; the validation window, where
    policies are chosen; the test window.
    """

    train_label: Array
    train_sample: Columns
    train_searched: Columns
    valid: Columns
    test: Columns
    train_shown: Columns = field(default_factory=dict)  # of all train rows, what `top` needs


@dataclass(frozen=True)
class Evaluation:
    """`document`: what evaluate.json holds, NaN in place of null. `lines`: by curve, the model's and the baselines' tables.

    `importance`: the features' shares of the gain; `explained`: contributions on a sample of test;
    `predictions`: key, time, label, score and, where declared, decision of the test window, (n,) each.
    """

    document: EvaluateDocument
    lines: curves.Lines
    importance: curves.Table
    explained: Explained
    predictions: Columns

    @property
    def flat(self) -> dict[str, float | None]:
        """The model's metrics under one name each: average_precision, average_precision_low, ...; the bundle's size
        and work as bundle_bytes, ...
        """
        counted = self.document.footprint.plain() if self.document.footprint else {}
        out: dict[str, float | None] = {f"bundle_{name}": n for name, n in counted.items()}
        for metric, interval in self.document.metrics.items():
            out |= {metric: interval.value, f"{metric}_low": interval.low}
            out[f"{metric}_high"] = interval.high
        return {**out, **self._of_classes()}

    def _of_classes(self) -> dict[str, float | None]:
        """Each class's metrics under names that every tracking server takes."""
        classes = self.document.classes
        if classes is None:
            return {}
        plain = {name: NOT_PLAIN.sub("_", name) for name in classes.names}
        if len(set(plain.values())) < len(plain):
            plain = {name: f"class_{code}" for code, name in enumerate(classes.names)}
        return {
            f"{metric}/{plain[name]}": interval.value
            for name, one in classes.figures.items()
            for metric, interval in one.metrics.items()
        }

    @property
    def tables(self) -> dict[str, curves.Table]:
        """The model's curves, the importance and the contributions by name."""
        lines = {name: series["model"] for name, series in self.lines.items()}
        return {**lines, "importance": self.importance, "contributions": self.explained.table}

    @property
    def passed(self) -> bool:
        """Whether every check of the acceptance gate passed."""
        return self.document.gate.verdict == "pass"


def run(
    usecase: UseCase,
    settings: EvaluationSettings,
    scorer: Bundle,
    rows: EvaluationRows,
    data: DataOrigin,
) -> Evaluation:
    """Evaluate the bundle on the test window of `rows`; `data`: evaluate.json's section on the data.

    Raises PlumblineError where a window cannot be judged: no rows, rows without a label, one class.
    """
    test = rows.test
    window = assessment.window(usecase, settings, test, scorer.threshold)
    scores = _scores(scorer, test)
    score = scores.score
    valid = rows.valid, scorer.predict(rows.valid)
    importance = curves.importance(scorer.booster.get_score(importance_type="total_gain"))
    models = fitted(usecase, rows)
    leaks = leaks_of(usecase, settings, rows, models, importance["series"].tolist())
    acts, own = scorer.manifest.decisions, settings.evaluate
    further = sections.further(usecase, settings, window, test, scores, valid, acts)
    footprint = bundle_footprint(own, scorer, test)
    assessed, lines = assessment.assess(
        usecase,
        settings,
        window,
        test,
        score,
        others=baseline_answers.answers(usecase, test, rows.train_label, *models),
        outcomes=assessment.behaves(usecase, settings.evaluate, scorer, test),
        policies=further.policies,
        leaks=leaks,
        more=[*declared_checks.checks(own, further.decisions, further.gap_limits, footprint)],
    )
    explained = contributions_sample.explain(usecase, scorer, test, settings.evaluate.explained)
    decided = scorer.decisions_of(test, score)
    predictions = prediction_table.predictions(usecase, test, score, window.costs, decided)
    shown = _shown(usecase, settings, rows, score, window)
    given = {n: v for part in (assessed, further) for n, v in vars(part).items() if v is not None}
    document = EvaluateDocument(
        problem=usecase.problem,
        primary=window.primary,
        data=data,
        leaks=leaks,
        footprint=footprint,
        **vars(sections.origin(settings, scorer, importance)),
        **given,
        **shown,
    )
    return Evaluation(document, lines, importance, explained, predictions)


def _scores(scorer: Bundle, columns: Columns) -> sections.Scores:
    """The model's answers about the rows of a table, (n,) each."""
    splits = tree_splits.read(scorer.booster)
    raw = scorer.raw(columns)
    return sections.Scores(scorer.calibrated(raw), raw, scorer.calibration.kind, splits)


def _shown(
    usecase: UseCase,
    settings: EvaluationSettings,
    rows: EvaluationRows,
    score: Array,
    window: LabelledWindow,
) -> dict[str, Any]:
    """What each entity is shown, where it is declared; what was computed from some rows, where they are very many."""
    before = (rows.train_shown, rows.valid) if rows.train_shown else ()
    shown = per_entity.evidence(usecase, settings, rows.test, score, before)
    limits = row_limits.sentences(len(rows.train_label), (rows.valid, rows.test), window)
    given: dict[str, Any] = {"per_entity": shown, "sampled": limits}
    return {name: section for name, section in given.items() if section}


def bundle_footprint(settings: Evaluate, scorer: Bundle, test: Columns) -> Footprint:
    """The bundle's size, and its work on evenly spaced rows of the test window."""
    rows = baselines.evenly(stored_columns.count(test), settings.explained)
    sampled = stored_columns.select(stored_columns.only(test, scorer.features), rows)
    return footprints.measure(scorer, stored_columns.loaded(sampled))


def fitted(usecase: UseCase, rows: EvaluationRows) -> Fitted:
    """The linear model and the small tree, fitted on the sample of train."""
    label = rows.train_sample[usecase.label].astype(float)
    remedy = "raise evaluate.linear_rows, or widen the train window"
    assessment.check(usecase, label, "train", remedy)
    given = usecase, usecase.features, rows.train_sample, label
    kinds = class_baselines if usecase.classes else baselines
    baselines.load_library()
    with ThreadPoolExecutor(1) as beside:  # each of the two works on one processor
        tree = beside.submit(lambda: kinds.fit_tree(*given))
        return kinds.fit(*given), tree.result()


def leaks_of(
    usecase: UseCase,
    settings: EvaluationSettings,
    rows: EvaluationRows,
    models: Fitted,
    important: list[str],
) -> LeakSearch:
    """What nearly answers by itself; `important`: the features, the most used first."""
    whole = len(rows.train_searched[usecase.label]) == len(rows.train_label)
    windows = rows.train_searched, rows.test, rows.valid
    searched = leak_columns.searched(usecase, *windows, leak_search.columns(usecase), whole=whole)
    linear, tree = models
    if isinstance(linear, class_baselines.ClassLinear):
        return class_leaks.search(
            searched, rows.train_sample, settings.evaluate.harmless, important
        )
    models = linear, tree
    return leak_search.search(searched, settings.evaluate.harmless, models, important)
