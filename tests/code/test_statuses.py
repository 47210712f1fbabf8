"""The trusted verdict as a commit's status."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plumbline.ops.hosting import github as hosting
from plumbline.ops.hosting import statuses
from plumbline.review.comparison import Comparison
from tests import github
from tests.payloads import PAYLOADS
from tests.reviews import WORSE, comparison

SHA = "1" * 40
LOSS = {
    "head": {"comparable": True, "rows": 9, "metrics": {"average_precision": WORSE}, "slices": {}}
}


@pytest.fixture
def host() -> Iterator[github.GitHub]:
    with github.github() as state:
        yield state


@pytest.mark.parametrize(
    ("result", "state", "text"),
    [
        (comparison(), "success", "Nothing against merging"),
        (comparison({"base": LOSS}), "failure", "Do not merge"),
        (
            comparison({"base": LOSS, "override": "agreed"}),
            "success",
            "May be merged by an override",
        ),
        (
            comparison(failed={"stage": "train", "error": "x"}, usecases={}),
            "failure",
            "Do not merge",
        ),
        (None, "failure", "the run left no comparison"),
    ],
)
def test_the_state_is_the_verdict(
    host: github.GitHub, result: Comparison | None, state: str, text: str
) -> None:
    hub = hosting.GitHub(f"{host.url}/api/v3", host.repository, "secret")
    statuses.post(hub, SHA, "main", result, "https://github.com/acme/plumbline/actions/runs/7")
    [entry] = host.statuses
    assert (entry["sha"], entry["state"], entry["context"]) == (SHA, state, "judged for main")
    assert entry["description"].startswith(text)


def test_a_payload_fits_and_does_not_act(host: github.GitHub) -> None:
    """The stand-in refuses more than 140 characters, as GitHub does."""
    hub = hosting.GitHub(f"{host.url}/api/v3", host.repository, "secret")
    for payload in PAYLOADS:
        failed = {"stage": "train", "error": payload[:2000]}
        statuses.post(hub, SHA, "main", comparison(failed=failed, usecases={}), "")
    for entry in host.statuses:
        assert "://" not in entry["description"]
        assert len(entry["description"].splitlines()) == 1
