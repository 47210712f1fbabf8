"""One event's place in the tables of a commit, and its score by that commit's bundle. An edge: reads files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.ops.lineage.lineage_document import TracedPrediction
from plumbline.ops.rollback.agree import brought
from plumbline.repo import object_stores, repair, revisions
from plumbline.repo.tracked_outs import Out

TABLES = "features"
"""The stage that writes the tables."""
TABLE = ".parquet"


def prediction(
    root: Path, rev: str | None, usecase_name: str, bundle: Out, key: str
) -> TracedPrediction:
    """Key, table, md5, row (from 0), score, threshold. Every byte comes by its md5, hashed on the way.

    A table's first column is the key. Raises PlumblineError where no table has the event.
    """
    outs = revisions.outs(root, rev)
    listed = [o for o in outs if o.stage == f"{TABLES}@{usecase_name}" and o.path.endswith(TABLE)]
    with tempfile.TemporaryDirectory(prefix="plumbline-") as name:
        folder = Path(name)
        for out in listed:
            table = folder / Path(out.path).name
            _restore(root, out, table)
            row = _row(table, key)
            if row is not None:
                brought(root, rev or "the work tree", bundle, folder / "bundle")
                return TracedPrediction(
                    usecase=usecase_name,
                    key=key,
                    table=out.path,
                    md5=out.md5,
                    row=row,
                    **_scored(folder / "bundle", usecase_name, table, row),
                )
    names = ", ".join(o.path for o in listed) or "no table is recorded"
    raise PlumblineError(f"{usecase_name}: no event with the key {key} in {names}")


def _restore(root: Path, out: Out, target: Path) -> None:
    settings = object_stores.settings(root)
    sources: Iterable[object_stores.ObjectStore] = [
        settings.folder(),
        *map(settings.remote, settings.remotes),
    ]
    repair.restore(list(sources), out.md5, target, 0o600)


def _row(table: Path, key: str) -> int | None:
    """Where the key stands; the last place, if in several."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    first = pq.read_schema(table).names[0]
    column = pq.read_table(table, columns=[first]).column(0)
    rows = pc.indices_nonzero(pc.equal(pc.cast(column, "string"), key))
    return int(rows[-1].as_py()) if len(rows) else None


def _scored(model: Path, usecase_name: str, table: Path, row: int) -> dict[str, Any]:
    """Score, threshold and, of several classes or where decisions are declared, the one decided on."""
    from plumbline.core import tables
    from plumbline.model import bundle

    loaded = bundle.load(model, usecase_name)
    columns = {name: values[row : row + 1] for name, values in tables.read(table).items()}
    answer = loaded.predict(columns)
    if loaded.classes:
        sure = float(answer[0, loaded.decided(answer)[0]])
        return {"score": sure, "threshold": None, "decision": str(loaded.decide(answer)[0])}
    decided = loaded.decisions_of(columns, answer)
    acts = {} if decided is None else {"decision": str(decided[0])}
    return {"score": float(answer[0]), "threshold": loaded.threshold, **acts}
