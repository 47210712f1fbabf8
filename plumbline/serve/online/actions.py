"""What is done about an event: what was decided, but for a few whose decision would withhold the outcome.

A blocked event never gets a label, so that nothing is learnt of it, and no estimate knows what the block was worth. A
share of these events pass all the same, drawn by a hash of the routes' salt and the key: a retry and a replay draw
the same. How probable the action was stands beside it (`propensity`), and estimates weight by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from plumbline.core.errors import SpecError, suggest
from plumbline.model.bundle import Bundle
from plumbline.serve.online.scorer import Scored
from plumbline.serve.protocols import Key

ALARM, NONE, PASS = "alarm", "none", "pass"
SPACE = 2**64


class Action(NamedTuple):
    """What is done; `propensity`: how probable that was for this event."""

    name: str
    propensity: float


class Actions:
    """`share`: of events that pass all the same; `withhold`: decisions without an outcome, or "alarm"."""

    def __init__(self, share: float, withhold: Sequence[str]) -> None:
        self._share, self._withhold = share, frozenset(withhold)

    def check(self, bundle: Bundle) -> None:
        """SpecError where the bundle decides nothing of this name."""
        known = [*_decisions(bundle), *([ALARM] if bundle.threshold is not None else [])]
        unknown = sorted(self._withhold.difference(known)) if self._share else []
        if unknown:
            hint = suggest(unknown[0], known) if known else "the model decides nothing"
            raise SpecError(
                f"serve.withhold: '{unknown[0]}' is no decision of the model; {hint}. Or set serve.explore to 0: every event "
                "is treated as decided"
            )

    def of(self, scored: Scored, key: Key, bundle: Bundle, salt: str) -> Action:
        """What is done about an event that this bundle scored."""
        plain = planned(scored)
        if not self._share or not self._withholds(scored):
            return Action(plain, 1.0)
        if drawn(salt, key) >= self._share:
            return Action(plain, 1.0 - self._share)
        return Action(self._passing(scored, bundle, plain), self._share)

    def _withholds(self, scored: Scored) -> bool:
        return scored.decision in self._withhold or bool(scored.alarm and ALARM in self._withhold)

    def _passing(self, scored: Scored, bundle: Bundle, plain: str) -> str:
        """The mildest decision that withholds nothing."""
        if scored.decision is None:
            return NONE
        policy = bundle.manifest.decisions
        mild = (one for one in (policy.names if policy else ()) if one not in self._withhold)
        first = next(mild, PASS)
        return PASS if first == plain else first


def planned(scored: Scored) -> str:
    """What an event's answer says is to be done: the decision, else whether there is an alarm."""
    if scored.decision is not None:
        return scored.decision
    return "" if scored.alarm is None else (ALARM if scored.alarm else NONE)


def drawn(salt: str, key: Key) -> float:
    """A number in [0, 1) of a key, evenly spread, and not that by which an arm is chosen.

    >>> drawn("a", 5) == drawn("a", 5), 0 <= drawn("a", "5") < 1
    (True, True)
    """
    digest = blake2b(f"{salt}\0explore\0{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / SPACE


def _decisions(bundle: Bundle) -> list[str]:
    policy = bundle.manifest.decisions
    return [*map(str, bundle.classes), *(policy.names if policy else ())]
