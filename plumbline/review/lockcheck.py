"""Is dvc.lock what this work tree gives? By DVC's dry run, by names, and by the bytes. An edge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from plumbline.repo import (
    deps,
    dvc_command,
    environment_files,
    known_outs,
    library_file,
    object_stores,
    verify,
)
from plumbline.repo.verify import IntegrityFinding
from plumbline.review import cards
from plumbline.review.comparison import LockState
from plumbline.review.comparison_sections import FailedStage
from plumbline.review.revision import GRAPH, LOCK, PARAMS, Revision
from plumbline.runtime import dvc_yaml
from plumbline.runtime.dvc_lock import Entry

RUNNING = re.compile(r"Running stage '([^']+)'")
FAILED = re.compile(r"ERROR: failed to reproduce '([^']+)'(?:: (.*))?")
EXITED = re.compile(r"exited with (-?\d+)")
ERROR = re.compile(r"ERROR: (.*)")
ENDED = ("Data and pipelines are up to date.", "Use `dvc push`")
"""One of these is what `dvc repro` says last where nothing failed."""
LONGEST = 1000
"""Characters of an error that are kept."""


def check(side: Revision, md5: str) -> LockState:
    """Stages that would run, those that the lock (`md5`) lacks, outs whose bytes are others, where a
    model card contradicts the metrics, and files of environment/ that requirements.txt contradicts.
    """
    would_run = stale(side.root)
    return LockState(
        md5=md5,
        checked=True,
        stale=would_run,
        held=known_outs.held(side.root, would_run) if would_run else [],
        unlocked=unlocked(side.texts, side.entries),
        bytes=wrong_bytes(side.root),
        cards=cards.check(side.root),
        environment=[*environment_files.stale(side.root), *library_file.stale(side.root)],
    )


def stale(root: Path) -> list[str]:
    """The stages that DVC would run again; its own message where it cannot tell.

    And those that read a file whose bytes are others now, though its size and time are the same.
    """
    done = dvc_command.run(root, "repro", "--dry", "--allow-missing")
    stages = [match[1] for line in done.lines if (match := RUNNING.match(line))]
    if done.code and not stages:  # params changed, its deps not here: DVC fails before it names it
        stages = [match[1] for line in done.lines if (match := FAILED.match(line))]
    if done.code and not stages:
        return [(done.errors or done.lines or ["dvc repro --dry failed"])[0]]
    return stages + sorted({stage for stage, _ in deps.changed(root)}.difference(stages))


def unlocked(texts: Mapping[str, str], entries: Iterable[str]) -> list[str]:
    """The stages of dvc.yaml, for each use case of params.yaml, that dvc.lock has no entry of."""
    return sorted(declared(texts) - set(entries))


def declared(texts: Mapping[str, str]) -> set[str]:
    """The names in dvc.lock of all stages of dvc.yaml, one for each use case of params.yaml."""
    graph, params = (dvc_yaml.document(texts.get(file, ""), file) for file in (GRAPH, PARAMS))
    return dvc_yaml.names(graph, params)


def wrong_bytes(root: Path) -> list[str]:
    """Outs whose bytes, in the work tree or the cache, are not those of the lock; absent ones are none."""
    report = verify.check(object_stores.settings(root), where=("workspace", "cache"))
    return [_contradictions(finding) for finding in report.findings if _wrong(finding)]


def failure(log: str) -> FailedStage | None:
    """The stage that failed in what `dvc repro` printed, and its error; None where none did.

    Where DVC itself failed, or was killed, "dvc repro" stands for the stage.

    >>> failure("train: no rows\\nERROR: failed to reproduce 'train@a': failed to run\\n")
    FailedStage(stage='train@a', error='train: no rows')
    >>> failure("train: 9 rows\\nERROR: failed to reproduce 'train@a': failed to run: x, exited with -9\\n")
    FailedStage(stage='train@a', error='killed by signal 9')
    >>> failure("Running stage 'train@a':\\n> python")
    FailedStage(stage='dvc repro', error='it did not end: > python')
    """
    lines = [line for line in log.splitlines() if line.strip()]
    for i, line in enumerate(lines):
        if match := FAILED.match(line):  # at its start: in a stage's line it is data
            before = lines[i - 1] if i else ""
            return _failed(match[1], _killed(match[2] or "") or before or match[2] or "")
    if any(line.startswith(ENDED) for line in lines[-20:]):
        return None
    error = next((match[1] for line in lines if (match := ERROR.match(line))), "")
    return _failed("dvc repro", error or f"it did not end: {lines[-1] if lines else 'no output'}")


def _failed(stage: str, error: str) -> FailedStage:
    return FailedStage(stage=stage, error=error.strip()[:LONGEST])


def differing(committed: Mapping[str, Entry], current: Mapping[str, Entry]) -> list[str]:
    """Stages whose entry, as `dvc repro` leaves it, is not the committed one, and those not committed."""
    return sorted(name for name, entry in current.items() if committed.get(name) != entry)


def _killed(message: str) -> str | None:
    """A stage that a signal ended: its last words are no error."""
    match = EXITED.search(message)
    code = int(match[1]) if match else 0
    signal = -code if code < 0 else code - 128
    return f"killed by signal {signal}" if code and signal > 0 else None


def _wrong(finding: IntegrityFinding) -> bool:
    return finding.kind != "missing" or not finding.use.out.cached


def _contradictions(finding: IntegrityFinding) -> str:
    use = finding.use
    expected = f", expected {use.oid}" if use.oid else ""
    actual = f", found {finding.actual}" if finding.actual else ""
    return (
        f"{finding.where}: {use.path}: {finding.kind}{actual}{expected} ({LOCK}, {use.out.stage})"
    )
