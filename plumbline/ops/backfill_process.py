"""`python -m plumbline.ops.backfill_process REQUEST.json`, in a project's folder: a range of days by the code there."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from plumbline import config
from plumbline.core import documents, policy, usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.core.safe_text import log_lines
from plumbline.features import backfill, ibis_session
from plumbline.features.backfill import BackfillReport
from plumbline.features.splits import SplitWindow
from plumbline.repo import artifacts
from plumbline.runtime import runner

MODULE = "plumbline.ops.backfill_process"


def run(request: Mapping[str, Any]) -> BackfillReport:
    """Write the tables and `backfill.json` into the request's folder, which is empty."""
    name, folder = request["usecase"], Path(request["folder"])
    case, params = usecase_loader.load_features(name), config.load(name)
    policy.check(case)
    first, last = (date.fromisoformat(request[key]) for key in ("first", "last"))
    window = SplitWindow(first, last + timedelta(days=1))
    valid = artifacts.path(name, artifacts.Role.VALID_EVENTS)
    with ibis_session.connection() as backend:
        report = backfill.write(
            backend,
            case,
            params.features,
            params.data.as_of,
            valid,
            window,
            folder,
            request["commit"],
            own=params.data.own_outcomes,
        )
    documents.write(folder / backfill.FILE, report)
    return report


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
