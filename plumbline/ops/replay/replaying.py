"""`plumbline replay`: served rows read, scored again, held against what was logged. An edge: reads files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from plumbline import config
from plumbline.core import usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.ops.replay import refolding, row_sources, sealed_rows, verdicts, what_if_options
from plumbline.ops.replay.bundles import Bundles, NoBundle, ReplayBundle
from plumbline.ops.replay.day_range import DayRange
from plumbline.ops.replay.replay_counts import ReplayCounts, places_of
from plumbline.ops.replay.replay_document import ReplayReport
from plumbline.ops.replay.row_file import RowFile
from plumbline.ops.replay.row_sources import RowSources
from plumbline.ops.replay.served_rows import ServedRows
from plumbline.ops.replay.verdicts import RowVerdicts
from plumbline.ops.replay.what_if import WhatIfCounts
from plumbline.ops.replay.what_if_options import WhatIfOptions
from plumbline.runtime.row_progress import RowProgress


@dataclass(frozen=True)
class ReplayOptions:
    """What is replayed. `out`: a Parquet file with a row per served row; `admit`: hashes of bundles whose functions may run;
    `from_events`: histories are added up again, too."""

    days: DayRange = field(default_factory=DayRange)
    out: Path | None = None
    admit: tuple[str, ...] = ()
    what_if: WhatIfOptions = field(default_factory=WhatIfOptions)
    from_events: bool = False


def replay(root: Path, usecase: str, options: ReplayOptions) -> ReplayReport:
    """Score all served rows of the days again; PlumblineError where there are none, or none can be read."""
    case = usecase_loader.load_features(usecase)
    sources = row_sources.found(root, usecase, options.days)
    bundles = Bundles(root, usecase, options.admit)
    if options.from_events:
        seed = refolding.own_seed(root, case)
    report = _replayed(root, case, sources, bundles, options)
    if not options.from_events:
        return report
    late = config.load(usecase, root / config.FILE).serve.late_days
    histories = refolding.refolded(case, seed, sources, late)
    return report.model_copy(update={"histories": histories})


def _replayed(
    root: Path, case: FeatureSet, sources: RowSources, bundles: Bundles, options: ReplayOptions
) -> ReplayReport:
    """With the what-if, where one is wanted."""
    if not options.what_if.wanted:
        return replayed(case, sources, bundles, options.out)
    with tempfile.TemporaryDirectory(prefix="plumbline-replay-") as scratch:
        opened = what_if_options.opened(
            root, case, sources, bundles, options.what_if, Path(scratch)
        )
        with opened as context:
            report = replayed(case, sources, bundles, options.out, context.counts)
            return report.model_copy(update={"what_if": context.document()})


def replayed(
    case: FeatureSet,
    sources: RowSources,
    bundles: Bundles,
    out: Path | None = None,
    what_if: WhatIfCounts | None = None,
) -> ReplayReport:
    """The same, of days that were found, with bundles from wherever `bundles` looks."""
    counts = ReplayCounts()
    changed_days = [why for why in map(sealed_rows.changed, sources.sealed) if why]
    with ExitStack() as stack:
        file = stack.enter_context(RowFile.opened(out)) if out else None
        progress = stack.enter_context(RowProgress("replay"))
        for rows in row_sources.batches(sources, case):
            for found, part, judged in scored(bundles, rows, case.key):
                counts.add(found, part, judged)
                if what_if:
                    what_if.add(found, part, judged)
                if file:
                    file.write(part, judged)
            if file:
                file.flush()
            progress.report(str(rows.day), counts.total("rows"), 0)
    return _report(sources, counts, changed_days)


def scored(
    bundles: Bundles, rows: ServedRows, key: str
) -> Iterable[tuple[ReplayBundle | NoBundle, ServedRows, RowVerdicts]]:
    """The rows by the bundle that they name, with their verdicts."""
    for md5, places in places_of(rows.facts["bundle"]).items():
        found, part = bundles.get(md5), rows.take(places)
        if isinstance(found, NoBundle):
            yield found, part, verdicts.without_bundle(part, found.reason, found.problem)
            continue
        has_event = (
            ~np.asarray(part.events[key].is_null())
            if key in part.events
            else np.zeros(len(part), bool)
        )
        lost = part.take(np.flatnonzero(~has_event))
        if len(lost):
            yield found, lost, verdicts.without_event(lost)
        whole = part.take(np.flatnonzero(has_event))
        if len(whole):
            yield from _judged(found, whole)


def _judged(
    found: ReplayBundle, rows: ServedRows
) -> Iterable[tuple[ReplayBundle, ServedRows, RowVerdicts]]:
    """The verdicts; rows of which nothing can be made are found by halves, so that they keep no other from its own."""
    problem = ""
    try:
        result = verdicts.judged(found, rows)
    except PlumblineError as error:
        problem = str(error)
    if not problem:
        yield found, rows, result
    elif len(rows) == 1:
        yield found, rows, verdicts.not_scored(rows, problem)
    else:
        for places in np.array_split(np.arange(len(rows)), 2):
            yield from _judged(found, rows.take(places))


def _report(sources: RowSources, counts: ReplayCounts, changed_days: list[str]) -> ReplayReport:
    rows, equal = counts.total("rows"), counts.total("equal")
    return ReplayReport(
        usecase=sources.usecase,
        days=[str(day) for day in sources.days],
        sealed_days=len(sources.sealed),
        rows=rows,
        live=counts.total("live"),
        equal=equal,
        differing=rows - equal,
        changed_days=changed_days,
        bundles=[one.document() for one in counts.bundles.values()],
        rows_shown=counts.shown,
    )
