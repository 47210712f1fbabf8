"""Features of events in sealed days: as if the commit's data had reached so far."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from plumbline.core import sealed_days
from plumbline.core.declarations import Column
from plumbline.core.errors import ContractError, SourceError
from plumbline.features import backfill, ibis_session
from plumbline.features.params import Features
from plumbline.features.splits import SplitWindow
from plumbline.ops import backfill_served
from tests import sealed, small
from tests.code.test_batch import many
from tests.logged import micros, outcome, row
from tests.small import AS_OF, SMALL
from tests.system.test_backfill import rows

CUT = date(2025, 3, 12)
PARAMS = Features(join="direct", warmup_days=2, valid_days=3, test_days=4, current_days=3)
RANGE = SplitWindow(date(2025, 3, 5), date(2025, 3, 20))
KNOWN = {c.name for c in SMALL.known}
LATE = {c.name for c in SMALL.unknown}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """All valid events; those before CUT; a project whose sealed days have the rest."""
    folder = tmp_path_factory.mktemp("served")
    events = many(800)
    whole = small.write(events, folder / "whole")
    early = small.write(events, folder / "early", CUT)
    midnight, end = (datetime(d.year, d.month, d.day) for d in (CUT, AS_OF))
    later = [(e["at"], False, e) for e in events if midnight <= e["at"] < end]
    later += [(e["known_at"], True, e) for e in events if midnight <= e["known_at"] < end]
    logged = []
    for number, (at, known, e) in enumerate(sorted(later, key=lambda one: (one[0], one[1])), 1):
        values = {n: v for n, v in e.items() if n in (LATE if known else KNOWN)}
        if known:
            told = {"known_at": micros(at), "received": micros(at), "values": values}
            logged.append(outcome(number, e["number"], **told))
        else:
            logged.append(row(number, e["number"], received=micros(at), event=values))
    root = sealed.project(folder / "project", logged)
    sealed.seal(root)
    return whole, early, root / sealed.FOLDER


def filled(valid: Path, folder: Path, as_of: date, *, own: bool) -> dict:
    with ibis_session.connection(threads=1) as backend:
        backfill.write(backend, SMALL, PARAMS, as_of, valid, RANGE, folder, own=own)
    return rows(*sorted(folder.glob("*.parquet")))


@pytest.mark.capability("C34")
def test_sealed_days_give_the_rows_that_the_data_would(
    made: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    whole, early, folder = made
    days = backfill_served.usable(sealed_days.listed(folder), "small", CUT, date(2025, 3, 19))
    assert backfill_served.until(days) == AS_OF
    joined = backfill_served.join(SMALL, early, days, tmp_path / "valid", tmp_path)
    for name in ("expected", "found"):
        (tmp_path / name).mkdir()
    expected = filled(whole, tmp_path / "expected", AS_OF, own=False)
    found = filled(joined, tmp_path / "found", AS_OF, own=True)
    moments = {
        key: one.pop("known_at") for key, one in found.items()
    }  # outcomes have a table of their own
    assert found == expected
    assert {moments[key] is None for key, one in found.items() if one["bad"] is None} <= {True}
    assert len([r for r in found.values() if str(r["at"]) >= "2025-03-12"]) > 100


def test_days_that_the_data_have_need_no_sealed_ones(made: tuple[Path, Path, Path]) -> None:
    days = sealed_days.listed(made[2])
    assert backfill_served.usable(days, "small", CUT, date(2025, 3, 11)) == []
    assert backfill_served.usable([], "small", CUT, date(2025, 3, 19)) == []
    assert backfill_served.usable(days, "small", date(2025, 4, 1), date(2025, 4, 9)) == []


def test_a_gap_and_another_contract_are_refused(
    made: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    _, early, folder = made
    days = sealed_days.listed(folder)
    with pytest.raises(SourceError, match="what was received between is missing"):
        backfill_served.usable(days, "small", date(2025, 3, 11), date(2025, 3, 19))
    extra = Column("colour", "string", "-", "colour")
    other = replace(SMALL, columns=(*SMALL.columns, extra))
    with pytest.raises(ContractError, match="no column 'colour'"):
        backfill_served.join(other, early, days, tmp_path / "valid", tmp_path)
