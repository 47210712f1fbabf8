"""A pin that moves: which stages it reaches, whether they were rebuilt with it, and what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plumbline.core.hashing import md5_bytes
from plumbline.report import markdown
from plumbline.review import comparison_blocks, lock_reasons, packages
from plumbline.review.comparison import LockState
from plumbline.runtime.dvc_lock import Entry
from tests.reviews import comparison

TRAIN, DATA = "environment/train.txt", "environment/data.txt"
Side = tuple[dict[str, str], dict[str, Entry]]


def side(boost: str, ruff: str = "1", model: str = "m1") -> Side:
    """Texts and entries where train ran with this version of `boost`."""
    texts = {
        "requirements.txt": f"boost=={boost}\nnumpy==2\nruff=={ruff}\n",
        TRAIN: f"boost=={boost}\nnumpy==2\n",
        DATA: "numpy==2\n",
    }
    entries = {
        "data@shop": Entry(deps={DATA: md5_bytes(texts[DATA].encode())}, outs={"raw": "r"}),
        "train@shop": Entry(
            deps={TRAIN: md5_bytes(texts[TRAIN].encode())}, outs={"models/shop": model}
        ),
    }
    return texts, entries


def effect(base: Side, head: Side) -> dict[str, dict[str, Any]]:
    return {one.key: one.plain() for one in packages.effects(base, head)}


def words(base: Side, head: Side) -> str:
    moved = packages.effects(base, head)
    return markdown.comment(comparison_blocks.blocks(comparison(packages=moved), "x")).replace(
        "\\", ""
    )


def test_the_same_bytes() -> None:
    boost = effect(side("1"), side("2"))["boost"]
    assert boost == {
        **{"key": "boost", "base": "1", "head": "2", "reaches": True},
        **{"stages": ["train@shop"], "rebuilt": True, "outs": []},
    }
    assert "boost 1 → 2: rebuilt; same bytes (train of shop)." in words(side("1"), side("2"))


def test_outs_that_differ() -> None:
    text = words(side("1"), side("2", model="m2"))
    assert "boost 1 → 2: rebuilt; outs that differ: models/shop (train of shop)." in text


def test_what_cannot_change_an_out() -> None:
    assert effect(side("1"), side("1", ruff="2"))["ruff"]["reaches"] is False
    text = words(side("1"), side("2", ruff="2"))
    assert "Cannot change an out: ruff." in text
    assert "boost 1 → 2: rebuilt" in text


def test_a_pin_that_the_stages_have_not_run_with_yet() -> None:
    texts, _ = side("2")
    text = words(side("1"), (texts, side("1")[1]))
    assert "boost 1 → 2: not rebuilt with it yet: train of shop." in text


def test_a_library_that_a_stage_no_longer_has() -> None:
    texts, entries = side("2")
    gone = {**texts, TRAIN: "numpy==2\n", "requirements.txt": "numpy==2\nruff==1\n"}
    entry = replace(entries["train@shop"], deps={TRAIN: md5_bytes(gone[TRAIN].encode())})
    boost = effect(side("1"), (gone, {**entries, "train@shop": entry}))["boost"]
    assert (boost["head"], boost["stages"], boost["rebuilt"]) == (None, ["train@shop"], True)


def test_a_use_case_that_is_new_has_no_outs_to_differ() -> None:
    texts, entries = side("1")
    base = texts, {"data@shop": entries["data@shop"]}
    boost = effect(base, side("2", model="m2"))["boost"]
    assert (boost["stages"], boost["outs"]) == (["train@shop"], [])


def test_a_side_without_such_files_says_only_what_moved() -> None:
    old = {"requirements.txt": "boost==0\n"}, {"train@shop": Entry()}
    assert effect(old, side("1"))["boost"]["reaches"] is None
    assert "Dependencies changed: boost, numpy, ruff." in words(old, side("1"))


def test_many_are_told_apart_and_none_fills_the_comment() -> None:
    lock = "".join(f"lib{i}==1\n" for i in range(9))
    texts, entries = side("1")
    text = words((texts, entries), ({**texts, "requirements.txt": lock}, entries))
    assert "Cannot change an out: lib0, lib1, lib2, lib3, lib4 and 5 more." in text


@pytest.mark.parametrize("line", ["environment/train.txt: boost 1, expected 2"])
def test_the_gate_refuses_files_that_are_not_the_locks(line: str) -> None:
    state = LockState(md5="0", checked=True, environment=[line])
    (reason,) = lock_reasons.of_lock(state)
    assert reason.kind == "environment"
    assert reason.text == (
        f"not what requirements.txt and the imports give: {line}; run `plumbline environment`, "
        "`make install` and `dvc repro`, and commit"
    )
