"""A file of raw events scored by a bundle: which bundle, which tiles, where progress is shown. An edge."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plumbline.core import machine
from plumbline.core.documents import Document
from plumbline.core.errors import PlumblineError, suggest
from plumbline.model import admission
from plumbline.model.admission import Origin, Scorer
from plumbline.ops import scoring_model
from plumbline.runtime.row_progress import RowProgress
from plumbline.serve import seed
from plumbline.serve.bulk import bulk_scoring
from plumbline.serve.bulk.batch_scoring import ScoreBatches
from plumbline.serve.bulk.bulk_scoring import SUFFIXES, BulkRequest, Past
from plumbline.serve.bulk.event_file import Shape

WORDS = {
    "checkout": "of the checkout",
    "admitted": "in the bundle, admitted by its hash",
    "declared": "in the bundle, which has no functions",
}
"""Whose use case completed the events."""
HISTORIES = {
    "none": "the model needs no histories",
    "columns": "histories as the file brings them",
    "tiles": "histories from the tiles of {as_of} and the file's own events",
    "new": "histories at their defaults where the file brings none: new entities",
}


class ScoredEvents(Document):
    """What was done: events scored and refused, by "column.reason"; whose use case completed them; where histories came
    from (`as_of` of the tiles); what was written; libraries that are not the same, and other remarks."""

    model: str
    rows: int
    refused: int
    reasons: dict[str, int]
    origin: Origin
    histories: Past
    as_of: str | None
    out: str
    refused_file: str | None
    explained_file: str | None
    libraries: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ScoreOptions:
    """What may be said beside the file. `tiles`: a folder of tiles in place of the commit's; `style`: of CSV."""

    model: str | None = None
    usecase: str | None = None
    tiles: Path | None = None
    new_entities: bool = False
    shape: Shape | None = None
    explain: int = 0
    admit: tuple[str, ...] = ()


def score(root: Path, events: str, out: Path, options: ScoreOptions) -> ScoredEvents:
    """Score the events and write the key and the answers, and beside them what was refused and what is explained.

    PlumblineError where the bundle is not admitted, the file cannot be read, or no event is left: then nothing is
    written.
    """
    if out.suffix not in SUFFIXES:
        raise PlumblineError(
            f"{out}: expected a file {' or '.join(SUFFIXES)}; {suggest(out.suffix, SUFFIXES)}"
        )
    with (
        scoring_model.chosen(root, options.model, options.usecase) as model,
        tempfile.TemporaryDirectory(prefix="plumbline-score-") as scratch,
    ):
        scorer = admission.load(model.folder, options.admit)
        folder = options.tiles or model.tiles
        request = BulkRequest(
            events,
            out,
            seed.read(folder) if folder and _timed(scorer) else None,
            options.new_entities,
            options.shape,
            _style(root, scorer.usecase.name),
            options.explain,
        )
        with (
            _scored(model.folder, scorer, options.explain) as scored,
            RowProgress("score") as progress,
        ):
            done = bulk_scoring.score(scorer, request, Path(scratch), progress.report, scored)
    others = [one for one in scorer.libraries if one.verdict != "same"]
    as_of = request.seed.as_of if request.seed and done.past == "tiles" else None
    return ScoredEvents(
        model=model.name,
        rows=done.rows,
        refused=done.refused,
        reasons=dict(done.reasons),
        origin=scorer.origin,
        histories=done.past,
        as_of=str(as_of) if as_of else None,
        out=str(out),
        refused_file=str(request.refused) if done.refused else None,
        explained_file=str(request.explained) if options.explain else None,
        libraries=tuple(asdict(one) for one in others),
        notes=(*(f"{one}: {one.verdict}" for one in others), *done.warnings),
    )


def lines(done: ScoredEvents) -> Iterable[str]:
    """What was done, for a person."""
    yield from (f"note: {note}" for note in done.notes)
    yield HISTORIES[done.histories].format(as_of=done.as_of)
    if done.refused:
        counted = ", ".join(f"{n:,} {name}" for name, n in list(done.reasons.items())[:5])
        events = "event" if done.refused == 1 else "events"
        yield f"{done.refused:,} {events} refused ({counted}); wrote {done.refused_file}"
    by = f"features by the use case {WORDS[done.origin]}"
    yield f"{done.rows:,} events scored, {by}; wrote {done.out}"
    if done.explained_file:
        yield f"what each feature added to the highest scores: wrote {done.explained_file}"


@contextmanager
def _scored(folder: Path, scorer: Scorer, explain: int) -> Iterator[ScoreBatches | None]:
    """Where the batches are scored: on the machine's Spark cluster; None: in this process."""
    if machine.engine() == machine.DUCKDB:
        yield None
        return
    from plumbline.serve.bulk import cluster_scoring

    with cluster_scoring.connected(machine.engine(), folder, scorer, explain) as scored:
        yield scored


def _timed(scorer: Scorer) -> bool:
    return scorer.usecase.time is not None


def _style(root: Path, usecase: str) -> dict[str, Any]:
    """How the use case's CSV files are written, as params.yaml says; the defaults where it says nothing."""
    from plumbline import config

    try:
        data = config.load(usecase, root / config.FILE).data
    except PlumblineError:
        return {}
    return {n: getattr(data, n) for n in ("delimiter", "encoding", "max_unpacking")}
