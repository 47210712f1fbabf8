"""Data let through for a reason until a day: used, expired, not needed, and refused at load."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from plumbline.core.errors import ContractError, ParamsError
from plumbline.validate import waivers
from plumbline.validate.params import Validate
from tests.orders import AS_OF, LIST, MINUTES, Run, done, good, run, write_raw

__all__ = ["done", "run"]

NEXT = "2025-03-05"
"""A day after as_of."""
BAD = {"amount_cents": "CASE WHEN i IN (20, 21) THEN -1 ELSE 5 END"}
BLOCKED = {"severity": {"amount_cents.range": "block"}}


def waiver(check: str = "amount_cents.range", **given: Any) -> dict[str, Any]:
    plain = {"reason": "refunds of the old shop, seen", "by": "anna", "expires": NEXT}
    return {"check": check, **plain, **given}


def metrics(run: Run) -> dict[str, Any]:
    return json.loads((run.path / "metrics.json").read_text())


def kept(run: Run) -> int:
    return metrics(run)["rows"]["events"]["out"]


@pytest.mark.capability("G9")
def test_blocked_rows_go_through_with_the_reason_in_every_report(run: Run) -> None:
    write_raw(run.raw, good(60, **BAD))
    with pytest.raises(ContractError, match="amount_cents"):
        run.go(**BLOCKED)
    run.go(**BLOCKED, waivers=[waiver()])
    [use] = metrics(run)["waivers"]
    assert use == {**waiver(), "state": "used", "rows": 2}
    words = "let through: amount_cents.range (2 rows): refunds of the old shop, seen (anna, until"
    assert any(words in line for line in metrics(run)["warnings"])
    assert words in (run.path / "docs" / "index.html").read_text()
    assert kept(run) == 60


def test_rows_that_would_be_set_aside_stay(run: Run) -> None:
    write_raw(run.raw, good(60, **BAD))
    run.go(max_quarantine=0.1, waivers=[waiver(rows=2)])
    assert kept(run) == 60
    assert metrics(run)["waivers"][0]["rows"] == 2


@pytest.mark.capability("G9")
def test_on_the_day_it_expires_it_blocks_again(run: Run) -> None:
    write_raw(run.raw, good(60, **BAD))
    with pytest.raises(
        ContractError, match=rf"let through by anna until {AS_OF} \(refunds.*decide again"
    ):
        run.go(**BLOCKED, waivers=[waiver(expires=AS_OF)])
    assert not (run.path / "valid").exists()


def test_an_expired_one_sets_aside_again_and_is_reported(run: Run) -> None:
    write_raw(run.raw, good(60, **BAD))
    run.go(max_quarantine=0.1, waivers=[waiver(expires="2025-01-01")])
    assert kept(run) == 58
    assert metrics(run)["waivers"][0]["state"] == "expired"
    assert any(line.startswith("no longer let through: ") for line in metrics(run)["warnings"])


def test_more_rows_than_were_looked_at_stop_the_run(run: Run) -> None:
    write_raw(run.raw, good(60, **BAD))
    with pytest.raises(ContractError, match=r"for at most 1 rows, found 2"):
        run.go(**BLOCKED, waivers=[waiver(rows=1)])


def test_the_share_of_rows_set_aside_can_be_let_through(run: Run) -> None:
    write_raw(run.raw, good(60, **BAD))
    with pytest.raises(ContractError, match="at most 1 % may be"):
        run.go(max_quarantine=0.01)
    run.go(max_quarantine=0.01, waivers=[waiver("events.max_quarantine", rows=2)])
    assert kept(run) == 58
    late = waiver("events.max_quarantine", expires="2025-02-01")
    with pytest.raises(ContractError, match="until 2025-02-01"):
        run.go(max_quarantine=0.01, waivers=[late])


def test_rows_that_are_all_bad_are_never_let_through_as_a_share(run: Run) -> None:
    write_raw(run.raw, good(60, amount_cents="-1"))
    with pytest.raises(ContractError, match="60 of 60 rows"):
        run.go(waivers=[waiver("events.max_quarantine")])


def test_a_window_that_moved_can_be_let_through(run: Run, done: Path) -> None:
    run.accepted.write_bytes((done / "profile.json").read_bytes())
    write_raw(run.raw, good(600, ordered_at=MINUTES, amount_cents="90000"))
    severity = {"severity": {"amount_cents.mean": "block"}}
    with pytest.raises(ContractError, match="amount_cents"):
        run.go(**severity)
    run.go(**severity, waivers=[waiver("amount_cents.mean")])
    assert metrics(run)["waivers"][0]["state"] == "used"


def test_a_day_of_too_few_rows_can_be_let_through(run: Run, done: Path) -> None:
    run.accepted.write_bytes((done / "profile.json").read_bytes())
    write_raw(run.raw, good(300, ordered_at=MINUTES))
    severity = {"severity": {"rows": "block"}}
    with pytest.raises(ContractError, match="rows"):
        run.go(**severity)
    run.go(**severity, waivers=[waiver("rows of a day.rows"), waiver("rows per day, ratio.rows")])
    assert {use["state"] for use in metrics(run)["waivers"]} == {"used"}


def test_one_that_nothing_needs_is_reported(run: Run) -> None:
    write_raw(run.raw, good())
    run.go(waivers=[waiver()])
    assert metrics(run)["waivers"][0]["state"] == "not needed"
    assert metrics(run)["checks"]["failed"] == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (waiver("amount_cent.range"), "no column 'amount_cent'; did you mean 'amount_cents'"),
        (waiver("amount_cents.rang"), "did you mean 'range'"),
        (waiver("range"), "expected column.check"),
        (waiver("amount_cents.type"), "nothing after 'type' can be trusted"),
        (waiver("order.max_quarantine"), "no table 'order'"),
        (waiver("amount_cents.mean"), "only warns, and stops nothing"),
        (waiver(reason=""), "waivers.0.reason.*expected words of 3 letters"),
        (waiver(by=" ."), "waivers.0.by.*expected words of 3 letters"),
        (waiver(reason="two\nlines"), "in one line"),
        ({k: v for k, v in waiver().items() if k != "reason"}, "waivers.0.reason: missing"),
        ({k: v for k, v in waiver().items() if k != "expires"}, "waivers.0.expires: missing"),
        (waiver(expires="soon"), "waivers.0.expires"),
        (waiver(rows=0), "waivers.0.rows"),
        (waiver(until="2025-01-01"), "unknown key"),
    ],
)
def test_what_is_refused_before_any_data_is_read(run: Run, given: Any, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        run.go(waivers=[given])


def test_two_of_one_check_are_refused(run: Run) -> None:
    with pytest.raises(ParamsError, match=r"two of amount_cents\.range"):
        run.go(waivers=[waiver(), waiver()])


def test_without_an_as_of_date_nothing_expires_and_so_nothing_passes() -> None:
    limits = Validate.model_validate({"waivers": [waiver()]})
    with pytest.raises(ParamsError, match=r"expires by data\.as_of, which is not set"):
        waivers.of(LIST, limits, None)
    assert waivers.of(LIST, limits, date(2025, 1, 1)).active("amount_cents.range")
