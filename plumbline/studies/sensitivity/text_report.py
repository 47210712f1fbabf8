"""A sensitivity study as lines to read. Pure: the record in, text out."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import figure, interval, share, signed
from plumbline.studies.sensitivity.sensitivity_record import (
    FlatRange,
    FlatValues,
    SearchTrials,
    SensitivityRecord,
)


def lines(record: SensitivityRecord) -> Iterator[str]:
    """The best, what another seed does, then per setting a line per value and one on how flat it is."""
    best = record.best
    params = ", ".join(f"{name} {figure(v)}" for name, v in best.params.items())
    yield (
        f"{record.usecase}: {metric_title(record.metric_name)} on validation "
        f"{figure(best.metric)}, at {params}"
    )
    changes = [seed.estimate.value for seed in record.seeds]
    yield f"{len(changes)} other seeds: {signed(min(changes))} to {signed(max(changes))}"
    for name, setting in record.settings.items():
        yield f"{name}, best {figure(setting.best)}{_trials(setting.trials)}"
        for one in setting.tried:
            yield (
                f"  {figure(one.setting):>10}  {figure(one.metric)}, {interval(one, signed)}: {one.word}"
            )
        yield f"  {flat(setting.flat)}"


def flat(record: FlatValues | FlatRange) -> str:
    """Where nothing is lost."""
    tried = f"{share(record.share)} of the values tried"
    if isinstance(record, FlatValues):
        return f"no loss beyond the margin at {', '.join(record.values)}: {tried}"
    return (
        f"no loss beyond the margin from {figure(record.first)} to {figure(record.last)}; {tried}"
    )


def _trials(record: SearchTrials) -> str:
    if record.rank_correlation is None:
        return ""
    return f"; over {len(record.values)} trials of the search, rank correlation {record.rank_correlation:+.2f}"
