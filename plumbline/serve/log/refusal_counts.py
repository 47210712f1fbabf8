"""Events that were refused, counted by hour, column and problem: no row of a log has them. An edge: SQLite.

An event counts once, by the first of its faults. The counts of the last seconds are in memory, and a killed process loses
them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from plumbline.serve.log import day_files

HOUR = 3_600_000_000
"""Microseconds."""
LONGEST = 120
"""Characters of a problem."""
TABLE = """
CREATE TABLE IF NOT EXISTS refusals (
  hour INTEGER NOT NULL, "column" TEXT NOT NULL, problem TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (hour, "column", problem)
) WITHOUT ROWID
"""
ADD = "INSERT INTO refusals VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count"
READ = 'SELECT hour, "column", problem, count FROM refusals'
THERE = "SELECT count(*) FROM sqlite_master WHERE name = 'refusals'"


class Refused(NamedTuple):
    """`hour`: its begin, microseconds since 1970; `column`: "" where the event as a whole is at fault."""

    hour: int
    column: str
    problem: str

    @property
    def day(self) -> int:
        """Since 1970."""
        return day_files.day_of(self.hour)


def of(at: int, column: str, problem: str) -> Refused:
    """What an event that is refused at this time counts as."""
    return Refused(at - at % HOUR, column, problem[:LONGEST])


def add(connection: sqlite3.Connection, counts: Mapping[Refused, int]) -> None:
    """Add to the counts of a day's file, in one transaction. Raises sqlite3.Error."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(TABLE)
    connection.executemany(ADD, [(*one, count) for one, count in sorted(counts.items())])
    connection.execute("COMMIT")


def rows(connection: sqlite3.Connection) -> Iterator[tuple[Refused, int]]:
    """The counts of a day's file. Raises sqlite3.Error."""
    ((there,),) = connection.execute(THERE)
    for hour, column, problem, count in connection.execute(READ) if there else ():
        yield Refused(hour, column, problem), count
