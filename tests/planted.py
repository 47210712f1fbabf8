"""Leaks planted in a small honest table, and near misses: what a search must name, and what it must not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from plumbline.core.declarations import Array, Column, Entity, Snapshot
from plumbline.core.usecase import UseCase
from plumbline.evaluate import evaluation
from plumbline.evaluate.evaluate_document import LeakSearch
from plumbline.evaluate.evaluation import EvaluationRows
from plumbline.evaluate.params import Evaluate, EvaluationSettings

ROWS = 1_600
DAYS = 80
HONEST = ("x0", "x1", "x2", "x3")
Table = dict[str, Array]
Plant = Callable[[Table, np.random.Generator], Mapping[str, Array]]
"""Columns to add to a table, or to replace in it."""


@cache
def table(kind: str) -> Table:
    """`kind`: regression or classification, timed or plain; four honest features and two groups."""
    problem, timed = kind.split()
    rng = np.random.default_rng(5)
    out: Table = {f"x{i}": rng.normal(50, 10, ROWS) for i in range(4)}
    out["who"] = rng.integers(0, 60, ROWS)
    out["place"] = rng.integers(0, 12, ROWS)
    level = rng.normal(0, 4, 60)[out["who"]] + rng.normal(0, 3, 12)[out["place"]]
    size = 0.6 * out["x0"] + level + rng.gamma(2, 8, ROWS)
    late = (size > np.quantile(size, 0.8)).astype(np.float64)
    out["y"] = size if problem == "regression" else late
    out["number"] = np.arange(ROWS)
    minutes = np.sort(rng.integers(0, DAYS * 1440, ROWS))
    if timed == "timed":
        out["at"] = np.datetime64("2025-01-01", "us") + minutes * np.timedelta64(1, "m")
    return out


def case(
    kind: str, columns: Mapping[str, Array], histories: tuple[str, ...] = (), **changed: Any
) -> UseCase:
    """The use case of a table: every column but key, time, groups and label is a feature.

    `histories`: those of them that are declared as such, and no columns of the contract.
    """
    problem, timed = kind.split()
    apart = {"number", "at", "who", "place", "patient", "y"}
    features = tuple(n for n in columns if n not in apart)
    time = [Column("at", "timestamp", "UTC", "when")] if timed == "timed" else []
    given: dict[str, Any] = {
        "name": "planted",
        "title": "Planted",
        "owner": "me@example.com",
        "problem": problem,
        "key": "number",
        "label": "y",
        "time": "at" if time else None,
        "label_delay": 3 if time else 0,
        "entities": (Entity("who", "who", "someone"),) if time else (),
        "columns": (
            Column("number", "int", "-", "number"),
            *time,
            Column("who", "int", "-", "who"),
            Column("place", "int", "-", "where"),
            *(Column(n, "int", "-", "who", forbidden="an id") for n in columns if n == "patient"),
            *(
                Column(n, _type(columns[n]), "units", "a number", null=True)
                for n in features
                if n not in histories
            ),
            Column("y", "float", "units", "answer", known=False),
        ),
        "snapshots": tuple(Snapshot(n, "who", "count", 7, "of a week") for n in histories),
        "features": features,
    }
    return UseCase(**given | changed)


def _type(values: Array) -> Any:
    return "int" if values.dtype.kind == "i" else "float"


def windows(usecase: UseCase, columns: Mapping[str, Array]) -> EvaluationRows:
    """The rows in windows: by time without gaps, or by a hash of the key."""
    size = len(columns[usecase.key])
    place = np.arange(size)
    if usecase.time is None:
        place = np.random.default_rng(9).permutation(size)
    ends = (0, size * 9 // 16, size * 11 // 16, size)
    parts = [np.sort(place[a:b]) for a, b in pairwise(ends)]
    train, valid, test = ({n: v[rows] for n, v in columns.items()} for rows in parts)
    return EvaluationRows(train[usecase.label].astype(np.float64), train, train, valid, test)


def searched(
    kind: str, plant: Plant, harmless: Mapping[str, str] | None = None, **changed: Any
) -> LeakSearch:
    """What is named in a table with what is planted in it."""
    honest = table(kind)
    columns = {**honest, **plant(honest, np.random.default_rng(11))}
    return search(case(kind, columns, **changed), columns, harmless)


def search(
    usecase: UseCase, columns: Mapping[str, Array], harmless: Mapping[str, str] | None = None
) -> LeakSearch:
    """What is named in the columns of a use case."""
    rows = windows(usecase, columns)
    settings = EvaluationSettings(Evaluate(harmless=harmless or {}), None, 7)
    models = evaluation.fitted(usecase, rows)
    return evaluation.leaks_of(usecase, settings, rows, models, list(usecase.features))


@dataclass(frozen=True)
class Planted:
    """A leak or a near miss: its tables, what is planted, and the columns to be named together, if any."""

    what: str
    kinds: tuple[str, ...]
    plant: Plant
    named: tuple[str, ...] = ("z",)
    changed: Mapping[str, Any] | None = None


BOTH = ("regression timed", "classification plain")
NUMBERS = ("regression plain", "regression timed")
ALL = ("regression plain", "regression timed", "classification plain", "classification timed")
TIMED = ("regression timed", "classification timed")
PLAIN = ("regression plain", "classification plain")


def by(code: Array, values: Array) -> Array:
    """The mean by code, row by row."""
    return (np.bincount(code, values) / np.maximum(np.bincount(code), 1))[code]


def left_out(code: Array, values: Array) -> Array:
    """The mean of the other rows of the code."""
    count, total = np.bincount(code)[code], np.bincount(code, values)[code]
    return (total - values) / np.maximum(count - 1, 1)


def folded(code: Array, values: Array, rng: np.random.Generator) -> Array:
    """The mean of the rows of other folds."""
    fold = rng.integers(0, 5, len(values))
    out = np.zeros(len(values))
    for one in range(5):
        other, size = fold != one, code.max() + 1
        count = np.bincount(code[other], minlength=size)
        mean = np.bincount(code[other], values[other], size) / np.maximum(count, 1)
        out[fold == one] = mean[code[fold == one]]
    return out


def rolling(values: Array, back: int, ahead: int, own: bool = True) -> Array:
    """The mean of rows before and after, the row's own among them or not."""
    out = np.zeros(len(values))
    for i in range(len(values)):
        rows = [
            j for j in range(i - back, i + ahead + 1) if 0 <= j < len(values) and (own or j != i)
        ]
        out[i] = np.mean(values[rows]) if rows else 0.0
    return out


def over_days(t: Table, back: float, ahead: float, values: Array, own: bool = True) -> Array:
    """The mean over this row's person's rows from so many days before to so many after."""
    day = (t["at"] - t["at"][0]) / np.timedelta64(1, "D")
    out = np.zeros(len(values))
    for i in range(len(values)):
        near = (t["who"] == t["who"][i]) & (day > day[i] - back) & (day <= day[i] + ahead)
        near[i] = own
        out[i] = values[near].mean() if near.any() else 0.0
    return out


def known_labels(t: Table, back: float) -> Array:
    """The mean of this person's labels of so many days, those that are three days old."""
    day = (t["at"] - t["at"][0]) / np.timedelta64(1, "D")
    out = np.zeros(ROWS)
    for i in range(ROWS):
        near = (t["who"] == t["who"][i]) & (day > day[i] - back) & (day <= day[i] - 3)
        out[i] = t["y"][near].mean() if near.any() else 0.0
    return out


def running(t: Table, values: Array) -> Array:
    """The sum of this person's rows so far, with this one."""
    out = np.zeros(len(values))
    for who in np.unique(t["who"]):
        rows = t["who"] == who
        out[rows] = np.cumsum(values[rows])
    return out


def of_train(t: Table) -> Array:
    """The mean by person of the rows that become train, for all."""
    rows = windows(case("regression timed" if "at" in t else "regression plain", t), t).train_sample
    size = t["who"].max() + 1
    count = np.bincount(rows["who"], minlength=size)
    return (np.bincount(rows["who"], rows["y"], size) / np.maximum(count, 1))[t["who"]]


def of_more(t: Table, rng: np.random.Generator) -> Array:
    """The mean by person of the rows and of a fifth more, which lie in gaps between windows."""
    more = rng.choice(ROWS, ROWS // 5)
    who, y = np.append(t["who"], t["who"][more]), np.append(t["y"], rng.permutation(t["y"][more]))
    return by(who, y)[:ROWS]


def of_other_years(t: Table, rng: np.random.Generator) -> Array:
    """An honest estimate of the same means, from as many rows of which none is here."""
    count = np.bincount(t["who"])
    mean = np.bincount(t["who"], t["y"]) / count
    variance = np.bincount(t["who"], t["y"] ** 2) / count - mean**2
    return (mean + rng.normal(size=60) * np.sqrt(2 * variance / count))[t["who"]]


def noisy(values: Array, rng: np.random.Generator, share: float) -> Array:
    return values + rng.normal(0, share * values.std(), len(values))


def parts(t: Table, rng: np.random.Generator, count: int) -> dict[str, Array]:
    """Columns whose sum is the label."""
    names = ["a", "b", "c", "d", "e"][: count - 1]
    some = {n: rng.normal(0, t["y"].std() * 2, ROWS) for n in names}
    return {**some, "z": t["y"] - sum(some.values())}


def _whole_parts(t: Table, r: np.random.Generator) -> dict[str, Array]:
    a, z = (r.gamma(2, 20, ROWS).astype(np.int64) for _ in range(2))
    return {"a": a, "z": z, "y": (a + z).astype(np.float64)}


def positive(rng: np.random.Generator) -> Array:
    return rng.gamma(3, 2, ROWS) + 0.5


def _ratio(t: Table, r: np.random.Generator) -> dict[str, Array]:
    return {"a": (a := positive(r)), "z": t["y"] * a}


def _product(t: Table, r: np.random.Generator) -> dict[str, Array]:
    return {"a": (a := positive(r)), "z": t["y"] / a}


def _product_of_three(t: Table, r: np.random.Generator) -> dict[str, Array]:
    return {"a": (a := positive(r)), "b": (b := positive(r)), "z": t["y"] / a / b}


def _price(t: Table, r: np.random.Generator) -> dict[str, Array]:
    return {"a": (a := positive(r)), "b": (b := positive(r)), "z": a * b - t["y"]}


def _same_person(t: Table, r: np.random.Generator) -> dict[str, Array]:
    """Eight hundred people, each twice; no feature says who."""
    twin = np.arange(ROWS) // 2 * 2
    return {
        "patient": twin // 2,
        "y": noisy(t["y"][twin], r, 0.05) if t["y"].max() > 1 else t["y"][twin],
    }


def _numbered_person(t: Table, r: np.random.Generator) -> dict[str, Array]:
    """The same, and the number is a feature."""
    same = _same_person(t, r)
    return {"z": r.permutation(ROWS)[same["patient"]], "y": same["y"]}


def _ratio_of_sum(t: Table, r: np.random.Generator) -> dict[str, Array]:
    return {"a": (a := positive(r)), "b": (b := positive(r)), "z": a / t["y"] - b}


def _twin_rows(share: float) -> Plant:
    def plant(t: Table, r: np.random.Generator) -> dict[str, Array]:
        rows = r.choice(ROWS, int(ROWS * share), replace=False)
        source = np.arange(ROWS)
        source[rows] = r.integers(0, ROWS, len(rows))
        return {n: noisy(t[n][source], r, 0.002) for n in HONEST} | {"y": t["y"][source]}

    return plant


def _exclusive(t: Table, r: np.random.Generator) -> dict[str, Array]:
    a = r.integers(0, 2, ROWS).astype(np.float64)
    return {"a": a, "z": np.abs(a - t["y"])}


def _numbered(t: Table, r: np.random.Generator) -> dict[str, Array]:
    """Ids that were given out when the label was known."""
    return {"z": np.argsort(np.argsort(t["y"] + r.random(ROWS) * 1e-3)).astype(np.float64) + 10_000}


LEAKS = (
    Planted(
        "a copy of which half is null",
        BOTH,
        lambda t, r: {"z": np.where(r.random(ROWS) < 0.5, np.nan, t["y"])},
    ),
    Planted("a shrunk mean by person, of train", BOTH, lambda t, r: {"z": 0.7 * of_train(t) + 3.0}),
    Planted("two whole numbers that sum to it", ("regression plain",), _whole_parts, ("a", "z")),
    Planted("a copy", ALL, lambda t, r: {"z": t["y"]}),
    Planted("scaled, shifted and negated", ALL, lambda t, r: {"z": 7 - 3 * t["y"]}),
    Planted("a logarithm", NUMBERS, lambda t, r: {"z": np.log1p(t["y"] - t["y"].min())}),
    Planted("rounded to tens", NUMBERS, lambda t, r: {"z": np.round(t["y"], -1)}),
    Planted(
        "cut into four", NUMBERS, lambda t, r: {"z": np.searchsorted([40, 50, 60], t["y"]) * 1.0}
    ),
    Planted("a square around the middle", NUMBERS, lambda t, r: {"z": (t["y"] - 50) ** 2}),
    Planted("noise of a tenth", NUMBERS, lambda t, r: {"z": noisy(t["y"], r, 0.1)}),
    Planted(
        "noise on a class", ("classification plain",), lambda t, r: {"z": noisy(t["y"], r, 0.3)}
    ),
    Planted(
        "one in 200 flipped",
        ("classification timed",),
        lambda t, r: {"z": np.abs(t["y"] - (r.random(ROWS) < 0.005))},
    ),
    Planted(
        "null where it is not",
        ("classification plain",),
        lambda t, r: {"z": np.where(t["y"] > 0, np.nan, r.normal(size=ROWS))},
    ),
    Planted(
        "filled in where it is not",
        ("classification timed",),
        lambda t, r: {"z": np.where(t["y"] > 0, r.normal(size=ROWS), -1.0)},
    ),
    Planted("an id that was given later", BOTH, _numbered),
    Planted("two columns that sum to it", NUMBERS, lambda t, r: parts(t, r, 2), ("a", "z")),
    Planted("three columns that sum to it", NUMBERS, lambda t, r: parts(t, r, 3), ("a", "b", "z")),
    Planted(
        "five columns that sum to it",
        NUMBERS,
        lambda t, r: parts(t, r, 5),
        ("a", "b", "c", "d", "z"),
    ),
    Planted(
        "a difference",
        NUMBERS,
        lambda t, r: {"a": (a := r.normal(0, 90, ROWS)), "z": a + t["y"]},
        ("a", "z"),
    ),
    Planted(
        "a difference cut at zero",
        ("classification plain",),
        lambda t, r: {
            "a": (a := r.normal(0, 9, ROWS)),
            "z": a + np.where(t["y"] > 0, 1, -1) * r.gamma(2, 2, ROWS),
        },
        ("a", "z"),
    ),
    Planted("a product", NUMBERS, _product, ("a", "z")),
    Planted("a ratio", NUMBERS, _ratio, ("a", "z")),
    Planted("a product of three", NUMBERS, _product_of_three, ("a", "b", "z")),
    Planted("a product less a third", NUMBERS, _price, ("a", "b", "z")),
    Planted("two flags of which one holds", ("classification plain",), _exclusive, ("a", "z")),
    Planted("the label of the row before", ALL, lambda t, r: {"z": np.roll(t["y"], 1)}),
    Planted("the label of the row after", ALL, lambda t, r: {"z": np.roll(t["y"], -1)}),
    Planted("a rolling mean with its own row", ALL, lambda t, r: {"z": rolling(t["y"], 6, 0)}),
    Planted("a mean of the next rows", ALL, lambda t, r: {"z": rolling(t["y"], -1, 3)}),
    Planted(
        "the mean label of the last rows",
        ALL,
        lambda t, r: {"z": np.roll(rolling(t["y"], 6, 0), 1)},
    ),
    Planted("a week of labels with its own", TIMED, lambda t, r: {"z": over_days(t, 7, 0, t["y"])}),
    Planted("two weeks to come", TIMED, lambda t, r: {"z": over_days(t, 0, 14, t["y"], own=False)}),
    Planted(
        "days before, labels not known yet",
        TIMED,
        lambda t, r: {"z": over_days(t, 10, 0, t["y"], own=False)},
    ),
    Planted(
        "another column's days to come",
        TIMED,
        lambda t, r: {"z": over_days(t, 0, 14, t["x1"], own=False)},
    ),
    Planted("a running sum", TIMED, lambda t, r: {"z": running(t, t["y"])}),
    Planted("the mean by person, all rows", ALL, lambda t, r: {"z": by(t["who"], t["y"])}),
    Planted("the mean by place, all rows", ALL, lambda t, r: {"z": by(t["place"], t["y"])}),
    Planted(
        "a smoothed mean by person",
        ALL,
        lambda t, r: {
            "z": (
                by(t["who"], t["y"]) * (n := np.bincount(t["who"])[t["who"]]) + 10 * t["y"].mean()
            )
            / (n + 10)
        },
    ),
    Planted("the mean by person, of train", ALL, lambda t, r: {"z": of_train(t)}),
    Planted(
        "the mean by person, of rows that no window has, too",
        ALL,
        lambda t, r: {"z": of_more(t, r)},
    ),
    Planted("one person in train and test", PLAIN, _same_person, ("patient",)),
    Planted(
        "the mean by a column that is left out",
        BOTH,
        lambda t, r: {"z": by(t["who"] * 12 + t["place"] % 4, t["y"])},
    ),
    Planted("a ratio of a sum", NUMBERS, _ratio_of_sum, ("a", "b", "z")),
    Planted("one person in two rows, by a feature", PLAIN, _numbered_person, ("z",)),
    Planted("rows that are there twice", PLAIN, _twin_rows(0.3), ("rows",)),
    Planted(
        "the mean of two rows before and after", BOTH, lambda t, r: {"z": rolling(t["y"], 2, 2)}
    ),
    Planted(
        "a running mean by person",
        TIMED,
        lambda t, r: {"z": running(t, t["y"]) / running(t, np.ones(ROWS))},
    ),
    Planted(
        "all that a person ever spends",
        TIMED,
        lambda t, r: {"z": np.bincount(t["who"], t["x1"])[t["who"]]},
    ),
    Planted(
        "the rank of the mean by person",
        BOTH,
        lambda t, r: {
            "z": np.argsort(np.argsort(np.bincount(t["who"], t["y"]) / np.bincount(t["who"])))[
                t["who"]
            ]
            * 1.0
        },
    ),
    Planted("the mean of the others", ALL, lambda t, r: {"z": left_out(t["who"], t["y"])}),
)
NEAR = (
    Planted(
        "labels of two weeks that are known", TIMED, lambda t, r: {"z": known_labels(t, 14)}, ()
    ),
    Planted(
        "labels of all days that are known", TIMED, lambda t, r: {"z": known_labels(t, 400)}, ()
    ),
    Planted("bands of a feature", ALL, lambda t, r: {"z": np.floor(t["x0"] / 8)}, ()),
    Planted("people of one row each", PLAIN, lambda t, r: {"patient": r.permutation(ROWS)}, ()),
    Planted("people who differ", PLAIN, lambda t, r: {"patient": r.permutation(ROWS) // 2}, ()),
    Planted("few equal rows", PLAIN, _twin_rows(0.03), ()),
    Planted("the mean by person of other years", ALL, lambda t, r: {"z": of_other_years(t, r)}, ()),
    Planted("nothing", ALL, lambda t, r: {}, ()),
    Planted("a strong, honest column", NUMBERS, lambda t, r: {"z": noisy(t["y"], r, 0.4)}, ()),
    Planted(
        "a strong, honest score",
        ("classification plain",),
        lambda t, r: {"z": noisy(t["y"], r, 1.2)},
        (),
    ),
    Planted(
        "one in twenty flipped",
        ("classification timed",),
        lambda t, r: {"z": np.abs(t["y"] - (r.random(ROWS) < 0.05))},
        (),
    ),
    Planted(
        "three of four parts of a sum",
        NUMBERS,
        lambda t, r: {k: v for k, v in parts(t, r, 4).items() if k != "z"},
        (),
    ),
    Planted(
        "a sum that is nearly it",
        NUMBERS,
        lambda t, r: {"a": (a := r.normal(0, 20, ROWS)), "z": noisy(t["y"] - a, r, 0.2)},
        (),
    ),
    Planted(
        "nulls here and there",
        ALL,
        lambda t, r: {"z": np.where(r.random(ROWS) < 0.3, np.nan, t["x1"])},
        (),
    ),
    Planted("a mean by person in folds", ALL, lambda t, r: {"z": folded(t["who"], t["y"], r)}, ()),
    Planted("a number of the place", ALL, lambda t, r: {"z": r.normal(50, 8, 12)[t["place"]]}, ()),
    Planted("the mean of another column", ALL, lambda t, r: {"z": by(t["place"], t["x1"])}, ()),
    Planted(
        "days before, of another column",
        TIMED,
        lambda t, r: {"z": over_days(t, 14, 0, t["x1"])},
        (),
    ),
    Planted("a trend", TIMED, lambda t, r: {"z": np.arange(ROWS) * 1.0}, ()),
)
