"""What an alert says, as the blocks that a report is made of: each channel renders them its way. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from plumbline.core.safe_text import one_line
from plumbline.monitor import sentences
from plumbline.monitor.verdict import LEVELS
from plumbline.ops.alerts.sent_log import Failure
from plumbline.ops.alerts.usecase_alerts import Case, Finding, Step
from plumbline.report.blocks import Block, Bullets, Heading, Text, Tone, Verdict

MOST = 10
"""Findings of a use case that are written out."""
LENGTH = 300
"""Characters of a finding's evidence, cause and next step, each."""
TONES: Mapping[str, Tone] = {"ok": "good", "warning": "plain", "alert": "bad"}


@dataclass(frozen=True)
class Letter:
    """One message about some use cases; `pages` are HTML pages to attach, by file name."""

    title: str
    blocks: Sequence[Block]
    about: Sequence[str] = ()
    pages: Mapping[str, str] = field(default_factory=dict)


def letter(
    cases: Sequence[Case],
    steps: Mapping[str, Step],
    failures: Mapping[str, Failure],
    pages: Mapping[str, str],
) -> Letter:
    """One message of all that there is to say: in full of each case with a step, a line of the rest.

    `pages`: each use case's HTML page.
    """
    spoken = [c for c in cases if steps.get(c.name)]
    title = heading(spoken)
    level = max((c.level for c in spoken), key=LEVELS.index)
    blocks: list[Block] = [Verdict(title, TONES[level])]
    for one in spoken:
        blocks += about(one, steps[one.name])
    quiet = [c for c in cases if not steps.get(c.name) and c.told and not c.silent]
    if quiet:
        blocks += [Heading("As told before"), Bullets([short(c) for c in quiet])]
    about_whom = [c.name for c in spoken]
    there = {f"{n}-monitor.html": pages[n] for n in about_whom if n in pages}
    return Letter(title, [*blocks, *lost(failures)], about_whom, there)


def heading(spoken: Sequence[Case]) -> str:
    """The first line, and a mail's subject."""
    if len(spoken) == 1:
        return f"Plumbline: {short(spoken[0])}"
    ill = [c.name for c in spoken if c.told]
    well = [c.name for c in spoken if not c.told]
    level = max((c.level for c in spoken), key=LEVELS.index)
    parts = [f"{level}: {', '.join(ill)}"] if ill else []
    parts += [f"ok again: {', '.join(well)}"] if well else []
    return one_line(f"Plumbline: {'; '.join(parts)}", 200)


def short(one: Case) -> str:
    """A case in one line.

    >>> short(Case("shop", {}, ({"check": "rows", "level": "alert"},)))
    'shop: alert: rows'
    """
    if not one.told:
        return f"{one.name}: ok again"
    names = [sentences.where(f) for f in one.told[:2]]
    more = f", and {len(one.told) - 2} more" if len(one.told) > 2 else ""
    return one_line(f"{one.name}: {one.level}: {'; '.join(names)}{more}", 200)


def about(one: Case, step: Step) -> Iterator[Block]:
    """A case in full."""
    yield Heading(one.name)
    if step == "over":
        yield Text("Over: nothing of what was told is found any more.")
    elif step == "again":
        yield Text("Still so: nothing new since this was last told.")
    if one.told:
        yield findings(one.told)
    if one.silenced:
        days = ", ".join(sorted({str(day) for _, day in one.silenced}))
        yield Text(f"Silenced by params.yaml: {len(one.silenced)} findings, until {days}.")
    yield from facts(one)


def findings(told: Sequence[Finding]) -> Bullets:
    """A sentence each, the first ones."""
    lines = [f"{f['level']}: {sentences.sentence(f, LENGTH)}" for f in told[:MOST]]
    more = len(told) - MOST
    return Bullets([*lines, f"and {more} more, in the report"] if more > 0 else lines)


def facts(one: Case) -> Iterator[Text]:
    """The window, what cannot be seen yet, and whether to retrain."""
    days = sentences.window(one.found)
    if days:
        yield Text(f"Window: {days}.")
    if sentences.blind(one.found):
        yield Text(sentences.blind(one.found))
    if one.found.get("retrain"):
        yield Text(sentences.retrain(one.found))


def lost(failures: Mapping[str, Failure]) -> Iterator[Block]:
    """Which channels could not be reached."""
    if failures:
        yield Heading("Not reached")
        yield Bullets([f"{c}, since {f.since}: {f.reason}" for c, f in sorted(failures.items())])


def notice(failures: Mapping[str, Failure]) -> Letter:
    """To the other channels: what somebody should have been told did not arrive."""
    title = one_line(f"Plumbline: an alert did not arrive by {', '.join(sorted(failures))}", 200)
    return Letter(title, [Verdict(title, "bad"), *lost(failures)])


def trial() -> Letter:
    """What `--test` sends."""
    title = "Plumbline: a test of alerts"
    text = "Nothing is wrong. Somebody ran `plumbline alert --test`, and it reached you."
    return Letter(title, [Verdict(title, "good"), Text(text)])
