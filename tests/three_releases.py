"""Three releases of card_fraud (other params, another feature list, other data), and all that one restores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from plumbline.runtime import dvc_lock
from tests.project import Project

NAME = "card_fraud"
TAGS = ("model-v1", "model-v2", "model-v3")
DROPPED = "terminal_quiet_14d"
LESS = f"""
import dataclasses  # noqa: E402

FEATURES = dataclasses.replace(
    FEATURES,
    snapshots=tuple(s for s in FEATURES.snapshots if s.name != "{DROPPED}"),
    features=tuple(f for f in FEATURES.features if f != "{DROPPED}"),
)
"""
SEEN = f"""
import hashlib, json
from pathlib import Path
import numpy as np
from plumbline.core import dvc_hash, tables, usecase_loader
from plumbline.runtime import dvc_lock, runner
runner.prepare()
from feast import FeatureStore
from plumbline.features import store
from plumbline.model import bundle
from plumbline.ops.rollback import registry

case = usecase_loader.load("{NAME}")
test = tables.read(Path("data/{NAME}/tables/test.parquet"))
ids = {{e.column: test[e.column][:: len(test[e.column]) // 50][:50].tolist() for e in case.entities}}
known = FeatureStore(repo_path="feature_store")
views = {{
    v.name: {{"ttl": str(v.ttl), "fields": sorted((f.name, str(f.dtype)) for f in v.schema)}}
    for v in known.list_feature_views()
}}
scores = bundle.load(Path("models/{NAME}"), "{NAME}").predict({{n: v[:200] for n, v in test.items()}})
champions = [v.md5 for v in registry.versions(Path("."), "{NAME}") if "champion" in v.aliases]
print("SEEN" + json.dumps({{
    "outs": {{path: dvc_hash.md5(Path(path)) for path in dvc_lock.outs(dvc_lock.of(dvc_lock.read(), "{NAME}"))}},
    "champion": champions,
    "feast": views,
    "services": sorted(s.name for s in known.list_feature_services()),
    "online": store.online(case, ids),
    "predictions": hashlib.md5(np.ascontiguousarray(scores).tobytes()).hexdigest(),
}}))
"""


def make(
    project: Project, first: Mapping[str, str], later: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Run, commit and tag three releases in `project`; by tag, what is to be seen there.

    `first`, `later`: the environment of the first release's commands, and of the later ones'.
    """
    result = {}
    for tag in TAGS:
        env = first if tag == TAGS[0] else later
        if tag == "model-v2":
            path = project.path / "usecases" / NAME / "features.py"
            path.write_text(path.read_text() + LESS)
        if tag == "model-v3":
            project.set({f"{NAME}.data.as_of": "2025-06-28", f"{NAME}.train.rounds": 30})
        project.repro(env=env)
        project.commit(tag)
        project.run("git", "tag", tag)
        project.run("python", "-m", "plumbline", "registry", "sync", env=env)
        project.run("python", "-m", "plumbline", "features", "materialize", NAME, env=env)
        result[tag] = seen(project, env)
    return result


def seen(project: Project, env: Mapping[str, str]) -> dict[str, Any]:
    """Outs' md5s as they are on the disk, champion, Feast's definitions, online features, predictions."""
    message = project.run("python", "-c", SEEN, env=env)
    line = next(line for line in message.splitlines() if line.startswith("SEEN"))
    result: dict[str, Any] = json.loads(line.removeprefix("SEEN"))
    return result


def recorded(project: Project, tag: str) -> dict[str, str]:
    """The md5 of every out of the use case in a tag's dvc.lock, by path."""
    entries = dvc_lock.parse(project.run("git", "show", f"{tag}:dvc.lock"))
    return dvc_lock.outs(dvc_lock.of(entries, NAME))
