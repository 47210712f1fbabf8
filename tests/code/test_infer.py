"""A use case inferred from a table: types, roles, leaks, names, and code that declares what it says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import UseCase
from plumbline.ops import infer
from plumbline.ops.infer import Guess, label_delay, module_texts

ROWS = 300


def table(path: Path, columns: dict[str, Sequence[object]], sep: str = ",") -> Path:
    """A CSV file of these columns, quoted where needed."""
    import csv

    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream, delimiter=sep)
        out.writerow(columns)
        out.writerows(zip(*columns.values(), strict=True))
    return path


def shop() -> dict[str, Sequence[object]]:
    """Orders of 300 hours in a row: an id, a time, a shop, a size, a price, whether it came back."""
    draw = random.Random(5)
    start = datetime(2025, 1, 1)
    size = [draw.randint(1, 9) for _ in range(ROWS)]
    return {
        "order_id": range(1000, 1000 + ROWS),
        "ordered_at": [start + timedelta(hours=5 * i) for i in range(ROWS)],
        "shop": [draw.choice(["north", "south", "west"]) for _ in range(ROWS)],
        "size": size,
        "price": [round(s * 2.5 + draw.random(), 2) for s in size],
        "returned": [int(draw.random() < s / 12) for s in size],
    }


def guessed(path: Path, columns: dict[str, Sequence[object]], label: str, **more: str) -> Guess:
    return infer.infer(table(path / "t.csv", columns), label, name="toy", **more)


def declared(guess: Guess) -> UseCase:
    """What the texts declare."""
    return module_texts.loaded("toy", guess.modules)


def left_out(guess: Guess) -> dict[str, str]:
    return {e.subject: e.reason for e in guess.evidence if e.guess == "left out"}


def test_a_label_delay_in_days_hours_or_minutes(tmp_path: Path) -> None:
    for given, parts in (("7d", (7, 0, 0)), ("30m", (0, 0, 30)), ("1d 2h", (1, 2, 0))):
        one = label_delay.parsed(given)
        assert (one.days, one.hours, one.minutes) == parts
    guess = guessed(tmp_path, shop(), "returned", delay="36h")
    assert declared(guess).delay_parts == (1, 12, 0)
    assert guess.section["features"]["current_days"] >= declared(guess).delay_days == 2


def test_a_label_delay_that_cannot_be_is_refused(tmp_path: Path) -> None:
    for given in ("soon", "", "-1d", "1.5h", "7"):
        with pytest.raises(PlumblineError, match=r"expected days, hours or minutes, like 7d"):
            label_delay.parsed(given)
    with pytest.raises(PlumblineError, match=r"--label-delay 7d: the table has no event time"):
        guessed(tmp_path, shop(), "returned", delay="7d", time="none")


def test_a_timed_table(tmp_path: Path) -> None:
    guess = guessed(tmp_path, shop(), "returned")
    case = declared(guess)
    assert (case.problem, case.key, case.time) == ("classification", "order_id", "ordered_at")
    assert [e.column for e in case.entities] == ["shop"]
    types = {c.name: c.type for c in case.columns}
    assert types == {
        "order_id": "int",
        "ordered_at": "timestamp",
        "shop": "string",
        "size": "int",
        "price": "float",
        "returned": "bool",
    }
    assert case.column("shop").allowed == ("north", "south", "west")
    assert {s.aggregate for s in case.snapshots} == {"rate", "count"}
    assert all(s.matured for s in case.snapshots if s.column)
    assert case.naive in ("size", "price")
    assert guess.section["data"] == {
        "source": "csv",
        "path": "sources/toy/toy.csv",
        "as_of": "2025-03-05",
    }


NAMES = ["unit price", "class", "2nd", "grüße", "a-b", "np", "__row", "lambda", "size", "Größe [m]"]


def test_names_that_python_does_not_take(tmp_path: Path) -> None:
    draw = random.Random(1)
    columns: dict[str, Sequence[object]] = {n: [draw.random() for _ in range(50)] for n in NAMES}
    case = declared(guessed(tmp_path, columns, "size"))
    features = set(case.features)
    assert {"unit_price", "class_value", "c_2nd", "grüße", "a_b", "np_value", "größe_m"} < features
    assert len(features) == len(NAMES) - 1
    assert case.derive["class_value"] == '"class"'
    assert case.derive["größe_m"] == '"Größe [m]"'


@pytest.mark.parametrize(
    ("values", "expression"),
    [
        (["31/12/2024", "01/02/2025"], "%d/%m/%Y"),
        (["12/31/2024", "02/01/2025"], "%m/%d/%Y"),
        (["31.12.2024 23:59", "01.02.2025 00:00"], "%d.%m.%Y %H:%M"),
        (["20241231", "20250201"], "%Y%m%d"),
        (["31-Dec-2024", "01-Feb-2025"], "%d-%b-%Y"),
        (["1735689600", "1738368000"], "make_timestamp"),
        (["1735689600123", "1738368000123"], "* 1000"),
    ],
)
def test_times_in_other_formats(values: list[str], expression: str, tmp_path: Path) -> None:
    columns = {**shop(), "date": values * (ROWS // 2)}
    del columns["ordered_at"]
    case = declared(guessed(tmp_path, columns, "returned"))
    assert case.column("date").type == "timestamp"
    assert expression in case.derive["date"]


def test_a_format_that_is_not_settled_is_no_time(tmp_path: Path) -> None:
    columns = {**shop(), "day": ["01/02/2025", "03/04/2025"] * (ROWS // 2)}
    guess = guessed(tmp_path, columns, "returned")
    assert declared(guess).column("day").type == "string"
    assert "nothing says which" in next(r.reason for r in guess.refused if r.subject == "day")
    with pytest.raises(PlumblineError, match=r"'%d/%m/%Y' and '%m/%d/%Y' alike"):
        guessed(tmp_path, columns, "returned", time="day")


LEAKS = {
    "copy": lambda y, _: y,
    "scaled": lambda y, _: 1.8 * y + 32,
    "squared": lambda y, _: y * y,
    "part": lambda y, other: y - other,
    "factor": lambda y, other: y / (other + 1),
}


@pytest.mark.parametrize("kind", LEAKS)
def test_what_the_label_is_made_of_is_left_out(kind: str, tmp_path: Path) -> None:
    draw = random.Random(2)
    label = [draw.uniform(1, 9) for _ in range(200)]
    other = [draw.uniform(1, 9) for _ in range(200)]
    columns: dict[str, Sequence[object]] = {
        "other": other,
        "noise": [draw.random() for _ in range(200)],
        "shifted": [v + 1 for v in other],
        "leak": [LEAKS[kind](y, o) for y, o in zip(label, other, strict=True)],
        "label": label,
    }
    if kind == "factor":
        del columns["other"]
    else:
        del columns["shifted"]
    assert "leak" in left_out(guessed(tmp_path, columns, "label"))
    assert "noise" not in left_out(guessed(tmp_path, columns, "label"))


def test_codes_of_the_label_are_left_out(tmp_path: Path) -> None:
    columns = shop()
    back = [bool(r) for r in columns["returned"]]  # type: ignore[arg-type]
    columns["word"] = ["came back" if b else "kept" for b in back]
    columns["refund"] = [17.5 + i if b else 0 for i, b in enumerate(back)]
    columns["returned_on"] = ["2025-06-01" if b else "" for b in back]
    columns["one"] = [1] * ROWS
    reasons = left_out(guessed(tmp_path, columns, "returned"))
    assert {"word", "refund", "returned_on", "one"} == set(reasons)
    assert "constant" in reasons["one"]


def test_labels_of_two_words(tmp_path: Path) -> None:
    columns = shop()
    columns["returned"] = ["yes" if r else "no" for r in columns["returned"]]
    case = declared(guessed(tmp_path, columns, "returned"))
    assert case.column("returned").type == "bool"
    columns["returned"] = ["good" if i % 3 else "bad" for i in range(ROWS)]
    case = declared(guessed(tmp_path, columns, "returned"))
    assert "= 'bad' THEN 1" in case.derive["returned"]


def test_several_classes_are_declared_and_one_against_the_rest_is_too(tmp_path: Path) -> None:
    several = declared(guessed(tmp_path, shop(), "shop"))
    assert several.problem == "multiclass"
    assert sorted(several.classes) == sorted(set(shop()["shop"]))
    assert (several.naive, several.offset, several.snapshots) == (None, None, ())
    many = {**shop(), "shop": [f"shop {i % 30}" for i in range(ROWS)]}
    with pytest.raises(
        PlumblineError, match=r"30 classes .* at most 20 .* give the label as shop="
    ):
        guessed(tmp_path, many, "shop")
    rare = {**shop(), "shop": ["rare", *shop()["shop"][1:]]}
    with pytest.raises(PlumblineError, match="class 'rare' has 1 rows, 10 are needed"):
        guessed(tmp_path, rare, "shop")
    gaps = {**shop(), "shop": ["NA" if i % 9 == 0 else s for i, s in enumerate(shop()["shop"])]}
    case = declared(guessed(tmp_path, gaps, "shop"))
    assert "NA" not in case.classes
    assert case.column("shop").null
    codes = {**shop(), "species": [i % 4 for i in range(ROWS)]}
    assert sorted(declared(guessed(tmp_path, codes, "species")).classes) == [0, 1, 2, 3]
    case = declared(guessed(tmp_path, shop(), "shop=north"))
    assert case.problem == "classification"
    assert "= 'north' THEN 1" in case.derive["shop"]
    with pytest.raises(PlumblineError, match=r"no row has this value; .*north"):
        guessed(tmp_path, shop(), "shop=nort")


@pytest.mark.parametrize(
    ("label", "more", "message"),
    [
        ("retuned", {}, "no such column; did you mean 'returned'"),
        ("ordered_at", {}, "times cannot be predicted"),
        ("returned", {"time": "size"}, "expected times like"),
        ("returned", {"key": "shop"}, "297 of 300 rows repeat a value"),
        ("returned", {"key": "nothing"}, "no such column"),
    ],
)
def test_what_cannot_be(label: str, more: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match=message):
        guessed(tmp_path, shop(), label, **more)


def test_a_row_without_a_key_is_numbered(tmp_path: Path) -> None:
    columns = shop()
    del columns["order_id"], columns["ordered_at"]
    case = declared(guessed(tmp_path, columns, "price"))
    assert case.derive[case.key] == "__row"
    assert case.time is None


def test_a_series_has_histories_of_its_label(tmp_path: Path) -> None:
    days = [datetime(2024, 1, 1) + timedelta(days=i) for i in range(200)]
    level = [round(10 + i * 0.1 + (i % 7) * 0.3, 1) for i in range(200)]
    case = declared(guessed(tmp_path, {"day": [d.date() for d in days], "level": level}, "level"))
    assert [e.column for e in case.entities] == [None]
    assert {s.column for s in case.snapshots} == {"level_x10"}
    assert case.offset == case.naive == "last_label"


@pytest.mark.parametrize(
    ("days", "usual"),
    [
        ([datetime(2001 + i // 12, i % 12 + 1, 1) for i in range(60)], 31),
        ([datetime(1950 + i, 1, 1) for i in range(60)], 366),
        ([datetime(2020, 1, 1) + timedelta(days=7 * i + 70 * (i > 30)) for i in range(60)], 7),
    ],
)
def test_a_history_reaches_the_time_before(
    days: list[datetime], usual: int, tmp_path: Path
) -> None:
    columns = {"day": [d.date() for d in days], "level": [i * 7 % 60 + i for i in range(60)]}
    case = declared(guessed(tmp_path, columns, "level"))
    assert min(s.days for s in case.snapshots) == usual


def test_delimiter_and_encoding_are_detected(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {**shop(), "straße": ["grün", "weiß"] * (ROWS // 2)}, ";")
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    data = infer.infer(path, "returned", name="toy").section["data"]
    assert (data["delimiter"], data["encoding"]) == (";", "cp1252")


def test_the_code_is_laid_out_as_the_formatter_does(tmp_path: Path) -> None:
    import subprocess
    import sys

    guess = guessed(tmp_path, {**shop(), "wide name " * 9: range(ROWS)}, "returned")
    for part, text in guess.modules.items():
        (tmp_path / f"{part}.py").write_text(text, encoding="utf-8")
    words = [sys.executable, "-m", "ruff", "format", "--check", "--diff", "--line-length", "100"]
    done = subprocess.run([*words, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["24-01-05", "24-02-06"], "'%y-%m-%d' and '%d-%m-%y'"),
        (["2024-01-05 10:00:00", "2024-01-06 10:00:00+02:00"], "150 of 300 times have an offset"),
    ],
)
def test_times_that_could_mean_two_things_are_texts(
    values: list[str], reason: str, tmp_path: Path
) -> None:
    columns = {**shop(), "seen": values * (ROWS // 2)}
    guess = guessed(tmp_path, columns, "returned")
    assert declared(guess).column("seen").type == "string"
    assert reason in next(r.reason for r in guess.refused if r.subject == "seen")


def test_what_cannot_be_a_feature_is_said(tmp_path: Path) -> None:
    columns: dict[str, Sequence[object]] = {
        "id": range(60),
        "line\nbreak": range(60),
        "huge": [1e300 * i for i in range(60)],
        "one": [7] * 60,
        "label": [i % 7 for i in range(60)],
    }
    with pytest.raises(PlumblineError, match="no column is left to predict 'label' from") as error:
        guessed(tmp_path, columns, "label")
    for reason in ("its name has a line break", "32 bits do not hold", "a constant"):
        assert reason in str(error.value)


def test_two_columns_that_are_a_difference_are_named(tmp_path: Path) -> None:
    """Planned and measured minutes: neither says how late it is, both together do."""
    draw = random.Random(4)
    planned = [draw.randint(30, 300) for _ in range(400)]
    before = [draw.randint(0, 60) for _ in range(400)]
    lost = [draw.gauss(0, 9) for _ in range(400)]
    columns: dict[str, Sequence[object]] = {
        "before": before,
        "planned": planned,
        "measured": [p + v + draw.gauss(0, 4) for p, v in zip(planned, lost, strict=True)],
        "late": [round(b + v, 1) for b, v in zip(before, lost, strict=True)],
    }
    refused = {r.subject: r.reason for r in guessed(tmp_path, columns, "late").refused}
    assert "measured after the event?" in refused["planned and measured"]
