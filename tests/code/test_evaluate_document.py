"""evaluate.json as a typed document: what is written is what is read, and a wrong key is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from plumbline.core import documents, files
from plumbline.core.errors import PlumblineError
from plumbline.evaluate.evaluate_document import EvaluateDocument
from tests.evaluated import INTERVAL, evaluated

MONTH = {**INTERVAL, "rows": 3, "differences": {}}


@pytest.mark.parametrize("changed", [{}, {"months": {"2025-01": MONTH}}])
def test_what_is_read_is_what_was_written(changed: dict[str, Any]):
    value = evaluated(**changed)
    document = documents.parse(EvaluateDocument, value, "evaluate.json")
    assert files.dumps(document.plain()) == files.dumps(value)


def test_an_end_that_is_not_defined_is_null_in_json_and_nan_as_an_estimate():
    value = evaluated(metrics={"mae": {"value": 1.0, "low": math.nan, "high": math.nan}})
    written = files.dumps(EvaluateDocument.model_validate(value).plain())
    assert '"low": null' in written
    null = {"value": 1.0, "low": None, "high": None}
    again = EvaluateDocument.model_validate(evaluated(metrics={"mae": null}))
    assert math.isnan(again.metrics["mae"].estimate.low)


def test_a_key_of_another_version_is_refused_by_name():
    with pytest.raises(PlumblineError, match=r"evaluate\.json, asked: unknown key"):
        documents.parse(EvaluateDocument, evaluated(asked={}), "evaluate.json")
