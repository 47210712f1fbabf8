"""The same work as the pipeline on card payments, with DuckDB and XGBoost and nothing else.

`python bench/bare.py PAYMENTS.parquet FOLDER`: type and check the events, compute the same snapshot,
fresh and row features, split by time, train, score, and print metrics with intervals, baselines and
drift. One file, no declarations, no reports, no second run: what the pipeline's time is held against.
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
COUNTS = {"customer": (1, 7, 30), "terminal": (1, 7, 30)}
MEANS = {"customer": (1, 7, 30), "terminal": (7, 30)}
FRAUDS = {"customer": (7, 30), "terminal": (1, 7, 30)}
ROWS = """
    hour(paid_at)::DOUBLE AS hour,
    (isodow(paid_at) >= 6)::DOUBLE AS weekend,
    (hour(paid_at) < 6)::DOUBLE AS night,
    amount_cents / (CASE WHEN customer_mean_30d > 0 THEN customer_mean_30d ELSE 5000 END) AS amount_over_customer_mean,
    amount_cents / (CASE WHEN terminal_mean_30d > 0 THEN terminal_mean_30d ELSE 5000 END) AS amount_over_terminal_mean,
    CASE WHEN customer_mean_30d > 0 THEN customer_mean_7d / customer_mean_30d ELSE 1 END AS week_over_month,
    (customer_count_30d = 0)::DOUBLE AS new_customer,
    CASE kind WHEN 'payment' THEN 0 WHEN 'refund' THEN 1 ELSE 2 END AS kind_code,
    list_position(['grocery','fuel','restaurant','clothing','electronics','travel','health','online'], category) - 1 AS category_code
"""
BAD = """
    payment_id IS NULL OR payment_id < 0 OR paid_at IS NULL OR customer_id IS NULL OR customer_id < 0
    OR terminal_id IS NULL OR terminal_id < 0 OR amount_cents NOT BETWEEN -500000 AND 500000
    OR amount_cents IS NULL OR kind NOT IN ('payment', 'refund') OR kind IS NULL OR category IS NULL
    OR distance_m NOT BETWEEN 0 AND 300000 OR distance_m IS NULL OR is_fraud NOT IN (0, 1)
"""


def window(name: str, days: int, total: str, count: str) -> str:
    frame = f"OVER (PARTITION BY id ORDER BY day RANGE BETWEEN INTERVAL {days} DAY PRECEDING AND INTERVAL 1 DAY PRECEDING)"
    return f"coalesce(sum({total}) {frame} / nullif(sum({count}) {frame}, 0), 0) AS {name}"


def snapshots(entity: str) -> str:
    """Rows per entity and day; the label counts on the day it became known."""
    frame = "OVER (PARTITION BY id ORDER BY day RANGE BETWEEN INTERVAL {} DAY PRECEDING AND INTERVAL 1 DAY PRECEDING)"
    columns = [
        f"coalesce(sum(n) {frame.format(d)}, 0) AS {entity}_count_{d}d" for d in COUNTS[entity]
    ]
    columns += [window(f"{entity}_mean_{d}d", d, "cents", "n") for d in MEANS[entity]]
    columns += [window(f"{entity}_fraud_{d}d", d, "frauds", "settled") for d in FRAUDS[entity]]
    return f"""
    CREATE TABLE {entity}_days AS
    WITH daily AS (
        SELECT {entity}_id AS id, date_trunc('day', paid_at) AS day, count(*) AS n,
               sum(amount_cents)::BIGINT AS cents, 0 AS settled, 0 AS frauds
        FROM events GROUP BY ALL
        UNION ALL
        SELECT {entity}_id, date_trunc('day', paid_at) + INTERVAL {DELAY} DAY, 0, 0, count(*), sum(is_fraud)::BIGINT
        FROM events GROUP BY ALL
    ), grid AS (
        SELECT id, unnest(generate_series(min(day), TIMESTAMP '{AS_OF}', INTERVAL 1 DAY)) AS day FROM daily GROUP BY id
    ), dense AS (
        SELECT id, day, coalesce(sum(n), 0)::BIGINT AS n, coalesce(sum(cents), 0)::BIGINT AS cents,
               coalesce(sum(settled), 0)::BIGINT AS settled, coalesce(sum(frauds), 0)::BIGINT AS frauds
        FROM grid LEFT JOIN daily USING (id, day) GROUP BY ALL
    )
    SELECT id AS {entity}_id, day, {", ".join(columns)} FROM dense
    """


def build(source: str, folder: Path) -> list[str]:
    """Events to four Parquet tables; the features' names."""
    db = duckdb.connect()
    db.execute(f"SET temp_directory='{folder}'")
    db.execute(f"""
        CREATE TABLE events AS SELECT * FROM read_parquet('{source}') WHERE NOT ({BAD})
        QUALIFY row_number() OVER (PARTITION BY payment_id) = 1 ORDER BY paid_at, payment_id""")
    for entity in COUNTS:
        db.execute(snapshots(entity))
    so_far = "OVER (PARTITION BY {}, date_trunc('day', paid_at) ORDER BY paid_at RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING)"
    customer, terminal = so_far.format("customer_id"), so_far.format("terminal_id")
    db.execute(f"""
        CREATE TABLE joined AS
        WITH fresh AS (
            SELECT *, date_trunc('day', paid_at) AS day,
                   count(*) {customer} AS customer_count_today,
                   coalesce(sum(amount_cents) {customer}, 0) AS customer_sum_today,
                   count(*) {terminal} AS terminal_count_today,
                   coalesce(sum(amount_cents) {terminal} / nullif(count(*) {terminal}, 0), 0) AS terminal_mean_today
            FROM events)
        SELECT *, {ROWS} FROM fresh
        LEFT JOIN customer_days USING (customer_id, day) LEFT JOIN terminal_days USING (terminal_id, day)""")
    skip = (
        "payment_id",
        "paid_at",
        "customer_id",
        "terminal_id",
        "kind",
        "category",
        "is_fraud",
        "day",
    )
    names = [r[0] for r in db.execute("DESCRIBE joined").fetchall() if r[0] not in skip]
    for name, (start, end) in spans().items():
        db.execute(f"""
            COPY (SELECT * FROM joined WHERE paid_at >= TIMESTAMP '{start}' AND paid_at < TIMESTAMP '{end}'
                  ORDER BY paid_at, payment_id) TO '{folder}/{name}.parquet'""")
    return names


def spans() -> dict[str, tuple[np.datetime64, np.datetime64]]:
    """First day and end of each window, counted back from the as-of date."""
    current = np.datetime64(AS_OF) - CURRENT
    test = current - TEST
    valid_end = test - DELAY
    valid = valid_end - VALID
    first = np.datetime64("2025-01-01") + WARMUP
    return {
        "train": (first, valid - DELAY),
        "valid": (valid, valid_end),
        "test": (test, current),
        "current": (current, np.datetime64(AS_OF)),
    }


def load(path: Path, names: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matrix float32 (n, k), labels (n,), days (n,)."""
    data = duckdb.sql(f"SELECT {', '.join(names)}, is_fraud, paid_at FROM '{path}'").fetchnumpy()
    matrix = np.column_stack([np.asarray(data[n], np.float32) for n in names])
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

    names = build(source, folder)
    lap("features")
    train, valid = (load(folder / f"{name}.parquet", names) for name in ("train", "valid"))
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
    test, current = (load(folder / f"{name}.parquet", names) for name in ("test", "current"))
    score = model.inplace_predict(test[0])
    centre, scale = train[0].mean(0), train[0].std(0) + 1e-9
    some = np.random.default_rng(7).choice(
        len(train[0]), min(200_000, len(train[0])), replace=False
    )
    dlinear = xgb.DMatrix((train[0][some] - centre) / scale, train[1][some])
    linear = xgb.train(
        {"booster": "gblinear", "objective": "binary:logistic", "eta": 0.5}, dlinear, 50
    )
    answers = {
        "model": score,
        "linear": linear.predict(xgb.DMatrix((test[0] - centre) / scale)),
        "amount": test[0][:, names.index("amount_cents")],
    }
    for name, answer in answers.items():
        value, low, high = interval(test[1], answer, test[2])
        print(f"          {name:8} average precision {value:.3f} [{low:.3f}, {high:.3f}]")
    lap("metrics")
    shifts = sorted(
        ((psi(test[0][:, i], current[0][:, i]), n) for i, n in enumerate(names)), reverse=True
    )
    print("          drift    " + ", ".join(f"{n} {s:.3f}" for s, n in shifts[:3]))
    lap("drift")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
