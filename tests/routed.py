"""A service's store with small bundles of parcels, admitted by their golden events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from plumbline.core.usecase import FeatureSet
from plumbline.model import bundle
from plumbline.serve import scoring
from plumbline.serve.routes import arms, document, routes_file
from plumbline.serve.routes.arms import Arms
from plumbline.serve.routes.bundle_store import BundleStore, Golden
from plumbline.serve.routes.document import Routes
from plumbline.serve.routes.router import Router, opened
from tests.boosting import events, parcels
from tests.bundles import RAW, carrying


def golden(folder: Path, usecase: FeatureSet, rows: int = 12) -> Golden:
    """Golden events for a bundle, with its own answers."""
    table = events_table(rows)
    found = scoring.answers(arms.load(folder, usecase), table)
    return Golden(table, pa.table({"score": found["score"]}))


def events_table(rows: int = 12, seed: int = 9) -> Any:
    return pa.table({n: v for n, v in events(seed, rows).items() if n in RAW})


def retrained(source: Path, target: Path, **manifest_changes: Any) -> Path:
    """The same trees in another bundle: of another seed, by its manifest, so of another md5."""
    loaded = bundle.load(source)
    described = {k: getattr(loaded.manifest, k) for k in type(loaded.manifest).model_fields}
    described.pop("model_md5")
    changed = {**described, "provenance": {"seed": 99}, **manifest_changes}
    bundle.save(target, loaded.booster, changed, parcels())
    return target


def store_of(folder: Path, models: Sequence[Path]) -> tuple[BundleStore, list[str]]:
    """A store below `folder` with these bundles; their md5s."""
    store = BundleStore(folder)
    md5s = [store.put(m, golden(m, parcels()), str(m), "the bundle itself") for m in models]
    return store, md5s


def router_of(folder: Path, models: Sequence[Path]) -> tuple[Router, list[str]]:
    """A router whose champion is the first bundle; all are in the store."""
    store, md5s = store_of(folder, models)
    first = document.first(md5s[0], "salt")
    routes_file.write(folder, routes_file.entry(first, "first start"))
    return opened(folder, Arms(parcels(), store)), md5s


def three(folder: Path) -> list[Path]:
    """Three bundles of parcels that differ in their threshold alone."""
    first = carrying(folder)
    return [
        first,
        *(retrained(first, folder / f"model{i}", provenance={"seed": i}) for i in (1, 2)),
    ]


def routes(*weights: int) -> Routes:
    """Routes with arms a, b, c ... of these weights; the first is the champion's."""
    named = zip("abcdef", weights, strict=False)
    found = tuple(document.Arm(name=n, bundle=f"{ord(n):032x}.dir", weight=w) for n, w in named)
    return Routes(salt="salt", arms=found, champions=(found[0].bundle,))
