"""A cluster's processes end with the process that started them, however that one ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil

STARTER = """
import os, signal, subprocess
from bench import spark_cluster
watcher = subprocess.Popen(("sh", "-c", spark_cluster.WATCH), stdin=subprocess.PIPE, start_new_session=True)
started = [subprocess.Popen(("sleep", "1000"), start_new_session=True) for _ in range(2)]
for process in started:
    spark_cluster._watch(watcher, process)
print(*(p.pid for p in started), watcher.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_started() -> None:
    starter = subprocess.run(
        [sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True, check=False
    )
    assert starter.returncode == -signal.SIGKILL
    for pid in map(int, starter.stdout.split()):
        with suppress(psutil.NoSuchProcess):
            while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # until somebody reaps it
                time.sleep(0.01)
