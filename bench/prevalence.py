"""The share of frauds estimated without labels, held against the truth: label shift, and what is none.

`python -m bench.prevalence [--seeds 101,102] [--write]`: streams of MonitorBench at 5,000 rows a day; the reference
are the last four healthy weeks whose labels are known, the current window the judged days. Each stream is estimated
twice: with no label of these days, and with the labels of its first week. Beside it stands the test on labels that
have come in. `--write` puts the table to docs/monitor-prevalence.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.monitoring import runs, streams
from bench.monitoring.populations import DELAY, SIZES, Population
from bench.monitoring.scenarios import BY_NAME, Scenario
from plumbline.monitor import prevalence
from plumbline.monitor.prevalence import Prevalence
from plumbline.monitor.window import ScoredWindow

PAGE = Path(__file__).resolve().parents[1] / "docs" / "monitor-prevalence.md"
ROWS = 5_000
REFERENCE = 28
"""Days with labels, before the first judged one, that the confusion matrix is of."""
GROUPS = ("harmless", "covariate", "label", "concept", "segment", "mix")
HEAD = """# Prevalence without labels

Black-box shift estimation on simulated payments, {rows:,} a day ([how it works](monitoring.md#prevalence)), seeds
{seeds}. The reference are four weeks with labels, the current window the one or two weeks from the change on. *True*
and *estimated* are means over the streams; *held* counts the intervals (95 %) that hold the truth. *Cannot tell*
counts the streams whose estimate is withdrawn, before any label of the window is known, and with those of its first
week; *relied on and wrong* are intervals without the truth that are not withdrawn. The last column counts the streams
in which the test on labels that have come in finds a change. Made by `python -m bench.prevalence --write`.

The assumption, that only the share of frauds changes, holds in `label_1.5` and nearly in `label_3`. Where amounts
rise, or thieves pay other amounts, it does not: the thresholds contradict each other, and the estimate is withdrawn.
A new pattern that the scores do not see (`concept_new`) cannot be told from a healthy stream until labels come in.

| scenario | what happens | true | estimated | held | cannot tell | with labels | relied on and wrong | label test |
|---|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Estimated:
    """A stream's true share of frauds, its two estimates, and whether labels showed a change."""

    true: float
    blind: Prevalence
    informed: Prevalence | None
    by_labels: bool

    @property
    def held(self) -> bool:
        current = self.blind.current
        return current is not None and current.low <= self.true <= current.high


def joined(days: Sequence[ScoredWindow]) -> ScoredWindow:
    """Several days' labels and scores as one window."""
    label, score, day = (
        np.concatenate([getattr(d, n) for d in days]) for n in ("label", "score", "day")
    )
    return ScoredWindow({}, label, score, day, days[-1].last)


def estimated(population: Population, scenario: Scenario) -> Estimated:
    """One stream."""
    past = streams.past(population, scenario.past)
    reference = joined([d for d in past.days if d.labelled.all()][-REFERENCE:])
    days = streams.stream(population, scenario)
    hidden = [streams.hide(d) for d in days]
    known = len(days) - DELAY
    records = runs.judged(population, [scenario], "plumbline")
    return Estimated(
        float(joined(days).label.mean()),
        _look(reference, joined(hidden)),
        _look(reference, joined([*days[:known], *hidden[known:]])) if known > 0 else None,
        any(" calibration " in w or " quality " in w for r in records for w in r.why),
    )


def _look(past: ScoredWindow, now: ScoredWindow) -> Prevalence:
    return prevalence.estimate(past, now, replicates=300, level=0.95, seed=1)


def row(scenario: Scenario, found: Sequence[Estimated]) -> str:
    """A scenario's line of the table."""
    of = len(found)
    true = np.mean([f.true for f in found])
    value = np.mean([f.blind.current.value for f in found if f.blind.current])
    informed = [f.informed for f in found if f.informed]
    later = f"{sum(bool(i.cannot_tell) for i in informed)} of {len(informed)}" if informed else "-"
    wrong = sum(not f.held and not f.blind.cannot_tell for f in found)
    counts = (
        sum(f.held for f in found),
        sum(bool(f.blind.cannot_tell) for f in found),
    )
    shown = [f"{true:.2%}", f"{value:.2%}", *(f"{c} of {of}" for c in counts), later]
    shown += [f"{wrong} of {of}", f"{sum(f.by_labels for f in found)} of {of}"]
    return f"| `{scenario.name}` | {scenario.title} | {' | '.join(shown)} |"


def table(seeds: Sequence[int], names: Sequence[str] = ()) -> Iterator[str]:
    """A line per scenario, over the seeds."""
    for scenario in BY_NAME.values():
        if (scenario.name in names) if names else scenario.group in GROUPS:
            populations = (Population(SIZES[ROWS], seed) for seed in seeds)
            yield row(scenario, [estimated(p, scenario) for p in populations])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="101,102,103,104", help="of populations, with commas")
    parser.add_argument("--scenarios", default="", help="names with commas; all if omitted")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    lines = []
    for line in table(seeds, [n for n in arguments.scenarios.split(",") if n]):
        print(line, flush=True)
        lines.append(line)
    if arguments.write:
        head = HEAD.format(rows=ROWS, seeds=", ".join(map(str, seeds)))
        PAGE.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
