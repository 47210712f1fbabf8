"""The workflow files, from a contributor's push to the comment: see `tests/rehearsal/`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rehearsal import base, scenarios
from tests.rehearsal.hub import Hub, hub
from tests.rehearsal.reviews import Seen
from tests.shared import built, void

pytestmark = [
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed"),
    pytest.mark.timeout(1800),  # whole runs, of many processes each
]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository that every scenario starts from."""
    return built(tmp_path_factory, "rehearsal", lambda folder: void(base.make(folder)))


@pytest.mark.capability("A14", "G4", "H1")
@pytest.mark.parametrize("scenario", scenarios.SCENARIOS, ids=lambda s: s.__name__)
def test_scenario(scenario: Callable[[Hub], Seen], start: Path, tmp_path: Path) -> None:
    with hub(start, tmp_path) as host:
        assert scenario(host).summary()
