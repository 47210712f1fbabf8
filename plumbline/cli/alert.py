"""`alert`: tell who is to know what the monitor found, once; `alerts:` in params.yaml says whom."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from plumbline import config
from plumbline.config import Alerts
from plumbline.core.errors import PlumblineError, suggest
from plumbline.ops.alerts import deliver, sent_log, usecase_alerts, verdicts
from plumbline.ops.alerts.deliver import Group, Line

NONE = "alerts: none is set in params.yaml; see docs/monitoring.md"

log = logging.getLogger("plumbline")


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("alert", help="tell who is to know what the monitor found")
    parser.add_argument("usecase", nargs="*", metavar="USECASE", help="only these")
    parser.add_argument("--test", action="store_true", help="a test message by every channel")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be sent, send nothing"
    )
    parser.add_argument(
        "--retrain", type=Path, metavar="FILE", help="the verdicts in what `retrain` wrote"
    )
    parser.add_argument(
        "--state", type=Path, default=sent_log.FILE, metavar="FILE", help=f"({sent_log.FILE})"
    )
    parser.add_argument("--today", type=_day, metavar="DATE", help="instead of today")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print a line per channel. 0 though one fails, which is a warning; with --test 1."""
    today = chosen.today or datetime.now().astimezone().date()
    sections = _sections(chosen.usecase)
    if chosen.test:
        lines = [line for alerts in _different(sections) for line in deliver.trial(alerts)]
        _tell(lines, NONE)
        return int(any(line.warning for line in lines))
    seen = verdicts.of_retrain(chosen.retrain, sections) if chosen.retrain else None
    groups = _groups(sections, seen, today)
    fresh = not chosen.state.exists()
    known = deliver.recall(groups) if fresh else sent_log.read(chosen.state)
    lines = []
    for group in groups:
        act = deliver.plan if chosen.dry_run else deliver.deliver
        lines += act(group, known, today)
    if groups and not chosen.dry_run:
        sent_log.write(chosen.state, known)
    _tell(lines, "alerts: nothing to say" if groups else NONE)
    return 0


def _sections(wanted: list[str]) -> dict[str, Alerts]:
    """Each use case's section; PlumblineError for a name that is not listed."""
    listed = [str(name) for name in config.read()["usecases"]]
    for name in wanted:
        if name not in listed:
            raise PlumblineError(
                f"'{name}': not in params.yaml's usecases; {suggest(name, listed)}"
            )
    return {name: config.load(name).alerts for name in wanted or listed}


def _different(sections: Mapping[str, Alerts]) -> list[Alerts]:
    found: list[Alerts] = []
    for alerts in sections.values():
        if alerts not in found and (deliver.channels(alerts) or alerts.github):
            found.append(alerts)
    return found


def _groups(
    sections: Mapping[str, Alerts], seen: Mapping[str, Any] | None, today: date
) -> list[Group]:
    """Use cases by section; without one whose section names no channel, or that a retrain left out."""
    found = []
    for alerts in _different(sections):
        names = [n for n, a in sections.items() if a == alerts and (seen is None or n in seen)]
        told = {n: verdicts.of_stage(n) if seen is None else seen[n] for n in names}
        for text in _idle(alerts, told):
            log.warning("alert: %s", text)
        cases = [usecase_alerts.case(n, told[n], alerts, today) for n in names]
        found.append(Group(alerts, cases, _pages(told) if alerts.email else {}))
    return found


def _pages(told: Mapping[str, Any]) -> dict[str, str]:
    """Each use case's HTML page; none, with a warning, where its JSON is too odd to be drawn."""
    from plumbline.monitor import page

    found = {}
    for name, seen in told.items():
        try:
            found[name] = page.render(name, seen)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.warning("alert: %s: no page to attach (%s: %s)", name, type(error).__name__, error)
    return found


def _idle(alerts: Alerts, told: Mapping[str, Any]) -> Iterator[str]:
    """What a silence names that is not there: it would silence nothing, and nobody would know."""
    seen = [f for found in told.values() for f in found["findings"]]
    checks = {str(c) for found in told.values() for c in found.get("checks") or ()}
    columns = {str(c.get("name")) for found in told.values() for c in found.get("columns") or ()}
    known = {
        "usecase": set(told),
        "check": checks and checks | {str(f["check"]) for f in seen},
        "column": columns and columns | {str(f.get("column")) for f in seen},
    }
    for place, silence in enumerate(alerts.silence):
        for key, names in known.items():
            value = getattr(silence, key)
            if value is not None and names and value not in names:
                yield f"alerts.silence.{place}.{key}: nothing is called '{value}'; {suggest(value, names)}"


def _tell(lines: list[Line], otherwise: str) -> None:
    for line in lines:
        if line.warning:
            log.warning("alert: %s", line.text)
        else:
            print(f"alert: {line.text}")
    if not lines:
        print(otherwise)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day like 2025-07-01, found {text}") from None
