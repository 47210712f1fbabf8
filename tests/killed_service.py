"""A service of parcels that answers until it is killed: `python -m tests.killed_service BASE FOLDER DURABLE`.

Each answer is a line of JSON: the request's number, when it was given, its body.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from plumbline.serve.service import Service
from tests import serviced
from tests.serviced import body, parcel

TOGETHER = 4


def request(number: int) -> bytes:
    """One event, or two of the same sender."""
    return body(*(parcel(number * 2 + i, sender=number % 5) for i in range(1 + number % 2)))


async def _answers(service: Service, number: int) -> None:
    """Every fourth request from `number` on, answered as HTTP does it."""
    while True:
        reply = await service.settled(service.score(request(number), f"r{number}"))
        assert reply.status == 200
        line = json.dumps([number, time.monotonic(), reply.body.decode()])
        os.write(1, f"{line}\n".encode())
        number += TOGETHER
        await asyncio.sleep(0)


async def _serve(service: Service) -> None:
    await asyncio.gather(*(_answers(service, i) for i in range(TOGETHER)))


if __name__ == "__main__":
    base, folder, durable = sys.argv[1:]
    with serviced.serving(Path(base), Path(folder), durable=durable == "True") as one:
        asyncio.run(_serve(one))
