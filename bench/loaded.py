"""Which libraries does each stage really load, and does its file in environment/ name them?

`python -m bench.loaded` runs every stage of dvc.lock once more, by hand, in a clone of HEAD with the outs of
this work tree (two minutes), and reads what the process holds at its end. A library is a pin of the
stage, or left out with a reason (UNREACHED of `plumbline.repo.environment_files`), or one of LOADED
below; any other is printed, and the exit code is 1: the rule that writes the files has missed it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from plumbline.repo import dvc_command, environment_files
from plumbline.runtime import dvc_lock, libraries

LOADED = {
    "looked up by pyarrow, xgboost or Evidently to recognise their objects; none is passed": (
        *("cloudpickle", "pandas", "python-dateutil", "pytz", "six"),
    ),
    "reads params.yaml, whose values DVC compares": ("pyyaml",),
    "a hook of every Python": ("setuptools",),
    "optional parts of Great Expectations, Feast or Evidently that no stage uses": (
        *("annotated-doc", "anyio", "bcrypt", "boto3", "botocore", "chardet", "databricks-sdk"),
        *("google-auth", "jmespath", "multidict", "multipart", "msgspec", "orjson", "s3transfer"),
        *("opentelemetry-sdk", "opentelemetry-semantic-conventions", "sniffio", "sqlalchemy"),
        *("protobuf", "ujson"),
    ),
    "required by a library that is left out": ("cffi", "charset-normalizer", "idna"),
    "reads the markers of environment/ before a stage begins": ("packaging",),
    "compares names of files with patterns; no file is looked for by one": ("pathspec",),
}
"""Libraries that a stage loads though nothing that it imports requires them, by the reason."""
KNOWN = environment_files.LEFT_OUT.union(*LOADED.values())
PROBE = """
import atexit, json, runpy, sys
target, stage, *words = sys.argv[1:]
def keep():
    held = {n.partition(".")[0] for n, m in list(sys.modules.items()) if getattr(m, "__file__", None)}
    open(target, "w").write(json.dumps(sorted(held)))
atexit.register(keep)
sys.argv = [f"{stage.replace('.', '/')}.py", *words]
runpy.run_module(stage, run_name="__main__", alter_sys=True)
"""


def main() -> int:
    """Print a line per stage; 1 where a library is not accounted for."""
    missed = 0
    with tempfile.TemporaryDirectory(prefix="plumbline-loaded-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", ".", str(clone)], check=True)
        cache = (Path(".dvc") / "cache").absolute()
        dvc_command.check(clone, "config", "--local", "cache.dir", str(cache))
        dvc_command.check(clone, "checkout", "-q")
        for name, command in _stages(clone):
            held = _loaded(clone, command)
            pinned = libraries.versions((clone / libraries.file_of(name)).read_text()).keys()
            other = sorted(held - pinned - KNOWN)
            missed += len(other)
            print(f"{name:10} {len(held):3} loaded, {len(pinned):3} pinned {' '.join(other)}")
    return 1 if missed else 0


def _stages(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Each stage's name, and its module and arguments, in the order they run."""
    entries = dvc_lock.read(root)
    for name in dvc_lock.ordered(entries):
        yield name.partition("@")[0], entries[name].cmd.split()[2:]


def _loaded(clone: Path, command: list[str]) -> set[str]:
    """The libraries that a stage's process holds when it ends."""
    target = clone / "held.json"
    env = {**os.environ, "PYTHONPATH": str(clone), "MLFLOW_TRACKING_URI": "off"}
    subprocess.run(
        [sys.executable, "-c", PROBE, str(target), *command], cwd=clone, env=env, check=True
    )
    owners = metadata.packages_distributions()
    names = {n for top in json.loads(target.read_text()) for n in owners.get(top, ())}
    return {libraries.normal(name) for name in names} - {"plumbline"}


if __name__ == "__main__":
    sys.exit(main())
