"""Feature and contract code, and for each file the fast tests that should notice a change to it."""

from __future__ import annotations

CODE, DATA, ML = "tests/code", "tests/data", "tests/mltest"
SUBJECTS = {
    "plumbline/core/row_features.py": f"{CODE}/test_row_features.py {ML}/test_finite.py",
    "plumbline/core/policy.py": f"{ML}/test_policy.py",
    "plumbline/serve/request_check.py": f"{ML}/test_request.py",
    "plumbline/features/splits.py": f"{CODE}/test_splits.py",
    "plumbline/features/catalog.py": f"{CODE}/test_catalog.py",
    "plumbline/validate/check.py": f"{CODE}/test_contract.py",
    "usecases/flights/features.py": f"{CODE}/test_flights.py {CODE}/test_declared.py",
    "plumbline/core/tables.py": f"{CODE}/test_tables.py {CODE}/test_assemble.py",
    "plumbline/features/ibis_session.py": f"{CODE}/test_assemble.py {CODE}/test_batch.py",
    "usecases/card_fraud/features.py": f"{CODE}/test_card_fraud.py {CODE}/test_declared.py",
    "plumbline/validate/contract.py": f"{CODE}/test_contract.py {DATA}/test_validate.py",
    "plumbline/features/assemble.py": f"{CODE}/test_assemble.py",
    "plumbline/serve/single_event.py": f"{CODE}/test_single_event.py",
    "plumbline/features/derived_events.py": f"{CODE}/test_batch.py",
    "plumbline/features/batch.py": f"{CODE}/test_batch.py",
    "plumbline/features/grain.py": f"{CODE}/test_series.py",
    "plumbline/features/tiles.py": f"{CODE}/test_batch.py {CODE}/test_series.py",
    "plumbline/features/tile_files.py": f"{CODE}/test_tiles.py",
    "plumbline/features/tile_documents.py": f"{CODE}/test_tiles.py",
    "plumbline/features/sum_limits.py": f"{DATA}/test_numbers.py",
    "plumbline/features/code_structure.py": f"{CODE}/test_versions.py",
    "plumbline/features/definition_items.py": f"{CODE}/test_versions.py",
    "plumbline/features/live_definitions.py": f"{CODE}/test_versions.py",
    "plumbline/features/source_calls.py": f"{CODE}/test_versions.py",
    "plumbline/features/source_expressions.py": f"{CODE}/test_versions.py",
    "plumbline/features/source_reader.py": f"{CODE}/test_versions.py",
    "plumbline/features/source_statements.py": f"{CODE}/test_versions.py",
    "plumbline/features/source_values.py": f"{CODE}/test_versions.py",
    "plumbline/features/history_age.py": f"{CODE}/test_history_age.py",
    "plumbline/features/catalog_documents.py": f"{CODE}/test_catalog.py {CODE}/test_history_age.py",
    "plumbline/features/partition_drift.py": f"{CODE}/test_partition_drift.py",
    "plumbline/features/written_partitions.py": f"{CODE}/test_partition_drift.py",
    "plumbline/features/known_outcomes.py": f"{CODE}/test_known_outcomes.py",
    "plumbline/features/table_checks.py": f"{CODE}/test_assemble.py",
    "plumbline/features/model_tables.py": f"{CODE}/test_assemble.py {CODE}/test_months.py",
    "plumbline/features/histories.py": f"{CODE}/test_months.py",
    "plumbline/features/month_spans.py": f"{CODE}/test_months.py",
    "plumbline/features/past.py": f"{CODE}/test_months.py",
    "plumbline/features/aged_histories.py": f"{CODE}/test_months.py {CODE}/test_history_age.py",
}
"""The edges to Feast and to Spark are measured by coverage alone: their tests start servers."""
COVERED = (
    *SUBJECTS,
    "plumbline/features/definitions.py",
    "plumbline/features/store.py",
    "plumbline/features/join_check.py",
    "plumbline/features/spark_tables.py",
    "plumbline/features/whole_tables.py",
    "plumbline/features/shared_views.py",
    "plumbline/features/backfill.py",
    "plumbline/features/params.py",
)
FOR_COVERAGE = (
    "tests/system/test_store.py",
    "tests/system/test_backfill.py",
    "tests/spark/test_features.py",
    f"{DATA}/test_bad_rows.py",
    f"{CODE}/test_usecase.py",
)
"""What else runs when branches are counted."""
