"""Two revisions compared, use case by use case, as one JSON that the report and the gate read. An edge."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from plumbline import usecase as usecases
from plumbline.evaluation.metrics import PRIMARY
from plumbline.history import places, revisions
from plumbline.history.hashing import md5_bytes
from plumbline.history.places import Folder
from plumbline.review import (
    contents,
    costs,
    drifted,
    lockcheck,
    locks,
    packages,
    ruling,
    scoring,
    sides,
)
from plumbline.review.locks import Entries
from plumbline.review.scoring import Case
from plumbline.review.sides import Side

log = logging.getLogger("plumbline")


def compare(
    root: Path,
    base: str,
    head: str | None,
    repro_log: str | None = None,
    *,
    committed: bool = False,
) -> dict[str, Any]:
    """Base against head (None: the work tree), and head against the last release, for JSON.

    `repro_log`: what `dvc repro` printed; where a stage failed, its error stands in place of figures.
    `committed`: dvc.lock must be HEAD's, too, stage by stage.
    PlumblineError where a revision, or an object that it names, is not there.
    """
    old, new = sides.side(root, base), sides.side(root, head)
    last = sides.release(root, new)
    failed = None if repro_log is None else lockcheck.failure(repro_log)
    differing = [] if failed else changed(old.entries, new.entries)
    found = {
        "format": ruling.FORMAT,
        "base": old.about(),
        "head": new.about(),
        "release": last.about() if last else None,
        "failed": failed,
        "packages": packages.changed(dict(old.texts), dict(new.texts)),
        "unchanged": sorted(locks.usecases(new.entries) - set(differing)),
        "removed": sorted(locks.usecases(old.entries) - locks.usecases(new.entries)),
        "usecases": {name: _usecase(name, old, new, last) for name in differing},
        "lock": _lock(root, new) | ({"uncommitted": uncommitted(root)} if committed else {}),
    }
    return {**found, "gate": ruling.ruling(found)}


def changed(base: Entries, head: Entries) -> list[str]:
    """The use cases of head whose entries are not base's."""
    names = sorted(locks.usecases(head))
    return [n for n in names if locks.of(base, n) != locks.of(head, n)]


def lock_md5(side: Side) -> str:
    """The md5 of a side's dvc.lock: which comparison a JSON is."""
    return md5_bytes(side.texts[sides.LOCK].encode())


def uncommitted(root: Path) -> list[str]:
    """The stages whose entry in dvc.lock, or an out that git keeps, is not HEAD's in the work tree."""
    here = sides.side(root, None)
    outs = {path: (name, md5) for name, e in here.entries.items() for path, md5 in e.outs.items()}
    kept = revisions.blobs(root, "HEAD", (sides.LOCK, *outs))
    text = kept.pop(sides.LOCK, b"").decode(errors="replace")
    found = lockcheck.differing(locks.parse(text, f"HEAD: {sides.LOCK}"), here.entries)
    others = {outs[path][0] for path, data in kept.items() if md5_bytes(data) != outs[path][1]}
    return sorted({*found, *others})


def _lock(root: Path, head: Side) -> dict[str, Any]:
    """Whether head's dvc.lock is what its files give; only the work tree's can be asked."""
    md5 = lock_md5(head)
    here = head if head.rev is None else sides.side(root, None)
    if here.texts != head.texts:
        return {"md5": md5, "checked": False}
    return {"md5": md5, **lockcheck.check(here)}


def _usecase(name: str, base: Side, head: Side, release: Side | None) -> dict[str, Any]:
    log.info("compare: %s", name)
    params = head.params(name)
    case = Case(usecases.load(name), params)
    old, new = locks.of(base.entries, name), locks.of(head.entries, name)
    before, after = base.told(name), head.told(name)
    cache = places.settings(head.root).folder()
    against = _against(cache, case, base, head)
    return {
        "problem": case.usecase.problem,
        "primary": PRIMARY[case.usecase.problem],
        "level": params.evaluate.level,
        "margin": params.gate.margin,
        "limits": params.gate.model_dump(include={"slice_loss", "cost_growth", "too_good"}),
        "override": params.gate.override,
        "base": against,
        "release": _released(cache, case, (base, release), head, against) if release else {},
        "params": locks.changed_params(old, new) + locks.values(base.gate(name), head.gate(name)),
        "stages": locks.changed_stages(old, new),
        "edges": locks.edges(new),
        "data": contents.data(before, after),
        "features": contents.features(before, after),
        "drift": drifted.drift_of(cache, case, (base.name, old), (head.name, new)),
        "cost": costs.costs(head.root, name, old, new),
        "monitor": contents.monitor(after),
        "evaluate": contents.evaluate(after),
        "blocked": contents.blocked(after),
        "lineage": {"base": locks.lineage(old), "head": locks.lineage(new)},
    }


def _against(cache: Folder, case: Case, other: Side, head: Side) -> dict[str, Any]:
    """The windows' comparisons; none where the other side does not have the use case."""
    name = case.usecase.name
    old, new = locks.of(other.entries, name), locks.of(head.entries, name)
    if not old:
        return {}
    return scoring.compared(cache, case, (other.name, old), (head.name, new))


def _released(
    cache: Folder, case: Case, others: tuple[Side, Side], head: Side, against: dict[str, Any]
) -> dict[str, Any]:
    """Head against the release: what was found against base, where both have the same bytes."""
    sides_of = [locks.of(side.entries, case.usecase.name) for side in others]
    used = [(locks.model(mine), locks.test_table(mine)) for mine in sides_of]
    return against if used[0] == used[1] else _against(cache, case, others[1], head)
