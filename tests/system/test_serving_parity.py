"""The test window of a small world replayed through HTTP: features and scores are the batch's, to the bit."""

from __future__ import annotations

import pytest

from bench import serving_parity
from tests import runs


@pytest.mark.capability("C2", "C16", "C28", "D16", "J1")
def test_the_test_window_through_http_is_the_batch_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs.both(tmp_path_factory).path)
    one = serving_parity.replayed(serving_parity.Path("."), runs.BOTH[0], 300, each=7)
    assert one.different == ()
    assert (one.features, one.answers, one.rescored) == (one.rows,) * 3
    assert one.rows == 300
