"""A feature that is retired: what still uses it is named, and refused where that is declared."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plumbline.core import deprecation, policy, usecase_loader
from plumbline.core.declarations import Array, Deprecated, Only, Row, Slice, Snapshot, Where
from plumbline.core.errors import SpecError
from plumbline.features import catalog
from plumbline.model import manifest, usecase_file
from stages import features as stage
from tests.boosting import height_over_mean, parcels

OLD = Deprecated("sender_mean_7d", "since May; use sender_mean_30d")


def tall(height: Array) -> Array:
    """1 for 100 mm and more, else 0."""
    return (height >= 100).astype(int)


def test_everything_that_uses_it_is_named() -> None:
    both = Snapshot(
        "sender_tall_7d", "sender", "sum", 7, "tall parcels", "tall", where=(Where("tall", 1),)
    )
    case = parcels(
        rows=(Row(height_over_mean), Row(tall)),
        snapshots=(*parcels().snapshots, both),
        derived=("tall",),
        eligible=(Only("tall", "small ones", high=1),),
        slices=(Slice("size", "tall", "tall or not"),),
        naive="tall",
    )
    assert deprecation.users(case, "tall") == [
        "history 'sender_tall_7d'", "eligible", "naive", "slice 'size'",
    ]  # fmt: skip
    assert deprecation.users(case, "sender_mean_7d") == [
        "the model",
        "row feature 'height_over_mean'",
    ]
    assert deprecation.users(case, "sender_tall_7d") == []


@pytest.mark.capability("A16")
@pytest.mark.parametrize("refuse", [False, True])
def test_one_that_is_still_used_is_refused_or_warned_of_as_declared(
    refuse: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    case = parcels(deprecated=(replace(OLD, refuse=refuse),))
    line = (
        "feature 'sender_mean_7d' is deprecated (since May; use sender_mean_30d) and still used by the "
        "model, row feature 'height_over_mean'"
    )
    assert (deprecation.refused(case), deprecation.warned(case)) == (
        ([line], []) if refuse else ([], [line])
    )
    monkeypatch.setattr(usecase_loader, "load_features", lambda _: case)
    monkeypatch.setattr(stage.policy, "check", lambda c: only_retired(c))
    monkeypatch.setattr(stage.parameters, "load", lambda _: None)
    monkeypatch.setattr(stage.ibis_session, "connection", stop)
    paths = [Path("none")] * 5
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(SpecError, match="deprecated" if refuse else "^ran$"),
    ):
        stage.main("parcels", *paths)
    assert [r.message for r in caplog.records] == ([] if refuse else [f"features: {line}"])


def only_retired(case: Any) -> None:
    """The policy's rules, of which the small use case breaks others too."""
    broken = [line for line in policy.problems(case) if "deprecated" in line]
    if broken:
        raise SpecError("\n".join(broken))


def stop() -> None:
    raise SpecError("ran")


def test_one_that_nothing_uses_is_no_matter() -> None:
    unused = replace(parcels().snapshots[0], name="sender_mean_old")
    case = parcels(
        snapshots=(*parcels().snapshots, unused),
        deprecated=(Deprecated("sender_mean_old", "worth nothing", refuse=True),),
    )
    assert deprecation.refused(case) == deprecation.warned(case) == []
    [entry] = [e for e in catalog.entries(case) if e.deprecated]
    assert (entry.name, entry.deprecated, entry.used_by) == ("sender_mean_old", "worth nothing", [])


def test_the_catalog_says_what_uses_it_and_nothing_of_others() -> None:
    entries = {e.name: e for e in catalog.entries(parcels(deprecated=(OLD,)))}
    assert entries["sender_mean_7d"].used_by == ["the model", "row feature 'height_over_mean'"]
    assert not {"deprecated", "used_by"} & entries["kind_code"].plain().keys()
    assert "deprecated" not in catalog.entries(parcels())[1].plain()


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (
            (Deprecated("sender_mean_8d", "old"),),
            r"'sender_mean_8d' is no feature; did you mean 'sender_mean_7d'",
        ),
        (
            (Deprecated("height", "old"),),
            r"'height' is no feature; .*A column of the contract has `deprecated`",
        ),
        ((OLD, OLD), r"'sender_mean_7d' stands there twice"),
        ((Deprecated("kind_code", " "),), r"'kind_code' has no reason; say what to use instead"),
    ],
)
def test_a_declaration_that_cannot_be(declared: tuple[Deprecated, ...], message: str) -> None:
    with pytest.raises(SpecError, match=rf"usecases/parcels/features\.py: deprecated: {message}"):
        parcels(deprecated=declared)


def test_it_is_no_other_definition_and_travels_with_the_bundle() -> None:
    case = parcels(deprecated=(OLD,))
    assert manifest.definitions(case) == manifest.definitions(parcels())
    assert usecase_file.stub(usecase_file.describe(case, "")).deprecated == (OLD,)
    assert case.derivation.deprecated == ()
