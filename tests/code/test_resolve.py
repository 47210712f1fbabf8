"""Which entries a merge may keep, and what dvc.yaml declares, without DVC or git."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plumbline.ops.resolve.choose import Side, Tree, choose
from plumbline.repo.dvc_yaml import Declared, stages

STAGES = {
    "last": Declared(
        "make last", ("one",), {"params.yaml": ("n",)}, ("two", "m.json"), ("m.json",)
    ),
    "first": Declared("make one", ("code.py",), {}, ("one",)),
}
TREE = Tree(STAGES, {"code.py": "c1"}, {"params.yaml": {"n": {"deep": 1}}})


def listed(**md5s: str) -> list[dict[str, str]]:
    names = {"code": "code.py", "metric": "m.json"}
    return [{"path": names.get(k, k), "md5": v} for k, v in md5s.items()]


def side(name: str = "ours", kept: str = "k1") -> Side:
    entries = {
        "first": {"cmd": "make one", "deps": listed(code="c1"), "outs": listed(one="o1")},
        "last": {
            "cmd": "make last",
            "deps": listed(one="o1"),
            "params": {"params.yaml": {"n": {"deep": 1}}},
            "outs": listed(two="t1", metric="k1"),
        },
    }
    return Side(name, entries, {"m.json": kept})


def result(*sides: Side, tree: Tree = TREE) -> dict[str, tuple[str, ...]]:
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
        ("last", lambda e: e["outs"][0].pop("md5"), {"last"}),
    ],
)
def test_one_difference_drops_it_and_what_reads_it(
    stage: str, change: Callable[[dict[str, Any]], object], dropped: set[str]
) -> None:
    ours = side()
    change(ours.entries[stage])
    found = choose([ours], TREE)
    assert {c.stage for c in found if c.entry is None} == dropped
    assert all(c.reason for c in found if c.entry is None)


def test_two_sides_with_other_outs_from_the_same_inputs_are_both_dropped() -> None:
    theirs = side("theirs")
    theirs.entries["first"]["outs"][0].update(md5="o2")
    found = {c.stage: c.reason for c in choose([side(), theirs], TREE) if c.entry is None}
    assert "one is wrong" in found["first"]
    assert "one is to be made again" in found["last"]


def test_a_stage_that_is_not_declared_or_never_ran_is_dropped() -> None:
    tree = Tree({**STAGES, "new": Declared("x")}, TREE.files, TREE.values)
    ours = Side("ours", {**side().entries, "gone": {}}, side().kept)
    reasons = {c.stage: c.reason for c in choose([ours], tree)}
    assert reasons["new"] == "no side has run it"
    assert "no such stage" in reasons["gone"]


def test_templates_are_filled_in() -> None:
    graph = {
        "stages": {
            "a": {
                "matrix": {"x": ["p", "q"], "y": "${ys}"},
                "cmd": "do ${item.x} ${item.y} ${deep.er}",
                "params": ["seed", {"other.yaml": ["k"]}],
                "outs": ["o/${item.x}"],
                "metrics": [{"m/${item.x}.json": {"cache": False}}],
            },
            "unknown": {"cmd": "do ${nothing}"},
            "many": {"foreach": ["a"], "do": {"cmd": "x"}},
        }
    }
    found = stages(graph, {"ys": [1], "deep": {"er": "z"}})
    assert list(found) == ["a@p-1", "a@q-1"]
    one = found["a@q-1"]
    assert (one.cmd, one.outs, one.kept) == ("do q 1 z", ("o/q", "m/q.json"), ("m/q.json",))
    assert one.params == {"params.yaml": ("seed",), "other.yaml": ("k",)}
