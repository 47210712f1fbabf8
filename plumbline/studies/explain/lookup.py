"""An event to explain: one of the tables by its key, or one that was served, by its request or its key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from plumbline import config
from plumbline.core.errors import PlumblineError
from plumbline.ops.serving import logged
from plumbline.studies.explain import explanation, served, text_report
from plumbline.studies.explain.explanation_document import Explanation
from plumbline.studies.explain.served_document import ServedEvents

Explained = tuple[Explanation | ServedEvents, Iterator[str]]
"""A record, and its lines for a terminal."""


def explain(root: Path, usecase: str | None, event: str | None, key: str | None) -> Explained:
    """The event of the tables with the key `event`; else the answers to the request `event`.

    `key`: of an event that was served, of that request if one is named. `usecase`: None is the first in params.yaml, and
    for a request every log. PlumblineError where nothing has it.
    """
    if key is not None:
        within = usecase if event is not None else usecase or config.first()
        return _served(root, logged.require(root, within, event, key))
    if event is None:
        raise PlumblineError(
            "expected the ID of an event or a request, or --key KEY of an event that was served"
        )
    try:
        record = explanation.explain(root, usecase or config.first(), event)
    except PlumblineError:
        found = logged.find(root, usecase, event, None)
        if not found:
            raise
        return _served(root, found)
    return record, text_report.lines(record)


def _served(root: Path, events: list[logged.ServedEvent]) -> Explained:
    records = served.records(root, events)
    return records, served.lines(records)
