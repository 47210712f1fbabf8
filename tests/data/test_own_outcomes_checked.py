"""Outcomes with a table of their own under validation: which are set aside, and what past months' labels are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from plumbline.core.errors import ContractError
from stages import validate
from tests.code.test_own_outcomes import EVENTS, PARAMS
from tests.sales import SALES, ingest, write_csv

DAYS = 84
SOLD = [f"{n},2025-01-{1 + n % 28:02d} 10:00:00,north,250,2,1.5,true" for n in range(DAYS)]
TOLD = [f"{n},2025-02-{1 + n % 25:02d} 10:00:00,{n % 2}" for n in range(DAYS)]


def run(
    patch: pytest.MonkeyPatch, folder: Path, *more: str, sold: list[str] = SOLD, **settings: Any
) -> dict[str, Any]:
    """Run data and validate over SOLD, TOLD and more outcomes; validate's metrics."""
    write_csv(folder / "a.csv", *sold, header=EVENTS)
    write_csv(folder / "o.csv", *TOLD, *more, header="sale_id,known_at,returned")
    ingest(patch, folder, PARAMS | {"outcomes": {"path": "o.csv"}} | settings)
    accepted = folder / "accepted.json"
    if not accepted.exists():
        accepted.write_text("{}\n", encoding="utf-8")
    whole = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    whole["sales"]["validate"] = {"max_quarantine": 0.05}
    Path("params.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
    patch.setattr(validate, "load_contract", lambda name: SALES)
    names = ("valid", "quarantine", "profile.json", "docs", "metrics.json")
    validate.main("sales", Path("raw"), accepted, *(Path(n) for n in names))
    result: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return result


def kept(folder: Path, key: int) -> list[int]:
    """The outcomes of an event that passed, in the order in which they became known."""
    files = sorted((folder / "valid").glob("outcomes-*"))
    rows = [r for f in files for r in pq.read_table(f).to_pylist()]
    return [r["returned"] for r in rows if r["sale_id"] == key]


def test_corrections_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = run(monkeypatch, tmp_path, "3,2025-03-05 10:00:00,0", "3,2025-03-06 10:00:00,1")
    assert result["rows"]["outcomes"] == {"in": DAYS + 2, "out": DAYS + 2, "set_aside": 0}
    assert kept(tmp_path, 3) == [1, 0, 1]


def test_an_outcome_known_before_its_event_is_set_aside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = run(monkeypatch, tmp_path, "3,2025-01-04 09:59:59,1")
    assert result["quarantined"]["outcomes"] == {"known_at.early": 1}
    assert kept(tmp_path, 3) == [1]
    aside = pq.read_table(tmp_path / "quarantine" / "outcomes.parquet").to_pylist()
    assert [(r["key"], r["reason"]) for r in aside] == [("3", "early")]


def test_of_two_outcomes_at_one_moment_neither_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    at = "2025-03-05 10:00:00"
    result = run(monkeypatch, tmp_path, f"3,{at},0", f"3,{at},1")
    assert result["quarantined"]["outcomes"] == {"known_at.tie": 2}
    assert kept(tmp_path, 3) == [1]
    (words,) = [w for w in result["warnings"] if "tie" in w]
    assert "one outcome of an event at one known_at" in words


def test_outcomes_of_an_event_that_is_set_aside_go_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sold = [s.replace(",north,", ",,") if s.startswith("3,") else s for s in SOLD]
    result = run(monkeypatch, tmp_path, "3,2025-03-05 10:00:00,0", sold=sold)
    assert result["quarantined"]["outcomes"] == {"sale_id.event": 2}


def test_an_event_twice_leaves_one_with_all_its_outcomes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = run(monkeypatch, tmp_path, "3,2025-03-05 10:00:00,0", sold=[*SOLD, SOLD[3]])
    assert result["quarantined"] == {"events": {"sale_id.unique": 1}, "outcomes": {}}
    assert kept(tmp_path, 3) == [1, 0]


def test_many_outcomes_before_their_events_stop_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    early = [f"{n},2024-12-01 10:00:00,1" for n in range(10)]
    with pytest.raises(ContractError, match=r"'known_at', check 'early'.*known after its event"):
        run(monkeypatch, tmp_path, *early)


def test_a_correction_rewrites_no_accepted_month(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(monkeypatch, tmp_path, as_of="2025-03-01")
    (tmp_path / "accepted.json").write_bytes((tmp_path / "profile.json").read_bytes())
    later = run(monkeypatch, tmp_path, "3,2025-03-05 10:00:00,0")
    assert not [w for w in later["warnings"] if "accepted profile" in w]
    monkeypatch.setattr(
        "tests.data.test_own_outcomes_checked.TOLD", [*TOLD[:-1], TOLD[-1][:-1] + "0"]
    )
    rewritten = run(monkeypatch, tmp_path, "3,2025-03-05 10:00:00,0")
    assert [w for w in rewritten["warnings"] if "past months differ" in w]
