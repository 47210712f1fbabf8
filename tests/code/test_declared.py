"""What a use case declares, line by line: bounds, windows, edges, limits; a change is to be seen."""

from __future__ import annotations

import pytest

from plumbline.core.usecase import UseCase
from tests import declared

pytestmark = pytest.mark.mltest("Data 7")


@pytest.mark.parametrize("case", declared.CASES, ids=lambda c: c.name)
def test_the_declarations_are_those_that_were_reviewed(case: UseCase) -> None:
    kept = (declared.FOLDER / f"{case.name}.txt").read_text(encoding="utf-8")
    assert declared.text(case) == kept, "if it is meant: python -m tests.declared"
