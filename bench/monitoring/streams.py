"""Streams: a population's payments with features, scores and true labels, day by day; kept as Parquet.

A population's past is built once, with its model; a scenario only builds the days from its shock on.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.monitoring import learning
from bench.monitoring.populations import CONTEXT, DELAY, IRRELEVANT, Population, ordinal
from bench.monitoring.scenarios import Scenario, calendar
from plumbline.core import tables
from plumbline.core.declarations import Array
from plumbline.core.files import replacing_folder
from plumbline.features import batch, derived_events, ibis_session
from plumbline.monitor.window import ScoredWindow
from sources.card_fraud.simulator import simulate
from usecases.card_fraud.model import USECASE

ROWS_OF_TRAINING = 100_000


@dataclass(frozen=True)
class Past:
    """What a detector may know before the first judged window: a model's training rows, the healthy
    days since, labels as known on that day, and the model's gain from each feature.

    `unlabelled`: the last of these days with the labels that come in later, one day's with each
    judged window."""

    training: ScoredWindow
    days: tuple[ScoredWindow, ...]
    unlabelled: tuple[ScoredWindow, ...]
    gain: Mapping[str, float]
    threshold: float


def payments(population: Population, settings: Mapping[str, Any], since: date) -> pa.Table:
    """The source's rows from `since` on, with the day each was `delivered` and the truth."""
    days = simulate(
        settings, population.start, population.end, population.seed, truth=True, since=since
    )
    return pa.concat_tables(
        t.append_column("delivered", pa.array(np.full(t.num_rows, ordinal(since) + i)))
        for i, t in enumerate(days)
    )


def outcomes(true: pa.Table) -> pa.Table:
    """Each payment's label and when it becomes known. `true`: rows before any fault."""
    frame = true.select(["payment_id", "paid_at", "is_fraud"]).to_pandas()
    frame = frame.drop_duplicates("payment_id")
    frame["known_at"] = frame.pop("paid_at") + np.timedelta64(DELAY, "D")
    kept = pa.Table.from_pandas(frame, preserve_index=False)
    return kept.set_column(
        kept.column_names.index("known_at"), "known_at", kept["known_at"].cast(pa.timestamp("us"))
    )


def featured(
    events: pa.Table,
    labels: pa.Table,
    end: date,
    spans: Mapping[str, tuple[date, date]],
    stale: int = 0,
) -> dict[str, pa.Table]:
    """Model tables of the days delivered in each span, by the project's own batch features.

    `stale`: days by which snapshots are too old. Labels are the true ones.
    """
    import ibis

    with ibis_session.connection(threads=1) as backend:
        rows, late = ibis_session.lend(backend, events), ibis_session.lend(backend, labels)
        rows = derived_events.with_derived(backend, USECASE, rows, late, end)
        snapshots = {}
        for entity in USECASE.entities:
            built = batch.snapshots(USECASE, entity, rows, late, end)
            if stale:
                built = built.mutate(day=built.day + ibis.interval(days=stale))
            snapshots[entity.name] = ibis_session.keep(backend, entity.name, built)
        return {
            name: _table(backend, rows, late, snapshots, ordinal(first), ordinal(last))
            for name, (first, last) in spans.items()
        }


def _table(backend: Any, rows: Any, late: Any, snapshots: Any, first: int, last: int) -> pa.Table:
    inside = rows.filter(rows.delivered >= first, rows.delivered < last)
    joined = batch.join_label(USECASE, batch.fresh(USECASE, inside, late), late)
    joined = batch.join_snapshots(USECASE, joined, snapshots)
    names = [*tables.order(USECASE), "delivered"]
    joined = joined.select(names).order_by("delivered", USECASE.time, USECASE.key)
    table = backend.con.sql(backend.compile(joined)).to_arrow_table()
    return tables.completed(USECASE, table).append_column("delivered", table["delivered"])


def past(population: Population, kind: str = "plain") -> Past:
    """A population's model and healthy days; built at the first call. `kind`: see Scenario.past."""
    folder = prepare(population, kind)
    bundle = learning.load(population.folder / "model")
    first = ordinal(population.valid[1])
    days = windows(read(folder / "history.parquet"), first, population.size.history)
    unknown = len(days) - DELAY
    training = read(population.folder / "plain" / "training.parquet")
    return Past(
        learning.window(training, np.datetime64(population.train[1], "D") - 1),
        tuple(d if i < unknown else hide(d) for i, d in enumerate(days)),
        tuple(days[unknown:]),
        learning.gain(bundle),
        bundle.threshold or 0.5,
    )


def prepare(population: Population, kind: str) -> Path:
    """The folder with a population's past of one kind, built where it is not there."""
    folder = population.folder / kind
    if folder.exists():
        return folder
    if kind == "shuffled":
        return _shuffle(population, prepare(population, "plain"), folder)
    if kind == "calendar":
        prepare(population, "plain")  # the model comes from there
        settings = {
            **population.size.settings,
            "shocks": calendar(population.start, population.end),
        }
        since = population.valid[1] - timedelta(days=CONTEXT)
    else:
        settings, since = dict(population.size.settings), population.start
    events = payments(population, settings, since)
    spans = {
        "history": (population.valid[1], population.shock),
        "twin": (population.shock, population.end),
    }
    if kind == "plain":
        spans |= {"train": population.train, "valid": population.valid}
    parts = featured(events, outcomes(events), population.end, spans)
    if not (population.folder / "model").exists():
        learning.fit(parts["train"], parts["valid"], population.folder / "model", population.seed)
    bundle = learning.load(population.folder / "model")
    with replacing_folder(folder) as out:
        for name in ("history", "twin"):
            write(
                learning.scored(bundle, enriched(parts[name], population)), out / f"{name}.parquet"
            )
        if kind == "plain":
            sample = _sample(parts["train"], population.seed)
            write(learning.scored(bundle, enriched(sample, population)), out / "training.parquet")
        recent = pc.greater_equal(events["delivered"], ordinal(population.shock) - CONTEXT - DELAY)
        write(events.filter(recent), out / "events.parquet")
    return folder


def stream(population: Population, scenario: Scenario) -> list[ScoredWindow]:
    """The judged windows of a scenario, with true labels; built at the first call."""
    path = stream_file(population, scenario)
    return windows(read(path), ordinal(population.shock), count(population, scenario))


def stream_file(population: Population, scenario: Scenario) -> Path:
    """The file of a scenario's judged windows, written where it is not there."""
    folder = prepare(population, scenario.past)
    path = population.folder / "streams" / f"{scenario.name}.parquet"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        rows = scenario.rows(_changed_rows(population, scenario, folder), population)
        write(learning.scored(learning.load(population.folder / "model"), rows), path)
    return path


def twin(population: Population, scenario: Scenario) -> list[ScoredWindow]:
    """The same days without what the scenario does."""
    folder = prepare(population, scenario.past)
    return windows(
        read(folder / "twin.parquet"), ordinal(population.shock), count(population, scenario)
    )


def count(population: Population, scenario: Scenario) -> int:
    """How many windows of it are judged."""
    return min(scenario.windows, population.size.windows)


def _changed_rows(population: Population, scenario: Scenario, folder: Path) -> dict[str, Array]:
    end = population.shock + timedelta(days=count(population, scenario))
    if not scenario.changes_features:
        rows = read(folder / "twin.parquet")
        judged = rows["delivered"] < ordinal(end)
        return {n: v[judged] for n, v in rows.items()}
    known = pq.read_table(folder / "events.parquet")
    before = known.filter(pc.less(known["delivered"], ordinal(population.shock)))
    rows = known.filter(pc.greater_equal(known["delivered"], ordinal(population.shock)))
    if scenario.kinds:
        settings = {**population.size.settings, "shocks": scenario.shocks(population)}
        rows = payments(population, settings, population.shock)
    rows = rows.filter(pc.less(rows["delivered"], ordinal(end)))
    rows = rows if scenario.change is None else scenario.change(rows, population)
    events = pa.concat_tables([before, rows])
    labels = outcomes(known if scenario.fault else events)
    spans = {"judged": (population.shock, end)}
    return enriched(featured(events, labels, end, spans, scenario.stale)["judged"], population)


def _shuffle(population: Population, source: Path, folder: Path) -> Path:
    """History and twin with their rows dealt to the days at random, so that days differ by chance alone."""
    both = [read(source / f"{name}.parquet") for name in ("history", "twin")]
    rows = {n: np.concatenate([b[n] for b in both]) for n in both[0]}
    count = len(rows["delivered"])
    days = population.size.history + population.size.windows
    dealt_to = np.random.default_rng(population.seed).permutation(count)
    day = ordinal(population.valid[1]) + dealt_to * days // count
    clock = rows["paid_at"] - rows["paid_at"].astype("datetime64[D]")
    rows |= {"delivered": day, "paid_at": day.astype("datetime64[D]") + clock}
    order = np.argsort(rows["paid_at"], kind="stable")
    dealt = {n: v[order] for n, v in rows.items()}
    judged = dealt["delivered"] >= ordinal(population.shock)
    with replacing_folder(folder) as out:
        for name, chosen in (("history", ~judged), ("twin", judged)):
            write({n: v[chosen] for n, v in dealt.items()}, out / f"{name}.parquet")
    return folder


def enriched(table: pa.Table, population: Population) -> dict[str, Array]:
    """The table's columns with the one that the model does not use; the same for the same rows."""
    columns = {n: tables.numpy(table[n]) for n in table.column_names}
    key = columns["payment_id"].astype(np.uint64) + np.uint64(population.seed)
    uniform = (key * np.uint64(11_400_714_819_323_198_485) >> np.uint64(11)) * 2.0**-53
    return {**columns, IRRELEVANT.name: np.rint(100 * (1 - uniform**2)).astype(np.int64)}


def windows(columns: Mapping[str, Array], start: int, count: int) -> list[ScoredWindow]:
    """One window for each of `count` days of delivery from `start` (days since 1970) on."""
    edges = np.searchsorted(columns["delivered"], np.arange(start, start + count + 1))
    return [
        learning.window({n: v[low:high] for n, v in columns.items()}, np.datetime64(start + i, "D"))
        for i, (low, high) in enumerate(itertools.pairwise(edges))
    ]


def hide(day: ScoredWindow) -> ScoredWindow:
    """A window whose labels are not known yet."""
    blank = np.full(day.rows, np.nan)
    columns = {n: v for n, v in day.columns.items() if n != USECASE.label}
    return ScoredWindow(columns, blank, day.score, day.day, day.last)


def read(path: Path, columns: Sequence[str] | None = None) -> dict[str, Array]:
    """A stream's columns, or those named."""
    return tables.read(path, columns)


def write(columns: Mapping[str, Array] | pa.Table, path: Path) -> None:
    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    pq.write_table(table, path, compression="zstd", compression_level=1)


def _sample(table: pa.Table, seed: int) -> pa.Table:
    if table.num_rows <= ROWS_OF_TRAINING:
        return table
    picked = np.random.default_rng(seed).choice(table.num_rows, ROWS_OF_TRAINING, replace=False)
    return table.take(pa.array(np.sort(picked)))
