"""A table of patients, made up with the columns of scikit-learn's, for which trees beat a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SERUM = ("s1", "s2", "s3", "s4", "s5", "s6")
COLUMNS = ("patient", "age", "sex", "bmi", "bp", *SERUM, "progression")
ROWS = 4000


def write(path: Path) -> None:
    """The table as a CSV file, the same each time."""
    random = np.random.default_rng(1)
    age, bmi = random.integers(20, 80, ROWS), np.round(random.normal(27, 4, ROWS), 1).clip(15, 50)
    sex, bp = random.integers(1, 3, ROWS), np.round(random.normal(95, 13, ROWS), 0).clip(60, 150)
    serum = np.round(random.normal(100, 20, (ROWS, len(SERUM))), 1).clip(10)
    heavy = 60 * ((bmi > 28) & (bp > 95)) + 4 * (bmi - 27)
    old = 35 * np.sin(age / 8) + 25 * ((sex == 2) & (age > 50))
    label = np.round(150 + heavy + old + 0.3 * serum[:, 4] + random.normal(0, 12, ROWS), 1).clip(5)
    figures = (np.arange(ROWS), age, sex, bmi, bp, *serum.T, label)
    lines = [",".join(map(str, row)) for row in zip(*figures, strict=True)]
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n", encoding="utf-8")
