"""What the run's log says of a source before it is read."""

from __future__ import annotations

import logging

from plumbline.data.sources import EventSource

log = logging.getLogger("plumbline")


def announce(source: EventSource) -> None:
    """Its name, and what the user should know beside."""
    log.info("data: reading %s", source.name)
    for line in source.warnings:
        log.warning("data: %s", line)
