"""`replay --out FILE`: a row per served row, as Parquet, written while the rows stream by. An edge: writes a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.files import replacing
from plumbline.ops.replay.served_rows import ServedRows
from plumbline.ops.replay.verdicts import RowVerdicts

SUFFIX = ".parquet"
SCHEMA = pa.schema(
    [
        ("day", pa.date32()),
        ("sequence", pa.int64()),
        ("key", pa.string()),
        ("arm", pa.string()),
        ("mode", pa.string()),
        ("bundle", pa.string()),
        ("score", pa.list_(pa.float64())),
        ("replayed", pa.list_(pa.float64())),
        ("alarm", pa.bool_()),
        ("decision", pa.string()),
        ("equal", pa.bool_()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)


class RowFile:
    """An open file of rows."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._parts: list[Any] = []

    @staticmethod
    @contextmanager
    def opened(path: Path) -> Iterator[RowFile]:
        """The file, in its place once all rows are written; PlumblineError for another ending than .parquet."""
        if path.suffix != SUFFIX:
            raise PlumblineError(
                f"{path}: expected a file {SUFFIX}; {suggest(path.suffix, [SUFFIX])}"
            )
        with replacing(path) as beside, pq.ParquetWriter(beside, SCHEMA) as writer:
            yield RowFile(writer)

    def write(self, rows: ServedRows, verdicts: RowVerdicts) -> None:
        """Add rows with their verdicts, which `flush` writes."""
        result = verdicts.rescored
        width = (
            np.where(result.scored, result.score.shape[1], 0)
            if result
            else np.zeros(len(rows), int)
        )
        again = result.score if result else np.zeros((len(rows), 1))
        facts: Mapping[str, Any] = {
            n: rows.facts[n].tolist()
            for n in ("sequence", "arm", "mode", "bundle", "alarm", "decision")
        }
        columns = {
            **facts,
            "day": [rows.day] * len(rows),
            "key": [str(key) for key in rows.facts["key"]],
            "score": _lists(rows.score, rows.width),
            "replayed": _lists(again, width),
            "equal": (verdicts.reason == "").tolist(),
            "reason": verdicts.reason.tolist(),
            "detail": verdicts.detail.tolist(),
        }
        self._parts.append(pa.table(columns, SCHEMA))

    def flush(self) -> None:
        """Write what was added, by sequence."""
        if self._parts:
            self._writer.write_table(pa.concat_tables(self._parts).sort_by("sequence"))
            self._parts = []


def _lists(values: np.ndarray, width: np.ndarray) -> list[list[float]]:
    return [row[:size] for row, size in zip(values.tolist(), width.tolist(), strict=True)]
