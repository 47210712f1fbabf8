"""Hostile request bodies against a service: none may be a 500, or take long, or make memory grow.

`python -m bench.hostile_bodies [--count 10000] [--seed 1] [--url http://127.0.0.1:8400 --usecase NAME
[--token T]]`. Without `--url` the bodies go through checks and scorer of models/USECASE in this process.
Good events are mixed in: a service that refuses everything would pass, too.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench import hostile_targets
from bench.hostile_targets import Target
from plumbline.core import usecase_loader
from plumbline.core.usecase import FeatureSet
from plumbline.serve.online import examples, scorer

GOOD = "good"
SLOW = 2.0
"""Seconds that no body may take."""
GROWTH = 200
"""MB by which memory may grow."""
ODD: tuple[Any, ...] = (
    *(0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**30, 10**400, -0.0),
    *(0.1, 1e308, -1e308, 5e-324, 1e39, 3.5e38, float("inf"), float("nan"), True, False, None),
    *("", " ", "0", "1", "-1", "1e5", "NaN", "null", "true", "\0", "\ud800", "\udfff", "\U0001f4a9"),
    *("a" * 5_000, "é", "e\u0301", "\u202e", "../../etc/passwd", "'; DROP TABLE events; --", "${jndi:x}"),
    *("<script>alert(1)</script>", "{{7*7}}", "%s%n", "\r\nX: y", [], {}, [None], {"a": 1}, [[1]], [1] * 99),
)  # fmt: skip
TIMES = (
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z", "10000-01-01T00:00:00Z"),
    *("2016-12-31T23:59:60Z", "2025-03-01T24:00:00Z", "2025-02-30T00:00:00Z", "2025-03-01", "now", "12:00"),
    *("2025-03-01T12:00:00+99:99", "2025-03-01T12:00:00+24:00", "0001-01-01T00:00:00+14:00"),
    *("9999-12-31T23:59:59-14:00", "2025-W10-1T12:00:00", "20250301T120000Z", "1740830400", "-1-01-01T00:00:00Z"),
    *("2025-03-01T12:00:00.1234567890123Z", "2025-03-01T12:00:00Z" * 500, "٢٠٢٥-٠٣-٠١T١٢:٠٠:٠٠Z", "\ud800"),
)  # fmt: skip
RAW = (
    *(b"", b" ", b"\0", b"\xff\xfe", b"\xef\xbb\xbf{}", b"null", b"NaN", b"-Infinity", b"1", b'""', b"[]", b"{}"),
    *(b"[" * 100_000, b'{"a":' * 50_000, b"[" * 900 + b"]" * 900, b'{"events":' * 800, b"[[],[]" * 20_000),
    *(b"1" * 4_000, b"1" * 100_000, b"1e999999999", b"-0", b"01", b"+1", b".5", b"1.", b"0x10", b"1e", b"tru"),
    *(b'{"a":1,"a":2}', b'{"":1}', b'{"a" 1}', b"{'a':1}", b'{"a":1,}', b"/*x*/{}", b'"\\u12"', b'"\\x"'),
    *(b'"' + b"a" * 1_000_000 + b'"', b"[" + b"0," * 200_000 + b"0]", b"[" + b"{}," * 1_000 + b"{}]"),
    *(b'{"events":[]}', b'{"events":{}}', b'{"events":[null]}', b'{"events":[[]],"events":[]}', b"\xc0\xaf"),
)  # fmt: skip


@dataclass
class Record:
    """What came of the bodies: how many of each kind and status, the slowest, MB of memory added."""

    statuses: Counter[int] = field(default_factory=Counter)
    kinds: Counter[tuple[str, int]] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    grown: float = 0.0

    @property
    def faults(self) -> list[str]:
        """What must not be."""
        listed = [f"{n} answers with {s}" for s, n in self.statuses.items() if s >= 500]
        good = {s: n for (kind, s), n in self.kinds.items() if kind == GOOD}
        if set(good) != {200}:
            listed.append(f"good events were answered with {good}")
        if self.slowest[0] > SLOW:
            listed.append(f"{self.slowest[0]:.2f} s for a body of kind {self.slowest[1]}")
        if self.grown > GROWTH:
            listed.append(f"memory grew by {self.grown:.0f} MB")
        return listed


@dataclass(frozen=True)
class Draw:
    """What a hostile body is made of: a good event of the use case, and chance."""

    case: FeatureSet
    event: dict[str, Any]
    chance: random.Random


def run(
    target: Target, drawn: Iterator[tuple[str, bytes]], memory: Callable[[], float] | None = None
) -> Record:
    """Send every body; the first hundred warm up. `memory`: MB used by who answers."""
    record, before, used = Record(), 0.0, memory or _memory
    for place, (kind, body) in enumerate(drawn):
        started = time.perf_counter()
        status = target(body)
        record.slowest = max(record.slowest, (time.perf_counter() - started, kind))
        record.statuses[status] += 1
        record.kinds[kind, status] += 1
        before = used() if place == 100 else before
    record.grown = used() - before if before else 0.0
    return record


def drawn(case: FeatureSet, count: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """So many bodies with their kinds, a tenth of them good."""
    chance = random.Random(seed)
    makers = [*KINDS.items()]
    for place in range(count):
        event = _event(case, chance, place)
        if place % 10 == 0:
            yield GOOD, json.dumps({"events": [event]}).encode()
            continue
        kind, make = makers[chance.randrange(len(makers))]
        yield kind, make(Draw(case, event, chance))


def _event(case: FeatureSet, chance: random.Random, place: int) -> dict[str, Any]:
    """A good event of its own key."""
    event = examples.event(case, datetime.now(UTC).replace(tzinfo=None))
    number = int(time.time() * 1_000) * 100_000 + place
    key = number % 2**53 if isinstance(event[case.key], int) else f"{place}-{number}"
    ids = {n: chance.randrange(1_000) for n in case.entity_columns if isinstance(event[n], int)}
    return {**event, **ids, case.key: key}


def _value(one: Draw) -> bytes:
    """One to three columns with odd values."""
    names = one.chance.sample(list(one.event), k=min(len(one.event), one.chance.randint(1, 3)))
    return _dump({**one.event, **{n: one.chance.choice(ODD) for n in names}})


def _time(one: Draw) -> bytes:
    name = one.case.time or one.case.key
    far = (datetime.now(UTC) + timedelta(days=one.chance.randint(-90, 90))).isoformat()
    return _dump({**one.event, name: one.chance.choice((*TIMES, far))})


def _name(one: Draw) -> bytes:
    """A column lost, renamed, of the outcome, or many that are unknown."""
    name = one.chance.choice(list(one.event))
    less = {n: v for n, v in one.event.items() if n != name}
    odd = [c.name for c in one.case.unknown]
    more = {
        f"{name}{i}" * one.chance.choice((1, 50)): i
        for i in range(one.chance.choice((1, 5, 3_000)))
    }
    return _dump(one.chance.choice((less, {**less, name.upper(): one.event[name]}, {**one.event, odd[0]: 1}, {**one.event, **more}, {**one.event, one.chance.choice(("\ud800", "\0", "")): 1})))  # fmt: skip


def _shape(one: Draw) -> bytes:
    """Good events in shapes that are none."""
    nested: Any = one.event
    for _ in range(one.chance.choice((1, 5, 200))):
        nested = [nested] if one.chance.random() < 0.5 else {"events": nested}
    many = [{**one.event, one.case.key: None}] * one.chance.choice((1, 999, 1_000, 1_001, 5_000))
    return _dump(one.chance.choice((nested, many, {"events": one.event}, {"events": [one.event], "more": 1}, [one.event, one.chance.choice(ODD)])))  # fmt: skip


def _many(one: Draw) -> bytes:
    """Up to a thousand events, each with faults of its own."""
    count = one.chance.choice((2, 50, 1_000))
    return _dump([{**one.event, f"x{i}": i, f"y{i}": 1, one.case.key: one.chance.choice(ODD[:9])} for i in range(count)])  # fmt: skip


def _bytes(one: Draw) -> bytes:
    """A good body cut, with bytes changed, twice, or in another encoding."""
    body = bytearray(json.dumps(one.event).encode())
    for _ in range(one.chance.randint(1, 8)):
        body[one.chance.randrange(len(body))] = one.chance.randrange(256)
    text = json.dumps(one.event)
    cut = text[: one.chance.randrange(len(text))].encode()
    return one.chance.choice((bytes(body), cut, (text + text).encode(), text.encode("utf-16"), text.replace("}", f", {text[1:]}").encode()))  # fmt: skip


def _noise(one: Draw) -> bytes:
    return one.chance.randbytes(one.chance.choice((1, 20, 2_000)))


def _raw(one: Draw) -> bytes:
    return one.chance.choice(RAW)


def _number(one: Draw) -> bytes:
    """Numbers as no program writes them."""
    written = one.chance.choice(("1E400", "-1e400", "1e-400", "1.0", "1.5", "-0", "-0.0", "00", "+1", "1e2", "9" * 4_000, "9" * 5_000, "0." + "3" * 999, "1_000", "1e+2", "NaN", "Infinity"))  # fmt: skip
    names = [n for n, v in one.event.items() if not isinstance(v, str)] or list(one.event)
    return json.dumps({**one.event, one.chance.choice(names): "@"}).replace('"@"', written).encode()


KINDS: Mapping[str, Callable[[Draw], bytes]] = {
    "values": _value,
    "times": _time,
    "names": _name,
    "shapes": _shape,
    "many": _many,
    "bytes": _bytes,
    "noise": _noise,
    "no events": _raw,
    "numbers": _number,
}


def _dump(value: Any) -> bytes:
    """JSON as hostile clients write it: NaN, and half characters as they are or escaped."""
    try:
        return json.dumps(value).encode()
    except RecursionError:
        return b"[" * 10_000


def _memory() -> float:
    """MB that this process used at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Print the record; 1 where something was that must not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--usecase", default="card_fraud")
    parser.add_argument("--url")
    parser.add_argument("--token")
    given = parser.parse_args()
    case = usecase_loader.load_features(given.usecase)
    if given.url:
        opened = hostile_targets.over_http(given.url, given.usecase, given.token)
    else:
        opened = nullcontext(
            hostile_targets.in_process(scorer.load(Path("models") / given.usecase))
        )
    with opened as target:
        memory = partial(hostile_targets.memory_of, given.url, given.token) if given.url else None
        record = run(target, drawn(case, given.count, given.seed), memory)
    print(f"{given.count:,} bodies, by status: {dict(sorted(record.statuses.items()))}")
    for (kind, status), count in sorted(record.kinds.items()):
        print(f"  {kind:10} {status} {count:7,}")
    print(
        f"slowest {1_000 * record.slowest[0]:.1f} ms ({record.slowest[1]}); memory grew by {record.grown:.0f} MB"
    )
    print("\n".join(record.faults) or "none is a 5xx")
    return bool(record.faults)


if __name__ == "__main__":
    sys.exit(main())
