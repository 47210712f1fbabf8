"""A pull request in git, as the comment's job finds it: a clone of main, and a head on the remote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plumbline.core.hashing import md5_bytes
from plumbline.review import lock_changes
from plumbline.review.comparison import Comparison
from plumbline.runtime import dvc_lock, git
from tests.conftest import ROOT
from tests.evaluated import INTERVAL, evaluated
from tests.reviews import comparison

WHO = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
EVALUATE = "metrics/shop/evaluate.json"
MODULES = ("contract", "features", "model")
SOURCE = ROOT / "tests" / "usecases" / "deliveries"


@dataclass
class Change:
    """A pull request's branch "topic", on top of main, in a clone with a bare remote."""

    root: Path

    def write(self, name: str, text: str) -> None:
        """A file of the change."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def replace(self, name: str, old: str, new: str) -> None:
        """A part of a file, which must be there."""
        text = (self.root / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def set(self, dotted: str, value: Any) -> None:
        """A param by its dotted key."""
        whole = yaml.safe_load((self.root / "params.yaml").read_text())
        *parts, last = dotted.split(".")
        place = whole
        for part in parts:
            place = place.setdefault(part, {})
        place[last] = value
        self.write("params.yaml", yaml.safe_dump(whole))

    def model(self, md5: str, **evaluation: Any) -> None:
        """dvc.lock and evaluate.json with a model of this md5."""
        text = json.dumps(evaluated(**evaluation))
        self.write(EVALUATE, text)
        outs = {"train": {"models/shop": md5}, "evaluate": {EVALUATE: md5_bytes(text.encode())}}
        stages = {f"{stage}@shop": _entry(own) for stage, own in outs.items()}
        self.write("dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": stages}))

    def push(self, branch: str = "topic") -> str:
        """Commit and push all, as the head or as main; its commit. The clone is at main afterwards."""
        self.git("add", "-A")
        self.git(*WHO, "commit", "-q", "--allow-empty", "-m", "change")
        sha = git.text(self.root, "rev-parse", "HEAD")
        self.git("push", "-q", "--force", "origin", f"HEAD:{branch}")
        self.git("checkout", "-q", "--detach", "origin/main")
        return sha

    def git(self, *words: str) -> None:
        """A command of git in the clone."""
        git.output(self.root, *words)

    def found(self, case: Mapping[str, Any] | None = None, **changes: Any) -> Comparison:
        """What an honest run of the head finds, but for what is changed here: a model as good as base's."""
        lock = dvc_lock.parse((self.root / "dvc.lock").read_text())
        lineage = lock_changes.lineage(dvc_lock.of(lock, "shop"))
        both = {"lineage": {"base": lineage, "head": lineage}, **(case or {})}
        base = {"name": "origin/main", "commit": git.text(self.root, "rev-parse", "origin/main")}
        return comparison(both, **{"base": base, "release": None, **changes})


def _entry(outs: Mapping[str, str]) -> dict[str, Any]:
    return {"cmd": "run", "outs": [{"path": p, "md5": md5} for p, md5 in outs.items()]}


def change(folder: Path) -> Change:
    """A repository with main, its remote, and the clone on main."""
    remote, made = folder / "origin.git", Change(folder / "clone")
    made.root.mkdir()
    made.git("init", "-q", "-b", "main")
    whole = yaml.safe_load((ROOT / "params.yaml").read_text())
    section = {**whole["flights"], "gate": {"max_loss": 0.05}}
    made.write("params.yaml", yaml.safe_dump({"usecases": ["shop"], "seed": 7, "shop": section}))
    for module in MODULES:
        text = (SOURCE / f"{module}.py").read_text()
        made.write(f"usecases/shop/{module}.py", text.replace('"deliveries"', '"shop"'))
    made.write(".github/workflows/pull-request.yml", "on: pull_request\n")
    made.write("Makefile", "test:\n\tpytest\n")
    made.model("1" * 32, **GOOD)
    made.git("add", "-A")
    made.git(*WHO, "commit", "-q", "-m", "main")
    made.git("clone", "-q", "--bare", ".", str(remote))
    made.git("remote", "add", "origin", str(remote))
    made.git("fetch", "-q", "origin")
    return made


GOOD: dict[str, Any] = {
    "problem": "regression",
    "primary": "mae",
    "metrics": {
        "mae": INTERVAL,
        "bias": {"value": 0.0, "low": -0.1, "high": 0.1},
    },
    "slices": {"rain": {"1": {**INTERVAL, "rows": 40}}},
    "settings": {"level": 0.95, "bootstrap": 500, "k": 50, "false_alarm_rate": 0.01},
}
