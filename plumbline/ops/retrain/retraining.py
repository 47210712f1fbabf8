"""One use case retrained: the champion on a new window, and a challenger where that calls for one. An edge.

It works in the work tree, as DVC does, and puts back what git keeps whatever comes of it. A challenger
is left as a commit on a branch of its own; no branch that is checked out is moved.
"""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from plumbline import config
from plumbline.core import sealed_days, served_sheet, usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.core.served_sheet import ServedSheet
from plumbline.monitor import result
from plumbline.monitor.result import MonitorResult
from plumbline.ops.retrain import as_of, branches, faulty_days, outcomes
from plumbline.ops.retrain.outcomes import RetrainOutcome
from plumbline.ops.retrain.retrain_document import AsOfDates, RetrainRecord
from plumbline.repo import (
    artifacts,
    dvc_command,
    file_modes,
    object_stores,
    repair,
    revisions,
    verify,
)
from plumbline.repo.artifacts import Role
from plumbline.repo.tracked_outs import Out
from plumbline.review import baseline, isolation, lockcheck, revision
from plumbline.review.comparison_sections import FailedStage
from plumbline.review.revision import LOCK, PARAMS
from plumbline.runtime import child_process, dvc_lock, git

LINES = 20
"""Lines of DVC's output that are quoted, where it failed before any stage did."""

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class RetrainTarget:
    """A use case as it is committed, and the day to retrain it at (None: it has no as-of date)."""

    root: Path
    name: str
    before: date | None
    after: date | None

    def stages(self, *names: str) -> list[str]:
        """The stages' names in dvc.lock."""
        return [f"{name}@{self.name}" for name in names]

    @property
    def branch(self) -> str:
        """The challenger's."""
        return branches.name(self.name)


def retrain(target: RetrainTarget, scratch: Path) -> RetrainRecord:
    """Retrain one use case; `scratch`: an empty folder.

    PlumblineError where the work tree is not as committed, or there is no champion to begin with.
    """
    entries = revision.side(target.root, "HEAD").entries
    champion = _champion(target, dvc_lock.of(entries, target.name), scratch)
    with _moved(target):
        failed = repro(target, *target.stages("features"))
        if failed:
            return _record(target, outcomes.of_failure(failed), failed=failed)
        own = dvc_lock.of(entries, target.name)
        verdict = _monitor(target, own, champion, scratch)
        outcome = outcomes.of_monitor(verdict)
        log.info("retrain: %s: %s", target.name, verdict.summary)
        if outcome:
            return _record(target, outcome, monitor=verdict)
        faulty = _leave_out(target, own, champion, scratch, verdict)
        return _challenge(target, verdict, faulty).model_copy(update={"left_out": faulty})


def repro(target: RetrainTarget, *targets: str) -> FailedStage | None:
    """`dvc repro`; the stage that failed, and its error. PlumblineError where DVC itself fails."""
    done = dvc_command.run(
        target.root, "repro", *targets, progress=lambda line: log.info("%s", line)
    )
    failed = lockcheck.failure("\n".join(done.lines)) if done.code else None
    if failed and "@" not in failed.stage:
        raise PlumblineError(f"dvc repro failed:\n{done.last}")
    return failed


def _challenge(target: RetrainTarget, verdict: MonitorResult, left_out: str) -> RetrainRecord:
    """A new model on the new data, against the champion; a commit where the gate lets it through.

    `left_out`: why days are left out, "" where none is.
    """
    failed = repro(target, *target.stages("evaluate", "monitor"))
    if not failed:
        history, report = (
            artifacts.path(target.name, role, target.root)
            for role in (Role.MONITOR_HISTORY, Role.MONITOR_REPORT)
        )
        shutil.copyfile(report / "history.csv", history)
        failed = repro(target, *target.stages("monitor"))  # the same bytes: the days are merged
    if failed:
        return _record(target, outcomes.of_failure(failed), monitor=verdict, failed=failed)
    comparison = isolation.compare(target.root, "HEAD", None)
    outcome = outcomes.of_comparison(comparison, left_out)
    record = _record(target, outcome, monitor=verdict, comparison=comparison)
    if outcome.kind != "challenger":
        return record
    message = f"Retrain {target.name}" + (f" on data up to {target.after}" if target.after else "")
    paths = [*_kept(target), *_new_sources(target)]
    commit = branches.commit(target.root, target.branch, message, paths)
    return record.model_copy(update={"branch": target.branch, "commit": commit})


def _leave_out(
    target: RetrainTarget,
    own: dvc_lock.Entries,
    champion: tuple[Path, Path],
    scratch: Path,
    verdict: MonitorResult,
) -> str:
    """Put the days with faults into `features.leave_out`; which these are, "" where there is none.

    Known are those of the committed verdict and of this one; the days between the two windows are judged here.
    """
    if target.before is None or target.after is None:
        return ""
    committed = target.root / artifacts.metrics(own)["monitor"]
    days = dict(faulty_days.of(result.read(committed))) if committed.exists() else {}
    first = target.before
    end = faulty_days.begin(verdict, target.after)
    read = (Role.TRAIN_TABLE, Role.VALID_TABLE, Role.TEST_TABLE)
    between = scratch / "between.parquet"
    time = str(usecase_loader.load_contract(target.name).time)
    paths = [artifacts.path(target.name, role, target.root) for role in read]
    if first < end and faulty_days.gap(paths, time, first, end, between):
        judged = _monitor(target, own, champion, scratch, between)
        days |= faulty_days.of(judged, first, end)
    days |= faulty_days.of(verdict)
    if not days:
        return ""
    already = config.load(target.name).features.leave_out
    params = target.root / PARAMS
    text = faulty_days.left_out(params.read_text(encoding="utf-8"), target.name, already, days)
    params.write_text(text, encoding="utf-8")
    log.info("retrain: %s: %s", target.name, sentence := faulty_days.sentence(days))
    return sentence


def _champion(
    target: RetrainTarget, own: Mapping[str, dvc_lock.Entry], scratch: Path
) -> tuple[Path, Path]:
    """The committed bundle and its test table in `scratch`, hashed; fetched, or run, where they are not here."""
    named = [read(own, target.name) for read in (artifacts.bundle, artifacts.test_table)]
    if None in named or "monitor" not in own:
        raise PlumblineError(
            f"{target.name}: dvc.lock at HEAD names no model; run `dvc repro` and commit dvc.lock first"
        )
    paths = [pair[0] for pair in named if pair]
    wanted = [o for o in revisions.outs(target.root, "HEAD") if o.cached and o.path in paths]
    for line in baseline.bring(target.root, "HEAD"):
        log.info("retrain: %s", line)
    _restore(target.root, wanted, scratch)
    return scratch / paths[0], scratch / paths[1]


def _restore(root: Path, wanted: list[Out], target: Path) -> None:
    """Outs as files below `target`, from the cache or a remote, every byte hashed."""
    settings = object_stores.settings(root)
    sources = [settings.folder(), *(settings.remote(name) for name in settings.remotes)]
    outs = [("HEAD", out) for out in wanted]
    contents, _ = verify.read_manifests(sources, outs)
    mask = file_modes.umask()
    for use in verify.expand(outs, contents):
        if not use.oid.endswith(".dir"):
            repair.restore(sources, use.oid, target / use.path, file_modes.file_mode(False, mask))
        elif use.oid not in contents:
            raise PlumblineError(
                f"{use.path}: the champion is neither in the cache nor on a remote ({use.oid}); "
                "run `dvc pull`, or `dvc repro`"
            )


@contextmanager
def _moved(target: RetrainTarget) -> Iterator[None]:
    """params.yaml at the new day within the block; afterwards git's and DVC's files as committed."""
    kept = _kept(target)
    touched = git.lines(target.root, "status", "--porcelain", "--", *kept)
    if touched:
        raise PlumblineError(
            f"{touched[0][3:]}: differs from the commit; retraining starts from what is committed: "
            "commit it, or put it back with `git stash`"
        )
    params = target.root / PARAMS
    text = params.read_text(encoding="utf-8")
    try:
        if target.after:
            params.write_text(as_of.moved(text, target.name, target.after), encoding="utf-8")
        yield
    finally:
        git.output(target.root, "checkout", "-q", "HEAD", "--", *_tracked(target.root, kept))
        there = [n for n in _outs(target) if (target.root / n).exists()]
        dvc_command.run(target.root, "checkout", "-q", "--force", "--allow-missing", *there)


def _monitor(
    target: RetrainTarget,
    own: dvc_lock.Entries,
    champion: tuple[Path, Path],
    scratch: Path,
    current: Path | None = None,
) -> MonitorResult:
    """The stage `monitor` on the champion's bundle and reference, and the new current window, or the rows of the
    table `current` without what was served.

    Its reference is the test window that the champion was accepted on, not a later one that may
    have drifted already. Nothing of it goes to MLflow, nor over the champion's own report.
    """
    pairs = [read(own, target.name) for read in (artifacts.bundle, artifacts.test_table)]
    named = [result[0] for result in pairs if result]
    places_of = dict(zip(named, map(str, champion), strict=True))
    places_of |= {out: str(scratch / "monitor" / out) for out in own["monitor"].outs}
    if current is not None:
        nothing = scratch / "nothing-served"
        nothing.mkdir(exist_ok=True)
        served_sheet.write(nothing, ServedSheet(served=False))
        for role, instead in ((Role.CURRENT_TABLE, current), (Role.SERVED, nothing)):
            places_of[str(artifacts.declared(target.name, role, target.root))] = str(instead)
    arguments = [places_of.get(word, word) for word in own["monitor"].cmd.split()]
    env = {**dvc_command.environment(), "MLFLOW_TRACKING_URI": "off"}
    lines: list[str] = []
    if child_process.run([sys.executable, *arguments[1:]], target.root, env, lines.append):
        raise PlumblineError("the monitor failed on the champion:\n" + "\n".join(lines[-LINES:]))
    verdict = result.read(Path(places_of[artifacts.metrics(own)["monitor"]]))
    shutil.rmtree(scratch / "monitor", ignore_errors=True)
    return verdict


def _record(target: RetrainTarget, outcome: RetrainOutcome, **evidence: Any) -> RetrainRecord:
    days = {"from": target.before and str(target.before), "to": target.after and str(target.after)}
    return RetrainRecord(
        usecase=target.name,
        outcome=outcome.kind,
        reasons=outcome.reasons,
        as_of=AsOfDates.model_validate(days),
        **evidence,
    )


def _kept(target: RetrainTarget) -> list[str]:
    """What a retrain changes of what git keeps."""
    history = artifacts.declared(target.name, Role.MONITOR_HISTORY, target.root)
    return [
        PARAMS,
        LOCK,
        *artifacts.in_git(target.name, target.root),
        *([history] if history else []),
    ]


def _new_sources(target: RetrainTarget) -> list[str]:
    """What of the use case's sources somebody changed, and pointers of days sealed since: new data belong to the challenger."""
    source = artifacts.declared(target.name, Role.SOURCE, target.root)
    if source is None:
        return []
    arguments = ("diff", "--name-only", "-z", "HEAD", "--", source)
    pointers = f"{source}/{sealed_days.FOLDER}/*{sealed_days.SUFFIX}"
    new = ("ls-files", "--others", "--exclude-standard", "-z", "--", f":(glob){pointers}")
    return [*git.names(target.root, *arguments), *git.names(target.root, *new)]


def _tracked(root: Path, paths: list[str]) -> list[str]:
    return [p for p in paths if git.output(root, "ls-files", "--", p)]


def _outs(target: RetrainTarget) -> list[str]:
    own = dvc_lock.of(revision.side(target.root, "HEAD").entries, target.name)
    cached = {out.path for out in revisions.outs(target.root, "HEAD") if out.cached}
    return [path for entry in own.values() for path in entry.outs if path in cached]
