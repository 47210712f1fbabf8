"""Times of a request: ISO 8601 text to a naive time on the contract's clock. Pure.

A column's unit names its clock. "UTC", or none: a time with a zone is converted, one without is UTC already. Any
other, as "local": a place's own time, into which no zone is converted, so that none may be given.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from plumbline.core.clocks import is_local as is_local
from plumbline.serve.online.refusals import Fault, shown

EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)
PATTERN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d))?",
    re.ASCII,
)
LONGEST = 40
EXPECTED = "an ISO 8601 time such as 2025-03-01T12:00:00"


def expected(local: bool) -> str:
    """What a column of times takes, in words."""
    return f"{EXPECTED}, local and without a zone" if local else f"{EXPECTED}Z"


def parse(text: object, local: bool) -> datetime:
    """A naive time; Fault where the text is none, or no time that there is."""
    match = PATTERN.fullmatch(text) if isinstance(text, str) and len(text) <= LONGEST else None
    if match is None:
        raise Fault(shown(text), expected(local))
    year, month, day, hour, minute, second, fraction, utc, sign, hours, minutes = match.groups()
    _check_clock(text, hour, second or "", fraction or "")
    try:
        plain = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
    except ValueError as error:
        raise Fault(shown(text), f"a time of the calendar ({error})") from None
    plain += MICROSECOND * int((fraction or "").ljust(6, "0")[:6])
    if utc is None and sign is None:
        return plain
    if local:
        raise Fault(shown(text), expected(local))
    return plain if utc else _to_utc(text, plain, sign, hours, minutes)


def _check_clock(text: object, hour: str, second: str, fraction: str) -> None:
    if hour == "24":
        raise Fault(shown(text), "the hours 00 to 23: 24:00 is 00:00 of the next day")
    if second == "60":
        raise Fault(shown(text), "the seconds 00 to 59: a leap second has no place on this clock")
    if fraction[6:].strip("0"):
        raise Fault(
            shown(text),
            "at most six digits of a second: the contract's times are whole microseconds",
        )


def _to_utc(text: object, plain: datetime, sign: str, hours: str, minutes: str) -> datetime:
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        if int(minutes) > 59:
            raise ValueError("minutes of a zone")
        return plain.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise Fault(
            shown(text), "a zone from -23:59 to +23:59, and a time from the years 1 to 9999"
        ) from None


def micros(time: datetime) -> int:
    """Microseconds since 1970 of a naive time.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1))
    1000000
    """
    return (time - EPOCH) // MICROSECOND
