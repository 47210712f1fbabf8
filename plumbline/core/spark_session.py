"""A session on a Spark cluster, for stages whose machine sets `engine: spark://host:port`.

It computes what DuckDB computes: times are UTC, integers that overflow and casts that fail are errors. pyspark lies
beside the other packages (`make install-spark`), where nothing but this module looks: several libraries import it
when they see it.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from plumbline.core import spark_errors
from plumbline.core.errors import PlumblineError

JAVA = 17
"""The oldest Java that Spark 4 runs on."""
ANSWERS = 10
"""Seconds in which a master takes a connection."""
WORKERS = 60
"""Seconds in which a worker takes part."""
LOCAL = {"localhost", "127.0.0.1", "[::1]"}
SETTINGS = {
    "spark.app.name": "plumbline",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.adaptive.coalescePartitions.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.caseSensitive": "true",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.driver.maxResultSize": "0",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
"""What results depend on, and quiet. All else is the cluster's own: `spark-defaults.conf` in `SPARK_CONF_DIR`."""
SCRATCH = "spark.plumbline.scratch"
"""The session's own folder on this machine."""
LOG = "spark.log"
OWN = ("usecases", "sources", "stages")
"""A project's folders of modules."""
PER_CORE = 4
"""Partitions of a shuffle for each core; small neighbours are joined when they are read."""


@contextmanager
def connect(master: str) -> Iterator[Any]:
    """A SparkSession on the cluster of `master`, which ends with the block.

    Raises PlumblineError where pyspark or Java is missing, the master does not answer, no worker takes part, all are
    gone for a while, or a job fails.
    """
    home()
    java()
    _reach(master)
    with tempfile.TemporaryDirectory(prefix="plumbline-spark-") as scratch:
        session = _started(master, Path(scratch))
        try:
            _await_worker(session, master)
            cores = session.sparkContext.defaultParallelism
            session.conf.set("spark.sql.shuffle.partitions", str(PER_CORE * max(cores, 2)))
            with _interruptible(), _failures(master), _watched(session, master):
                yield session
        finally:
            if session.sparkContext._gateway.proc.poll() is None:
                session.stop()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends Spark's own process at once, and with it the executors: pyspark asks it to cancel its jobs, on a
    connection that is in the middle of a call."""
    from pyspark import SparkContext

    def interrupt(*_: object) -> None:
        logging.getLogger("py4j").setLevel(logging.CRITICAL)
        SparkContext._gateway.proc.kill()
        SparkContext._gateway.proc.wait()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _failures(master: str) -> Iterator[None]:
    """What Spark raises as one PlumblineError."""
    try:
        yield
    except spark_errors.failures() as error:
        raise PlumblineError(
            f"engine: a job on {master} failed: {spark_errors.reason(error)}; see the logs of its master and workers "
            "(they need the project's folder and TMPDIR at the same paths, the driver's Spark and Java), or set "
            "engine: duckdb"
        ) from error


@contextmanager
def _watched(session: Any, master: str) -> Iterator[None]:
    """End the block's jobs where no worker is left for WORKERS seconds: they would wait for ever."""
    done, lost = threading.Event(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(session, done, lost), daemon=True)
    watcher.start()
    try:
        yield
    except spark_errors.failures():
        if lost.is_set():
            raise PlumblineError(
                f"engine: no worker of {master} is left since {WORKERS} s; start workers and run again, or set "
                "engine: duckdb"
            ) from None
        raise
    finally:
        done.set()
        watcher.join()


def _watch(session: Any, done: threading.Event, lost: threading.Event) -> None:
    context, since = session.sparkContext, time.monotonic()
    with suppress(*spark_errors.failures()):  # a session that ended by itself
        while not done.wait(1):
            if _executors(session):
                since = time.monotonic()
            elif time.monotonic() > since + WORKERS:
                lost.set()
                context.cancelAllJobs()


def _executors(session: Any) -> int:
    """How many take part; the driver is counted beside them."""
    return int(session.sparkContext._jsc.sc().getExecutorMemoryStatus().size()) - 1


def home() -> Path:
    """The folder of pyspark, with Spark's jars, now on this process' path; PlumblineError where it is missing."""
    beside = Path(sys.prefix) / "spark"
    if (beside / "pyspark").is_dir() and str(beside) not in sys.path:
        sys.path.append(str(beside))
    package = importlib.util.find_spec("pyspark")
    if package is None or package.origin is None:
        raise PlumblineError(
            "engine: expected pyspark for a Spark master, found none; run `make install-spark` (in a project of "
            "your own: pip install 'plumbline[spark]'), or set engine: duckdb"
        )
    return Path(package.origin).parent


def java() -> str:
    """The program; PlumblineError where there is none, or an older one than Spark runs on."""
    named = os.environ.get("JAVA_HOME")
    program = str(Path(named) / "bin" / "java") if named else shutil.which("java")
    version = _version(program) if program else 0
    if not program or version < JAVA:
        result = f"Java {version} ({program})" if version else "none"
        raise PlumblineError(
            f"engine: expected Java {JAVA} or newer for Spark, found {result}; install it (Debian, Ubuntu: "
            f"apt install openjdk-{JAVA}-jre-headless) or set JAVA_HOME"
        )
    return program


def _version(program: str) -> int:
    try:
        shown = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    parts = re.search(r'version "(?:1\.)?(\d+)', shown.stderr + shown.stdout)
    return int(parts[1]) if parts else 0


def _reach(master: str) -> None:
    """PlumblineError where no address of `spark://host:port,host:port` takes a connection."""
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), ANSWERS).close()
            return
        except (OSError, OverflowError) as error:
            reason = str(error)
    raise PlumblineError(
        f"engine: expected a Spark master at {master}, found none ({reason}); start it, correct `engine` in "
        "plumbline.local.yaml or PLUMBLINE_ENGINE, or set engine: duckdb"
    )


def _started(master: str, scratch: Path) -> Any:
    from py4j.protocol import Py4JError
    from pyspark import SparkConf
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    os.environ["SPARK_HOME"] = str(home())
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = SparkConf().setMaster(master).setAll(list(_settings(master, scratch).items()))
    with (scratch / LOG).open("w+") as log:
        try:
            _launch(conf, log)
            return SparkSession.builder.config(conf=conf).getOrCreate()
        except (PySparkException, Py4JError) as error:
            reason = _reason(log) or str(error).strip().splitlines()[0]
            raise PlumblineError(
                f"engine: expected a session on {master}, found: {reason}; see the logs of its master and workers, "
                "or set engine: duckdb"
            ) from None


def _launch(conf: Any, log: TextIO) -> None:
    """Spark's own process, which lives as long as this one; what it prints goes to the log."""
    from pyspark import SparkContext
    from pyspark.java_gateway import launch_gateway

    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)  # errors are raised
    if SparkContext._gateway is None:
        SparkContext._ensure_initialized(gateway=launch_gateway(conf, {"stderr": log}))


def _reason(log: TextIO) -> str:
    """The last error that Spark printed."""
    log.seek(0)
    errors = [line.strip() for line in log if " ERROR " in line or "Exception" in line]
    if any("masters are unresponsive" in line for line in errors):
        return "no answer that its Spark understands (another program or another version of Spark listens there)"
    return errors[-1] if errors else ""


def _settings(master: str, scratch: Path) -> dict[str, str]:
    own = dict(SETTINGS)
    own |= {"spark.sql.warehouse.dir": str(scratch / "warehouse"), SCRATCH: str(scratch)}
    if all(a.rpartition(":")[0] in LOCAL for a in master.removeprefix("spark://").split(",")):
        own |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return own


def _await_worker(session: Any, master: str) -> None:
    """PlumblineError where no worker takes part: a job would wait for ever."""
    until = time.monotonic() + WORKERS
    while not _executors(session):
        if time.monotonic() > until:
            raise PlumblineError(
                f"engine: expected a worker of {master} with a free core and spark.executor.memory, found none in "
                f"{WORKERS} s; start workers, or end what holds their cores"
            )
        time.sleep(0.1)


def ship(session: Any, root: Path) -> None:
    """Send the library and the project's own modules in `root` to the workers, for Python that runs there."""
    archive = Path(session.conf.get(SCRATCH)) / "plumbline-code.zip"
    if not archive.exists():
        _pack(archive, root)
        session.sparkContext.addPyFile(str(archive))


def _pack(archive: Path, root: Path) -> None:
    library = Path(__file__).parents[1]
    folders = [library, *(root / name for name in OWN if (root / name).is_dir())]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for folder in folders:
            for file in sorted(folder.rglob("*.py")):
                packed.write(file, file.relative_to(folder.parent))
