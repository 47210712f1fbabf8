"""The same work as the pipeline on card payments, with DuckDB and XGBoost and nothing else.

`python -m bench.bare PAYMENTS.parquet FOLDER`: type and check the events, compute the snapshot, fresh
and row features that the model takes, split by time, train, score, and print metrics with intervals,
baselines and drift. One file, no declarations, no reports, no second run: what the pipeline's time is
held against. tests/model/test_bare.py holds its features against the pipeline's tables.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import xgboost as xgb

AS_OF, DELAY = "2025-07-01", 7
VALID, TEST, CURRENT, WARMUP = 21, 28, 14, 37
REPLICATES = 500
EDGES = [round(100 * 2 ** (step / 4)) for step in range(50)]
TYPICAL = 20
CATEGORIES = "'grocery','fuel','restaurant','clothing','electronics','travel','health','online'"
QUIET, HONEST = (3, 7, 14, 21), (3, 7, 21)
FEATURES = [
    "amount_cents",
    "distance_m",
    "category_code",
    "hour",
    "size_over_customer",
    "size_over_terminal",
    "size_over_expected",
    "size_over_excess",
    "fraud_woe",
    "customer_size_90d",
    "customer_woe_3d",
    "customer_woe_7d",
    "customer_woe_today",
    "customer_fraud_7d",
    "customer_fraud_30d",
    "terminal_size_90d",
    *(f"terminal_quiet_{days}d" for days in QUIET),
    *(f"terminal_honest_{days}d" for days in HONEST),
]
# per feature: days, what is summed, over what (as it is where nothing), the value without any
SIZES = {
    "customer": {"customer_size_90d": (90, "step", "sale", TYPICAL)},
    "terminal": {"terminal_size_90d": (90, "step", "sale", TYPICAL)},
}
HISTORIES = {
    "customer": {
        **SIZES["customer"],
        "customer_excess_90d": (90, "above_terminal", "sale", 0),
        "customer_woe_3d": (3, "fraud_woe", "", 0),
        "customer_woe_7d": (7, "fraud_woe", "", 0),
        "customer_fraud_7d": (7, "fraud", "settled", 0),
        "customer_fraud_30d": (30, "fraud", "settled", 0),
    },
    "terminal": {
        **SIZES["terminal"],
        "terminal_excess_90d": (90, "above_customer", "sale", 0),
        **{f"terminal_quiet_{days}d": (days, "quiet", "", 0) for days in QUIET},
        **{f"terminal_honest_{days}d": (days, "honest", "", 0) for days in HONEST},
    },
}
PAID = {
    "sale": "sale",
    "step": "sale * step",
    "above_terminal": "sale * above_terminal",
    "above_customer": "sale * above_customer",
    "fraud_woe": "fraud_woe",
}
SETTLED = {
    "settled": "1",
    "fraud": "is_fraud",
    "quiet": "sale * is_fraud * (fraud_woe < 5)::INT",
    "honest": "sale * (1 - is_fraud) * (hour(paid_at) >= 18 OR hour(paid_at) < 6)::INT",
}
EVENTS = f"""
    (amount_cents >= 1)::INT AS sale,
    {" + ".join(f"(amount_cents >= {edge})::INT" for edge in EDGES)} AS step
"""
SIZE_ROWS = f"""
    hour(paid_at) AS hour,
    least(greatest(step, 1), {len(EDGES) - 1}) AS place,
    {EDGES}[place] AS low,
    greatest(place + (amount_cents - low) / ({EDGES}[place + 1] - low), 0) AS amount_size,
    amount_size - customer_size_90d AS size_over_customer,
    amount_size - terminal_size_90d AS size_over_terminal,
    size_over_customer - (terminal_size_90d - {TYPICAL}) AS size_over_expected
"""
BAND = " + ".join(f"(size_over_expected >= {edge})::INT" for edge in (1, 2, 3, 4, 5, 6, 8, 10))
MARKS = f"""
    floor(10 * size_over_terminal)::BIGINT AS above_terminal,
    floor(10 * size_over_customer)::BIGINT AS above_customer,
    {BAND} AS band,
    CASE WHEN category IN ('grocery', 'fuel', 'restaurant')
        THEN [-13, -13, -10, -7, 3, 16, 42, 78, 90][band + 1]
        ELSE [-10, -6, -4, 5, 9, 15, 16, 18, 22][band + 1] END AS of_size,
    CASE WHEN distance_m >= 5000 THEN 31 ELSE -5 END AS of_place,
    CASE WHEN hour < 6 THEN 26 WHEN hour = 6 OR hour >= 22 THEN 10 ELSE -3 END AS of_hour,
    CASE WHEN sale = 1 THEN greatest(of_size + of_place + of_hour - 7, -4) ELSE 0 END AS fraud_woe
"""
ROWS = f"""
    list_position([{CATEGORIES}], category) - 1 AS category_code,
    amount_size - {TYPICAL} - (customer_excess_90d + terminal_excess_90d) / 10 AS size_over_excess
"""
BAD = f"""
    payment_id IS NULL OR payment_id < 0 OR paid_at IS NULL OR customer_id IS NULL OR customer_id < 0
    OR terminal_id IS NULL OR terminal_id < 0 OR amount_cents NOT BETWEEN -500000 AND 500000
    OR amount_cents IS NULL OR kind NOT IN ('payment', 'refund') OR kind IS NULL OR category IS NULL
    OR category NOT IN ({CATEGORIES})
    OR distance_m NOT BETWEEN 0 AND 300000 OR distance_m IS NULL OR is_fraud NOT IN (0, 1)
"""


def window(name: str, days: int, total: str, count: str, default: int) -> str:
    frame = f"OVER (PARTITION BY id ORDER BY day RANGE BETWEEN INTERVAL {days} DAY PRECEDING AND INTERVAL 1 DAY PRECEDING)"
    over = f" / nullif(sum({count}) {frame}, 0)" if count else ""
    return f"coalesce((sum({total}) {frame}){over}, {default})::DOUBLE AS {name}"


def snapshots(entity: str, histories: dict[str, tuple[int, str, str, int]], source: str) -> str:
    """Rows per entity and day; the label counts on the day it became known."""
    used = {name for _, total, count, _ in histories.values() for name in (total, count)}
    used = [name for name in (*PAID, *SETTLED) if name in used]
    paid, settled = (
        ", ".join(f"sum({built.get(name, 0)})::BIGINT AS {name}" for name in used)
        for built in (PAID, SETTLED)
    )
    dense = ", ".join(f"coalesce(sum({name}), 0)::BIGINT AS {name}" for name in used)
    columns = ", ".join(window(name, *spec) for name, spec in histories.items())
    late = f"""
        UNION ALL
        SELECT {entity}_id, date_trunc('day', paid_at) + INTERVAL {DELAY} DAY AS day, {settled}
        FROM {source} GROUP BY ALL"""
    return f"""
    CREATE OR REPLACE TABLE {entity}_days AS
    WITH daily AS (
        SELECT {entity}_id AS id, date_trunc('day', paid_at) AS day, {paid} FROM {source} GROUP BY ALL
        {late if set(used) & set(SETTLED) else ""}
    ), grid AS (
        SELECT id, unnest(generate_series(min(day), TIMESTAMP '{AS_OF}', INTERVAL 1 DAY)) AS day FROM daily GROUP BY id
    ), dense AS (
        SELECT id, day, {dense} FROM grid LEFT JOIN daily USING (id, day) GROUP BY ALL
    )
    SELECT id AS {entity}_id, day, {columns} FROM dense
    """


def build(source: str, folder: Path) -> None:
    """Events to four Parquet tables: key, time, label and FEATURES."""
    db = duckdb.connect()
    db.execute(f"SET temp_directory='{folder}'")
    db.execute(f"""
        CREATE TABLE events AS SELECT *, date_trunc('day', paid_at) AS day, {EVENTS}
        FROM read_parquet('{source}') WHERE NOT ({BAD})
        QUALIFY row_number() OVER (PARTITION BY payment_id) = 1 ORDER BY paid_at, payment_id""")
    for entity, histories in SIZES.items():
        db.execute(snapshots(entity, histories, "events"))
    db.execute(f"""
        CREATE TABLE marked AS
        WITH sized AS (
            SELECT *, {SIZE_ROWS} FROM events LEFT JOIN customer_days USING (customer_id, day)
            LEFT JOIN terminal_days USING (terminal_id, day))
        SELECT * EXCLUDE (customer_size_90d, terminal_size_90d), {MARKS} FROM sized""")
    for entity, histories in HISTORIES.items():
        db.execute(snapshots(entity, histories, "marked"))
    today = "OVER (PARTITION BY customer_id, day ORDER BY paid_at RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING)"
    db.execute(f"""
        CREATE TABLE joined AS
        WITH fresh AS (
            SELECT *, coalesce(sum(fraud_woe) {today}, 0)::DOUBLE AS customer_woe_today FROM marked)
        SELECT *, {ROWS} FROM fresh
        LEFT JOIN customer_days USING (customer_id, day) LEFT JOIN terminal_days USING (terminal_id, day)""")
    first = np.datetime64(db.execute("SELECT min(paid_at)::DATE FROM events").fetchall()[0][0])
    for name, (start, end) in spans(first).items():
        db.execute(f"""
            COPY (SELECT payment_id, paid_at, is_fraud, {", ".join(FEATURES)} FROM joined
                  WHERE paid_at >= TIMESTAMP '{start}' AND paid_at < TIMESTAMP '{end}'
                  ORDER BY paid_at, payment_id) TO '{folder}/{name}.parquet'""")


def spans(first: np.datetime64) -> dict[str, tuple[np.datetime64, np.datetime64]]:
    """First day and end of each window: train from the first payment's day, the others back from AS_OF."""
    current = np.datetime64(AS_OF) - CURRENT
    test = current - TEST
    valid_end = test - DELAY
    valid = valid_end - VALID
    return {
        "train": (first + WARMUP, valid - DELAY),
        "valid": (valid, valid_end),
        "test": (test, current),
        "current": (current, np.datetime64(AS_OF)),
    }


def load(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matrix float32 (n, k), labels (n,), days (n,)."""
    data = duckdb.sql(f"SELECT {', '.join(FEATURES)}, is_fraud, paid_at FROM '{path}'").fetchnumpy()
    matrix = np.column_stack([np.asarray(data[n], np.float32) for n in FEATURES])
    return matrix, np.asarray(data["is_fraud"]), data["paid_at"].astype("datetime64[D]")


def average_precision(label: np.ndarray, weight: np.ndarray) -> float:
    """From labels and weights in falling order of score (ties left as they fall)."""
    hits = np.cumsum(label * weight)
    precision = hits / np.maximum(np.cumsum(weight), 1e-9)
    return float((precision * label * weight).sum() / max(hits[-1], 1e-9))


def interval(label: np.ndarray, score: np.ndarray, day: np.ndarray) -> tuple[float, float, float]:
    """Average precision with a 95 % interval: bootstrap by day."""
    order = np.argsort(-score, kind="stable")
    label, day = label[order], (day[order] - day.min()).astype(int)
    generator = np.random.default_rng(7)
    days = day.max() + 1
    draws = [
        average_precision(
            label, np.bincount(generator.integers(0, days, days), minlength=days)[day]
        )
        for _ in range(REPLICATES)
    ]
    value = average_precision(label, np.ones(len(label)))
    return value, *np.quantile(draws, [0.025, 0.975])


def psi(reference: np.ndarray, current: np.ndarray) -> float:
    """Population stability index over the reference's deciles."""
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, 11)[1:-1]))
    p, q = (
        np.bincount(np.searchsorted(edges, x), minlength=len(edges) + 1) / len(x) + 1e-4
        for x in (reference, current)
    )
    return float(((p - q) * np.log(p / q)).sum())


def main(source: str, folder: Path) -> None:
    started = time.perf_counter()

    def lap(what: str) -> None:
        print(f"{time.perf_counter() - started:6.1f} s  {what}", flush=True)

    build(source, folder)
    lap("features")
    train, valid = (load(folder / f"{name}.parquet") for name in ("train", "valid"))
    dtrain = xgb.QuantileDMatrix(train[0], train[1], max_bin=1024)
    dvalid = xgb.QuantileDMatrix(valid[0], valid[1], ref=dtrain, max_bin=1024)
    common = {
        "objective": "binary:logistic",
        "eval_metric": "aucpr",
        "base_score": 0.5,
        "max_bin": 1024,
        "seed": 7,
    }
    tree = {"tree_method": "hist", "max_depth": 6, "eta": 0.1}
    model = xgb.train(
        {**common, **tree},
        dtrain,
        400,
        evals=[(dvalid, "valid")],
        early_stopping_rounds=30,
        verbose_eval=False,
    )
    model.save_model(folder / "model.ubj")
    lap(f"{model.best_iteration + 1} rounds")
    test, current = (load(folder / f"{name}.parquet") for name in ("test", "current"))
    score = model.inplace_predict(test[0])
    centre, scale = train[0].mean(0), train[0].std(0) + 1e-9
    some = np.random.default_rng(7).choice(
        len(train[0]), min(200_000, len(train[0])), replace=False
    )
    dlinear = xgb.DMatrix((train[0][some] - centre) / scale, train[1][some])
    linear = xgb.train(
        {"booster": "gblinear", "objective": "binary:logistic", "base_score": 0.5, "eta": 0.5},
        dlinear,
        50,
    )
    answers = {
        "model": score,
        "linear": linear.predict(xgb.DMatrix((test[0] - centre) / scale)),
        "amount": test[0][:, FEATURES.index("amount_cents")],
    }
    for name, answer in answers.items():
        value, low, high = interval(test[1], answer, test[2])
        print(f"          {name:8} average precision {value:.3f} [{low:.3f}, {high:.3f}]")
    lap("metrics")
    shifts = sorted(
        ((psi(test[0][:, i], current[0][:, i]), n) for i, n in enumerate(FEATURES)), reverse=True
    )
    print("          drift    " + ", ".join(f"{n} {s:.3f}" for s, n in shifts[:3]))
    lap("drift")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
