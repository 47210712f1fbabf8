"""From records to points: one for a test that is marked, ran here, passed and failed on its fault. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plumbline.studies.mltest.rubric import SECTIONS, TESTS, TITLES, Test
from plumbline.studies.mltest.run_evidence import Caught, Ran
from plumbline.studies.mltest.scorecard import (
    PlantedFault,
    RubricRow,
    Scorecard,
    SectionSum,
    TestRun,
)

EXCEPTIONAL = 5
"""The paper's word for a score above this."""


def card(
    ran: Sequence[Ran], caught: Sequence[Caught], declared: Mapping[str, Sequence[str]]
) -> Scorecard:
    """Points per test with the evidence, sums per section, the total and the score.

    `declared` are the files whose tests carry an id, so that "not marked" and "marked, not run" differ.
    The score is the lowest section's sum, as in the paper; no half points are given.
    """
    rows = [_row(t, ran, caught, declared.get(t.id, ())) for t in TESTS]
    sums = {s: sum(r.point for r in rows if r.section == s) for s in SECTIONS}
    score = min(sums.values())
    sections = [SectionSum(section=s, title=TITLES[s], sum=sums[s], of=7) for s in SECTIONS]
    return Scorecard(
        tests=rows,
        sections=sections,
        total=sum(sums.values()),
        of=len(TESTS),
        score=score,
        exceptional=score > EXCEPTIONAL,
    )


def _row(
    test: Test, ran: Sequence[Ran], caught: Sequence[Caught], declared: Sequence[str]
) -> RubricRow:
    own = [r for r in ran if test.id in r.ids]
    faults = [c for c in caught if c.id == test.id]
    lacks = _lacks(own, faults, declared)
    return RubricRow(
        id=test.id,
        section=test.section,
        title=test.title,
        point=0 if lacks else 1,
        lacks=lacks,
        rests=test.rests,
        ran=[TestRun(node=r.node, outcome=r.outcome, when=r.when) for r in own],
        mutants=[
            PlantedFault(mutant=c.mutant, file=c.file, verdict=c.verdict, node=c.node, kind=c.kind)
            for c in faults
        ],
    )


def _lacks(own: Sequence[Ran], faults: Sequence[Caught], declared: Sequence[str]) -> str:
    """Why there is no point; empty where there is one."""
    passed = {r.node for r in own if r.outcome == "passed"}
    failed = [r.node for r in own if r.outcome == "failed"]
    if not own:
        return "marked, but not run in this state" if declared else "no test carries the mark"
    if failed:
        return f"failed: {failed[0]}"
    skipped = [r.node for r in own if r.outcome == "skipped"]
    if skipped:
        return f"skipped: {skipped[0]}"
    if not faults:
        return "no planted fault was run in this state"
    missed = [c for c in faults if c.verdict != "caught" or c.node not in passed]
    if missed:
        return f"not caught: {missed[0].mutant} ({missed[0].verdict})"
    return ""
