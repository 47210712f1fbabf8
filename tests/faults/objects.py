"""Faults of stored bytes, in the work tree, the cache and the remote: `verify` must name each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.faults.kit import (
    DETECTED,
    REFUSED,
    REPAIRED,
    SILENT,
    Answer,
    Bench,
    Done,
    Fault,
    both,
    plumbline,
    run,
    well,
)
from tests.toy import PARTS, Toy, flip, md5, truncate

MODEL, WHOLE, PART = "out/toy/model.json", "out/toy/whole.bin", f"{PARTS}/a.txt"
PLACES = {"workspace": "workspace", "cache": "cache", "remote": "remote storage"}
Damage = Callable[[Path], object]


def empty(path: Path) -> None:
    """Nothing left in it."""
    path.chmod(0o644)
    path.write_bytes(b"")


def longer(path: Path) -> None:
    """Bytes behind its end."""
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"\0\0\0\0")


def renamed(path: Path) -> None:
    """A manifest with one of its paths changed."""
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"a.txt", b"z.txt"))


def swap(one: Path, other: Path) -> None:
    """Two files in each other's place."""
    first, second = one.read_bytes(), other.read_bytes()
    for path, data in ((one, second), (other, first)):
        path.chmod(0o644)
        path.write_bytes(data)


SINGLE: dict[str, tuple[Damage, str]] = {
    "one bit flipped, times kept": (flip, MODEL),
    "cut in half": (truncate, WHOLE),
    "emptied": (empty, PART),
    "bytes added": (longer, MODEL),
    "gone": (Path.unlink, PART),
}
MANIFEST: dict[str, Damage] = {
    "a folder's manifest altered": renamed,
    "a manifest gone": Path.unlink,
}


def single(damage: Damage, path: str, where: str, bench: Bench) -> Answer:
    """One file, damaged in one place."""
    toy = bench.toy()
    damage(toy.place(where, path))
    return named(toy, where, path)


def named(toy: Toy, where: str, *paths: str) -> Answer:
    """`verify` names each path at its place; `--repair` mends it, but for a remote: that says how."""
    result = plumbline(toy, "verify")
    answer = result.answer(DETECTED, where, paths[0], toy.oids[paths[0]])
    if not all(result.line(where, path) for path in paths):
        return Answer(result.words, result.text, SILENT)
    again = plumbline(toy, "verify", "--repair")
    if where.startswith("remote"):
        return both(answer, "says how to mend it", "`dvc push`" in again.text)
    return both(answer, REPAIRED, again.code == 0 and sound(toy, *paths))


def sound(toy: Toy, *paths: str) -> bool:
    """Whether these are as recorded in the work tree and the cache."""
    places = [(w, p) for w in ("workspace", "cache") for p in paths]
    files = {(w, p): toy.place(w, p) for w, p in places if (w, p) != ("workspace", PARTS)}
    return all(md5(file) == toy.oids[p].removesuffix(".dir") for (_, p), file in files.items())


def swapped(where: str, bench: Bench) -> Answer:
    """Two objects under each other's name: both are whole, and both are wrong."""
    toy = bench.toy()
    swap(toy.place(where, MODEL), toy.place(where, WHOLE))
    return named(toy, where, MODEL, WHOLE)


def stray(bench: Bench) -> Answer:
    """A file that no run wrote; the next stage would read it."""
    toy = bench.toy()
    (toy.path / PARTS / "stray.txt").write_text("x")
    return plumbline(toy, "verify").answer(DETECTED, "extra", f"{PARTS}/stray.txt")


def believed(where: str, bench: Bench) -> Answer:
    """A flipped bit that DVC calls up to date."""
    toy = bench.toy()
    well(run(toy, "dvc", "status"))
    flip(toy.place(where, MODEL))
    assert "up to date" in run(toy, "dvc", "status").text
    return named(toy, where, MODEL)


def everywhere(bench: Bench) -> Answer:
    """Bad in all three places: named three times, repaired from nowhere, nothing overwritten."""
    toy = bench.toy()
    files = [toy.place(where, MODEL) for where in PLACES.values()]
    for file in files:
        flip(file)
    before = [file.read_bytes() for file in files]
    result = plumbline(toy, "verify", "--repair")
    answer = result.answer(DETECTED, "workspace", MODEL, "no good copy")
    same = [file.read_bytes() for file in files] == before
    return both(answer, "repair refused", same and "3 bad" in result.text)


def two_places(bench: Bench) -> Answer:
    """Bad in the work tree and the cache: the remote has it good."""
    toy = bench.toy()
    for where in ("workspace", "cache"):
        truncate(toy.place(where, WHOLE))
    return named(toy, "cache", WHOLE)


def rolled(damage: Damage, where: str, bench: Bench) -> Answer:
    """A rollback must not carry on over bytes that it could not put back."""
    toy = bench.toy()
    (toy.path / "source/toy.txt").write_text("one two three four")
    toy.repro()
    toy.commit("v2")
    damage(toy.place(where, MODEL) if where == "cache" else toy.path / MODEL)
    (toy.path.parent / "remote").rename(toy.path.parent / "away")
    result = plumbline(toy, "rollback", "v1")
    return at_main(toy, result, MODEL)


def at_main(toy: Toy, result: Done, *parts: str) -> Answer:
    """Refused, and git did not move."""
    stayed = run(toy, "git", "branch", "--show-current").text.strip() == "main"
    return both(result.answer(REFUSED, *parts), "nothing moved", stayed)


def faults() -> Iterator[Fault]:
    """All of them, place by place."""
    for short, where in PLACES.items():
        for name, (damage, path) in SINGLE.items():
            yield Fault(f"an output {name}", short, partial(single, damage, path, where))
        yield Fault("two outputs swapped", short, partial(swapped, where))
        if where == "workspace":
            yield Fault("a file that no run wrote in an output's folder", short, stray)
            continue
        for name, damage in MANIFEST.items():
            yield Fault(name, short, partial(single, damage, PARTS, where))
    for where in ("workspace", "cache"):
        name = "a flipped bit that DVC's state calls up to date"
        yield Fault(name, where, partial(believed, where))
    yield Fault("an output cut in half", "workspace and cache", two_places)
    yield Fault("a flipped bit in every copy", "workspace, cache, remote", everywhere)
    yield Fault("rollback over a flipped output", "workspace", partial(rolled, flip, "workspace"))
    yield Fault("rollback to a flipped object", "cache, no remote", partial(rolled, flip, "cache"))
    name = "rollback to an object that is gone"
    yield Fault(name, "cache, no remote", partial(rolled, Path.unlink, "cache"))
