"""There and back over three releases of card_fraud at full size: the same as recorded, and how long.

`python bench/rollback.py` works in a clone of HEAD, makes three releases (other params, other features,
other data), rolls back to each of them and to the branch again, and compares outs, champion, Feast's
definitions, online features and predictions with what was to be seen when each was made. It exits
with 1 where anything differs.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests import three_releases as releases
from tests.conftest import ROOT
from tests.project import Project

WAY = ("model-v1", "model-v3", "model-v2", "model-v1", "main")


def main() -> None:
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project")
        Project(ROOT).run("git", "clone", "-q", str(ROOT), str(project.path))
        shutil.copytree(ROOT / ".dvc" / "cache", project.path / ".dvc" / "cache")
        project.run("dvc", "checkout", "-q")
        known = releases.make(project, {})
        print(
            f"{'release':10}  {'seconds':>7}  outs, champion, Feast, online features, predictions"
        )
        for tag in WAY:
            started = time.perf_counter()
            project.run("python", "-m", "plumbline", "rollback", tag)
            seconds = time.perf_counter() - started
            found = releases.seen(project, {})
            expected = known["model-v3" if tag == "main" else tag]
            differing = [key for key in expected if found[key] != expected[key]]
            if found["outs"] != releases.recorded(project, tag):
                differing.append("dvc.lock")
            failed += bool(differing)
            said = f"DIFFER: {', '.join(differing)}" if differing else "as recorded"
            print(f"{tag:10}  {seconds:7.1f}  {said}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    main()
