"""Outs are written whole or not at all, and JSON is the same bytes for the same content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plumbline.core.errors import PlumblineError
from plumbline.core.files import dumps, read_json, replacing, replacing_folder, write_json


def test_a_failing_block_leaves_the_last_good_file(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    out.write_text("good")
    with pytest.raises(ZeroDivisionError), replacing(out) as beside:
        beside.write_text(str(1 / 0))
    assert out.read_text() == "good"
    assert list(tmp_path.iterdir()) == [out]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("one", "two"):
        with replacing_folder(out) as beside:
            (beside / name).write_text(name)
    assert [p.name for p in out.iterdir()] == ["two"]
    assert list(tmp_path.iterdir()) == [out]


def test_a_failing_folder_leaves_the_last_good_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with replacing_folder(out) as beside:
        (beside / "good").write_text("good")
    with pytest.raises(ZeroDivisionError), replacing_folder(out):
        raise ZeroDivisionError
    assert [p.name for p in out.iterdir()] == ["good"]


def test_json_is_stable(tmp_path: Path) -> None:
    write_json(
        tmp_path / "a.json", {"b": np.float64(0.1) + 0.2, "a": np.arange(2), "n": float("inf")}
    )
    assert (tmp_path / "a.json").read_text() == (
        '{\n  "a": [\n    0,\n    1\n  ],\n  "b": 0.3,\n  "n": null\n}\n'
    )
    assert read_json(tmp_path / "a.json") == {"a": [0, 1], "b": 0.3, "n": None}


def test_integers_keep_every_digit() -> None:
    assert dumps(2**60 + 1) == "1152921504606846977\n"


def test_damaged_or_missing_json(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match="no such file; run `dvc checkout`, or `dvc repro`"):
        read_json(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(PlumblineError, match=r"bad\.json: not valid JSON"):
        read_json(tmp_path / "bad.json")
