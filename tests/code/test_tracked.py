"""A file that the data stage reads is its dep, or is pinned by a hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.core.errors import ParamsError
from plumbline.data.params import Data
from plumbline.data.tracked import check

OWN = Path("sources") / "shop"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    OWN.mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    "settings",
    [
        {"source": "csv", "path": "sources/shop/orders.csv"},
        {"source": "parquet", "path": "sources/shop/../shop/2025-*.parquet"},
        {"source": "csv", "path": "exports/orders.csv", "sha256": "ab" * 32},
        {"source": "url", "url": "https://example.com/x.csv", "sha256": "ab" * 32},
        {"source": "sql", "address": "sqlite:///sources/shop/shop.db", "query": "select 1"},
        {"source": "sql", "address": "postgresql://host/db", "query": "select 1"},
        {"source": "simulate"},
    ],
)
def test_what_is_tracked_passes(settings: dict[str, str]) -> None:
    check("shop", Data(**settings), OWN)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"source": "csv", "path": "exports/orders.csv"},
            r"shop\.data\.path: 'exports/orders\.csv'",
        ),
        (
            {"source": "csv", "path": "sources/other/orders.csv"},
            r"Move it to sources/shop/, or give",
        ),
        ({"source": "csv", "path": "sources/shop/../other/*.csv"}, r"is not in sources/shop/"),
        ({"source": "parquet", "path": "/data/orders"}, r"data\.sha256 as well"),
        ({"source": "csv", "path": "sources"}, r"is not in sources/shop/"),
        ({"source": "sql", "address": "sqlite:///shop.db", "query": "q"}, r"shop\.data\.address"),
    ],
)
def test_what_dvc_would_not_see_is_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        check("shop", Data(**settings), OWN)


def test_a_link_out_of_the_folder_is_a_file_elsewhere(here: Path) -> None:
    (here / "elsewhere").mkdir()
    (OWN / "linked").symlink_to(here / "elsewhere")
    with pytest.raises(ParamsError, match="is not in sources/shop/"):
        check("shop", Data(source="csv", path="sources/shop/linked/orders.csv"), OWN)
