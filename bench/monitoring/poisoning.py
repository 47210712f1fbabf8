"""What validate, the monitor and the comparison see of poisoned payments; edges that build and judge them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.monitoring import learning, runs, streams
from bench.monitoring.poisons import Poison, Shock
from bench.monitoring.populations import DELAY, Population, ordinal
from bench.monitoring.scenarios import BY_NAME, Scenario
from plumbline.core import duckdb_session
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.metrics import metrics
from plumbline.review import paired
from plumbline.review.comparison_sections import Difference
from plumbline.validate import months, profile, profile_shifts, suspicious
from plumbline.validate.params import Validate
from sources.card_fraud.simulator import simulate
from usecases.card_fraud.contract import CONTRACT

START, POISONED, AS_OF = date(2024, 10, 1), date(2025, 6, 1), date(2025, 7, 1)
WINDOW = 28
"""Days of validate's window; the accepted profile is of as many before the poisoning."""


def checks(customers: int, seed: int, shocks: Sequence[Shock]) -> dict[str, list[str]]:
    """The checks of validate that fail: those that were there before, and those of poisoning."""
    dated = [{"date": POISONED, **shock} for shock in shocks]
    settings = {"customers": customers, "terminals": customers, "shocks": dated}
    events = pa.concat_tables(simulate(settings, START, AS_OF, seed))
    with (
        tempfile.TemporaryDirectory() as folder,
        duckdb_session.connect(Path(folder)) as connection,
    ):
        _write(Path(folder), events)
        tables = months.scan(connection, CONTRACT, Path(folder))
        spans = [(end - timedelta(days=WINDOW), end) for end in (POISONED, AS_OF)]
        before, now = (profile.measure(connection, CONTRACT, tables, span) for span in spans)
        days = profile.by_day(connection, CONTRACT, tables, spans[1])
        old = profile_shifts.measures(before, now, Validate(), days)
        new = suspicious.measures(connection, CONTRACT, tables, spans[1], accepted=True)
    return {"old": _failed(old), "new": _failed(new)}


def _failed(measures: Iterable[profile_shifts.ProfileShift]) -> list[str]:
    return sorted({m.kind for m in measures if m.failed and m.kind not in ("rows",)})


def _write(folder: Path, events: pa.Table) -> None:
    """The months that the data stage would write, each payment once."""
    events = _once(events)
    known = pc.add(events["paid_at"], pa.scalar(timedelta(days=DELAY), pa.duration("us")))
    late = events.select(["payment_id", "paid_at"]).append_column("known_at", known)
    late = late.append_column("is_fraud", events["is_fraud"])
    due = late.filter(pc.less(known, pa.scalar(AS_OF, pa.date32()).cast(pa.timestamp("us"))))
    parts = (("events", events.drop(["is_fraud"]), "paid_at"), ("outcomes", due, "known_at"))
    for name, table, time in parts:
        month = pc.strftime(table[time], "%Y-%m")
        for text in month.unique().to_pylist():
            rows = table.filter(pc.equal(month, text))
            pq.write_table(rows, folder / f"{name}-{text}.parquet")


def _once(events: pa.Table) -> pa.Table:
    _, first = np.unique(events["payment_id"].to_numpy(), return_index=True)
    return events.take(pa.array(np.sort(first)))


def monitored(population: Population, poisons: Sequence[Poison]) -> dict[str, dict[str, Any]]:
    """By poison: whether an alert, and whether a finding of labels, came within the judged windows."""
    own = {"clean": BY_NAME["weekly"], **{key(p): _scenario(p) for p in poisons}}
    found: dict[str, list[runs.Record]] = {}
    for record in runs.judged(population, list(own.values()), "plumbline"):
        found.setdefault(record.scenario, []).append(record)
    return {
        name: {
            "alert": any(r.level == "alert" for r in found[scenario.name]),
            "labels": any(_of_labels(r.why) for r in found[scenario.name]),
        }
        for name, scenario in own.items()
    }


def _of_labels(why: Iterable[str]) -> bool:
    return any(line.split()[1] in ("quality", "calibration") for line in why)


def _scenario(poison: Poison) -> Scenario:
    return Scenario(f"poison-{key(poison)}", "concept", poison.title, (poison.shock,))


def key(poison: Poison) -> str:
    """Its name with its share."""
    return f"{poison.name}-{poison.share:g}"


def retrained(population: Population, poison: Poison | None) -> dict[str, float | str]:
    """A model of data poisoned in the last 28 days of training and in validation, against one of clean data.

    Both on 28 later, clean days, as the comparison has them: the difference of average precision and its word.
    """
    folder = streams.prepare(population, "plain")
    name = key(poison) if poison else "again"
    head = population.folder / "poisoned" / name
    if not head.exists():
        train, valid = _tables(population, poison)
        learning.fit(train, valid, head, population.seed + (poison is None))
    test = streams.read(folder / "history.parquet")
    inside = test["delivered"] < ordinal(population.valid[1] + timedelta(days=28))
    rows = {n: v[inside] for n, v in test.items()}
    sides = [learning.load(f) for f in (population.folder / "model", head)]
    scores = [learning.scored(side, rows)["score"] for side in sides]
    window = LabelledWindow(
        problem="classification",
        label=rows["is_fraud"].astype(np.float64),
        day=rows["paid_at"].astype("datetime64[D]"),
        replicates=500,
        level=0.95,
        seed=population.seed,
    )
    base, new = (
        paired.Scored(score, side.threshold) for score, side in zip(scores, sides, strict=True)
    )
    result = paired.compared(window, base, new, {}, paired.Noise(0.015))
    figure = result.metrics[metrics.PRIMARY["classification"]]
    loss = (figure.head - figure.base) / figure.base if figure.base and figure.head else 0.0
    return {"relative": round(loss, 4), "word": _word(figure.difference)}


def _word(difference: Difference) -> str:
    """Whether the interval, with the margin for other seeds, excludes zero."""
    if difference.high is not None and difference.high < 0:
        return "worse"
    return "better" if difference.low is not None and difference.low > 0 else "no difference"


def _tables(population: Population, poison: Poison | None) -> tuple[pa.Table, pa.Table]:
    """Training and validation rows, the last 28 days of training and all of validation poisoned."""
    since, until = population.train[1] - timedelta(days=28), population.valid[1]
    shocks = [{**poison.shock, "date": since, "until": until}] if poison else []
    settings = {**population.size.settings, "shocks": shocks}
    events = streams.payments(population, settings, population.start)
    events = events.filter(pc.less(events["delivered"], ordinal(until)))
    spans = {"train": population.train, "valid": population.valid}
    parts = streams.featured(events, streams.outcomes(events), until, spans)
    return parts["train"], parts["valid"]
