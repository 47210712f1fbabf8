"""What the months of valid events and outcomes hold, by hashes: what the values of a month are computed from. An edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from plumbline.core import duckdb_session, hashing
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.partition_cache import PartitionCache
from plumbline.core.sql import literal, quote
from plumbline.core.usecase import FeatureSet
from plumbline.features import month_spans

Days = Mapping[date, Sequence[str]]
"""By the day on which outcomes became known, hashes of these outcomes, one for each file."""


@dataclass(frozen=True)
class MonthInputs:
    """By month of the events: the md5 of their file, and their outcomes."""

    events: Mapping[date, str]
    outcomes: Mapping[date, Days]

    def known(self, month: date, before: date) -> str:
        """A hash of the outcomes of the month's events that were known before that day; "" where none was."""
        days = self.outcomes.get(month, {})
        known = [f"{day} {own}" for day in sorted(days) if day < before for own in days[day]]
        return hashing.md5_bytes("\n".join(known).encode()) if known else ""

    def concerned(self, first: date, after: date) -> list[date]:
        """The months of the events whose outcomes became known from a day up to, not including, another, and those
        between: a key that is not unique may be in these as well."""
        own = {m for m, days in self.outcomes.items() if any(first <= d < after for d in days)}
        every = sorted({*self.events, *self.outcomes})
        return [m for m in every if own and min(own) <= m <= max(own)]


def of(
    connection: Any, usecase: FeatureSet, folder: Path, cache: PartitionCache
) -> MonthInputs | None:
    """Of the files in a folder; None where nothing is kept, or where a file's events are not of its month."""
    if cache.folder is None or not _apart(usecase, folder):
        return None
    files = sorted(folder.glob("events-*.parquet"))
    events = {_month(path): hashing.md5_file(str(path)) for path in files}
    outcomes: dict[date, dict[date, list[str]]] = {}
    for path in sorted(folder.glob("outcomes-*.parquet")):
        key = cache.key("known", hashing.md5_file(str(path)), usecase.time)
        found = cache.read(key) or cache.write(key, _outcomes(connection, usecase, path))
        for month, day, digest in found:
            days = outcomes.setdefault(date.fromisoformat(month), {})
            days.setdefault(date.fromisoformat(day), []).append(digest)
    return MonthInputs(events, outcomes)


def _apart(usecase: FeatureSet, folder: Path) -> bool:
    """Whether outcomes have the time of their event, and each file has the events of its month alone."""
    outcomes = sorted(folder.glob("outcomes-*.parquet"))
    if any(usecase.time not in pq.read_schema(path).names for path in outcomes):
        return False
    return all(_of_month(usecase, path) for path in sorted(folder.glob("events-*.parquet")))


def _of_month(usecase: FeatureSet, path: Path) -> bool:
    """By what the file says of its times."""
    metadata, first = pq.read_metadata(path), _month(path)
    place = metadata.schema.names.index(str(usecase.time))
    counted = [
        metadata.row_group(i).column(place).statistics for i in range(metadata.num_row_groups)
    ]
    if any(one is None or not one.has_min_max or one.null_count for one in counted):
        return metadata.num_rows == 0
    after = month_spans.following(first)
    return all(first <= one.min.date() and one.max.date() < after for one in counted)


def _month(path: Path) -> date:
    return date.fromisoformat(f"{path.stem[-7:]}-01")


def _outcomes(connection: Any, usecase: FeatureSet, path: Path) -> list[list[str]]:
    """Month of the event, day on which they became known, and a hash of the outcomes, in whatever order they are."""
    columns = ", ".join(quote(name) for name in pq.read_schema(path).names)
    month, known = f"date_trunc('month', {quote(str(usecase.time))})::DATE", quote(KNOWN_AT)
    rows = duckdb_session.rows(
        connection,
        f"SELECT {month} AS month, {known}::DATE AS day, count(*), sum(hash({columns}))::VARCHAR, "
        f"sum(hash({columns}, 1))::VARCHAR FROM read_parquet({literal(str(path))}) "
        f"WHERE {known} IS NOT NULL AND {quote(str(usecase.time))} IS NOT NULL GROUP BY ALL ORDER BY ALL",
    )
    return [[str(m), str(d), "-".join(str(own) for own in digest)] for m, d, *digest in rows]
