"""Which keys a day's file cannot hold, from memory: a Bloom filter.

A new event's key is in no file, and this says so without a look at the disk. With a million keys it errs in
one of 200 looks, and only towards looking.

B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970.
"""

from __future__ import annotations

from collections.abc import Iterable

from plumbline.serve.protocols import Key

BITS = 2**24
MASK = BITS - 1


class KeyFilter:
    """The keys that were added, and a few that look like them; 2 MiB."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._bits = bytearray(BITS // 8)
        for key in keys:
            self.add(key)

    def add(self, key: Key) -> None:
        """Remember a key."""
        bits, h = self._bits, hash((key, BITS))
        for place in (h & MASK, h >> 20 & MASK, h >> 40 & MASK):
            bits[place >> 3] |= 1 << (place & 7)

    def may_hold(self, key: Key) -> bool:
        """False: the key was never added.

        >>> KeyFilter([1, "1"]).may_hold(2)
        False
        """
        bits, h = self._bits, hash((key, BITS))
        place = h & MASK
        if not bits[place >> 3] >> (place & 7) & 1:
            return False
        second, third = h >> 20 & MASK, h >> 40 & MASK
        return bool(bits[second >> 3] >> (second & 7) & 1 and bits[third >> 3] >> (third & 7) & 1)
