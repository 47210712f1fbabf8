"""Hostile bodies through checks and scorer: no error of the service, and good events are answered."""

from __future__ import annotations

from typing import Any

import pytest

from bench import hostile_bodies
from plumbline.serve.online.scorer import CompiledScorer
from tests import requests
from tests.frames import FLIGHTS, PAYMENTS
from tests.small import SMALL


@pytest.mark.capability("G17")
@pytest.mark.parametrize("case", [PAYMENTS, FLIGHTS, SMALL], ids=lambda c: c.name)
def test_no_body_is_an_error_of_the_service(case: Any) -> None:
    target = hostile_bodies.in_process(CompiledScorer(requests.scorer(case)))
    record = hostile_bodies.run(target, hostile_bodies.drawn(case, 250, seed=7))
    assert {kind for kind, _ in record.kinds} == {hostile_bodies.GOOD, *hostile_bodies.KINDS}
    assert record.faults == []
    assert {*record.statuses} == {200, 400, 422}


def test_a_fault_is_reported() -> None:
    record = hostile_bodies.run(lambda body: 500 if b"24:00" in body else 422, hostile_bodies.drawn(PAYMENTS, 400))  # fmt: skip
    assert any("answers with 500" in fault for fault in record.faults)
    assert any("good events were answered with {422" in fault for fault in record.faults)
