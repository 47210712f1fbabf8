"""How often the search for bad subgroups claims one where there is none, and whether it finds one.

On card_fraud's test table and model. Where there is none: labels are drawn from the model's own
probabilities. A planted one: the larger frauds for travel and online get the median score.

Run: python -m bench.subgroups [draws]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from plumbline import config as params_file
from plumbline.core import tables, usecase_loader
from plumbline.evaluate import assessment, subgroup_conditions, subgroups
from plumbline.model import bundle

NAME = "card_fraud"


def main(draws: int) -> None:
    """Print both."""
    usecase, params = usecase_loader.load(NAME), params_file.load(NAME)
    columns = tables.read(Path(f"data/{NAME}/tables/test.parquet"))
    scorer = bundle.load(Path(f"models/{NAME}"), NAME)
    score = scorer.predict(columns)
    window = assessment.window(usecase, params.evaluation, columns, scorer.threshold)
    window = replace(window, replicates=20)  # of the figures beside; the search draws none
    readable = assessment.raw(usecase, columns)
    split = subgroups.halves(len(score), window.day)
    coded = subgroup_conditions.coded(subgroup_conditions.readable(usecase), readable, split.search)
    claims = 0
    for seed in range(draws):
        drawn = (np.random.default_rng(seed).random(len(score)) < score).astype(float)
        search = subgroups.evidence(replace(window, label=drawn), score, coded, 0.02)
        claims += search.confirmed > 0
    print(f"no bad subgroup: one was claimed in {claims} of {draws} draws")
    planted = (readable["category"] == "travel") | (readable["category"] == "online")
    hit = planted & (readable["amount_cents"] >= 10_000) & (window.label == 1)
    spoiled = np.where(hit, np.median(score), score)
    search = subgroups.evidence(window, spoiled, coded, 0.02)
    print(
        f"planted: {hit.sum()} frauds for travel or online, 100 units or more, scored as the median"
    )
    for one in search.found:
        word = "confirmed" if one.confirmed else "not confirmed"
        print(f"  {one.rule}: {one.rows} rows, chance {one.corrected:.3g}, {word}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("draws", nargs="?", type=int, default=20)
    main(parser.parse_args().draws)
