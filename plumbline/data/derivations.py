"""How the derived columns are computed over one source: guarded, and with the type that DuckDB gives them."""

from __future__ import annotations

import duckdb

from plumbline.core.errors import SpecError
from plumbline.core.usecase import Contract
from plumbline.data import fixed_expressions, missing_words
from plumbline.data.casts import Derivation
from plumbline.data.guards import guarded


def derivations(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, where: str, relation: str
) -> dict[str, Derivation]:
    """Of each derived column. SpecError, naming `where`, for one that cannot be computed at all."""
    return {
        name: _derivation(connection, usecase, name, where, relation) for name in usecase.derive
    }


def _derivation(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, name: str, where: str, relation: str
) -> Derivation:
    written = usecase.derive[name]
    try:
        connection.execute(f"EXPLAIN SELECT TRY({written}) FROM {relation}")
        sql = guarded(connection, written)
        ((_, kind, *_),) = connection.execute(
            f"DESCRIBE SELECT TRY({sql}) FROM {relation}"
        ).fetchall()
    except (duckdb.ProgrammingError, duckdb.NotSupportedError) as error:
        reason = str(error).split("\n")[0].rstrip("!.")
        raise SpecError(
            f"{where}: column '{name}', derived in usecases/{usecase.name}/contract.py, cannot "
            f"be computed: {reason}; correct the expression, or rename the source's column"
        ) from None
    if varies := fixed_expressions.varying(connection, written, relation):
        raise SpecError(
            f"{where}: column '{name}', derived in usecases/{usecase.name}/contract.py, uses {varies}, which differs from "
            "run to run; expected a value that follows from the row alone: compute it from the row's own columns"
        )
    return Derivation(sql, written, kind, missing_words.condition(connection, written))
