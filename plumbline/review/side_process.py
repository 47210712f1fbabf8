"""What only a revision's own code can say of its use cases, in a process of its own: declarations, seed replicates.

`python -m plumbline.review.side_process REQUEST.json ANSWER.json`, with the revision's code to import
from. What it hands over are files: texts, and bundles of trees and JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plumbline.core import usecase_loader
from plumbline.core.declarations import Problem
from plumbline.core.documents import Document
from plumbline.core.errors import PlumblineError
from plumbline.core.files import dumps
from plumbline.core.safe_text import log_lines
from plumbline.core.usecase import UseCase
from plumbline.metrics.metrics import PRIMARY
from plumbline.model import bundle
from plumbline.repo import object_stores
from plumbline.report.metric_titles import units
from plumbline.review import declared_rules, revision, seed_variance
from plumbline.review.revision import Revision
from plumbline.review.scoring import Criteria
from plumbline.runtime import dvc_lock

MODULE = "plumbline.review.side_process"


class SideAnswer(Document):
    """What one revision's code says of one of its use cases."""

    problem: Problem
    primary: str
    units: dict[str, str]
    level: float
    margin: float
    limits: dict[str, float]
    declared: dict[str, dict[str, str]]
    replicates: int
    reason: str | None


def request(side: Revision, names: Sequence[str], retrained: Sequence[str], folder: Path) -> Any:
    """What to ask of a side: its use cases, and of which seed replicates are wanted, below `folder`."""
    return {
        "root": str(side.root.absolute()),
        "rev": side.rev,
        "usecases": list(names),
        "retrained": list(retrained),
        "folder": str(folder),
    }


def answers(wanted: dict[str, Any]) -> dict[str, SideAnswer]:
    """Each use case's answer; its seed replicates are written below the folder as bundles."""
    side = revision.side(Path(wanted["root"]), wanted["rev"])
    return {name: _answer(side, name, wanted) for name in wanted["usecases"]}


def _answer(side: Revision, name: str, wanted: dict[str, Any]) -> SideAnswer:
    criteria = Criteria(usecase_loader.load(name), side.params(name))
    count, reason = 0, None
    if name in wanted["retrained"]:
        count, reason = _retrained(side, criteria, Path(wanted["folder"]) / name)
    usecase, params = criteria.usecase, criteria.params
    costs = params.train.costs or params.train.class_costs
    return SideAnswer(
        problem=usecase.problem,
        primary=PRIMARY[usecase.problem],
        units=units(_label_unit(usecase), costs.unit if costs else None),
        level=params.evaluate.level,
        margin=params.gate.margin,
        limits=params.gate.limits(),
        declared=declared_rules.of(usecase),
        replicates=count,
        reason=reason,
    )


def _label_unit(usecase: UseCase) -> str:
    return usecase.column(usecase.label).unit


def _retrained(side: Revision, criteria: Criteria, folder: Path) -> tuple[int, str | None]:
    entries = dvc_lock.of(side.entries, criteria.usecase.name)
    cache = object_stores.settings(side.root).folder()
    found = seed_variance.measure(cache, criteria, (side.name, entries))
    folder.mkdir(parents=True)
    for number, one in enumerate(found.bundles):
        described = {k: v for k, v in dict(one.manifest).items() if k != "model_md5"}
        bundle.save(folder / str(number), one.booster, described)
    return len(found.bundles), found.reason


def main(words: Sequence[str]) -> int:
    """Answer a request; 2 and the message where the revision's code or data do not allow it."""
    request_file, answer = map(Path, words)
    try:
        results = answers(json.loads(request_file.read_text(encoding="utf-8")))
    except PlumblineError as error:
        sys.stderr.write(f"{log_lines(error)}\n")
        return PlumblineError.exit_code
    plain = {name: one.model_dump() for name, one in results.items()}
    answer.write_text(dumps(plain), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
