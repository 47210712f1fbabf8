"""Ctrl-C in the middle of a job: the process ends at once, and its executors with it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE

from bench.spark_cluster import Cluster

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys, time
from plumbline.core import spark_session
with spark_session.connect(sys.argv[1]) as session:
    print("ready", flush=True)
    session.sparkContext.parallelize([0], 1).map(lambda _: time.sleep(1000)).collect()
"""


def test_ctrl_c_ends_a_job_at_once(cluster: Cluster) -> None:
    command = [sys.executable, "-c", PROGRAM, cluster.address]
    with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        errors = process.communicate()[1]
    assert process.returncode == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "Py4J" not in errors
    while cluster.running():
        time.sleep(0.1)
