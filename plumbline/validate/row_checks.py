"""The checks of rows, file by file: Great Expectations looks at files that are new, and what it found of others is kept.

Small files are looked at together as long as none of their rows is bad; a file with bad rows is looked at alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from plumbline.validate import expectations, months, orphans
from plumbline.validate.check import ContractCheck, TableName
from plumbline.validate.cluster_checker import ClusterChecker
from plumbline.validate.expectations import Checker, CheckResult, Counts
from plumbline.validate.months import File
from plumbline.validate.orphans import EventKeys
from plumbline.validate.quarantine import Quarantine

Batch = Sequence[File]
OF_TIME = ("past", "future")
"""The checks whose limits move with the run's days: a whole month inside of these keeps them."""


class RowChecks:
    """Runs the row checks of one table, all but that of uniqueness."""

    def __init__(
        self,
        checker: Checker,
        quarantine: Quarantine,
        table: TableName,
        checks: Sequence[ContractCheck],
    ) -> None:
        self.checker = checker
        self.quarantine = quarantine
        self.files = quarantine.files[table]
        self.checks = checks
        self.kept = quarantine.kept

    def run(self) -> list[CheckResult]:
        """One result per check over all files; rows that break one are marked."""
        keys = {f.number: self._key(f) for f in self.files}
        found = {n: counts for n, key in keys.items() if (counts := self.kept.cache.read(key))}
        fresh = [f for f in self.files if f.number not in found]
        for file, counts in self._fresh(fresh):
            found[file.number] = self._keep(keys[file.number], counts)
        return [
            self._result(i, [found[f.number][i] for f in self.files])
            for i in range(len(self.checks))
        ]

    def _key(self, file: File) -> str:
        read = [file, *self._event_keys([file]).files]
        return self.kept.key("rows", read, [_as_kept(c, file) for c in self.checks])

    def _keep(self, key: str, counts: list[Counts]) -> list[Counts]:
        """Keep a file's counts, but for one with rows of another time than its name and the run's days say."""
        places = zip(self.checks, counts, strict=True)
        if any(n["unexpected_count"] for c, n in places if c.kind in (*OF_TIME, "partition")):
            return counts
        return list(self.kept.cache.write(key, counts))

    def _fresh(self, files: Sequence[File]) -> Iterator[tuple[File, list[Counts]]]:
        """Each file with the counts of its checks; a cluster looks first, where there is one."""
        clean = {}
        if isinstance(self.checker, ClusterChecker) and files:
            clean = self._clean_on_cluster(self.checker, files)
        for file in files:
            if file.number in clean:
                yield file, clean[file.number]
        yield from self._looked(list(months.batches([f for f in files if f.number not in clean])))

    def _clean_on_cluster(
        self, checker: ClusterChecker, files: Sequence[File]
    ) -> dict[int, list[Counts]]:
        """By number, the files of which no row breaks a check, with their counts."""
        placed = [replace(f, path=f.path.resolve()) for f in files]
        queries = [months.looked_at([f], self.checks, self._event_keys([f]).sql) for f in placed]
        connection, rows = self.quarantine.connection, sum(f.rows for f in files)
        results = checker.run_queries(connection, queries, self.checks, rows)
        bad = set().union(*(self._bad_files(files, r) for r in results if not r.success))
        return {f.number: self._clean(f, results) for f in files if f.number not in bad}

    def _bad_files(self, files: Sequence[File], result: CheckResult) -> set[int]:
        """The numbers of the files with rows that break the check, as many as Great Expectations counts."""
        rows = f"SELECT __file, {result.check.value} AS v FROM ({months.source(files)})"
        counted = self.quarantine.connection.sql(
            f"{self._event_keys(files).sql} SELECT __file, count(*) FROM ({rows}) "
            f"WHERE {result.check.broken} GROUP BY __file"
        ).fetchall()
        if sum(n for _, n in counted) != result.broken:
            raise RuntimeError(
                f"{result.check.name}: Great Expectations counts {result.broken} rows, SQL {counted}"
            )
        return {number for number, _ in counted}

    def _looked(self, batches: Sequence[Batch]) -> Iterator[tuple[File, list[Counts]]]:
        """Each file with the counts of its checks."""
        for batch, results in self._checked(batches):
            if len(batch) == 1:
                yield batch[0], [expectations.counts(r) for r in results]
            elif all(r.success for r in results):
                yield from ((file, self._clean(file, results)) for file in batch)
            else:
                yield from self._looked([[file] for file in batch])

    def _checked(self, batches: Sequence[Batch]) -> Iterator[tuple[Batch, list[CheckResult]]]:
        """Each batch with one result per check."""
        results: dict[int, list[CheckResult]] = {number: [] for number in range(len(batches))}
        for number, frame in months.ahead(self._frames(batches)):
            results[number] += self.checker.run(frame, self.checks)
        for number, batch in enumerate(batches):
            yield batch, expectations.merged(results[number])

    def _frames(self, batches: Sequence[Batch]) -> Iterator[tuple[int, Any]]:
        for number, batch in enumerate(batches):
            given = self._event_keys(batch).sql
            frames = months.frames(self.quarantine.connection, batch, self.checks, given)
            yield from ((number, frame) for frame in frames)

    def _clean(self, file: File, results: Sequence[CheckResult]) -> list[Counts]:
        """The counts of one file of a batch without a bad row: only its missing values are to be counted."""
        missing = [r.raw.result.get("missing_count", 0) for r in results]
        some = [c for c, n in zip(self.checks, missing, strict=True) if n]
        nulls = dict(zip(some, self._nulls(file, some), strict=True))
        return [expectations.clean(file.rows, nulls.get(c, 0)) for c in self.checks]

    def _nulls(self, file: File, checks: Sequence[ContractCheck]) -> Sequence[int]:
        if not checks:
            return []
        counts = ", ".join(f"count(*) - count({c.value})" for c in checks)
        query = f"SELECT {counts} FROM ({months.source([file])})"
        return self.quarantine.connection.sql(query).fetchall()[0]

    def _event_keys(self, files: Batch) -> EventKeys:
        """What the checks of outcomes read of the events."""
        if files[0].table == "events" or not any(c.kind == "orphan" for c in self.checks):
            return EventKeys("")
        events = [replace(f, path=f.path.resolve()) for f in self.quarantine.files["events"]]
        return orphans.event_keys(self.quarantine.connection, self.kept, events, files)

    def _result(self, place: int, counts: Sequence[Counts]) -> CheckResult:
        """The result over all files, whose counts these are; rows that break the check are marked."""
        result = expectations.folded(self.checks[place], counts)
        bad = [f for f, c in zip(self.files, counts, strict=True) if c["unexpected_count"]]
        if bad:
            marked = self.quarantine.mark(result.check, bad, self._event_keys(bad).sql)
            if marked != result.broken:
                raise RuntimeError(
                    f"{result.check.name}: Great Expectations counts {result.broken} rows, SQL {marked}"
                )
        return result


def _as_kept(check: ContractCheck, file: File) -> ContractCheck:
    """The check without what changes no count: severity and words; and the run's days, where the month is inside."""
    bare = replace(check, severity="warn", expects="")
    if check.kind not in OF_TIME or not file.month:
        return bare
    first = date(file.month // 100, file.month % 100, 1)
    after = (first + timedelta(days=31)).replace(day=1)
    low, high = (_day(b) for b in (check.low, check.high))
    inside = (low is None or low <= first) and (high is None or after <= high + timedelta(days=1))
    return replace(bare, low=None, high=None) if inside else bare


def _day(number: float | None) -> date | None:
    """The day of the number yyyymmdd."""
    return None if number is None else date.fromisoformat(str(int(number)))
