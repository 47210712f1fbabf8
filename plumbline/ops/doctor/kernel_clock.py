"""What Linux says of its clock: whether NTP, PTP or the hypervisor keeps it. An edge: one system call."""

from __future__ import annotations

import ctypes
import sys

UNSYNCHRONISED = 0x40
"""STA_UNSYNC of adjtimex(2)."""
ERROR = 5
"""TIME_ERROR: what the call returns of a clock that nobody keeps."""


class _Timex(ctypes.Structure):
    """The head of `struct timex`, and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def synchronised() -> float | None:
    """The largest error in seconds by the kernel's account; None where nobody keeps the clock, or none can be told."""
    if sys.platform != "linux":
        return None
    timex = _Timex()
    try:
        result = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    if result in (-1, ERROR) or timex.status & UNSYNCHRONISED:
        return None
    return timex.maxerror / 1e6
