"""The bytes of an answer, of a response, of a refusal. Nothing in them differs between a request and its retry. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from plumbline.core.errors import PlumblineError, SpecError
from plumbline.model.bundle import Bundle
from plumbline.serve import scoring
from plumbline.serve.online.refusals import EventRefused
from plumbline.serve.online.scorer import Scored

INELIGIBLE = "ineligible"
ACTION = "action"
RESERVED = (
    scoring.SCORE, scoring.ALARM, scoring.DECISION, ACTION, "arm", "bundle", "flags", INELIGIBLE,
)  # fmt: skip
_encode = msgspec.json.Encoder().encode


class AnswerWriter:
    """Writes the answers of one bundle, with the fields of `scoring.answers`; `key`: the contract's key column."""

    def __init__(self, key: str, bundle: Bundle, arm: str, md5: str) -> None:
        if key in RESERVED:
            raise SpecError(
                f"the key column '{key}' has the name of an answer's field; rename it in contract.py"
            )
        self._key, self._arm, self._md5 = key, arm, md5
        self._alarm = bundle.threshold is not None
        self._decided = bool(bundle.classes) or bundle.manifest.decisions is not None
        names = scoring.probability_names(bundle.classes)
        self._names = tuple(names) if bundle.classes else (scoring.SCORE,)
        self._classes = {str(one): one for one in bundle.classes}

    def write(
        self, key: int | str, scored: Scored, action: str = "", flags: Sequence[str] = ()
    ) -> bytes:
        """One event's answer; null where the model does not score it, and why under `ineligible`.

        `action`: what is to be done, which is what was decided but for events that pass at random.
        """
        score = scored.score or (None,) * len(self._names)
        answer: dict[str, Any] = {self._key: key, **dict(zip(self._names, score, strict=True))}
        if self._alarm:
            answer[scoring.ALARM] = scored.alarm
        if self._decided:
            decision = scored.decision
            answer[scoring.DECISION] = self._classes.get(decision or "", decision)
        if self._alarm or self._decided:
            answer[ACTION] = self._classes.get(action, action) if action else None
        answer |= {"arm": self._arm, "bundle": self._md5, "flags": flags}
        if scored.ineligible:
            answer[INELIGIBLE] = scored.ineligible
        return _encode(answer)


def response(answers: Iterable[bytes]) -> bytes:
    """The body with the answers of a request, in the order of its events."""
    return b'{"answers":[' + b",".join(answers) + b"]}"


def refusal(error: PlumblineError, reason: str = "") -> bytes:
    """The body of a request that is not answered: one message, and of a refusal its problems.

    `reason`: one word, as the metrics count it.
    """
    body: dict[str, Any] = {"error": _text(error), **({"reason": reason} if reason else {})}
    if isinstance(error, EventRefused):
        body |= {"problems": error.problems, "unchecked": error.unchecked}
    return _encode(body)


def _text(error: PlumblineError) -> str:
    return str(error).encode("utf-8", "backslashreplace").decode()
