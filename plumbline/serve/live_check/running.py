"""The live check's turns: every few seconds, in a thread beside the loop."""

from __future__ import annotations

import asyncio
import logging

from plumbline.core.errors import PlumblineError
from plumbline.serve.live_check.check import LiveCheck

SECONDS = 5.0
log = logging.getLogger("plumbline")


async def run(usecase: str, check: LiveCheck) -> None:
    """Until it is cancelled. A check that fails is a warning, once; the service goes on."""
    before = ""
    while True:
        await asyncio.sleep(SECONDS)
        try:
            await asyncio.to_thread(check.turn)
            before = ""
        except (PlumblineError, OSError, ValueError) as error:
            if str(error) != before:
                before = str(error)
                log.warning("%s: the live check cannot judge: %s", usecase, error)
