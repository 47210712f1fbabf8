"""A first look at a table: what stands in the profile, on the page, and of which use case."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.core.declarations import Column
from plumbline.core.errors import PlumblineError
from plumbline.ops.table_profile import profiling, table_blocks, targets
from plumbline.ops.table_profile.profiling import TableQuestions
from plumbline.ops.table_profile.table_document import TableProfile
from plumbline.report import html
from tests.code.test_infer import ROWS, shop, table
from tests.orders import ORDERS

NOTHING = TableQuestions()


def findings(profile: TableProfile) -> dict[str, str]:
    return {f.subject: f.text for f in profile.findings}


def test_a_table_with_a_time(tmp_path: Path) -> None:
    profile = profiling.of_file(table(tmp_path / "t.csv", shop()), NOTHING)
    assert (profile.rows, profile.key, profile.entities) == (ROWS, "order_id", ["shop"])
    assert profile.labels[0] == profile.label == "returned"
    assert profile.time is not None
    assert (profile.time.column, profile.time.days) == ("ordered_at", 63)
    size = next(c for c in profile.columns if c.name == "size")
    assert (size.type, size.low, size.high, len(size.histogram)) == ("int", "1", "9", 9)
    assert sum(b.rows for b in size.histogram) == ROWS
    assert profile.findings == []


def test_what_is_odd_is_named(tmp_path: Path) -> None:
    days = [date(2023, 1, 1) + timedelta(days=i) for i in range(365) if not 50 <= i < 99]
    sold = [i % 17 + i % 7 for i in range(len(days))]
    columns: dict[str, list[object]] = {
        "day": [*days, days[-1]],
        "sold": [*sold, sold[-1]],
        "double": [2 * s for s in [*sold, sold[-1]]],
        "one": [1] * (len(days) + 1),
        "nothing": [""] * (len(days) + 1),
    }
    profile = profiling.of_file(table(tmp_path / "t.csv", columns), TableQuestions(label="sold"))
    odd = findings(profile)
    assert odd["rows"].startswith("1 rows equal another row")
    days_odd = [f.text for f in profile.findings if f.subject == "day"]
    assert any("no row on 49 of 365 days" in t for t in days_odd)
    assert any("1 rows repeat a time" in t for t in days_odd)
    assert "on another scale" in odd["double"]
    assert "constant" in odd["one"]
    assert "no value at all" in odd["nothing"]


def test_dates_that_are_spoiled_are_named(tmp_path: Path) -> None:
    days = [str(date(2011, 1, 1) + timedelta(days=i)) for i in range(731)]
    spoiled = [d if i % 15 else "##" for i, d in enumerate(days)]
    columns = {"dteday": spoiled, "cnt": [i % 90 for i in range(731)]}
    profile = profiling.of_file(table(tmp_path / "t.csv", columns), NOTHING)
    assert "timestamp: 49 of 731 values are none" in findings(profile)["dteday"]


def test_a_key_with_copies_is_named(tmp_path: Path) -> None:
    columns = shop()
    columns["order_id"] = [1000 + i // 2 * 2 if i < 20 else 1000 + i for i in range(ROWS)]
    profile = profiling.of_file(table(tmp_path / "t.csv", columns), NOTHING)
    assert "10 of 300 rows repeat a value" in findings(profile)["order_id"]


@pytest.mark.parametrize(
    ("sep", "encoding"), [(",", "utf-8"), (";", "cp1252"), ("\t", "utf-16"), ("|", "utf-8-sig")]
)
def test_any_separator_and_encoding(sep: str, encoding: str, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {**shop(), "straße": ["grün", "weiß"] * (ROWS // 2)}, sep)
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    columns = {c.name: c for c in profiling.of_file(path, NOTHING).columns}
    assert {v.name for v in columns["straße"].frequent} == {"grün", "weiß"}


def test_the_page_shows_values_as_text(tmp_path: Path) -> None:
    attack = "<script>alert(1)</script>"
    columns = {**shop(), attack: [attack, "<b>b</b>"] * (ROWS // 2)}
    profile = profiling.of_file(table(tmp_path / "t.csv", columns), NOTHING)
    page = html.render(table_blocks.blocks(profile))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "▁" in page or "█" in page


def test_the_command_prints_where_the_page_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "orders.csv", shop())
    assert main(["profile", "orders.csv", "--json", "p.json"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "profile-orders.html"
    assert (tmp_path / "profile-orders.html").read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "p.json").read_text())["key"] == "order_id"


def test_neither_a_file_nor_a_use_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("usecases: [orders]\n")
    with pytest.raises(PlumblineError, match=r"neither a file nor a use case here; .*'orders'"):
        targets.profile("ordres", NOTHING)


@pytest.mark.capability("B1")
def test_the_label_by_segment_and_over_time(tmp_path: Path) -> None:
    days = [date(2024, 1, 1) + timedelta(days=i // 10) for i in range(ROWS)]
    late = [i % 10 for i in range(ROWS)]
    columns = {
        "day": [str(d) for d in days],
        "shop": ["a" if i % 2 else "b" for i in range(ROWS)],
        "size": [i % 100 for i in range(ROWS)],
        "late": ["" if i >= ROWS - 20 else int(i % 2 == 1 and late[i] > 4) for i in range(ROWS)],
    }
    questions = TableQuestions(label="late", time="day")
    profile = profiling.of_file(table(tmp_path / "t.csv", columns), questions)
    rates = profile.rates
    assert rates is not None
    assert (rates.what, rates.step, len(rates.over_time)) == ("share", "day", 30)
    assert (rates.overall.rows, rates.overall.labelled) == (ROWS, ROWS - 20)
    assert rates.overall.mean == pytest.approx(0.3)
    shop_a, shop_b = rates.segments["shop"]
    assert (shop_a.mean, shop_b.mean) == (pytest.approx(0.6), 0)
    assert [one.labelled for one in rates.over_time[-3:]] == [10, 0, 0]
    assert rates.over_time[-1].mean is None
    assert [one.name[0] for one in rates.segments["size"]] == ["1", "2", "3", "4"]
    page = html.render(table_blocks.blocks(profile))
    assert "late: share by day, with 95 % intervals" in page
    assert "higher" in page


def test_a_regressions_label_has_a_mean_and_hidden_columns_no_segment(tmp_path: Path) -> None:
    columns = {
        "who": ["ann" if i % 3 else "bob" for i in range(ROWS)],
        "cost": [i % 50 + (i % 3 == 0) * 100 for i in range(ROWS)],
    }
    path = table(tmp_path / "t.csv", columns)
    rates = profiling.of_file(path, TableQuestions(label="cost", time="none")).rates
    assert rates is not None
    assert (rates.what, rates.step, rates.over_time) == ("mean", "", [])
    assert [one.name for one in rates.segments["who"]] == ["ann", "bob"]
    hidden = TableQuestions(label="cost", time="none", hidden=("who",))
    again = profiling.of_file(path, hidden).rates
    assert again is not None
    assert "who" not in again.segments


def test_of_several_classes_the_commonest_has_the_share(tmp_path: Path) -> None:
    kinds = ["a", "b", "c", "c"]
    columns = {"x": [i % 7 for i in range(ROWS)], "kind": [kinds[i % 4] for i in range(ROWS)]}
    path = table(tmp_path / "t.csv", columns)
    rates = profiling.of_file(path, TableQuestions(label="kind", time="none")).rates
    assert rates is not None
    assert (rates.what, rates.overall.mean) == ("share of c", pytest.approx(0.5))


@pytest.mark.capability("B1")
def test_the_plan_of_a_use_case_is_on_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    case = replace(ORDERS, planned=(Column("device", "string", "-", "ordered with"),))
    profile = profiling.of_file(table(tmp_path / "t.csv", shop()), NOTHING)
    [line] = targets.plan(case, profile)
    assert line == "planned column 'device' is not there yet (ordered with)"
    page = html.render(table_blocks.blocks(profile.model_copy(update={"plan": [line]})))
    assert "Plan of the data" in page
    (tmp_path / "metrics/orders").mkdir(parents=True)
    sheet = {"plan": {"lines": ["planned column 'device' has arrived"]}}
    (tmp_path / "metrics/orders/data.json").write_text(json.dumps(sheet))
    assert targets.plan(case, profile) == ["planned column 'device' has arrived"]
