"""The tables of a simulated use case as if some more days had passed: more days to judge by.

What was learned from stays as it is: the payments, and so the tables, of before are the same to the bit.
"""

from __future__ import annotations

import contextlib
import datetime
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from plumbline.core.errors import ParamsError
from stages import data, features, validate


@contextlib.contextmanager
def tables(name: str, days: int) -> Iterator[Path]:
    """The folder of train, valid and test, test `days` days longer than in ./params.yaml.

    Raises ParamsError where the use case is not simulated: there are no more days then.
    """
    here = Path.cwd()
    params: dict[str, Any] = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    own = params[name]
    if own["data"]["source"] != "simulate":
        raise ParamsError(
            f"params.yaml, {name}.data.source: expected simulate, to have {days} more days; "
            f"found {own['data']['source']}"
        )
    until = datetime.date.fromisoformat(own["data"]["as_of"]) + datetime.timedelta(days)
    own["data"]["as_of"] = until.isoformat()
    own["features"]["test_days"] += days
    own["features"]["join"] = "direct"
    with tempfile.TemporaryDirectory() as scratch:
        with contextlib.chdir(scratch):
            Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
            raw, valid, kept = Path("raw"), Path("valid"), Path("tables")
            data.main(name, here / "sources" / name, raw, Path("served"), Path("data.json"))
            outputs = (Path(p) for p in ("quarantine", "profile.json", "report", "validate.json"))
            validate.main(name, raw, here / "profiles" / f"{name}.json", valid, *outputs)
            features.main(
                name, valid, Path("snapshots"), Path("tiles"), kept, Path("features.json")
            )
        yield Path(scratch) / kept
