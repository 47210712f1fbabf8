"""Online values in Redis, by Feast's own format: a hash per entity, two hashed words a field.

Feast's write keeps what is newer, silently, and its clearing matches other projects whose names end
alike. So fields are set and removed here: those that differ, a batch of entities in one transaction.
"""

from __future__ import annotations

import re
import struct
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from plumbline.ops.online_store.values_file import BATCH, StoredRow, StoreTable, ValuesFile, batches

GLOB = re.compile(rb"([*?\[\]\\])")


class RedisValues:
    """The online values of one project."""

    def __init__(self, feast: Any) -> None:
        online = feast._get_provider().online_store
        self.client = online._get_client(feast.config.online_store)
        self.project = feast.project.encode()

    def probe(self) -> None:
        """Write a key of its own and remove it: a replica, a full server or a reader's password fails."""
        key = b"probe-" + uuid.uuid4().hex.encode() + self.project
        self.client.hset(key, mapping={b"probe": b""})
        self.client.delete(key)

    def rows(self, table: StoreTable) -> Iterator[StoredRow]:
        """The entities that have a value or a time of the view."""
        for keys in batches(self._keys(table)):
            yield from (row for row in self._read(table, keys) if row.values or row.time)

    def replace(self, table: StoreTable, wanted: ValuesFile) -> int:
        """Bring the view to these rows, and to none beside them; how many entities were changed."""
        changed = 0
        for rows in batches(wanted.rows(table.view)):
            changed += self._write(table, rows)
        for keys in batches(self._keys(table)):
            known = wanted.of(table.view, keys)
            changed += self._write(table, [StoredRow(k, {}, None) for k in keys if k not in known])
        return changed

    def _keys(self, table: StoreTable) -> Iterator[bytes]:
        """The entity keys of this project with the view's join key, each once."""
        prefix = _prefix(table.join_key)
        pattern = GLOB.sub(rb"\\\1", prefix) + b"*" + GLOB.sub(rb"\\\1", self.project)
        seen = set()
        for key in self.client.scan_iter(pattern, count=BATCH):
            entity = key.removesuffix(self.project)
            if _whole(entity, len(prefix)) and entity not in seen:
                seen.add(entity)
                yield entity

    def _read(self, table: StoreTable, keys: Sequence[bytes]) -> list[StoredRow]:
        fields = self._fields(table)
        with self.client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hmget(key + self.project, [*fields.values(), _time_field(table)])
            answers = pipe.execute()
        rows = []
        for key, (*values, time) in zip(keys, answers, strict=True):
            held = {n: v for n, v in zip(fields, values, strict=True) if v is not None}
            rows.append(StoredRow(key, held, _time(time)))
        return rows

    def _write(self, table: StoreTable, rows: Sequence[StoredRow]) -> int:
        """Set what a row has, remove what it has not; unchanged rows stay untouched."""
        fields, time = self._fields(table), _time_field(table)
        current = self._read(table, [row.key for row in rows])
        differing = [row for row, now in zip(rows, current, strict=True) if row != now]
        with self.client.pipeline(transaction=True) as pipe:
            for row in differing:
                kept = {fields[name]: value for name, value in row.values.items()}
                kept |= {time: _stamp(row.time)} if row.time else {}
                gone = {*fields.values(), time} - kept.keys()
                if gone:
                    pipe.hdel(row.key + self.project, *gone)
                if kept:
                    pipe.hset(row.key + self.project, mapping=kept)
            pipe.execute()
        return len(differing)

    @staticmethod
    def _fields(table: StoreTable) -> dict[str, bytes]:
        from feast.infra.online_stores.helpers import _mmh3

        return {name: _mmh3(f"{table.view}:{name}") for name in table.names}


def _prefix(join_key: str) -> bytes:
    from feast.infra.key_encoding_utils import serialize_entity_key_prefix

    return bytes(serialize_entity_key_prefix([join_key]))


def _whole(entity: bytes, start: int) -> bool:
    """Whether the bytes after the prefix are one value: else the key is of a project named alike."""
    head = entity[start : start + 8]
    return len(head) == 8 and len(entity) == start + 8 + struct.unpack("<II", head)[1]


def _time_field(table: StoreTable) -> bytes:
    return f"_ts:{table.view}".encode()


def _stamp(time: datetime) -> bytes:
    from google.protobuf.timestamp_pb2 import Timestamp

    stamp = Timestamp()
    stamp.FromDatetime(time.astimezone(UTC))
    return bytes(stamp.SerializeToString())


def _time(value: bytes | None) -> datetime | None:
    from google.protobuf.timestamp_pb2 import Timestamp

    return None if value is None else Timestamp.FromString(value).ToDatetime(UTC)
