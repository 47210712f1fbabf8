"""A file of raw events scored by a bundle. An edge: reads and writes files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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
from plumbline.model.admission import Origin
from plumbline.model.library_versions import LibraryVerdict
from plumbline.ops import packed_bundle
from plumbline.serve import scoring

SUFFIXES = (".parquet", ".csv")
WORDS = {
    "checkout": "of the checkout",
    "admitted": "in the bundle, admitted by its hash",
    "declared": "in the bundle, which has no functions",
}
"""Whose use case completed the events."""


@dataclass(frozen=True)
class ScoredEvents:
    """How many events were scored, whose use case completed them, and libraries that are not the same."""

    rows: int
    origin: Origin
    libraries: tuple[LibraryVerdict, ...]


def score(
    bundle: Path, events: Path, out: Path, admit: Iterable[str] = (), *, new_entities: bool = False
) -> ScoredEvents:
    """Score the events in a Parquet or CSV file and write the key and the answers.

    PlumblineError where the bundle is not admitted, or an event is refused: then nothing is written.
    """
    for path in (events, out):
        _check_suffix(path)
    with packed_bundle.opened(bundle) as folder:
        scorer = admission.load(folder, admit)
        table = _read(scorer.usecase, events)
        answers = scoring.answers(scorer, table, new_entities=new_entities)
    key = scorer.usecase.key
    if key in answers:
        raise PlumblineError(
            f"the key is called '{key}', as an answer is; rename it in the contract"
        )
    with replacing(out) as beside:
        _write(pa.table({key: table.column(key), **answers}), beside, out.suffix)
    others = tuple(one for one in scorer.libraries if one.verdict != "same")
    return ScoredEvents(len(table), scorer.origin, others)


def _check_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise PlumblineError(
            f"{path}: expected a file {' or '.join(SUFFIXES)}; {suggest(path.suffix, SUFFIXES)}"
        )


def _read(usecase: FeatureSet, path: Path) -> Any:
    """The file as an Arrow table; a CSV's columns are read as what the contract says, an empty field as null."""
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        kinds = {c.name: ARROW[c.type] for c in usecase.known}
        kinds |= {f.name: pa.float64() for f in usecase.aggregates}
        options = pc.ConvertOptions(
            column_types=kinds,
            null_values=[""],  # NA is a text: a country, a carrier
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        return pc.read_csv(path, convert_options=options)
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
