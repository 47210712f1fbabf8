"""Operations on the whole repository: rollback, lineage, retrain, release, audit, resolve, alerts, hosting."""
