"""Operations on the whole repository: rollback, lineage, retrain, alerts, hosting."""
