"""All that `plumbline doctor` looks at, in order. An edge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from plumbline import config
from plumbline.ops.doctor import machine_health, running_service, serving_health
from plumbline.ops.doctor.health import Health
from plumbline.ops.doctor.serving_health import Clock

HOST, PORT, MAX_AGE = "127.0.0.1", 8400, 1


def lines(root: Path, usecases: Sequence[str], clock: Clock, today: date) -> Iterator[Health]:
    """Each check as it is done; of all use cases of params.yaml where none is named."""
    service, answering = running_service.control(root)
    yield machine_health.lock(root)
    yield machine_health.disk(root, [root / ".plumbline"])
    yield machine_health.clock(root)
    yield machine_health.port(HOST, PORT, service)
    yield answering
    yield serving_health.feature_store(root)
    for name in config.selected(usecases, root / "params.yaml"):
        yield from serving_health.usecase(root, name, today, MAX_AGE, clock)
