"""The order of the tests: each worker's part begins with its share of the long modules."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import long_first


def items(*names: str, each: int = 4) -> list:
    return [
        SimpleNamespace(path=Path(f"tests/{name}.py"), n=n) for name in names for n in range(each)
    ]


@pytest.mark.parametrize("workers", [2, 3])
def test_long_modules_are_shared_out_and_nothing_is_lost(workers: int) -> None:
    given = items("test_a", "test_b", "test_c", *long_first.LONG[:workers])
    result = long_first.shared_out(given, workers)
    assert sorted(map(id, result)) == sorted(map(id, given))
    size = len(given) // workers
    starts = [result[size * number].path.stem for number in range(workers)]
    assert starts == list(long_first.LONG[:workers])


def test_the_modules_exist() -> None:
    names = {path.stem for path in Path(__file__).parents[1].rglob("test_*.py")}
    assert set(long_first.LONG) <= names
