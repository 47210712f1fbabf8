"""How XGBoost is imported first."""

from __future__ import annotations

from plumbline.core.imports import without


def load() -> None:
    """Import XGBoost without its wrappers for scikit-learn, which would load that library, too."""
    with without("sklearn"):
        import xgboost  # noqa: F401
