"""Online values in PostgreSQL, in Feast's own tables: a row per entity and feature.

A view is replaced in one transaction: whoever reads sees the values before or after, and a kill leaves
those before.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from typing import Any

from plumbline.ops.online_store.values_file import StoredRow, StoreTable, ValuesFile

CREATE = """
CREATE TABLE IF NOT EXISTS {} (
    entity_key BYTEA, feature_name TEXT, value BYTEA, value_text TEXT NULL, vector_value BYTEA NULL,
    event_ts TIMESTAMPTZ, created_ts TIMESTAMPTZ, PRIMARY KEY (entity_key, feature_name)
)
"""
"""As Feast declares it."""
WANTED = """
CREATE TEMPORARY TABLE wanted (
    entity_key BYTEA, feature_name TEXT, value BYTEA, value_text TEXT, event_ts TIMESTAMPTZ
) ON COMMIT DROP
"""
DELETE = """
DELETE FROM {} AS held WHERE NOT EXISTS (
    SELECT FROM wanted WHERE wanted.entity_key = held.entity_key
    AND wanted.feature_name = held.feature_name AND wanted.value = held.value
    AND wanted.event_ts IS NOT DISTINCT FROM held.event_ts
) RETURNING entity_key
"""
INSERT = """
INSERT INTO {} (entity_key, feature_name, value, value_text, event_ts)
SELECT entity_key, feature_name, value, value_text, event_ts FROM wanted
ON CONFLICT (entity_key, feature_name) DO NOTHING RETURNING entity_key
"""


class PostgresValues:
    """The online values of one project."""

    def __init__(self, feast: Any) -> None:
        from feast.infra.utils.postgres.connection_utils import _get_conn

        config = feast.config
        self._connect = lambda: _get_conn(config.online_store)
        self.schema = config.online_store.db_schema or config.online_store.user
        self.project = config.project

    def probe(self) -> None:
        """Make a table and take it back, in one transaction: a reader's password or a replica fails."""
        from psycopg import sql

        with self._connection() as connection:
            self._make_schema(connection)
            name = sql.Identifier(self.schema, f"probe_{uuid.uuid4().hex}")
            connection.execute(sql.SQL(CREATE).format(name))
            connection.rollback()

    def rows(self, table: StoreTable) -> Iterator[StoredRow]:
        """The entities of the view, by key."""
        from psycopg import sql

        with self._connection() as connection:
            if not self._exists(connection, table):
                return
            statement = sql.SQL(
                "SELECT entity_key, feature_name, value, event_ts FROM {} ORDER BY entity_key, feature_name"
            ).format(self._name(table))
            with connection.cursor("values") as cursor:
                cursor.execute(statement)
                for key, cells in groupby(cursor, lambda cell: bytes(cell[0])):
                    yield _row(key, list(cells))

    def replace(self, table: StoreTable, wanted: ValuesFile) -> int:
        """Bring the view to these rows, and to none beside them; how many entities were changed."""
        from psycopg import sql

        with self._connection() as connection, connection.cursor() as cursor:
            self._make_schema(connection)
            cursor.execute(sql.SQL(CREATE).format(self._name(table)))
            cursor.execute(WANTED)
            with cursor.copy("COPY wanted FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["bytea", "text", "bytea", "text", "timestamptz"])
                for row in wanted.rows(table.view):
                    for name, value in row.values.items():
                        copy.write_row((row.key, name, value, _text(value), row.time))
            cursor.execute("CREATE INDEX ON wanted (entity_key, feature_name)")
            cursor.execute("ANALYZE wanted")
            changed = set()
            for statement in (DELETE, INSERT):
                cursor.execute(sql.SQL(statement).format(self._name(table)))
                changed |= {bytes(key) for (key,) in cursor}
            connection.commit()
        return len(changed)

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """A connection for one transaction; what is not committed is rolled back."""
        connection = self._connect()
        try:
            yield connection
        finally:
            connection.close()

    def _make_schema(self, connection: Any) -> None:
        from psycopg import sql

        name = sql.Identifier(self.schema)
        if not connection.execute("SELECT to_regnamespace(%s)", [_quoted(self.schema)]).fetchone()[
            0
        ]:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))

    def _exists(self, connection: Any, table: StoreTable) -> bool:
        full = f"{_quoted(self.schema)}.{_quoted(self._id(table))}"
        return connection.execute("SELECT to_regclass(%s)", [full]).fetchone()[0] is not None

    def _name(self, table: StoreTable) -> Any:
        from psycopg import sql

        return sql.Identifier(self.schema, self._id(table))

    def _id(self, table: StoreTable) -> str:
        return f"{self.project}_{table.view}"


def _row(key: bytes, cells: list[tuple[Any, str, Any, datetime | None]]) -> StoredRow:
    times = [time for *_, time in cells if time is not None]
    return StoredRow(
        key, {name: bytes(value) for _, name, value, _ in cells}, max(times, default=None)
    )


def _text(value: bytes) -> str | None:
    """The value as Feast writes it for people, beside the bytes."""
    from feast.infra.online_stores.helpers import extract_text_and_num
    from feast.protos.feast.types.Value_pb2 import Value

    text: str | None = extract_text_and_num(Value.FromString(value), False)[0]
    return text


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
