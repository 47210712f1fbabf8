"""kill -9 at random moments of a run, a push, a rollback; then the same command again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from tests.faults import works
from tests.faults.kit import (
    PLUMBLINE,
    RESUMED,
    SILENT,
    Answer,
    Bench,
    Fault,
    environment,
    plumbline,
    run,
    well,
)
from tests.project import Project

MOMENTS = 20
SEED = 21
LATE = 1.0  # seconds after which a process that outlived its parent would have written
State = Callable[[Project], Mapping[str, bytes]]
Prepare = Callable[[Project], object]


def start(project: Project, words: Sequence[str], **given: str) -> subprocess.Popen[bytes]:
    """A command in the background, in a session of its own."""
    return subprocess.Popen(
        words,
        cwd=project.path,
        env=environment(project, **given),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill(running: subprocess.Popen[bytes]) -> bool:
    """kill -9 of the one process, not of its children; whether it was still at work."""
    at_work = running.poll() is None
    os.kill(running.pid, signal.SIGKILL) if at_work else None
    running.wait()
    return at_work


def killed(
    moment: float, words: Sequence[str], prepare: Prepare, state: State, bench: Bench
) -> Answer:
    """Killed at this part of its time, then run again: the same state as one that was left alone."""
    calm = bench.calm(words, prepare, state)
    project = bench.works()
    prepare(project)
    running = start(project, words)
    time.sleep(moment * calm.seconds)
    at_work = kill(running)
    again = run(project, *words)
    verdict = RESUMED
    if again.line("Unable to read RWLock-file"):  # DVC was killed while it wrote its file of locks
        well(plumbline(project, "verify", "--in", "cache", "--repair"))
        again, verdict = run(project, *words), f"refused, repaired, {RESUMED}"
    same = well(again) and state(project) == calm.state
    time.sleep(LATE / 4)
    same = same and state(project) == calm.state and not leftovers(project)
    message = f"killed after {moment * calm.seconds:.2f} s" if at_work else "it was done already"
    return Answer(again.words, message, verdict if same else SILENT)


def leftovers(project: Project) -> list[str]:
    """Half-written files that nothing swept, of stages."""
    tops = [project.path / name for name in ("data", "reports", "metrics")]
    return [str(p) for top in tops for p in top.rglob(".*.part")]


def change(project: Project) -> None:
    """All three stages have to run."""
    works.words(project, "new")


def unpushed(project: Project) -> None:
    """An empty remote."""
    shutil.rmtree(project.path.parent / "remote")


def empty_cache(project: Project) -> None:
    """A cache that has only what the work tree needs: a rollback has to fetch."""
    shutil.rmtree(project.path / ".dvc" / "cache")
    well(run(project, "dvc", "commit", "-q", "-f"))
    well(run(project, "git", "checkout", "-q", "."))


RUN = (works.REPRO, change, works.outs)
PUSH = ((*PLUMBLINE, "push"), unpushed, works.stored)
ROLLBACK = ((*PLUMBLINE, "rollback", "v1"), empty_cache, works.whole)


def beneath(bench: Bench) -> Answer:
    """A run killed within a stage, other data, run again at once: the orphan must not write later."""
    calm = bench.calm(*RUN)
    project = bench.works()
    works.words(project, "v2")
    (project.path / "sources/works/words.txt").write_text("rowan sorb " * 6)
    running = start(project, works.REPRO, PAUSE="0.15")
    part = project.path / "data" / "works"
    while not list(part.glob(".raw.*.part")):
        assert running.poll() is None
        time.sleep(0.01)
    kill(running)
    change(project)
    again = well(run(project, *works.REPRO))
    time.sleep(2 * LATE)  # the orphan would be done by now
    same = works.outs(project) == calm.state and not leftovers(project)
    return Answer(again.words, "killed while grow was writing", RESUMED if same else SILENT)


def shell_between(bench: Bench) -> Answer:
    """The same with a shell between DVC and the stage, as some shells stay."""
    project = bench.works()
    change(project)
    graph = project.path / "dvc.yaml"
    graph.write_text(
        graph.read_text().replace(
            "cmd: python -m stages.grow", "cmd: true; python -m stages.grow", 1
        )
    )
    graph.write_text(graph.read_text().replace("/grow.json\n", "/grow.json; true\n", 1))
    before = works.outs(project)
    running = start(project, works.REPRO, PAUSE="0.15")
    part = project.path / "data" / "works"
    while not list(part.glob(".raw.*.part")):
        assert running.poll() is None
        time.sleep(0.01)
    kill(running)
    time.sleep(3 * LATE)
    same = works.outs(project) == before
    return Answer(
        "dvc repro", "the stage wrote nothing after", "ended with its run" if same else SILENT
    )


def half(bench: Bench) -> Answer:
    """Killed after an output was replaced and before DVC recorded it; then the change is taken back."""
    project = bench.works()
    before = works.outs(project)
    change(project)
    running = start(project, works.REPRO, PAUSE="0.02")
    file = project.path / "data" / "works" / "raw" / "00.txt"
    while file.exists() and file.read_text().startswith("elm"):
        assert running.poll() is None
        time.sleep(0.002)
    kill(running)
    well(run(project, "git", "checkout", "-q", "."))
    again = well(run(project, *works.REPRO))
    same = works.outs(project) == before and works.sound(project)
    return Answer(again.words, "killed between an output and dvc.lock", RESUMED if same else SILENT)


def faults() -> Iterator[Fault]:
    """Twenty moments, seeded, and the three that matter most."""
    moments = random.Random(SEED)
    kinds = {"a run": RUN, "a push": PUSH, "a rollback": ROLLBACK}
    for number in range(MOMENTS):
        name, kind = list(kinds.items())[number % len(kinds)]
        moment = round(moments.uniform(0.1, 1.0), 3)
        yield Fault(
            f"kill -9 of {name} at {moment:.1%} of its time",
            "its process alone",
            partial(killed, moment, *kind),
        )
    yield Fault("kill -9 of a run within a stage, then other data", "workspace", beneath)
    yield Fault("kill -9 of a run, a shell between DVC and its stage", "workspace", shell_between)
    yield Fault("kill -9 between an output and dvc.lock, then the change undone", "workspace", half)
