"""How often would each stage have run again, had today's packages been its deps all along?

`python -m bench.reruns [REV] [COMMITS]` takes the last COMMITS (126) commits up to REV (the commit
before the packages moved) that changed plumbline/ or stages/. Each changed file is followed to where it
stands today (git's renames); a stage counts as run again where that file lies in one of its deps. Of
the old plumbline/params.py the changed classes count, each in the package that holds it today. Printed
beside it: the same commits under the deps that dvc.yaml listed at REV, file by file.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

REV, COMMITS = "aebd7ce", 126
OLD_PARAMS = "plumbline/params.py"
CLASSES = {
    "Data": "data", "Validate": "validate", "Features": "features", "Tune": "tune",
    "Train": "train", "Evaluate": "evaluate", "Monitor": "monitor", "Limits": "monitor",
}  # fmt: skip
"""The stage package that holds a class of the old params.py; all others are no dep of a stage."""
FOLDERS = {
    "intake": "data", "quality": "validate", "evaluation": "evaluate", "monitoring": "monitor",
    "history": "repo", "commands": "cli", "rollback": "ops", "lineage": "ops", "resolve": "ops",
    "automation": "ops", "alerts": "ops", "hosting": "ops", "backtest": "studies",
    "explain": "studies", "earning": "studies", "sensitivity": "studies", "scorecard": "studies",
}  # fmt: skip
"""Packages of old, for files that git cannot follow (deleted, or rewritten since)."""


def main(rev: str = REV, commits: int = COMMITS) -> None:
    """Print the counts by stage."""
    moved = renames(rev)
    now = deps(Path("dvc.yaml").read_text(encoding="utf-8"))
    before = deps(git("show", f"{rev}:dvc.yaml"))
    listed, layout = Counter[str](), Counter[str]()
    revs = git("rev-list", f"-{commits}", "--no-merges", rev, "--", "plumbline", "stages").split()
    for one in revs:
        files = git("diff-tree", "--no-commit-id", "--name-only", "-r", one).split()
        listed.update(touched(files, before))
        layout.update(touched(today(one, files, moved), now))
    print(f"{len(revs)} commits up to {rev}")
    print(f"{'stage':10} {'files listed':>12} {'packages':>9}")
    for stage in now:
        print(f"{stage:10} {listed[stage]:12} {layout[stage]:9}")
    print(f"{'sum':10} {sum(listed.values()):12} {sum(layout.values()):9}")


def deps(text: str) -> dict[str, list[str]]:
    """The code deps of each stage."""
    stages = yaml.safe_load(text)["stages"]
    return {
        name: [d for d in entry["deps"] if d.startswith(("plumbline/", "stages/"))]
        for name, entry in stages.items()
    }


def touched(files: Iterable[str], stages: Mapping[str, list[str]]) -> set[str]:
    """The stages of which a dep is, or holds, one of the files."""
    names = list(files)
    return {
        stage
        for stage, own in stages.items()
        if any(f == d or f.startswith(f"{d}/") for d in own for f in names)
    }


def renames(rev: str) -> dict[str, str]:
    """Where the files of `rev` stand today."""
    lines = git("diff", "-M40%", "--name-status", "--diff-filter=R", rev, "HEAD").splitlines()
    return {old: new for _, old, new in (line.split("\t") for line in lines)}


def today(rev: str, files: Iterable[str], moved: Mapping[str, str]) -> list[str]:
    """The changed files of a commit, where they would stand today."""
    out = []
    for file in files:
        if file == OLD_PARAMS:
            out += [f"plumbline/{CLASSES[c]}/params.py" for c in changed(rev) if c in CLASSES]
        elif file.startswith("plumbline/"):
            out.append(moved.get(file) or _by_folder(file))
        else:
            out.append(file)
    return out


def _by_folder(file: str) -> str:
    parts = file.split("/")
    if len(parts) > 2:
        parts[1] = FOLDERS.get(parts[1], parts[1])
    return "/".join(parts)


def changed(rev: str) -> set[str]:
    """The classes of the old params.py that a commit changed."""
    before, after = _classes(f"{rev}^"), _classes(rev)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def _classes(rev: str) -> dict[str, str]:
    done = subprocess.run(["git", "show", f"{rev}:{OLD_PARAMS}"], capture_output=True, text=True)
    tree = ast.parse(done.stdout if done.returncode == 0 else "")
    return {n.name: ast.unparse(n) for n in tree.body if isinstance(n, ast.ClassDef)}


def git(*words: str) -> str:
    """What git answers."""
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
