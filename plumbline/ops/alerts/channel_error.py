"""A channel that could not be reached, with secrets removed from the reason."""

from __future__ import annotations

from collections.abc import Iterable

from plumbline.core.errors import PlumblineError
from plumbline.core.safe_text import one_line


class ChannelError(PlumblineError):
    """A channel was not reached; the run goes on."""


def redacted(text: object, secrets: Iterable[str]) -> str:
    """Text in one line, with the secrets replaced.

    >>> redacted("no such host: hooks.example.com/abc", ["hooks.example.com/abc"])
    'no such host: ***'
    """
    shown = str(text)
    for secret in sorted((s for s in secrets if s), key=len, reverse=True):
        shown = shown.replace(secret, "***")
    return one_line(shown, 200)
