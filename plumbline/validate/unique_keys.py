"""The check that each key stands once: in every file, and over all files of a table.

Files whose keys do not overlap (numbers that grow) cannot share one; otherwise DuckDB groups the keys, out of core.
Great Expectations looks at the keys of every new file, and at all rows whose key is repeated. On a cluster it looks at
all files' keys at once; the workers group them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from plumbline.core.sql import quote
from plumbline.validate import copies, expectations, months
from plumbline.validate.check import ContractCheck, TableName
from plumbline.validate.cluster_checker import ClusterChecker
from plumbline.validate.expectations import Checker, CheckResult
from plumbline.validate.months import File
from plumbline.validate.quarantine import Quarantine


class UniqueKeys:
    """Runs the check of uniqueness of one table."""

    def __init__(self, checker: Checker, quarantine: Quarantine, table: TableName) -> None:
        self.checker = checker
        self.connection = quarantine.connection
        self.kept = quarantine.kept
        self.files = quarantine.files[table]
        self.table = table
        self.column = quarantine.usecase.column(quarantine.usecase.key)
        self.key = quote(self.column.name)

    def run(self, check: ContractCheck) -> CheckResult:
        """The result over all files; where it fails, the table `copies.repeated_keys` has the repeated keys."""
        if isinstance(self.checker, ClusterChecker):
            return self._on_cluster(self.checker, check)
        held = [self._of_file(f, check) for f in self.files]
        rows = sum(one["keys"] for one in held)
        inside, apart = sum(one["repeated"] for one in held), _apart(held)
        repeated = 0 if apart and not inside else self._repeat()
        if repeated < inside or (apart and repeated != inside):
            raise RuntimeError(
                f"{check.name}: Great Expectations counts {inside} rows, SQL {repeated}"
            )
        return self._result(check, rows, repeated)

    def _on_cluster(self, checker: ClusterChecker, check: ContractCheck) -> CheckResult:
        """As `run`, by the workers; what was kept of files on one machine is not looked at."""
        placed = [replace(f, path=f.path.resolve()) for f in self.files]
        queries = [
            f"SELECT {self.key} AS {quote(check.shown)} FROM ({months.source([f])})" for f in placed
        ]
        total = sum(f.rows for f in self.files)
        counted = checker.run_queries(self.connection, queries, [check], total)[0]
        missing = int(counted.raw.result.get("missing_count", 0))
        repeated = counted.broken
        if repeated:
            self._hold(checker.repeats(self.connection, queries), repeated, check)
        return self._result(check, total - missing, repeated)

    def _hold(self, keys: Any, repeated: int, check: ContractCheck) -> None:
        """Make the table of the repeated keys, of which so many rows have one."""
        name = copies.repeated_keys(self.table)
        self.connection.register("keys_of_workers", keys)
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS FROM keys_of_workers")
        self.connection.unregister("keys_of_workers")
        if (counted := self._total()) != repeated:
            raise RuntimeError(
                f"{check.name}: Great Expectations counts {repeated} rows, Spark {counted}"
            )

    def _result(self, check: ContractCheck, rows: int, repeated: int) -> CheckResult:
        """Of so many rows with a key, of which so many are repeated ones."""
        if not repeated:
            return expectations.folded(check, [expectations.clean(rows, 0)])
        shown = expectations.counts(self._of_repeated(check))
        return expectations.folded(
            check,
            [{**shown, "element_count": rows, "unexpected_count": repeated, "missing_count": 0}],
        )

    def _of_file(self, file: File, check: ContractCheck) -> dict[str, Any]:
        """Rows with a key, those whose key is repeated in the file, the least and the greatest key."""
        result: dict[str, Any] = self.kept.value("keys", [file], lambda: self._looked(file, check))
        return result

    def _looked(self, file: File, check: ContractCheck) -> dict[str, Any]:
        rows = months.source([file])
        with months.reading(self.connection, [file]):
            keys, low, high = self.connection.sql(
                f"SELECT count({self.key}), min({self.key}), max({self.key}) FROM ({rows})"
            ).fetchall()[0]
        ends = [low, high] if self.column.type in ("int", "string") else [None, None]
        return {"keys": keys, "repeated": self._numbers(file, check), "ends": ends}

    def _numbers(self, file: File, check: ContractCheck) -> int:
        """The rows with a repeated key, as Great Expectations counts them; a text stands for itself by its hash."""
        whole = self.column.type in ("int", "bool")
        value = self.key if whole else f"hash({self.key})"
        query = f"SELECT {value} AS {quote(check.shown)} FROM ({months.source([file])}) WHERE {self.key} IS NOT NULL"
        with months.reading(self.connection, [file]):
            frame = months.whole(self.connection, query)
        return self.checker.run(frame, [check])[0].broken

    def _repeat(self) -> int:
        """Make the table of the repeated keys; how many rows have one."""
        name = copies.repeated_keys(self.table)
        query = copies.repeats(self.key, months.source(self.files))
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS {query}")
        return self._total()

    def _total(self) -> int:
        """The rows that have a repeated key."""
        name = copies.repeated_keys(self.table)
        total = self.connection.sql(f"SELECT coalesce(sum(n), 0) FROM {name}").fetchall()
        return int(total[0][0])

    def _of_repeated(self, check: ContractCheck) -> CheckResult:
        """What Great Expectations finds in the rows with a repeated key, in their order."""
        name = copies.repeated_keys(self.table)
        query = (
            f"SELECT {self.key} AS {quote(check.shown)} FROM ({months.source(self.files)}) "
            f"WHERE {self.key} IN (SELECT key FROM {name}) ORDER BY __file, __row LIMIT {months.BATCH_ROWS}"
        )
        return self.checker.run(months.whole(self.connection, query), [check])[0]


def _apart(held: Sequence[dict[str, Any]]) -> bool:
    """Whether no key can stand in two files, by the least and the greatest of each."""
    ends = [one["ends"] for one in held if one["keys"]]
    if len(ends) < 2:
        return True
    if any(low is None for low, _ in ends):
        return False
    return all(high < low for (_, high), (low, _) in pairwise(sorted(ends)))
