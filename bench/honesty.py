"""Is the comparison honest? Retrains that differ only in seed, and models that are bad on purpose.

`python -m bench.honesty` works in a clone of HEAD, whose outs must be in the cache (`dvc repro`), and
prints how many of 40 seed replicates `compare` calls within noise and `gate` lets pass, and how many bad
models `gate` refuses, by more than that they change the library (which alone would be a reason).
Of a retrain the data stay as they are, and its answers are kept for the next call (`bench.power`); `--tune`
gives each its own search too, and keeps nothing.
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

from bench import power
from bench.bad_models import Bad, bad_models
from plumbline import config as params_file
from plumbline.core import documents, tables, usecase_loader
from plumbline.core.usecase import UseCase
from plumbline.evaluate import assessment
from plumbline.metrics import metrics
from plumbline.metrics.metrics import PRIMARY
from plumbline.model import bundle, matrices
from plumbline.model.bundle import Bundle
from plumbline.model.tune_result import TuneResult
from plumbline.review import scoring, seed_variance
from plumbline.review.comparison_sections import Difference, PairedResult
from plumbline.review.scoring import Criteria, Replicates, Run
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
"""The seed of the first replicate."""


@contextmanager
def clone() -> Iterator[Project]:
    """HEAD in a folder of its own, with the outs and a cache of its own; the tag BASE is HEAD."""
    with tempfile.TemporaryDirectory() as folder:
        project_copy = Project(Path(folder) / "project")
        Project(ROOT).run("git", "clone", "-q", str(ROOT), str(project_copy.path))
        shutil.copytree(ROOT / ".dvc" / "cache", project_copy.path / ".dvc" / "cache")
        project_copy.run("dvc", "checkout", "-q")
        project_copy.run("git", "tag", BASE)
        yield project_copy


def replicates(project: Project, count: int) -> Counter[str]:
    """Of `count` retrainings with a search of their own what comparison and gate say; a line each.

    Without a search, `power.retrained` does this from kept answers.
    """
    usecase = usecase_loader.load(NAME)
    columns = tables.read(TABLES / "test.parquet")
    base = Run(bundle.load(Path(f"models/{NAME}"), NAME), columns)
    heads = [retrain(project, FIRST + number) for number in range(count)]
    criteria = Criteria(usecase, params_file.load(NAME))
    counts: Counter[str] = Counter()
    gate = criteria.params.gate
    count_of_replicates = gate.seed_replicates
    of_base = list(seed_variance.replicates(criteria, base.scorer, count_of_replicates, *PAIR))
    window = assessment.window(usecase, criteria.params.evaluation, columns, None)
    for number, head in enumerate(heads):
        again = list(seed_variance.replicates(criteria, head, count_of_replicates, *PAIR))
        both = Replicates(again, of_base)
        judged = scoring.judged(criteria, base, Run(head, columns), both)
        assert isinstance(judged, PairedResult)
        difference = judged.metrics[PRIMARY[usecase.problem]].difference
        words = difference.word, power.gate(window, gate.max_loss, judged)
        counts.update(words)
        shown = ", ".join((*words, _interval(difference)))
        print(f"  seed {FIRST + number}: {shown}", flush=True)
    return counts


def retrain(project: Project, seed: int) -> Bundle:
    """The bundle of another seed, by the stages themselves."""
    from stages import train, tune

    out, searched = Path("retrained"), Path("tune.json")
    project.set({"seed": seed})
    tune.main(NAME, *PAIR, searched, Path("trials"))
    train.main(NAME, *PAIR, searched, out)
    return bundle.load(out, NAME)


def refused(project: Project, bad: Bad) -> tuple[bool, list[str]]:
    """Whether the gate says no to a bad model, proposed as a pull request is; and its reasons."""
    plant(project, bad)
    log, comparison = Path("repro.log"), Path("change.json")
    log.write_text(project.run("dvc", "repro", "--no-run-cache", ok=False), encoding="utf-8")
    project.run("git", "add", "-u")
    project.run("git", "commit", "-q", "-m", bad.what)
    start = ("python", "-m", "plumbline")
    project.run(*start, "compare", BASE, "--json", str(comparison), "--log", str(log))
    answer = project.run("sh", "-c", f"{' '.join(start)} gate {comparison}; echo code=$?")
    verdict = json.loads(comparison.read_text())["gate"]
    project.run("git", "reset", "-q", "--hard", BASE)
    project.run("dvc", "checkout", "-q", "--force")
    kinds = Counter(str(r["kind"]) for r in verdict["reasons"])
    no = "code=1" in answer and bool(kinds.keys() - {"rules"})
    return no, [f"{kind} ({n})" if n > 1 else kind for kind, n in kinds.items()]


def plant(project: Project, bad: Bad) -> None:
    """Make the change."""
    if bad.file:
        with (project.path / bad.file).open("a", encoding="utf-8") as file:
            file.write(bad.code)
    project.set(bad.params)


def with_histories(usecase: UseCase, name: str) -> tuple[str, ...]:
    """A feature, and the model's other features that are sums or means of it."""
    histories = (a.name for a in usecase.aggregates if a.column == name)
    return (name, *(m for m in histories if m in usecase.features))


def best_feature() -> tuple[str, ...]:
    """The feature without which, and without the histories of it, a retrain is worst on validation.

    Not that of the largest gain: what a model gains most by, others may well stand in for.
    """
    usecase, params = usecase_loader.load(NAME), params_file.load(NAME)
    tuned = documents.read(TuneResult, Path(f"metrics/{NAME}/tune.json"))
    settings = fitting.booster_settings(usecase, params.train, tuned, params.seed)
    columns = tables.read(PAIR[1], fitting.needed_columns(usecase, params.train.costs))
    label = columns[usecase.label].astype(float)
    quality = {}
    for name in usecase.features:
        gone = with_histories(usecase, name)
        left = tuple(f for f in usecase.features if f not in gone)
        without = dataclasses.replace(usecase, features=left)
        pair = matrices.binned(without, settings, *PAIR)
        model = fitting.fit(without, params.train, settings, pair, columns)
        quality[gone] = metrics.average_precision(label, model.predict(columns))
    return min(quality, key=lambda gone: quality[gone])


def _interval(difference: Difference) -> str:
    return f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40, help="seed replicates")
    parser.add_argument("--tune", action="store_true", help="search again for each replicate")
    parser.add_argument(
        "--only", default="", help="bad models whose name has one of these words in it, with commas"
    )
    chosen = parser.parse_args()
    runner.prepare()
    logging.getLogger("plumbline").setLevel(logging.WARNING)
    counts = Counter[str]() if chosen.tune else power.retrained(NAME, chosen.seeds)
    with clone() as project:
        os.environ.update(environment(project.path) | {"MLFLOW_TRACKING_URI": "off"})
        os.chdir(project.path)
        if chosen.tune:
            counts = replicates(project, chosen.seeds)
        project.run("git", "checkout", "-q", "--", ".")
        good = not refused(project, CONTROL)[0]
        print(f"  {'YES' if good else 'no '} {CONTROL.what}", flush=True)
        parts = chosen.only.split(",")
        models = [b for b in bad_models(BEST) if any(w in b.what for w in parts)]
        if any(BEST[0] in b.what for b in models):
            models = [b for b in bad_models(best_feature()) if any(w in b.what for w in parts)]
        refusals = 0
        for bad in models:
            no, why = refused(project, bad)
            refusals += no
            print(f"  {'no ' if no else 'YES'} {bad.what}: {', '.join(why)}", flush=True)
        os.chdir(ROOT)
    print(f"{counts['within noise']} of {chosen.seeds} seed replicates: within noise")
    print(f"{counts['passes']} of {chosen.seeds} seed replicates: the gate lets them pass")
    print(f"{refusals} of {len(models)} bad models: the gate says no")
    if not good:
        print("but it says no to a change that is not bad, too: fix that first")


if __name__ == "__main__":
    main()
