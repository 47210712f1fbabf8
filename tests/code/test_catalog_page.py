"""One page over all use cases: each definition once, with who uses it, and what is shared counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plumbline.core.declarations import Slice
from plumbline.core.usecase import UseCase
from plumbline.model import manifest
from plumbline.report import html
from plumbline.studies import catalog_page
from plumbline.studies.catalog_page import CatalogSource, FeatureCatalog
from plumbline.studies.feature_value.feature_value_document import (
    FeatureValueStudy,
    FeatureWorth,
    MeasuredOn,
    Yardsticks,
)
from tests.small import SMALL

KEPT = replace(
    SMALL,
    name="other",
    owner="others@example.com",
    entities=tuple(replace(e, kept_by="small") for e in SMALL.entities),
    snapshots=(replace(SMALL.snapshots[0], days=9, version=2), *SMALL.snapshots[1:]),
    features=("who_mean_3d",),
    slices=(Slice("place", "place_sum_3d", "sum", edges=(5.0,)),),
    naive=None,
)


def built(*usecases: UseCase, value: FeatureValueStudy | None = None) -> FeatureCatalog:
    sources = [CatalogSource.of(case, value, {"who_mean_3d": 0.25}) for case in usecases]
    return catalog_page.build(sources)


@pytest.mark.capability("C21")
def test_a_definition_is_one_line_whoever_declares_it() -> None:
    whole = built(SMALL, KEPT)
    lines = {(f.name, f.version): f for f in whole.features}
    mean = lines["who_mean_3d", 1]
    assert (mean.usecases, mean.models, mean.gain) == (["small", "other"], ["small", "other"], 0.25)
    assert mean.owners == ["tests@example.com", "others@example.com"]
    assert mean.feeds == ["surprise"]
    assert lines["who_count_1d", 1].usecases == ["small"]
    assert lines["who_count_1d", 2].usecases == ["other"]
    assert lines["place_sum_3d", 1].slices == ["slice place"]
    assert whole.reused == sum(len(f.usecases) == 2 for f in whole.features) > 10
    assert "place_loss_5d" in whole.unused
    assert "who_mean_3d" not in whole.unused


def test_a_view_is_one_line_with_its_keeper_and_its_readers() -> None:
    who, place = built(KEPT, replace(SMALL, snapshots=KEPT.snapshots)).views
    assert (who.name, who.kept_by, who.read_by) == ("small_who", "small", ["other", "small"])
    assert (who.version, place.version) == ("1.1", "1.0")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cents", "event"),
        ("who_count_today", "event"),
        ("heavy_today", "event"),
        ("who_mean_3d", "day"),
        ("surprise", "day"),
        ("kind_code", "event"),
    ],
)
def test_fresh_to_the_oldest_history(name: str, expected: str) -> None:
    assert {f.name: f.freshness for f in built(SMALL).features}[name] == expected


@pytest.mark.parametrize("current", [True, False])
def test_costs_of_other_definitions_do_not_count(current: bool) -> None:
    worth = FeatureWorth(
        name="who_mean_3d", kind="snapshot", sources=[], gain=0.5, won=3, loss=0.1, missed=0,
        earns=True, us_per_row=0.25, us_per_request=4.0,
    )  # fmt: skip
    md5 = manifest.definitions(SMALL) if current else "of another model"
    value = FeatureValueStudy(
        usecase="small", of=MeasuredOn(train="", valid="", model=md5), seeds=3, noise=5,
        yardsticks=Yardsticks(row=1.0, request=1.0), features=[worth],
    )  # fmt: skip
    whole = built(SMALL, value=value)
    line = next(f for f in whole.features if f.name == "who_mean_3d")
    assert (line.gain, line.us_per_row) == ((0.5, 0.25) if current else (0.25, None))
    assert whole.unmeasured == ([] if current else ["small"])
    page = html.render(catalog_page.blocks(whole))
    assert ("0.25; 4.0" in page) is current


def test_the_page_shows_what_is_shared_first() -> None:
    page = html.render(catalog_page.blocks(built(SMALL, KEPT)))
    assert page.index("Shared by several use cases") < page.index("Features of small")
    assert "2 of 2 views read by several" in page
    assert "model of small, other" not in page
