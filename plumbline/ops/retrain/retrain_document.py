"""What `retrain` writes as JSON and `propose` and `alert` read: a record per use case. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from plumbline.core import documents
from plumbline.core.documents import Document
from plumbline.core.errors import PlumblineError
from plumbline.monitor.result import MonitorResult
from plumbline.review.comparison import Comparison
from plumbline.review.comparison_sections import FailedStage

REMEDY = "write it again with `plumbline retrain`"
OutcomeKind = Literal["healthy", "drift", "bad-data", "bad-serving", "challenger"]


class AsOfDates(Document):
    """The as-of date before and after; both null where the use case has none."""

    before: str | None = Field(None, alias="from")
    after: str | None = Field(None, alias="to")


class RetrainRecord(Document):
    """One use case's retrain: the outcome with its reasons, and the evidence as far as it came.

    `monitor`: the monitor's verdict on the champion on the new window; `comparison`: of the challenger with
    the champion, where there is one; `branch` and `commit`: the challenger's. `left_out`: days with faults, which the
    challenger has not learnt from, in a sentence; "" where there is none.
    """

    usecase: str
    outcome: OutcomeKind
    reasons: tuple[str, ...]
    as_of: AsOfDates
    monitor: MonitorResult | None = None
    failed: FailedStage | None = None
    comparison: Comparison | None = None
    branch: str | None = None
    commit: str | None = None
    left_out: str = ""

    def challenger(self) -> tuple[str, str]:
        """The challenger's branch and commit; PlumblineError where the record names none."""
        if self.branch is None or self.commit is None:
            raise PlumblineError(f"{self.usecase}: a challenger without branch or commit; {REMEDY}")
        return self.branch, self.commit


class RetrainDocument(Document):
    """A whole retrain; `base`: the commit that the champions are of."""

    format: Literal[1] = 1
    base: str
    usecases: tuple[RetrainRecord, ...]


def read(path: Path) -> RetrainDocument:
    """The document in a file; PlumblineError where it, or a comparison in it, is something else."""
    return documents.read(RetrainDocument, path, REMEDY)
