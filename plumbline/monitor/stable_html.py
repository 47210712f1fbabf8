"""Make an HTML report a function of its content: ids numbered, clock times removed, numbers rounded."""

from __future__ import annotations

import re

UUID = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])"
    r"|(?<=metric_)[0-9a-f]{32}(?![0-9a-f])"
)
"""An id with hyphens anywhere, or one without after Evidently's prefix; never a bare digest."""

STAMP = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:?\d\d)?")
"""A moment to the microsecond: the clock's. The data's days and weeks have no fraction."""


EPOCH = "1970-01-01T00:00:00.000000"

LONG = re.compile(r"(?<![\w.-])-?\d+\.\d{9,}(?:e[+-]?\d+)?(?![\w.])")
"""A number of the data with digits that another processor may not share."""

CODE = "<script>var global"
"""Where Evidently's data end and its library begins."""


def stable(html: str) -> str:
    """The same page with ids renumbered, clock times set to the epoch, numbers of 8 digits.

    Equal ids stay equal and keep their form, so that links inside the page hold. The library that
    follows the data keeps its numbers.

    >>> stable("<i id=01a1fb64-991a-7e94-850a-98c9c33dc41c>")
    '<i id=00000000-0000-0000-0000-000000000001>'
    """
    seen: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        digits = f"{seen.setdefault(match[0], len(seen) + 1):032d}"
        return _hyphens(digits) if "-" in match[0] else digits

    data, code, library = STAMP.sub(EPOCH, UUID.sub(number, html)).partition(CODE)
    return LONG.sub(lambda match: f"{float(match[0]):.8g}", data) + code + library


def loads(html: str) -> list[str]:
    """Addresses that the page's own tags and styles would fetch, sorted; none in a self-contained one."""
    tags = re.findall(
        r"""<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=["']?([^"'\s>]+)""", html
    )
    styles = re.findall(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]+)""", html)
    return sorted({a for a in (*tags, *styles) if not a.startswith(("data:", "#", "${"))})


def _hyphens(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
