"""Coverage does not follow large libraries: nothing there is measured, and tracing doubles their time.

Only calls in which none of this project's code runs are left out, so that no figure changes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

CALLS = (
    ("evidently.core.report", "Context", "calculate_metric"),
    ("evidently.core.report", "Context", "get_legacy_metric"),
    ("great_expectations.datasource.fluent.interfaces", "Batch", "validate"),
    (
        "great_expectations.render.renderer.page_renderer",
        "ValidationResultsPageRenderer",
        "render",
    ),
    ("great_expectations.render.view.view", "DefaultJinjaPageView", "render"),
    ("ibis.backends.duckdb", "Backend", "create_table"),
    ("ibis.backends.duckdb", "Backend", "execute"),
    ("ibis.backends.duckdb", "Backend", "read_parquet"),
    ("ibis.backends.duckdb", "Backend", "to_parquet"),
    ("ibis.backends.duckdb", "Backend", "to_pyarrow"),
    ("ibis.backends.sql", "SQLBackend", "compile"),
    ("matplotlib.backends.backend_agg", "FigureCanvasAgg", "print_png"),
    ("matplotlib.backends.backend_svg", "FigureCanvasSVG", "print_svg"),
    ("matplotlib.figure", "FigureBase", "subplots"),
)
"""Module, class, method."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Wrap those of the libraries that are imported by now."""
    if sys.gettrace():
        for module, name, method in CALLS:
            if module in sys.modules:
                wrap(getattr(sys.modules[module], name), method)


def wrap(owner: type, name: str) -> None:
    """Let a method run untraced; once."""
    method = getattr(owner, name)
    if not hasattr(method, "__wrapped__"):
        setattr(owner, name, untraced(method))


def untraced(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which no tracer sees inside."""

    @wraps(call)
    def result(*arguments: Any, **given: Any) -> Any:
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return call(*arguments, **given)
        finally:
            sys.settrace(tracer)

    return result
