"""What the data stage says of the sealed days that it read: `served.json`, beside the predictions of these days."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import Field

from plumbline.core import documents
from plumbline.core.documents import Document

FILE = "served.json"


class ServedDay(Document):
    """A sealed UTC day of receipt.

    `events`: answered, `shadows`: scored as a shadow, `outcomes`: received. `flags`: answered events by flag.
    `refused`: events that were not answered, by column and problem.
    """

    day: date
    first_sequence: int
    last_sequence: int
    events: int
    shadows: int
    outcomes: int
    flags: dict[str, int]
    refused: dict[str, dict[str, int]]


class ServedSheet(Document):
    """data/<usecase>/served/served.json. `served`: whether the source has sealed days; if not, nothing else counts.

    `first`, `last`: of the days read. `predictions`: rows of `predictions-<month>.parquet`, shadows among them.
    `forgotten`: rows left out by `data.forget`.
    """

    served: bool
    first: date | None = None
    last: date | None = None
    days: list[ServedDay] = Field(default_factory=list)
    predictions: int = 0
    shadows: int = 0
    outcomes: int = 0
    unknown_outcomes: int = 0  # of events that neither the seed nor a sealed day has
    repeated_outcomes: int = 0  # the same once more
    repeated_events: int = 0  # in the seed or an earlier day as well, with the same values
    forgotten: int = 0


def read(folder: Path) -> ServedSheet:
    """The sheet of a folder that the data stage wrote; PlumblineError where it is missing or damaged."""
    return documents.read(ServedSheet, folder / FILE)


def write(folder: Path, sheet: ServedSheet) -> None:
    """Write the sheet into the folder."""
    documents.write(folder / FILE, sheet)
