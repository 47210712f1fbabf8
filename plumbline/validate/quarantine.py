"""The edge that sets bad rows aside: marks them in DuckDB, then writes what is valid and what is not.

Only failing checks cost a second pass; a month without a bad row is copied byte for byte.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from plumbline.core.safe_text import HIDDEN
from plumbline.core.sql import PARQUET, literal, no_rows, quote
from plumbline.core.usecase import Contract
from plumbline.validate import copies
from plumbline.validate.check import Broken, ContractCheck, TableName, layout
from plumbline.validate.months import File, source

REMOVED = "event"
"""The reason of an outcome whose event was set aside."""

EXAMPLES = 3


class Quarantine:
    """Marks rows that break checks; `files` as `months.scan` gives them, `event_keys` made.

    `own`: outcomes have a table of their own, with several for an event.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        usecase: Contract,
        files: Mapping[TableName, list[File]],
        own: bool = False,
    ) -> None:
        self.connection = connection
        self.usecase = usecase
        self.files = files
        self.own = own
        self.checks: list[ContractCheck] = []
        connection.execute('CREATE TABLE bad (file INTEGER, "row" BIGINT, "check" INTEGER)')

    def mark(self, check: ContractCheck, files: Sequence[File]) -> int:
        """Mark the rows of `files` that break the check; returns how many."""
        inner = f"SELECT __file, __row, {check.value} AS v FROM ({source(files)})"
        return self._mark(check, f"SELECT __file, __row FROM ({inner}) WHERE {check.broken}")

    def mark_copies(self, checks: Sequence[ContractCheck]) -> None:
        """Mark the rows that break the checks of uniqueness `checks`, after all others are marked: of
        the rows with one key all but that which `copies.kept` names, in both tables the same one."""
        if not checks:
            return
        both = [t for t in self.files if self.files[t] and not (self.own and t == "outcomes")]
        numbered = {t: self._numbered(t) for t in both}
        self.connection.execute(
            "CREATE OR REPLACE TABLE kept_copies AS "
            + copies.kept(numbered["events"], numbered.get("outcomes"))
        )
        other = "key IN (SELECT key FROM kept_copies) AND (key, n) NOT IN (FROM kept_copies)"
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
        events = self._numbered("events")
        whole = f"SELECT key FROM ({events}) GROUP BY key HAVING bool_and(bad)"
        gone = f"key IN ({whole})"
        if not self.own:
            gone += f" OR (key, n) IN (SELECT (key, n) FROM ({events}) WHERE bad)"
        outcomes = self._numbered("outcomes")
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
        return [self._broken(row[0]) for row in marked]

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

    def _numbered(self, table: TableName) -> str:
        rows = "FROM event_keys" if table == "events" else source(self.files[table])
        key = "key" if table == "events" else quote(self.usecase.key)
        return copies.numbered(key, rows, self._set_aside(table))

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
            columns = ", ".join(quote(c) for c in file.columns)
            rows = f"SELECT {columns} FROM ({source([file])}) WHERE __row NOT IN ({gone}) ORDER BY __row"
            self.connection.execute(f"COPY ({rows}) TO {literal(target)} ({PARQUET})")
        return file.rows - lost

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
