"""A service killed under load: its state is the fold of its log, and what was answered is answered again."""

from __future__ import annotations

import asyncio
import json
import random
import sys

import pytest

from tests import forked, serviced
from tests.killed_service import request
from tests.serviced import body, counts, parcel


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return serviced.made(tmp_path_factory.mktemp("service"))


@pytest.mark.parametrize("durable", [False, True])
def test_the_state_after_a_kill_is_the_fold_of_the_log(base, tmp_path, durable):
    words = [sys.executable, "-m", "tests.killed_service", base, tmp_path / "s", durable]
    data, _ = forked.killed_command([str(word) for word in words], 0.3)
    given = [json.loads(line) for line in data.decode().split("\n")[:-1]]
    assert len(given) > 20
    with serviced.serving(base, tmp_path / "s") as again:
        rows = list(again.parts.reader.rows())
        keys = {row.key for row in rows}
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
        assert counts(again) == (len(rows), len(rows))
        assert all(number * 2 in keys for number, _, _ in given)
        kept = [(number, answer) for number, _, answer in given if number * 2 in keys]
        random.Random(7).shuffle(kept)
        for number, answer in kept:  # what is known is answered as it was, and counts nothing
            assert again.score(request(number), "again").body.decode() == answer
        assert counts(again) == (len(rows), len(rows))
        probe = body(*(parcel(10**6 + i, 1, sender=i) for i in range(5)))
        features = again.features(probe).body
    with serviced.serving(base, tmp_path / "s") as third:
        assert third.features(probe).body == features


@pytest.mark.parametrize("durable", [False, True])
def test_retries_shuffled_and_at_once_are_the_same_bytes(base, tmp_path, durable):
    async def all_of(service, numbers: list[int]) -> list[bytes]:
        async def one(number: int) -> bytes:
            await asyncio.sleep(0)
            reply = await service.settled(service.score(request(number), "r"))
            return reply.body

        return await asyncio.gather(*map(one, numbers))

    with serviced.serving(base, tmp_path / "s", durable=durable) as service:
        numbers = list(range(60)) * 3
        random.Random(7).shuffle(numbers)
        answers = asyncio.run(all_of(service, numbers))
        by_number = dict(zip(numbers, answers, strict=True))
        assert [by_number[number] for number in numbers] == answers
        assert counts(service) == (90, 90)
        assert asyncio.run(all_of(service, numbers)) == answers
        assert counts(service) == (90, 90)
