"""What the code of a use case does beyond declaring is read from its text."""

from __future__ import annotations

import pytest

from plumbline.review import code_reach
from tests.conftest import ROOT

FILE = "usecases/shop/features.py"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import numpy as np\nfrom math import ceil\nfrom .contract import CONTRACT", set()),
        ("from plumbline.core.declarations import Row", set()),
        ("from usecases.shop.contract import CONTRACT", set()),
        ("x = [1]\nx[0] = 2", set()),
        ("import os, sys", {"imports os", "imports sys"}),
        ("from plumbline.metrics import bootstrap", {"imports plumbline.metrics"}),
        (
            "from plumbline.core.usecase import usecase_checks",
            {"imports plumbline.core.usecase.usecase_checks"},
        ),
        ("from usecases.other.contract import CONTRACT", {"imports usecases.other.contract"}),
        ("from ..other import contract", {"imports ..other"}),
        ("from dataclasses import sys", {"imports dataclasses.sys"}),
        ("import numpy as np\nnp.mean = max", {"sets np.mean"}),
        ("import numpy as np\nnp.sum += 1", {"sets np.sum"}),
        ("import numpy as np\nx = np.fromfile('a')", {"uses np.fromfile"}),
        ("import dataclasses\ndataclasses.sys.exit()", {"uses dataclasses.sys"}),
        ("x = (lambda: 0).__globals__", {"uses (lambda: 0).__globals__"}),
        ("__import__('os')\nsetattr(x, 'y', 1)", {"uses __import__", "uses setattr"}),
        ("x = (", {"is no Python"}),
        ("# coding: utf-7\n+AGkAbQBwAG8AcgB0- os", {"imports os"}),
    ],
)
def test_code(code: str, words: set[str]) -> None:
    assert code_reach.beyond(FILE, code.encode()) == words


@pytest.mark.parametrize("folder", ["usecases", "tests/usecases"])
def test_what_is_shipped_only_declares(folder: str) -> None:
    """Else each change of it would need a reason."""
    files = sorted((ROOT / folder).glob("*/*.py"))
    assert len(files) > 7
    named = {f"usecases/{path.parent.name}/{path.name}": path for path in files}
    assert {
        name for name, path in named.items() if code_reach.beyond(name, path.read_bytes())
    } == set()


def test_a_source_may_read_its_settings() -> None:
    code = b"import pyarrow as pa\nfrom pydantic import BaseModel\nfrom sources.shop.world import X"
    assert code_reach.beyond("sources/shop/simulator.py", code) == set()
    assert code_reach.beyond("usecases/shop/model.py", b"import pyarrow") == {"imports pyarrow"}
