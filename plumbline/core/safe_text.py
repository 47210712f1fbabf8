"""Sanitise text that comes from data: one line of visible characters. Pure."""

from __future__ import annotations

import unicodedata


def one_line(text: object, most: int = 400) -> str:
    """One line of at most `most` characters, without those that control, turn or hide text.

    >>> one_line("a\\r\\nBcc: b\\x00\\u202e c")
    'a Bcc: b c'
    """
    plain = " ".join("".join(c for c in str(text) if _printed(c)).split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _printed(character: str) -> bool:
    """Neither a control character nor one that turns or hides text; white space stays."""
    return character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs")
