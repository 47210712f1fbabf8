"""What decides on a change and the change itself alters: limits, declarations, tests, workflows, library. An edge: reads git.

A limit of base judges the change whatever head says. A change of one stands in the first lines of the
comment all the same, since the next change will be judged by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from plumbline import config
from plumbline.repo import revisions
from plumbline.review import declared_rules, judging_files, lock_changes, packages
from plumbline.review.comparison_sections import ChangedValue, RuleChange
from plumbline.review.declared_rules import Declared
from plumbline.review.revision import PARAMS, Revision
from plumbline.runtime import dvc_lock

SECTIONS = ("gate", "evaluate", "monitor", "validate", "features", "alerts")
"""Of a use case's params: what limits a change, says what is measured, or who hears of it."""
KEYS = ("train.costs", "train.class_costs", "train.decisions")
LIMITS_NOTHING = ("gate.override", "features.join")
WAIVERS = "validate.waivers"
"""Data let through: as a list it would say what it is in no first line."""
OVERRIDE = "gate.override"
"""The reason in words; it lifts, and limits nothing."""


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
    return _new_reason(own, old)


def override(base: Revision, head: Revision, name: str) -> str | None:
    """The use case's reason in head's params.yaml, where it was written for this change."""
    own, old = (side.gate(name).get(f"{name}.{OVERRIDE}") for side in (head, base))
    return _new_reason(own, old)


def _new_reason(own: Any, old: Any) -> str | None:
    """A reason in words that says something else than base's."""
    if not isinstance(own, str) or len(config.bare(own)) < config.SHORTEST:
        return None
    same = isinstance(old, str) and config.bare(old) == config.bare(own)
    return None if same else own


Found = tuple[str | None, str, Any, Any]


def _project(base: Revision, head: Revision) -> Iterator[Found]:
    yield from ((None, f"package {one.key}", one.base, one.head) for one in _packages(base, head))
    yield from (
        (None, f"{judging_files.CONFIG}: {one.key}", one.base, one.head)
        for one in _config(base, head)
    )
    for one in lock_changes.values(*(_top(side) for side in (base, head))):
        yield None, one.key, one.base, one.head
    yield from ((None, *found) for found in judging_files.changed(base, head))


def _of_usecases(
    base: Revision, head: Revision, declared: Mapping[str, tuple[Declared, Declared]]
) -> Iterator[Found]:
    """Limits of every use case that both have: the next change is judged by them, even where this has no model."""
    names = dvc_lock.usecases(base.entries) & dvc_lock.usecases(head.entries)
    for name in sorted(names | declared.keys()):
        for one in lock_changes.values(*(_limits(side, name) for side in (base, head))):
            yield name, one.key, one.base, one.head
        for key, (old, new) in declared_rules.changes(*declared.get(name, ({}, {}))).items():
            yield name, key, old, new


def _limits(side: Revision, name: str) -> dict[str, Any]:
    """The limits by dotted key, as they are written."""
    section = _params(side).get(name)
    if not isinstance(section, dict):
        return {}
    kept = {key: section.get(key) for key in SECTIONS if section.get(key)}
    flat = _waivers_apart(dvc_lock.flat(kept, ""))
    for key in KEYS:
        value = _nested(section, *key.split("."))
        if value is not None:
            flat |= dvc_lock.flat(value, key)
    return {k.lstrip("."): v for k, v in flat.items() if k.lstrip(".") not in LIMITS_NOTHING}


def _waivers_apart(flat: dict[str, Any]) -> dict[str, Any]:
    """Each waiver as a rule of its own, in words; whatever else stands there stays as it is."""
    listed = flat.get(WAIVERS)
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        return flat
    words: dict[str, list[str]] = {}
    for one in listed:
        ordered = dict.fromkeys(("reason", "by", "expires", *one))
        text = ", ".join(f"{k} {one[k]}" for k in ordered if k in one and k != "check")
        words.setdefault(f"{WAIVERS}.{one.get('check')}", []).append(text)
    rest = {key: value for key, value in flat.items() if key != WAIVERS}
    return rest | {key: "; ".join(texts) for key, texts in words.items()}


def _top(side: Revision) -> dict[str, Any]:
    """Who hears of the monitor's findings, for all use cases, by dotted key."""
    alerts = _params(side).get("alerts")
    return dvc_lock.flat(alerts, "alerts") if alerts else {}


def _packages(base: Revision, head: Revision) -> list[ChangedValue]:
    return packages.changed(dict(base.texts), dict(head.texts))


def _config(base: Revision, head: Revision) -> list[ChangedValue]:
    return lock_changes.values(*(_settings(side) for side in (base, head)))


def _settings(side: Revision) -> dict[str, str]:
    """DVC's committed configuration by section and key; other lines than settings by themselves."""
    name = judging_files.CONFIG
    data = revisions.blobs(side.root, side.rev, (name,)).get(name, b"")
    found: dict[str, str] = {}
    section = ""
    for line in map(str.strip, data.decode(errors="replace").splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip().strip("'").strip()
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[f"{section}.{key.strip()}"] = value.strip()
    return found


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
