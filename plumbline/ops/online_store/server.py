"""A feature store on servers as a whole: brought to a state, compared with it, kept and put back.

A state is a use case's definitions and online values. It is taken from an embedded store, which Feast
fills from the snapshots: so that both serve the same bytes, whatever the server held before.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol

from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing, replacing_folder
from plumbline.evaluate.baselines import evenly
from plumbline.features import store
from plumbline.ops.online_store import connection, settings
from plumbline.ops.online_store import registry_definitions as definitions
from plumbline.ops.online_store.postgres_values import PostgresValues
from plumbline.ops.online_store.redis_values import RedisValues
from plumbline.ops.online_store.registry_definitions import Definitions
from plumbline.ops.online_store.settings import Settings
from plumbline.ops.online_store.values_file import StoredRow, StoreTable, ValuesFile, batches


class Values(Protocol):
    """Online values on a server."""

    def __init__(self, feast: Any) -> None:
        """Those of an open store of Feast's."""

    def probe(self) -> None:
        """Make sure that they can be written; nothing is left."""

    def rows(self, table: StoreTable) -> Iterator[StoredRow]:
        """A view's rows, in any order."""

    def replace(self, table: StoreTable, wanted: ValuesFile) -> int:
        """Bring a view to these rows and no others; how many entities changed."""


KINDS: dict[str, type[Values]] = {"redis": RedisValues, "postgres": PostgresValues}
DEFINITIONS, VALUES, TABLES = "definitions.pb", "values.db", "tables.json"
FORMAT = ("sqlite", settings.KEYS_VERSION)
COMPARED = 1_000
"""Entities of a view that are read back as a request reads them: all where there are fewer."""


@dataclass(frozen=True)
class State:
    """Definitions, and a file with their online values."""

    definitions: Definitions
    values: ValuesFile


EMPTY = State(Definitions((), (), ()), ValuesFile(Path(), ""))
"""No use case at all."""


@dataclass(frozen=True)
class Server:
    """An open store on servers."""

    settings: Settings
    feast: Any
    values: Values


@contextmanager
def opened(own: Settings, *, write: bool = True) -> Iterator[Server]:
    """The store, connected while the block runs; PlumblineError where it is not, or not writable."""
    with connection.opened(own) as feast:
        with connection.errors(own):
            values: Values = KINDS[own.kind](feast)
            if write:
                values.probe()
        yield Server(own, feast, values)


def embedded(root: Path, folder: Path, usecases: Collection[str]) -> State:
    """What an embedded store in `folder` holds of the use cases.

    Their files are named as in the project: a registry on a server is no place for one machine's paths.
    """
    feast = store.opened(folder)
    if (feast.config.online_store.type, feast.config.entity_key_serialization_version) != FORMAT:
        raise PlumblineError(
            f"{folder}/feature_store.yaml: expected online_store.type {FORMAT[0]} and "
            f"entity_key_serialization_version {FORMAT[1]}, as its values go to a store on servers"
        )
    file = Path(feast.config.online_store.path)
    held = definitions.read(feast, usecases)
    for options in (view.batch_source.file_options for view in held.views):
        options.uri = options.uri.removeprefix(f"{root.resolve()}/")
    path = file if file.is_absolute() else folder / file
    return State(held, ValuesFile(path, feast.project))


def keep(server: Server, usecases: Collection[str], folder: Path) -> None:
    """Keep what the server holds of the use cases in `folder`, for `put_back`."""
    with connection.errors(server.settings), replacing_folder(folder) as beside:
        beside.chmod(0o700)
        held = definitions.read(server.feast, usecases)
        (beside / DEFINITIONS).write_bytes(held.to_bytes())
        values = ValuesFile(beside / VALUES, server.feast.project)
        for table in definitions.tables(held):
            values.write(table.view, server.values.rows(table))


def kept(server: Server, folder: Path) -> State:
    """What `keep` wrote."""
    held = definitions.from_bytes((folder / DEFINITIONS).read_bytes())
    return State(held, ValuesFile(folder / VALUES, server.feast.project))


def publish(server: Server, state: State, usecases: Collection[str], folder: Path | None) -> str:
    """Bring the server to a state of the use cases, and compare it; returns the proof.

    `folder`: where `keep` wrote; which tables may have been touched is written there first.
    """
    with connection.errors(server.settings):
        tables = definitions.tables(state.definitions, definitions.read(server.feast, usecases))
        if folder:
            _note(folder, tables)
        changed = _bring(server, state, tables, usecases)
        compared = _compare(server, state, tables)
    return f"{server.settings.name}: {changed:,} entities changed, {compared}"


def put_back(server: Server, usecases: Collection[str], folder: Path) -> None:
    """The state that `keep` wrote, and compared; nothing where the server was not touched since."""
    tables = touched(folder)
    if tables is None:
        return
    with connection.errors(server.settings):
        state = kept(server, folder)
        _bring(server, state, tables, usecases)
        _compare(server, state, tables)


def touched(folder: Path) -> list[StoreTable] | None:
    """The tables that a publication noted before it began; None where none began since `keep`."""
    if not (folder / TABLES).exists():
        return None
    listed = json.loads((folder / TABLES).read_text(encoding="utf-8"))
    return [StoreTable(one["view"], one["join_key"], tuple(one["names"])) for one in listed]


def differences(
    server: Server, state: State, tables: Sequence[StoreTable]
) -> dict[str, tuple[int, int]]:
    """By view: how many entities a state has, or the server beside it, and how many of them differ."""
    counts = {}
    with connection.errors(server.settings):
        for table in tables:
            counts[table.view] = _differing(server, state, table)
    return counts


def _differing(server: Server, state: State, table: StoreTable) -> tuple[int, int]:
    known, others, differing = 0, 0, 0
    for rows in batches(server.values.rows(table)):
        wanted = state.values.of(table.view, [row.key for row in rows])
        known += len(wanted)
        others += len(rows) - len(wanted)
        differing += sum(wanted.get(row.key) != row for row in rows)
    expected = state.values.count(table.view)
    return expected + others, differing + expected - known


def _note(folder: Path, tables: Sequence[StoreTable]) -> None:
    with replacing(folder / TABLES) as beside:
        beside.write_text(json.dumps([asdict(table) for table in tables]), encoding="utf-8")


def _bring(
    server: Server, state: State, tables: Sequence[StoreTable], usecases: Collection[str]
) -> int:
    definitions.apply(server.feast, state.definitions)
    changed = sum(server.values.replace(table, state.values) for table in tables)
    definitions.drop(server.feast, state.definitions, usecases)
    return changed


def _compare(server: Server, state: State, tables: Sequence[StoreTable]) -> str:
    """Read entities back as a request does, by Feast from a newly opened store, and count them all."""
    counted = 0
    for table in tables:
        counted += _counted(server, state, table)
    with connection.opened(server.settings) as fresh:
        compared = sum(_compared(server, fresh, state, view) for view in state.definitions.views)
    return f"{compared:,} of {counted:,} compared"


def _counted(server: Server, state: State, table: StoreTable) -> int:
    held, wanted = sum(1 for _ in server.values.rows(table)), state.values.count(table.view)
    if held != wanted:
        raise PlumblineError(
            f"{server.settings.place}: view '{table.view}' has {held:,} entities, expected {wanted:,}; does "
            "another process write to it? Stop that, then run the command again"
        )
    return held


def _compared(server: Server, fresh: Any, state: State, view: Any) -> int:
    from feast.infra.key_encoding_utils import deserialize_entity_key

    keys = state.values.keys(view.name)
    sample = [keys[i] for i in evenly(len(keys), COMPARED)] if keys else []
    names = [field.name for field in view.features]
    online = fresh._get_provider().online_store
    current = fresh.get_feature_view(view.name)
    for part in batches(sample):
        wanted = state.values.of(view.name, part)
        entities = [deserialize_entity_key(key) for key in part]
        answers = online.online_read(fresh.config, current, entities, list(names))
        for key, (_, values) in zip_longest(part, answers):
            held = {name: (values or {}).get(name) for name in names}
            if any(_bytes(held[n]) != wanted[key].values.get(n, b"") for n in names):
                raise PlumblineError(
                    f"{server.settings.place}: view '{view.name}' serves other values than those just written; "
                    "does another process write to it? Stop that, then run the command again"
                )
    return len(sample)


def _bytes(value: Any) -> bytes:
    return b"" if value is None else bytes(value.SerializeToString())
