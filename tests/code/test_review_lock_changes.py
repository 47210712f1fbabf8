"""The entries of two dvc.locks compared."""

from __future__ import annotations

import pytest

from plumbline.review import lock_changes
from plumbline.review.comparison_sections import ChangedPath, ChangedValue
from plumbline.runtime.dvc_lock import Entry


def test_a_stage_is_changed_by_its_deps_params_and_command() -> None:
    base = {
        "train": Entry("go", {"x": "1", "y": "1"}, {"k": 1}, {"m": "1"}),
        "data": Entry("same"),
        "old": Entry("away"),
    }
    head = {
        "train": Entry("run", {"x": "2", "z": "1"}, {"k": 2}, {"m": "2"}),
        "data": Entry("same"),
    }
    old, train = lock_changes.changed_stages(base, head)
    assert train.change == "changed"
    assert train.command
    assert train.params == ["k"]
    assert [(d.path, d.change) for d in train.deps] == [
        ("x", "changed"),
        ("y", "removed"),
        ("z", "added"),
    ]
    assert train.outs == [ChangedPath(path="m", change="changed")]
    assert (old.name, old.change) == ("old", "removed")
    assert lock_changes.changed_params(base, head) == [ChangedValue(key="k", base=1, head=2)]


@pytest.mark.capability("A3")
def test_edges_and_lineage() -> None:
    written = {"t/train": "1", "t/valid": "2", "t/test": "3"}
    own = {
        "data": Entry(outs={"raw": "d", "m/data.json": "e"}),
        "features": Entry(outs=written, deps={"raw": "d"}),
        "train": Entry(deps={"t/train": "1", "t/valid": "2"}, outs={"models/a": "9.dir"}),
        "evaluate": Entry(deps={"models/a": "9.dir", "t/train": "1", "t/test": "3"}),
    }
    assert lock_changes.lineage(own)["model"] == {"models/a": "9.dir"}
    assert lock_changes.lineage({}) == {"model": {}}
    edges = [["data", "features"], ["features", "train"], ["train", "evaluate"]]
    assert lock_changes.edges(own) == edges
