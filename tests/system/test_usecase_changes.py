"""The demo replaced, a use case added, renamed, removed: every command afterwards, in one repository."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests import usecase_changes
from tests.shared import built, result


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    return result(built(tmp_path_factory, "usecase-changes", usecase_changes.replay))


@pytest.mark.situation(
    "a use case {change}, then {check}", expected="done, and nothing is missing or left over"
)
@pytest.mark.parametrize("check", usecase_changes.CHECKS)
@pytest.mark.parametrize("change", usecase_changes.CHANGES)
def test_all_is_right(results: Mapping[str, Mapping[str, str]], change: str, check: str) -> None:
    assert results[change][check] == ""
