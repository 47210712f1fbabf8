"""Figures that take minutes, as committed in docs/evidence, held to the outs that dvc.lock names."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

FOLDER = ROOT / "docs" / "evidence"
REMEDY = "run `make evidence` and commit docs/evidence"


def read(usecase: str, name: str, **of: str) -> dict[str, Any]:
    """docs/evidence/<usecase>/<name>.json; skipped where it was measured on other outs than the lock's.

    `of`: the JSON's keys under "of", and the outs in dvc.lock whose md5 they must be.
    """
    path = FOLDER / usecase / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path.relative_to(ROOT)} is not there: {REMEDY}")
    result = json.loads(path.read_text())
    locked = outs()
    for key, out in of.items():
        if result["of"][key] != locked[out]:
            pytest.skip(f"{path.relative_to(ROOT)} is of another {out}: {REMEDY}")
    return result


def outs() -> dict[str, str]:
    """Every out that dvc.lock names, and its md5."""
    stages = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]
    return {o["path"]: o["md5"] for entry in stages.values() for o in entry["outs"]}
