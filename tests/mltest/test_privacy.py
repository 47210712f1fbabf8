"""Data 5: what is personal is found wherever it lies, and what only looks like it is not."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.__main__ import main
from plumbline.studies.privacy import patterns, scan

pytestmark = pytest.mark.mltest("Data 5")
CARDS = ["4111111111111111", "5500 0055 5555 5559", "3714-496353-98431", "6011111111111117"]
"""Numbers that payment networks publish for tests."""


@pytest.mark.parametrize("number", CARDS)
@pytest.mark.parametrize("around", ["{}", "paid with {}.", '"card": "{}",', "x={};"])
def test_card_numbers(number: str, around: str) -> None:
    (result,) = patterns.find(around.format(number))
    assert (result.kind, result.shown[:2], result.shown[-1]) == (
        "card number",
        number[:2],
        number[-1],
    )
    assert number[3:-2] not in result.shown


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # the check digit is wrong
        "202501070000017",  # a payment's number
        "1735689600000000",  # microseconds since 1970
        "0.4111111111111111",
        "a4111111111111111f",  # within a hash
        "4111 11111111 1111",
        "9999999999999995",  # of no issuer
    ],
)
def test_other_numbers_are_none(text: str) -> None:
    assert list(patterns.find(text)) == []


def test_addresses_and_names() -> None:
    kinds = [f.kind for f in patterns.find("Anna Schmidt wrote from anna.s+x@mail.example.org")]
    assert kinds == ["e-mail address", "name"]
    assert list(patterns.find("team@example.com answers", {"team@example.com"})) == []
    assert list(patterns.find("Mean Absolute Error at @decorator, a@b, Max Depth")) == []
    assert [f.shown for f in patterns.columns(["amount", "card_number", "last_name", "names"])] == [
        "card_number",
        "last_name",
    ]


def test_files_of_every_kind(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"n": [1, 4111111111111111], "note": ["-", "by John Smith"], "email": [0, 1]}),
        tmp_path / "rows.parquet",
    )
    (tmp_path / "run.log").write_text("customer anna@mail.example.org done\n")
    (tmp_path / "chart.svg").write_text('<path d="M 5500 0055 5555 5559"/>')
    result = [(p.name, f.kind) for p, f in scan.search([tmp_path])]
    assert result == [
        ("rows.parquet", "card number"),
        ("rows.parquet", "column"),
        ("rows.parquet", "name"),
        ("run.log", "e-mail address"),
    ]


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("usecases: [card_fraud]\n")
    Path("reports").mkdir()
    Path("reports/card.md").write_text("Owner: fraud-team@example.com\n")
    assert main(["scan-pii"]) == 0
    Path("reports/card.md").write_text("Card 4111 1111 1111 1111\n")
    assert main(["scan-pii"]) == 1
    assert "reports/card.md: card number 41****************1\n" in capsys.readouterr().out
    assert main(["scan-pii", "nowhere"]) == 2
