"""What a use case's modules read is a dep of the stages that load it, or is refused."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import usecases
from plumbline.core.errors import SpecError
from plumbline.core.usecase_loader import load_contract

CONTRACT = """
from plumbline.core.declarations import Column
from plumbline.core.usecase import Contract

CONTRACT = Contract(
    name="shop", title="Shop", owner="me@example.com", problem="regression", key="id", label="y",
    columns=(Column("id", "int", "-", "number"), Column("y", "float", "-", "answer", known=False)),
)
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a use case `shop` beside another one and a folder of the team's own code."""
    folder = tmp_path / "usecases"
    for name in ("shop", "other"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text('"""A use case."""\n')
        (folder / name / "contract.py").write_text(CONTRACT)
    (tmp_path / "helpers.py").write_text("night = 6\n")
    monkeypatch.setattr(usecases, "__path__", [str(folder)])
    monkeypatch.syspath_prepend(str(tmp_path))
    own = ("usecases.shop", "usecases.other", "usecases.shared")
    for module in [m for m in sys.modules if m.startswith(own)]:
        monkeypatch.delitem(sys.modules, module)
    importlib.invalidate_caches()
    return folder / "shop"


def test_a_contract_of_its_own_package_loads(shop: Path) -> None:
    (shop / "contract.py").write_text("import math\n\nimport numpy as np\n" + CONTRACT)
    assert load_contract("shop").label == "y"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "from usecases.other import night",
            r"contract\.py, line 1: imports usecases\.other\.night",
        ),
        ("import usecases.other.contract", r"imports usecases\.other\.contract, which no stage"),
        ("from ..other.contract import CONTRACT", r"imports usecases\.other\.contract\.CONTRACT"),
        ("from usecases.shop.features import X", r"imports usecases\.shop\.features\.X"),
        ("from .helpers import night", r"imports usecases\.shop\.helpers\.night"),
        ("import helpers", r"imports helpers, which no stage depends on"),
        ("from plumbline.evaluate import slices", r"Import plumbline\.core or installed packages"),
        ("def f():\n    from helpers import night", r"line 2: imports helpers\.night"),
        ("night = open('night.txt').read()", r"line 1: uses `open`.*sources/shop/"),
        ("import os\nnight = os.environ['NIGHT']", r"line 2: uses `environ`"),
        ("import importlib\nx = importlib.import_module('helpers')", r"uses `import_module`"),
        ("import pandas\nx = pandas.read_csv('x.csv')", r"uses `read_csv`"),
        ("import numpy as np\nx = np.loadtxt('x.txt')", r"uses `loadtxt`"),
        ("from pathlib import Path\nx = Path('x').read_text()", r"uses `read_text`"),
    ],
)
def test_what_no_stage_depends_on_is_refused(shop: Path, line: str, message: str) -> None:
    (shop / "contract.py").write_text(f"{line}\n{CONTRACT}")
    with pytest.raises(SpecError, match=message):
        load_contract("shop")


SHARED = "from usecases.shared.people import BUYER\nfrom usecases.shared import people\n"


def put(shop: Path, name: str, text: str) -> None:
    """A module in usecases/shared/, which the use case imports."""
    file = shop.parent / "shared" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    (file.parent / "__init__.py").write_text("")
    file.write_text(text)
    (shop / "contract.py").write_text(SHARED + CONTRACT)


@pytest.mark.capability("C21")
def test_what_is_shared_may_be_imported(shop: Path) -> None:
    put(shop, "people.py", "import numpy\nfrom .words import WHO\n\nBUYER = WHO\n")
    (shop.parent / "shared" / "words.py").write_text("WHO = 'who'\n")
    assert load_contract("shop").label == "y"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("from usecases.other.contract import CONTRACT", r"shared/people\.py, line 1: imports use"),
        ("from ..other.contract import CONTRACT", r"imports usecases\.other\.contract\.CONTRACT"),
        ("import helpers", r"imports helpers, which no stage.*into usecases/shared/, and copy"),
        ("x = open('night.txt').read()", r"shared/people\.py, line 1: uses `open`"),
    ],
)
def test_what_is_shared_reads_nothing_else(shop: Path, line: str, message: str) -> None:
    put(shop, "people.py", f"{line}\nBUYER = 1\n")
    with pytest.raises(SpecError, match=message):
        load_contract("shop")


def test_code_beside_the_parts_is_refused(shop: Path) -> None:
    (shop / "__init__.py").write_text("night = 6\n")
    with pytest.raises(SpecError, match=r"__init__\.py: expected a docstring and nothing else"):
        load_contract("shop")


def test_a_name_that_is_not_the_folder_is_refused(shop: Path) -> None:
    with pytest.raises(SpecError, match=r"name is 'shop', expected 'other'"):
        load_contract("other")
