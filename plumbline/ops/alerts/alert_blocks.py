"""An alert as the blocks that a report is made of: each channel renders them in its own format. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from plumbline.core.safe_text import one_line
from plumbline.monitor import sentences
from plumbline.monitor.result import ReportedFinding
from plumbline.monitor.sentences import TONES
from plumbline.monitor.verdict import LEVELS, Level
from plumbline.ops.alerts.sent_log import Failure
from plumbline.ops.alerts.usecase_alerts import Step, UseCaseAlert
from plumbline.report.blocks import Block, Bullets, Heading, Text, Verdict

MOST = 10
"""Findings of a use case that are written out."""
LENGTH = 300
"""Characters of a finding's evidence, cause and next step, each."""
STEPS: Mapping[Step, str] = {
    "resolved": "Resolved: earlier findings no longer occur.",
    "again": "Reminder: no new findings since the last report.",
}


@dataclass(frozen=True)
class AlertMessage:
    """One message about some use cases; `pages` are HTML pages to attach, by file name."""

    title: str
    blocks: Sequence[Block]
    about: Sequence[str] = ()
    pages: Mapping[str, str] = field(default_factory=dict)


def compose(
    alerts: Sequence[UseCaseAlert],
    steps: Mapping[str, Step],
    failures: Mapping[str, Failure],
    pages: Mapping[str, str],
) -> AlertMessage:
    """One message with all there is to send: each use case with a step in full, a line for the rest.

    `pages`: each use case's HTML page.
    """
    active = [a for a in alerts if steps.get(a.name)]
    title = heading(active)
    blocks: list[Block] = [Verdict(title, TONES[_gravest(active)])]
    for alert in active:
        blocks += about(alert, steps[alert.name])
    unchanged = [a for a in alerts if not steps.get(a.name) and a.findings and not a.silent]
    if unchanged:
        blocks += [Heading("Unchanged"), Bullets([short(a) for a in unchanged])]
    names = [a.name for a in active]
    attached = {f"{n}-monitor.html": pages[n] for n in names if n in pages}
    return AlertMessage(title, [*blocks, *unreachable(failures)], names, attached)


def heading(active: Sequence[UseCaseAlert]) -> str:
    """The first line, and a mail's subject."""
    if len(active) == 1:
        return f"Plumbline: {short(active[0])}"
    names = ", ".join(a.name for a in active if a.findings)
    resolved = ", ".join(a.name for a in active if not a.findings)
    parts = [f"{_gravest(active)}: {names}"] if names else []
    parts += [f"resolved: {resolved}"] if resolved else []
    return one_line(f"Plumbline: {'; '.join(parts)}", 200)


def short(alert: UseCaseAlert) -> str:
    """A use case in one line.

    >>> from plumbline.monitor.result import broken
    >>> verdict = broken("no file", "run it", "rows")
    >>> short(UseCaseAlert("shop", verdict, verdict.findings))
    'shop: alert: rows'
    """
    if not alert.findings:
        return f"{alert.name}: resolved"
    names = [sentences.where(f) for f in alert.findings[:2]]
    more = f", and {len(alert.findings) - 2} more" if len(alert.findings) > 2 else ""
    return one_line(f"{alert.name}: {alert.level}: {'; '.join(names)}{more}", 200)


def about(alert: UseCaseAlert, step: Step) -> Iterator[Block]:
    """A use case in full."""
    yield Heading(alert.name)
    if step in STEPS:
        yield Text(STEPS[step])
    if alert.findings:
        yield findings(alert.findings)
    if alert.silenced:
        days = ", ".join(sorted({str(day) for _, day in alert.silenced}))
        count = len(alert.silenced)
        noun = "finding" if count == 1 else "findings"
        yield Text(f"Silenced by params.yaml: {count} {noun}, until {days}.")
    yield from facts(alert)


def findings(some: Sequence[ReportedFinding]) -> Bullets:
    """A sentence for each of the first findings."""
    lines = [f"{f.level}: {sentences.sentence(f, LENGTH)}" for f in some[:MOST]]
    more = len(some) - MOST
    return Bullets([*lines, f"and {more} more, in the report"] if more > 0 else lines)


def facts(alert: UseCaseAlert) -> Iterator[Text]:
    """The window, what cannot be seen yet, and whether to retrain."""
    days = sentences.current_window(alert.verdict)
    if days:
        yield Text(f"Current window: {days}.")
    if sentences.blind(alert.verdict):
        yield Text(sentences.blind(alert.verdict))
    if alert.verdict.retrain:
        yield Text(sentences.retrain(alert.verdict))


def unreachable(failures: Mapping[str, Failure]) -> Iterator[Block]:
    """The channels that could not be reached."""
    if failures:
        yield Heading("Channels not reached")
        yield Bullets([f"{c}, since {f.since}: {f.reason}" for c, f in sorted(failures.items())])


def delivery_failure(failures: Mapping[str, Failure]) -> AlertMessage:
    """For the other channels: an alert was not delivered."""
    channels = ", ".join(sorted(failures))
    title = one_line(f"Plumbline: an alert was not delivered by {channels}", 200)
    return AlertMessage(title, [Verdict(title, "bad"), *unreachable(failures)])


def trial() -> AlertMessage:
    """What `--test` sends."""
    title = "Plumbline: test of alerts"
    text = "No action needed. `plumbline alert --test` was run, and this channel works."
    return AlertMessage(title, [Verdict(title, "good"), Text(text)])


def _gravest(alerts: Sequence[UseCaseAlert]) -> Level:
    return max((a.level for a in alerts), key=LEVELS.index)
