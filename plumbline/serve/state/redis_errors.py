"""What a server that cannot be used is called, without its address, which may hold a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from plumbline.serve.protocols import StateError


def lost() -> StateError:
    return StateError(
        "Redis does not have the online state any more; restart the service, which fills it from tiles and log"
    )


@contextmanager
def redis_errors() -> Iterator[None]:
    """Raise what the client library raises as StateError, without the address, which may hold a password."""
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StateError(f"the online state in Redis cannot be reached: {text}") from None
