"""The ML Test Score of a checkout, from the records of its tests and planted faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.studies.mltest import grading, markers, run_evidence, tree
from plumbline.studies.mltest.scorecard import RubricRow, Scorecard

CLONE = ": the marked tests are those of the library and of its use cases"


def read(root: Path) -> Scorecard:
    """The card from the records of this state; PlumblineError where there are none."""
    state, folder = tree.state(root), root / run_evidence.FOLDER
    ran, caught = run_evidence.tests(folder, state), run_evidence.mutants(folder, state)
    if not ran and not caught:
        old = run_evidence.others(folder, state)
        why = f"the {old} records there are of other states of it" if old else "there is no record"
        where = "" if (root / "plumbline").is_dir() else f" in a clone of Plumbline{CLONE}"
        raise PlumblineError(
            f"no marked test has run on these files: {why}; run `make score`{where}"
        )
    card = grading.card(ran, caught, markers.declared(root))
    changed = tree.changed(root)
    place = {"commit": tree.commit(root), "state": state, "uncommitted": changed}
    return card.model_copy(update=place)


def lines(card: Scorecard) -> Iterator[str]:
    """What a person reads: a line per test, the faults it caught, sums, the score."""
    for row in card.tests:
        yield from _test(row)
    sums = ", ".join(f"{s.title} {s.sum} of {s.of}" for s in card.sections)
    yield f"{sums}; total {card.total} of {card.of}"
    word = " (exceptional)" if card.exceptional else ""
    yield f"ML Test Score {card.score}: the lowest section's sum{word}"
    if card.uncommitted:
        yield f"of a tree with {len(card.uncommitted)} uncommitted files, not of a commit"


def _test(row: RubricRow) -> Iterator[str]:
    indent = " " * 14
    yield f"{row.id:10} {1 if row.point else 0}  {row.title}"
    passed = [r for r in row.ran if r.outcome == "passed"]
    if passed:
        yield f"{indent}{len(passed)} passed, last {passed[-1].when}: {passed[0].node}"
    for fault in row.mutants:
        yield f'{indent}{fault.verdict} "{fault.mutant}" by {fault.node or "none"}'
    if row.lacks:
        yield f"{indent}no point: {row.lacks}"
    if row.rests:
        yield f"{indent}rests on the host: {row.rests}"
