"""The edge that sets bad rows aside: marks them in DuckDB, then writes what is valid and what is not.

Only failing checks cost a second pass; a month without a bad row is copied byte for byte.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from plumbline.core.partition_cache import PartitionCache
from plumbline.core.safe_text import HIDDEN
from plumbline.core.sql import PARQUET, literal, no_rows, quote
from plumbline.core.usecase import Contract
from plumbline.validate import copies, months
from plumbline.validate.check import Broken, ContractCheck, TableName, layout
from plumbline.validate.kept_months import KeptMonths
from plumbline.validate.months import File, source

REMOVED = "event"
"""The reason of an outcome whose event was set aside."""

EXAMPLES = 3


class Quarantine:
    """Marks rows that break checks; `files` as `months.scan` gives them.

    `own`: outcomes have a table of their own, with several for an event. `cache`: what is known of files from before.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        usecase: Contract,
        files: Mapping[TableName, list[File]],
        own: bool = False,
        cache: PartitionCache | None = None,
    ) -> None:
        self.connection = connection
        self.usecase = usecase
        self.files = files
        self.own = own
        self.kept = KeptMonths(usecase, cache or PartitionCache(None))
        self._described: dict[int, Broken] = {}
        self.checks: list[ContractCheck] = []
        months.leave_room(connection)
        connection.execute('CREATE TABLE bad (file INTEGER, "row" BIGINT, "check" INTEGER)')

    def mark(self, check: ContractCheck, files: Sequence[File], given: str = "") -> int:
        """Mark the rows of `files` that break the check; returns how many. `given`: SQL that stands before the query."""
        inner = f"{given} SELECT __file, __row, {check.value} AS v FROM ({source(files)})"
        return self._mark(check, f"SELECT __file, __row FROM ({inner}) WHERE {check.broken}")

    def mark_copies(self, checks: Sequence[ContractCheck]) -> None:
        """Mark the rows that break the checks of uniqueness `checks`, after all others are marked: of
        the rows with one key all but that which `copies.kept` names, in both tables the same one."""
        if not checks:
            return
        both = [t for t in self.files if self.files[t] and not (self.own and t == "outcomes")]
        self._repeat([t for t in both if t not in {c.table for c in checks}])
        keys = " UNION ".join(f"SELECT key FROM {copies.repeated_keys(t)}" for t in both)
        numbered = {t: self._numbered(t, keys) for t in both}
        self.connection.execute(
            "CREATE OR REPLACE TABLE kept_copies AS "
            + copies.kept(numbered["events"], numbered.get("outcomes"))
        )
        other = "(key, n) NOT IN (FROM kept_copies)"
        for check in checks:
            rows = f"SELECT __file, __row FROM ({numbered[check.table]}) WHERE {other}"
            self._mark(check, rows)

    def mark_removed(self) -> int:
        """Mark the outcomes of which no event is left, where they are not marked already."""
        if not (self.files["outcomes"] and self.set_aside("events")):
            return 0
        key = quote(self.usecase.key)
        check = ContractCheck(
            "outcomes", REMOVED, self.usecase.key, "quarantine", "a valid event", key
        )
        bad = f"{source(self.files['events'])}) SEMI JOIN ({self._set_aside('events')}) USING (__file, __row"
        self.connection.execute(
            f"CREATE OR REPLACE TABLE removed_keys AS SELECT DISTINCT {key} AS key FROM ({bad}) WHERE {key} IS NOT NULL"
        )
        keys = "SELECT key FROM removed_keys"
        events = self._numbered("events", keys)
        whole = f"SELECT key FROM ({events}) GROUP BY key HAVING bool_and(bad)"
        gone = f"key IN ({whole})"
        if not self.own:
            gone += f" OR (key, n) IN (SELECT (key, n) FROM ({events}) WHERE bad)"
        outcomes = self._numbered("outcomes", keys)
        return self._mark(
            check, f"SELECT __file, __row FROM ({outcomes}) WHERE NOT bad AND ({gone})"
        )

    def set_aside(self, table: TableName, *, own: bool = False) -> int:
        """Rows of the table to set aside; with `own`, without those whose event was."""
        query = f"SELECT count(*) FROM ({self._set_aside(table, own=own)})"
        return int(self.connection.sql(query).fetchall()[0][0])

    def broken(self) -> list[Broken]:
        """What was marked, check by check."""
        marked = self.connection.sql('SELECT DISTINCT "check" FROM bad ORDER BY 1').fetchall()
        for (number,) in marked:
            if number not in self._described:
                self._described[number] = self._broken(number)
        return [self._described[number] for (number,) in marked]

    def ratio(self, check: ContractCheck) -> float | None:
        """Median size of the values that break the check over that of the others in their files."""
        query = (
            f'SELECT DISTINCT file FROM bad WHERE "check" = {self.checks.index(check)} ORDER BY 1'
        )
        files = [self.files[check.table][row[0]] for row in self.connection.sql(query).fetchall()]
        bad, good = self.connection.sql(
            f"SELECT quantile_disc(abs(v::DOUBLE), 0.5) FILTER (WHERE {check.broken}), "
            f"quantile_disc(abs(v::DOUBLE), 0.5) FILTER (WHERE NOT ({check.broken})) "
            f"FROM (SELECT {check.value} AS v FROM ({source(files)})) WHERE v IS NOT NULL"
        ).fetchall()[0]
        return bad / good if bad and good else None

    def write_valid(self, folder: Path) -> dict[TableName, int]:
        """Write the files without the rows set aside; returns the rows left per table.

        A file of which nothing is set aside is copied; one of which nothing is left is not written.
        """
        return {
            table: sum(self._write_valid(file, folder / file.path.name) for file in files)
            for table, files in self.files.items()
        }

    def write_quarantine(self, folder: Path) -> None:
        """Write `events.parquet` and `outcomes.parquet`: a line per row set aside and reason.

        Columns: file, key, column, reason, expected, value (as text), row (the whole row).
        """
        for table in self.files:
            target = literal(folder / f"{table}.parquet")
            self.connection.execute(f"COPY ({self._quarantine(table)}) TO {target} ({PARQUET})")

    def _repeat(self, tables: Sequence[TableName]) -> None:
        """Make the tables of repeated keys that no check of uniqueness has made."""
        for table in tables:
            query = copies.repeats(quote(self.usecase.key), source(self.files[table]))
            self.connection.execute(
                f"CREATE OR REPLACE TABLE {copies.repeated_keys(table)} AS {query}"
            )

    def _numbered(self, table: TableName, keys: str) -> str:
        rows, bad = source(self.files[table]), self._set_aside(table)
        return copies.numbered(quote(self.usecase.key), rows, bad, keys)

    def _mark(self, check: ContractCheck, rows: str) -> int:
        if check not in self.checks:
            self.checks.append(check)
        number = self.checks.index(check)
        insert = f"INSERT INTO bad SELECT *, {number} FROM ({rows})"
        return int(self.connection.execute(insert).fetchall()[0][0])

    def _set_aside(self, table: TableName, *, own: bool = False) -> str:
        numbers = [
            str(i)
            for i, c in enumerate(self.checks)
            if self._sets_aside(table, c) and not (own and c.kind == REMOVED)
        ]
        return (
            'SELECT DISTINCT file AS __file, "row" AS __row FROM bad '
            f'WHERE list_contains([{", ".join(numbers)}]::INTEGER[], "check")'
        )

    def _broken(self, number: int) -> Broken:
        check = self.checks[number]
        marked = self._marked(number)
        rows = int(self.connection.sql(f"SELECT count(*) FROM ({marked})").fetchall()[0][0])
        first = self.connection.sql(f"SELECT min(__file) FROM ({marked})").fetchall()[0][0]
        file = self.files[check.table][first]
        examples = self.connection.sql(
            f"SELECT CAST({quote(self.usecase.key)} AS VARCHAR), CAST({quote(check.column)} AS VARCHAR) "
            f"FROM ({source([file])}) SEMI JOIN ({marked}) USING (__file, __row) "
            f"ORDER BY __row LIMIT {EXAMPLES}"
        ).fetchall()
        return Broken(
            check,
            rows,
            file.path,
            tuple((str(k), _shown(check, v)) for k, v in examples),
            self._copies(check) if check.kind == "unique" else "",
        )

    def _copies(self, check: ContractCheck) -> str:
        key = self.usecase.column(self.usecase.key)
        others = [c for c in layout(self.usecase, check.table) if c.name != key.name]
        rows, kept = source(self.files[check.table]), check.severity == "quarantine"
        return copies.describe(self.connection, key, others, rows, kept)

    def _write_valid(self, file: File, target: Path) -> int:
        gone = f"SELECT __row FROM ({self._set_aside(file.table)}) WHERE __file = {file.number}"
        lost = int(self.connection.sql(f"SELECT count(*) FROM ({gone})").fetchall()[0][0])
        if not lost:
            shutil.copyfile(file.path, target)
        elif lost < file.rows:
            self._write_without(file, gone, target)
        return file.rows - lost

    def _write_without(self, file: File, gone: str, target: Path) -> None:
        """Write the file without the rows of the query `gone`, or take what was written before."""
        listed = f"SELECT md5(string_agg(__row, ',' ORDER BY __row)) FROM ({gone})"
        columns = ", ".join(quote(c) for c in file.columns)
        rows = (
            f"SELECT {columns} FROM ({source([file])}) WHERE __row NOT IN ({gone}) ORDER BY __row"
        )

        def write(folder: Path) -> None:
            path = literal(folder / target.name)
            self.connection.execute(f"COPY ({rows}) TO {path} ({PARQUET})")

        md5 = self.connection.sql(listed).fetchall()[0][0]
        key = self.kept.key("valid", [file], target.name, md5)
        self.kept.cache.fill(key, target.parent, write)

    def _quarantine(self, table: TableName) -> str:
        numbers = [i for i, c in enumerate(self.checks) if self._sets_aside(table, c)]
        lines = [self._lines(table, number) for number in numbers] or [self._no_lines(table)]
        return (
            f"SELECT * EXCLUDE (__file, __row, __check) FROM ({' UNION ALL '.join(lines)}) "
            "ORDER BY __file, __row, __check"
        )

    def _sets_aside(self, table: TableName, check: ContractCheck) -> bool:
        return check.table == table and check.severity == "quarantine"

    def _lines(self, table: TableName, number: int) -> str:
        check, files = self.checks[number], self.files[table]
        names = ", ".join(literal(f.path.name) for f in files)
        return (
            f"SELECT __file, __row, {number} AS __check, [{names}][__file + 1] AS file, "
            f"CAST({quote(self.usecase.key)} AS VARCHAR) AS key, {literal(check.column)} AS column, "
            f"{literal(check.kind)} AS reason, {literal(check.expects)} AS expected, "
            f"CAST({quote(check.column)} AS VARCHAR) AS value, {self._struct(table)} AS row "
            f"FROM ({source(files)}) SEMI JOIN ({self._marked(number)}) USING (__file, __row)"
        )

    def _no_lines(self, table: TableName) -> str:
        columns = layout(self.usecase, table)
        words = ", ".join(
            f"'' AS {name}" for name in ("file", "key", "column", "reason", "expected")
        )
        return (
            f"SELECT 0 AS __file, 0 AS __row, 0 AS __check, {words}, '' AS value, "
            f"{self._struct(table)} AS row FROM ({no_rows(columns)})"
        )

    def _struct(self, table: TableName) -> str:
        names = [c.name for c in layout(self.usecase, table)]
        return "{" + ", ".join(f"{literal(n)}: {quote(n)}" for n in names) + "}"

    def _marked(self, number: int) -> str:
        return f'SELECT file AS __file, "row" AS __row FROM bad WHERE "check" = {number}'


def _shown(check: ContractCheck, value: str | None) -> str:
    return "null" if value is None else HIDDEN if check.hidden else str(value)
