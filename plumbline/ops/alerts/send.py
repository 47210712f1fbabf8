"""Send the monitor's findings of several use cases to the channels that params.yaml names."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from plumbline import config
from plumbline.config import Alerts
from plumbline.core.errors import suggest
from plumbline.monitor.result import MonitorResult
from plumbline.ops.alerts import deliver, sent_log, usecase_alerts, verdicts
from plumbline.ops.alerts.deliver import AlertGroup, DeliveryLine

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class Report:
    """A line for each channel, and whether any channel is configured at all."""

    lines: Sequence[DeliveryLine]
    configured: bool


def send(
    names: Sequence[str],
    today: date,
    *,
    retrain: Path | None = None,
    state: Path = sent_log.FILE,
    dry_run: bool = False,
) -> Report:
    """Send what no channel has received yet, and record it in `state`.

    `names`: the use cases, all without them. `retrain`: the JSON of a retrain, whose verdicts count in
    place of the last run's. `dry_run`: say what would be sent, send and record nothing.
    """
    sections = {name: config.load(name).alerts for name in config.selected(names)}
    retrained = verdicts.of_retrain(retrain, sections) if retrain else None
    groups = _groups(sections, retrained, today)
    memory = sent_log.read(state) if state.exists() else deliver.recall(groups)
    act = deliver.plan if dry_run else deliver.deliver
    lines = [line for group in groups for line in act(group, memory, today)]
    if groups and not dry_run:
        sent_log.write(state, memory)
    return Report(lines, bool(groups))


def test(names: Sequence[str]) -> Report:
    """Send a test message through every channel."""
    sections = {name: config.load(name).alerts for name in config.selected(names)}
    lines = [line for alerts in _distinct(sections) for line in deliver.trial(alerts)]
    return Report(lines, bool(lines))


def _distinct(sections: Mapping[str, Alerts]) -> list[Alerts]:
    """The sections that name a channel, each once."""
    distinct: list[Alerts] = []
    for alerts in sections.values():
        if alerts not in distinct and (deliver.channels(alerts) or alerts.github):
            distinct.append(alerts)
    return distinct


def _groups(
    sections: Mapping[str, Alerts], retrained: Mapping[str, MonitorResult] | None, today: date
) -> list[AlertGroup]:
    """Use cases by section; without one whose section names no channel, or that a retrain left out."""
    groups = []
    for alerts in _distinct(sections):
        names = [
            n for n, a in sections.items() if a == alerts and (retrained is None or n in retrained)
        ]
        results = {n: verdicts.of_stage(n) if retrained is None else retrained[n] for n in names}
        for text in _unknown_silences(alerts, results):
            log.warning("alert: %s", text)
        cases = [usecase_alerts.case(n, results[n], alerts, today) for n in names]
        groups.append(AlertGroup(alerts, cases, _pages(results) if alerts.email else {}))
    return groups


def _pages(results: Mapping[str, MonitorResult]) -> dict[str, str]:
    """Each use case's HTML page; none, with a warning, where its verdict cannot be drawn."""
    from plumbline.monitor import page

    pages = {}
    for name, result in results.items():
        try:
            pages[name] = page.render(name, result)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.warning("alert: %s: no page to attach (%s: %s)", name, type(error).__name__, error)
    return pages


def _unknown_silences(alerts: Alerts, results: Mapping[str, MonitorResult]) -> Iterator[str]:
    """What a silence names that does not exist: it would silence nothing, and nobody would notice."""
    findings = [f for result in results.values() for f in result.findings]
    checks = {check for result in results.values() for check in result.checks}
    columns = {column.name for result in results.values() for column in result.columns}
    known = {
        "usecase": set(results),
        "check": checks and checks | {f.check for f in findings},
        "column": columns and columns | {str(f.column) for f in findings},
    }
    for place, silence in enumerate(alerts.silence):
        for key, names in known.items():
            value = getattr(silence, key)
            if value is not None and names and value not in names:
                yield (
                    f"alerts.silence.{place}.{key}: nothing is called '{value}'; "
                    f"{suggest(value, names)}"
                )
