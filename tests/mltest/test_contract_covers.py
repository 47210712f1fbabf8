"""Data 1: the contract expects something of every column of every use case, and of every feature's sources."""

from __future__ import annotations

import pytest

from plumbline.core.declarations import KNOWN_AT
from plumbline.core.usecase import UseCase
from plumbline.features import catalog
from plumbline.validate.check import layout
from plumbline.validate.contract import checks
from usecases.card_fraud import model as card_fraud
from usecases.flights import model as flights

CASES = [card_fraud.USECASE, flights.USECASE]
OF_VALUES = {"null", "range", "set", "unique", "delay"}
pytestmark = [
    pytest.mark.mltest("Data 1"),
    pytest.mark.parametrize("case", CASES, ids=lambda c: c.name),
]


@pytest.mark.capability("G7")
def test_every_column_is_there_typed_and_looked_at(case: UseCase) -> None:
    for table in ("events", "outcomes"):
        own = [c for c in checks(case) if c.table == table]
        for column in layout(case, table):
            kinds = {c.kind for c in own if c.column == column.name}
            assert {"columns", "type"} <= kinds, column.name
            assert kinds & OF_VALUES, f"{table}: nothing is expected of {column.name}'s values"


@pytest.mark.capability("G7")
def test_every_number_has_its_bounds_and_every_word_its_set(case: UseCase) -> None:
    result = {(c.column, c.kind): c for c in checks(case)}
    for column in case.columns:
        if column.min is not None or column.max is not None:
            check = result[column.name, "range"]
            assert (column.min, column.max) == (check.low, check.high)
        if column.allowed:
            assert result[column.name, "set"].allowed == column.allowed


def test_what_a_feature_is_made_of_is_in_the_contract(case: UseCase) -> None:
    known = {c.name for c in case.columns} | {KNOWN_AT}
    for feature in case.features:
        assert set(catalog.sources(case, feature)) <= known, feature
