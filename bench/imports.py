"""What each stage imports, library by library: CPU seconds, and which module of the project imports it.

`python -m bench.imports` runs the graph of a small project once and prints, by stage, every library whose own
modules cost at least `--least` seconds of the processor, what others load with it not counted, and the file and
line that imported it first. It exits with 1 where a stage loads a library that `USED` does not name for it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.project import SMALL, make

EVERY = {"numpy", "pydantic", "pydantic_core", "plumbline", "pyarrow", "stages", "usecases", "yaml"}
"""What every stage is made of."""
USED: Mapping[str, set[str]] = {
    "data": {"duckdb"},
    "validate": {"duckdb", "great_expectations", "pandas"},
    "features": {"duckdb", "fastapi", "feast", "ibis", "pandas", "sqlglot", "sqlalchemy"},
    "tune": {"hyperopt", "matplotlib", "scipy", "xgboost"},
    "train": {"scipy", "xgboost"},
    "evaluate": {"matplotlib", "PIL", "scipy", "sklearn", "xgboost"},
    "monitor": {
        "evidently",
        "matplotlib",
        "pandas",
        "plotly",
        "scipy",
        "sklearn",
        "xgboost",
    },
}
"""By stage, the libraries that it works with, and what these do not load without: Feast not without FastAPI, whose classes
its servers' modules name as they are imported."""
WATCH = '''
import atexit, json, os, sys, time

STACK, SPENT, IMPORTERS = [], {{}}, {{}}
OWN = ("plumbline", "stages", "usecases")


class Timed:
    """Loads a module and notes the CPU seconds that its own lines took."""

    def __init__(self, loader):
        self.loader = loader

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        top = module.__name__.partition(".")[0]
        if top not in IMPORTERS:
            IMPORTERS[top] = importer()
        started, before = time.process_time(), sum(SPENT.values())
        try:
            self.loader.exec_module(module)
        finally:
            inner = sum(SPENT.values()) - before
            own = time.process_time() - started - inner
            SPENT[top] = SPENT.get(top, 0.0) + own


def importer():
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] in OWN:
            return name + ":" + str(frame.f_lineno)
        frame = frame.f_back
    return ""


class Finder:
    """Asks the finders behind it, and times what they find."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        for finder in sys.meta_path:
            if finder is Finder:
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module") and spec.origin not in (None, "frozen", "built-in"):
                    spec.loader = Timed(spec.loader)
                return spec
        return None


def write():
    with open({log!r}, "a") as out:
        out.write(json.dumps({{"words": sys.orig_argv[1:3], "spent": SPENT, "importers": IMPORTERS}}) + "\\n")


if sys.orig_argv[1:2] == ["-m"] and sys.orig_argv[2].startswith("stages."):
    sys.meta_path.insert(0, Finder)
    atexit.register(write)
'''


def watched(folder: Path) -> list[dict[str, Any]]:
    """What each stage of a small project imported: CPU seconds and importing modules by library."""
    log, site = folder / "log", folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(WATCH.format(log=str(log)))
    (folder / "project").mkdir()
    project = make(folder / "project", ["card_fraud"])
    project.set({**SMALL, "card_fraud.monitor.rows": 500})
    project.run("dvc", "repro", env={"PYTHONPATH": f"{site}{os.pathsep}{project.path}"})
    return [json.loads(line) for line in log.read_text().splitlines()]


def large(run: Mapping[str, Any], least: float) -> list[tuple[str, float, str]]:
    """A stage's libraries that cost so much, the most expensive first, with the module that imports it."""
    found = [(n, s, run["importers"].get(n, "")) for n, s in run["spent"].items() if s >= least]
    return sorted(found, key=lambda one: -one[1])


def main(least: float) -> int:
    unnamed = []
    with tempfile.TemporaryDirectory() as name:
        runs = watched(Path(name))
    for run in runs:
        stage = run["words"][1].removeprefix("stages.")
        print(f"{stage}: {sum(run['spent'].values()):.2f} s")
        for library, seconds, importer in large(run, least):
            print(f"  {seconds:5.2f}  {library:20} {importer}")
            if library not in EVERY | USED[stage]:
                unnamed.append(f"{stage}: {library}")
    print(f"not among what the stage works with: {', '.join(unnamed) or 'none'}")
    return bool(unnamed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--least", type=float, default=0.1, help="CPU seconds")
    sys.exit(main(parser.parse_args().least))
