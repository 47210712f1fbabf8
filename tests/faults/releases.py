"""Faults done to a real graph and its releases: rollbacks killed at each step, damaged bundles and
tables, full disks at each stage, MLflow gone, locked or broken."""

from __future__ import annotations

import signal
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import yaml

from plumbline.ops.rollback import steps
from tests.conftest import ROOT
from tests.faults.kit import (
    REFUSED,
    SILENT,
    WARNED,
    Answer,
    Bench,
    Done,
    Fault,
    both,
    content,
    plumbline,
    run,
    well,
)
from tests.faults.objects import empty
from tests.project import Project
from tests.releases import CASE
from tests.toy import flip, truncate

KILLER = (sys.executable, "-m", "tests.faults.killer")
ON = {"MLFLOW_TRACKING_URI": ""}
WITH_MLFLOW = {
    ("registry", "start"),
    ("registry", "end"),
    ("registry", "undo"),
    ("predictions", "end"),
}
MODEL, TABLES = Path("models") / CASE, Path("data") / CASE / "tables"
CHAMPIONS = """
    SELECT v.version, t.value, a.alias FROM model_versions v
    JOIN model_version_tags t ON t.name = v.name AND t.version = v.version AND t.key = 'md5'
    LEFT JOIN registered_model_aliases a ON a.name = v.name AND a.version = v.version
    WHERE v.current_stage != 'Deleted_Internal' ORDER BY v.version
"""


def state(project: Project) -> Mapping[str, bytes]:
    """Git, everything that a run writes, and MLflow's versions with their aliases."""
    message = run(project, "git", "log", "-1", "--format=%D").text
    message += run(project, "git", "status", "--porcelain").text
    with closing(sqlite3.connect(project.path / "mlflow.db")) as database, suppress(sqlite3.Error):
        message += str(database.execute(CHAMPIONS).fetchall())
    names = ("data", "models", "reports", "metrics", "dvc.lock", "params.yaml")
    return {**content(project.path, *names), "git": message.encode()}


def step(name: str, when: str, bench: Bench) -> Answer:
    """Killed there; the next rollback finds it and puts everything back."""
    project = bench.releases()
    env = ON if (name, when) in WITH_MLFLOW else {}
    before = state(project)
    killed = run(project, *KILLER, name, when, "model-v1", **env)
    assert killed.code == -signal.SIGKILL, killed.text
    result = well(run(project, *KILLER, "recover", **env))
    line = result.line("interrupted at", "undo" if when == "undo" else name)
    good = line and state(project) == before
    return Answer("plumbline rollback model-v1", line, "put back" if good else SILENT)


def stage_words(name: str) -> list[str]:
    """A stage's own command."""
    command = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][name]["cmd"]
    return (
        str(command.replace("${item.usecase}", CASE)).replace("python", sys.executable, 1).split()
    )


def outs(project: Project) -> Mapping[str, bytes]:
    """Everything that a run writes."""
    return content(project.path, "data", "models", "reports", "metrics")


def full(name: str, bench: Bench) -> Answer:
    """No file can grow over half a kilobyte: the stage says so, its last outs stay."""
    project = bench.releases()
    before = outs(project)
    limit = ("prlimit", "--fsize=512")
    result = run(project, *stage_words(name), prefix=limit, PYTHONDONTWRITEBYTECODE="1")
    message = result.line(f"{name}: ", "too large") or result.line(f"{name}: ", "could not write")
    answer = result.answer(REFUSED, message or "nothing of the kind")
    return both(answer, "nothing lost", outs(project) == before)


def bundle(file: str, damage: object, bench: Bench) -> Answer:
    """A bundle that is not whole is not scored."""
    project = bench.releases()
    assert callable(damage)
    damage(project.path / MODEL / file)
    before = outs(project)
    result = run(project, *stage_words("evaluate"))
    message = [ln for ln in result.text.splitlines() if "dvc.lock records" not in ln]  # a warning
    ended = Done(result.words, result.code, "\n".join(message))
    answer = ended.answer(REFUSED, "evaluate: ", str(MODEL))
    return both(answer, "nothing lost", outs(project) == before)


def other_bundle(bench: Bench) -> Answer:
    """The whole bundle of the other release in the work tree, its stage run by DVC."""
    project = bench.releases()
    well(run(project, "git", "checkout", "-q", "model-v1", "--", "dvc.lock"))
    well(run(project, "dvc", "checkout", "-f", str(MODEL)))
    well(run(project, "git", "checkout", "-q", "HEAD", "--", "dvc.lock"))
    result = run(project, "dvc", "repro", "-s", "--force", f"evaluate@{CASE}")
    return result.answer(REFUSED, "evaluate: ", str(MODEL), "dvc.lock records")


def table(words: tuple[str, ...], bench: Bench) -> Answer:
    """A Parquet file cut in half."""
    project = bench.releases()
    truncate(project.path / TABLES / "train.parquet")
    before = outs(project)
    result = run(project, *(words or stage_words("train")))
    answer = result.answer(REFUSED, "train: ", "train.parquet", "" if words else "not Parquet")
    return both(answer, "nothing lost", outs(project) == before)


def mlflow_gone(project: Project) -> None:
    """The file deleted."""
    (project.path / "mlflow.db").unlink()


def mlflow_broken(project: Project) -> None:
    """The file overwritten."""
    (project.path / "mlflow.db").write_bytes(b"no database at all " * 100)


def mlflow_cut(project: Project) -> None:
    """The file cut in half."""
    truncate(project.path / "mlflow.db")


def run_without(damage: object, bench: Bench) -> Answer:
    """A run goes on, the same bytes, and says what is not in MLflow."""
    project = bench.releases()
    before = outs(project)
    assert callable(damage)
    damage(project)
    result = well(run(project, *stage_words("train"), **ON))
    line = result.line("tracking: ", "is not in MLflow")
    return Answer(result.words, line, WARNED if line and outs(project) == before else SILENT)


def rollback_without(damage: object, bench: Bench) -> Answer:
    """A rollback cannot move the champion there: refused before anything moves."""
    project = bench.releases()
    before = outs(project)
    assert callable(damage)
    damage(project)
    result = plumbline(project, "rollback", "model-v1", **ON)
    at = run(project, "git", "branch", "--show-current").text.strip()
    same = at == "main" and outs(project) == before
    return both(result.answer(REFUSED, "MLflow"), "nothing moved", same)


def rollback_anew(bench: Bench) -> Answer:
    """MLflow deleted: a rollback makes it again, with that commit's bundle as the champion."""
    project = bench.releases()
    mlflow_gone(project)
    result = well(plumbline(project, "rollback", "model-v1", **ON))
    line = result.line("champion: ")
    good = line and b"'champion'" in state(project)["git"]
    return Answer(result.words, line, "made again" if good else SILENT)


def locked(words: tuple[str, ...], bench: Bench) -> Answer:
    """Another process holds MLflow's file."""
    project = bench.releases()
    before = outs(project)
    with closing(sqlite3.connect(project.path / "mlflow.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        result = run(project, *(words or stage_words("train")), **ON)
    line = result.line("database is locked")
    good = line and outs(project) == before and "Traceback" not in result.text
    return Answer(result.words, line, (REFUSED if result.code else WARNED) if good else SILENT)


def golden(bench: Bench) -> Answer:
    """Recorded predictions that the bundle does not give, committed as if they were its own."""
    project = bench.releases()
    import pyarrow.parquet as pq

    path = project.path / "reports" / CASE / "evaluate" / "predictions.parquet"
    wrong = pq.read_table(path)
    scores = wrong.column("score").to_numpy() * (1 + 2**-50)
    path.chmod(0o644)
    pq.write_table(wrong.set_column(wrong.schema.get_field_index("score"), "score", [scores]), path)
    well(run(project, "dvc", "commit", "-f", f"evaluate@{CASE}"))
    project.commit("forged")
    well(run(project, "git", "branch", "forged"))
    well(run(project, "git", "reset", "-q", "--hard", "model-v2"))
    well(run(project, "dvc", "checkout", "-f", f"evaluate@{CASE}"))
    before = outs(project)
    result = plumbline(project, "rollback", "forged")
    return both(result.answer(REFUSED, "golden events differ"), "undone", outs(project) == before)


def faults() -> Iterator[Fault]:
    """All of them."""
    for name in steps.STEPS:
        for when in ("start", "end"):
            yield Fault(
                f"kill -9 of a rollback at the {when} of '{name}'",
                "rollback",
                partial(step, name, when),
            )
    yield Fault(
        "kill -9 while a failed rollback is undone", "rollback", partial(step, "registry", "undo")
    )
    for name in ("data", "validate", "features", "tune", "train", "evaluate", "monitor"):
        yield Fault(f"the disk full in '{name}'", "outputs", partial(full, name))
    for file, damage, what in (
        ("bundle.json", truncate, "cut in half"),
        ("bundle.json", empty, "emptied"),
        ("model.ubj", flip, "one bit flipped"),
        ("model.ubj", truncate, "cut in half"),
        ("model.ubj", Path.unlink, "gone"),
    ):
        yield Fault(f"{file} {what}, evaluated", "bundle", partial(bundle, file, damage))
    yield Fault("the bundle of another release, evaluated", "bundle", other_bundle)
    yield Fault("a table cut in half, trained on by hand", "train.parquet", partial(table, ()))
    by_dvc = ("dvc", "repro", "-s", "--force", f"train@{CASE}")
    yield Fault("a table cut in half, trained on by DVC", "train.parquet", partial(table, by_dvc))
    for name, broken in (("overwritten", mlflow_broken), ("cut in half", mlflow_cut)):
        yield Fault(f"MLflow's file {name}, a run", "mlflow.db", partial(run_without, broken))
        yield Fault(
            f"MLflow's file {name}, a rollback", "mlflow.db", partial(rollback_without, broken)
        )
    yield Fault("MLflow's file deleted, a rollback", "mlflow.db", rollback_anew)
    yield Fault("MLflow's file locked, a run", "mlflow.db", partial(locked, ()))
    back = (sys.executable, "-m", "plumbline", "rollback", "model-v1")
    yield Fault("MLflow's file locked, a rollback", "mlflow.db", partial(locked, back))
    yield Fault("recorded predictions forged, a rollback", "reports", golden)
