"""A file of raw events scored by a bundle. An edge: reads and writes files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.files import replacing
from plumbline.core.tables import ARROW
from plumbline.core.usecase import FeatureSet
from plumbline.model import admission
from plumbline.ops import packed_bundle
from plumbline.serve import scoring

SUFFIXES = (".parquet", ".csv")
WORDS = {
    "checkout": "of the checkout",
    "admitted": "in the bundle, admitted by its hash",
    "declared": "in the bundle, which has no functions",
}
"""Whose use case completed the events."""


def score(
    bundle: Path, events: Path, out: Path, admit: Iterable[str] = (), *, new_entities: bool = False
) -> tuple[int, str]:
    """Score the events in a Parquet or CSV file and write the key and the answers.

    Returns the rows, and whose code completed them. PlumblineError where the bundle is not admitted, or
    an event is refused: then nothing is written.
    """
    for path in (events, out):
        _check_suffix(path)
    with packed_bundle.opened(bundle) as folder:
        scorer = admission.load(folder, admit)
        table = _read(scorer.usecase, events)
        answers = scoring.answers(scorer, table, new_entities=new_entities)
    key = scorer.usecase.key
    with replacing(out) as beside:
        _write(pa.table({key: table.column(key), **answers}), beside, out.suffix)
    return len(table), scorer.origin


def _check_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise PlumblineError(
            f"{path}: expected a file {' or '.join(SUFFIXES)}; {suggest(path.suffix, SUFFIXES)}"
        )


def _read(usecase: FeatureSet, path: Path) -> Any:
    """The file as an Arrow table; a CSV's columns are read as what the contract says."""
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        kinds = {c.name: ARROW[c.type] for c in usecase.known}
        kinds |= {f.name: pa.float64() for f in usecase.aggregates}
        texts = pc.ConvertOptions(column_types=kinds, strings_can_be_null=True)
        return pc.read_csv(path, convert_options=texts)
    except FileNotFoundError:
        raise PlumblineError(f"{path}: no such file; give a file of events") from None
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise PlumblineError(f"{path}: it cannot be read as {path.suffix[1:]} ({reason})") from None


def _write(table: Any, path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pq.write_table(table, path)
    else:
        pc.write_csv(table, path)
