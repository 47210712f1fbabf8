"""Faults of what names the bytes: dvc.lock, the run cache, params, the journal and log of rollbacks."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import yaml

from tests.faults import kills, works
from tests.faults.kit import (
    DETECTED,
    REFUSED,
    REPAIRED,
    RESUMED,
    SILENT,
    WARNED,
    Answer,
    Bench,
    Fault,
    both,
    plumbline,
    run,
    well,
)
from tests.project import Project

PRESSED = "data/works/pressed.bin"
NONE = "ab" * 16
Edit = Callable[[str], str]


def recorded(project: Project, tag: str, stage: str, path: str) -> str:
    """An output's md5 as a tag's dvc.lock has it."""
    text = well(run(project, "git", "show", f"{tag}:dvc.lock")).text
    entry = yaml.safe_load(text)["stages"][f"{stage}@works"]
    return next(out["md5"] for out in entry["outs"] if out["path"] == path)


def forge(project: Project, stage: str, path: str, md5: str) -> None:
    """Another md5 for an output in dvc.lock, where its stage wrote it and where others read it."""
    file = project.path / "dvc.lock"
    file.write_text(file.read_text().replace(recorded(project, "v2", stage, path), md5))


def forged(bench: Bench) -> Answer:
    """An md5 that nothing has."""
    project = bench.works()
    forge(project, "press", PRESSED, NONE)
    return plumbline(project, "verify").answer(DETECTED, "workspace", PRESSED, NONE)


def other_release(stage: str, path: str, bench: Bench) -> Answer:
    """Another release's output, whole and in the cache, in dvc.lock: running it again tells."""
    project = bench.works()
    forge(project, stage, path, recorded(project, "v1", stage, path))
    well(run(project, "dvc", "checkout", "-f"))
    project.commit("forged")
    result = plumbline(project, "reproduce")
    return result.answer(DETECTED, "changed", path)


def forged_rollback(bench: Bench) -> Answer:
    """The same, as a release: a rollback to it must not call it proved, or it names what is there."""
    project = bench.works()
    forge(project, "press", PRESSED, NONE)
    project.commit("forged")
    well(run(project, "git", "tag", "v3"))
    well(run(project, "git", "reset", "-q", "--hard", "v2"))
    before = works.whole(project)
    result = plumbline(project, "rollback", "v3")
    return both(result.answer(REFUSED, PRESSED), "undone", works.whole(project) == before)


def planted(project: Project, persist: bool) -> None:
    """In the cache of runs: v1's pressed file as what press makes of the new data.

    DVC keeps no runs of stages whose outputs persist, as all of ours do: the entry is made without.
    """
    graph = project.path / "dvc.yaml"
    text = graph.read_text()
    forgetful = text.replace("pressed.bin: {persist: true}", "pressed.bin", 1)
    graph.write_text(forgetful)
    kills.change(project)
    well(run(project, "dvc", "repro"))
    built = yaml.safe_load((project.path / "dvc.lock").read_text())
    true = built["stages"]["press@works"]["outs"][0]["md5"]
    for file in [p for p in (project.path / ".dvc/cache/runs").rglob("*") if p.is_file()]:
        file.chmod(0o644)
        file.write_text(file.read_text().replace(true, recorded(project, "v1", "press", PRESSED)))
    well(run(project, "git", "checkout", "-q", "."))
    well(run(project, "dvc", "checkout", "-f"))
    (project.path / ".dvc/cache/files/md5" / true[:2] / true[2:]).unlink()
    graph.write_text(text if persist else forgetful)
    kills.change(project)


def run_cache_left(words: tuple[str, ...], bench: Bench) -> Answer:
    """A run as main runs does not look there; nor does any, for outputs that persist."""
    calm = bench.calm(*kills.RUN)
    project = bench.works()
    planted(project, persist=True)
    again = well(run(project, *words))
    good = works.outs(project) == calm.state
    return Answer(again.words, again.line("press: done"), "not taken" if good else SILENT)


def run_cache_taken(bench: Bench) -> Answer:
    """A dvc.lock that was made from one is whole and wrong: running the commit again tells."""
    project = bench.works()
    planted(project, persist=False)
    well(run(project, "dvc", "repro"))
    project.commit("from the run cache")
    return plumbline(project, "reproduce").answer(DETECTED, "changed", PRESSED)


def remembered(project: Project, edit: Edit) -> None:
    """Press's entry for the new data, remembered and edited; the new data again, to be run."""
    kills.change(project)
    well(run(project, "dvc", "repro", warm=False))
    works.words(project, "v2")
    well(plumbline(project, "reuse"))
    for file in (project.path / ".plumbline" / "known" / "press@works").glob("*.json"):
        file.write_text(edit(file.read_text()))
    kills.change(project)


def known_forged(bench: Bench) -> Answer:
    """Another release's output, whole and in the cache, in what was remembered: running the commit again tells."""
    project = bench.works()
    kills.change(project)
    well(run(project, *works.REPRO))
    built = yaml.safe_load((project.path / "dvc.lock").read_text())["stages"]["press@works"]
    other = recorded(project, "v1", "press", PRESSED)
    remembered(project, lambda text: text.replace(built["outs"][0]["md5"], other))
    assert well(run(project, "dvc", "repro", warm=False)).line("press: unchanged inputs")
    project.commit("from what was remembered")
    return plumbline(project, "reproduce").answer(DETECTED, "changed", PRESSED)


def known_cut(bench: Bench) -> Answer:
    """What was remembered, cut off: it counts for nothing, and the stage runs."""
    calm = bench.calm(*kills.RUN)
    project = bench.works()
    remembered(project, lambda text: text[:40])
    again = well(run(project, "dvc", "repro", warm=False))
    good = again.line("press: done") and works.outs(project) == calm.state
    return Answer(again.words, again.line("press: done"), RESUMED if good else SILENT)


def conflict(project: Project) -> None:
    """Two branches that both ran, merged."""
    well(run(project, "git", "checkout", "-q", "-b", "other", "v1"))
    well(run(project, "dvc", "checkout"))
    kills.change(project)
    well(run(project, *works.REPRO))
    project.commit("other")
    assert run(project, "git", "merge", "-q", "main").code


def conflicted(words: tuple[str, ...], bench: Bench) -> Answer:
    """dvc.lock with git's marks in it."""
    project = bench.works()
    conflict(project)
    return run(project, *words).answer(REFUSED, "dvc.lock")


def edited(name: str, edit: Edit, words: tuple[str, ...], message: str, bench: Bench) -> Answer:
    """A text file, damaged."""
    project = bench.works()
    file = project.path / name
    file.write_text(edit(file.read_text()))
    before = works.outs(project)
    result = run(project, *words)
    return both(result.answer(REFUSED, message), "nothing lost", works.outs(project) == before)


def cut(project: Project) -> None:
    """dvc.lock as a kill leaves it while DVC writes it."""
    file = project.path / "dvc.lock"
    text = file.read_text()
    file.write_text(text[: text.index("press@works") + 40])


def cut_lock(bench: Bench) -> Answer:
    """Refused, or run again; never taken for whole."""
    project = bench.works()
    before = works.outs(project)
    cut(project)
    first = run(project, *works.REPRO)
    if first.code:
        answer = first.answer(REFUSED, "dvc.lock")
        well(run(project, "git", "checkout", "-q", "dvc.lock"))
        well(run(project, *works.REPRO))
        return both(answer, RESUMED, works.outs(project) == before)
    return Answer(first.words, "ran again", RESUMED if works.outs(project) == before else SILENT)


def cut_locks(bench: Bench) -> Answer:
    """DVC's own file of locks, cut off by a kill: DVC stops until it is removed."""
    project = bench.works()
    kills.change(project)
    calm = bench.calm(*kills.RUN)
    (project.path / ".dvc" / "tmp").mkdir(exist_ok=True)
    (project.path / ".dvc" / "tmp" / "rwlock").write_text('{"write": {"')
    answer = run(project, *works.REPRO).answer(REFUSED, "RWLock", "corrupted")
    message = plumbline(project, "verify").line("note", "rwlock")
    well(plumbline(project, "verify", "--repair", "--in", "cache"))
    well(run(project, *works.REPRO))
    good = bool(message) and works.outs(project) == calm.state
    return both(answer, f"{REPAIRED}, {RESUMED}", good)


def damaged_journal(text: str, bench: Bench) -> Answer:
    """What a rollback wrote down cannot be read: it says what to do, and moves nothing."""
    project = bench.works()
    folder = project.path / ".plumbline"
    folder.mkdir(exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    (folder / "journal.json").write_text(text)
    before = works.whole(project)
    result = plumbline(project, "rollback", "v1")
    same = works.whole(project) == before
    return both(result.answer(REFUSED, "journal.json: damaged"), "nothing moved", same)


def damaged_log(bench: Bench) -> Answer:
    """Lines of the log cut off, of other bytes, of another shape: passed over, named, and kept."""
    project = bench.works()
    well(plumbline(project, "rollback", "v1"))
    log = project.path / ".plumbline" / "audit.jsonl"
    bad = b'{"id": "cu\n\xff\xfe\x00\n[1, 2]\n"text"\n{"id": 3'
    log.write_bytes(bad + b"\n" + log.read_bytes() + b'{"id": "cut')
    result = well(plumbline(project, "rollback", "main"))
    lines = log.read_bytes()
    whole = [ln for ln in lines.splitlines() if ln.startswith(b'{"id": "') and ln.endswith(b"}")]
    good = lines.startswith(bad) and len([json.loads(ln) for ln in whole]) == 2
    line = result.line("audit.jsonl, line 1: damaged")
    return Answer(result.words, line, WARNED if good and line else SILENT)


def linked(words: tuple[str, ...], bench: Bench) -> Answer:
    """As root, a cache linked into the work tree changes with it."""
    import pytest

    if os.geteuid():
        pytest.skip("only root can write through the links")
    project = bench.works()
    well(run(project, "dvc", "config", "--local", "cache.type", "hardlink,symlink"))
    kills.change(project)
    return run(project, *words).answer(REFUSED, "cache.type", "as root")


def open_state(bench: Bench) -> Answer:
    """Others can write what DVC would unpickle: named, with what to do; what is ours is closed."""
    project = bench.works()
    shared = Path("/var/tmp") / f"plumbline-{os.getpid()}"
    shared.mkdir()
    try:
        shared.chmod(0o777)
        result = plumbline(project, "verify", DVC_SITE_CACHE_DIR=str(shared))
        line = result.line("note", "other users can write", str(shared))
        well(plumbline(project, "rollback", "v1", DVC_SITE_CACHE_DIR=str(shared)))
        mode = (project.path / ".dvc/tmp/site").stat().st_mode & 0o777
        good = line and mode == 0o700 and not any(shared.iterdir())
        return Answer(result.words, line, f"{DETECTED}, not used" if good else SILENT)
    finally:
        shared.rmdir() if not any(shared.iterdir()) else None


def faults() -> Iterator[Fault]:
    """All of them."""
    verify, repro = ("python", "-m", "plumbline", "verify"), works.REPRO
    rollback = ("python", "-m", "plumbline", "rollback", "v1")
    yield Fault("an md5 forged", "dvc.lock", forged)
    yield Fault(
        "an output of another release, consistently",
        "dvc.lock",
        partial(other_release, "press", PRESSED),
    )
    yield Fault(
        "the last output of another release",
        "dvc.lock",
        partial(other_release, "weigh", "reports/works"),
    )
    yield Fault("rollback to a commit with a forged md5", "dvc.lock", forged_rollback)
    yield Fault("a forged entry, run as main runs", "run cache", partial(run_cache_left, repro))
    yield Fault(
        "a forged entry, run with the cache", "run cache", partial(run_cache_left, repro[:2])
    )
    yield Fault("a forged entry, of a stage that does not persist", "run cache", run_cache_taken)
    yield Fault("an entry forged", ".plumbline/known", known_forged)
    yield Fault("an entry cut off", ".plumbline/known", known_cut)
    for words in (verify, repro, rollback):
        name = f"merge conflict, {words[-1] if words != rollback else 'rollback'}"
        yield Fault(
            name.replace("--no-run-cache", "dvc repro"), "dvc.lock", partial(conflicted, words)
        )
    yield Fault("cut off", "dvc.lock", cut_lock)
    yield Fault("cut off", ".dvc/tmp/rwlock", cut_locks)
    broken = partial(re.sub, "turn: 1}", "turn: 1", count=1)
    yield Fault(
        "not YAML any more",
        "params.yaml",
        partial(edited, "params.yaml", broken, repro, "params.yaml"),
    )
    yield Fault(
        "not YAML any more",
        "dvc.yaml",
        partial(
            edited, "dvc.yaml", lambda t: t.replace("matrix: {", "matrix: {{", 1), repro, "dvc.yaml"
        ),
    )
    yield Fault(
        "damaged, verify",
        ".dvc/config",
        partial(edited, ".dvc/config", lambda t: t + "\n[[[", verify, ".dvc/config: damaged"),
    )
    for text in ("{", '{"start": 3, "target": 4}', ""):
        yield Fault(f"the journal says {text!r}", ".plumbline", partial(damaged_journal, text))
    yield Fault("the audit log damaged in five ways", ".plumbline", damaged_log)
    yield Fault("cache.type hardlink as root, run", ".dvc/config.local", partial(linked, repro))
    yield Fault("cache.type hardlink as root, verify", ".dvc/config.local", partial(linked, verify))
    yield Fault("DVC's state open to others", "site_cache_dir", open_state)
