"""A log of parcels that three champions answered one after the other, beside a shadow; and the same days sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.model import admission
from plumbline.ops.replay import row_sources, sealed_days
from plumbline.ops.replay.bundles import Bundles
from plumbline.ops.replay.day_range import DayRange
from plumbline.ops.replay.row_sources import RowSources
from plumbline.ops.serving import places
from plumbline.serve.log import export
from plumbline.serve.log.reader import LogReader
from plumbline.serve.routes import document, routes_file
from plumbline.serve.routes.document import Arm
from tests.bundles import carrying
from tests.routed import retrained, store_of
from tests.serviced import answers, parcel, serving

SLOPES = (None, 1.5, 0.5)
"""Of the champions' calibrations."""


def served(root: Path, events: int = 60) -> list[str]:
    """Serve parcels of nine days with three champions, three days each; the bundles' md5s."""
    folder = places.folder(root, "parcels")
    _, md5s = store_of(folder, _bundles(root / "made"))
    routes = document.first(md5s[0], "salt")
    for place, md5 in enumerate(md5s):
        if place:
            routes = document.to_bundle(routes, md5)
        shadow = Arm(name="next", bundle=md5s[(place + 1) % 3], mode="shadow")
        routes = document.with_arm(document.changed(routes, [a for a in routes.arms if a.name != "next"]), shadow)  # fmt: skip
        routes_file.write(folder, routes_file.entry(routes, "a test's champion"))
        _serve(folder, range(place * events // 3, (place + 1) * events // 3), 9 / events)
    return md5s


def _serve(folder: Path, numbers: Iterable[int], apart: float) -> None:
    """Have parcels answered, and scored by the shadow after that; `apart`: days between two of them."""
    jobs: list[Callable[[], None]] = []
    with serving(folder, folder, jobs=jobs) as service:
        for number in numbers:
            answers(service, drawn(number, number * apart))
            while jobs:
                jobs.pop()()


def drawn(number: int, days: float) -> dict[str, Any]:
    """A parcel that differs from others."""
    random = np.random.default_rng(number)
    own = {"sender": int(random.integers(0, 5)), "height": int(random.integers(1, 200))}
    kind = str(random.choice(["box", "tube"]))
    return parcel(number, days, **own, kind=kind, worth=int(random.integers(0, 5_000)))


def admitted(root: Path, md5s: list[str]) -> Bundles:
    """Bundles whose row functions may run."""
    folder = places.folder(root, "parcels")
    hashes = [admission.digest(folder / "bundles" / md5 / "model") for md5 in md5s]
    return Bundles(root, "parcels", hashes)


def sources(root: Path, days: DayRange | None = None) -> RowSources:
    """What was served of parcels."""
    return row_sources.found(root, "parcels", days or DayRange())


def seal(root: Path, *days: date) -> None:
    """Days of the log as sealed files."""
    folder = sealed_days.folder(root, "parcels")
    folder.mkdir(parents=True, exist_ok=True)
    reader = LogReader(places.log(root, "parcels"))
    for day in days or reader.days():
        for kind in ("events", "outcomes"):
            export.write(reader, day, kind, folder / f"{kind}-{day}.log.parquet")  # type: ignore[arg-type]
        _split(folder, day)


def _split(folder: Path, day: date) -> None:
    """An export as events and predictions."""
    whole = pq.read_table(folder / f"events-{day}.log.parquet")
    live = whole.filter(pc.equal(whole["mode"], "live"))["event"].combine_chunks()
    events = pa.table({f.name: live.field(f.name) for f in live.type})
    pq.write_table(events, folder / f"events-{day}.parquet")
    pq.write_table(
        whole.drop_columns(["event", "digest", "answer"]), folder / f"predictions-{day}.parquet"
    )
    for kind in ("events", "outcomes"):
        (folder / f"{kind}-{day}.log.parquet").unlink()


def _bundles(folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    first = carrying(folder)
    result = [first]
    for i, slope in enumerate(SLOPES[1:]):
        fitted = {"kind": "platt", "x": [slope], "y": [-0.1]}
        result.append(retrained(first, folder / f"model{i}", calibration=fitted))
    return result
