"""Sends every channel what it has not received yet. A channel that fails stops nothing, and is reported.

A group: the use cases that share one `alerts` section, so that several are one message.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from plumbline.config import Alerts
from plumbline.core.errors import PlumblineError
from plumbline.core.safe_text import one_line
from plumbline.ops.alerts import alert_blocks, alert_issue, mail, usecase_alerts, webhooks
from plumbline.ops.alerts.alert_blocks import AlertMessage
from plumbline.ops.alerts.sent_log import SentLog
from plumbline.ops.alerts.usecase_alerts import Step, UseCaseAlert
from plumbline.ops.hosting import github

Send = Callable[[AlertMessage], str]
UNEXPECTED = (AttributeError, KeyError, TypeError, ValueError)
"""What an answer that is not as its host documents it can lead to."""


@dataclass(frozen=True)
class AlertGroup:
    """Use cases with the same section, and each one's HTML page, to be attached."""

    alerts: Alerts
    cases: Sequence[UseCaseAlert]
    pages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeliveryLine:
    """What was done, for the user; a warning where a channel was not reached."""

    text: str
    warning: bool = False


@dataclass
class Delivery:
    """One run: `sent_log` changes as messages are sent; `broken` are channels that failed for the first time."""

    sent_log: SentLog
    today: date
    lines: list[DeliveryLine] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def steps(self, group: AlertGroup, channel: str) -> dict[str, Step]:
        """What there is to send to a channel, by use case."""
        steps: dict[str, Step] = {}
        for one in group.cases:
            sent = self.sent_log.last(one.name, channel)
            reported, day = (sent.findings, sent.day) if sent else (None, None)
            repeat = group.alerts.repeat_days
            steps[one.name] = usecase_alerts.step(one, reported, day, repeat, self.today)
        return steps

    def attempt(self, channel: str, act: Callable[[], str], done: str = "") -> bool:
        """Whether a channel was reached; a line says what was done, or why it was not."""
        try:
            result = act()
        except (PlumblineError, *UNEXPECTED) as error:
            kind = "" if isinstance(error, PlumblineError) else f"{type(error).__name__}: "
            reason = one_line(f"{kind}{error}", 200)
            if self.sent_log.failed(channel, reason, self.today):
                self.broken.add(channel)
            self.lines.append(DeliveryLine(f"{channel}: not reached: {reason}", warning=True))
            return False
        self.sent_log.failures.pop(channel, None)
        if done or result:
            text = "; ".join(part for part in (done, result) if part)
            self.lines.append(DeliveryLine(f"{channel}: {text}", warning=bool(done and result)))
        return True


def channels(alerts: Alerts) -> dict[str, Send]:
    """Those that take messages, by name; the issues are none of them."""
    senders: dict[str, Send] = {}
    if alerts.email:
        senders[mail.NAME] = partial(mail.send, alerts.email)
    return senders | {webhooks.name(hook): partial(webhooks.send, hook) for hook in alerts.webhooks}


def deliver(group: AlertGroup, sent_log: SentLog, today: date) -> list[DeliveryLine]:
    """Send what there is to send; `sent_log` is changed. The issues come last: they contain it."""
    run = Delivery(sent_log, today)
    senders = channels(group.alerts)
    for name, send in senders.items():
        steps = run.steps(group, name)
        if any(steps.values()):
            _message(run, group, name, send, steps)
    if group.alerts.github:
        _issues(run, group)
    failures = {name: sent_log.failures[name] for name in run.broken}
    for name, send in senders.items():
        if failures and name not in sent_log.failures:
            message = alert_blocks.delivery_failure(failures)
            run.attempt(name, partial(send, message), "reported that others were not reached")
    return run.lines


def plan(group: AlertGroup, sent_log: SentLog, today: date) -> Iterator[DeliveryLine]:
    """What `deliver` would send, and to whom."""
    run = Delivery(sent_log, today)
    names = [*channels(group.alerts), *([alert_issue.NAME] if group.alerts.github else [])]
    for name in names:
        steps = [f"{n} ({step})" for n, step in run.steps(group, name).items() if step]
        yield DeliveryLine(
            f"{name}: would report {', '.join(steps)}" if steps else f"{name}: nothing new"
        )


def trial(alerts: Alerts) -> list[DeliveryLine]:
    """Send a test message by every channel, whatever is silenced."""
    run = Delivery(SentLog(), date.min)
    for name, send in channels(alerts).items():
        run.attempt(name, partial(send, alert_blocks.trial()), "test sent")
    if alerts.github:
        run.attempt(alert_issue.NAME, lambda: alert_issue.trial(github.from_environment()))
    return run.lines


def recall(groups: Sequence[AlertGroup]) -> SentLog:
    """What the open issues contain; empty where there are none, or the host is not reached."""
    merged = SentLog()
    names = [c.name for group in groups if group.alerts.github for c in group.cases]
    try:
        for name in names:
            part = alert_issue.recall(github.from_environment(), name)
            merged.sent |= part.sent
            merged.failures |= part.failures
    except (PlumblineError, *UNEXPECTED):
        return merged  # it is reported when the issue cannot be written
    return merged


def _message(
    run: Delivery, group: AlertGroup, name: str, send: Send, steps: Mapping[str, Step]
) -> None:
    others = {c: f for c, f in run.sent_log.failures.items() if c != name}
    message = alert_blocks.compose(group.cases, steps, others, group.pages)
    if not run.attempt(name, partial(send, message), f"reported {', '.join(message.about)}"):
        return
    for one in group.cases:
        if steps[one.name]:
            run.sent_log.keep(one, name, run.today)


def _issues(run: Delivery, group: AlertGroup) -> None:
    """Each use case's issue, up to the first that fails."""
    steps = run.steps(group, alert_issue.NAME)
    for one in group.cases:
        after = copy.deepcopy(run.sent_log)
        after.failures.pop(alert_issue.NAME, None)
        if steps[one.name]:
            after.keep(one, alert_issue.NAME, run.today)

        def act(one: UseCaseAlert = one, after: SentLog = after) -> str:
            sent = run.sent_log.last(one.name, alert_issue.NAME)
            done = alert_issue.update(github.from_environment(), one, sent, steps[one.name], after)
            return f"{one.name}: {done}" if done else ""

        if not run.attempt(alert_issue.NAME, act):
            return
        run.sent_log.sent = after.sent
