"""Is the comparison honest? Retrains that differ only in seed, and models that are bad on purpose.

`python -m bench.honesty` works in a clone of HEAD, whose outs must be in the cache (`dvc repro`), and
prints how many of 40 retrains `compare` calls within noise, and how many bad models `gate` refuses.
Of a retrain the data stay as they are; `--tune` gives each its own search too (about 15 s more each).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.bad_models import Bad, bad_models
from plumbline import config as params_file
from plumbline.core import documents, tables, usecase
from plumbline.core.usecase import UseCase
from plumbline.metrics import metrics
from plumbline.metrics.metrics import PRIMARY
from plumbline.model import bundle, matrices
from plumbline.model.bundle import Bundle
from plumbline.model.tune_result import TuneResult
from plumbline.review import scoring, seed_variance
from plumbline.review.scoring import Criteria, Run
from plumbline.runtime import runner
from plumbline.train import fitting
from tests.conftest import ROOT
from tests.project import Project, environment

NAME = "card_fraud"
BASE = "plumbline-honesty-base"
TABLES = Path("data") / NAME / "tables"
PAIR = (TABLES / "train.parquet", TABLES / "valid.parquet")
BEST = ("to be found",)
"""Stands for the best feature until it is looked for, which takes a training per feature."""
CONTROL = Bad("nothing bad: more rounds allowed", params={f"{NAME}.train.rounds": 500})
"""What the gate must not refuse: else its every no means nothing."""
FIRST = 1_000
"""The first seed of the retrains."""


@contextmanager
def clone() -> Iterator[Project]:
    """HEAD in a folder of its own, with the outs and a cache of its own; the tag BASE is HEAD."""
    with tempfile.TemporaryDirectory() as folder:
        made = Project(Path(folder) / "project")
        Project(ROOT).run("git", "clone", "-q", str(ROOT), str(made.path))
        shutil.copytree(ROOT / ".dvc" / "cache", made.path / ".dvc" / "cache")
        made.run("dvc", "checkout", "-q")
        made.run("git", "tag", BASE)
        yield made


def retrains(project: Project, count: int, tuned: bool) -> tuple[int, int]:
    """How many of `count` comparisons say "within noise", and how many there were; a line each.

    The runs with other seeds that a comparison asks for are the other retrains, the next ones; of a
    search of its own they are made as `compare` makes them.
    """
    case = usecase.load(NAME)
    columns = tables.read(TABLES / "test.parquet")
    base = Run(bundle.load(Path(f"models/{NAME}"), NAME), columns)
    heads = [retrain(project, FIRST + number, tuned) for number in range(count)]
    asked = Criteria(case, params_file.load(NAME))
    words: Counter[str] = Counter()
    for number, head in enumerate(heads):
        asks = asked.params.gate.seed_replicates
        again = [*heads[number + 1 :], *heads[:number]][:asks]
        if tuned:
            again = list(seed_variance.replicates(asked, head, asks, *PAIR))
        found = scoring.judged(asked, base, Run(head, columns), again)
        told = found["metrics"][PRIMARY[case.problem]]["difference"]
        words[told["word"]] += 1
        print(f"  seed {FIRST + number}: {told['word']}, {_interval(told)}", flush=True)
    return words["within noise"], sum(words.values())


def retrain(project: Project, seed: int, tuned: bool) -> Bundle:
    """The bundle of another seed, by the stages themselves."""
    from stages import train, tune

    out, searched = Path("retrained"), Path("tune.json")
    project.set({"seed": seed})
    if tuned:
        tune.main(NAME, *PAIR, searched, Path("trials"))
    train.main(NAME, *PAIR, searched if tuned else Path(f"metrics/{NAME}/tune.json"), out)
    return bundle.load(out, NAME)


def refused(project: Project, bad: Bad) -> tuple[bool, list[str]]:
    """Whether the gate says no to a bad model, proposed as a pull request is; and its reasons."""
    plant(project, bad)
    log, found = Path("repro.log"), Path("change.json")
    log.write_text(project.run("dvc", "repro", "--no-run-cache", ok=False), encoding="utf-8")
    project.run("git", "add", "-u")
    project.run("git", "commit", "-q", "-m", bad.what)
    start = ("python", "-m", "plumbline")
    project.run(*start, "compare", BASE, "--json", str(found), "--log", str(log))
    said = project.run("sh", "-c", f"{' '.join(start)} gate {found}; echo code=$?")
    verdict = json.loads(found.read_text())["gate"]
    project.run("git", "reset", "-q", "--hard", BASE)
    project.run("dvc", "checkout", "-q", "--force")
    kinds = Counter(str(r["kind"]) for r in verdict["reasons"])
    return "code=1" in said, [f"{kind} ({n})" if n > 1 else kind for kind, n in kinds.items()]


def plant(project: Project, bad: Bad) -> None:
    """Make the change."""
    if bad.file:
        with (project.path / bad.file).open("a", encoding="utf-8") as file:
            file.write(bad.code)
    project.set(bad.params)


def with_histories(case: UseCase, name: str) -> tuple[str, ...]:
    """A feature, and the model's other features that are sums or means of it."""
    made = (a.name for a in case.aggregates if a.column == name)
    return (name, *(m for m in made if m in case.features))


def best_feature() -> tuple[str, ...]:
    """The feature without which, and without the histories of it, a retrain is worst on validation.

    Not that of the largest gain: what a model gains most by, others may well stand in for.
    """
    case, params = usecase.load(NAME), params_file.load(NAME)
    tuned = documents.read(TuneResult, Path(f"metrics/{NAME}/tune.json"))
    settings = fitting.booster_settings(case, params.train, tuned, params.seed)
    columns = tables.read(PAIR[1], fitting.needed_columns(case, params.train.costs))
    label = columns[case.label].astype(float)
    quality = {}
    for name in case.features:
        gone = with_histories(case, name)
        left = tuple(f for f in case.features if f not in gone)
        without = dataclasses.replace(case, features=left)
        pair = matrices.binned(without, settings, *PAIR)
        model = fitting.fit(without, params.train, settings, pair, columns)
        quality[gone] = metrics.average_precision(label, model.predict(columns))
    return min(quality, key=lambda gone: quality[gone])


def _interval(told: dict[str, Any]) -> str:
    return f"{told['value']:+.4f} ({told['low']:+.4f} to {told['high']:+.4f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40, help="retrains")
    parser.add_argument("--tune", action="store_true", help="search anew for each retrain")
    parser.add_argument(
        "--only", default="", help="bad models whose name has one of these words in it, with commas"
    )
    chosen = parser.parse_args()
    runner.prepare()
    logging.getLogger("plumbline").setLevel(logging.WARNING)
    with clone() as project:
        os.environ.update(environment(project.path) | {"MLFLOW_TRACKING_URI": "off"})
        os.chdir(project.path)
        same, count = retrains(project, chosen.seeds, chosen.tune)
        project.run("git", "checkout", "-q", "--", ".")
        good = not refused(project, CONTROL)[0]
        print(f"  {'YES' if good else 'no '} {CONTROL.what}", flush=True)
        words = chosen.only.split(",")
        asked = [b for b in bad_models(BEST) if any(w in b.what for w in words)]
        if any(BEST[0] in b.what for b in asked):
            asked = [b for b in bad_models(best_feature()) if any(w in b.what for w in words)]
        said_no = 0
        for bad in asked:
            no, why = refused(project, bad)
            said_no += no
            print(f"  {'no ' if no else 'YES'} {bad.what}: {', '.join(why)}", flush=True)
        os.chdir(ROOT)
    print(f"{same} of {count} retrains that differ only in seed: within noise")
    print(f"{said_no} of {len(asked)} bad models: the gate says no")
    if not good:
        print("but it says no to a change that is not bad, too: mend that first")


if __name__ == "__main__":
    main()
