"""What Spark raises where a job fails, in a line. An edge: Spark."""

from __future__ import annotations

SHOWN = 300


def failures() -> tuple[type[Exception], ...]:
    """The exceptions of a job that the cluster gave up on."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return Py4JError, PySparkException


def reason(error: Exception) -> str:
    """The line of Spark's that says what was lost; an error of Python on a worker: its last line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if "Error: " in line or "Exception: " in line]
    return (named or lines or [type(error).__name__])[0].lstrip(": ")[:SHOWN]
