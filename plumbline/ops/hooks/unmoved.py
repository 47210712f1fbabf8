"""What `git checkout` leaves where it was: MLflow's champion and the feature store. Read without starting either."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from plumbline.features.store import REPOSITORY
from plumbline.ops.rollback import feast, plan
from plumbline.repo import artifacts, revisions
from plumbline.repo.artifacts import Role
from plumbline.repo.tracked_outs import Out
from plumbline.tracking import projection

SQLITE = "sqlite:///"
CHAMPIONS = """
SELECT alias.name, alias.version, tag.value
FROM registered_model_aliases AS alias
LEFT JOIN model_version_tags AS tag
  ON tag.name = alias.name AND tag.version = alias.version AND tag.key = 'md5'
WHERE alias.alias = 'champion'
"""


def lines(root: Path, old: str | None, name: str) -> Iterator[str]:
    """One line with what still belongs to another commit, and the command that moves it; none if all fits."""
    now = revisions.outs(root, revisions.WORK_TREE)
    before = revisions.outs(root, old) if old else []
    held = [*_champions(now), *_feature_store(root, before, now)]
    if held:
        yield f"git does not move {'; '.join(held)}: `plumbline rollback {name}` moves all"


def _champions(now: list[Out]) -> Iterator[str]:
    """Champions in MLflow that are not the bundles of this commit."""
    address = projection.address()
    if address == projection.OFF:
        return
    if not address.startswith(SQLITE):
        yield f"the champions in MLflow at {address}"
        return
    bundles = {case: out.md5 for case, out in plan.bundles(now).items()}
    for case, version, md5 in _recorded(Path(address.removeprefix(SQLITE))):
        if bundles.get(case) != md5:
            yield f"MLflow's champion of {case}, version {version}"


def _recorded(file: Path) -> list[tuple[str, str, str | None]]:
    """Use case, version and md5 of each champion; none where MLflow's file cannot be read."""
    if not file.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return [(str(n), str(v), md5) for n, v, md5 in database.execute(CHAMPIONS).fetchall()]
    except sqlite3.Error:
        return []


def _feature_store(root: Path, before: list[Out], now: list[Out]) -> Iterator[str]:
    """The embedded store, where it has files and the snapshots are others than before."""
    cases = plan.bundles([*before, *now])
    old, new = ({o.path: o.md5 for o in outs} for outs in (before, now))
    paths = (artifacts.declared(case, Role.SNAPSHOTS, root) for case in cases)
    moved = [p for p in paths if p and old.get(p) != new.get(p)]
    if moved and feast.present(root / REPOSITORY):
        yield f"the feature store ({REPOSITORY})"
