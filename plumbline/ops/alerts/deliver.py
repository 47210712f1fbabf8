"""Tells every channel what it has not been told yet. A channel that fails stops nothing, and is told of.

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
from plumbline.ops.alerts import issues, mail, messages, webhooks
from plumbline.ops.alerts import usecase_alerts as cases_of
from plumbline.ops.alerts.messages import Letter
from plumbline.ops.alerts.sent_log import Memory
from plumbline.ops.alerts.usecase_alerts import Case, Step
from plumbline.ops.hosting import github

Send = Callable[[Letter], str]
ODD = (AttributeError, KeyError, TypeError, ValueError)
"""What an answer that is not as its host documents it can lead to."""


@dataclass(frozen=True)
class Group:
    """Use cases with the same section, and each one's HTML page, to be attached."""

    alerts: Alerts
    cases: Sequence[Case]
    pages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """What was done, for the one who runs it; a warning where somebody was not reached."""

    text: str
    warning: bool = False


@dataclass
class Round:
    """One run: `memory` changes as things are said; `broken` are channels that failed for the first time."""

    memory: Memory
    today: date
    lines: list[Line] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def steps(self, group: Group, channel: str) -> dict[str, Step]:
        """What there is to say to a channel, by use case."""
        found: dict[str, Step] = {}
        for one in group.cases:
            said = self.memory.last(one.name, channel)
            told, day = (said.told, said.day) if said else (None, None)
            found[one.name] = cases_of.step(one, told, day, group.alerts.repeat_days, self.today)
        return found

    def attempt(self, channel: str, act: Callable[[], str], done: str = "") -> bool:
        """Whether a channel was reached; a line says what was done, or why it was not."""
        try:
            said = act()
        except (PlumblineError, *ODD) as error:
            odd = "" if isinstance(error, PlumblineError) else f"{type(error).__name__}: "
            reason = one_line(f"{odd}{error}", 200)
            if self.memory.failed(channel, reason, self.today):
                self.broken.add(channel)
            self.lines.append(Line(f"{channel}: not reached: {reason}", warning=True))
            return False
        self.memory.failures.pop(channel, None)
        if done or said:
            text = "; ".join(part for part in (done, said) if part)
            self.lines.append(Line(f"{channel}: {text}", warning=bool(done and said)))
        return True


def channels(alerts: Alerts) -> dict[str, Send]:
    """Those that take letters, by name; the issues are none of them."""
    found: dict[str, Send] = {}
    if alerts.email:
        found[mail.NAME] = partial(mail.send, alerts.email)
    return found | {webhooks.name(hook): partial(webhooks.send, hook) for hook in alerts.webhooks}


def deliver(group: Group, memory: Memory, today: date) -> list[Line]:
    """Send what there is to say; `memory` is changed. The issues come last: they hold what was told."""
    run = Round(memory, today)
    senders = channels(group.alerts)
    for name, send in senders.items():
        steps = run.steps(group, name)
        if any(steps.values()):
            _letter(run, group, name, send, steps)
    if group.alerts.github:
        _issues(run, group)
    news = {name: memory.failures[name] for name in run.broken}
    for name, send in senders.items():
        if news and name not in memory.failures:
            run.attempt(
                name, partial(send, messages.notice(news)), "told that others were not reached"
            )
    return run.lines


def plan(group: Group, memory: Memory, today: date) -> Iterator[Line]:
    """What `deliver` would send, and to whom."""
    run = Round(memory, today)
    names = [*channels(group.alerts), *([issues.NAME] if group.alerts.github else [])]
    for name in names:
        told = [f"{n} ({step})" for n, step in run.steps(group, name).items() if step]
        yield Line(
            f"{name}: would tell of {', '.join(told)}" if told else f"{name}: nothing to say"
        )


def trial(alerts: Alerts) -> list[Line]:
    """A test message by every channel, whatever is silenced."""
    run = Round(Memory(), date.min)
    for name, send in channels(alerts).items():
        run.attempt(name, partial(send, messages.trial()), "test sent")
    if alerts.github:
        run.attempt(issues.NAME, lambda: issues.trial(github.from_environment()))
    return run.lines


def recall(groups: Sequence[Group]) -> Memory:
    """What the open issues remember; empty where there are none, or the host is not reached."""
    whole = Memory()
    names = [c.name for group in groups if group.alerts.github for c in group.cases]
    try:
        for name in names:
            found = issues.recall(github.from_environment(), name)
            whole.said |= found.said
            whole.failures |= found.failures
    except (PlumblineError, *ODD):
        return whole  # it is said when the issue cannot be written
    return whole


def _letter(run: Round, group: Group, name: str, send: Send, steps: Mapping[str, Step]) -> None:
    others = {c: f for c, f in run.memory.failures.items() if c != name}
    letter = messages.letter(group.cases, steps, others, group.pages)
    if not run.attempt(name, partial(send, letter), f"told of {', '.join(letter.about)}"):
        return
    for one in group.cases:
        if steps[one.name]:
            run.memory.keep(one, name, run.today)


def _issues(run: Round, group: Group) -> None:
    """Each case's issue, up to the first that fails."""
    steps = run.steps(group, issues.NAME)
    for one in group.cases:
        after = copy.deepcopy(run.memory)
        after.failures.pop(issues.NAME, None)
        if steps[one.name]:
            after.keep(one, issues.NAME, run.today)

        def act(one: Case = one, after: Memory = after) -> str:
            said = run.memory.last(one.name, issues.NAME)
            found = issues.update(github.from_environment(), one, said, steps[one.name], after)
            return f"{one.name}: {found}" if found else ""

        if not run.attempt(issues.NAME, act):
            return
        run.memory.said = after.said
