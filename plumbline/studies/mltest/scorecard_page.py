"""The ML Test Score as one HTML page without script or outside address, and as an SVG badge. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plumbline.report import html
from plumbline.report.blocks import Badge, Block, Heading, Lines, Table, Text, Title, Tone
from plumbline.studies.mltest.scorecard import PlantedFault, RubricRow, Scorecard, TestRun

SHOWN = 4
"""Tests of an id that are named before the rest is folded."""
HEAD = ("test", "requirement", "points", "tests that ran", "planted faults")


def render(card: Scorecard) -> str:
    """The whole page."""
    return html.render(list(_blocks(card)))


def badge(card: Scorecard) -> str:
    """The score as a small picture, an SVG file."""
    return html.badge(_badge(card))


def _blocks(card: Scorecard) -> Iterator[Block]:
    yield Title(f"ML Test Score {card.score} of 7")
    yield _badge(card)
    rating = ", which the paper calls exceptional" if card.exceptional else ""
    yield Text(
        f"The score is the lowest sum of a section{rating}. All sections together have {card.total} "
        f"of {card.of} points, at {_revision(card)}. A point is given for a test that is marked, ran "
        "on exactly these files, passed, and failed on its planted fault. There are no half points."
    )
    rows = [(s.title, f"{s.sum} of {s.of}") for s in card.sections]
    yield Table("Sums by section", ("section", "sum"), rows)
    for section in card.sections:
        yield Heading(f"{section.title}: {section.sum} of {section.of}")
        tests = [_row(t) for t in card.tests if t.section == section.section]
        yield Table(section.title, HEAD, tests, frozenset((2,)))


def _badge(card: Scorecard) -> Badge:
    tone: Tone = "good" if card.exceptional else "plain" if card.score else "bad"
    return Badge("ML Test Score", f"{card.score} of 7 ({card.total} of {card.of})", tone)


def _revision(card: Scorecard) -> str:
    commit = f"commit {card.commit[:12]}" if card.commit else "no commit"
    count = len(card.uncommitted)
    return f"{commit} with {count} uncommitted files" if count else commit


def _row(test: RubricRow) -> tuple[str | Lines, ...]:
    remarks = [f"**{test.lacks}**"] if test.lacks else []
    remarks += [f"Depends on the host: {test.rests}"] if test.rests else []
    return (
        test.id.replace(" ", "\u00a0"),
        Lines([test.title, *remarks]) if remarks else test.title,
        str(test.point),
        _runs(test.ran),
        _faults(test.mutants),
    )


def _runs(runs: Sequence[TestRun]) -> str | Lines:
    if not runs:
        return "none"
    lines = [f"`{r.node.removeprefix('tests/')}` {r.outcome}" for r in runs]
    last = f"last run {max(r.when for r in runs)}"
    return Lines(lines[:SHOWN], lines[SHOWN:], last)


def _faults(faults: Sequence[PlantedFault]) -> str | Lines:
    lines = [
        f"{f.mutant}: **{f.verdict}**" + (f" by `{f.node.split('::')[-1]}`" if f.node else "")
        for f in faults
    ]
    return Lines(lines) if lines else "none"
