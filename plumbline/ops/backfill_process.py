"""`python -m plumbline.ops.backfill_process REQUEST.json`, in a project's folder: a range of days by the code there."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from plumbline import config
from plumbline.core import documents, policy, sealed_days, usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.core.safe_text import log_lines
from plumbline.core.sealed_days import SealedDay
from plumbline.core.usecase import FeatureSet
from plumbline.features import backfill, ibis_session
from plumbline.features.backfill import BackfillReport
from plumbline.features.splits import SplitWindow
from plumbline.ops import backfill_served
from plumbline.repo import artifacts
from plumbline.runtime import runner

log = logging.getLogger("plumbline")

MODULE = "plumbline.ops.backfill_process"


def run(request: Mapping[str, Any]) -> BackfillReport:
    """Write the tables and `backfill.json` into the request's folder, which is empty."""
    name, folder = request["usecase"], Path(request["folder"])
    case, params = usecase_loader.load_features(name), config.load(name)
    policy.check(case)
    first, last = (date.fromisoformat(request[key]) for key in ("first", "last"))
    window = SplitWindow(first, last + timedelta(days=1))
    valid = artifacts.path(name, artifacts.Role.VALID_EVENTS)
    days = _sealed(request, case, params.data.as_of, last)
    as_of = backfill_served.until(days) if days else params.data.as_of
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-backfill-") as scratch,
        ibis_session.connection() as backend,
    ):
        if days:
            log.info(
                "backfill: with the events of %d sealed days up to %s", len(days), days[-1].day
            )
            valid = backfill_served.join(case, valid, days, Path(scratch) / "valid", Path(scratch))
        report = backfill.write(
            backend,
            case,
            params.features,
            as_of,
            valid,
            window,
            folder,
            request["commit"],
            own=params.data.own_outcomes or bool(days),
        )
    documents.write(folder / backfill.FILE, report)
    return report


def _sealed(
    request: Mapping[str, Any], case: FeatureSet, as_of: date | None, last: date
) -> list[SealedDay]:
    """The sealed days that the range needs; a plain table, and one without an as-of date, has none."""
    if not request.get("sealed") or as_of is None or case.time is None:
        return []
    days = sealed_days.listed(Path(request["sealed"]))
    return backfill_served.usable(days, case.name, as_of, last)


def main(words: Sequence[str]) -> int:
    """Run a request; 2 and the message where its days, or the data, do not allow it."""
    runner.prepare()
    try:
        run(json.loads(Path(words[0]).read_text(encoding="utf-8")))
    except (PlumblineError, OSError) as error:
        sys.stderr.write(f"{log_lines(runner.message(error))}\n")
        return PlumblineError.exit_code
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    sys.exit(main(sys.argv[1:]))
