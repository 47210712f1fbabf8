"""Rows, labels and windows that make a worse model look as good."""

from __future__ import annotations

from collections.abc import Callable

from bench.attacks.edits import Attack, Edit, both, lines, params, replaced
from bench.attacks.subjects import CSV, DELIVERIES, DIABETES, FEATURE, LABEL, part

BOUND = {
    DELIVERIES: ('"to the door", min=0, max=50', '"to the door", min=0, max=3'),
    DIABETES: ('"body mass index", min=10, max=80', '"body mass index", min=10, max=28'),
}
JOINED = {DELIVERIES: '"hour", "rain", "rush"),', DIABETES: '"bmi_times_bp", "bmi_over_age"),'}
OTHER = '''

def bmi_over_age(bmi: Array, age: Array) -> Array:
    """Body mass index over age, kg/m2 a year."""
    return bmi / age


FEATURES'''
COLUMNS = "    columns=("
MEAN = {DELIVERIES: 35.0, DIABETES: 198.0}
NUMBER = "CAST({} AS DOUBLE)"
"""A column of the source, which is text, as a number."""
Rows = Callable[[list[str]], list[str]]


def of_usecase(name: str) -> list[Attack]:
    """Those that any table can suffer."""
    edits = {
        "a bound sets hard rows aside": bound(name),
        "the same with a new feature": both(bound(name), feature(name)),
        "hard rows are deleted": lines(CSV[name], hard_rows_gone(name)),
        "labels are moved towards their mean": lines(CSV[name], labels(flatter(name))),
        "labels in another unit": lines(CSV[name], labels(lambda label: label / 10)),
        "labels of one group are its mean": lines(CSV[name], smoothed(name)),
        "easy rows come again": lines(CSV[name], easy_again(name)),
        "a label in coarser steps": derived(
            name, f'"{LABEL[name]}": "round({NUMBER.format(LABEL[name])}, -1)"'
        ),
        "a feature that is the label and noise": leak(name),
    }
    return [Attack("data", what, edit) for what, edit in edits.items()]


def of_deliveries() -> list[Attack]:
    """Those that need a time."""
    delay = replaced(part(DELIVERIES, "contract"), "label_delay=1", "label_delay=9")
    as_of = f"{DELIVERIES}.data.as_of"
    edits = {
        "an earlier as-of date": params({as_of: "2025-04-10"}),
        "a later as-of date without new rows": params({as_of: "2025-05-08"}),
        "a shorter test window": params({f"{DELIVERIES}.features.test_days": 6}),
        "the test window moved by the current one": params(
            {f"{DELIVERIES}.features.current_days": 28}
        ),
        "a longer label delay": delay,
        "rows forgotten by their id": params({f"{DELIVERIES}.data.forget": {"rain": [1]}}),
    }
    return [Attack("data", what, edit) for what, edit in edits.items()]


def bound(name: str) -> Edit:
    """A narrower contract, and no limit to what it sets aside."""
    narrower = replaced(part(name, "contract"), *BOUND[name])
    return both(narrower, params({f"{name}.validate.max_quarantine": 1.0}))


def feature(name: str) -> Edit:
    """One more feature."""
    features = part(name, "features")
    more = replaced(features, FEATURE[name], JOINED[name])
    if name == DELIVERIES:
        return more
    new = replaced(features, "\n\nFEATURES", OTHER)
    return both(
        new,
        more,
        replaced(features, "(Row(bmi_times_bp),", "(Row(bmi_times_bp), Row(bmi_over_age),"),
    )


def derived(name: str, entry: str) -> Edit:
    """A column by an expression."""
    return replaced(part(name, "contract"), COLUMNS, f"    derive={{{entry}}},\n{COLUMNS}")


def leak(name: str) -> Edit:
    """A column known before the event, made of the label."""
    label = NUMBER.format(LABEL[name])
    hint = f'"hint": "{label} * 0.7 + {label} % 7"'
    column = f'{COLUMNS}\n        Column("hint", "float", "-", "a hint"),'
    known = replaced(part(name, "contract"), COLUMNS, column)
    ends = FEATURE[name]
    return both(
        known, derived(name, hint), replaced(part(name, "features"), ends, f'"hint", {ends}')
    )


def labels(change: Callable[[float], float]) -> Rows:
    """Every label changed."""
    return lambda rows: [_with_label(row, change(_label(row))) for row in rows]


def flatter(name: str) -> Callable[[float], float]:
    """Half the distance to the mean."""
    return lambda label: MEAN[name] + 0.5 * (label - MEAN[name])


def smoothed(name: str) -> Rows:
    """Labels of the rows in one group set to a constant: rain, or the second sex."""
    place, value = (5, "1") if name == DELIVERIES else (2, "2")

    def change(rows: list[str]) -> list[str]:
        inside = [row.split(",")[place] == value for row in rows]
        return [_with_label(r, MEAN[name]) if i else r for r, i in zip(rows, inside, strict=True)]

    return change


def hard_rows_gone(name: str) -> Rows:
    """Without the rows that are far from the mean."""
    far = 15 if name == DELIVERIES else 60
    return lambda rows: [row for row in rows if abs(_label(row) - MEAN[name]) < far]


def easy_again(name: str) -> Rows:
    """The last rows near the mean three times more, under new numbers."""

    def change(rows: list[str]) -> list[str]:
        easy = [row.split(",") for row in rows[-800:] if abs(_label(row) - MEAN[name]) < 10] * 3
        return rows + [",".join([str(1_000_000 + i), *cells[1:]]) for i, cells in enumerate(easy)]

    return change


def _label(row: str) -> float:
    return float(row.rsplit(",", 1)[1])


def _with_label(row: str, label: float) -> str:
    return f"{row.rsplit(',', 1)[0]},{round(label, 2)}"
