"""Which entries a merge may keep, and what dvc.yaml declares, without DVC or git."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from plumbline.ops.resolve.choose import MergedTree, MergeSide, choose
from plumbline.runtime import dvc_lock
from plumbline.runtime.dvc_yaml import DeclaredOut, DeclaredStage

STAGES = {
    "last": DeclaredStage(
        "make last",
        ("one",),
        {"params.yaml": ("n",)},
        (DeclaredOut("two"), DeclaredOut("m.json", "metrics", cached=False)),
    ),
    "first": DeclaredStage("make one", ("code.py",), {}, (DeclaredOut("one"),)),
}
TREE = MergedTree(STAGES, {"code.py": "c1"}, {"params.yaml": {"n": {"deep": 1}}})


def listed(**md5s: str) -> list[dict[str, str]]:
    names = {"code": "code.py", "metric": "m.json"}
    return [{"path": names.get(k, k), "md5": v} for k, v in md5s.items()]


Change = Callable[[dict[str, Any]], object]


def side(name: str = "ours", kept: str = "k1", **changes: Change) -> MergeSide:
    """A side whose entries of the named stages are changed before they are read."""
    raw: dict[str, Any] = {
        "first": {"cmd": "make one", "deps": listed(code="c1"), "outs": listed(one="o1")},
        "last": {
            "cmd": "make last",
            "deps": listed(one="o1"),
            "params": {"params.yaml": {"n": {"deep": 1}}},
            "outs": listed(two="t1", metric="k1"),
        },
    }
    for stage, change in changes.items():
        change(raw.setdefault(stage, {}))
    entries = dvc_lock.parse(yaml.safe_dump({"stages": raw}))
    return MergeSide(name, entries, {"m.json": kept})


def result(*sides: MergeSide, tree: MergedTree = TREE) -> dict[str, tuple[str, ...]]:
    return {c.stage: c.sides for c in choose(sides, tree)}


def test_what_matches_is_taken_upstream_first() -> None:
    assert list(result(side()).items()) == [("first", ("ours",)), ("last", ("ours",))]
    assert result(side(), side("theirs"))["last"] == ("ours", "theirs")
    assert result(side(kept="k2"), side("theirs"))["last"] == ("theirs",)


@pytest.mark.parametrize(
    ("stage", "change", "dropped"),
    [
        ("first", lambda e: e.update(cmd="make it"), {"first", "last"}),
        ("first", lambda e: e["deps"][0].update(md5="c2"), {"first", "last"}),
        ("first", lambda e: e["deps"].append({"path": "x", "md5": "y"}), {"first", "last"}),
        ("first", lambda e: e["deps"].clear(), {"first", "last"}),
        ("first", lambda e: e.update(params={"params.yaml": {"n": 1}}), {"first", "last"}),
        ("first", lambda e: e["outs"][0].update(md5="o2"), {"last"}),
        ("last", lambda e: e["params"]["params.yaml"].update(n={"deep": 2}), {"last"}),
        ("last", lambda e: e["params"]["params.yaml"].clear(), {"last"}),
        ("last", lambda e: e["outs"][1].update(md5="k2"), {"last"}),
        ("last", lambda e: e["outs"].pop(), {"last"}),
    ],
)
def test_one_difference_drops_it_and_what_reads_it(
    stage: str, change: Change, dropped: set[str]
) -> None:
    results = choose([side(**{stage: change})], TREE)
    assert {c.stage for c in results if c.entry is None} == dropped
    assert all(c.reason for c in results if c.entry is None)


def test_two_sides_with_other_outs_from_the_same_inputs_are_both_dropped() -> None:
    theirs = side("theirs", first=lambda e: e["outs"][0].update(md5="o2"))
    results = {c.stage: c.reason for c in choose([side(), theirs], TREE) if c.entry is None}
    assert "one is wrong" in results["first"]
    assert "one has to be rebuilt" in results["last"]


def test_a_stage_that_is_not_declared_or_never_ran_is_dropped() -> None:
    tree = MergedTree({**STAGES, "new": DeclaredStage("x")}, TREE.files, TREE.values)
    ours = side(gone=lambda _: None)
    reasons = {c.stage: c.reason for c in choose([ours], tree)}
    assert reasons["new"] == "no side has run it"
    assert "no such stage" in reasons["gone"]
