"""One cluster for the Spark tests of a process, and no second one beside it: memory is what it takes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from typing import Any

import pytest

from bench import spark_cluster
from bench.spark_cluster import Cluster
from plumbline.core import spark_session
from plumbline.core.errors import PlumblineError

SOCKETS = "ignore:unclosed <socket:ResourceWarning"
UNRAISED = "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """pyspark leaves the sockets of its results to Python's garbage collector."""
    for item in items:
        if "/tests/spark/" in item.path.as_posix():
            item.add_marker(pytest.mark.filterwarnings(SOCKETS))
            item.add_marker(pytest.mark.filterwarnings(UNRAISED))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers of a core each. Skipped where pyspark or Java is not installed (`.ci/run` installs both)."""
    try:
        spark_session.home(), spark_session.java()
    except PlumblineError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("spark")
    with (tmp_path_factory.getbasetemp().parent / "spark.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with spark_cluster.cluster(folder) as made, pytest.MonkeyPatch.context() as patch:
            patch.setenv("SPARK_CONF_DIR", made.environment()["SPARK_CONF_DIR"])
            yield made


@pytest.fixture
def engine(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> str:
    """The cluster as the machine's engine; the address."""
    monkeypatch.setenv("PLUMBLINE_ENGINE", cluster.address)
    return cluster.address


@pytest.fixture(scope="module")
def session(cluster: Cluster) -> Iterator[Any]:
    """A session that the tests of a module share."""
    with spark_session.connect(cluster.address) as made:
        yield made
