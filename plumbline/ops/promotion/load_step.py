"""The record of a load test, shown as evidence: what `plumbline loadtest --json` wrote. An edge: reads a file."""

from __future__ import annotations

from pydantic import ConfigDict

from plumbline.core import documents
from plumbline.core.documents import Document
from plumbline.core.errors import PlumblineError, RefusedError
from plumbline.ops.promotion.promotion_run import PromotionRun

REMEDY = "write it with `plumbline loadtest USECASE --gate LIMITS --json FILE`"


class LoadLimit(Document):
    """A limit of a load test, as its record has it."""

    name: str
    limit: float
    value: float | None
    passed: bool


class LoadEvidence(Document):
    """What counts here of a load test's record."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    usecase: str
    bundle: str | None = None
    gate: tuple[LoadLimit, ...]


def check(run: PromotionRun) -> None:
    """RefusedError where a limit was not kept, or none was set; PlumblineError without a record."""
    file = run.options.load
    if file is None:
        raise PlumblineError(
            "serve.promote.load_test is true, and no load test is shown; give its record with --load FILE"
        )
    record = documents.read(LoadEvidence, file, REMEDY)
    if record.usecase != run.name or record.bundle not in (None, run.promotion.bundle):
        other = f"{record.usecase}, bundle {record.bundle}"
        raise RefusedError(
            f"{file}: a load test of {other}, expected {run.name}, bundle {run.promotion.bundle}"
        )
    run.note("load", **{one.name: one.value for one in record.gate})
    missed = [one for one in record.gate if not one.passed]
    if missed or not record.gate:
        named = ", ".join(f"{m.name} {m.value} (at most {m.limit:g})" for m in missed)
        raise RefusedError(f"{file}: {named or 'no limit was set, so that nothing was judged'}")
