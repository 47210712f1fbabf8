"""The monitor on tables that packages ship, period by period, each finding beside the raw values it is about.

`python -m bench.tables_monitor PROJECT [--write]`: PROJECT is a clone of this repository in which these were run and
nothing was edited: `plumbline new co2 --from co2.csv --label co2 --time date` (the table of statsmodels), `plumbline new
weather --from seattle-weather.csv --label temp_max --time date` and `plumbline new temps --from seattle-temps.csv
--label temp --time date` (of vega_datasets 0.9.0), `dvc repro`. The periods of the training window are the first past;
those of valid, test and current are judged in order. A finding without a reading ends the run with 1, so that none is
left unexplained. `--write` writes docs/monitor-tables.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plumbline import config
from plumbline.core import tables, usecase_loader
from plumbline.core.declarations import Array
from plumbline.core.usecase import UseCase
from plumbline.model import bundle
from plumbline.model.bundle import Bundle
from plumbline.monitor import (
    common_cause,
    drift_findings,
    fit_binning,
    label_outcomes,
    observe,
    period_summary,
    sentences,
    stream,
    verdict,
)
from plumbline.monitor.judge import Judgement
from plumbline.monitor.monitored_columns import gain_shares
from plumbline.monitor.verdict import Finding
from plumbline.monitor.window import ScoredWindow, scorable, window

PAGE = Path(__file__).resolve().parents[1] / "docs" / "monitor-tables.md"
ROWS = 60
"""Rows of a period, at least: below 50 its values are not judged."""
TITLES = {
    "co2": "Carbon dioxide at Mauna Loa, ppm, by the week (statsmodels)",
    "weather": "Seattle's highest temperature, °C, by the day (vega_datasets)",
    "temps": "Seattle's temperature, °F, by the hour of a normal year (vega_datasets)",
}
HEAD = f"""# The monitor on tables that packages ship

Three tables with time, each taken in by `plumbline new` without an edit. The periods after the training window are
judged one by one, with the labels of the period before; a period is the shortest number of weeks that holds {ROWS} rows.
Each finding stands beside the raw label in the periods that it names (mean, least and greatest), in the training window
and, where the table goes back that far, in the same days of the year before; columns that moved together are one
finding. Made by `python -m bench.tables_monitor PROJECT --write`, which ends with an error where a finding has no
reading. Flights: [a year of flights](monitor-flights.md).
"""
READINGS: Mapping[tuple[str, str, str], str] = {
    (
        "co2",
        "trend_shift",
        "last_label",
    ): "True: the concentration rises every year, and every period lies above the training window.",
    (
        "co2",
        "extreme_values",
        "",
    ): "True: the first period after training reaches values that training never had; from "
    "then on the periods before have them too, and the trend is what is left to say.",
    (
        "co2",
        "outlier_predictions",
        "",
    ): "True, and the same: two fifths of the weeks lie above 343 ppm, which training "
    "reached in its last spring alone.",
    (
        "weather",
        "trend_shift",
        "last_label",
    ): "True: the years of training had 15.3 and 16.1 °C on average, 2014 and 2015 "
    "had 17.0 and 17.4; a smaller part is that training's 803 days hold three winters and two summers.",
    (
        "weather",
        "extreme_values",
        "",
    ): "True: June and July 2015 were the hottest of the four years, 2.7 °C above those of 2014.",
    (
        "temps",
        "outlier_predictions",
        "",
    ): "True: in the last week of July a fifth of the hours lie above 73.9 °F, which "
    "training (January to July) hardly had, and in the week before Christmas half of them below 39.1 °F. The model is "
    "asked beyond what it saw; no label shows a loss, so nothing is to be retrained.",
    (
        "temps",
        "extreme_values",
        "",
    ): "True: every mean of the last days is above training's greatest, as the summer goes on.",
    (
        "temps",
        "drift",
        "last_label",
    ): "True: from August (65 °F on average) to September (60) it gets colder, after eight "
    "months of rising values; weeks had never gone down before.",
    (
        "temps",
        "trend_shift",
        "last_label",
    ): "True, and the season: half a year of training ends in July, and the 28 weeks "
    "hold the summer. The text says so.",
}
"""By table, check and column: whether the finding is true, by the raw values."""
Judged = tuple[np.datetime64, ScoredWindow, Judgement]


@dataclass(frozen=True)
class Walk:
    """A table's windows: the training one, and the judged periods of so many days, oldest first."""

    name: str
    days: int
    training: ScoredWindow
    judged: Sequence[Judged]


@dataclass(frozen=True)
class Run:
    """A finding at its largest, and the periods that have it."""

    finding: Finding
    periods: Sequence[Judged]


def read(usecase: UseCase, scorer: Bundle, name: str) -> ScoredWindow:
    """A table of the use case with the model's answers."""
    columns = tables.read(Path("data") / usecase.name / "tables" / f"{name}.parquet")
    needed = (*scorer.features, scorer.offset) if scorer.offset else scorer.features
    rows = len(next(iter(columns.values())))
    return window(usecase, columns, scorer.predict(scorable(columns, needed, rows)))


def walk(name: str) -> Walk:
    """All periods after the training window, each judged by those before it."""
    usecase, params = usecase_loader.load(name), config.load(name)
    scorer = bundle.load(Path("models") / name, name)
    training = read(usecase, scorer, "train")
    days = period_days(training, params.monitor.period_days)
    limits = params.monitor.model_copy(update={"period_days": days})
    binning = fit_binning.fit(usecase, gain_shares(scorer.booster), training, period_days=days)
    state = stream.begin(binning, limits)
    for day, part in observe.periods(binning, training, None):
        state = stream.learn(state, period_summary.summarise(binning, part, day))
    judged: list[Judged] = []
    known = {}
    for table in ("valid", "test", "current"):
        for day, part in observe.periods(binning, read(usecase, scorer, table), None):
            state, one = stream.step(state, period_summary.summarise(binning, part, day), known)
            outcome = label_outcomes.outcome(binning, part, day)
            known = {} if outcome.day is None else {outcome.day: outcome}
            judged += [] if day is None else [(day, part, one)]
    return Walk(name, days, training, judged)


def period_days(training: ScoredWindow, shortest: int) -> int:
    """Whole weeks with ROWS rows on average, at least `shortest` days."""
    a_day = training.rows / max(1, training.days)
    return max(shortest, 7 * int(np.ceil(ROWS / a_day / 7)))


def runs(of: Walk) -> Iterator[Run]:
    """The findings of all periods, one per check and column; columns that moved together share one."""
    merged = verdict.order(observe.merged([j for _, _, j in of.judged]))
    for finding in common_cause.grouped(merged, of.training):
        key = (finding.check, finding.column)
        yield Run(
            finding, [p for p in of.judged if key in {(f.check, f.column) for f in p[2].findings}]
        )


def lines(of: Walk) -> Iterator[str]:
    """A table's section: its verdicts, then a line for each finding with the raw values and its reading."""
    counts = Counter(j.level for _, _, j in of.judged)
    levels = ", ".join(f"{counts[level]} {level}" for level in reversed(verdict.LEVELS))
    length = sentences.periods(of.days)
    yield f"## {TITLES[of.name]}\n"
    yield f"{len(of.judged)} {length} from {of.judged[0][0]} on: {levels}.\n"
    for run in runs(of):
        yield line(of, run)


def line(of: Walk, run: Run) -> str:
    """A finding, when, the raw values, and the reading."""
    one, first, last = run.finding, run.periods[0][0], run.periods[-1][0]
    when = f"{first}" if first == last else f"{first} to {last} ({len(run.periods)} periods)"
    where = f"`{one.column}`: " if one.column else ""
    cause = f" ({one.cause})" if one.cause else ""
    reading = READINGS.get(key(of, run), "NOT EXPLAINED")
    return f"- {when}, {one.level}, {one.check}: {where}{one.evidence}{cause}. Raw: {raw(of, run)}. {reading}"


def key(of: Walk, run: Run) -> tuple[str, str, str]:
    """What a reading is looked up by."""
    return of.name, run.finding.check, run.finding.column or ""


def raw(of: Walk, run: Run) -> str:
    """The label in the periods of a finding, in the training window, and a year before."""
    everything = [of.training, *(part for _, part, _ in of.judged)]
    label = np.concatenate([w.label for w in everything])
    day = np.concatenate([w.day for w in everything if w.day is not None])
    inside = np.zeros(len(day), bool)
    for first, _, _ in run.periods:
        inside |= (day >= first - back(of, run)) & (day < first + of.days)
    before = np.isin(day, day[inside] - np.timedelta64(364, "D"))
    texts = [spread(label[inside]), f"training {spread(of.training.label)}"]
    texts += [f"a year before {spread(label[before])}"] if before.any() else []
    return "; ".join(texts)


def back(of: Walk, run: Run) -> int:
    """Days before a period that its finding is about, too: a trend pools them."""
    if run.finding.check != "trend_shift":
        return 0
    return (drift_findings.trend_periods(of.days, of.training.days) - 1) * of.days


def spread(values: Array) -> str:
    """Mean and range of what is known.

    >>> spread(np.array([1.0, 2.0, np.nan]))
    '1.5 (1 to 2)'
    """
    known = values[~np.isnan(values)]
    return f"{known.mean():.4g} ({known.min():.4g} to {known.max():.4g})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    os.chdir(arguments.project)
    sys.path.insert(0, str(Path.cwd()))
    sections = ["\n".join(lines(walk(name))) for name in TITLES]
    text = "\n".join([HEAD, "\n\n".join(sections)]) + "\n"
    print(text)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
    return int("NOT EXPLAINED" in text)


if __name__ == "__main__":
    sys.exit(main())
