"""Whether `plumbline score` gives the raw events of the test window the scores that evaluate recorded, to the bit.

    python -m bench.score_parity card_fraud
    python -m bench.score_parity flights

Tiles are written as of the day on which the test window begins; the file of events is what the source has from the label
delay before that day on, with the outcomes. Exits with 1 where a score differs. Run after `dvc repro`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from plumbline.core import tables, usecase_loader
from plumbline.core.sql import literal, quote
from plumbline.core.usecase import FeatureSet
from plumbline.features import assemble, ibis_session, tile_files
from plumbline.model import bundle
from plumbline.model.admission import Scorer
from plumbline.serve import seed
from plumbline.serve.bulk import bulk_scoring
from plumbline.serve.bulk.bulk_scoring import BulkRequest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("usecase")
    parser.add_argument("--data", type=Path, default=Path("."), help="project with data and model")
    given = parser.parse_args()
    case, data = usecase_loader.load_features(given.usecase), given.data
    model = bundle.load(data / "models" / case.name)
    recorded = tables.read(data / "data" / case.name / "tables" / "test.parquet")
    wanted = recorded_scores(data, case, recorded, model)
    with tempfile.TemporaryDirectory(prefix="plumbline-parity-") as scratch:
        answers = scored(case, data / "data" / case.name / "valid", model, recorded, Path(scratch))
    place = {key: i for i, key in enumerate(answers[case.key].tolist())}
    own = answers["score"][[place[key] for key in recorded[case.key].tolist()]]
    differing = int(np.count_nonzero(own != wanted))
    print(f"{case.name}: {len(wanted):,} events of the test window, {differing:,} scores differ")
    return int(differing > 0)


def recorded_scores(data: Path, case: FeatureSet, recorded: Any, model: Any) -> Any:
    """What evaluate wrote; where it has not run, the model's answers to the test table."""
    path = data / "reports" / case.name / "evaluate" / "predictions.parquet"
    return tables.read(path)["score"] if path.exists() else model.predict(recorded)


def scored(
    case: FeatureSet, valid: Path, model: Any, recorded: Any, scratch: Path
) -> dict[str, Any]:
    """The answers to the events from the label delay before the test window on."""
    start: date = recorded[case.time].min().astype("datetime64[D]").astype(date)
    tiles = scratch / "tiles"
    tiles.mkdir()
    with ibis_session.connection() as backend:
        events, outcomes = ibis_session.read(backend, case, valid)
        first, _ = assemble.span(case, events, None)
        seen, known = assemble.visible(backend, case, events, outcomes, start)
        tile_files.write(backend, case, seen, known, (first, start), 8, tiles)
    write(case, valid, start - timedelta(case.delay_days), scratch / "events.parquet")
    request = BulkRequest(
        str(scratch / "events.parquet"), scratch / "answers.parquet", seed.read(tiles)
    )
    (scratch / "work").mkdir()
    scorer = Scorer(model, case, "checkout", ())
    bulk_scoring.score(scorer, request, scratch / "work", lambda *_: None)
    return tables.read(scratch / "answers.parquet")


def write(case: FeatureSet, valid: Path, since: date, target: Path) -> None:
    """Known columns and outcomes of the events from a day on."""
    late = ", ".join(f"o.{quote(c.name)}" for c in case.unknown)
    known = ", ".join(f"e.{quote(c.name)}" for c in case.known)
    duckdb.execute(
        f"COPY (SELECT {known}, {late} FROM read_parquet('{valid}/events-*.parquet') e LEFT JOIN "
        f"read_parquet('{valid}/outcomes-*.parquet') o USING ({quote(case.key)}) "
        f"WHERE e.{quote(str(case.time))} >= DATE '{since}') TO {literal(target)} (FORMAT parquet)"
    )


if __name__ == "__main__":
    sys.exit(main())
