"""Detectors over streams: one record a judged window, and the error of a crash."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from bench.monitoring import streams
from bench.monitoring.populations import Population
from bench.monitoring.protocol import Answer, Detector, Level
from bench.monitoring.scenarios import Group, Scenario
from plumbline.monitor.window import ScoredWindow


@dataclass(frozen=True)
class Record:
    """One window judged by one detector. `number` counts the stream's windows from 0."""

    detector: str
    size: int
    seed: int
    scenario: str
    number: int
    rows: int
    level: Level
    columns: tuple[str, ...]
    flags: int
    why: tuple[str, ...]
    blind: bool
    crash: str
    seconds: float

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def make(name: str) -> Detector:
    """The detector of that name."""
    return DETECTORS[name]()


def _plumbline() -> Detector:
    from bench.monitoring.own import Plumbline

    return Plumbline()


def _evidently(method: str | None, *, drawn: bool = False) -> Detector:
    from bench.monitoring.peers import Evidently

    return Evidently(method, drawn=drawn)


def _smirnov() -> Detector:
    from bench.monitoring.peers import KolmogorovSmirnov

    return KolmogorovSmirnov()


def _nannyml(part: str) -> Detector:
    from bench.monitoring.nanny import NannyML

    return NannyML(part)


DETECTORS: Mapping[str, Callable[[], Detector]] = {
    "plumbline": _plumbline,
    "evidently-default": lambda: _evidently(None),
    "evidently-psi": lambda: _evidently("psi"),
    "evidently-default-report": lambda: _evidently(None, drawn=True),
    "evidently-psi-report": lambda: _evidently("psi", drawn=True),
    "ks-bh": _smirnov,
    "nannyml-univariate": lambda: _nannyml("univariate"),
    "nannyml-cbpe": lambda: _nannyml("cbpe"),
}


Sample = Mapping[Group, Sequence[int]]
"""By group the windows that the slow peers judge, on which all detectors are compared."""
SAMPLE: Sample = {
    "harmless": (0, 4, 9, 13),
    "covariate": (0, 2, 6),
    "label": (0, 7, 9, 13),
    "concept": (0, 7, 9, 13),
    "segment": (0, 7, 9, 13),
    "mix": (0, 7, 9, 13),
    "fault": (0, 2),
}
SMALL_SAMPLE: Sample = {
    "harmless": (0, 9),
    "covariate": (0, 2),
    "label": (7, 13),
    "concept": (7, 13),
    "segment": (0, 9),
    "mix": (0, 9),
    "fault": (0,),
}


def judged(
    population: Population,
    scenarios: Sequence[Scenario],
    name: str,
    *,
    sample: Sample | None = None,
    numbers: Sequence[int] | None = None,
) -> Iterator[Record]:
    """Each window of each scenario in turn, or those of `sample`, or `numbers`. Scenarios that share a
    past share the fit."""
    by_past: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        by_past.setdefault(scenario.past, []).append(scenario)
    for kind, sharing in by_past.items():
        past = streams.past(population, kind)
        detector = make(name)
        detector.fit(past)
        for scenario in sharing:
            every = sample[scenario.group] if sample else range(scenario.windows)
            chosen = every if numbers is None else numbers
            yield from _stream(detector, population, scenario, past.unlabelled, chosen)


def _stream(
    detector: Detector,
    population: Population,
    scenario: Scenario,
    waiting: Sequence[ScoredWindow],
    chosen: Sequence[int],
) -> Iterator[Record]:
    days = streams.stream(population, scenario)
    late = [*waiting, *days]
    detector.begin()
    for number, day in enumerate(days):
        if number not in chosen:
            continue
        known = late[number]  # of the day whose labels came in today, DELAY days ago
        known_labels = {known.last: known} if known.last is not None else {}
        started = time.perf_counter()
        answer, crash = _answer(detector, streams.hide(day), known_labels)
        seconds = time.perf_counter() - started
        yield Record(
            detector.name,
            population.size.rows,
            population.seed,
            scenario.name,
            number,
            day.rows,
            answer.level,
            answer.columns,
            answer.flags,
            answer.why,
            answer.blind is not None,
            crash,
            round(seconds, 4),
        )


def _answer(
    detector: Detector, now: ScoredWindow, known_labels: Mapping[np.datetime64, ScoredWindow]
) -> tuple[Answer, str]:
    """The detector's answer; whatever it raises is a crash, which is a finding of the benchmark."""
    try:
        return detector.judge(now, known_labels), ""
    except Exception as error:  # noqa: BLE001 - any error at all is what is counted
        return Answer("ok"), f"{type(error).__name__}: {error}"[:200]
