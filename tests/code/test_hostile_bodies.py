"""Hostile bodies through checks and scorer: no error of the service, and good events are answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import hostile_bodies, hostile_targets
from plumbline.serve.http import app
from plumbline.serve.online.scorer import CompiledScorer
from tests import requests, serviced, serving
from tests.boosting import parcels
from tests.frames import FLIGHTS, PAYMENTS
from tests.small import SMALL


@pytest.mark.capability("G10")
@pytest.mark.parametrize("case", [PAYMENTS, FLIGHTS, SMALL], ids=lambda c: c.name)
def test_no_body_is_an_error_of_the_service(case: Any) -> None:
    target = hostile_targets.in_process(CompiledScorer(requests.scorer(case)))
    record = hostile_bodies.run(target, hostile_bodies.drawn(case, 250, seed=7))
    assert {kind for kind, _ in record.kinds} == {hostile_bodies.GOOD, *hostile_bodies.KINDS}
    assert record.faults == []
    assert {*record.statuses} == {200, 400, 422}


def test_nor_is_any_over_http(tmp_path: Path) -> None:
    base, gate = serviced.made(tmp_path), serving.gate(max_body=300_000)
    with serviced.serving(base, tmp_path / "s", by="system") as service:
        application = app.build({"parcels": service}, gate, {})
        with serving.running(application, gate) as run:
            url, bodies = f"http://127.0.0.1:{run.port}", hostile_bodies.drawn(parcels(), 250, 3)
            with hostile_targets.over_http(url, "parcels", None) as target:
                record = hostile_bodies.run(target, bodies)
    assert record.faults == []
    assert {200, 413, 422} <= {*record.statuses} <= {200, 400, 409, 413, 422}


def test_a_fault_is_reported() -> None:
    record = hostile_bodies.run(lambda body: 500 if b"24:00" in body else 422, hostile_bodies.drawn(PAYMENTS, 400))  # fmt: skip
    assert any("answers with 500" in fault for fault in record.faults)
    assert any("good events were answered with {422" in fault for fault in record.faults)
