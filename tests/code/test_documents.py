"""Documents between stages: what is refused, and that a file reads back as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from plumbline.core import documents
from plumbline.core.documents import Document, finite
from plumbline.core.errors import PlumblineError


class Interval(Document):
    low: float | None
    high: float | None


class Report(Document):
    metric: str
    interval: Interval


REPORT = Report(metric="mae", interval=Interval(low=0.1, high=finite(float("nan"))))


def test_a_document_reads_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    documents.write(path, REPORT)
    assert documents.read(Report, path) == REPORT
    assert '"high": null' in path.read_text()


def test_a_document_cannot_be_changed() -> None:
    field = "metric"
    with pytest.raises(ValidationError, match="frozen"):
        setattr(REPORT, field, "rmse")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"metric": "mae"}, "^r.json, interval: missing key; write it again$"),
        (
            {"metric": "mae", "interval": {"low": 1, "high": "x" * 99}},
            "interval.high: .* found 'x+…;",
        ),
        ({"metric": "mae", "interval": {"low": 1, "high": 2}, "odd": 1}, "odd: unknown key"),
        ([], "the whole: Input should be a valid dictionary"),
    ],
)
def test_a_wrong_document_is_refused_with_key_and_remedy(value: object, text: str) -> None:
    with pytest.raises(PlumblineError, match=text):
        documents.parse(Report, value, "r.json", "write it again")


def test_a_schema_forbids_unknown_keys() -> None:
    schema = documents.schema(Report, "A report")
    assert schema["title"] == "A report"
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Interval"]["additionalProperties"] is False
