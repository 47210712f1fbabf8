"""Faults of the machine: a full disk, folders that may not be written, two at once, a wrong clock."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from tests.faults import kills, works
from tests.faults.kit import (
    PLUMBLINE,
    REFUSED,
    RESUMED,
    SILENT,
    Answer,
    Bench,
    Done,
    Fault,
    both,
    is_root,
    plumbline,
    run,
    well,
)
from tests.project import Project

Act = Callable[[Project], Done]
FILL, ROOM = "fill", 60_000
FULL = "No space left on device"
CLOSED = "Read-only file system"
WHERE = {"workspace": "project/data", "cache": "project/.dvc/cache", "remote": "remote"}


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """The folder, with what is in it, on a small disk of its own; `options` come once it is filled."""
    if not is_root():
        pytest.skip("only root can mount a small disk")
    aside = next(p for p in folder.parents if (p / "remote").exists()) / "aside"
    folder.rename(aside)
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]).returncode:
        folder.rmdir()
        aside.rename(folder)
        pytest.skip("mounting is not allowed here")
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True, symlinks=True)
        if options == FILL:
            fill(folder)
        else:
            remount(folder, options)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        shutil.rmtree(aside)


def remount(folder: Path, options: str) -> None:
    """Another size, or writable."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Take all the room that there is, but for some to begin with."""
    with (folder / "filler.part").open("wb") as file, suppress(OSError):
        while True:
            file.write(b"x" * (1 << 20))
            file.flush()
    os.truncate(folder / "filler.part", (folder / "filler.part").stat().st_size - ROOM)


def disk(options: str, reason: str, where: str, kind: str, bench: Bench) -> Answer:
    """It stops, says why and leaves what was there; with room, the same again gives the same bytes."""
    words, prepare, state = {"run": kills.RUN, "push": kills.PUSH, "rollback": kills.ROLLBACK}[kind]
    calm = bench.calm(words, prepare, state)
    project = bench.works()
    if kind != "push":
        prepare(project)
    folder = project.path.parent / WHERE[where]
    if kind == "push":
        shutil.rmtree(folder / "files")
    before = works.outs(project)
    with mounted(folder, options):
        first = run(project, *words)
        answer = first.answer(REFUSED, reason)
        kept = kind == "push" or works.outs(project) == before or where == "cache"
        remount(folder, "rw,size=64m")
        (folder / "filler.part").unlink(missing_ok=True)
        well(run(project, *words))
        return both(both(answer, "nothing lost", kept), RESUMED, state(project) == calm.state)


def no_journal(bench: Bench) -> Answer:
    """A rollback that cannot write down what it begins does not begin."""
    project = bench.works()
    before = works.whole(project)
    folder = project.path / ".plumbline"
    folder.mkdir(exist_ok=True)
    with mounted(folder, "ro"):
        result = plumbline(project, "rollback", "v1")
        return both(result.answer(REFUSED, CLOSED), "nothing moved", works.whole(project) == before)


def two_runs(bench: Bench) -> Answer:
    """The second stops; the first ends as if it had been alone."""
    calm = bench.calm(*kills.RUN)
    project = bench.works()
    with at_work(project) as first:
        second = run(project, *works.REPRO)
        first.wait()
    answer = second.answer(REFUSED, "ERROR", "lock") if second.code else Answer("", "", SILENT)
    return both(answer, "the first unharmed", works.outs(project) == calm.state)


@contextmanager
def at_work(project: Project) -> Iterator[subprocess.Popen[bytes]]:
    """A run that is writing its first output."""
    kills.change(project)
    first = kills.start(project, works.REPRO, PAUSE="0.15")
    while not list((project.path / "data" / "works").glob(".raw.*.part")):
        assert first.poll() is None
        time.sleep(0.01)
    yield first
    first.wait()


def rollback_in_a_run(bench: Bench) -> Answer:
    """The code must not change under a run."""
    calm = bench.calm(*kills.RUN)
    project = bench.works()
    with at_work(project):
        result = plumbline(project, "rollback", "v1")
    answer = result.answer(REFUSED, "DVC is at work here")
    return both(answer, "the run unharmed", works.outs(project) == calm.state)


def run_in_a_rollback(bench: Bench) -> Answer:
    """No stage may start while a rollback changes what it reads."""
    project = bench.works()
    kills.change(project)
    before = works.outs(project)
    (project.path / ".plumbline").mkdir(exist_ok=True)
    with (project.path / ".plumbline" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = run(project, *works.REPRO)
    answer = result.answer(REFUSED, "a rollback is running here")
    return both(answer, "nothing lost", works.outs(project) == before)


def run_after_half_a_rollback(bench: Bench) -> Answer:
    """What a killed rollback left is no place to run in; a rollback ends it."""
    project = bench.works()
    running = kills.start(project, (*PLUMBLINE, "rollback", "v1"))
    journal = project.path / ".plumbline" / "journal.json"
    while not (journal.exists() and '"outs"' in journal.read_text()):
        assert running.poll() is None
        time.sleep(0.002)
    kills.kill(running)
    time.sleep(0.3)
    answer = run(project, *works.REPRO, "--force").answer(REFUSED, "was interrupted")
    well(plumbline(project, "rollback", "main"))
    return both(answer, "then undone", not run(project, "git", "status", "--porcelain").text)


def two_rollbacks(bench: Bench) -> Answer:
    """The second stops; the first ends."""
    project = bench.works()
    first = kills.start(project, (*PLUMBLINE, "rollback", "v1"))
    while not (project.path / ".plumbline" / "journal.json").exists():
        assert first.poll() is None
        time.sleep(0.002)
    first.send_signal(signal.SIGSTOP)  # or it might be done before the second has started
    second = plumbline(project, "rollback", "main")
    first.send_signal(signal.SIGCONT)
    first.wait()
    at = run(project, "git", "describe", "--tags").text.strip()
    return both(
        second.answer(REFUSED, "another rollback is running"), "the first ended", at == "v1"
    )


def clock(years: float, bench: Bench) -> Answer:
    """Every file from another time, and edited at that time: the same bytes."""
    calm = bench.calm(*kills.RUN)
    project = bench.works()
    then = time.time() + years * 365 * 86400
    kills.change(project)
    for path in project.path.rglob("*"):
        if ".git" not in path.parts and not path.is_symlink():
            os.utime(path, (then, then), follow_symlinks=False)
    again = well(run(project, *works.REPRO))
    good = works.outs(project) == calm.state and works.sound(project)
    return Answer(again.words, f"{len(again.text.splitlines())} lines", RESUMED if good else SILENT)


SHIFT = """
import time
_time, _ns = time.time, time.time_ns
time.time = lambda: _time() + {0}
time.time_ns = lambda: _ns() + int({0} * 1e9)
"""


def shifted(years: float, bench: Bench) -> Answer:
    """A run whose every process believes in another year: the same bytes."""
    calm = bench.calm(*kills.RUN)
    project = bench.works()
    kills.change(project)
    site = bench.folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SHIFT.format(years * 365 * 86400))
    again = well(run(project, *works.REPRO, PYTHONPATH=f"{site}{os.pathsep}{project.path}"))
    same = works.outs(project) == calm.state
    return Answer(again.words, "", RESUMED if same else SILENT)


def same_time(bench: Bench) -> Answer:
    """A source edited within the clock's grain: same size, same time. DVC sees nothing to do."""
    project = bench.works()
    well(run(project, *works.REPRO))
    source = project.path / "sources" / "works" / "words.txt"
    before = source.stat()
    source.write_text(source.read_text().replace("elm", "ash"))
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "Running" not in well(run(project, *works.REPRO)).text
    result = plumbline(project, "verify")
    line = result.line("note", "sources/works")
    return Answer(result.words, line, "detected" if line else SILENT)


def input_flipped(bench: Bench) -> Answer:
    """An output flipped, times kept, and the next stage run on it: DVC takes it for the recorded one."""
    from tests.toy import flip

    project = bench.works()
    well(run(project, "dvc", "status"))
    flip(project.path / "data/works/raw/03.txt")
    (project.path / "params.yaml").write_text(
        works.PARAMS.replace("press: {turn: 1}", "press: {turn: 2}")
    )
    before = works.outs(project)
    answer = run(project, *works.REPRO).answer(REFUSED, "data/works/raw", "dvc.lock records")
    same = works.outs(project) == before
    well(plumbline(project, "verify", "--repair"))
    well(run(project, *works.REPRO))
    return both(answer, "repaired", same and works.outs(project) != before)


def faults() -> Iterator[Fault]:
    """All of them."""
    full, closed = (FILL, FULL), ("ro", CLOSED)
    for options, reason, name in ((*full, "the disk is full"), (*closed, "may not be written")):
        for where, kind in (
            ("workspace", "run"),
            ("cache", "run"),
            ("remote", "push"),
            ("cache", "rollback"),
        ):
            yield Fault(f"{name}, {kind}", where, partial(disk, options, reason, where, kind))
    yield Fault("the journal may not be written, rollback", ".plumbline", no_journal)
    yield Fault("two runs at once", "workspace", two_runs)
    yield Fault("two rollbacks at once", "workspace", two_rollbacks)
    yield Fault("a rollback while a run is at work", "workspace", rollback_in_a_run)
    yield Fault("a run while a rollback is at work", "workspace", run_in_a_rollback)
    yield Fault(
        "a run after a rollback was killed half way", "workspace", run_after_half_a_rollback
    )
    for years in (-30, 20):
        yield Fault(f"every file's time {years:+} years", "workspace", partial(clock, years))
        yield Fault(
            f"the clock {years:+} years while it runs", "processes", partial(shifted, years)
        )
    yield Fault("a source edited, same size and time", "workspace", same_time)
    yield Fault("an input flipped, same size and time, its stage run", "workspace", input_flipped)
