"""Values of a column that no feature may use are shown nowhere: messages, reports, the profile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plumbline.core.errors import ContractError, SourceError
from tests import sales
from tests.orders import COLUMNS, ORDERS, good, start, write_raw

NAME = "Secretname"
WHO = {"channel": f"CASE WHEN i < 5 THEN '{NAME}' ELSE 'web' END"}


def shown(folder: Path) -> str:
    """All that a person sees: every file but the rows themselves."""
    files = [f for f in folder.rglob("*") if f.is_file() and f.suffix != ".parquet"]
    return "\n".join(f.read_bytes().decode("utf-8", "replace") for f in files)


def forbidden(**changes: Any) -> Any:
    columns = [
        replace(c, forbidden="names of people", **changes) if c.name == "channel" else c
        for c in COLUMNS
    ]
    return replace(ORDERS, columns=tuple(columns))


@pytest.mark.parametrize(("hidden", "times"), [(False, 1), (True, 0)])
def test_a_broken_value(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    hidden: bool,
    times: int,
) -> None:
    """Set aside or refused, a name is in no message and no report; any other value is."""
    run = start(tmp_path, monkeypatch, forbidden() if hidden else ORDERS)
    write_raw(run.raw, good(60, **WHO))
    with caplog.at_level("INFO"):
        run.go(max_quarantine=0.5)
    text = shown(tmp_path) + caplog.text
    assert (NAME in text) is bool(times)
    assert ("(hidden)" in text) is hidden
    with pytest.raises(ContractError) as refused:
        run.go(severity={"set": "block"})
    assert (NAME in str(refused.value)) is bool(times)
    assert "channel" in str(refused.value)


def test_the_profile_counts_and_names_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(tmp_path, monkeypatch, forbidden(allowed=()))
    write_raw(run.raw, good(60, **WHO))
    run.go()
    assert NAME not in shown(tmp_path)
    assert '"channel"' in (tmp_path / "profile.json").read_text()


def test_a_value_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = [
        replace(c, forbidden="says who it is") if c.type == "int" and c.name != "id" else c
        for c in sales.SALES.columns
    ]
    name = next(c.name for c in columns if c.forbidden and c.known)
    case = replace(sales.SALES, columns=tuple(columns), features=("weight",))
    place = sales.HEADER.split(",").index(name)
    cells = sales.ROWS[0].split(",")
    cells[place] = NAME
    path = sales.write_csv(tmp_path / "in" / "a.csv", ",".join(cells))
    settings = {"source": "csv", "path": str(path), "as_of": sales.AS_OF}
    with pytest.raises(
        SourceError, match=rf"column '{name}': expected .* found '\(hidden\)'"
    ) as bad:
        sales.ingest(monkeypatch, tmp_path, settings, case)
    assert NAME not in str(bad.value)
