"""docs/scale.md has the tables of what was measured, and names scripts that are there."""

from __future__ import annotations

import re

import pytest

from docs import scale_tables
from tests.conftest import ROOT

TEXT = (ROOT / "docs/scale.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_records() -> None:
    assert scale_tables.page(TEXT) == TEXT, "run `python -m docs.scale_tables`"


@pytest.mark.parametrize("name", sorted(set(re.findall(r"python -m (bench\.\w+|docs\.\w+)", TEXT))))
def test_a_script_that_it_names_is_there(name: str) -> None:
    path = ROOT / name.replace(".", "/")
    assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()
