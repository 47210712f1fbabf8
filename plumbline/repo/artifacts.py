"""Where each thing that a use case reads or writes stands: role -> path, from what dvc.yaml declares.

| role | stage | declared as | last part of the path |
|---|---|---|---|
| SOURCE | data | dep | the use case's name |
| RAW_EVENTS, SERVED | data | out | raw, served |
| ACCEPTED_PROFILE | validate | dep | <use case>.json |
| PROFILE | validate | out | profile.json |
| VALID_EVENTS, QUARANTINE | validate | out | valid, quarantine |
| DATA_DOCS | validate | out | validate |
| SNAPSHOTS, TILES | features | out | snapshots, tiles |
| TRAIN_TABLE, VALID_TABLE, TEST_TABLE, CURRENT_TABLE | features | out | train.parquet, ... |
| TUNE_REPORT | tune | plots | tune |
| BUNDLE | train | out | the use case's name |
| EVALUATE_REPORT | evaluate | out | evaluate |
| MONITOR_HISTORY | monitor | dep | <use case>.history.csv |
| MONITOR_REPORT | monitor | out | monitor |

A stage's small JSON is its out <stage>.json, which git keeps; the few figures that `dvc metrics` shows of it are
in <stage>.summary.json. A path may be changed in dvc.yaml at will, as
long as its last part stays. What no stage writes stands beside what one does (`study_folder`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.repo.tracked_outs import Out
from plumbline.runtime import dvc_yaml
from plumbline.runtime.dvc_lock import Entries, Entry
from plumbline.runtime.dvc_yaml import DeclaredStage


class Role(Enum):
    """Stage, whether it reads ("deps") or writes ("outs") it, and the last part of the path."""

    SOURCE = ("data", "deps", "{usecase}")
    RAW_EVENTS = ("data", "outs", "raw")
    SERVED = ("data", "outs", "served")
    ACCEPTED_PROFILE = ("validate", "deps", "{usecase}.json")
    PROFILE = ("validate", "outs", "profile.json")
    VALID_EVENTS = ("validate", "outs", "valid")
    QUARANTINE = ("validate", "outs", "quarantine")
    DATA_DOCS = ("validate", "outs", "validate")
    SNAPSHOTS = ("features", "outs", "snapshots")
    TILES = ("features", "outs", "tiles")
    TRAIN_TABLE = ("features", "outs", "train.parquet")
    VALID_TABLE = ("features", "outs", "valid.parquet")
    TEST_TABLE = ("features", "outs", "test.parquet")
    CURRENT_TABLE = ("features", "outs", "current.parquet")
    TUNE_REPORT = ("tune", "outs", "tune")
    BUNDLE = ("train", "outs", "{usecase}")
    EVALUATE_REPORT = ("evaluate", "outs", "evaluate")
    MONITOR_HISTORY = ("monitor", "deps", "{usecase}.history.csv")
    MONITOR_REPORT = ("monitor", "outs", "monitor")

    @property
    def stage(self) -> str:
        """The stage that declares it."""
        return self.value[0]

    def is_at(self, path: str, name: str) -> bool:
        """Whether a path is one of this role."""
        return posixpath.basename(path) == self.value[2].format(usecase=name)


LEARNED = (Role.TRAIN_TABLE, Role.VALID_TABLE)
"""The tables that a model is fitted on."""


def path(name: str, role: Role, root: Path = Path(".")) -> Path:
    """Where it stands in the work tree; PlumblineError where dvc.yaml declares no such thing."""
    relative = declared(name, role, root)
    if relative is None:
        if not (root / dvc_yaml.FILE).is_file():
            raise PlumblineError(
                f"no {dvc_yaml.FILE} in {root.absolute()}; run in a project's root"
            )
        stage, kind, last_part = role.value
        raise PlumblineError(
            f"{root / dvc_yaml.FILE}: stage '{stage}' declares no {last_part.format(usecase=name)} among "
            f"its {kind} for {name}; declare a path that ends so (see plumbline/repo/artifacts.py)"
        )
    return root / relative


def declared(name: str, role: Role, root: Path = Path(".")) -> str | None:
    """Its path as dvc.yaml has it, relative to the project; None where it declares none."""
    stage = dvc_yaml.of_usecase(dvc_yaml.read(root), name).get(role.stage, DeclaredStage())
    paths = stage.deps if role.value[1] == "deps" else stage.paths
    return next((p for p in paths if role.is_at(p, name)), None)


def metrics_path(name: str, stage: str, root: Path = Path(".")) -> Path:
    """Where a stage's small JSON stands; PlumblineError where dvc.yaml declares none."""
    stages = dvc_yaml.of_usecase(dvc_yaml.read(root), name)
    relative = _small_json(stage, stages.get(stage, DeclaredStage()).paths)
    if relative is None:
        raise PlumblineError(
            f"{root / dvc_yaml.FILE}: stage '{stage}' declares no out {stage}.json for {name}"
        )
    return root / relative


def study_folder(name: str, study: str, root: Path = Path(".")) -> Path:
    """Where a study's report goes: beside the evaluation's."""
    return path(name, Role.EVALUATE_REPORT, root).with_name(study)


def in_git(name: str, root: Path = Path(".")) -> list[str]:
    """The outs of all stages whose bytes git keeps, relative to the project."""
    stages = dvc_yaml.of_usecase(dvc_yaml.read(root), name)
    return [p for stage in stages.values() for p in stage.in_git]


def recorded(own: Entries, name: str, role: Role) -> tuple[str, str] | None:
    """Its path and md5 in a use case's entries of a dvc.lock; None where they have none."""
    entry = own.get(role.stage, Entry())
    paths = entry.deps if role.value[1] == "deps" else entry.outs
    return next(((p, md5) for p, md5 in paths.items() if role.is_at(p, name)), None)


def read_by(own: Entries, name: str, role: Role, reader: str) -> tuple[str, str] | None:
    """Its path and md5 as another stage read it."""
    deps = own.get(reader, Entry()).deps
    return next(((p, md5) for p, md5 in deps.items() if role.is_at(p, name)), None)


def bundle(own: Entries, name: str) -> tuple[str, str] | None:
    """The bundle's path and md5: what train wrote."""
    return recorded(own, name, Role.BUNDLE)


def test_table(own: Entries, name: str) -> tuple[str, str] | None:
    """The test table's path and md5 as evaluate read it."""
    return read_by(own, name, Role.TEST_TABLE, "evaluate")


def current_table(own: Entries, name: str) -> tuple[str, str] | None:
    """The current table's path and md5 as monitor read it."""
    return read_by(own, name, Role.CURRENT_TABLE, "monitor")


def learned(own: Entries, name: str) -> list[tuple[str, str]]:
    """The paths and md5s of the tables that train read, in the order of LEARNED."""
    pairs = (read_by(own, name, role, "train") for role in LEARNED)
    return [pair for pair in pairs if pair is not None]


def metrics(own: Entries) -> dict[str, str]:
    """By stage, the path of its small JSON in a use case's entries."""
    paths = {stage: _small_json(stage, entry.outs) for stage, entry in own.items()}
    return {stage: p for stage, p in paths.items() if p is not None}


def by_usecase(outs: Iterable[Out], role: Role) -> dict[str, Out]:
    """Each use case's out of a role among the outs of one revision."""
    chosen = {}
    for out in outs:
        stage, _, usecase = out.stage.partition("@")
        if stage == role.stage and usecase and out.cached and role.is_at(out.path, usecase):
            chosen[usecase] = out
    return chosen


def _small_json(stage: str, paths: Iterable[str] | Mapping[str, str]) -> str | None:
    return next((p for p in paths if posixpath.basename(p) == f"{stage}.json"), None)
