"""Data that a check would block or set aside, and that are let through for a reason, until a day.

The day is judged by `data.as_of`, never by the clock: the same commit gives the same result at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from plumbline.core.documents import SparseDocument
from plumbline.core.errors import ContractError, ParamsError, suggest
from plumbline.core.params_base import Severity
from plumbline.core.usecase import Contract
from plumbline.validate.check import checked_column, severity_of
from plumbline.validate.params import SHARE_LIMIT, Validate, Waiver

TABLES = ("events", "outcomes")


class WaiverUse(SparseDocument):
    """A waiver and what became of it: `rows` that it let through, where the check is about rows."""

    check: str
    reason: str
    by: str
    expires: str
    state: Literal["used", "not needed", "expired"]
    rows: int | None = None

    @property
    def words(self) -> str:
        """As logs, reports and the card say it."""
        rows = f" ({self.rows:,} rows)" if self.rows else ""
        text = f"{self.check}{rows}: {self.reason} ({self.by}, until {self.expires})"
        if self.state == "used":
            return f"let through: {text}"
        if self.state == "expired":
            return f"no longer let through: {text}; correct the data, or decide again in validate.waivers"
        return f"nothing to let through: {text}; remove it from validate.waivers"


@dataclass
class Waivers:
    """The waivers of a use case on the day `as_of`, and which of them were used so far, with their rows."""

    usecase: str
    listed: Sequence[Waiver]
    as_of: date | None
    used: dict[str, int | None] = field(default_factory=dict)

    def active(self, check: str) -> Waiver | None:
        """The waiver of the check that has not expired."""
        own = [w for w in self.listed if w.check == check and not self._expired(w)]
        return own[0] if own else None

    def severity(self, chosen: Mapping[str, Severity]) -> Mapping[str, Severity]:
        """`chosen` with a warning for each check that is let through."""
        lifted = [w.check for w in self.listed if not self._expired(w) and w.kind != SHARE_LIMIT]
        return {**chosen, **dict.fromkeys(lifted, "warn")}

    def use(self, check: str, rows: int | None, found: str) -> bool:
        """Whether the check is let through; ContractError, with `found`, where more rows break it than may."""
        waiver = self.active(check)
        if waiver is None:
            return False
        if waiver.rows is not None and rows is not None and rows > waiver.rows:
            raise ContractError(
                f"{found} {self.usecase}.validate.waivers lets {check} through for at most {waiver.rows:,} rows, "
                f"found {rows:,}; look at the data again, and correct them or raise `rows`."
            )
        self.used[check] = rows
        return True

    def expiry(self, check: str) -> str:
        """A sentence where the check was let through until a day that is past; empty elsewhere."""
        gone = [w for w in self.listed if w.check == check and self._expired(w)]
        if not gone:
            return ""
        last = max(gone, key=lambda w: w.expires)
        return (
            f" It was let through by {last.by} until {last.expires} ({last.reason}), and data.as_of is "
            f"{self.as_of}: correct the data, or decide again in {self.usecase}.validate.waivers."
        )

    def uses(self) -> list[WaiverUse]:
        """Every waiver with what became of it."""
        return [self._use(w) for w in self.listed]

    def _use(self, waiver: Waiver) -> WaiverUse:
        state: Literal["used", "not needed", "expired"] = "not needed"
        if self._expired(waiver):
            state = "expired"
        elif waiver.check in self.used:
            state = "used"
        rows = self.used.get(waiver.check) if state == "used" else None
        return WaiverUse(
            check=waiver.check,
            reason=waiver.reason,
            by=waiver.by,
            expires=str(waiver.expires),
            state=state,
            rows=rows,
        )

    def _expired(self, waiver: Waiver) -> bool:
        return self.as_of is None or self.as_of >= waiver.expires


def of(usecase: Contract, limits: Validate, as_of: date | None) -> Waivers:
    """The waivers in params.yaml; ParamsError for one that cannot be, before any data is read."""
    where = f"params.yaml, {usecase.name}.validate.waivers"
    if limits.waivers and as_of is None:
        raise ParamsError(
            f"{where}: a waiver expires by data.as_of, which is not set; set it, or remove the waiver"
        )
    for place, waiver in enumerate(limits.waivers):
        _check(usecase, limits, waiver, f"{where}.{place}.check: ")
    return Waivers(usecase.name, limits.waivers, as_of)


def _check(usecase: Contract, limits: Validate, waiver: Waiver, where: str) -> None:
    if waiver.kind == SHARE_LIMIT:
        if waiver.column not in TABLES:
            raise ParamsError(
                f"{where}there is no table '{waiver.column}'; {suggest(waiver.column, TABLES)}"
            )
        return
    checked_column(usecase, waiver.column, where)
    if severity_of(limits.severity, waiver.column, waiver.kind) == "warn":
        raise ParamsError(
            f"{where}'{waiver.check}' only warns, and stops nothing: remove the waiver"
        )
