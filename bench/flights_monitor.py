"""The monitor over the flights of 2013, week by week, as a table of months in Markdown.

`python -m bench.flights_monitor` after `dvc repro` with `flights` among the use cases (the data:
sources/flights/README.md). The weeks of the training window are the first past; those of valid, test and
current are judged in order, each by the weeks before it. `--write` puts the page to
docs/monitor-flights.md. A planted fault at the end shows that the monitor can raise an alert here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
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
    fit_binning,
    label_outcomes,
    observe,
    period_summary,
    seasonal_baseline,
    stream,
)
from plumbline.monitor.binning import Binning
from plumbline.monitor.judge import Judgement
from plumbline.monitor.label_outcomes import LabelOutcome
from plumbline.monitor.monitored_columns import gain_shares
from plumbline.monitor.params import Monitor
from plumbline.monitor.period_summary import PeriodSummary
from plumbline.monitor.verdict import Finding
from plumbline.monitor.window import ScoredWindow, scorable, window

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path("docs/monitor-flights.md")
FIRST = 4
"""Weeks of labels before the first that is judged."""
HEAD = """# A year of flights with the monitor

Departures from New York in 2013, about 620 a week in the sample. The model was trained on mid-January to
April. The weeks from June on are judged one by one against the weeks before, at one false alert in
{days:g} weeks. Made by `python -m bench.flights_monitor --write`.

June, July and December have large delays; the autumn is calm. The weeks of January to April differed as
much from each other, so no later week stands out from the weeks before it: the score moves with the delays
and the model's error with the score, and nothing is an alert. The warnings concern the trend: in summer the
histories of the carriers lie above those of the training months, in autumn the minutes that they gain lie
below. One week had histories that training never had: in the raw table, departures from 25 June to 1 July were 48,
39 and 31 minutes late on average at the three airports, at most 26, 21 and 23 in any earlier week.

| month | verdicts | rows a week | departure delay, minutes | arrival delay | mean absolute error | score's shift | input that moved most |
|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class JudgedWeek:
    """A judged week: its verdict, mean delays and error in minutes, and the column that moved most."""

    judged: Judgement
    departure: float
    arrival: float
    error: float
    column: str
    shift: float


def read(usecase: UseCase, scorer: Bundle, name: str) -> ScoredWindow:
    """A table of the use case with the model's answers."""
    columns = tables.read(ROOT / "data" / usecase.name / "tables" / f"{name}.parquet")
    return window(usecase, columns, score(scorer, columns))


def score(scorer: Bundle, columns: dict[str, Array]) -> Array:
    """The model's answers."""
    needed = (*scorer.features, scorer.offset) if scorer.offset else scorer.features
    return scorer.predict(scorable(columns, needed, len(next(iter(columns.values())))))


def judged(
    binning: Binning,
    limits: Monitor,
    training: ScoredWindow,
    later: Sequence[tuple[np.datetime64, ScoredWindow]],
) -> Iterator[JudgedWeek]:
    """The weeks after the first FIRST of `later`, each with what was known at its end."""
    state = stream.begin(binning, limits)
    for day, part in observe.periods(binning, training, None):
        state = stream.learn(state, period_summary.summarise(binning, part, day))
    outcomes = [label_outcomes.outcome(binning, part, day) for day, part in later]
    for number, (day, part) in enumerate(later):
        now = period_summary.summarise(binning, part, day)
        if number < FIRST:
            state = stream.learn(state, now, outcomes[number])
            continue
        before = state.healthy
        known = outcomes[number - 1]
        state, judgement = stream.step(state, now, {known.day or day: known})
        yield _week(binning, before, now, part, outcomes[number], judgement)


def _week(
    binning: Binning,
    before: Sequence[PeriodSummary],
    now: PeriodSummary,
    part: ScoredWindow,
    outcome: LabelOutcome,
    judgement: Judgement,
) -> JudgedWeek:
    moved = seasonal_baseline.shifts(
        seasonal_baseline.baseline(binning, before, now), binning.specs
    )
    least = min(moved, key=lambda name: moved[name].p)
    return JudgedWeek(
        judgement,
        float(np.nanmean(part.columns["dep_delay"].astype(np.float64))),
        float(np.nanmean(part.label)),
        label_outcomes.quality("regression", outcome),
        least,
        moved[least].size,
    )


def table(weeks: Sequence[JudgedWeek]) -> Iterator[str]:
    """A line a month, then a line for each week that is not ok."""
    for month in sorted({str(w.judged.day)[:7] for w in weeks}):
        of_month = [w for w in weeks if str(w.judged.day)[:7] == month]
        levels = " ".join(w.judged.level for w in of_month)
        rows = np.mean([w.judged.rows for w in of_month])
        means = [
            f"{np.mean([getattr(w, n) for w in of_month]):.1f}"
            for n in ("departure", "arrival", "error")
        ]
        shift = np.mean([w.judged.shift for w in of_month])
        most = max(of_month, key=lambda w: abs(w.shift))
        cells = [month, levels, f"{rows:.0f}", *means, f"{shift:+.2f}"]
        yield f"| {' | '.join(cells)} | {most.column} ({most.shift:+.2f}) |"
    yield ""
    yield from finding_lines([w.judged for w in weeks])


def finding_lines(judged: Sequence[Judgement]) -> Iterator[str]:
    """A line for each finding: its weeks, and its evidence when it was largest."""
    runs: dict[tuple[str, str | None], list[tuple[str, Finding]]] = {}
    for one in judged:
        for f in one.findings:
            runs.setdefault((f.check, f.column), []).append((str(one.day), f))
    for (check, column), days in runs.items():
        first, last, worst = (
            days[0][0],
            days[-1][0],
            max((f for _, f in days), key=lambda f: f.size),
        )
        span = first if first == last else f"{first} to {last} ({len(days)} weeks)"
        where = f"`{column}`: " if column else ""
        why = f" ({worst.cause})" if worst.cause else ""
        yield f"- {span}, {worst.level}, {check}: {where}{worst.evidence}{why}"


def hours(scorer: Bundle, part: ScoredWindow) -> ScoredWindow:
    """The week with a tenth of its departure delays in hours in number of minutes."""
    columns = dict(part.columns)
    hit = np.arange(part.rows) % 10 == 0
    delay = columns["dep_delay"].astype(np.float64)
    columns["dep_delay"] = np.where(hit, 60 * delay, delay)
    return ScoredWindow(columns, part.label, score(scorer, columns), part.day, part.last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE}")
    arguments = parser.parse_args()
    usecase = usecase_loader.load("flights")
    limits = config.load("flights", ROOT / "params.yaml").monitor
    scorer = bundle.load(ROOT / "models" / usecase.name, usecase.name)
    training = read(usecase, scorer, "train")
    gain = gain_shares(scorer.booster)
    binning = fit_binning.fit(usecase, gain, training, period_days=limits.period_days)
    later = [
        (day, part)
        for name in ("valid", "test", "current")
        for day, part in observe.periods(binning, read(usecase, scorer, name), None)
        if day is not None
    ]
    lines = [
        HEAD.format(days=limits.false_alert_days),
        *table(list(judged(binning, limits, training, later))),
    ]
    day, last = later[-1]
    faulty = list(judged(binning, limits, training, [*later[:-1], (day, hours(scorer, last))]))
    lines += ["", "The last week again, with a tenth of the departure delays times 60:", ""]
    lines += [line for line in table(faulty[-1:]) if line.startswith("- ")]
    text = lines[0] + "\n".join(lines[1:]) + "\n"
    print(text)
    if arguments.write:
        (ROOT / PAGE).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
