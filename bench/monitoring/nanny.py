"""NannyML as a detector: a worker process with its own environment, which answers through Parquet and JSON.

It needs older libraries than the project's, so `bench/requirements-nannyml.txt` goes into a virtual
environment beside the benchmark's streams at the first call.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bench.monitoring.frames import DAYS, frame
from bench.monitoring.populations import cache
from bench.monitoring.protocol import Answer, KnownLabels
from bench.monitoring.streams import Past
from plumbline.monitor.window import ScoredWindow

WORKER = Path(__file__).with_name("nanny_worker.py")
PINS = Path(__file__).parents[1] / "requirements-nannyml.txt"


def interpreter() -> Path:
    """The Python that has NannyML; NANNYML_PYTHON, or an environment installed here."""
    if given := os.environ.get("NANNYML_PYTHON"):
        return Path(given)
    folder = cache() / "nannyml"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(PINS)], check=True)
        (folder / "ready").touch()
    return python


class NannyML:
    """Univariate drift (Jensen-Shannon, limits at three standard deviations of 28 daily chunks) or CBPE
    on days with known labels, both as they come. Alerts where anything alerts."""

    def __init__(self, part: str) -> None:
        self.name = f"nannyml-{part}"
        self.part = part
        self.threshold = 0.5
        self.folder = tempfile.TemporaryDirectory(prefix="nannyml-")
        self.worker: subprocess.Popen[str] | None = None

    def fit(self, past: Past) -> None:
        self.threshold = past.threshold
        days: Sequence[ScoredWindow] = past.days[-DAYS:]
        if self.part == "cbpe":
            days = [d for d in past.days if d.labelled.all()][-DAYS:]
        self.worker = subprocess.Popen(
            [str(interpreter()), str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._ask({"do": "fit", "part": self.part}, days)

    def __del__(self) -> None:
        """End the worker: left alone, it waits for requests as long as this process lives."""
        if self.worker is not None and self.worker.stdin is not None:
            self.worker.stdin.close()
            self.worker.wait()

    def begin(self) -> None:
        """Nothing: each window is compared with the same reference."""

    def judge(self, now: ScoredWindow, known_labels: KnownLabels) -> Answer:  # noqa: ARG002 - a peer sees no labels
        reply = self._ask({"do": "judge"}, [now])
        columns = tuple(reply["columns"])
        why = tuple(f"{name} estimated {value:.3f}" for name, value in reply["values"].items())
        return Answer("alert" if columns else "ok", columns, len(columns), why)

    def _ask(
        self, request: dict[str, str], days: Sequence[ScoredWindow]
    ) -> dict[str, dict[str, float]]:
        path = Path(self.folder.name) / "request.parquet"
        pd.concat([self._frame(d) for d in days], ignore_index=True).to_parquet(path)
        worker = self.worker
        if worker is None or worker.stdin is None or worker.stdout is None:
            raise RuntimeError("fit comes first")
        worker.stdin.write(json.dumps({**request, "path": str(path)}) + "\n")
        worker.stdin.flush()
        reply: dict[str, dict[str, float]] = json.loads(worker.stdout.readline())
        if "error" in reply:
            raise RuntimeError(f"NannyML: {reply['error']}")
        return reply

    def _frame(self, day: ScoredWindow) -> pd.DataFrame:
        columns = frame(day)
        if self.part == "cbpe":
            columns = columns[["score"]].assign(label=day.label)
            columns["pred"] = (day.score >= self.threshold).astype(int)
        return columns.assign(day=pd.Timestamp(day.last))
