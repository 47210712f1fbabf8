"""The records of a log's journal: a length and a checksum before each, so that a torn one is known. Pure.

The first record of a segment is the description of its rows, each other the rows of one request. Zeros follow the
last one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from operator import attrgetter
from zlib import adler32

import msgspec

from plumbline.serve.log.rows import Taken
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome

Run = tuple[int, Sequence[LoggedEvent | LoggedOutcome]]
DescribedRun = tuple[int, Sequence[LoggedEvent | LoggedOutcome], str]
Runs = Sequence[Run | DescribedRun]
"""The rows of one request, by the day in whose file they go; with their description where it is not the segment's."""
FORMAT = 1
SIZE, HEAD = 4, 8
"""Bytes of the length, and of length and checksum."""
EVENT = [field.name for field in fields(LoggedEvent)]
OUTCOME = [field.name for field in fields(LoggedOutcome)]
event_values, outcome_values = attrgetter(*EVENT), attrgetter(*OUTCOME)
_encode_into = msgspec.msgpack.Encoder().encode_into
_decode = msgspec.msgpack.Decoder().decode


def beginning(document: str) -> bytes:
    """The first record of a segment whose rows have this description."""
    return _record(msgspec.msgpack.encode((FORMAT, document)))


class Recorder:
    """Makes the records of one log in memory that it keeps: to ask for new memory costs more than the record."""

    def __init__(self) -> None:
        self._memory = bytearray(HEAD)

    def record(self, runs: Runs) -> bytearray:
        """The record of the rows of one request, until the next one is made.

        TypeError or ValueError where a row cannot be written as it is.
        """
        memory = self._memory
        _encode_into(
            [(day, [_values(row) for row in rows], *own) for day, rows, *own in runs], memory, HEAD
        )
        with memoryview(memory) as whole, whole[HEAD:] as payload:
            checksum = adler32(payload)
        memory[:HEAD] = _head(len(memory) - HEAD, checksum)
        return memory


def _values(row: LoggedEvent | LoggedOutcome) -> tuple[object, ...]:
    values: tuple[object, ...] = (
        event_values(row) if isinstance(row, LoggedEvent) else outcome_values(row)
    )
    return values


def rows(data: bytes, after: int = 0) -> Iterator[Taken]:
    """The rows of a segment with a higher sequence, up to its end or the first record that is torn.

    ValueError where it is of another format.
    """
    payloads = _payloads(data)
    first = next(payloads, None)
    if first is None:
        return
    number, document = _beginning(first)
    if number != FORMAT:
        raise ValueError(f"expected format {FORMAT}, found {number}: written by another Plumbline")
    for payload in payloads:
        for day, listed, *own in _decode(payload):
            words = own[0] if own else document
            yield from (Taken(day, _row(one), words) for one in listed if one[0] > after)


def _row(values: list[object]) -> LoggedEvent | LoggedOutcome:
    """The row of these values: an outcome has fewer."""
    if len(values) == len(EVENT):
        event = dict(zip(EVENT, values, strict=True))
        return msgspec.convert(event, LoggedEvent, builtin_types=(bytes,))
    outcome = dict(zip(OUTCOME, values, strict=True))
    return msgspec.convert(outcome, LoggedOutcome, builtin_types=(bytes,))


def _beginning(payload: bytes) -> tuple[int, str]:
    try:
        return msgspec.msgpack.decode(payload, type=tuple[int, str])
    except msgspec.MsgspecError:
        return 0, ""


def _record(payload: bytes) -> bytes:
    return _head(len(payload), adler32(payload)) + payload


def _head(size: int, checksum: int) -> bytes:
    return size.to_bytes(SIZE, "little") + checksum.to_bytes(SIZE, "little")


def _payloads(data: bytes) -> Iterator[bytes]:
    start = 0
    while size := int.from_bytes(data[start : start + SIZE], "little"):
        begin = start + HEAD
        payload, start = data[begin : begin + size], begin + size
        checksum = int.from_bytes(data[begin - SIZE : begin], "little")
        if len(payload) != size or adler32(payload) != checksum:
            return
        yield payload
