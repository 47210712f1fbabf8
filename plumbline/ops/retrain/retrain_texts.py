"""Titles and bodies of a retrain's pull requests and issues, as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plumbline.monitor import sentences
from plumbline.monitor.result import MonitorResult
from plumbline.monitor.served.served_report import ServedReport
from plumbline.ops.retrain.retrain_document import RetrainRecord
from plumbline.report import markdown
from plumbline.report.blocks import Block, Bullets, Heading, Table, Text, Tone, Verdict
from plumbline.report.numbers import figure
from plumbline.review import comparison_blocks

TITLES = {
    "healthy": "{usecase}: no retraining needed",
    "drift": "{usecase}: drift, and a retrained model is not better",
    "bad-data": "{usecase}: data not fit for training",
    "bad-serving": "{usecase}: the service is to be repaired, not the model",
    "challenger": "Retrain {usecase}{when}",
}
TONES: Mapping[str, Tone] = {
    "healthy": "good",
    "drift": "plain",
    "bad-data": "bad",
    "bad-serving": "bad",
}
FINDINGS = ("check", "column", "level", "size", "evidence", "next")
OWN_WINDOW = (
    "Judge the challenger on its own test window (head's): base's is older, and the challenger may have "
    "been trained on it."
)


def title(record: RetrainRecord) -> str:
    """One line, the same for the same outcome and day.

    >>> record = {"outcome": "challenger", "usecase": "shop", "reasons": [], "as_of": {"to": "2025-07-01"}}
    >>> title(RetrainRecord.model_validate(record))
    'Retrain shop on data up to 2025-07-01'
    """
    day = record.as_of.after
    when = f" on data up to {day}" if day else ""
    return TITLES[record.outcome].format(usecase=record.usecase, when=when)


def body(record: RetrainRecord) -> str:
    """The monitor's findings on the champion, then the challenger's comparison with it."""
    return markdown.comment(list(_blocks(record)))


def summary(records: Sequence[RetrainRecord]) -> str:
    """All use cases of a run, for a job's page: a section for each."""
    return "\n".join(body(record) for record in records)


def _blocks(record: RetrainRecord) -> Iterator[Block]:
    yield Verdict(title(record), TONES.get(record.outcome, "good"))
    yield Bullets(record.reasons)
    before, after = record.as_of.before, record.as_of.after
    if after:
        yield Text(f"As-of date: {before} → {after}.")
    if record.left_out:
        yield Text(f"Days {record.left_out}. No model learns from them or is tested on them.")
    if record.monitor:
        yield from _monitor(record.monitor)
    if record.comparison:
        yield Heading("Challenger against champion")
        if after != before:
            yield Text(OWN_WINDOW)
        yield from comparison_blocks.blocks(record.comparison, "retrain")


def _monitor(result: MonitorResult) -> Iterator[Block]:
    yield Heading("The champion on the new window")
    yield Text(result.summary)
    yield Text(sentences.retrain(result))
    if result.served:
        yield Text(served(result.served))
    rows = [[figure(f.plain().get(k)) for k in FINDINGS] for f in result.findings]
    if rows:
        yield Table("Findings", FINDINGS, rows, frozenset({3}))


def served(report: ServedReport) -> str:
    """What was served in the window, in a sentence or two."""
    parity = [p for p in report.parity if p.live]
    rows, equal = sum(p.rows for p in parity), sum(p.equal for p in parity)
    labels = report.feedback
    text = (
        f"Served from {report.first} to {report.last}: {report.events:,} events; labels of {labels.known:,} of "
        f"{labels.due:,} that are due."
    )
    same = f" Logged features equal the batch's on {equal:,} of {rows:,}." if rows else ""
    until = f" Sealed up to {report.sealed}." if report.sealed else ""
    return text + same + until
