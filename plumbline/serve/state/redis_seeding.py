"""Fill Redis with the commit's tiles, once, by one process; the others wait. An edge: Redis.

What is written is whole rows, not amounts, so that an interrupted attempt is done again from its beginning; and only
while this process holds the lock, so that nobody writes over what was counted since.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Any

from plumbline.core.usecase import FeatureSet
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome, StateError
from plumbline.serve.seed import Seed
from plumbline.serve.state import plain_values, plan, redis_rows, seeding
from plumbline.serve.state.checkpoint import identity
from plumbline.serve.state.histories import oldest
from plumbline.serve.state.plan import DAY, micros
from plumbline.serve.state.redis_errors import redis_errors
from plumbline.serve.state.redis_keys import Keys
from plumbline.serve.state.redis_state import RedisState

LOCK_MS, POLL, PATIENCE = 30_000, 0.1, 600.0
CHUNK = 500
Command = tuple[Any, ...]
Logged = Iterable[LoggedEvent | LoggedOutcome]
Rows = Callable[[int], Logged]


def open_redis(
    usecase: FeatureSet,
    seed: Seed,
    url: str,
    rows: Rows = lambda _: (),
    late_days: int = 8,
    remember_days: int | None = None,
    writer: str = "",
    renew: Callable[[RedisState, Logged], Logged] = lambda _, rows: rows,
) -> RedisState:
    """The state of a use case in Redis at `url` (`redis://:password@host:port/0`), filled where it is not.

    `rows`: the rows of a log after a sequence. Those that Redis does not have are counted again: where it is filled
    from newer tiles, or was restored from an older copy. `writer`: the name of this process's log. Processes that
    serve together have the same tiles. `renew`: what is done to rows before they are folded. Raises StateError
    where Redis cannot be reached or is not filled in time.
    """
    compiled = plan.compiled(usecase)
    seed.check(usecase)
    remember = seed.waits(usecase, late_days) if remember_days is None else remember_days
    keys = Keys(compiled, identity(compiled, seed, late_days), late_days, remember)
    client = connect(url)
    with redis_errors():
        _refuse_eviction(client)
        seeded = _seeded(client, keys, seed)
        folded = int(client.get(keys.folded(writer)) or 0)
    state = RedisState(client, keys, seeded["as_of"], seeded["recent_from"], writer)
    for row in renew(state, rows(folded)):
        state.fold(row)
    with redis_errors():
        state.sequence = int(client.get(keys.sequence) or 0)
    return state


def connect(url: str) -> Any:
    """A client with a connection of its own; a server that does not answer in two seconds is an error."""
    import redis

    try:
        return redis.Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0)
    except ValueError as error:
        raise StateError(
            f"serve.state: expected redis://[:password@]host:port/0 ({error})"
        ) from None


def _refuse_eviction(client: Any) -> None:
    """StateError for a server that drops keys when it is full: histories would be wrong without a message."""
    policy = client.info("memory").get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise StateError(
            f"Redis drops keys when it is full (maxmemory-policy {policy}); the online state needs noeviction"
        )


def _seeded(client: Any, keys: Keys, seed: Seed) -> dict[str, int]:
    """What the state in Redis was filled from; fills it, or waits for whoever does."""
    name, until = keys.of("seeded"), time.monotonic() + PATIENCE
    while time.monotonic() < until:
        held = client.get(name)
        if held is not None:
            return dict(json.loads(held))
        token = uuid.uuid4().hex
        if client.set(keys.of("seeding"), token, nx=True, px=LOCK_MS):
            if client.exists(name):  # filled since it was looked at: events were counted on top
                _written(client, keys, [("DEL", keys.of("seeding"))], token)
            else:
                _fill(client, keys, seed, token)
        else:
            time.sleep(POLL)
    raise StateError("Redis: another process has been filling the online state for ten minutes")


def _fill(client: Any, keys: Keys, seed: Seed, token: str) -> None:
    """Write the seed; stops without a word where the lock was lost, for the next attempt."""
    commands = _commands(keys, seed)
    while chunk := list(islice(commands, CHUNK)):
        if not _written(client, keys, chunk, token):
            return
    as_of = seeding.number(seed.as_of or date(1970, 1, 1))
    start = as_of if seed.recent_from is None else seeding.number(seed.recent_from)
    about = json.dumps({"as_of": as_of, "recent_from": start})
    last: list[Command] = [("SET", keys.of("seeded"), about), ("DEL", keys.of("seeding"))]
    _written(client, keys, last, token)


def _written(client: Any, keys: Keys, commands: Iterable[Command], token: str) -> bool:
    """One transaction, while the lock is ours."""
    from redis.exceptions import WatchError

    with client.pipeline(transaction=True) as pipe:
        pipe.watch(keys.of("seeding"))
        if pipe.get(keys.of("seeding")) != token.encode():
            return False
        pipe.multi()
        pipe.pexpire(keys.of("seeding"), LOCK_MS)
        for command in commands:
            pipe.execute_command(*command)
        try:
            pipe.execute()
        except WatchError:
            return False
    return True


def _commands(keys: Keys, seed: Seed) -> Iterator[Command]:
    yield from _tiles(keys, seed)
    yield from _recent(keys, seed)


def _tiles(keys: Keys, seed: Seed) -> Iterator[Command]:
    for tile_table, tiles in seeding.tile_tables(keys.plan, seed).values():
        rows, ttl = seeding.columns(tile_table, tiles), keys.lifetime_ms(tile_table)
        for id_, part in tiles.by_id():
            key, pairs = keys.tiles(tile_table, id_), []
            for number, row in zip(tiles.n[part].tolist(), rows[part].tolist(), strict=True):
                pairs += [number, redis_rows.packed(row)]
            yield ("HSET", key, *pairs)
            yield ("PEXPIRE", key, ttl)


def _recent(keys: Keys, seed: Seed) -> Iterator[Command]:
    """The recent events: what their outcomes need, and their moments."""
    if seed.as_of is None:
        return
    usecase, names = keys.plan.usecase, keys.plan.remembered
    first = seeding.number(seed.as_of) - 1 - keys.late_days
    hashes: dict[bytes, dict[str, list[int]]] = defaultdict(dict)
    for event in seed.events():
        key, ttl = event[usecase.key], keys.remembered_ms
        day = micros(event[str(usecase.time)]) // DAY
        remembered = plain_values.dumps([day, *(event[n] for n in names)])
        yield ("SET", keys.event(key), remembered, "PX", ttl)
        added, known = seeding.recent_entries(keys.plan, event)
        if known is not None:
            late = plain_values.late(usecase, event)
            yield ("SET", keys.outcome(key), plain_values.dumps([known, *late]), "PX", ttl)
        for entry in added:
            if entry.number >= oldest(keys.plan.tile_tables[entry.tile_table], first):
                _add(hashes, keys, entry, day)
    for name, rows in hashes.items():
        pairs = [one for field, row in rows.items() for one in (field, redis_rows.packed(row))]
        yield ("HSET", name, *pairs)
        yield ("PEXPIRE", name, keys.claimed_ms)


def _add(hashes: dict[bytes, dict[str, list[int]]], keys: Keys, entry: Any, day: int) -> None:
    for name, (field, *_) in keys.packed(entry, day):
        width = keys.plan.tile_tables[entry.tile_table].width
        row = hashes[name].setdefault(field, [0] * width)
        for column, amount in entry.increments:
            row[column] += amount
