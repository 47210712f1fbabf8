"""A first look: the whole graph on a small world, in a folder of its own that git ignores.

`make quickstart` (`python -m bench.quickstart [FOLDER]`) copies what the stages need to quickstart/, makes the world
small, and runs `dvc repro` there. This checkout, its dvc.lock and its cache stay as they are. Where the folder
exists, what was changed in it runs again; remove it to start anew. Ends with the seconds, and what to look at.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from plumbline.core import files
from plumbline.core.errors import PlumblineError
from plumbline.repo import dvc_command, state
from plumbline.runtime import git

ROOT = Path(__file__).resolve().parent.parent
CASE = "card_fraud"
NOT_COPIED = ("tests/", "bench/", "docs/", ".github/", "metrics/", "dvc.lock")
SMALL: Mapping[str, Any] = {
    "usecases": [CASE],
    f"{CASE}.data.simulate": {"customers": 300, "terminals": 200},
    f"{CASE}.features.join": "direct",
    f"{CASE}.tune.max_evals": 2,
    f"{CASE}.tune.rounds": 20,
    f"{CASE}.train.rounds": 40,
    f"{CASE}.evaluate.bootstrap": 50,
    f"{CASE}.evaluate.min_pairs": 100,
    f"{CASE}.monitor.rows": 500,
}
"""What makes the world small: settings of params.yaml by their dotted names."""
LOOK = (
    ("how good the model is, and for what", f"reports/{CASE}/evaluate/model_card.html"),
    ("what the monitor says of the last days", f"reports/{CASE}/monitor/monitor.html"),
    ("what the data checks found", f"reports/{CASE}/validate/index.html"),
)
NEXT = (
    ("see the figures", "dvc metrics show"),
    ("see why a payment has its score", "plumbline explain {key}"),
    ("change a setting, and run what it changes", "edit params.yaml, then dvc repro"),
    ("compare with the first run", "plumbline compare HEAD --json reports/change.json"),
    ("see where the model comes from", f"plumbline lineage {CASE}"),
    ("see the runs in MLflow", "plumbline mlflow-ui"),
)


def main() -> int:
    """Make the folder, run the graph, say what to look at; 1 where the run fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "quickstart")
    folder = parser.parse_args().folder.absolute()
    started = time.perf_counter()
    try:
        if not (folder / "dvc.yaml").exists():
            create(ROOT, folder)
        code = run(folder)
    except PlumblineError as error:
        sys.stderr.write(f"quickstart: {error}\n")
        return 2
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.perf_counter() - started, used.ru_utime + used.ru_stime
    if code == 0:
        keep(folder)
        print("\n".join(lines(folder, *seconds)))
    return code


def create(root: Path, folder: Path) -> None:
    """A small project in `folder`, under git and DVC of its own; PlumblineError where files are in the way."""
    if folder.exists() and any(folder.iterdir()):
        raise PlumblineError(
            f"{folder} is not empty and holds no dvc.yaml; remove it, or name another"
        )
    with files.replacing_folder(folder) as beside:
        for name in git.names(root, "ls-files", "-z"):
            if not name.startswith(NOT_COPIED) and (root / name).is_file():
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / name, beside / name)
        params = beside / "params.yaml"
        params.write_text(small(params.read_text(encoding="utf-8")), encoding="utf-8")
        git.text(beside, "init", "-q", "-b", "main")


def small(text: str) -> str:
    """params.yaml with a small world."""
    whole = yaml.safe_load(text)
    for dotted, value in SMALL.items():
        *parts, last = dotted.split(".")
        place = whole
        for part in parts:
            place = place[part]
        place[last] = value
    return yaml.safe_dump(whole, sort_keys=False)


def run(folder: Path) -> int:
    """`dvc repro` in the folder, with the folder's own code."""
    state.keep_private(folder)
    env = {**dvc_command.environment(), "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "dvc", "repro"]
    return subprocess.run(command, cwd=folder, env=env, check=False).returncode


def keep(folder: Path) -> None:
    """Commit the first run, so that a change can be compared with it."""
    if git.answer("rev-parse", "--verify", "-q", "HEAD", root=folder) is None:
        author = ("-c", "user.name=quickstart", "-c", "user.email=quickstart@localhost")
        git.text(folder, "add", "-A")
        git.text(folder, *git.QUIET, *author, "commit", "-q", "-m", "First run")


def lines(folder: Path, seconds: float, processor: float) -> Iterator[str]:
    """What was made, in how long, and what to look at next."""
    relative = folder.name if folder.parent == Path.cwd() else str(folder)
    evaluated = json.loads((folder / f"metrics/{CASE}/evaluate.json").read_text(encoding="utf-8"))
    yield f"\nA small world is in {relative}/: {seconds:.0f} s ({processor:.0f} s of processor time)."
    yield f"{evaluated['rows']['test']:,} payments were scored; the gate says {evaluated['gate']['verdict']}.\n"
    yield "Look at"
    yield from (f"  {relative}/{path:52} {what}" for what, path in LOOK)
    yield f"\nThen `. .venv/bin/activate && cd {shlex.quote(relative)}`, and"
    yield from (f"  {command.format(key=_key(folder)):52} {what}" for what, command in NEXT)


def _key(folder: Path) -> str:
    """A payment of the test window."""
    from plumbline.core import tables

    scored = tables.read(folder / f"reports/{CASE}/evaluate/predictions.parquet")
    return str(next(iter(scored.values()))[0])


if __name__ == "__main__":
    sys.exit(main())
