"""A log of parcels that three champions answered one after the other, beside a shadow; and the same days sealed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from plumbline.model import admission
from plumbline.ops.replay import row_sources
from plumbline.ops.replay.bundles import Bundles
from plumbline.ops.replay.day_range import DayRange
from plumbline.ops.replay.row_sources import RowSources
from plumbline.ops.sealing.seal import Sealing
from plumbline.ops.serving import places
from plumbline.serve.routes import document, routes_file
from plumbline.serve.routes.document import Arm
from tests.bundles import carrying
from tests.conftest import ROOT
from tests.routed import retrained, store_of
from tests.serviced import answers, parcel, serving

DAY = 86_400_000_000
"""Microseconds."""
COSTS = {"unit": "cents", "false_negative": "worth", "false_positive": 200}
WINDOWS = {"warmup_days": 2, "valid_days": 2, "test_days": 2, "current_days": 2}
SLOPES = (None, 1.5, 0.5)
"""Of the champions' calibrations."""


def served(root: Path, events: int = 60) -> list[str]:
    """Serve parcels of nine days with three champions, three days each; the bundles' md5s."""
    folder = places.folder(root, "parcels")
    _, md5s = store_of(folder, bundles(root / "made"))
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


def write_params(root: Path) -> None:
    """A params.yaml with costs of parcels."""
    section: dict[str, Any] = {"data": {"source": "csv", "as_of": "2025-03-01"}}
    section |= {"features": WINDOWS, "train": {"costs": COSTS}}
    section |= {key: {} for key in ("validate", "tune", "evaluate", "monitor")}
    params = {"usecases": ["parcels"], "seed": 1, "parcels": section}
    (root / "params.yaml").write_text(yaml.safe_dump(params))


def seal(root: Path, day: date | None = None, now: date = date(2027, 1, 1)) -> None:
    """Seal the finished days of the log, or one of them."""
    (root / ".dvc").mkdir(exist_ok=True)
    (root / ".dvc" / "config").touch()
    shutil.copy(ROOT / "dvc.yaml", root)
    write_params(root)
    Sealing(root, "parcels", places.log(root, "parcels"), now=now).run(day)


def bundles(folder: Path) -> list[Path]:
    """Three bundles that differ in their calibration."""
    folder.mkdir(parents=True)
    first = carrying(folder)
    result = [first]
    for i, slope in enumerate(SLOPES[1:]):
        fitted = {"kind": "platt", "x": [slope], "y": [-0.1]}
        result.append(retrained(first, folder / f"model{i}", calibration=fitted))
    return result
