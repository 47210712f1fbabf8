"""What happens to a stream on the first judged day: nothing harmful, drift, or a fault of the input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.monitoring.populations import IRRELEVANT, Population
from plumbline.core.declarations import Array
from usecases.card_fraud.model import USECASE

Group = Literal["harmless", "covariate", "label", "concept", "segment", "mix", "fault"]
Shock = Mapping[str, Any]
Change = Callable[[pa.Table, Population], pa.Table]
Rows = Callable[[dict[str, Array], Population], dict[str, Array]]


def same(rows: dict[str, Array], _population: Population) -> dict[str, Array]:
    """Nothing is done."""
    return rows


@dataclass(frozen=True)
class Scenario:
    """A named change from the first judged day on.

    `past` is the healthy days' kind: "plain", "calendar" (month ends and holidays) or "shuffled".
    `kinds` are the simulator's shocks; `change` alters the rows before features are built, `rows`
    after; `stale` is the age of the snapshots in days. `columns` are those of which one is to be
    named. Of a fault, the true labels are those of the same days without it.
    """

    name: str
    group: Group
    title: str
    kinds: tuple[Shock, ...] = ()
    change: Change | None = None
    rows: Rows = same
    stale: int = 0
    past: str = "plain"
    columns: frozenset[str] = frozenset()
    windows: int = 14

    @property
    def fault(self) -> bool:
        return self.group == "fault"

    @property
    def changes_features(self) -> bool:
        """Whether its features differ from those of the same days without it."""
        return bool(self.kinds) or self.change is not None or self.stale > 0

    def shocks(self, population: Population) -> list[Shock]:
        """The simulator's shocks with their dates; `after` and `for_days` count from the first day."""
        return [_dated(k, population.shock) for k in self.kinds]


def _dated(kind: Shock, day: date) -> Shock:
    plain = {k: v for k, v in kind.items() if k not in ("after", "for_days")}
    start = day + timedelta(days=kind.get("after", 0))
    until = start + timedelta(days=kind["for_days"]) if "for_days" in kind else None
    return {**plain, "date": start, "until": until}


HOLIDAYS = ((4, 18), (4, 21), (5, 1), (5, 29), (6, 9), (6, 19), (7, 4), (7, 25))


def calendar(start: date, end: date) -> list[Shock]:
    """Month ends (from the 28th to the 1st: more and larger payments) and holidays (fewer ones)."""
    shocks: list[Shock] = []
    for month in range(start.month, end.month + 1):
        first, last = date(start.year, month, 28), date(start.year, month + 1, 2)
        shocks.append({"kind": "volume", "size": 0.15, "date": first, "until": last})
        shocks.append({"kind": "prices", "size": 0.03, "date": first, "until": last})
    for month, number in HOLIDAYS:
        day = date(start.year, month, number)
        when = {"date": day, "until": day + timedelta(days=1)}
        shocks.append({"kind": "volume", "size": -0.3, **when})
        shocks.append({"kind": "category_mix", "size": 0.03, "category": "travel", **when})
    return shocks


def _irrelevant(rows: dict[str, Array], _population: Population) -> dict[str, Array]:
    return {**rows, IRRELEVANT.name: rows[IRRELEVANT.name] // 2}


def _segment(rows: pa.Table, _population: Population) -> pa.Table:
    segment = rows["customer_id"].to_numpy() % 33 == 0
    amount = rows["amount_cents"].to_numpy()
    return _with(rows, "amount_cents", np.where(segment, np.minimum(3 * amount, 500_000), amount))


def _partition(rows: pa.Table, _population: Population) -> pa.Table:
    return rows.filter(pc.not_equal(pc.bit_wise_and(rows["terminal_id"], 3), 1))


def _without_category(rows: dict[str, Array], _population: Population) -> dict[str, Array]:
    return {n: v for n, v in rows.items() if n not in ("category", "category_code")}


def _as_text(rows: dict[str, Array], _population: Population) -> dict[str, Array]:
    text = np.array([f"{v / 100:.2f}" for v in rows["amount_cents"].tolist()], object)
    blank = np.full(len(text), np.nan)
    ratios = AMOUNTS.split()[1:]
    return {**rows, "amount_cents": text, **dict.fromkeys(ratios, blank)}


def _with(rows: pa.Table, name: str, values: Array) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, pa.array(values))


def _prices(name: str, size: float, **more: Any) -> Scenario:
    kinds = ({"kind": "prices", "size": size, **{k: v for k, v in more.items() if k == "ramp"}},)
    title = more.get("title", f"amounts {size:+.0%}")
    columns = frozenset(AMOUNTS.split())
    return Scenario(
        name, "covariate", title, kinds, columns=columns, windows=more.get("windows", 7)
    )


def _fault(name: str, title: str, columns: str, **more: Any) -> Scenario:
    kinds = (more.pop("kind"),) if "kind" in more else ()
    return Scenario(
        name, "fault", title, kinds, columns=frozenset(columns.split()), windows=7, **more
    )


SIZES = (
    "size_over_customer size_over_terminal size_over_expected size_over_excess "
    "above_terminal above_customer fraud_woe"
)
AMOUNTS = f"amount_cents amount_size {SIZES}"
SNAPSHOTS = " ".join(s.name for s in USECASE.snapshots) + f" {SIZES} new_customer"
SLOWLY = tuple(
    {"kind": "leaked_amounts", "size": size, "after": after, **until}
    for after, size, until in (
        (0, 4.0, {"for_days": 2}),
        (2, 3.0, {"for_days": 2}),
        (4, 2.0, {"for_days": 2}),
        (6, 1.0, {}),
    )
)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("iid", "harmless", "rows shuffled over the days: no season", past="shuffled"),
    Scenario("weekly", "harmless", "weekly season, nothing else"),
    Scenario("calendar", "harmless", "month ends and holidays", past="calendar"),
    Scenario(
        "growth",
        "harmless",
        "30 % more payments within two weeks",
        ({"kind": "volume", "size": 0.3, "ramp": 14},),
    ),
    Scenario(
        "customer_mix",
        "harmless",
        "richer customers pay 20 % more often within two weeks",
        ({"kind": "customer_mix", "size": 0.2, "ramp": 14},),
    ),
    Scenario("irrelevant", "harmless", "a column that is no feature halves", rows=_irrelevant),
    _prices("covariate_5", 0.05),
    _prices("covariate_10", 0.1),
    _prices("covariate_20", 0.2),
    _prices("covariate_50", 0.5),
    _prices("covariate_gradual", 0.5, ramp=14, windows=14, title="amounts +50 % in two weeks"),
    Scenario("label_1.5", "label", "frauds x1.5", ({"kind": "fraud_rate", "size": 1.5},)),
    Scenario("label_3", "label", "frauds x3", ({"kind": "fraud_rate", "size": 3.0},)),
    Scenario(
        "concept_sudden",
        "concept",
        "thieves pay usual amounts from one day to the next",
        ({"kind": "leaked_amounts", "size": 1.0},),
    ),
    Scenario("concept_gradual", "concept", "thieves pay usual amounts within a week", SLOWLY),
    Scenario(
        "concept_new",
        "concept",
        "a new pattern: a few units, online, at night",
        ({"kind": "new_fraud_pattern", "size": 0.005},),
    ),
    Scenario(
        "segment",
        "segment",
        "3 % of the customers pay three times as much",
        change=_segment,
        columns=frozenset(AMOUNTS.split()),
    ),
    Scenario(
        "region_customers",
        "mix",
        "customers of one quarter of the land pay twice as often",
        ({"kind": "volume", "size": 1.0, "region": "north-west"},),
        columns=frozenset(("rows", "customer_id", "terminal_id", "distance_m")),
    ),
    Scenario(
        "region_prices",
        "mix",
        "amounts +50 % at the terminals of one quarter",
        ({"kind": "prices", "size": 0.5, "region": "north-west"},),
        columns=frozenset(AMOUNTS.split()),
    ),
    Scenario(
        "preference",
        "mix",
        "a tenth of the payments moves to travel",
        ({"kind": "category_mix", "size": 0.1, "category": "travel"},),
        columns=frozenset(("category", "category_code", "distance_m", *AMOUNTS.split())),
    ),
    Scenario(
        "region_preference",
        "mix",
        "in one quarter a third of the payments moves online",
        ({"kind": "category_mix", "size": 0.33, "category": "online", "region": "north-west"},),
        columns=frozenset(("category", "category_code", "distance_m")),
    ),
    Scenario(
        "inventory",
        "mix",
        "electronics at half the price",
        ({"kind": "prices", "size": -0.5, "category": "electronics"},),
        columns=frozenset(AMOUNTS.split()),
    ),
    _fault(
        "units",
        "amount x100 in 5 % of the rows",
        AMOUNTS,
        kind={"kind": "unit_error", "share": 0.05},
    ),
    _fault(
        "stuck",
        "amount 19.99 at 10 % of the terminals",
        AMOUNTS,
        kind={"kind": "stuck_terminal", "share": 0.1},
    ),
    _fault("stale", "snapshots a week old", SNAPSHOTS, stale=7),
    _fault(
        "nulls",
        "amount null in 5 % of the rows",
        AMOUNTS,
        kind={"kind": "null_values", "share": 0.05},
    ),
    _fault(
        "all_null",
        "distance null throughout",
        "distance_m",
        kind={"kind": "missing_column", "column": "distance_m"},
    ),
    _fault(
        "missing_column", "category not delivered", "category category_code", rows=_without_category
    ),
    _fault(
        "new_category",
        "an unknown category in 5 % of the rows",
        "category category_code",
        kind={"kind": "new_category", "share": 0.05},
    ),
    _fault("time_zone", "times two hours late", "paid_at hour night", kind={"kind": "time_zone"}),
    _fault(
        "duplicates",
        "5 % of the rows twice",
        "payment_id rows",
        kind={"kind": "duplicates", "share": 0.05},
    ),
    _fault("partial_day", "nothing after noon", "paid_at hour rows", kind={"kind": "partial_day"}),
    _fault(
        "missing_partition",
        "a quarter of the terminals absent",
        "terminal_id rows",
        change=_partition,
    ),
    _fault("empty_day", "no rows at all", "rows", kind={"kind": "partial_day", "size": 0.0}),
    _fault(
        "swapped",
        "amount and distance change places",
        f"{AMOUNTS} distance_m",
        kind={"kind": "swapped_columns"},
    ),
    _fault(
        "future_dates",
        "2 % of the times a year late",
        "paid_at",
        kind={"kind": "future_dates", "share": 0.02},
    ),
    _fault("wrong_type", "amount as text, in units", AMOUNTS, rows=_as_text),
)
BY_NAME: Mapping[str, Scenario] = {s.name: s for s in SCENARIOS}
