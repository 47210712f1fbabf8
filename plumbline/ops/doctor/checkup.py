"""All that `plumbline doctor` looks at, in order. An edge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from plumbline import config
from plumbline.core.errors import PlumblineError
from plumbline.ops.doctor import machine_health, running_service, serving_health
from plumbline.ops.doctor.health import Health, problem
from plumbline.ops.doctor.serving_health import Clock
from plumbline.serve.params import Serve


def lines(root: Path, usecases: Sequence[str], clock: Clock, today: date) -> Iterator[Health]:
    """Each check as it is done; of all use cases of params.yaml where none is named."""
    settings, problems = _settings(root, usecases)
    first = next(iter(settings.values()), Serve())
    service, answering = running_service.control(root)
    yield from problems
    yield machine_health.lock(root)
    yield machine_health.disk(root, [root / ".plumbline"])
    yield machine_health.clock(root)
    yield machine_health.port(first.host, first.port, service)
    yield answering
    yield serving_health.feature_store(root)
    if first.state:
        yield serving_health.online_state(first.state)
    for name, own in settings.items():
        yield from serving_health.usecase(root, name, today, own.max_age, clock)


def _settings(root: Path, usecases: Sequence[str]) -> tuple[dict[str, Serve], list[Health]]:
    """The settings of `serve` by use case, and what is wrong with those that cannot be read."""
    path = root / "params.yaml"
    settings, problems = {}, []
    for name in config.selected(usecases, path):
        try:
            settings[name] = config.load(name, path).serve
        except PlumblineError as error:
            problems.append(problem(f"{name}, params", str(error)))
    return settings, problems
