"""A Spark cluster on this machine: a master and workers, as processes of their own that listen on loopback alone.

`python -m bench.spark_cluster` starts one of two workers with a core each, prints its address, and ends it with
Ctrl-C; in another shell then `PLUMBLINE_ENGINE=spark://127.0.0.1:PORT dvc repro`. Spark's own programs, from the
extra `spark` (docs/machine.md), by Java 17.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import psutil

from plumbline.core import spark_session

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
WITHIN = 60
"""Seconds in which a cluster has to stand."""
FRUGAL = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
"""Of Java: little to compile and to collect, for sessions of seconds."""
SHORT = f"""spark.driver.extraJavaOptions {FRUGAL}
spark.executor.extraJavaOptions {FRUGAL}
spark.executor.memory 600m
"""
"""Of a session of seconds, as in `spark-defaults.conf`."""
WATCH = """trap '' HUP INT TERM
while read -r pid; do groups="$groups -$pid"; done
kill -s KILL -- $groups 2>/dev/null"""
"""A shell that outlives this process, however it ends, and then ends the groups of processes that it was given."""


@dataclass
class Cluster:
    """`address`: for `engine`; `workers`: their processes, in order; `logs`: a folder."""

    address: str
    folder: Path
    web: int
    master: subprocess.Popen[bytes]
    cores: int
    memory: str
    watcher: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def environment(self, defaults: str = SHORT) -> dict[str, str]:
        """Variables of a process whose stages compute here: the address, and the session's `defaults`."""
        conf = self.folder / "conf"
        conf.mkdir(exist_ok=True)
        (conf / "spark-defaults.conf").write_text(defaults)
        return {"PLUMBLINE_ENGINE": self.address, "SPARK_CONF_DIR": str(conf)}

    def cpu(self) -> float:
        """Processor seconds of master, workers and all executors so far."""
        spent = 0.0
        for process in (self.master, *self.workers):
            with suppress(psutil.NoSuchProcess):
                one = psutil.Process(process.pid)
                running = [c.cpu_times()[:2] for c in one.children(recursive=True)]
                spent += sum(one.cpu_times()[:4]) + sum(map(sum, running))
        return spent

    def alive(self) -> int:
        """How many workers the master counts."""
        return sum(w["state"] == "ALIVE" for w in self._state()["workers"])

    def running(self) -> int:
        """How many executors hold a core."""
        return sum(w["coresused"] > 0 for w in self._state()["workers"] if w["state"] == "ALIVE")

    def start_worker(self) -> None:
        """One more worker, known to the master."""
        wanted = self.alive() + 1
        self._launch()
        self._await(wanted)

    def start_workers(self, count: int) -> None:
        """Several at once."""
        for _ in range(count):
            self._launch()
        self._await(count)

    def _await(self, count: int) -> None:
        _wait(lambda: self.alive() >= count, self.workers[-1], self.logs)

    def _launch(self) -> None:
        number = len(self.workers)
        work = self.folder / f"work-{number}"
        more = ("--cores", str(self.cores), "--memory", self.memory, "--work-dir", str(work))
        arguments = ("--host", HOST, "--webui-port", "0", *more, self.address)
        worker = _daemon(self.folder, f"worker-{number}", "worker.Worker", arguments)
        _watch(self.watcher, worker)
        self.workers.append(worker)

    def kill_worker(self, number: int = 0) -> None:
        """End a worker and its executors at once, as a machine that is lost."""
        before = self.alive()
        _kill(self.workers[number])
        _wait(lambda: self.alive() < before, self.master, self.logs)

    def _state(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        with build_opener(ProxyHandler({})).open(
            f"http://{HOST}:{self.web}/json/", timeout=10
        ) as page:
            return json.load(page)


@contextmanager
def cluster(
    folder: Path, workers: int = 2, cores: int = 1, memory: str = "1g"
) -> Iterator[Cluster]:
    """A master and workers, their logs and scratch in `folder`, ended with the block."""
    with ExitStack() as stack:
        made = _master(folder, cores, memory)
        stack.callback(_end, made)
        _wait(lambda: made.alive() == 0, made.master, made.logs)
        made.start_workers(workers)
        yield made


def _master(folder: Path, cores: int, memory: str) -> Cluster:
    port, web = _free_ports(2)
    arguments = ("--host", HOST, "--port", str(port), "--webui-port", str(web))
    watcher = subprocess.Popen(("sh", "-c", WATCH), stdin=subprocess.PIPE, start_new_session=True)
    master = _daemon(folder, "master", "master.Master", arguments)
    _watch(watcher, master)
    return Cluster(f"spark://{HOST}:{port}", folder, web, master, cores, memory, watcher)


def _watch(watcher: subprocess.Popen[bytes], process: subprocess.Popen[bytes]) -> None:
    """Let the process end with this one, however this one ends."""
    assert watcher.stdin is not None
    watcher.stdin.write(f"{process.pid}\n".encode())
    watcher.stdin.flush()


def _daemon(
    folder: Path, name: str, program: str, arguments: Sequence[str]
) -> subprocess.Popen[bytes]:
    """One of Spark's programs in a group of its own, so that what it starts ends with it."""
    home = spark_session.home()
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    command = [spark_session.java(), "-Xmx160m", *FRUGAL.split(), "-cp", f"{home / 'jars'}/*"]
    own = {
        "PYTHONPATH": str(ROOT),
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_LOCAL_DIRS": str(folder / "scratch"),
        "SPARK_SCALA_VERSION": _scala(home),
    }
    with (logs / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [*command, f"org.apache.spark.deploy.{program}", *arguments],
            env=os.environ | own,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _scala(home: Path) -> str:
    """The version that Spark's own start scripts would find."""
    core = next((home / "jars").glob("spark-core_*.jar"))
    return core.name.removeprefix("spark-core_").partition("-")[0]


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], logs: Path) -> None:
    until = time.monotonic() + WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"Spark's cluster did not start within {WITHIN} s; its logs: {logs}")


def _end(made: Cluster) -> None:
    for process in (*made.workers, made.master):
        _kill(process)
    made.watcher.communicate()  # the groups that it knows are gone


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The process and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cores", type=int, default=1, help="of each worker")
    parser.add_argument("--memory", default="1g", help="of each worker, as Spark writes it")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does
    with (
        suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory(prefix="plumbline-spark-") as folder,
        cluster(Path(folder), chosen.workers, chosen.cores, chosen.memory) as made,
    ):
        print(f"PLUMBLINE_ENGINE={made.address}  (Ctrl-C ends it; logs: {made.logs})", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
