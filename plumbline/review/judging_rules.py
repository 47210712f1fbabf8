"""What decides on a change and the change itself alters: limits, declarations, tests, workflows, library. An edge: reads git.

A limit of base judges the change whatever head says. A change of one stands in the first lines of the
comment all the same, since the next change will be judged by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from plumbline.core.hashing import md5_bytes
from plumbline.repo import revisions
from plumbline.review import declared_rules, lock_changes, packages
from plumbline.review.comparison_sections import ChangedValue, RuleChange
from plumbline.review.declared_rules import Declared
from plumbline.review.revision import PARAMS, Revision
from plumbline.runtime import dvc_lock, git

SECTIONS = ("gate", "evaluate", "monitor", "validate")
"""Of a use case's params: what limits a change, or says what is measured."""
KEYS = ("train.costs", *(f"features.{n}_days" for n in ("warmup", "valid", "test", "current")))
OVERRIDE = "gate.override"
"""The reason in words; it lifts, and limits nothing."""
CONFIG = ".dvc/config"
FILES = re.compile(
    r"Makefile$|\.ci/|\.github/|CODEOWNERS$|dvc\.yaml$|\.dvcignore$|pyproject\.toml$|requirements[^/]*$"
    r"|\.pre-commit-config\.yaml$|plumbline/|stages/|tests/"
)
"""What runs, checks or judges every change."""
NEW_TEST = re.compile(r"tests/(.*/)?test_[^/]*\.py$")
MOST = 100
"""Files that are named."""


def changed(
    base: Revision, head: Revision, declared: Mapping[str, tuple[Declared, Declared]]
) -> list[RuleChange]:
    """Each rule that head alters, with both values: the project's first, then by use case.

    `declared`: by use case what base and head declare.
    """
    found = [*_project(base, head), *_of_usecases(base, head, declared)]
    return [RuleChange(usecase=usecase, key=k, base=b, head=h) for usecase, k, b, h in found]


def project_override(base: Revision, head: Revision) -> str | None:
    """The reason at the top of head's params.yaml, where it was written for this change."""
    own, old = (_nested(_params(side), "gate", "override") for side in (head, base))
    return own if isinstance(own, str) and own != old else None


def override(base: Revision, head: Revision, name: str) -> str | None:
    """The use case's reason in head's params.yaml, where it was written for this change."""
    own, old = (side.gate(name).get(f"{name}.{OVERRIDE}") for side in (head, base))
    return own if isinstance(own, str) and own != old else None


Found = tuple[str | None, str, Any, Any]


def _project(base: Revision, head: Revision) -> Iterator[Found]:
    yield from ((None, f"package {one.key}", one.base, one.head) for one in _packages(base, head))
    yield from ((None, f"{CONFIG}: {one.key}", one.base, one.head) for one in _config(base, head))
    names = _files(base, head)
    here, there = _lines(base, names), _lines(head, names)
    for name in names[:MOST]:
        yield None, name, here.get(name), there.get(name, declared_rules.REMOVED)
    if len(names) > MOST:
        yield None, f"and {len(names) - MOST} more files", None, None


def _of_usecases(
    base: Revision, head: Revision, declared: Mapping[str, tuple[Declared, Declared]]
) -> Iterator[Found]:
    for name, sides in declared.items():
        limits = [_limits(side, name) for side in (base, head)]
        for one in lock_changes.values(*limits):
            yield name, one.key, one.base, one.head
        for key, (old, new) in declared_rules.changes(*sides).items():
            yield name, key, old, new


def _limits(side: Revision, name: str) -> dict[str, Any]:
    """The limits by dotted key, as they are written."""
    section = _params(side).get(name)
    if not isinstance(section, dict):
        return {}
    kept = {key: section.get(key) for key in SECTIONS if section.get(key)}
    flat = dvc_lock.flat(kept, "")
    for key in KEYS:
        value = _nested(section, *key.split("."))
        if value is not None:
            flat |= dvc_lock.flat(value, key)
    return {k.lstrip("."): v for k, v in flat.items() if k.lstrip(".") != OVERRIDE}


def _packages(base: Revision, head: Revision) -> list[ChangedValue]:
    return packages.changed(dict(base.texts), dict(head.texts))


def _config(base: Revision, head: Revision) -> list[ChangedValue]:
    return lock_changes.values(*(_settings(side) for side in (base, head)))


def _settings(side: Revision) -> dict[str, str]:
    """DVC's committed configuration by section and key."""
    from configobj import ConfigObj

    data = revisions.blobs(side.root, side.rev, (CONFIG,)).get(CONFIG, b"")
    config = ConfigObj(data.decode(errors="replace").splitlines(), list_values=False)
    return {f"{s}.{k}": str(v) for s in config.sections for k, v in config[s].items()}


def _files(base: Revision, head: Revision) -> list[str]:
    """The watched files that differ; a new file of tests only adds to them."""
    sides = [base.commit, *([head.commit] if head.rev else [])]
    words = ("diff", "--name-status", "--no-renames", "-z", "--relative", *sides, "--")
    parts = git.names(head.root, *words)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    pinned = set(packages.LOCKS)  # said package by package
    return [
        name
        for status, name in pairs
        if FILES.match(name) and name not in pinned and not (status == "A" and NEW_TEST.match(name))
    ]


def _lines(side: Revision, names: Sequence[str]) -> dict[str, str]:
    blobs = revisions.blobs(side.root, side.rev, names[:MOST])
    return {name: _content(data) for name, data in blobs.items()}


def _content(data: bytes) -> str:
    count = len(data.splitlines())
    return f"{count} lines, md5 {md5_bytes(data)[:8]}"


def _params(side: Revision) -> dict[str, Any]:
    try:
        whole = yaml.safe_load(side.texts.get(PARAMS, ""))
    except yaml.YAMLError:
        return {}
    return whole if isinstance(whole, dict) else {}


def _nested(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
