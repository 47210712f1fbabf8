"""Raw events in a table: typed as the model's tables are, or refused with the row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plumbline.core.declarations import Array, Column, Columns, Only, Row, Snapshot
from plumbline.core.errors import ContractError
from plumbline.core.usecase import UseCase
from plumbline.serve import event_table
from tests.boosting import COLUMNS, events, height_over_mean, parcels


def columns(case: UseCase, table: pa.Table, **more: bool) -> Columns:
    """What the model of all declared features reads."""
    return event_table.columns(case, table, case.features, **more)


NAMES = ("number", "at", "sender", "height", "kind", "worth", "sender_mean_7d")


def table(**changed: Any) -> pa.Table:
    """Three events; a changed column, or with None one that is left out."""
    columns = {**{n: v for n, v in events(3, 3).items() if n in NAMES}, **changed}
    return pa.table({name: values for name, values in columns.items() if values is not None})


def with_column(**changed: Any) -> UseCase:
    """The use case with another height in its contract."""
    height = replace(COLUMNS[3], **changed)
    return parcels(columns=tuple(height if c.name == "height" else c for c in COLUMNS))


def test_columns_as_the_models_tables_have_them() -> None:
    whole = columns(parcels(), table(more=[1, 2, 3]))
    assert set(whole) == set(NAMES)
    for name, values in whole.items():
        assert values.dtype == events(3, 3)[name].dtype or name == "kind"
        assert values.tolist() == events(3, 3)[name].tolist()


def test_from_pandas_and_back_with_nulls() -> None:
    case = with_column(null=True)
    frame = table().to_pandas()
    frame["height"] = [1.0, np.nan, 2.0]
    frame["kind"] = frame["kind"].astype("category")
    whole = columns(case, pa.Table.from_pandas(frame))
    np.testing.assert_array_equal(whole["height"], [1.0, np.nan, 2.0])
    assert whole["kind"].dtype == object
    assert columns(case, table(height=[1, 2, 3]))["height"].dtype == np.float64


AWARE = [datetime(2025, 1, 1, tzinfo=UTC)] * 3


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"height": None}, "no column height; "),
        ({"height": ["1", "2", "3"]}, "height is of type string, expected whole numbers"),
        ({"height": [1.5, 2, 3]}, "height: expected whole numbers"),
        ({"height": [1, None, 3]}, "height is None in row 1 .*, expected no nulls; 1 of 3 rows"),
        ({"height": [1.0, float("nan"), 3.0]}, "height is None in row 1"),
        ({"kind": ["box", "cube", "ball"]}, "kind is 'cube' in row 1 .*box, tube; 2 of 3 rows"),
        ({"kind": [1, 2, 3]}, "kind is of type int64, expected text"),
        ({"at": AWARE}, "at is of type .*UTC.*, expected times without a zone"),
        ({"number": [True, False, True]}, "number is of type bool"),
        ({"sender_mean_7d": None}, "no history sender_mean_7d; take them from the feature store"),
        ({"sender_mean_7d": [1.0, None, 2.0]}, "the history sender_mean_7d is no finite number"),
        ({"sender_mean_7d": ["a", "b", "c"]}, "the history sender_mean_7d is of type string"),
    ],
)
def test_what_breaks_the_contract_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=f"^parcels, the events are refused: {message}"):
        columns(parcels(), table(**changed))


def test_ranges_and_forbidden_values() -> None:
    with pytest.raises(ContractError, match=r"height is \d+ in row 0 .*; 3 of 3 rows"):
        columns(with_column(max=0), table())
    other = parcels(columns=tuple(replace(c, forbidden="an id", allowed=(1,)) if c.name == "sender" else c for c in COLUMNS))  # fmt: skip
    with pytest.raises(ContractError, match="sender is a value in row"):
        columns(other, table())


def test_rows_that_the_use_case_is_not_about() -> None:
    case = parcels(only=(Only("height", "small", high=1),))
    with pytest.raises(
        ContractError, match=r"rows with height below 1; leave them out: row 0 .* and 2 more"
    ):
        columns(case, table())


def of_worth(worth: Array, sender_max_3d: Array) -> Array:
    """Worth over a history that only a row feature reads, ratio."""
    return worth / (1.0 + sender_max_3d)


def test_the_histories_that_a_model_needs() -> None:
    more = Snapshot("sender_max_3d", "sender", "mean", 3, "mean worth", "worth")
    unused = replace(more, name="sender_unused_3d")
    case = parcels(
        snapshots=(*parcels().snapshots, more, unused),
        rows=(Row(height_over_mean), Row(of_worth)),
        features=("height", "height_over_mean", "of_worth"),
    )
    assert event_table.histories(case, case.features) == ["sender_mean_7d", "sender_max_3d"]
    with pytest.raises(ContractError, match="no history sender_max_3d"):
        columns(case, table())
    assert "sender_max_3d" not in columns(case, table(), new_entities=True)
    assert len(columns(case, table(), new_entities=True)["height"]) == 3
    assert columns(parcels(), table().slice(0, 0))["height"].shape == (0,)


def test_a_timestamp_of_another_resolution() -> None:
    at = np.array(["2025-01-01T00:00:01", "2025-01-02", "2025-01-03"], "datetime64[ns]")
    assert columns(parcels(), table(at=at))["at"].dtype == "datetime64[us]"
    odd = Column("at", "timestamp", "UTC", "when")
    assert odd == COLUMNS[1]
