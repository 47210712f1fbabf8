"""The ML Test Score's card, as `mltest --json` writes it."""

from __future__ import annotations

from pydantic import Field

from plumbline.core.documents import Document, SparseDocument


class TestRun(Document):
    """A marked test's last run."""

    __test__ = False

    node: str
    outcome: str
    when: str


class PlantedFault(Document):
    """A planted fault's last run; `node`: the marked test that failed on it, or empty."""

    mutant: str
    file: str
    verdict: str
    node: str
    kind: str


class RubricRow(Document):
    """A test of the rubric: its point, what it lacks or rests on, and the evidence."""

    id: str
    section: str
    title: str
    point: int
    lacks: str
    rests: str
    ran: list[TestRun]
    mutants: list[PlantedFault]


class SectionSum(Document):
    """The points of a section."""

    section: str
    title: str
    sum: int
    of: int


class Scorecard(SparseDocument):
    """All rows, sums and the score; of a checkout with its commit, state and uncommitted files."""

    tests: list[RubricRow]
    sections: list[SectionSum]
    total: int
    of: int
    score: int
    exceptional: bool
    commit: str | None = None
    state: str | None = None
    uncommitted: list[str] = Field(default_factory=list)
